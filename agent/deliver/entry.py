"""What a queue holds: one numbered event, encoded once, and the band that its severity falls in."""

from typing import Protocol

import msgspec

from agent.model import SEVERITIES

BANDS: tuple[str, ...] = tuple(SEVERITIES)
"""Least severe first: the order in which room is made."""


def _band(severity: int) -> int:
    return max(0, sum(least <= severity for least in SEVERITIES.values()) - 1)


_BAND = tuple(_band(severity) for severity in range(11))


def band(severity: int) -> int:
    """Return the index in BANDS of a `severity_id`; what is off the scale counts as its end."""
    return _BAND[min(max(severity, 0), 10)]


def severity_word(severity: int) -> str:
    """Return the highest word of `min_severity` that a `severity_id` reaches, else the lowest."""
    return BANDS[band(severity)]


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One event of one output.

    `number` orders everything an output ever queued, over all runs; `run` (16 bytes) and `seq` are
    what the receiver sees; `entered` is in seconds since 1970; `data` is the event as MessagePack.
    """

    number: int
    run: bytes
    seq: int
    entered: float
    severity: int
    data: bytes


class Line(Protocol):
    """Entries of one band in order: popped to be sent, then settled, or popped again."""

    @property
    def events(self) -> int:
        """How many are not settled."""

    def head(self) -> Entry | None:
        """Return what `pop` would, or None."""

    def pop(self) -> Entry:
        """Take the head."""

    def settle(self) -> None:
        """Forget the first of what was popped."""

    def rewind(self) -> None:
        """Put back everything popped and not settled."""
