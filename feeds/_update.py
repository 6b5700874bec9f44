"""Update: fetch the lists that are due, keep what is good, merge, gate and publish a trail set.

Strategy: nothing bad replaces something good. A new copy of a list takes the old one's place
only after it was read to its end; a new set takes the current one's place only if it is
plausible; every replacement is one rename. What failed is reported and serves as it was.
"""

import fcntl
import hashlib
import json
import logging
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from agent import __version__
from agent.config import ConfigError, Settings, public
from agent.trails.build import Builder
from agent.trails.publish import current_set, publish, sets_folder, sync_file, sync_folder
from agent.trails.set import SetError, TrailSet
from feeds import _state
from feeds._fetch import Fetched, Fetcher, FetchError, Validators
from feeds._merge import Copy, Tally, merge
from feeds._reader import Reader, inspect, readers
from feeds._state import ListState, State

FOLDER = "lists"

SHRINK = 2
"""A set with less than one part in this many of the current keys is refused."""

Status = Literal["published", "unchanged", "refused", "failed"]
Outcome = Literal["new", "unchanged", "not due", "kept", "missing"]

EXIT: Mapping[Status, int] = {"published": 0, "unchanged": 0, "refused": 3, "failed": 4}

_log = logging.getLogger("feeds.update")


class ListReport(msgspec.Struct, frozen=True, kw_only=True):
    """One list after an update.

    `outcome`: a new copy, the same as before, not asked, `kept` (failed, the last good copy
    serves) or `missing` (failed, and there is none). `age` is that of the copy in seconds.
    `held_back` rows lacked other lists' voices, `left_out` rows are counted by reason.
    """

    name: str
    outcome: Outcome
    rows: int = 0
    rejected: int = 0
    age: float | None = None
    error: str = ""
    added: int = 0
    held_back: int = 0
    left_out: Mapping[str, int] = {}


class UpdateResult(msgspec.Struct, frozen=True, kw_only=True):
    """What an update came to; `reason` is one line for people. `dry_run` changed nothing."""

    status: Status
    reason: str
    lists: tuple[ListReport, ...] = ()
    set_id: str = ""
    keys: int = 0
    dry_run: bool = False

    @property
    def exit_status(self) -> int:
        """Return the status that the command exits with."""
        return EXIT[self.status]


Progress = Callable[[str], None]


def update(
    settings: Settings,
    state_dir: Path,
    now: float,
    force: bool = False,
    dry_run: bool = False,
    only: Collection[str] = (),
    *,
    fetcher: Fetcher | None = None,
    progress: Progress | None = None,
) -> UpdateResult:
    """Bring the published set up to date; `now` is in seconds since 1970.

    `force` asks for lists that are not due, without conditions, and accepts a list or a set that
    shrank; it never accepts an empty or foreign one. `only` limits which lists are asked; all
    good copies are merged. Raise ConfigError for settings that cannot be used.
    """
    lists = readers(settings.update)
    unknown = set(only) - {reader.feed.name for reader in lists}
    if unknown:
        listed = ", ".join(reader.feed.name for reader in lists) or "none"
        raise ConfigError(f"--only: {min(unknown)!r} is not in use; in use: {listed}")
    run = _Run(
        settings=settings,
        state_dir=state_dir,
        now=now,
        force=force,
        dry_run=dry_run,
        only=frozenset(only) or frozenset(reader.feed.name for reader in lists),
        fetcher=fetcher or Fetcher(settings.update.proxy),
        progress=progress or _on_terminal,
    )
    try:
        with _alone(run.folder):
            return run.run(lists)
    except BlockingIOError:
        return UpdateResult(status="failed", reason="another update is running", dry_run=dry_run)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        reason = f"{where}{error.strerror or error}"
        return UpdateResult(status="failed", reason=reason, dry_run=dry_run)
    finally:
        run.fetcher.close()


@dataclass(slots=True)
class _Step:
    """One list within a run: its state, and the copy to merge, which a dry run left aside."""

    reader: Reader
    outcome: Outcome
    state: ListState
    path: Path | None
    asked: bool = True


