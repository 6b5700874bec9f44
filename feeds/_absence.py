"""Why keys that lists name are not in the set: merge once more, with nothing but their rows."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from agent.config import Settings
from agent.model import Source, Trail
from agent.trails import keys
from agent.trails.keys import Inert, Key
from feeds import Unused, _state
from feeds._merge import Copy, Tally, merge, voices
from feeds._reader import Reader
from feeds._state import ListState
from feeds._update import DAY, FOLDER, lists_of


class Absence(NamedTuple):
    """A list that names a key, and why that is not in the set."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Only(Reader):
    """A list of which only the rows with these keys are read; `rejected` is why some were not."""

    wanted: frozenset[str] = frozenset()
    rejected: set[str] = field(default_factory=set)

    def trails(self, path: Path, unused: Unused) -> Iterator[Trail]:
        """Yield the rows that are wanted; raise ValueError as every reader does."""
        del unused
        for trail in Reader.trails(self, path, _Rejections(self.wanted, self.rejected)):
            lowered = trail.key.strip().lower()
            if any(text in lowered for text in self.wanted) and self._is_wanted(trail, lowered):
                yield trail

    def _is_wanted(self, trail: Trail, lowered: str) -> bool:
        try:
            found = keys.parse(trail.key, trail.dialect, trail.kind)
        except Inert:
            return lowered in self.wanted
        return keys.spell(*found).removeprefix(".") in self.wanted


class _Rejections:
    """Takes note of the reasons for which rows with wanted keys are rejected."""

    def __init__(self, wanted: Collection[str], reasons: set[str]) -> None:
        any_of = "|".join(re.escape(text) for text in wanted)
        self._wanted = re.compile(rf"(?<![\w.-])(?:{any_of})(?![\w.-])")
        self._reasons = reasons

    def reject(self, reason: str, row: str) -> None:
        """Take note of a row."""
        if self._wanted.search(row.lower()):
            self._reasons.add(reason)

    def skip(self, reason: str) -> None:
        """Ignore a row that is nothing to look for: its text is not told."""


class _Noting:
    """Stands for the set's builder; remembers what is quarantined."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}
        self._held: set[Key] = set()

    def read(self, trail: Trail) -> Key:
        """Return the key of a trail; raise Inert where it can never match."""
        return keys.parse(trail.key, trail.dialect, trail.kind)

    def holds(self, key: Key) -> bool:
        """Tell whether a key was taken already."""
        return key in self._held

    def put(self, key: Key, trail: Trail, source: Source, rank: int) -> None:
        """Take a key."""
        del trail, source, rank
        self._held.add(key)

    def quarantine(self, key: str, reason: str) -> None:
        """Note why a list's key is kept out."""
        del key
        text, _, name = reason.partition("\t")
        self.reasons[name] = text


def absences(
    settings: Settings, state_dir: Path, wanted: Collection[str], now: float
) -> Iterator[Absence]:
    """Yield the lists whose good copies name one of the keys, and what became of it.

    Reads every copy, which takes seconds for large ones. Raise ConfigError, OSError, ValueError.
    """
    folder = state_dir / FOLDER
    known = _state.load(folder).lists
    lists = lists_of(settings)
    today = int(now // DAY)
    readers = [
        _Only(r.feed, r.format, r.config, frozenset(wanted))
        for r in lists
        if r.feed.use == "detect"
    ]
    protecting = [r for r in lists if r.feed.use == "protect"]
    copies = [
        Copy(reader, path, _day(known.get(reader.feed.name, ListState())) or today)
        for reader in (*readers, *protecting)
        if (path := folder / reader.feed.name).is_file()
    ]
    noting = _Noting()
    merged = merge(copies, lists, settings.trails, noting, today)
    needed = min(settings.trails.min_feeds, voices(lists))
    for name in (reader.feed.name for reader in readers if reader.feed.name in merged.tallies):
        tally = merged.tallies[name]
        yield from (Absence(name, why) for why in _reasons(tally, noting.reasons.get(name), needed))
    for reader in readers:
        for reason in sorted(reader.rejected):
            yield Absence(reader.feed.name, f"rejected: {reason}")


def _reasons(tally: Tally, quarantined: str | None, needed: int) -> Iterator[str]:
    if tally.added:
        yield "named, and not in the set in use: run maltrail-agent update"
    if tally.held_back:
        yield f"held back: fewer than {needed} vague lists agree (trails.min_feeds)"
    if quarantined:
        yield f"quarantined: {quarantined}"
    yield from (f"left out: {reason}" for reason in tally.left_out)


def _day(state: ListState) -> int:
    return int((state.confirmed or state.fetched) // DAY)
