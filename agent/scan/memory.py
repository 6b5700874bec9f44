"""Zeroed memory that costs nothing until it is used: a bytearray touches every page at once."""

import mmap


def pages(size: int) -> memoryview:
    """Return `size` zeroed, writable bytes of private memory."""
    return memoryview(mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


def resident(size: int) -> memoryview:
    """Return such memory, there at once: for small tables that any packet may need a page of."""
    memory = pages(size)
    for at in range(0, size, mmap.PAGESIZE):
        memory[at] = 0
    return memory
