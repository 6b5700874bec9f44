"""Many bytes at once; where modules are compiled, octets.pxd stands in.

Both raise IndexError where a range does not lie in `data`.
"""

WORD = 8


def find(data: memoryview, wanted: int, at: int, end: int) -> int:
    """Return where `wanted` stands first in data[at:end], or `end`."""
    while at < end and data[at] != wanted:
        at += 1
    return at


def word(data: memoryview, at: int) -> int:
    """Return eight bytes as a number, the first lowest."""
    if at + WORD > len(data):
        raise IndexError(at)
    return int.from_bytes(data[at : at + WORD], "little")


def put(data: memoryview, at: int, value: int) -> None:
    """Write eight bytes from a number, the lowest first."""
    if at + WORD > len(data):
        raise IndexError(at)
    data[at : at + WORD] = value.to_bytes(WORD, "little")
