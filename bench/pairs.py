"""Statistics of runs: the middle one and how far they lie apart."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """The median of some measurements, with the least and the greatest of them."""

    median: float
    least: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    """Summarise measurements, of which there is at least one."""
    return Spread(statistics.median(values), min(values), max(values))


def added(less: Sequence[float], more: Sequence[float]) -> Spread:
    """Summarise what `more` costs beyond `less`, measured in turns.

    Neighbours are subtracted before the median is taken: a machine that gets slower in between
    slows both of a pair.
    """
    return spread([high - low for low, high in zip(less, more, strict=True)])
