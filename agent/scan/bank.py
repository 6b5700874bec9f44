"""The counters of one worker, as the behaviours that are on need them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from agent.scan.counters import Distinct, DistinctRow, HotKey
from agent.scan.rates import RateKey, RateRow, Rates
from agent.scan.sketches import Sketch, Sketches

NONE: Mapping[str, Distinct] = MappingProxyType({})


class Hot(NamedTuple):
    """What went over a level since the last time."""

    keys: list[HotKey]
    rates: list[RateKey]


class Bank:
    """Counters by name; what no behaviour needs is not there.

    `follow_udp` says that somebody asks who opened a conversation over UDP. `interface` is where
    it counts.
    """

    def __init__(
        self,
        tables: Mapping[str, Distinct] = NONE,
        rates: Rates | None = None,
        *,
        sketches: Sketches | None = None,
        follow_udp: bool = False,
        interface: str = "",
    ) -> None:
        self.interface = interface
        self.tables = tables
        self.rates = rates
        self.sketches = sketches or Sketches(keys=4)
        self.follow_udp = follow_udp

    def hot(self) -> Hot:
        """Return and forget what went over a level; for the thread that scans."""
        keys = [key for table in self.tables.values() for key in table.hot_keys()]
        return Hot(keys, self.rates.hot() if self.rates else [])

    def find(self, table: str, key: int) -> DistinctRow | None:
        """Return one key's row, or None; for any thread."""
        counter = self.tables.get(table)
        return counter.find(key) if counter else None

    def counted(self, table: str, key: int) -> int:
        """Return how many values a key held when it was noted last; for any thread."""
        counter = self.tables.get(table)
        return counter.counted(key) if counter else 0

    def rate(self, key: RateKey) -> RateRow | None:
        """Return what was counted in one of the last two seconds; for any thread."""
        return self.rates.find(key.key, key.second) if self.rates else None

    def sketch(self, key: int) -> Sketch | None:
        """Return what is known of a key of the sketches, or None; for any thread."""
        return self.sketches.find(key)

    def memory(self) -> int:
        """Return how many bytes the tables take when they are full."""
        return sum(table.memory for table in self.tables.values())

    def evictions(self) -> Mapping[str, int]:
        """Return by table how often a key that still counted gave way to another one."""
        rates = {"rates": self.rates.evictions} if self.rates else {}
        sketches = {"sketches": self.sketches.evictions}
        return {**{name: t.evictions for name, t in self.tables.items()}, **rates, **sketches}

    def saturations(self) -> Mapping[str, int]:
        """Return by table how often a key over its level found no room on the hot list."""
        rates = {"rates": self.rates.saturated} if self.rates else {}
        return {**{name: table.saturated for name, table in self.tables.items()}, **rates}
