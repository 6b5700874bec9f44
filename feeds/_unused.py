"""Count the rows of a list that become no trail, with reasons and a few samples."""

from collections import Counter

import msgspec

from feeds._label import shown

MAX_REASONS = 20
"""Reasons told apart for one list; formats have fewer, a fault in one must not fill memory."""

MAX_SAMPLES = 3
"""Rejected rows kept of each reason: enough to see what is wrong with a list."""

MAX_SAMPLE = 120
"""Characters kept of a rejected row."""

OTHER = "other"


class Rejected(msgspec.Struct, frozen=True):
    """How many rows were not understood for one reason, and the first few of them."""

    count: int = 0
    samples: tuple[str, ...] = ()


class Counted:
    """What became of the rows of one list that are no trails."""

    def __init__(self) -> None:
        self.rejected: dict[str, Rejected] = {}
        self.skipped: Counter[str] = Counter()

    @property
    def refused(self) -> int:
        """Return how many rows were not understood."""
        return sum(found.count for found in self.rejected.values())

    @property
    def worst(self) -> str:
        """Return the most frequent reason, empty where nothing was rejected."""
        return max(self.rejected, key=lambda reason: self.rejected[reason].count, default="")

    def reject(self, reason: str, row: str) -> None:
        """Count a row that was not understood."""
        reason = _bounded(reason, self.rejected)
        known = self.rejected.get(reason, Rejected())
        samples = known.samples
        if len(samples) < MAX_SAMPLES:
            samples = (*samples, sample(row))
        self.rejected[reason] = Rejected(known.count + 1, samples)

    def skip(self, reason: str) -> None:
        """Count a row that was understood and is nothing to look for."""
        self.skipped[_bounded(reason, self.skipped)] += 1


class Ignored:
    """Counts nothing: the rows were counted when the copy was inspected."""

    def reject(self, reason: str, row: str) -> None:
        """Ignore a row."""

    def skip(self, reason: str) -> None:
        """Ignore a row."""


def sample(row: str) -> str:
    """Return a row as it may be shown: on one line, cut, nothing hidden in it."""
    text = shown(row[: MAX_SAMPLE + 1].strip())
    return text if len(text) <= MAX_SAMPLE else f"{text[:MAX_SAMPLE]}[...]"


def _bounded(reason: str, known: dict[str, Rejected] | Counter[str]) -> str:
    return reason if reason in known or len(known) < MAX_REASONS else OTHER
