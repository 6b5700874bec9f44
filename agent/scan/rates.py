"""Packets a second for each destination, by kind: what floods are found by.

A table has a fixed size. Keys live in buckets of four; a new one takes the place of the one with
the fewest packets in this second. Of each key the second that runs and the one before are kept,
so that several workers' counts of a second can be added up once it is over.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array
from typing import NamedTuple

from agent.scan import layout
from agent.scan.hashing import Keyed
from agent.scan.memory import pages

SYN_RATE = 1
UDP_RATE = 2
ICMP_RATE = 3
REFLECTED_RATE = 4
KINDS = 5
NAMES = ("", "syn", "udp", "icmp", "reflected")
"""What `level` is given for, by kind."""

BUCKETS = 512  # a power of two
WAYS = 4
WORDS = 16
"""Hash, destination, kind with service port and version, second, packets, bits of sources, second
in which it was put on the hot list; the second before and its packets and bits; source, ports and
time of the first packet of the second."""
HOT_KEYS = 1024
NEVER = 0xFFFFFFFFFFFFFFFF
KEY = layout.TABLES + 17
SPREAD = layout.HASH_PRIME
TOP = 58  # bits of a word without the six that choose one of its bits
ONE = 1
BYTES = BUCKETS * WAYS * WORDS * 8


class RateKey(NamedTuple):
    """A key that went over its level in a second."""

    key: int
    second: int


class RateRow(NamedTuple):
    """What one worker counted for a key in one second; addresses are packed, ports the first's.

    `kind` is a name of NAMES, `service` the port that is asked for or answers, 0 where any is
    meant. `bits` has one of 64 bits set for each source, as its hash has it.
    """

    kind: str
    service: int
    key: int
    destination: bytes
    second: int
    packets: int
    bits: int
    first_us: int
    source: bytes
    source_port: int
    destination_port: int


class Rates:
    """Packets by destination and kind; `levels` says by kind's name beyond how many it is hot."""

    def __init__(self, seed: int, levels: dict[str, int]) -> None:
        self.keyed = Keyed(seed)
        self.levels = memoryview(array("Q", [levels.get(name, NEVER) for name in NAMES]))
        self.table = memoryview(pages(BYTES)).cast("Q")
        self.evictions = 0
        self.saturated = 0
        self.hot_count = 0
        self.hot_list = memoryview(array("Q", bytes(16 * HOT_KEYS)))

    @cython.boundscheck(False)
    def add(
        self,
        now_us: int,
        second: int,
        kind: int,
        service: int,
        high: int,
        low: int,
        source_high: int,
        source_low: int,
        ports: int,
    ) -> int:
        """Count a packet; return how many there were in this second.

        `ports` is as in agent.scan.counters; kinds and places are our own numbers.
        """
        h = self._hash(kind, service, high, low)
        at = self._entry(h, second)
        if self.table[at] != h:
            self.evictions += 1 if self.table[at] and self.table[at + 4] >= second else 0
            self.table[at] = h
            self.table[at + 1] = high
            self.table[at + 2] = low
            self.table[at + 3] = kind | (service << 8) | ((ports >> 32 & 1) << 24)
            self.table[at + 4] = 0
            self.table[at + 5] = 0
            self.table[at + 6] = 0
            self.table[at + 7] = 0
        if self.table[at + 4] < second:
            self.table[at + 8] = self.table[at + 4]
            self.table[at + 9] = self.table[at + 5]
            self.table[at + 10] = self.table[at + 6]
            self.table[at + 4] = second
            self.table[at + 5] = 0
            self.table[at + 6] = 0
            self.table[at + 11] = source_high
            self.table[at + 12] = source_low
            self.table[at + 13] = ports
            self.table[at + 14] = now_us
        count = self.table[at + 5] + 1
        self.table[at + 5] = count
        self.table[at + 6] |= ONE << (((source_high ^ source_low) * SPREAD & NEVER) >> TOP)
        if count > self.levels[kind] and self.table[at + 7] != second:
            self._heat(at, second)
        return count

    def _hash(self, kind: int, service: int, high: int, low: int) -> int:
        what = kind | (service << 8)
        if high == 0:
            return self.keyed.number(KEY, low ^ (what << 40)) | 1
        return self.keyed.numbers(KEY, high, low, what) | 1

    @cython.boundscheck(False)
    def take_back(self, second: int, kind: int, service: int, high: int, low: int) -> int:
        """Count a packet no longer, as it was answered."""
        h = self._hash(kind, service, high, low)
        at = self._entry(h, second)
        if self.table[at] == h and self.table[at + 4] == second and self.table[at + 5]:
            self.table[at + 5] -= 1
        return 0

    @cython.boundscheck(False)
    def _entry(self, h: int, second: int) -> int:
        """Return where the entry of a hash is, or the one that has to give way to it."""
        at = ((h >> 1) & (BUCKETS - 1)) * WAYS * WORDS
        best = at
        best_count = NEVER
        way = 0
        while way < WAYS:
            if self.table[at] == h:
                return at
            count = self.table[at + 5] if self.table[at + 4] >= second else 0
            if count < best_count:
                best = at
                best_count = count
            at += WORDS
            way += 1
        return best

    def _heat(self, at: int, second: int) -> int:
        if self.hot_count >= HOT_KEYS:
            self.saturated += 1
            return 0
        self.table[at + 7] = second
        self.hot_list[2 * self.hot_count] = self.table[at]
        self.hot_list[2 * self.hot_count + 1] = second
        self.hot_count += 1
        return 0

    def hot(self) -> list[RateKey]:
        """Return and forget the keys that went over their level; for the thread that scans."""
        keys = [
            RateKey(self.hot_list[2 * i], self.hot_list[2 * i + 1]) for i in range(self.hot_count)
        ]
        self.hot_count = 0
        return keys

    def find(self, key: int, second: int) -> RateRow | None:
        """Return what was counted for a key in one of the last two seconds; for any thread."""
        at = self._entry(key, second)
        if self.table[at] != key:
            return None
        count = -1
        for place in (at + 4, at + 8):
            if self.table[place] == second:
                count, bits = self.table[place + 1], self.table[place + 2]
                break
        if count < 0:
            return None
        meta, ports = self.table[at + 3], self.table[at + 13]
        return RateRow(
            kind=NAMES[meta & 255],
            service=(meta >> 8) & 0xFFFF,
            key=key,
            destination=_packed(self.table[at + 1], self.table[at + 2], meta >> 24),
            second=second,
            packets=count,
            bits=bits,
            first_us=self.table[at + 14],
            source=_packed(self.table[at + 11], self.table[at + 12], meta >> 24),
            source_port=(ports >> 16) & 0xFFFF,
            destination_port=ports & 0xFFFF,
        )


def _packed(high: int, low: int, six: int) -> bytes:
    if six:
        return high.to_bytes(8, "big") + low.to_bytes(8, "big")
    return low.to_bytes(4, "big")