@dataclass(frozen=True, slots=True)
class _Run:
    """One update."""

    settings: Settings
    state_dir: Path
    now: float
    force: bool
    dry_run: bool
    only: frozenset[str]
    fetcher: Fetcher
    progress: Progress

    @property
    def folder(self) -> Path:
        """Where copies and the state of lists are."""
        return self.state_dir / FOLDER

    def run(self, lists: list[Reader]) -> UpdateResult:
        """Fetch, then merge and publish where something changed."""
        self._clean()
        state = _state.load(self.folder)
        steps = []
        for reader in lists:
            step = self._step(reader, state.lists.get(reader.feed.name, ListState()))
            steps.append(step)
            state.lists[reader.feed.name] = step.state
            if not self.dry_run:
                _state.save(self.folder, state)
        result = self._conclude(steps, state)
        self._clean()
        self.progress("")
        return result

    def _step(self, reader: Reader, known: ListState) -> _Step:
        """Ask for one list where it is due; whatever goes wrong, its good copy stays."""
        feed = reader.feed
        copy = self.folder / feed.name
        known = self._trusted(reader, known, copy)
        if not self._is_asked(reader, known):
            usable = copy if known.sha256 else None
            return _Step(reader, "not due" if usable else "missing", known, usable, asked=False)
        self.progress(f"{feed.name} ...")
        try:
            return self._refresh(reader, known, copy)
        except (FetchError, ValueError) as error:
            return self._failed(reader, known, copy, str(error))
        except (ConfigError, OSError):
            raise  # the site's settings or this host's disk: no other list would fare better
        except Exception as error:  # noqa: BLE001 - a fault in one format must not stop the others
            _log.exception("list %s: fault in the format %s", feed.name, feed.format)
            return self._failed(reader, known, copy, f"fault in the format: {error!r}")

    def _is_asked(self, reader: Reader, known: ListState) -> bool:
        if reader.feed.name not in self.only:
            return False
        is_lost = not known.sha256 and not known.failures
        return self.force or is_lost or known.is_due(reader.feed.period, self.now)

    def _refresh(self, reader: Reader, known: ListState, copy: Path) -> _Step:
        """Fetch and inspect a list; raise FetchError or ValueError where its copy must stay."""
        feed = reader.feed
        fresh = self.folder / f".{feed.name}.new"
        fetched = self._fetch(reader, known, fresh)
        if fetched is None:
            state = msgspec.structs.replace(known, tried=self.now, failures=0, error="")
            return _Step(reader, "unchanged", state, copy)
        rows, rejected = inspect(reader, fresh, 0 if self.force else known.rows)
        state = ListState(
            url=feed.url,
            etag=fetched.validators.etag,
            last_modified=fetched.validators.last_modified,
            sha256=fetched.sha256,
            rows=rows,
            rejected=rejected.total(),
            fetched=self.now,
            tried=self.now,
        )
        outcome: Outcome = "unchanged" if fetched.sha256 == known.sha256 else "new"
        return _Step(reader, outcome, state, self._keep(fresh, copy))

    def _fetch(self, reader: Reader, known: ListState, fresh: Path) -> Fetched | None:
        validators = Validators()
        if not self.force and known.sha256 and known.url == reader.feed.url:
            validators = Validators(known.etag, known.last_modified)
        return self.fetcher.fetch(reader.feed, fresh, validators)

    def _failed(self, reader: Reader, known: ListState, copy: Path, error: str) -> _Step:
        _log.warning("list %s: %s", reader.feed.name, error)
        state = msgspec.structs.replace(
            known, tried=self.now, failures=known.failures + 1, error=error
        )
        if not known.sha256:
            return _Step(reader, "missing", state, None)
        return _Step(reader, "kept", state, copy)

    def _keep(self, fresh: Path, copy: Path) -> Path:
        """Let a good new copy take the old one's place; a dry run leaves it aside."""
        if self.dry_run:
            return fresh
        sync_file(fresh)
        fresh.replace(copy)
        sync_folder(self.folder)
        return copy

    def _trusted(self, reader: Reader, known: ListState, copy: Path) -> ListState:
        """Return a state that fits the copy on disk: without one where the copy is unusable.

        A crash may have come between copy and state, a disk may have rotted.
        """
        try:
            digest = _sha256(copy)
        except FileNotFoundError:
            return msgspec.structs.replace(known, sha256="", rows=0, etag="", last_modified="")
        if digest == known.sha256:
            return known
        afresh = msgspec.structs.replace(known, etag="", last_modified="", sha256="", rows=0)
        try:
            rows, rejected = inspect(reader, copy, 0)
        except ValueError as error:
            _log.warning("list %s: its copy is damaged: %s", reader.feed.name, error)
            return afresh
        return msgspec.structs.replace(afresh, sha256=digest, rows=rows, rejected=rejected.total())

    def _conclude(self, steps: list[_Step], state: State) -> UpdateResult:
        """Build and publish where something changed; otherwise say how the lists did."""
        copies = [Copy(step.reader, step.path) for step in steps if step.path is not None]
        made_of = _fingerprint(steps, self.settings)
        current = current_set(self.state_dir)
        asked = [step for step in steps if step.asked]
        all_failed = bool(asked) and all(step.outcome in ("kept", "missing") for step in asked)
        if not copies:
            reason = "no list is available" if steps else "no list is in use"
            return self._result("failed", reason, steps)
        if current is not None and made_of == state.built and not self.force:
            if all_failed:
                return self._result("failed", "no list could be fetched", steps)
            return self._result("unchanged", "no list has changed", steps)
        self.progress("building ...")
        return self._build(steps, copies, state, made_of)

    def _build(
        self, steps: list[_Step], copies: list[Copy], state: State, made_of: str
    ) -> UpdateResult:
        folder = sets_folder(self.state_dir)
        building = folder / ".building"
        try:
            builder = Builder()
            try:
                tallies = merge(copies, self.settings.trails, builder)
            except ValueError as error:
                return self._result("failed", f"the lists cannot be merged: {error}", steps)
            if not builder.count:
                return self._result("refused", "the new set would be empty", steps, tallies)
            building.unlink(missing_ok=True)
            # The trust check of readers refuses what a group could write, whatever the umask.
            os.close(os.open(building, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o640))
            info = builder.write(building)
            result = self._gate(info.set_id, info.keys, steps, tallies)
            if result.status == "published" and not self.dry_run:
                before = current_set(self.state_dir)
                unchanged = publish(building, self.state_dir) == before
                state.built = made_of
                _state.save(self.folder, state)
                if unchanged:
                    return msgspec.structs.replace(
                        result, status="unchanged", reason="the lists make the same set"
                    )
            return result
        finally:
            building.unlink(missing_ok=True)

    def _gate(
        self, set_id: str, keys: int, steps: list[_Step], tallies: Mapping[str, Tally]
    ) -> UpdateResult:
        """Refuse a set that is implausible beside the current one."""
        before = self._current_keys()
        if keys * SHRINK < before and not self.force:
            reason = (
                f"the new set has {keys} keys, the current one {before}; "
                "if that is right, run: maltrail-agent update --force"
            )
            return self._result("refused", reason, steps, tallies, set_id, keys)
        reason = f"set {set_id[:12]} with {keys} keys"
        return self._result("published", reason, steps, tallies, set_id, keys)

    def _current_keys(self) -> int:
        current = current_set(self.state_dir)
        if current is None:
            return 0
        try:
            opened = TrailSet.open(current)
        except SetError as error:
            _log.warning("the current set cannot be read and will be replaced: %s", error)
            return 0
        try:
            return opened.info.keys
        finally:
            opened.close()

    def _result(
        self,
        status: Status,
        reason: str,
        steps: list[_Step],
        tallies: Mapping[str, Tally] | None = None,
        set_id: str = "",
        keys: int = 0,
    ) -> UpdateResult:
        tallies = tallies or {}
        return UpdateResult(
            status=status,
            reason=reason,
            lists=tuple(
                self._report(step, tallies.get(step.reader.feed.name, Tally())) for step in steps
            ),
            set_id=set_id,
            keys=keys,
            dry_run=self.dry_run,
        )

    def _report(self, step: _Step, tally: Tally) -> ListReport:
        state = step.state
        return ListReport(
            name=step.reader.feed.name,
            outcome=step.outcome,
            rows=state.rows,
            rejected=state.rejected,
            age=max(0.0, self.now - state.fetched) if state.fetched else None,
            error=state.error,
            added=tally.added,
            held_back=tally.held_back,
            left_out=dict(tally.left_out),
        )

    def _clean(self) -> None:
        """Remove what an interrupted run left behind."""
        for path in self.folder.glob(".*.new"):
            path.unlink()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one update run at a time; raise BlockingIOError while another does."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _fingerprint(steps: list[_Step], settings: Settings) -> str:
    """Hash what a set depends on: every copy, every list's settings, the rules and our version."""
    parts = [[step.state.sha256 if step.path else "", _plain(step.reader.feed)] for step in steps]
    text = json.dumps([__version__, public(settings)["trails"], parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(feed: msgspec.Struct) -> object:
    return msgspec.to_builtins(feed, enc_hook=str)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _on_terminal(text: str) -> None:
    """Tell a person who watches; a log has no use for it."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
