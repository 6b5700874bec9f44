"""The keyed hash of trail keys: one function for the builder and the scanner.

The seed is drawn for each set, so that nobody outside can choose names that collide in it. Text
is hashed byte by byte; domain names from the last byte to the first, so that one pass yields the
hash of every parent.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from agent.scan import layout

if not cython.compiled:  # else the same from the .pxd
    PRIME = layout.HASH_PRIME
    FINISH = layout.HASH_FINISH
    MASK = layout.WORD_MASK


class Keyed:
    """Hashes under one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    if not cython.compiled:  # else those of the .pxd, each part of who calls it

        def begin(self, table: int) -> int:
            """Return the state before the first byte of a key of `table`."""
            h = (self.seed ^ ((table + 1) * FINISH & MASK)) & MASK
            return (h * PRIME) & MASK

        def mix(self, h: int, byte: int) -> int:
            """Return the state behind one more byte."""
            return ((h ^ byte) * PRIME) & MASK

        def finish(self, h: int) -> int:
            """Return the hash of everything that went into state `h`."""
            h ^= h >> 32
            h = (h * FINISH) & MASK
            return h ^ (h >> 29)

        def number(self, table: int, low: int) -> int:
            """Return the hash of a key that fits one word."""
            h = ((self.begin(table) ^ low) * PRIME) & MASK
            return self.finish(h)

        def numbers(self, table: int, high: int, low: int, extra: int) -> int:
            """Return the hash of a key of three words: an IPv6 address and a port or length."""
            h = ((self.begin(table) ^ low) * PRIME) & MASK
            h ^= h >> 31
            h = ((h ^ high) * PRIME) & MASK
            h ^= h >> 31
            h = ((h ^ extra) * PRIME) & MASK
            return self.finish(h)
