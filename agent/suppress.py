"""Suppressions: what is known and wanted for now is counted instead of told, until it ends.

Strategy: hits are held back before they are folded. An event speaks with the addresses of its first
hit only, so that an entry for one destination would otherwise hide, or let through, the whole of an
incident that has several; and what is held back must not use up the storm breaker's minute. All
outputs agree, as none of them ever sees it.

An entry ends after its last day. How much it held back is told once an hour, when it ends, and
when the run or the configuration does: nothing is held back unseen.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

import msgspec

from agent import config
from agent.classes import check, is_one_of
from agent.direction import Home
from agent.model import Event, Hit
from agent.names import ascii_glob
from agent.notices import AgentNotices

HOUR_US = 3_600_000_000

_NEVER_US = 1 << 62

_Test = Callable[[Hit], bool]


class _Entry:
    """One entry and what it held back: `pending` since it was last told, `total` in all."""

    def __init__(self, settings: config.Suppression) -> None:
        check(settings.classes, f"suppress: {settings.name}: classes")
        self.settings = settings
        self.until_us = _end_us(settings)
        self.pending = 0
        self.total = 0
        self.told_us = 0
        self.end_is_told = False
        self._tests = tuple(_tests(settings))

    def matches(self, hit: Hit) -> bool:
        """Tell whether everything holds that the entry says."""
        for test in self._tests:  # noqa: SIM110 - every hit comes by here, and `all` costs twice
            if not test(hit):
                return False
        return True


class Suppressions:
    """All entries, in the order of the configuration; for one thread. Time is an argument.

    `is_empty` tells that nothing is ever held back.
    """

    def __init__(self, entries: Iterable[config.Suppression], notices: AgentNotices) -> None:
        """Raise ConfigError for a pattern that no class can ever match."""
        self._entries = tuple(map(_Entry, entries))
        self.is_empty = not self._entries
        self._notices = notices
        self._now_us = 0
        self._by_class: dict[str, tuple[_Entry, ...]] = {}

    def holds_back(self, hit: Hit) -> bool:
        """Tell whether the hit is not to be told, and count it at the first entry that says so."""
        self._now_us = max(self._now_us, hit.last_us)
        for entry in self._of_class(hit.class_id):
            if hit.last_us < entry.until_us and entry.matches(hit):
                if not entry.pending and not entry.told_us:
                    entry.told_us = hit.last_us
                entry.pending += hit.count
                entry.total += hit.count
                return True
        return False

    def tick(self, now_us: int) -> list[Event]:
        """Return what is due: each entry's hourly count, and the end of those that ran out."""
        self._now_us = now_us
        events = []
        for entry in self._entries:
            if now_us >= entry.until_us and not entry.end_is_told:
                entry.end_is_told = True
                events.append(self._tell(entry, now_us))
            elif entry.pending and abs(now_us - entry.told_us) >= HOUR_US:
                events.append(self._tell(entry, now_us))
        return events

    def flush(self) -> list[Event]:
        """Return what is untold yet, as at the end of a run."""
        return [self._tell(entry, self._now_us) for entry in self._entries if entry.pending]

    def counts(self) -> Mapping[str, int]:
        """Return how many observations each entry held back, by its name."""
        return {entry.settings.name: entry.total for entry in self._entries}

    def _of_class(self, class_id: str) -> tuple[_Entry, ...]:
        """Return the entries that speak of a class; there are few classes, so that all are kept."""
        found = self._by_class.get(class_id)
        if found is None:
            found = tuple(
                entry
                for entry in self._entries
                if not entry.settings.classes or is_one_of(class_id, entry.settings.classes)
            )
            self._by_class[class_id] = found
        return found

    def _tell(self, entry: _Entry, now_us: int) -> Event:
        held, entry.pending, entry.told_us = entry.pending, 0, now_us
        settings = entry.settings
        return self._notices.suppression(
            now_us,
            settings.name,
            settings.reason,
            held=held,
            total=entry.total,
            until=str(settings.until or ""),
            ended=entry.end_is_told,
        )


def in_force(entries: Sequence[config.Suppression], now_us: int) -> list[config.Suppression]:
    """Return the entries that have not run out."""
    return [entry for entry in entries if now_us < _end_us(entry)]


def concerns(entry: config.Suppression, hit: Hit) -> bool:
    """Tell whether an entry may hold a trail's hits back, as far as the trail alone decides."""
    of_packets = ("network", "source", "destination", "source_port", "destination_port")
    anything: dict[str, tuple[()]] = dict.fromkeys((*of_packets, "direction", "outcome"), ())
    about = msgspec.structs.replace(entry, **anything)
    if about.classes and not is_one_of(hit.class_id, about.classes):
        return False
    return all(test(hit) for test in _tests(about))


def _end_us(settings: config.Suppression) -> int:
    """Return the end of the last day, UTC."""
    if settings.until is None:
        return _NEVER_US
    last = datetime.combine(settings.until, datetime.min.time(), UTC)
    return int((last + timedelta(days=1)).timestamp()) * 1_000_000


def _tests(entry: config.Suppression) -> Iterable[_Test]:
    """Yield one test for each key but the class that the entry gives, the cheapest first."""
    if entry.direction:
        yield lambda hit: hit.direction in entry.direction
    if entry.outcome:
        yield lambda hit: hit.outcome in entry.outcome
    if entry.source_port:
        yield lambda hit: hit.source.port in entry.source_port
    if entry.destination_port:
        yield lambda hit: hit.destination.port in entry.destination_port
    if entry.trails:
        trails = tuple(map(ascii_glob, entry.trails))
        yield lambda hit: any(fnmatchcase(hit.indicator.lower(), trail) for trail in trails)
    if entry.lists:
        lists = frozenset(entry.lists)
        yield lambda hit: any(source.name in lists for source in hit.sources)
    yield from _address_tests(entry)
    if entry.info is not None:
        info = re.compile(entry.info)
        yield lambda hit: info.search(hit.info) is not None
    if entry.text is not None:
        text = re.compile(entry.text)
        yield lambda hit: any(map(text.search, (hit.trail, hit.observed, hit.info, hit.reference)))


def _address_tests(entry: config.Suppression) -> Iterable[_Test]:
    if entry.source:
        source = Home(entry.source)
        yield lambda hit: source.is_home(hit.source.address)
    if entry.destination:
        destination = Home(entry.destination)
        yield lambda hit: destination.is_home(hit.destination.address)
    if entry.network:
        network = Home(entry.network)
        yield (
            lambda hit: (
                network.is_home(hit.source.address) or network.is_home(hit.destination.address)
            )
        )
