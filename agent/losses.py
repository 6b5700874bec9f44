"""Tell losses in events: where, how many, for which reasons; at most once a minute for each."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from agent.model import Event
from agent.notices import AgentNotices

EVERY = 60.0
"""Seconds between two events about one place: what overflows does so on and on."""


class Place(NamedTuple):
    """Where something is lost, and what: packets, sightings, events."""

    name: str
    unit: str


Counted = Mapping[Place, Mapping[str, int]]
"""What was lost so far, by place and reason."""


class Losses:
    """Remembers what was told already. Time is an argument."""

    def __init__(self, notices: AgentNotices) -> None:
        self._notices = notices
        self._told: dict[Place, Mapping[str, int]] = {}
        self._told_at: dict[Place, float] = {}

    def tell(self, lost: Counted, now_us: int) -> Iterator[Event]:
        """Yield an event for each place whose losses grew since they were told."""
        now = now_us / 1_000_000
        for place, reasons in lost.items():
            told = self._told.get(place, {})
            new = {reason: _grown(count, told.get(reason, 0)) for reason, count in reasons.items()}
            new = {reason: count for reason, count in new.items() if count > 0}
            if not new or now - self._told_at.get(place, -EVERY) < EVERY:
                continue
            self._told[place] = dict(reasons)
            self._told_at[place] = now
            yield self._notices.loss(now_us, place.name, sum(new.values()), place.unit, new)
        for gone in self._told.keys() - lost.keys():
            del self._told[gone], self._told_at[gone]


def _grown(count: int, told: int) -> int:
    """Return what came since; a counter that fell began anew with whoever counts."""
    return count - told if count >= told else count
