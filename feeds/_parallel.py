"""Run calls side by side, each within its time: one that never returns holds up nobody.

A server can hold a client in a resolver, in a handshake or in endless headers, where no deadline
of ours is looked at. Such a call is given up; its thread ends with the process.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class Overdue(Exception):  # noqa: N818 - a verdict on a call
    """A call that was given up."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """Something to run, under a name, for at most `limit` seconds."""

    name: str
    run: Callable[[], T]
    limit: float


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A call that ended, after so many seconds; `result` is its value or what it raised."""

    name: str
    seconds: float
    result: Future[T]


@dataclass(frozen=True, slots=True)
class _Running(Generic[T]):
    call: Call[T]
    started: float
    result: Future[T]

    @property
    def until(self) -> float:
        return self.started + self.call.limit

    def done(self) -> Done[T]:
        return Done(self.call.name, time.monotonic() - self.started, self.result)


def side_by_side(calls: Iterable[Call[T]], workers: int) -> Iterator[Done[T]]:
    """Yield calls as they end, at most `workers` at once.

    A call is taken from `calls` when there is a worker for it. One that is overdue ends with
    Overdue.
    """
    ended: SimpleQueue[_Running[T]] = SimpleQueue()
    running: list[_Running[T]] = []
    waiting = iter(calls)
    while True:
        while len(running) < workers and (call := next(waiting, None)) is not None:
            running.append(_start(call, ended))
        if not running:
            return
        one = _next(ended, running)
        if one in running:  # what was given up may end all the same
            running.remove(one)
            yield one.done()


def within(limit: float, run: Callable[[], T]) -> T:
    """Return what `run` returns, or raise what it raises; raise Overdue after `limit` seconds."""
    (done,) = side_by_side([Call("", run, limit)], 1)
    return done.result.result()


def _start(call: Call[T], ended: "SimpleQueue[_Running[T]]") -> _Running[T]:
    running = _Running(call, time.monotonic(), Future[T]())

    def work() -> None:
        try:
            value = call.run()
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            if not running.result.done():
                running.result.set_exception(error)
        else:
            if not running.result.done():
                running.result.set_result(value)
        ended.put(running)

    Thread(target=work, name=f"call {call.name}", daemon=True).start()
    return running


def _next(ended: "SimpleQueue[_Running[T]]", running: list[_Running[T]]) -> _Running[T]:
    """Return a call that ended, or else the first that is overdue."""
    first = min(running, key=lambda one: one.until)
    try:
        return ended.get(timeout=max(0.0, first.until - time.monotonic()))
    except Empty:
        given_up = Future[T]()
        given_up.set_exception(Overdue())
        index = running.index(first)
        running[index] = _Running(first.call, first.started, given_up)
        return running[index]
