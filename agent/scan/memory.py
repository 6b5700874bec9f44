"""Zeroed memory for tables: where it lies decides what a packet waits for."""

import mmap
import threading

from agent.scan.lookup import HUGE_PAGE, huge_pages

_LINE = 64


def pages(size: int) -> memoryview:
    """Return `size` zeroed, writable bytes of private memory.

    They cost nothing until they are used: a bytearray touches every page at once.
    """
    return memoryview(mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


class _Together:
    """Huge pages that tables share; with the last of its tables a page is given back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rest = memoryview(b"")

    def take(self, size: int) -> memoryview:
        """Return `size` zeroed, writable bytes."""
        if size > HUGE_PAGE:
            return huge_pages(size)
        room = -(-size // _LINE) * _LINE
        with self._lock:
            if len(self._rest) < room:
                self._rest = huge_pages(HUGE_PAGE)
            found, self._rest = self._rest[:size], self._rest[room:]
        return found


_together = _Together()


def together(size: int) -> memoryview:
    """Return `size` zeroed, writable bytes for a table that any packet may need a line of.

    Such tables share huge pages, so that the processor finds them all by a place or two in its
    table of pages.
    """
    return _together.take(size)
