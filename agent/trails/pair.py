"""Find the rows that two sets have in common: both are sorted alike, so one walk over both tells.

Compiled; all arguments are buffers of agent.scan.layout: pools are bytes, rows two words each.
"""

from array import array

LOW32 = 0xFFFFFFFF


def pair(
    pool: memoryview,
    rows: memoryview,
    other_pool: memoryview,
    other_rows: memoryview,
    partner: "array[int]",
) -> None:
    """Write the number of the same key's row in the other set into `partner` ('I'), a row each.

    What the other set does not have stays as it was. Raise IndexError for offsets out of bounds.
    """
    _walk(pool, rows, other_pool, other_rows, partner)


def _walk(
    pool: memoryview,
    rows: memoryview,
    other_pool: memoryview,
    other_rows: memoryview,
    partner: "array[int]",
) -> None:
    count = len(partner)
    other_count = len(other_rows) // 2
    i = 0
    j = 0
    while i < count and j < other_count:
        order = _compare(pool, rows[i * 2], other_pool, other_rows[j * 2])
        if order == 0:
            partner[i] = j
        if order <= 0:
            i += 1
        if order >= 0:
            j += 1


def _compare(pool: memoryview, one: int, other_pool: memoryview, two: int) -> int:
    """Return -1, 0 or 1 as row word `one` sorts before, with or behind `two`."""
    if (one >> 48) & 0xFF != (two >> 48) & 0xFF:
        return -1 if (one >> 48) & 0xFF < (two >> 48) & 0xFF else 1
    size_one = (one >> 32) & 0xFFFF
    size_two = (two >> 32) & 0xFFFF
    start_one = one & LOW32
    start_two = two & LOW32
    shorter = size_one if size_one < size_two else size_two
    i = 0
    while i < shorter:
        if pool[start_one + i] != other_pool[start_two + i]:
            return -1 if pool[start_one + i] < other_pool[start_two + i] else 1
        i += 1
    if size_one == size_two:
        return 0
    return -1 if size_one < size_two else 1
