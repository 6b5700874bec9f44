"""Keep the last good copy of each list: fetch those that are due, take what is sound.

Whatever a list's server does, a new copy takes the old one's place only after it was read to its
end. Fetches run side by side; copies are read, and files changed, by the caller's thread alone.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from agent.config import ConfigError, Duration
from agent.trails.publish import sync_file, sync_folder
from feeds import _parts, _state
from feeds._catalog import Feed
from feeds._fetch import Fetched, Fetcher, Validators, too_slow
from feeds._parallel import Call, Done, Overdue, side_by_side
from feeds._reader import Reader, inspect
from feeds._result import Outcome
from feeds._state import ListState, State
from feeds._trouble import Unfit, Word

FETCHING = 720.0
"""Seconds for all lists of a run; what is not asked by then waits for the next one. The unit gives
an update 20 minutes, and merging needs its part of them on a slow machine."""

_log = logging.getLogger("feeds.update")

Progress = Callable[[str], None]


@dataclass(slots=True)
class Step:
    """What became of a list: its state, and the copy to merge, which a dry run left aside."""

    reader: Reader
    outcome: Outcome
    state: ListState
    path: Path | None
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Refresh:
    """One look at all lists; `only` those named are asked. `now` is in seconds since 1970."""

    folder: Path
    now: float
    force: bool
    dry_run: bool
    only: frozenset[str]
    fetcher: Fetcher
    progress: Progress

    def run(self, lists: Sequence[Reader], state: State) -> list[Step]:
        """Fetch the lists that are due side by side; read each copy as it comes.

        Return what became of every list, in their order; `state` is saved after each.
        """
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
        return [steps[reader.feed.name] for reader in lists]

    def _fetch_all(
        self, due: Sequence[Reader], known: Mapping[str, ListState]
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

    def _not_due(self, reader: Reader, known: ListState) -> Step:
        usable = self.folder / reader.feed.name if known.sha256 else None
        return Step(reader, "not due" if usable else "missing", known, usable, asked=False)

    def _taken(self, reader: Reader, known: ListState, done: Done[Fetched | None]) -> Step:
        """Return what became of one list. Whatever went wrong, its good copy stays."""
        started = time.monotonic()
        step = self._try(reader, known, done)
        seconds = done.seconds + time.monotonic() - started
        return replace(step, state=msgspec.structs.replace(step.state, seconds=seconds))

    def _try(self, reader: Reader, known: ListState, done: Done[Fetched | None]) -> Step:
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

    def _refresh(self, reader: Reader, known: ListState, fetched: Fetched | None) -> Step:
        """Inspect a list's new copy; raise ValueError where the old one must stay."""
        feed = reader.feed
        copy, fresh = self.folder / feed.name, self._fresh(feed)
        if fetched is None:
            return Step(reader, "unchanged", self._confirmed(known), copy)
        if fetched.sha256 == known.sha256 and not self.force:
            # Many servers know no conditions: the same bytes need not be read again.
            fresh.unlink()
            known = msgspec.structs.replace(
                known,
                url=feed.url,
                etag=fetched.validators.etag,
                last_modified=fetched.validators.last_modified,
            )
            return Step(reader, "unchanged", self._confirmed(known), copy)
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
        return Step(reader, outcome, state, self._keep(fresh, copy))

    def _confirmed(self, known: ListState) -> ListState:
        """Return the state of a list that still says what it said."""
        return msgspec.structs.replace(
            known, tried=self.now, confirmed=self.now, failing=0.0, failures=0, why="", error=""
        )

    def _failed(self, reader: Reader, known: ListState, why: Word, error: str) -> Step:
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
            return Step(reader, "missing", state, None)
        return Step(reader, "kept", state, self.folder / reader.feed.name)

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


def _within(feed: Feed, left: float) -> Feed:
    """Return the list with no more time than is left for all of them."""
    return feed if feed.timeout <= left else msgspec.structs.replace(feed, timeout=Duration(left))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
