"""What one output has still to send: numbered, bounded, in order, the least severe given up first.

Strategy: one line for each band of severity, in memory and, where there is a journal, on disk; what
is sent next is the head with the lowest number. An entry enters the journal, or memory where there
is none or where the disk does not take it; from there it moves to the disk once that works again,
before anything newer does. So every line is in order.
"""

import heapq
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from agent.deliver.entry import BANDS, Entry, Line, band
from agent.deliver.journal import Bounds, Journal
from agent.deliver.memory import OVERHEAD, MemoryLine
from agent.model import Delivery, Event

__all__ = ["CAPACITY", "OVERHEAD", "QUEUE_FULL", "STOPPED", "UNREADABLE", "Queue", "State"]

CAPACITY = 30_000_000
"""Bytes in memory of all outputs' queues together: what DESIGN grants."""

QUEUE_FULL = "queue-full"
STOPPED = "stopped"
UNREADABLE = "unreadable"

OpenJournal = Callable[[], Journal]
"""Opens an output's journal; raises OSError, or ConfigError where another deliver has it."""

_log = logging.getLogger("deliver.queue")
_decoder = msgspec.msgpack.Decoder(Event)


class _Taken(msgspec.Struct, frozen=True, gc=False):
    line: Line
    entered: float
    is_readable: bool


class State(NamedTuple):
    """What a queue holds now; `oldest` is when its first entry came, or None."""

    events: int
    bytes: int
    capacity: int
    oldest: float | None
    last_seq: int
    journal_bytes: int = 0
    journal_segments: int = 0


