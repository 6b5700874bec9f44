"""Copies of one packet: seen on a bridge and its member, on both ways of a mirror, on `any`.

A copy comes within a fraction of a millisecond, through a queue within some, and what a host sends
again later than that: of the pairs of identical packets in 1,959 captures of others, 92 % of those
less than a second apart are less than a millisecond apart. All workers share one table, so that
interfaces are compared too. Its words are read and written whole without a lock: at worst a copy
counts.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array

if not cython.compiled:  # else the same from the .pxd
    PLACES = 8192
    """Sightings remembered: what 16,000 a second make in half a second."""
    WINDOW_US = 20000
    """A queue of a mirror port or an interface, and less than any host waits to send again."""
    NEW = 0
    COPY = 1
    DISPLACING = 2
    TIME_BITS = 24  # microseconds, about 17 s; the digest has the other 40 bits
    TIME_MASK = 0xFFFFFF


class Duplicates:
    """Remembers by digest when something was sighted last."""

    def __init__(self) -> None:
        self.words = memoryview(array("Q", [0] * PLACES))

    def note(self, digest: int, now_us: int) -> int:
        """Tell whether this digest was here within the window, either way; remember it.

        It is DISPLACING where another one has to be forgotten of which a copy may still come.
        """
        place = digest & (PLACES - 1)
        word = self.words[place]
        passed = (now_us - word) & TIME_MASK
        is_near = word != 0 and (passed < WINDOW_US or passed > TIME_MASK - WINDOW_US)
        if is_near and word >> TIME_BITS == digest >> TIME_BITS:
            return COPY
        self.words[place] = (digest & ~TIME_MASK) | (now_us & TIME_MASK)
        return DISPLACING if is_near else NEW
