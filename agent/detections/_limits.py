"""What the configurations of behaviours have in common: bounds, and samples for evidence."""

from collections.abc import Sequence

import msgspec

SAMPLES = 20
ROOM = 22
"""Values that are kept above the threshold, so that evidence says how wide it was."""
MAX_MARKED = 64 - ROOM
"""Thresholds over what nothing answered: agent.scan.counters marks 64 values of a key."""


def check(key: str, value: int, low: int, high: int, unit: str = "") -> None:
    """Raise ValueError for a threshold that nothing or everything would reach."""
    if not low <= value <= high:
        raise ValueError(f"{key}: expected {low} to {high}{unit and ' ' + unit}, found {value}")


class Repeating(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is told once in `repeat` seconds for a client."""

    enabled: bool = True
    repeat: int = 3600

    def __post_init__(self) -> None:
        """Refuse a silence longer than a week."""
        check("repeat", self.repeat, 0, 604_800, "seconds")


class Windowed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is counted within `window` seconds, and within `slow_window` where that is not 0."""

    enabled: bool = True
    window: int = 30
    slow_window: int = 900

    def __post_init__(self) -> None:
        """Refuse windows that are none."""
        check("window", self.window, 1, 3600, "seconds")
        if self.slow_window:
            check("slow_window", self.slow_window, self.window, 3600, "seconds, or 0")


def sample(values: Sequence[int]) -> str:
    """Return the first values as text."""
    return ",".join(map(str, values[:SAMPLES]))
