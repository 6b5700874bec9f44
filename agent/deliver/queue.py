"""What one output has still to send: bounded, in order, the least severe given up first.

Strategy: one line for each severity, so that room is made at the head of the least severe one.
Entries are held encoded: that is what the bound counts, and what a journal on disk would hold.
"""

import threading
from collections import Counter, deque
from typing import NamedTuple

import msgspec

from agent.model import Delivery, Event

CAPACITY = 30_000_000
"""Bytes of all outputs' queues together: an hour of a busy sensor, and what DESIGN grants."""

OVERHEAD = 200
"""Bytes that Python needs for an entry besides its content."""

QUEUE_FULL = "queue-full"
STOPPED = "stopped"

_SEVERITIES = range(11)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Delivery)


class _Entry(NamedTuple):
    seq: int
    entered: float
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data) + OVERHEAD


class State(NamedTuple):
    """What a queue holds now; `oldest` is when its first entry came, or None."""

    events: int
    bytes: int
    capacity: int
    oldest: float | None
    last_seq: int


class Queue:
    """Numbers what enters and keeps it until `settle`; safe for one reader and many writers.

    `dropped` counts by reason what was numbered and never sent: a gap at the receiver.
    """

    def __init__(self, run_id: str, capacity: int) -> None:
        self.dropped: Counter[str] = Counter({QUEUE_FULL: 0, STOPPED: 0})
        self._run_id = run_id
        self._capacity = capacity
        self._bytes = 0
        self._seq = 0
        self._waiting: tuple[deque[_Entry], ...] = tuple(deque() for _ in _SEVERITIES)
        self._taken: deque[_Entry] = deque()
        self._changed = threading.Condition()

    def put(self, event: Event, now: float) -> None:
        """Give the event its number and keep it; where there is no room, the least goes."""
        severity = min(max(event.severity_id, _SEVERITIES[0]), _SEVERITIES[-1])
        with self._changed:
            seq = self._seq + 1
            delivery = Delivery(event=event, run_id=self._run_id, seq=seq)
            entry = _Entry(seq, now, _encoder.encode(delivery))
            self._seq = seq
            self._waiting[severity].append(entry)
            self._bytes += entry.size
            self._make_room()
            self._changed.notify()

    def take(self, limit: int) -> tuple[Delivery, ...]:
        """Return the first entries in order, at most `limit`; they stay until settled."""
        with self._changed:
            while len(self._taken) < limit:
                line = self._first_line()
                if line is None:
                    break
                self._taken.append(line.popleft())
            first = [self._taken[index] for index in range(min(limit, len(self._taken)))]
        return tuple(_decoder.decode(entry.data) for entry in first)

    def settle(self, count: int) -> None:
        """Forget the first `count` of what was taken: it was sent, or never will be."""
        with self._changed:
            for _ in range(min(count, len(self._taken))):
                self._bytes -= self._taken.popleft().size

    def wait(self, timeout: float) -> None:
        """Return when there is something to take, when woken, or after `timeout` seconds."""
        with self._changed:
            if not self._taken and self._first_line() is None:
                self._changed.wait(timeout)

    def wake(self) -> None:
        """Let `wait` return."""
        with self._changed:
            self._changed.notify_all()

    def abandon(self) -> int:
        """Drop everything, as at the end of the process; return how much that was."""
        with self._changed:
            count = len(self._taken) + sum(map(len, self._waiting))
            self._taken.clear()
            for line in self._waiting:
                line.clear()
            self._bytes = 0
            self.dropped[STOPPED] += count
        return count

    def resize(self, capacity: int) -> None:
        """Change the bound, dropping what no longer fits."""
        with self._changed:
            self._capacity = capacity
            self._make_room()

    def state(self) -> State:
        """Return what the queue holds now."""
        with self._changed:
            line = self._taken or self._first_line()
            return State(
                events=len(self._taken) + sum(map(len, self._waiting)),
                bytes=self._bytes,
                capacity=self._capacity,
                oldest=line[0].entered if line else None,
                last_seq=self._seq,
            )

    def _first_line(self) -> deque[_Entry] | None:
        """Return the line whose head entered first, or None where all are empty."""
        return min(filter(None, self._waiting), key=lambda line: line[0].seq, default=None)

    def _make_room(self) -> None:
        """Drop the oldest of the least severe, sparing what is being sent right now."""
        for line in self._waiting:
            while self._bytes > self._capacity and line:
                self._bytes -= line.popleft().size
                self.dropped[QUEUE_FULL] += 1
