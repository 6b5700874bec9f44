"""What one set has and another has not, key by key, or counted by list and kind."""

from array import array
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from agent.scan import layout
from agent.trails.pair import pair
from agent.trails.set import TrailSet

ABSENT = 0xFFFFFFFF


class Difference(NamedTuple):
    """A key that only one of two sets has: `sign` is `-` where it went and `+` where it came."""

    sign: str
    kind: str
    key: str


def diff(old: TrailSet, new: TrailSet) -> Iterator[Difference]:
    """Yield each key that went, then each that came."""
    for sign, trails, number in _differing(old, new):
        row = trails.row(number)
        yield Difference(sign, layout.KIND_NAMES[row.kind], row.key)


class Change(NamedTuple):
    """How many keys came and went, of one kind of one list; both empty for all keys."""

    name: str
    kind: str
    came: int
    went: int


def changes(old: TrailSet | None, new: TrailSet) -> tuple[str, ...]:
    """Return a line `list kind +came -went` for each list and kind, and one for all keys."""
    *parts, total = counted_changes(old, new)
    lines = [f"{part.name} {part.kind} +{part.came} -{part.went}" for part in parts]
    return (*lines, f"all keys +{total.came} -{total.went}")


def counted_changes(old: TrailSet | None, new: TrailSet) -> list[Change]:
    """Count what came and went for each list and kind; the last one is of all keys.

    A key that several lists name counts for each of them, and once in the last one.
    """
    counted: dict[tuple[str, str], Counter[str]] = {}
    total: Counter[str] = Counter()
    for sign, trails, number in _differing(old, new):
        row = trails.row(number)
        total[sign] += 1
        for source in row.sources:
            by_kind = counted.setdefault((source.name, layout.KIND_NAMES[row.kind]), Counter())
            by_kind[sign] += 1
    parts = [
        Change(name, kind, signs["+"], signs["-"])
        for (name, kind), signs in sorted(counted.items())
    ]
    return [*parts, Change("", "", total["+"], total["-"])]


def _differing(old: TrailSet | None, new: TrailSet) -> Iterator[tuple[str, TrailSet, int]]:
    """Yield sign, set and row of every key that only one of the two has."""
    if old is not None:
        yield from (("-", old, row) for row in alone(old, new))
        yield from (("+", new, row) for row in alone(new, old))
    else:
        yield from (("+", new, row) for row in range(new.info.keys))


def alone(one: TrailSet, other: TrailSet) -> Iterator[int]:
    """Yield the rows of `one` whose keys `other` does not have."""
    partner = partners(one, other)
    return (row for row, found in enumerate(partner) if found == ABSENT)


def partners(one: TrailSet, other: TrailSet) -> "array[int]":
    """Return for each row of `one` that of the same key in `other`, or ABSENT ('I')."""
    partner = array("I", [ABSENT]) * one.info.keys
    pair(one.pool, one.row_words, other.pool, other.row_words, partner)
    return partner
