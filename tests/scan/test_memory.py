"""Memory of tables: zeroed, theirs alone, begun at a cache line."""

import ctypes

import pytest

from agent.scan.memory import HUGE_PAGE, pages, together

LINE = 64


def address(memory: memoryview) -> int:
    """Return where memory begins."""
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


@pytest.mark.parametrize("size", [8, 65, HUGE_PAGE - 8, HUGE_PAGE, HUGE_PAGE + 8])
def test_table_is_zeroed_and_of_the_size_that_was_asked_for(size: int) -> None:
    """Also one that no rest of a page holds, and one that is larger than a page."""
    for memory in (pages(size), together(size)):
        assert memory.nbytes == size
        assert not any(memory[:64])
        assert not any(memory[-64:])


def test_tables_share_no_byte_and_no_line() -> None:
    """What one worker writes slows no other one down."""
    tables = [together(size) for size in (8, 100, 64, 3000, 8)]

    for number, table in enumerate(tables):
        table[:] = bytes([number + 1]) * len(table)

    assert all(set(table) == {number + 1} for number, table in enumerate(tables))
    assert all(address(table) % LINE == 0 for table in tables)
