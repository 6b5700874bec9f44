"""Zeroed memory for tables: where it lies decides what a packet waits for."""

import contextlib
import ctypes
import mmap
import threading

HUGE_PAGE = 2 << 20
"""The size of x86-64 and of most others; on the rest small pages do as well."""
_LINE = 64


def pages(size: int) -> memoryview:
    """Return `size` zeroed, writable bytes of private memory.

    They cost nothing until they are used: a bytearray touches every page at once.
    """
    return memoryview(mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


def huge_pages(size: int) -> memoryview:
    """Return zeroed private memory, in huge pages where the system allows them on request.

    Only a whole and aligned huge page can be one, so that as much more address space is reserved;
    what is left behind the last of them lies in small ones. The rest is never touched and takes no
    memory.
    """
    if size < HUGE_PAGE:
        return memoryview(bytearray(size))
    memory = mmap.mmap(-1, size + HUGE_PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    first = -ctypes.addressof(ctypes.c_char.from_buffer(memory)) % HUGE_PAGE
    huge = first + size // HUGE_PAGE * HUGE_PAGE
    with contextlib.suppress(OSError):  # a kernel without them; small pages do as well
        memory.madvise(mmap.MADV_HUGEPAGE, first, huge - first)
    # Clearing a huge page takes a millisecond, which capture shall not wait for.
    for at in (*range(first, huge, HUGE_PAGE), *range(huge, first + size, mmap.PAGESIZE)):
        memory[at] = 0
    return memoryview(memory)[first : first + size]


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