class Queue:
    """Numbers what enters and keeps it until `settle`; safe for one reader and many writers.

    `sync_errors` is counted by who syncs.
    """

    def __init__(
        self,
        run_id: str,
        capacity: int,
        open_journal: OpenJournal | None = None,
        last_seq: int = 0,
    ) -> None:
        """Open the journal; where the disk does not let us, memory stands in until it does.

        Raise ConfigError where another deliver has the journal.
        """
        self.sync_errors = 0
        self._run = bytes.fromhex(run_id)
        self._capacity = capacity
        self._seq = last_seq
        self._number = time.time_ns() // 1000
        self._memory = tuple(MemoryLine() for _ in BANDS)
        self._lines: tuple[Line, ...] = self._memory
        self._taken: deque[_Taken] = deque()
        self._lost = Counter({QUEUE_FULL: 0, STOPPED: 0})
        self._changed = threading.Condition()
        self._open_journal = open_journal
        self._journal: Journal | None = None
        self._unopened = ""
        self._try_journal()

    @property
    def dropped(self) -> Mapping[str, int]:
        """What was numbered and never sent, by reason: a gap at the receiver."""
        return {**self._lost, **(self._journal.lost if self._journal else {})}

    @property
    def trouble(self) -> str:
        """Why the journal is not in use although there should be one, or nothing."""
        return self._journal.trouble if self._journal else self._unopened

    @property
    def outlives_deliver(self) -> bool:
        """Whether what waits is kept when the process ends."""
        return self._journal is not None and not self._journal.trouble

    def put(self, events: Sequence[tuple[int, bytes]], now: float) -> None:
        """Give the events, as severity and MessagePack, their numbers and keep them.

        When this returns they are in the journal, or in memory where that is all there is. Those
        of one call are numbered band by band, as they are written: what a crash cuts off is the
        end of them, and no gap before what stays. An incident's severity only ever rises, so that
        its events keep their order.
        """
        events = sorted(events, key=_band_of)
        with self._changed:
            entries = [
                Entry(self._number + i, self._run, self._seq + i, now, severity, data)
                for i, (severity, data) in enumerate(events, 1)
            ]
            self._number += len(entries)
            self._seq += len(entries)
            self._keep(entries, now)
            self._changed.notify()

    def take(self, limit: int) -> Sequence[Delivery]:
        """Return the next entries in order, at most `limit`; they stay until settled."""
        with self._changed:
            found = self._pop(limit)
            if not found and not self._taken and self._journal:
                self._journal.commit()  # of what could not be read
        return found

    def settle(self, count: int) -> None:
        """Forget the first `count` of what was taken: it was sent, or never will be."""
        with self._changed:
            self._settle_unreadable()
            taken = self._taken
            for _ in range(min(count, len(taken))):
                taken.popleft().line.settle()
                if taken and not taken[0].is_readable:
                    self._settle_unreadable()
            if self._journal:
                self._journal.commit()

    def rewind(self) -> None:
        """Let `take` begin again with the first entry that is not settled."""
        with self._changed:
            self._taken.clear()
            for line in self._lines:
                line.rewind()

    def wait(self, timeout: float) -> None:
        """Return when there is something to take, when woken, or after `timeout` seconds."""
        with self._changed:
            if self._first() is None:
                self._changed.wait(timeout)

    def wake(self) -> None:
        """Let `wait` return."""
        with self._changed:
            self._changed.notify_all()

    def tend(self, now: float) -> Sequence[int]:
        """Expire, and try the disk again where it failed; return what is to be synced.

        Called every second. The caller brings the descriptors to the disk and closes them.
        """
        with self._changed:
            if self.trouble:
                self._try_journal()
                if self._journal:
                    self._journal.retry()
                    self._move_to_journal(now)
            if self._journal is None:
                return ()
            self._journal.expire(now)
            return self._journal.written()

    def close(self, now: float) -> int:
        """End: what is in the journal is kept, what is not is dropped; return how much that was."""
        with self._changed:
            self._taken.clear()
            for line in self._lines:
                line.rewind()
            if self._journal:
                self._move_to_journal(now)
                self._journal.close()
                self._lines = self._memory
                self._lost.update(self._journal.lost)
                self._journal = None
            self._open_journal = None
            count = sum(len(line.give_up()) for line in self._memory)
            self._lost[STOPPED] += count
        return count

    def resize(self, capacity: int) -> None:
        """Change the bound of memory, dropping what no longer fits."""
        with self._changed:
            self._capacity = capacity
            self._make_room()

    def bound(self, bounds: Bounds) -> None:
        """Change the bounds of the journal, dropping what no longer fits."""
        with self._changed:
            if self._journal:
                self._journal.bound(bounds)

    def state(self) -> State:
        """Return what the queue holds now."""
        with self._changed:
            first = self._first()
            head = first.head() if first else None
            oldest = self._taken[0].entered if self._taken else head.entered if head else None
            return State(
                events=sum(line.events for line in self._lines),
                bytes=sum(line.bytes for line in self._memory),
                capacity=self._capacity,
                oldest=oldest,
                last_seq=self._seq,
                journal_bytes=self._journal.bytes if self._journal else 0,
                journal_segments=self._journal.segments if self._journal else 0,
            )

    def _try_journal(self) -> None:
        """Open the journal where there should be one and is none."""
        if self._journal is not None or self._open_journal is None:
            return
        try:
            journal = self._open_journal()
        except OSError as error:
            self._unopened = f"{error.filename}: {error.strerror or error}"
            return
        self._journal = journal
        self._number = max(self._number, journal.last_number)
        self._lines = (*self._memory, *journal.bands)

    def _keep(self, entries: Sequence[Entry], now: float) -> None:
        """Keep new entries on disk, or in memory as long as that gives trouble."""
        if self._journal and not self._journal.trouble:
            entries = self._journal.append(entries, now)
        for entry in entries:
            self._memory[band(entry.severity)].append(entry)
        if entries:
            self._make_room()

    def _move_to_journal(self, now: float) -> None:
        """Put on disk what memory had to take meanwhile; what fails again stays."""
        waiting = [entry for line in self._memory for entry in line.give_up()]
        waiting.sort(key=lambda entry: entry.number)
        if self._journal is None:
            return
        for entry in self._journal.append(waiting, now):
            self._memory[band(entry.severity)].append(entry)

    def _pop(self, limit: int) -> Sequence[Delivery]:
        """Take the next entries, always from the line whose head has the lowest number."""
        heads = [
            (head.number, index)
            for index, line in enumerate(self._lines)
            if (head := line.head()) is not None
        ]
        heapq.heapify(heads)
        found: list[Delivery] = []
        run, run_id = b"", ""
        lines, took = self._lines, self._taken.append
        while heads and len(found) < limit:
            index = heads[0][1]
            line = lines[index]
            entry = line.pop()
            head = line.head()
            if head is None:
                heapq.heappop(heads)
            else:
                heapq.heapreplace(heads, (head.number, index))
            event = _decode(entry)
            took(_Taken(line, entry.entered, event is not None))
            if event is not None:
                if entry.run != run:
                    run, run_id = entry.run, entry.run.hex()
                found.append(Delivery(event=event, run_id=run_id, seq=entry.seq))
        return found

    def _settle_unreadable(self) -> None:
        while self._taken and not self._taken[0].is_readable:
            self._taken.popleft().line.settle()
            self._lost[UNREADABLE] += 1

    def _first(self) -> Line | None:
        """Return the line whose head has the lowest number, or None where all are empty."""
        first, lowest = None, 0
        for line in self._lines:
            head = line.head()
            if head is not None and (first is None or head.number < lowest):
                first, lowest = line, head.number
        return first

    def _make_room(self) -> None:
        """Drop the oldest of the least severe from memory, sparing what is being sent right now."""
        excess = sum(line.bytes for line in self._memory) - self._capacity
        for line in self._memory:
            while excess > 0:
                before = line.bytes
                if not line.drop_oldest():
                    break
                excess -= before - line.bytes
                self._lost[QUEUE_FULL] += 1


def _band_of(event: tuple[int, bytes]) -> int:
    return band(event[0])


def encode(event: Event) -> bytes:
    """Return the event as a queue keeps it."""
    return msgspec.msgpack.encode(event)


def _decode(entry: Entry) -> Event | None:
    """Return the event, or None where this version cannot read it."""
    try:
        return _decoder.decode(entry.data)
    except (msgspec.DecodeError, RecursionError) as error:
        _log.error("event seq %d cannot be read back: %s", entry.seq, error)
        return None
