"""What the configurations of behaviours have in common: bounds, and samples for evidence."""

from collections.abc import Sequence

SAMPLES = 20
ROOM = 22
"""Values that are kept above the threshold, so that evidence says how wide it was."""
MAX_MARKED = 64 - ROOM
"""Thresholds over what nothing answered: agent.scan.counters marks 64 values of a key."""


def check(key: str, value: int, low: int, high: int, unit: str = "") -> None:
    """Raise ValueError for a threshold that nothing or everything would reach."""
    if not low <= value <= high:
        raise ValueError(f"{key}: expected {low} to {high}{unit and ' ' + unit}, found {value}")


def check_windows(window: int, slow_window: int) -> None:
    """Raise ValueError for windows that are none; a slow one of 0 is off."""
    check("window", window, 1, 3600, "seconds")
    if slow_window:
        check("slow_window", slow_window, window, 3600, "seconds, or 0")


def sample(values: Sequence[int]) -> str:
    """Return the first values as text."""
    return ",".join(map(str, values[:SAMPLES]))
