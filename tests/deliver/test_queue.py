"""The queue: numbers without gaps, bounded, what is least severe goes first."""

import threading

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.deliver.queue import OVERHEAD, QUEUE_FULL, STOPPED, Queue
from agent.model import Event
from tests.deliver.waiting import until
from tests.outputs.samples import EVENT, RUN_ID


def event(severity: int, label: str = "") -> Event:
    """Return an event of a severity."""
    return msgspec.structs.replace(EVENT, severity_id=severity, observed=label)


def seqs(queue: Queue, limit: int = 1000) -> list[int]:
    """Return the numbers of what is first."""
    return [delivery.seq for delivery in queue.take(limit)]


def entry_size() -> int:
    """Return what one such event counts."""
    queue = Queue(RUN_ID, 1 << 30)
    queue.put(event(6), 0.0)
    return queue.state().bytes


def test_numbers_start_at_one_and_have_no_gaps() -> None:
    """Whatever the severity, the order is that of entry."""
    queue = Queue(RUN_ID, 1 << 30)
    for severity in (6, 10, 1, 3):
        queue.put(event(severity), 0.0)

    assert [(d.seq, d.event.severity_id, d.run_id) for d in queue.take(10)] == [
        (1, 6, RUN_ID),
        (2, 10, RUN_ID),
        (3, 1, RUN_ID),
        (4, 3, RUN_ID),
    ]


def test_what_was_taken_stays_until_it_is_settled() -> None:
    """A batch that failed is taken again, with the same numbers."""
    queue = Queue(RUN_ID, 1 << 30)
    for _ in range(5):
        queue.put(event(6), 0.0)

    assert seqs(queue, 3) == [1, 2, 3]
    assert seqs(queue, 2) == [1, 2]
    queue.settle(2)
    assert seqs(queue, 10) == [3, 4, 5]
    queue.settle(3)
    assert queue.state().events == 0
    assert queue.state().bytes == 0


def test_a_full_queue_drops_the_oldest_of_the_least_severe() -> None:
    """A flood of small things never pushes out what matters."""
    queue = Queue(RUN_ID, 3 * entry_size())
    for severity in (3, 10, 3, 3, 6):
        queue.put(event(severity), 0.0)

    assert seqs(queue) == [2, 4, 5]
    assert queue.dropped[QUEUE_FULL] == 2


def test_the_newest_is_dropped_when_it_is_the_least_severe() -> None:
    """It has its number already: the gap is the loss."""
    queue = Queue(RUN_ID, 2 * entry_size())
    for severity in (10, 10, 3, 10):
        queue.put(event(severity), 0.0)

    assert seqs(queue) == [2, 4]
    assert queue.dropped[QUEUE_FULL] == 2


def test_what_is_being_sent_is_never_dropped() -> None:
    """It may have arrived already."""
    queue = Queue(RUN_ID, 2 * entry_size())
    queue.put(event(1), 0.0)
    queue.put(event(1), 0.0)
    queue.take(2)

    queue.put(event(10), 0.0)

    assert seqs(queue) == [1, 2]
    assert queue.dropped[QUEUE_FULL] == 1


def test_a_smaller_bound_holds_at_once() -> None:
    """Another output was added and has its part."""
    queue = Queue(RUN_ID, 10 * entry_size())
    for _ in range(10):
        queue.put(event(6), 0.0)

    queue.resize(4 * entry_size())

    assert seqs(queue) == [7, 8, 9, 10]


def test_the_end_counts_what_is_left() -> None:
    """Nothing is lost unseen."""
    queue = Queue(RUN_ID, 1 << 30)
    for _ in range(3):
        queue.put(event(6), 0.0)
    queue.take(1)

    assert queue.abandon() == 3
    assert queue.dropped[STOPPED] == 3
    assert queue.state().events == 0


def test_the_state_tells_since_when_something_waits() -> None:
    """For the metric of the oldest waiting event."""
    queue = Queue(RUN_ID, 1 << 30)
    assert queue.state().oldest is None

    queue.put(event(6), 100.0)
    queue.put(event(10), 200.0)
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

    queue.put(event(6), 0.0)

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
    put = settled = taken = 0
    for step, value in steps:
        if step == "put":
            queue.put(event(value), 0.0)
            put += 1
        elif step == "take":
            taken = max(taken, len(queue.take(value)))
        else:
            count = min(value, taken)
            queue.settle(count)
            settled += count
            taken -= count

    state = queue.state()
    left = seqs(queue)
    assert state.last_seq == put
    assert settled + queue.dropped[QUEUE_FULL] + state.events == put
    assert state.bytes <= max(capacity, taken * 2000)
    assert left == sorted(set(left))
