"""Load shedding: what a capture gives up first when its worker cannot keep up, and when it returns.

Strategy: the kernel drops what is shed before it is copied, so that a worker has time for what is
left. Bulk goes first, then heads of flows whose heads matched nothing, which the scanner passes
over, then heads of all TCP streams, then all but DNS and attempts to connect: names asked for and
listed addresses are seen to the last. How full a ring is decides; one that dropped packets was.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from agent.faults import Faults
from agent.model import Event, Evidence

_FLAGS = (
    "(tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0 or (ip6 and ip6[6] = 6 and ip6[53] & 7 != 0))"
)
_HEAD4 = "tcp[((tcp[12] & 0xf0) >> 2)]"
_HEAD6 = "ip6[40 + ((ip6[52] & 0xf0) >> 2)]"


_NO_BULK = (
    "not tcp or less 1000 or port 53"
    f" or (ip and ({_HEAD4} = 0x16 or ({_HEAD4} >= 0x41 and {_HEAD4} <= 0x5a)))"
    f" or (ip6 and ({_HEAD6} = 0x16 or ({_HEAD6} >= 0x41 and {_HEAD6} <= 0x5a)))"
)


class Level(NamedTuple):
    """What is shed, in words, and the filter for what is kept; both empty for nothing.

    From `ring_use` on, a share, it is taken. With `skips_known` the scanner passes heads of
    known-good flows over.
    """

    shed: str
    keep: str
    ring_use: float
    skips_known: bool = False


LEVELS = (
    Level("", "", 0.0),
    Level("bulk data of TCP streams", _NO_BULK, 0.2),
    Level(
        "bulk, and requests and hellos between two hosts whose last one matched nothing",
        _NO_BULK,
        0.35,
        skips_known=True,
    ),
    Level(
        "all data of TCP streams: names in HTTP and TLS are not seen",
        f"not tcp or port 53 or {_FLAGS}",
        0.5,
    ),
    Level(
        "all but DNS, attempts to connect and datagrams below 200 bytes",
        "port 53 or tcp[tcpflags] & tcp-syn != 0 or (ip6 and ip6[6] = 6 and ip6[53] & 2 != 0)"
        " or (udp and less 200) or icmp or icmp6",
        0.65,
    ),
)

CALM = 0.1
"""Share of the ring below which a worker keeps up."""
UP_SECONDS = 0.25
"""How long a level has to help before drops raise it further."""
DOWN_SECONDS = 0.5
"""How long it must be calm for a step back: four steps take less than five seconds."""
EARLY_SECONDS = 2.0
"""A step back that lasts less was too early, however short the wait before it."""
MAX_HOLD = 32.0
"""Where a step back overloads at once, the next one waits twice as long, up to this."""

LITTLE = 0.1
"""Share of an interface's packets that is little to shed."""

SYSFS = Path("/sys/class/net")


class Shedding:
    """Decides on one handle's level, many times a second. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.level = 0
        self._peak = 0
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
        if dropped and now - self._up_at >= UP_SECONDS:
            wanted = max(wanted, min(self.level + 1, len(LEVELS) - 1))
        if wanted > self.level:
            self._up(now, wanted)
            return True
        if dropped or ring_use >= CALM:
            self._calm_since = now
            return False
        hold = DOWN_SECONDS if sheds_little else self._hold
        if self.level == 0 or now - self._calm_since < hold:
            return False
        self.level -= 1
        self._calm_since = now
        self._back_at = now
        return True

    def take_peak(self) -> int:
        """Return the highest level since this was asked last; safe from another thread."""
        peak, self._peak = max(self._peak, self.level), 0
        return peak

    def _up(self, now: float, level: int) -> None:
        too_early = now - self._back_at < max(2 * self._hold, EARLY_SECONDS)
        self._hold = min(2 * self._hold, MAX_HOLD) if too_early else DOWN_SECONDS
        self._calm_since = self._up_at = now
        self.level = level
        self._peak = max(self._peak, level)


class Wire:
    """What an interface had and nobody read, between two calls."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen = 0
        self._received = 0

    def sheds_little(self, received: int) -> bool:
        """Take a total of what was read; tell whether that was nearly all there was."""
        seen = on_wire(self._name) or 0
        new, read = seen - self._seen, received - self._received
        self._seen, self._received = seen, received
        return seen > 0 and new - read <= LITTLE * max(new, 0)


class Shed:
    """Tells levels of interfaces in events, and estimates how many packets they cost."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._levels: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self.packets: Counter[str] = Counter()

    def tell(self, name: str, level: int, now_us: int) -> Iterator[Event]:
        """Yield what is news of an interface's level."""
        before = self._levels.get(name, 0)
        self._levels[name] = level
        if level == before:
            return
        key = f"shedding on {name}"
        evidence: Evidence = {"interface": name, "level": level}
        if not level:
            what = f"{name} is read in full again"
            yield from self._faults.end(key, now_us, what, evidence)
            return
        self._faults.forget(key)  # each level is told
        what = f"{name} brings more than can be read, so it is not read: {LEVELS[level].shed}"
        remedy = "raise capture.workers, or mirror less"
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


def on_wire(name: str, sysfs: Path = SYSFS) -> int | None:
    """Return how many packets an interface had in both directions, None where nobody counts."""
    folder = sysfs / name / "statistics"
    try:
        return sum(int((folder / which).read_text()) for which in ("rx_packets", "tx_packets"))
    except (OSError, ValueError):
        return None
