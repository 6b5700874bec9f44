"""What was written to an output and may still have to be written again. Time is an argument.

A connection that breaks takes with it what the peer's kernel had not acknowledged, and of what it
had, the part that the receiver had not read. The first is known; the second is guessed by time.
"""

from collections import deque

HOLD = 0.25
"""Seconds that an acknowledged delivery is kept: a receiver that lives has read it by then."""

LIMIT = 25_000
"""Deliveries written and not settled: HOLD at 100,000/s; each costs some 150 bytes."""


class Window:
    """Counts from the first delivery written since `restart`."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew with a new connection."""
        self._written = 0
        self._settled = 0
        self._seen = 0
        self._acknowledged: deque[tuple[float, int]] = deque()

    @property
    def open(self) -> int:
        """How many deliveries were written and not settled."""
        return self._written - self._settled

    def wrote(self, count: int) -> None:
        """Note that so many more were accepted."""
        self._written += count

    def settle(self, unconfirmed: int | None, now: float) -> int:
        """Return how many more may be forgotten, given what the output says now."""
        if unconfirmed is None:
            done = self._written
        else:
            arrived = self._written - min(unconfirmed, self._written)
            if arrived > self._seen:
                self._seen = arrived
                self._acknowledged.append((now, arrived))
            done = self._settled
            while self._acknowledged and self._acknowledged[0][0] <= now - HOLD:
                done = self._acknowledged.popleft()[1]
        new, self._settled = done - self._settled, done
        return new
