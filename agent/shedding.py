"""Load shedding: what a capture gives up first when its worker cannot keep up, and when it returns.

Strategy: the kernel drops what is shed before it is copied, so that a worker has time for what is
left. Bulk goes first, then heads of flows whose heads matched nothing, which the scanner passes
over, then heads of all TCP streams, then all but DNS and attempts to connect, and where those alone
are too much most attempts: names asked for are seen to the last. How full a ring is decides; one
that dropped packets was.
"""

import heapq
import math
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agent.faults import Faults
from agent.interface_loss import on_wire
from agent.kernel_filter import SAMPLE, SHORT_BYTES, Keep
from agent.model import Event, Evidence

NO_HEADS, KNOWN_HEADS, ALL_HEADS = 0, 1, 2
"""Which heads of TCP streams the scanner passes over, as agent.scan.known has it."""


class Level(NamedTuple):
    """What is shed, in words, nothing for none, and what the kernel keeps.

    From `ring_use` on, a share, it is taken, and with drops. What the ring holds by then is read
    as `skips` says.
    """

    shed: str
    keep: Keep
    ring_use: float
    skips: int = NO_HEADS


LEVELS = (
    Level("", Keep.ALL, 0.0),
    Level("bulk data of TCP streams", Keep.NO_BULK, 0.2),
    Level(
        "bulk, and requests and hellos between two hosts whose last one matched nothing",
        Keep.NO_BULK,
        0.35,
        KNOWN_HEADS,
    ),
    Level(
        "all data of TCP streams: names in HTTP and TLS are not seen",
        Keep.NO_STREAMS,
        0.5,
        ALL_HEADS,
    ),
    Level(
        f"all but DNS, attempts to connect and datagrams below {SHORT_BYTES} bytes",
        Keep.SHORT,
        0.65,
        ALL_HEADS,
    ),
    Level(
        f"all but DNS, and one of {SAMPLE} attempts to connect and short datagrams",
        Keep.NAMES,
        math.inf,
        ALL_HEADS,
    ),
)
"""The last one is taken where the one before does not help: listed addresses suffer from it."""

CALM = 0.1
"""Share of the ring below which a worker keeps up."""
UP_SECONDS = 0.25
"""How long a level has to help before drops raise it further."""
DOWN_SECONDS = 0.4
"""How long it must be calm for a step back: five steps take two seconds."""
MAX_CHANGES = 64
"""Changes that wait to be told, which is done each second: there are a handful in one."""
EARLY_SECONDS = 2.0
"""A step back that lasts less was too early, however short the wait before it."""
MAX_HOLD = 32.0
"""Where a step back overloads at once, the next one waits twice as long, up to this."""

FULL = 0.8
"""Share of the ring from which on a level has to help."""

LITTLE = 0.1
"""Share of an interface's packets that is little to shed."""
FEW = 1000
"""Packets a second that any worker can read: after a storm the agent's own deliveries go on."""


class Change(NamedTuple):
    """A level that was left for another, at monotonic seconds."""

    at: float
    before: int
    after: int


class Shedding:
    """Decides on one handle's level, many times a second. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.level = 0
        self._changes: deque[Change] = deque(maxlen=MAX_CHANGES)
        self._use_then = 0.0
        self._back_from = 0
        self._calm_since = 0.0
        self._up_at = -UP_SECONDS
        self._back_at = -MAX_HOLD
        self._hold = DOWN_SECONDS

    def judge(
        self, now: float, dropped: int, ring_use: float, *, sheds_little: bool = False
    ) -> bool:
        """Take what the kernel dropped since the last call, and the share of the ring in use.

        Where little is shed any more it comes back without waiting longer than usual. Return
        whether the level changed.
        """
        wanted = sum(ring_use >= level.ring_use for level in LEVELS[1:])
        helps = not dropped and (ring_use < FULL or ring_use <= self._use_then)
        if not helps and now - self._up_at >= UP_SECONDS:
            wanted = max(wanted, min(self.level + 1, len(LEVELS) - 1))
        if self._is_early(now) and (dropped or ring_use >= LEVELS[1].ring_use):
            wanted = max(wanted, self._back_from)
        if wanted > self.level:
            self._use_then = ring_use
            self._up(now, wanted)
            return True
        if dropped or ring_use >= CALM:
            self._calm_since = now
            return False
        hold = DOWN_SECONDS if sheds_little else self._hold
        if self.level == 0 or now - self._calm_since < hold:
            return False
        self._back_from = self.level
        self._change(now, self.level - 1)
        self._calm_since = now
        self._back_at = now
        return True

    def take_changes(self) -> list[Change]:
        """Return the changes since this was asked last, in order; safe from another thread."""
        return [self._changes.popleft() for _ in range(len(self._changes))]

    def _is_early(self, now: float) -> bool:
        """Tell whether the last step back was a short while ago."""
        return now - self._back_at < max(2 * self._hold, EARLY_SECONDS)

    def _up(self, now: float, level: int) -> None:
        self._hold = min(2 * self._hold, MAX_HOLD) if self._is_early(now) else DOWN_SECONDS
        self._calm_since = self._up_at = now
        self._change(now, level)

    def _change(self, now: float, level: int) -> None:
        self._changes.append(Change(now, self.level, level))
        self.level = level


def highest(workers: Sequence[Sequence[Change]], levels: Sequence[int]) -> Iterator[Change]:
    """Yield the changes of the highest level among workers, which changed so and have these now."""
    current = [
        changes[0].before if changes else level
        for changes, level in zip(workers, levels, strict=True)
    ]
    rows = ([(change, place) for change in changes] for place, changes in enumerate(workers))
    for change, place in heapq.merge(*rows):
        before = max(current)
        current[place] = change.after
        if max(current) != before:
            yield Change(change.at, before, max(current))


class Wire:
    """What an interface had and nobody read, between two calls, a second apart."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen = 0
        self._received = 0

    def sheds_little(self, received: int) -> bool:
        """Take a total of what was read; tell whether that was nearly all there was."""
        seen = on_wire(self._name) or 0
        new, read = seen - self._seen, received - self._received
        self._seen, self._received = seen, received
        return seen > 0 and new - read <= max(FEW, LITTLE * new)


class Shed:
    """Tells levels of interfaces in events, and estimates how many packets they cost."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._levels: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self.packets: Counter[str] = Counter()
        self.changes: Counter[str] = Counter()

    def tell(self, name: str, level: int, now_us: int) -> Iterator[Event]:
        """Yield what is news of an interface's level."""
        before = self._levels.get(name, 0)
        self._levels[name] = level
        if level == before:
            return
        self.changes[name] += 1
        key = f"shedding on {name}"
        evidence: Evidence = {"interface": name, "level": level}
        if not level:
            what = f"{name} is read in full again"
            yield from self._faults.end(key, now_us, what, evidence)
            return
        what = f"{name} brings more than can be read, so it is not read: {LEVELS[level].shed}"
        remedy = "raise capture.workers, or mirror less"
        if before:
            yield from self._faults.change(key, now_us, what, remedy, evidence)
        else:
            yield from self._faults.begin(key, now_us, what, remedy, evidence)

    def count(self, name: str, level: int, on_wire: int | None, received: int) -> None:
        """Take totals of an interface: its own counter, None where it has none, and what was read.

        What it saw and nobody read while it shed is an estimate: offloads count in other units.
        """
        if on_wire is None:
            return
        unread = on_wire - received
        before = self._seen.get(name, unread)
        self._seen[name] = unread
        if level:
            self.packets[name] += max(0, unread - before)
