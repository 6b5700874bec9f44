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
import shutil
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from agent import __version__
from agent.config import ConfigError, Duration, Options, Origin, Settings, public
from agent.trails.build import Builder, Memory
from agent.trails.diff import changes
from agent.trails.publish import current_set, publish, sets_folder, sync_file, sync_folder
from agent.trails.set import TrailSet
from feeds import _gate, _parts, _report, _state, _subscribe
from feeds._catalog import Feed
from feeds._fetch import Fetched, Fetcher, Validators, too_slow
from feeds._merge import Copy, Merged, Tally, merge
from feeds._parallel import Call, Done, Overdue, side_by_side
from feeds._reader import Reader, inspect, reader_of, readers
from feeds._result import ListReport, Outcome, Status, UpdateResult, Why
from feeds._state import ListState, State
from feeds._trouble import Unfit, Word

FOLDER = "lists"

DAY = 86400

FETCHING = 720.0
"""Seconds for all lists of a run; what is not asked by then waits for the next one. The unit gives
an update 20 minutes, and merging needs its part of them on a slow machine."""

REMEMBER = 365
"""Days for which a list that no longer names a key stays with it as a source."""

_log = logging.getLogger("feeds.update")


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
        """Fetch, then merge and publish where something changed; tell deliver how it went."""
        started = time.monotonic()
        self._clean()
        state = _state.load(self.folder)
        origin = self.settings.update.origin
        if origin is not None and origin.format == "bundle":
            result = self._subscribe(origin, state)
        else:
            result = self._ask_all(lists, state)
        self._clean()
        if not self.dry_run:
            seconds = time.monotonic() - started
            _report.write(self.settings, self.state_dir, lists, state, result, self.now, seconds)
            _state.save(self.folder, state)
        self.progress("")
        return result

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

    def _ask_all(self, lists: list[Reader], state: State) -> UpdateResult:
        """Fetch the lists that are due side by side; read each copy as it comes."""
        known = {reader.feed.name: self._trusted(reader, state) for reader in lists}
        due = [reader for reader in lists if self._is_asked(reader, known[reader.feed.name])]
        steps = {}
        for done in self._fetch_all(due, known):
            reader = next(reader for reader in due if reader.feed.name == done.name)
            step = self._taken(reader, known[done.name], done)
            steps[done.name] = step
            state.lists[done.name] = step.state
            if not self.dry_run:
                _state.save(self.folder, state)
        for reader in lists:
            name = reader.feed.name
            if name not in steps:
                steps[name] = self._not_due(reader, known[name])
                state.lists[name] = known[name]
        return self._conclude([steps[reader.feed.name] for reader in lists], state)

    def _fetch_all(
        self, due: list[Reader], known: Mapping[str, ListState]
    ) -> Iterator[Done[Fetched | None]]:
        """Yield fetches as they end; what there is no time for is not asked."""
        until = self.fetcher.clock() + FETCHING
        waiting: list[str] = []

        def calls() -> Iterator[Call[Fetched | None]]:
            for reader in due:
                left = until - self.fetcher.clock()
                if left <= 0:
                    return
                feed = reader.feed
                waiting.append(feed.name)
                limited = replace(reader, feed=_within(feed, left))
                run = partial(self._fetch, limited, known[feed.name])
                yield Call(feed.name, run, min(feed.timeout, left) + self.fetcher.grace)

        for count, done in enumerate(side_by_side(calls(), self.fetcher.workers), start=1):
            waiting.remove(done.name)
            others = f", waiting for {', '.join(waiting)}" if waiting else ""
            self.progress(f"{count} of {len(due)} lists{others} ...")
            yield done

    def _fetch(self, reader: Reader, known: ListState) -> Fetched | None:
        """Fetch a list beside its copy; in a thread of its own, so nothing is changed here."""
        feed = reader.feed
        until = self.fetcher.clock() + feed.timeout
        validators = Validators()
        if not self.force and known.sha256 and known.url == feed.url:
            validators = Validators(known.etag, known.last_modified)
        fresh = self._fresh(feed)
        fetched = self.fetcher.fetch(feed, fresh, validators)
        if fetched is None or not (parts := reader.parts(fresh)):
            return fetched
        paths = fresh, self.folder / feed.name
        return _parts.collect(self.fetcher, feed, fetched, parts, paths, until)

    def _fresh(self, feed: Feed) -> Path:
        return self.folder / f".{feed.name}.new"

    def _not_due(self, reader: Reader, known: ListState) -> _Step:
        usable = self.folder / reader.feed.name if known.sha256 else None
        return _Step(reader, "not due" if usable else "missing", known, usable, asked=False)

    def _taken(self, reader: Reader, known: ListState, done: Done[Fetched | None]) -> _Step:
        """Return what became of one list. Whatever went wrong, its good copy stays."""
        started = time.monotonic()
        step = self._try(reader, known, done)
        seconds = done.seconds + time.monotonic() - started
        return replace(step, state=msgspec.structs.replace(step.state, seconds=seconds))

    def _try(self, reader: Reader, known: ListState, done: Done[Fetched | None]) -> _Step:
        try:
            try:
                fetched = done.result.result()
            except Overdue as overdue:
                raise too_slow(reader.feed) from overdue
            return self._refresh(reader, known, fetched)
        except Unfit as error:
            return self._failed(reader, known, error.why, str(error))
        except ValueError as error:
            return self._failed(reader, known, "format", str(error))
        except (ConfigError, OSError):
            raise  # the site's settings or this host's disk: no other list would fare better
        except Exception as error:  # noqa: BLE001 - a fault in one format must not stop the others
            _log.exception("list %s: fault in the format %s", reader.feed.name, reader.feed.format)
            return self._failed(reader, known, "fault", f"fault in the format: {error!r}")

    def _is_asked(self, reader: Reader, known: ListState) -> bool:
        if reader.feed.name not in self.only:
            return False
        is_lost = not known.sha256 and not known.failures
        return self.force or is_lost or known.is_due(reader.feed.period, self.now)

    def _refresh(self, reader: Reader, known: ListState, fetched: Fetched | None) -> _Step:
        """Inspect a list's new copy; raise ValueError where the old one must stay."""
        feed = reader.feed
        copy, fresh = self.folder / feed.name, self._fresh(feed)
        if fetched is None:
            return _Step(reader, "unchanged", self._confirmed(known), copy)
        if fetched.sha256 == known.sha256 and not self.force:
            # Many servers know no conditions: the same bytes need not be read again.
            fresh.unlink()
            known = msgspec.structs.replace(
                known,
                url=feed.url,
                etag=fetched.validators.etag,
                last_modified=fetched.validators.last_modified,
            )
            return _Step(reader, "unchanged", self._confirmed(known), copy)
        rows, unused = inspect(reader, fresh, 0 if self.force else known.rows)
        state = ListState(
            url=feed.url,
            etag=fetched.validators.etag,
            last_modified=fetched.validators.last_modified,
            sha256=fetched.sha256,
            rows=rows,
            rejected=unused.refused,
            skipped=unused.skipped.total(),
            reasons=unused.rejected,
            size=fetched.size,
            trails=known.trails,
            fetched=self.now,
            confirmed=self.now,
            tried=self.now,
        )
        outcome: Outcome = "unchanged" if fetched.sha256 == known.sha256 else "new"
        return _Step(reader, outcome, state, self._keep(fresh, copy))

    def _confirmed(self, known: ListState) -> ListState:
        """Return the state of a list that still says what it said."""
        return msgspec.structs.replace(
            known, tried=self.now, confirmed=self.now, failing=0.0, failures=0, why="", error=""
        )

    def _failed(self, reader: Reader, known: ListState, why: Word, error: str) -> _Step:
        self.progress("")  # a line of the log begins at a line's begin
        _log.warning("list %s: %s", reader.feed.name, error)
        state = msgspec.structs.replace(
            known,
            tried=self.now,
            failing=known.failing or self.now,
            failures=known.failures + 1,
            why=why,
            error=error,
        )
        if not known.sha256:
            return _Step(reader, "missing", state, None)
        return _Step(reader, "kept", state, self.folder / reader.feed.name)

    def _keep(self, fresh: Path, copy: Path) -> Path:
        """Let a good new copy take the old one's place; a dry run leaves it aside."""
        if self.dry_run:
            return fresh
        sync_file(fresh)
        fresh.replace(copy)
        sync_folder(self.folder)
        return copy

    def _trusted(self, reader: Reader, state: State) -> ListState:
        """Return a state that fits the copy on disk: without one where the copy is unusable.

        A crash may have come between copy and state, a disk may have rotted.
        """
        copy = self.folder / reader.feed.name
        known = state.lists.get(reader.feed.name, ListState())
        try:
            digest = _sha256(copy)
        except FileNotFoundError:
            return msgspec.structs.replace(known, sha256="", rows=0, etag="", last_modified="")
        if digest == known.sha256:
            return known
        afresh = msgspec.structs.replace(known, etag="", last_modified="", sha256="", rows=0)
        try:
            rows, unused = inspect(reader, copy, 0)
        except ValueError as error:
            _log.warning("list %s: its copy is damaged: %s", reader.feed.name, error)
            return afresh
        return msgspec.structs.replace(
            afresh,
            sha256=digest,
            rows=rows,
            rejected=unused.refused,
            skipped=unused.skipped.total(),
            reasons=unused.rejected,
        )

    def _conclude(self, steps: list[_Step], state: State) -> UpdateResult:
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
        self, steps: list[_Step], copies: list[Copy], state: State, made_of: str
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

    def _memory(self, current: TrailSet | None, steps: list[_Step]) -> Memory | None:
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
        self, new: TrailSet, current: TrailSet | None, steps: list[_Step], merged: Merged
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
        steps: list[_Step],
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

    def _report(self, step: _Step, tally: Tally) -> ListReport:
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


def _fingerprint(steps: list[_Step], settings: Settings) -> str:
    """Hash what a set depends on: every copy, every list's settings, the rules and our version."""
    parts = [[step.state.sha256 if step.path else "", _plain(step.reader.feed)] for step in steps]
    text = json.dumps([__version__, public(settings)["trails"], parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(feed: msgspec.Struct) -> object:
    return msgspec.to_builtins(feed, enc_hook=str)


def _within(feed: Feed, left: float) -> Feed:
    """Return the list with no more time than is left for all of them."""
    return feed if feed.timeout <= left else msgspec.structs.replace(feed, timeout=Duration(left))


def _told(failed: list[_Step]) -> str:
    """Tell the first of several failed lists, and how many there are."""
    first = f"{failed[0].reader.feed.name}: {failed[0].state.error}"
    return f"{first}, and {len(failed) - 1} more" if len(failed) > 1 else first


def _day(seconds: float) -> int:
    """Return the day of a time, both counted from 1970."""
    return int(seconds // DAY)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _on_terminal(text: str) -> None:
    """Tell a person who watches; a log has no use for it."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r\x1b[K{text[:width]}")
        sys.stderr.flush()
