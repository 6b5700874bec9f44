"""Zeroed memory that costs nothing until it is used: a bytearray touches every page at once."""

import mmap


def pages(size: int) -> memoryview:
    """Return `size` zeroed, writable bytes of private memory."""
    return memoryview(mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
