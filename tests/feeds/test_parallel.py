"""Calls side by side: few at once, each within its time, in the order in which they end."""

from collections.abc import Callable, Iterator
from threading import Event, Lock

import pytest

from feeds._parallel import Call, Overdue, side_by_side, within

LONG = 5.0


def test_calls_come_as_they_end() -> None:
    """The second lets the first go on."""
    go_on = Event()

    def first() -> int:
        go_on.wait(LONG)
        return 1

    def second() -> int:
        return 2

    seen = []
    for done in side_by_side([Call("one", first, LONG), Call("two", second, LONG)], 2):
        seen.append((done.name, done.result.result()))
        go_on.set()

    assert seen == [("two", 2), ("one", 1)]


@pytest.mark.parametrize("workers", [1, 3, 8])
def test_no_more_than_the_workers_run_at_once(workers: int) -> None:
    """Calls are taken when somebody is free for them; all of them run."""
    lock = Lock()
    running = most = 0

    def call() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        with lock:
            running -= 1

    taken = 0

    def calls() -> Iterator[Call[None]]:
        nonlocal taken
        for number in range(20):
            taken += 1
            yield Call(str(number), call, LONG)

    names = []
    for done in side_by_side(calls(), workers):
        names.append(done.name)
        assert taken <= len(names) + workers

    assert sorted(names, key=int) == [str(number) for number in range(20)]
    assert most <= workers


def test_what_a_call_raises_is_raised_where_its_result_is_asked_for() -> None:
    """And nowhere else: the others end well."""

    def fail() -> int:
        raise ZeroDivisionError("oops")

    calls: list[Call[int]] = [Call("bad", fail, LONG), Call("good", lambda: 3, LONG)]
    results = {done.name: done.result for done in side_by_side(calls, 1)}

    assert results["good"].result() == 3
    with pytest.raises(ZeroDivisionError, match="oops"):
        results["bad"].result()


def test_a_call_that_never_returns_is_given_up_and_holds_up_nobody() -> None:
    """It ends overdue; the next one has its worker, and its late end changes nothing."""
    over = Event()

    def stuck() -> int:
        over.wait(LONG)
        return 1

    def after() -> int:
        over.set()
        return 2

    calls = [Call("stuck", stuck, 0.05), Call("after", after, LONG)]
    done = list(side_by_side(calls, 1))

    assert [one.name for one in done] == ["stuck", "after"]
    assert isinstance(done[0].result.exception(), Overdue)
    assert done[1].result.result() == 2


def test_one_call_within_its_time() -> None:
    """Its value, its error, or Overdue."""
    over = Event()
    stuck: Callable[[], bool] = lambda: over.wait(LONG)  # noqa: E731 - one line, one job

    assert within(LONG, lambda: 4) == 4
    with pytest.raises(Overdue):
        within(0.05, stuck)
    over.set()


def test_nothing_to_do_ends_at_once() -> None:
    """No calls, no threads."""
    assert list(side_by_side([], 8)) == []
