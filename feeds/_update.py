"""Update: refresh the lists' copies, merge, gate and publish a trail set, and tell how it went.

Strategy: nothing bad replaces something good. A new copy of a list takes the old one's place
only after it was read to its end (`_refresh.py`); a new set takes the current one's place only if
it is plausible; every replacement is one rename. What failed is reported and serves as it was.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from agent import __version__
from agent.config import ConfigError, Duration, Options, Origin, Settings, public
from agent.trails.build import Builder, Memory
from agent.trails.diff import changes
from agent.trails.publish import current_set, publish, sets_folder
from agent.trails.set import TrailSet
from feeds import _gate, _report, _state, _subscribe
from feeds._catalog import Feed
from feeds._fetch import Fetcher
from feeds._merge import Copy, Merged, Tally, merge
from feeds._reader import Reader, reader_of, readers
from feeds._refresh import Progress, Refresh, Step
from feeds._result import ListReport, Status, UpdateResult, Why
from feeds._state import ListState, State

FOLDER = "lists"

DAY = 86400

REMEMBER = 365
"""Days for which a list that no longer names a key stays with it as a source."""


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
    lists = lists_of(settings)
    unknown = set(only) - {reader.feed.name for reader in lists}
    if unknown:
        listed = ", ".join(reader.feed.name for reader in lists) or "none"
        raise ConfigError(f"update: {min(unknown)!r} is not in use; in use: {listed}")
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
        return UpdateResult(
            status="failed", reason="another update is running", why="busy", dry_run=dry_run
        )
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        reason = f"{where}{error.strerror or error}"
        return UpdateResult(status="failed", reason=reason, why="disk", dry_run=dry_run)
    finally:
        run.fetcher.close()


def lists_of(settings: Settings) -> list[Reader]:
    """Return the lists to ask: none where a bundle is taken. Raise ConfigError."""
    origin = settings.update.origin
    if origin is None:
        return readers(settings.update)
    if origin.format == "bundle":
        return []
    try:
        server = Feed(
            name="maltrail-server",
            url=origin.url,
            format="maltrail",
            options=Options(form="csv"),
            info="maltrail",
            reference="(server)",
            period=Duration(900),
            standing="curated",
            insecure_http=origin.insecure_http,
            ca_file=origin.ca_file,
            max_mb=origin.max_mb,
            max_expanded_mb=4 * origin.max_mb,
            timeout=origin.timeout,
        )
    except ValueError as error:
        raise ConfigError(f"update.from.{error}") from error
    return [reader_of(server)]


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
        """Fetch, then merge and publish where something changed; tell deliver how it went."""
        started = time.monotonic()
        self._clean()
        state = _state.load(self.folder)
        origin = self.settings.update.origin
        if origin is not None and origin.format == "bundle":
            result = self._subscribe(origin, state)
        else:
            result = self._conclude(self._refreshed(lists, state), state)
        self._clean()
        if not self.dry_run:
            seconds = time.monotonic() - started
            _report.write(self.settings, self.state_dir, lists, state, result, self.now, seconds)
            _state.save(self.folder, state)
        self.progress("")
        return result

    def _refreshed(self, lists: list[Reader], state: State) -> list[Step]:
        """Bring the lists' copies up to date."""
        return Refresh(
            folder=self.folder,
            now=self.now,
            force=self.force,
            dry_run=self.dry_run,
            only=self.only,
            fetcher=self.fetcher,
            progress=self.progress,
        ).run(lists, state)

    def _subscribe(self, origin: Origin, state: State) -> UpdateResult:
        """Take a finished set from its publisher."""
        result, state.taken = _subscribe.Subscriber(
            settings=self.settings,
            origin=origin,
            state_dir=self.state_dir,
            now=self.now,
            force=self.force,
            dry_run=self.dry_run,
            fetcher=self.fetcher,
            progress=self.progress,
        ).run(state.taken)
        known = state.lists.get(_report.PUBLISHER, ListState())
        state.lists[_report.PUBLISHER] = self._after(known, result)
        return result

    def _after(self, known: ListState, result: UpdateResult) -> ListState:
        """Return what is known of the publisher after an attempt to take its set."""
        known = msgspec.structs.replace(known, tried=self.now, trails=result.keys or known.trails)
        if result.status == "failed":
            return msgspec.structs.replace(
                known,
                failing=known.failing or self.now,
                failures=known.failures + 1,
                error=result.reason,
            )
        return msgspec.structs.replace(known, confirmed=self.now, failing=0.0, failures=0, error="")

    def _conclude(self, steps: list[Step], state: State) -> UpdateResult:
        """Build and publish where something changed; otherwise say how the lists did."""
        copies = [
            Copy(step.reader, step.path, _day(step.state.confirmed or step.state.fetched))
            for step in steps
            if step.path is not None
        ]
        made_of = _fingerprint(steps, self.settings)
        current = current_set(self.state_dir)
        asked = [step for step in steps if step.asked]
        all_failed = bool(asked) and all(step.outcome in ("kept", "missing") for step in asked)
        if not copies:
            told = f": {_told(asked)}" if asked else ""
            reason = f"no list is available{told}" if steps else "no list is in use"
            return self._result("failed", reason, steps, why="no-list")
        stands = made_of == state.built and _day(self.now) < state.stands_until
        if current is not None and stands and not self.force:
            result = self._result("unchanged", "no list has changed", steps)
        else:
            self.progress("building ...")
            result = self._build(steps, copies, state, made_of)
        if all_failed and result.status == "unchanged":
            reason = f"no list could be fetched: {_told(asked)}"
            return self._result("failed", reason, steps, why="unreachable")
        return result

    def _build(
        self, steps: list[Step], copies: list[Copy], state: State, made_of: str
    ) -> UpdateResult:
        building = sets_folder(self.state_dir) / ".building"
        current = _gate.open_current(self.state_dir)
        try:
            builder = Builder(built_us=int(self.now * 1e6), memory=self._memory(current, steps))
            lists = [step.reader for step in steps]
            try:
                merged = merge(copies, lists, self.settings.trails, builder, _day(self.now))
            except ValueError as error:
                reason = f"the lists cannot be merged: {error}"
                return self._result("failed", reason, steps, why="no-list")
            if not builder.count:
                reason = "the new set would be empty"
                return self._result("refused", reason, steps, merged.tallies, why="empty")
            building.unlink(missing_ok=True)
            # The trust check of readers refuses what a group could write, whatever the umask.
            os.close(os.open(building, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o640))
            builder.write(building)
            result = self._judge(TrailSet.open(building), current, steps, merged)
            if result.status != "published" or self.dry_run:
                return result
            return self._publish(building, result, state, merged, made_of)
        finally:
            building.unlink(missing_ok=True)

    def _memory(self, current: TrailSet | None, steps: list[Step]) -> Memory | None:
        """Return what the current set knows of its keys' sources."""
        if current is None:
            return None
        names = frozenset(step.reader.feed.name for step in steps)
        return Memory(previous=current, lists=names, since=_day(self.now) - REMEMBER)

    def _publish(
        self, building: Path, result: UpdateResult, state: State, merged: Merged, made_of: str
    ) -> UpdateResult:
        before = current_set(self.state_dir)
        unchanged = publish(building, self.state_dir) == before
        state.built = made_of
        state.stands_until = merged.next_change
        for name, tally in merged.tallies.items():
            state.lists[name] = msgspec.structs.replace(state.lists[name], trails=tally.added)
        _state.save(self.folder, state)
        if unchanged:
            reason = "the lists make the same set"
            return msgspec.structs.replace(result, status="unchanged", reason=reason)
        return result

    def _judge(
        self, new: TrailSet, current: TrailSet | None, steps: list[Step], merged: Merged
    ) -> UpdateResult:
        """Refuse a set that is implausible beside the current one."""
        limits, protect = self.settings.update.gate, self.settings.trails.protect
        verdict = _gate.judge(new, current, limits, protect)
        changed = changes(current, new) if self.dry_run else ()
        unsigned = ", not signed" if self.settings.update.origin else ""
        reason = f"set {new.set_id} with {new.info.keys} keys{unsigned}"
        status: Status = "published"
        if verdict.why and not self.force:
            reason = f"{verdict.reason}; if that is right, run: maltrail-agent update --force"
            status = "refused"
        result = self._result(status, reason, steps, merged.tallies, new)
        why: Why = verdict.why if status == "refused" else ""
        return msgspec.structs.replace(result, why=why, changes=changed)

    def _result(
        self,
        status: Status,
        reason: str,
        steps: list[Step],
        tallies: Mapping[str, Tally] | None = None,
        trails: TrailSet | None = None,
        why: Why = "",
    ) -> UpdateResult:
        tallies = tallies or {}
        return UpdateResult(
            status=status,
            reason=reason,
            why=why,
            lists=tuple(
                self._report(step, tallies.get(step.reader.feed.name, Tally())) for step in steps
            ),
            set_id=trails.info.set_id if trails else "",
            keys=trails.info.keys if trails else 0,
            dry_run=self.dry_run,
        )

    def _report(self, step: Step, tally: Tally) -> ListReport:
        state = step.state
        return ListReport(
            name=step.reader.feed.name,
            outcome=step.outcome,
            rows=state.rows,
            rejected=state.rejected,
            skipped=state.skipped,
            reasons=state.reasons,
            age=max(0.0, self.now - state.fetched) if state.fetched else None,
            why=state.why,
            error=state.error,
            added=tally.added,
            held_back=tally.held_back,
            quarantined=tally.quarantined,
            left_out=dict(tally.left_out),
        )

    def _clean(self) -> None:
        """Remove what an interrupted run left behind."""
        for path in self.folder.glob(".*.new"):
            path.unlink()
        _subscribe.clean(self.state_dir)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one update run at a time; raise BlockingIOError while another does."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _fingerprint(steps: list[Step], settings: Settings) -> str:
    """Hash what a set depends on: every copy, every list's settings, the rules and our version."""
    parts = [[step.state.sha256 if step.path else "", _plain(step.reader.feed)] for step in steps]
    text = json.dumps([__version__, public(settings)["trails"], parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(feed: msgspec.Struct) -> object:
    return msgspec.to_builtins(feed, enc_hook=str)


def _told(failed: list[Step]) -> str:
    """Tell the first of several failed lists, and how many there are."""
    first = f"{failed[0].reader.feed.name}: {failed[0].state.error}"
    return f"{first}, and {len(failed) - 1} more" if len(failed) > 1 else first


def _day(seconds: float) -> int:
    """Return the day of a time, both counted from 1970."""
    return int(seconds // DAY)


def _on_terminal(text: str) -> None:
    """Tell a person who watches; a log has no use for it."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r\x1b[K{text[:width]}")
        sys.stderr.flush()
