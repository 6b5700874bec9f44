"""Which numbers of a run arrived: ranges, not numbers, so that memory follows the gaps."""

from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass, field

from agent.verify.lines import Received

MAX_RANGES = 100_000
"""Ranges kept of one run; a stream with more holes than that is lost, not verified."""
MAX_RUNS = 10_000
"""Runs told apart: a fleet's of some months."""
REMEMBERED = 4_096
"""Numbers whose event is remembered, to tell a copy from an event of another origin."""


@dataclass
class Run:
    """What arrived of one run; `sensor` is who told the newest event of it."""

    sensor: str = ""
    received: int = 0
    duplicates: int = 0
    reordered: int = 0
    mixed: int = 0
    beyond: int = 0
    stopped_at: int = 0
    losses_told: int = 0
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    _events: OrderedDict[int, str] = field(default_factory=OrderedDict)

    @property
    def first(self) -> int:
        """Return the lowest number."""
        return self.starts[0] if self.starts else 0

    @property
    def last(self) -> int:
        """Return the highest number."""
        return self.ends[-1] if self.ends else 0

    @property
    def ended(self) -> bool:
        """Tell whether the last number is that of a stop: nothing can be missing behind it."""
        return 0 < self.stopped_at == self.last

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """Return what is missing between the first and the last number, both ends included."""
        return [
            (end + 1, start - 1) for end, start in zip(self.ends[:-1], self.starts[1:], strict=True)
        ]

    @property
    def missing(self) -> int:
        """Return how many numbers that is."""
        return sum(end - start + 1 for start, end in self.gaps)

    def arrived(self, parts: int) -> list[float]:
        """Return which share of each of so many equal parts of the run arrived, in order."""
        count = self.last - self.first + 1 if self.starts else 0
        parts = min(parts, count)
        edges = [self.first + part * count // parts for part in range(parts)] + [self.last + 1]
        missing = [0] * parts
        for start, end in self.gaps:
            part = bisect_right(edges, start) - 1
            while part < parts and edges[part] <= end:
                missing[part] += min(end + 1, edges[part + 1]) - max(start, edges[part])
                part += 1
        return [1 - lost / (edges[part + 1] - edges[part]) for part, lost in enumerate(missing)]

    def take(self, event: Received) -> None:
        """Count one event."""
        self.received += 1
        if event.seq > self.last:
            self.sensor = event.sensor
        if event.class_id == "agent-stop":
            self.stopped_at = max(self.stopped_at, event.seq)
        self.losses_told += event.class_id == "agent-loss"
        place = bisect_right(self.starts, event.seq) - 1
        if place >= 0 and event.seq <= self.ends[place]:
            known = self._events.get(event.seq, event.event_id)
            if known == event.event_id:
                self.duplicates += 1
            else:
                self.mixed += 1
            return
        self.reordered += event.seq < self.last
        self._events[event.seq] = event.event_id
        if len(self._events) > REMEMBERED:
            self._events.popitem(last=False)
        self._insert(place, event.seq)

    def _insert(self, place: int, seq: int) -> None:
        """Put a new number behind range `place`, joining what it touches."""
        before = place >= 0 and self.ends[place] == seq - 1
        after = place + 1 < len(self.starts) and self.starts[place + 1] == seq + 1
        if before and after:
            self.ends[place] = self.ends.pop(place + 1)
            del self.starts[place + 1]
        elif before:
            self.ends[place] = seq
        elif after:
            self.starts[place + 1] = seq
        elif len(self.starts) >= MAX_RANGES:
            self.beyond += 1
        else:
            self.starts.insert(place + 1, seq)
            self.ends.insert(place + 1, seq)


class Runs:
    """All runs that a stream holds.

    A run is known by its identifier alone: a sensor may be given another name while deliver runs.
    """

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.beyond = 0

    def take(self, event: Received) -> None:
        """Count one event."""
        run = self.runs.get(event.run_id)
        if run is None:
            if len(self.runs) >= MAX_RUNS:
                self.beyond += 1
                return
            run = self.runs[event.run_id] = Run()
        run.take(event)
