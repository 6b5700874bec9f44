"""The queue: numbers without gaps, bounded, what is least severe goes first."""

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.deliver.memory import OVERHEAD
from agent.deliver.queue import QUEUE_FULL, STOPPED, Queue
from tests.deliver.queued import event, put, seqs
from tests.deliver.waiting import until
from tests.outputs.samples import RUN_ID


def entry_size() -> int:
    """Return what one such event counts."""
    queue = Queue(RUN_ID, 1 << 30)
    put(queue, event(6))
    return queue.state().bytes


def test_numbers_start_at_one_and_have_no_gaps() -> None:
    """Whatever the severity, the order is that of entry."""
    queue = Queue(RUN_ID, 1 << 30)
    for severity in (6, 10, 1, 3):
        put(queue, event(severity))

    assert [(d.seq, d.event.severity_id, d.run_id) for d in queue.take(10)] == [
        (1, 6, RUN_ID),
        (2, 10, RUN_ID),
        (3, 1, RUN_ID),
        (4, 3, RUN_ID),
    ]


def test_what_was_taken_stays_until_it_is_settled() -> None:
    """What failed is taken again after a rewind, with the same numbers."""
    queue = Queue(RUN_ID, 1 << 30)
    for _ in range(5):
        put(queue, event(6))

    assert seqs(queue, 3) == [1, 2, 3]
    assert seqs(queue, 2) == [4, 5]
    queue.settle(2)
    queue.rewind()
    assert seqs(queue, 10) == [3, 4, 5]
    queue.settle(3)
    assert queue.state().events == 0
    assert queue.state().bytes == 0


def test_a_full_queue_drops_the_oldest_of_the_least_severe() -> None:
    """A flood of small things never pushes out what matters."""
    queue = Queue(RUN_ID, 3 * entry_size())
    for severity in (3, 10, 3, 3, 6):
        put(queue, event(severity))

    assert seqs(queue) == [2, 4, 5]
    assert queue.dropped[QUEUE_FULL] == 2


def test_the_newest_is_dropped_when_it_is_the_least_severe() -> None:
    """It has its number already: the gap is the loss."""
    queue = Queue(RUN_ID, 2 * entry_size())
    for severity in (10, 10, 3, 10):
        put(queue, event(severity))

    assert seqs(queue) == [2, 4]
    assert queue.dropped[QUEUE_FULL] == 2


def test_what_is_being_sent_is_never_dropped() -> None:
    """It may have arrived already."""
    queue = Queue(RUN_ID, 2 * entry_size())
    put(queue, event(1))
    put(queue, event(1))
    queue.take(2)

    put(queue, event(10))

    queue.rewind()
    assert seqs(queue) == [1, 2]
    assert queue.dropped[QUEUE_FULL] == 1


def test_a_smaller_bound_holds_at_once() -> None:
    """Another output was added and has its part."""
    queue = Queue(RUN_ID, 10 * entry_size())
    for _ in range(10):
        put(queue, event(6))

    queue.resize(4 * entry_size())

    assert seqs(queue) == [7, 8, 9, 10]


def test_the_end_counts_what_is_left() -> None:
    """Nothing is lost unseen."""
    queue = Queue(RUN_ID, 1 << 30)
    for _ in range(3):
        put(queue, event(6))
    queue.take(1)

    assert queue.close(0.0) == 3
    assert queue.dropped[STOPPED] == 3
    assert queue.state().events == 0


def test_the_state_tells_since_when_something_waits() -> None:
    """For the metric of the oldest waiting event."""
    queue = Queue(RUN_ID, 1 << 30)
    assert queue.state().oldest is None

    put(queue, event(6), now=100.0)
    put(queue, event(10), now=200.0)
    assert queue.state().oldest == 100.0

    queue.take(1)
    queue.settle(1)
    assert queue.state().oldest == 200.0
    assert queue.state().last_seq == 2


def test_a_reader_that_waits_is_woken_by_an_event() -> None:
    """No output sleeps while there is something to send."""
    queue = Queue(RUN_ID, 1 << 30)
    reader = threading.Thread(target=lambda: queue.wait(60.0))
    reader.start()

    put(queue, event(6))

    until(lambda: not reader.is_alive(), "the reader came back")


@settings(deadline=None)
@given(
    st.integers(OVERHEAD, 20_000),
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 10)),
            st.tuples(st.just("take"), st.integers(1, 5)),
            st.tuples(st.just("settle"), st.integers(1, 5)),
        ),
        max_size=60,
    ),
)
def test_nothing_is_lost_unseen(capacity: int, steps: list[tuple[str, int]]) -> None:
    """Every number was settled, dropped and counted, or is still there; the bound holds."""
    queue = Queue(RUN_ID, capacity)
    entered = settled = taken = 0
    for step, value in steps:
        if step == "put":
            put(queue, event(value))
            entered += 1
        elif step == "take":
            taken += len(queue.take(value))
        else:
            count = min(value, taken)
            queue.settle(count)
            settled += count
            taken -= count

    state = queue.state()
    queue.rewind()
    left = seqs(queue)
    assert state.last_seq == entered
    assert settled + queue.dropped[QUEUE_FULL] + state.events == entered
    assert state.bytes <= max(capacity, taken * 2000)
    assert left == sorted(set(left))
