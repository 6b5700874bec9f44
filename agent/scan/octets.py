"""Many bytes at once; where modules are compiled, octets.pxd stands in.

All raise IndexError where a range does not lie in `data`.
"""

WORD = 8


def find(data: memoryview, wanted: int, at: int, end: int) -> int:
    """Return where `wanted` stands first in data[at:end], or `end`."""
    while at < end and data[at] != wanted:
        at += 1
    return at


def first(marks: int) -> int:
    """Return which of the eight bytes of a word that is not 0 is the first with a bit set."""
    return ((marks & -marks).bit_length() - 1) >> 3


def last(marks: int) -> int:
    """Return which of the eight bytes of a word that is not 0 is the last with a bit set."""
    return (marks.bit_length() - 1) >> 3


def equals(value: int, other: int) -> int:
    """Return a word with the highest bit of each byte in which two words are the same."""
    value ^= other
    low = 0x7F7F7F7F7F7F7F7F
    return ~(((value & low) + low) | value) & 0x8080808080808080


def letters(low: int) -> int:
    """Return a word with the highest bit of each byte that is a letter; all are below 128."""
    small = low | 0x2020202020202020
    # Adding carries a byte over 127 where it is at least `a`, and where it is beyond `z`.
    return ((small + 0x1F1F1F1F1F1F1F1F) ^ (small + 0x0505050505050505)) & 0x8080808080808080


def fold(a: int, b: int) -> int:
    """Return both halves of the product of two words, one upon the other.

    With a secret in each this is a keyed hash of sixteen bytes, in which each bit counts (wyhash).
    """
    product = a * b
    return (product & 0xFFFFFFFFFFFFFFFF) ^ (product >> 64)


def word(data: memoryview, at: int) -> int:
    """Return eight bytes as a number, the first lowest."""
    if at + WORD > len(data):
        raise IndexError(at)
    return int.from_bytes(data[at : at + WORD], "little")


def required_word(data: memoryview, at: int) -> int:
    """Return eight bytes of a required range as a number, the first lowest."""
    return int.from_bytes(data[at : at + WORD], "little")


def require(data: memoryview, at: int, size: int) -> int:
    """Raise IndexError unless data has `size` bytes from `at` on."""
    if at + size > len(data):
        raise IndexError(at)
    return 0


def required(data: memoryview, at: int) -> int:
    """Return four bytes of a required range as a number, the first highest."""
    return int.from_bytes(data[at : at + 4], "big")


def number(data: memoryview, at: int) -> int:
    """Return four bytes as a number, the first highest, as protocols write them."""
    require(data, at, 4)
    return required(data, at)


def put(data: memoryview, at: int, value: int) -> None:
    """Write eight bytes from a number, the lowest first."""
    if at + WORD > len(data):
        raise IndexError(at)
    data[at : at + WORD] = value.to_bytes(WORD, "little")
