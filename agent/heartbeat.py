"""When sense tells that it is alive."""

import hashlib

FIRST_SECONDS = 10.0
"""After the start: capture is open by then, and nobody waits long for the first sign of life."""


class Heartbeat:
    """A timer: soon after the start, then every so many seconds. Times are monotonic seconds.

    A fleet that starts at one moment does not speak at one moment: the second time comes after
    half to all of the interval, by a hash of the sensor's name, and fixes the later ones.
    """

    def __init__(self, sensor: str, now: float) -> None:
        """Take who speaks and when it started."""
        self.started = now
        self._phase = _phase(sensor)
        self._beats = 0
        self._last = now

    def is_due(self, now: float, every: float) -> bool:
        """Tell whether to speak now; true once each time. `every` may change in between."""
        wait = FIRST_SECONDS if not self._beats else every
        if self._beats == 1:
            wait = every * (0.5 + self._phase / 2)
        if now < self._last + wait:
            return False
        # A process that stood still speaks once, not once for each time that it missed.
        self._last = self._last + wait if now < self._last + 2 * wait else now
        self._beats += 1
        return True


def _phase(sensor: str) -> float:
    """Return a number from 0 up to 1 that is always the same for a name."""
    digest = hashlib.blake2b(sensor.encode("utf-8", "surrogateescape"), digest_size=4).digest()
    return int.from_bytes(digest, "big") / (1 << 32)
