"""Merge the good copies of all lists into one set: normalise every key, then let rank decide.

Curated labels win over specific over vague ones; a curated list's old history fills gaps only.
Every list that names a key stays with it as a source, with the days on which it did.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from agent.config import ConfigError, Trails
from agent.model import Source, Trail
from agent.scan import layout
from agent.trails.build import day_number, day_text
from agent.trails.keys import Inert, Key
from agent.trails.keys import parse as parse_key
from feeds._ageing import ENOUGH, NEVER, Ageing
from feeds._catalog import Feed
from feeds._quarantine import Quarantine
from feeds._quorum import Quorum
from feeds._reader import Reader
from feeds._unused import Ignored

RANKS = {"vague": 1, "specific": 2, "curated": 3}
HISTORY_RANK = 0

# A snapshot of 2013 within the curated lists: it fills gaps and replaces no label.
_HISTORY = "history"

_ADDRESS_INFO = {"malware": "potential malware site"}
"""A bare address that is only said to be `malware` serves it; it need not be its command."""

_ADDRESSES = frozenset({layout.IP4, layout.IP6})

MAX_PROTECTED = 300_000
"""Keys of lists that protect, all together; the largest warninglists have 100,000. Each costs some
hundred bytes while lists are merged."""

EXPIRED = "past the day until which the list means it"
NO_ROOM = "more than lists that protect may name"
TOO_OLD = "not named by the list for too long (trails.max_age)"


class Adds(Protocol):
    """What merging needs of a set builder."""

    def read(self, trail: Trail) -> Key:
        """Return the key of a trail; raise Inert where it can never match."""

    def holds(self, key: Key) -> bool:
        """Tell whether a key was taken already."""

    def put(self, key: Key, trail: Trail, source: Source, rank: int) -> None:
        """Take a trail's label and source for a key."""

    def quarantine(self, key: str, reason: str) -> None:
        """Note a key that is kept out of matching."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A list and the file with its last good rows, and the day on which it last said so."""

    reader: Reader
    path: Path
    day: int


@dataclass(slots=True)
class Tally:
    """What became of one list's rows: `added` are in the set, or what protects.

    `left_out` counts by reason those that are neither.
    """

    added: int = 0
    held_back: int = 0
    quarantined: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def leave_out(self, reason: str) -> None:
        """Count a row that is not in the set; reasons are few and fixed."""
        self.left_out[reason] += 1


@dataclass(slots=True)
class Merged:
    """Tallies by list, and the first day on which the same copies would make another set."""

    tallies: dict[str, Tally]
    next_change: int


def merge(
    copies: Sequence[Copy], lists: Sequence[Reader], trails: Trails, builder: Adds, today: int
) -> Merged:
    """Add the rows of all copies to `builder`; `today` counts days from 1970.

    `lists` are all in use, also those without a copy: a vague list that is down still has a say
    in how many must agree. Raise ValueError where a copy cannot be read, ConfigError for faulty
    settings.
    """
    protecting = [copy for copy in copies if copy.reader.feed.use == "protect"]
    # Vague lists come last: what others name already needs no company.
    ordered = sorted(
        (copy for copy in copies if copy.reader.feed.use == "detect"),
        key=lambda copy: (_is(copy, "vague"), copy.reader.feed.name),
    )
    tallies = {copy.reader.feed.name: Tally() for copy in protecting}
    vague = [copy for copy in ordered if _is(copy, "vague")]
    expired = _Expired(today)
    merging = _Merging(
        builder=builder,
        quorum=_elect(vague, min(trails.min_feeds, voices(lists)), expired),
        quarantine=Quarantine(trails.protect, _protected(protecting, tallies)),
        ageing=Ageing(trails.max_age, today),
        excluded=_Excluded(trails.exclude_info),
        expired=expired,
        today=today,
    )
    tallies |= {copy.reader.feed.name: merging.add_all(copy) for copy in ordered}
    return Merged(tallies, min(merging.ageing.next_change, expired.next_change))


