"""Packets a second for each destination, by kind: what floods are found by.

A table has a fixed size. Keys live in buckets of four; a new one takes the place of the one with
the fewest packets in this second. Of each key the second that runs and the one before are kept,
so that several workers' counts of a second can be added up once it is over.

A bucket begins with a cache line of what is asked of each key: its hash, and its second and packets
in one word. What else is kept of a key is a line of its own, but for the upper halves of IPv6
addresses, which stand at the end.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array
from typing import NamedTuple

from agent.scan import layout, prefetch
from agent.scan.hashing import Keyed
from agent.scan.memory import together

SYN_RATE = 1
UDP_RATE = 2
ICMP_RATE = 3
REFLECTED_RATE = 4
KINDS = 5
NAMES = ("", "syn", "udp", "icmp", "reflected")
"""What `level` is given for, by kind."""
LATE_SECONDS = 2
"""A packet that comes so late counts as if it came now; later than that the clock was set back."""

if not cython.compiled:  # else the same from the .pxd
    BUCKETS = 512  # a power of two
    WAYS = 4
    WAY_BITS = 2
    LAST_WAY = 3
    COUNTS = 4
    """Where in a bucket, behind its hashes, a word for each key begins: second << 32 | packets."""
    WORDS_AT = 8
    WORDS = 8
    """Destination; kind with service port and version | ports of the first packet of the second <<
    32; bits of sources; second in which it was put on the hot list; the second before with its
    packets, and bits; source and time of the first packet of the second."""
    HIGHS_AT = 40
    """Where in a bucket, for each key, the upper halves of destination and source begin."""
    BUCKET = 48
    SIX = 1 << 24  # of a key's second word: its addresses are of IP version 6
    LOW32 = 0xFFFFFFFF
    HOT_KEYS = 1024
    NEVER = 0xFFFFFFFFFFFFFFFF
    KEY = layout.TABLES + 17
    SPREAD = layout.HASH_PRIME
    TOP = 58  # bits of a word without the six that choose one of its bits
    ONE = 1
BYTES = BUCKETS * BUCKET * 8


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
        self.table = together(BYTES).cast("Q")
        self.evictions = 0
        self.saturated = 0
        self.hot_count = 0
        self.hot_list = memoryview(array("Q", bytes(16 * HOT_KEYS)))

    @cython.boundscheck(False)
    def expect(self, kind: int, service: int, high: int, low: int) -> int:
        """Return the hash of a key of which a packet will be counted; its bucket is asked for."""
        h = self._hash(kind, service, high, low)
        # Which of the keys' lines it will be is not known yet; a store waits for one as a load
        # does, only later, when there are too many of them.
        at = ((h >> 1) & (BUCKETS - 1)) * BUCKET
        prefetch.word(self.table, at)
        prefetch.word(self.table, at + WORDS_AT)
        prefetch.word(self.table, at + WORDS_AT + WORDS)
        prefetch.word(self.table, at + WORDS_AT + 2 * WORDS)
        prefetch.word(self.table, at + WORDS_AT + 3 * WORDS)
        return h

    @cython.boundscheck(False)
    def count(
        self,
        h: int,
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
        """Count a packet of the key whose hash `expect` returned; return how many in this second.

        `ports` is as in agent.scan.counters; kinds and places are our own numbers.
        """
        entry = self._entry(h, second)
        tag = self._tag(entry)
        at = self._place(entry)
        word = self.table[tag + COUNTS]
        if self.table[tag] != h:
            self.evictions += 1 if self.table[tag] and word >> 32 == second else 0
            self.table[tag] = h
            self.table[at] = low
            self.table[at + 1] = kind | (service << 8) | ((ports >> 32 & 1) * SIX)
            self.table[at + 2] = 0
            self.table[at + 3] = 0
            if ports >> 32 & 1:
                self.table[self._highs(entry)] = high
            word = 0
        if word >> 32 != second:
            self.table[at + 1] = (self.table[at + 1] & LOW32) | ((ports & LOW32) << 32)
            self.table[at + 4] = word
            self.table[at + 5] = self.table[at + 2]
            self.table[at + 2] = 0
            self.table[at + 6] = source_low
            self.table[at + 7] = now_us
            if ports >> 32 & 1:
                self.table[self._highs(entry) + 1] = source_high
            word = second << 32
        self.table[tag + COUNTS] = word + 1
        count = (word & LOW32) + 1
        self.table[at + 2] |= ONE << (((source_high ^ source_low) * SPREAD & NEVER) >> TOP)
        if count > self.levels[kind] and self.table[at + 3] != second:
            self._heat(entry, second)
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
        tag = self._tag(self._entry(h, second))
        word = self.table[tag + COUNTS]
        if self.table[tag] == h and word >> 32 == second and word & LOW32:
            self.table[tag + COUNTS] = word - 1
        return 0

    @cython.boundscheck(False)
    def _entry(self, h: int, second: int) -> int:
        """Return the entry of a hash, or the one that has to give way to it."""
        first = ((h >> 1) & (BUCKETS - 1)) << WAY_BITS
        tag = self._tag(first)
        best = 0
        best_count = NEVER
        way = 0
        while way < WAYS:
            if self.table[tag + way] == h:
                return first + way
            word = self.table[tag + way + COUNTS]
            count = word & LOW32 if word >> 32 == second else 0
            if count < best_count:
                best = way
                best_count = count
            way += 1
        return first + best

    def _tag(self, entry: int) -> int:
        """Return where the hash of an entry is."""
        return (entry >> WAY_BITS) * BUCKET + (entry & LAST_WAY)

    def _place(self, entry: int) -> int:
        """Return where the words of an entry begin."""
        return (entry >> WAY_BITS) * BUCKET + WORDS_AT + (entry & LAST_WAY) * WORDS

    def _highs(self, entry: int) -> int:
        """Return where the upper halves of an entry's addresses begin."""
        return (entry >> WAY_BITS) * BUCKET + HIGHS_AT + (entry & LAST_WAY) * 2

    @cython.boundscheck(False)
    def _heat(self, entry: int, second: int) -> int:
        if self.hot_count >= HOT_KEYS:
            self.saturated += 1
            return 0
        self.table[self._place(entry) + 3] = second
        self.hot_list[2 * self.hot_count] = self.table[self._tag(entry)]
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
        entry = self._entry(key, second)
        tag, at = self._tag(entry), self._place(entry)
        now, before = self.table[tag + COUNTS], self.table[at + 4]
        if self.table[tag] != key or second not in (now >> 32, before >> 32):
            return None
        is_over = now >> 32 != second
        meta, highs, six = self.table[at + 1], self._highs(entry), self.table[at + 1] & SIX
        return RateRow(
            kind=NAMES[meta & 255],
            service=(meta >> 8) & 0xFFFF,
            key=key,
            destination=_packed(self.table[highs], self.table[at], six),
            second=second,
            packets=(before if is_over else now) & LOW32,
            bits=self.table[at + 5 if is_over else at + 2],
            first_us=self.table[at + 7],
            source=_packed(self.table[highs + 1], self.table[at + 6], six),
            source_port=meta >> 48,
            destination_port=(meta >> 32) & 0xFFFF,
        )


def _packed(high: int, low: int, six: int) -> bytes:
    if six:
        return high.to_bytes(8, "big") + low.to_bytes(8, "big")
    return low.to_bytes(4, "big")
