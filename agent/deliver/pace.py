"""A token bucket: how many events an output may send now. Time is an argument."""

from outputs import Rate

STEP = 0.02
"""Seconds between two portions at full speed: small enough for a receiver's buffer."""


class Pace:
    """Fills with `rate.per_second`, holds at most `rate.burst`."""

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._filled = now

    def allow(self, now: float, wanted: int) -> int:
        """Take and return as many tokens as there are, at most `wanted`."""
        elapsed = max(0.0, now - self._filled)
        self._filled = now
        self._tokens = min(self._rate.burst, self._tokens + elapsed * self._rate.per_second)
        allowed = min(wanted, int(self._tokens))
        self._tokens -= allowed
        return allowed

    def give_back(self, count: int) -> None:
        """Return tokens that were not needed."""
        self._tokens = min(self._rate.burst, self._tokens + count)

    def delay(self) -> float:
        """Return the seconds until the next portion is there."""
        portion = min(self._rate.burst, max(1.0, self._rate.per_second * STEP))
        return max(0.0, (portion - self._tokens) / self._rate.per_second)