@dataclass(frozen=True, slots=True)
class _Merging:
    """The judges that every row passes."""

    builder: Adds
    quorum: Quorum
    quarantine: Quarantine
    ageing: Ageing
    excluded: "_Excluded"
    expired: "_Expired"
    today: int

    def add_all(self, copy: Copy) -> Tally:
        """Add all rows of a list; return what became of them."""
        tally = Tally()
        leave_out = tally.leave_out
        dated = _Dated(copy.day, self.today)
        feed = copy.reader.feed
        for trail in _rows(copy):
            if self.excluded(trail.info):
                leave_out("excluded by trails.exclude_info")
                continue
            if self.expired(trail.expires):
                leave_out(EXPIRED)
                continue
            try:
                key = self.builder.read(trail)
            except Inert as error:
                leave_out(str(error))
                continue
            source, last_day = dated(trail.source)
            if not self._is_quarantined(feed, key, trail, tally):
                self._add(feed, key, trail, source, last_day, tally, leave_out)
        return tally

    def _is_quarantined(self, feed: Feed, key: Key, trail: Trail, tally: Tally) -> bool:
        if feed.trusted:
            return False
        reason = self.quarantine.reason(key, trail.info)
        if reason:
            self.builder.quarantine(trail.key, f"{reason}\t{feed.name}")
            tally.quarantined += 1
        return bool(reason)

    def _add(
        self,
        feed: Feed,
        key: Key,
        trail: Trail,
        source: Source,
        last_day: int,
        tally: Tally,
        leave_out: Callable[[str], None],
    ) -> None:
        """Add a row unless it is too old, or a bare address that needs company it lacks."""
        confidence = self.ageing.confidence(feed.standing, key.kind, last_day)
        if not confidence:
            leave_out(TOO_OLD)
            return
        if key.kind in _ADDRESSES:
            if not (
                confidence >= ENOUGH or self.builder.holds(key) or self.quorum.admits(trail.key)
            ):
                tally.held_back += 1
                return
            if trail.info in _ADDRESS_INFO:
                trail = msgspec.structs.replace(trail, info=_ADDRESS_INFO[trail.info])
        rank = RANKS[feed.standing]
        if feed.standing == "curated" and _HISTORY in trail.info:
            rank = HISTORY_RANK
        self.builder.put(key, trail, source, rank)
        tally.added += 1


class _Dated:
    """Gives a row's source the days that its list left out: those on which we saw it there."""

    def __init__(self, copy_day: int, today: int) -> None:
        self._copy_day = copy_day
        self._today = today
        self._known: dict[Source, tuple[Source, int]] = {}

    def __call__(self, source: Source) -> tuple[Source, int]:
        """Return the source with both days, and the last one as a number."""
        known = self._known.get(source)
        if known is None:
            known = self._known[source] = self._date(source)
        return known

    def _date(self, source: Source) -> tuple[Source, int]:
        last = min(_day(source.last_seen) or self._copy_day, self._today)
        first = min(_day(source.first_seen) or self._copy_day, last)
        return Source(source.name, day_text(first), day_text(last)), last


def _day(text: str) -> int:
    """Return the number of a day, 0 for none and for one that no calendar has (0000-00-00)."""
    try:
        return day_number(text)
    except ValueError:
        return 0


def _rows(copy: Copy) -> Iterator[Trail]:
    # Rejected rows were counted when the copy was inspected.
    return copy.reader.trails(copy.path, Ignored())


def _protected(copies: Sequence[Copy], tallies: Mapping[str, Tally]) -> Iterator[tuple[Key, str]]:
    """Yield the keys of lists that protect, with the lists' names; count them."""
    room = MAX_PROTECTED
    for copy in copies:
        name = copy.reader.feed.name
        for trail in _rows(copy):
            try:
                key = parse_key(trail.key, trail.dialect, trail.kind)
            except Inert as error:
                tallies[name].leave_out(str(error))
                continue
            if not room:
                tallies[name].leave_out(NO_ROOM)
                continue
            room -= 1
            tallies[name].added += 1
            yield key, name


def _is(copy: Copy, standing: str) -> bool:
    return copy.reader.feed.standing == standing


def voices(lists: Sequence[Reader]) -> int:
    """Count the independent vague lists in use; three that a site does not have cannot agree."""
    feeds = [reader.feed for reader in lists if reader.feed.use == "detect"]
    return len({feed.voice for feed in feeds if feed.standing == "vague"}) or 1


def _elect(vague: Sequence[Copy], needed: int, expired: "_Expired") -> Quorum:
    """Find the addresses that `needed` independent vague lists name."""
    quorum = Quorum(needed)
    for copy in vague:
        named = (trail.key for trail in _rows(copy) if not expired(trail.expires))
        quorum.vote(copy.reader.feed.voice, named)
    quorum.close()
    return quorum


class _Expired:
    """Tells days that are over, and the first on which another of those asked for will be."""

    def __init__(self, today: int) -> None:
        self._today = today
        self.next_change = NEVER

    def __call__(self, expires: str) -> bool:
        """Tell whether `expires`, an ISO day or nothing, is over."""
        last = _day(expires)
        if not last:
            return False
        if last < self._today:
            return True
        self.next_change = min(self.next_change, last + 1)
        return False


class _Excluded:
    """Tells labels that the site does not want; labels are few, rows are many."""

    MAX_KNOWN = 20_000
    """Labels remembered: the largest known set has 3,089; a list may have one a row."""

    def __init__(self, pattern: str | None) -> None:
        try:
            self._pattern = re.compile(pattern) if pattern else None
        except re.error as error:
            raise ConfigError(
                f"trails.exclude_info: is not a regular expression: {error}"
            ) from error
        self._known: dict[str, bool] = {}

    def __call__(self, info: str) -> bool:
        """Tell whether trails with this label are left out."""
        if self._pattern is None:
            return False
        known = self._known.get(info)
        if known is None:
            known = self._pattern.search(info) is not None
            if len(self._known) < self.MAX_KNOWN:
                self._known[info] = known
        return known
