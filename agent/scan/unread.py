"""What could not be read, by layer and number: a small table for the report of coverage.

Numbers come from the wire, so the table is bounded: what finds no row is counted in one for the
rest. Whoever notes something here counts the packet elsewhere too.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array

from agent.scan.layers import LAYERS

if not cython.compiled:  # else the same from the .pxd
    ROWS = 64
    """Different numbers that are told apart: a real network shows a dozen."""


class Unread:
    """Counts packets by layer and number."""

    def __init__(self) -> None:
        self.keys = memoryview(array("Q", [0] * ROWS))
        self.counts = memoryview(array("Q", [0] * ROWS))
        self.rest = 0
        self.adds = 1  # 0 where a packet is read again

    def note(self, layer: int, number: int) -> int:
        """Count one packet; return 0."""
        if self.adds == 0:
            return 0
        key = (layer << 32) | number
        i = 0
        while i < ROWS:
            if self.keys[i] == key:
                self.counts[i] += 1
                return 0
            if self.keys[i] == 0:
                self.keys[i] = key
                self.counts[i] = 1
                return 0
            i += 1
        self.rest += 1
        return 0

    def rows(self) -> list[tuple[str, int, int]]:
        """Return layer, number and packets; layer empty for what found no row."""
        found = [
            (LAYERS[key >> 32], key & 0xFFFFFFFF, count)
            for key, count in zip(self.keys, self.counts, strict=True)
            if key
        ]
        return [*found, ("", 0, self.rest)] if self.rest else found
