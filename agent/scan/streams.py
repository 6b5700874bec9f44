"""Heads of TCP streams that one segment does not hold: put together here, in bounded memory.

A head is what a protocol says first: a hello, a request, a message, a certificate. Whoever sees
one begin opens a slot with it; segments that follow are added until the head is complete. Only
streams with an open head are here, so bulk data is turned away by one comparison of hashes.

Slots live in buckets of WAYS: where a bucket is full its oldest head is given up, as far as it
came. A flood of half-open heads costs heads, never memory, and is counted.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from agent.scan import layers, stats
from agent.scan.memory import pages

if not cython.compiled:  # else the same from the .pxd
    BUCKETS = 256
    WAYS = 4
    SLOTS = BUCKETS * WAYS
    """Heads under construction: as many as a busy gateway begins in a round trip."""
    SLOT_BYTES = 16384
    """Bytes of one head: a TLS record's, twice what servers take as a request's head."""
    HOLES = 4
    """Ranges kept that arrived before what comes first; a head has two or three segments."""

    # Words of a slot.
    KEY = 0
    KIND = 1  # what the head is, as its opener says
    SEQUENCE = 2  # of the first byte
    FILLED = 3  # bytes from the first one without a gap
    LAST = 4  # microseconds
    RANGES = 5  # HOLES times start | end << 32, 0 for none
    VERSION = 9  # and the protocol, from bit 8 on
    SOURCE_HIGH = 10
    SOURCE_LOW = 11
    DESTINATION_HIGH = 12
    DESTINATION_LOW = 13
    PORTS = 14
    VLANS = 15
    PATH = 16  # of the tunnels around it, see agent.scan.layers
    PATH_WORDS = layers.PATH_WORDS
    TUNNEL = 23  # what tells tunnels apart
    PART = 24  # how far a carrier or a reader came, as it says
    WORDS = 25

    LOW32 = 0xFFFFFFFF
    HALF = 0x80000000

    S_OPENED = stats.STREAMS
    S_EVICTED = stats.STREAMS_EVICTED
    S_GAPS = stats.STREAMS_GAPS
IDLE_US = 5_000_000
"""How long a head waits for its next segment: TCP sends again within a second or two."""


class Streams:
    """The slots and their bytes. `used` says how many are open; `slot` is the one found last."""

    def __init__(self, counters: memoryview, path: memoryview) -> None:
        self.counters = counters
        self.path = path
        self.data = memoryview(b"")
        self.words = pages(8 * WORDS * SLOTS).cast("Q")
        self.keys = memoryview(bytearray(8 * SLOTS)).cast("Q")
        self.bytes = pages(SLOT_BYTES * SLOTS)
        self.readable = self.bytes
        self.used = 0
        self.slot = 0
        self.evicted = 0

    def find(self, key: int) -> int:
        """Set `slot` to the head with this key and return 1, or return 0. A key is never 0."""
        first = (key & (BUCKETS - 1)) * WAYS
        i = 0
        while i < WAYS:
            if self.keys[first + i] == key:
                self.slot = first + i
                return 1
            i += 1
        return 0

    def open(self, key: int, kind: int, sequence: int, now_us: int) -> int:
        """Take a slot for a new head and return 1, with `evicted` 1 where `slot` has another one.

        Then nothing was opened: the caller makes of the old head what it can, closes it, and
        opens again.
        """
        first = (key & (BUCKETS - 1)) * WAYS
        self.evicted = 0
        self.slot = first
        i = 0
        while i < WAYS:
            if self.keys[first + i] == 0:
                self.slot = first + i
                break
            if self.words[(first + i) * WORDS + LAST] < self.words[self.slot * WORDS + LAST]:
                self.slot = first + i
            i += 1
        if i == WAYS:
            self.counters[S_EVICTED] += 1
            self.evicted = 1
            return 0
        at = self.slot * WORDS
        i = 0
        while i < WORDS:
            self.words[at + i] = 0
            i += 1
        self.keys[self.slot] = key
        self.words[at + KEY] = key
        self.words[at + KIND] = kind
        self.words[at + SEQUENCE] = sequence
        self.words[at + LAST] = now_us
        self.used += 1
        self.counters[S_OPENED] += 1
        return 1

    def note(
        self,
        version: int,
        source_high: int,
        source_low: int,
        destination_high: int,
        destination_low: int,
        ports: int,
        vlans: int,
        tunnel: int,
    ) -> None:
        """Note between whom the head in `slot` is, for whoever looks at it later."""
        at = self.slot * WORDS
        self.words[at + VERSION] = version
        self.words[at + SOURCE_HIGH] = source_high
        self.words[at + SOURCE_LOW] = source_low
        self.words[at + DESTINATION_HIGH] = destination_high
        self.words[at + DESTINATION_LOW] = destination_low
        self.words[at + PORTS] = ports
        self.words[at + VLANS] = vlans
        self.words[at + TUNNEL] = tunnel
        i = 0
        while i < PATH_WORDS:
            self.words[at + PATH + i] = self.path[i]
            i += 1

    def recall(self) -> int:
        """Put the tunnels around the head in `slot` back into `path`; return what tells them."""
        at = self.slot * WORDS
        i = 0
        while i < PATH_WORDS:
            self.path[i] = self.words[at + PATH + i]
            i += 1
        return self.words[at + TUNNEL]

    def word(self, which: int) -> int:
        """Return one of the words of `slot`."""
        return self.words[self.slot * WORDS + which]

    def mark(self, part: int) -> None:
        """Note in PART of `slot` how far whoever looks at it came."""
        self.words[self.slot * WORDS + PART] = part

    def close(self) -> None:
        """Free `slot`."""
        if self.keys[self.slot]:
            self.keys[self.slot] = 0
            self.used -= 1

    def add(self, sequence: int, start: int, end: int, now_us: int) -> int:
        """Add data[start:end] to `slot`; return how many bytes from the first are there now.

        Bytes in front of a gap stay as they came first. What lies beyond SLOT_BYTES is left out.
        """
        at = self.slot * WORDS
        filled = self.words[at + FILLED]
        offset = (sequence - self.words[at + SEQUENCE]) & LOW32
        if offset >= HALF:  # begins before the first byte
            skip = (self.words[at + SEQUENCE] - sequence) & LOW32
            if skip >= end - start:
                return filled
            start += skip
            offset = 0
        self.words[at + LAST] = now_us
        size = end - start
        if offset < filled:
            if offset + size <= filled:
                return filled
            start += filled - offset
            size -= filled - offset
            offset = filled
        if offset >= SLOT_BYTES:
            return filled
        if offset + size > SLOT_BYTES:
            size = SLOT_BYTES - offset
        if offset > filled and self._keep(at, offset, offset + size) == 0:
            return filled
        base = self.slot * SLOT_BYTES + offset
        i = 0
        while i < size:
            self.bytes[base + i] = self.data[start + i]
            i += 1
        if offset == filled:
            self.words[at + FILLED] = self._joined(at, offset + size)
        return self.words[at + FILLED]

    def consume(self, count: int) -> None:
        """Drop the first `count` bytes of `slot`, at most those without a gap."""
        at = self.slot * WORDS
        base = self.slot * SLOT_BYTES
        reach = self.words[at + FILLED]
        i = 0
        while i < HOLES:
            kept = self.words[at + RANGES + i]
            if kept:
                if kept >> 32 > reach:
                    reach = kept >> 32
                self.words[at + RANGES + i] = kept - (count | (count << 32))
            i += 1
        i = base
        while i + count < base + reach:
            self.bytes[i] = self.bytes[i + count]
            i += 1
        self.words[at + FILLED] -= count
        self.words[at + SEQUENCE] = (self.words[at + SEQUENCE] + count) & LOW32

    def _keep(self, at: int, first: int, last: int) -> int:
        """Note a range behind a gap; return 0 where there is no room for one more."""
        i = 0
        while i < HOLES:
            if self.words[at + RANGES + i] == 0:
                self.words[at + RANGES + i] = first | (last << 32)
                return 1
            i += 1
        self.counters[S_GAPS] += 1
        return 0

    def _joined(self, at: int, filled: int) -> int:
        """Return how far the bytes reach when ranges that touch are joined to `filled`."""
        again = 1
        while again:
            again = 0
            i = 0
            while i < HOLES:
                kept = self.words[at + RANGES + i]
                if kept and (kept & LOW32) <= filled:
                    self.words[at + RANGES + i] = 0
                    if kept >> 32 > filled:
                        filled = kept >> 32
                        again = 1
                i += 1
        return filled

    def idle(self, from_slot: int, before_us: int) -> int:
        """Set `slot` to the first open one from `from_slot` on last touched before a time.

        Return 1, or 0 where there is none.
        """
        i = from_slot
        while i < SLOTS:
            if self.keys[i] and self.words[i * WORDS + LAST] < before_us:
                self.slot = i
                return 1
            i += 1
        return 0
