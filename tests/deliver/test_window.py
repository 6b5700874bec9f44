"""What may be forgotten: only what has arrived, and on a connection only some time after."""

from hypothesis import given
from hypothesis import strategies as st

from agent.deliver.window import HOLD, Window


def test_what_nobody_confirms_is_settled_by_the_write() -> None:
    """A file, a datagram."""
    window = Window()
    window.wrote(3)

    assert window.settle(None, 0.0) == 3
    assert window.open == 0


def test_what_is_acknowledged_is_held_for_a_while() -> None:
    """The receiver's kernel had it, its program may not: a receiver killed now would lose it."""
    window = Window()
    window.wrote(10)

    assert window.settle(4, 100.0) == 0
    assert window.settle(0, 100.0 + HOLD / 2) == 0
    assert window.settle(0, 100.0 + HOLD) == 6
    assert window.open == 4
    assert window.settle(0, 100.0 + HOLD * 2) == 4


def test_what_is_not_acknowledged_is_never_settled() -> None:
    """However long it takes."""
    window = Window()
    window.wrote(10)

    assert window.settle(10, 0.0) == 0
    assert window.settle(10, 1e9) == 0


def test_a_new_connection_begins_with_nothing_written() -> None:
    """What was open is written again, and counted anew."""
    window = Window()
    window.wrote(10)
    window.settle(0, 0.0)
    window.restart()

    assert window.open == 0
    assert window.settle(0, 1e9) == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30), st.floats(0, 1)), max_size=60))
def test_it_never_settles_more_than_has_arrived(steps: list[tuple[int, int, float]]) -> None:
    """Whatever an output says, also that more is unconfirmed than was written."""
    window, now, written, settled, arrived = Window(), 0.0, 0, 0, 0
    for wrote, unconfirmed, pause in steps:
        window.wrote(wrote)
        written += wrote
        now += pause
        arrived = max(arrived, written - min(unconfirmed, written))
        settled += window.settle(unconfirmed, now)
        assert settled <= arrived
        assert window.open == written - settled
