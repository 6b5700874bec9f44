"""A shelf of behaviours: one file, one behaviour, class `behaviour-<file name>`.

A file has a `Config` (the keys under `detections.<file name>`, with `enabled`), and a class
`Detection(config)` with `table`, what the scanner has to count for it, and `judge(row)`, which
returns a Finding when a key's values tell of the behaviour, else None. A behaviour does no I/O,
keeps no clock (rows carry times) and reports nothing itself: the runner words hits, asks the
allow-list and mutes a key that was told for as long as the window lasts.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol


class Table(NamedTuple):
    """What to count: values per pair of addresses within `window` seconds.

    `level` is how many a key may hold before it is looked at, `items` how many are kept.
    """

    counter: Literal["probes"]
    window: int
    level: int
    items: int


class Counted(Protocol):
    """A key of a counter, merged over workers (agent.scan.counters.DistinctRow)."""

    @property
    def last_us(self) -> int:
        """Return when it was seen last."""

    @property
    def items(self) -> Mapping[int, int]:
        """Return each value and the second in which it was seen last."""


class Finding(NamedTuple):
    """A behaviour that was seen: Maltrail's type and info, and what was measured."""

    type: str
    info: str
    evidence: Mapping[str, str | int | float]


class Detection(Protocol):
    """What the runner needs of a behaviour."""

    @property
    def table(self) -> Table:
        """Return what has to be counted."""

    def judge(self, row: Counted) -> Finding | None:
        """Return what the row tells, or None."""
