"""IP fragments: put together here, in bounded memory, before anything reads them.

Bytes that came first stay: a later fragment that says otherwise changes nothing, and is counted,
because receivers differ in whom they believe; copies of a fragment, as mirrors make them, are not.
What is beyond BYTES is left out; names stand in front. A datagram that does not come whole is
looked at as far as it came without a gap, so that neither a lone first fragment nor a flood of
fragments hides what it begins with.

A slot whose datagram came whole rests: for REPEAT_US what comes is compared with it, so that
copies of its fragments open nothing, and what contradicts it is counted. Slots live in buckets of
WAYS; one of each is always kept free or at rest, by giving up the oldest.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from agent.scan import layers, stats
from agent.scan.memory import pages

if not cython.compiled:  # else the same from the .pxd
    BUCKETS = 16
    WAYS = 16
    SLOTS = BUCKETS * WAYS
    """Datagrams under construction: a network has few at a time, as fragments follow each other."""
    BYTES = 16384
    """Of one datagram: ten times what tunnels make of a full packet, four times a large DNS
    answer."""
    UNIT = 8  # offsets count so many bytes, RFC 791 section 3.1
    UNITS = BYTES // UNIT
    MARKS = UNITS // 64
    """Words of bits, one for each unit that came."""
    MAX_DATAGRAM = 65535
    REPEAT_US = 10000
    """Copies come within a millisecond; identifications are used again after 50 at 10 Gb/s."""
    ONE = 1

    # Words of a slot.
    KEY = 0
    LAST = 1  # microseconds
    TOTAL = 2  # bytes, 0 until the last fragment came
    COVERED = 3  # units
    VERSION = 4
    PROTOCOL = 5  # of IPv6 the header that follows
    SOURCE_HIGH = 6
    SOURCE_LOW = 7
    DESTINATION_HIGH = 8
    DESTINATION_LOW = 9
    VLANS = 10
    TUNNEL = 11
    PATH = 12  # of the tunnels around it, see agent.scan.layers
    PATH_WORDS = layers.PATH_WORDS
    RESTS = 19  # 1 while nothing came but copies of what was whole
    END = 20  # of what reaches farthest
    WORDS = 24

    S_OVERLAPPING = stats.FRAGMENTS_OVERLAPPING
    S_REFUSED = stats.FRAGMENTS_REFUSED


class Fragments:
    """The slots and their bytes. `used` says how many are open; `slot` is the one at hand."""

    def __init__(self, counters: memoryview, path: memoryview) -> None:
        self.data = memoryview(b"")
        self.counters = counters
        self.path = path
        self.words = pages(8 * WORDS * SLOTS).cast("Q")
        self.marks = pages(8 * MARKS * SLOTS).cast("Q")
        self.bytes = pages(BYTES * SLOTS)
        self.readable = self.bytes
        self.used = 0
        self.slot = 0

    def find(self, key: int, now_us: int) -> int:
        """Set `slot` to the datagram with this key, never 0; return 1, or 0 for a new one."""
        first = (key & (BUCKETS - 1)) * WAYS
        self.slot = first
        empty = 0
        i = 0
        while i < WAYS:
            at = (first + i) * WORDS
            if self.words[at] == key:
                self.slot = first + i
                if self.words[at + RESTS] == 0 or self._is_recent(at, now_us):
                    return 1
                break
            if self.words[at] == 0:
                self.slot = first + i
                empty = 1
            elif self.words[at + RESTS] and empty == 0:
                self.slot = first + i
            i += 1
        at = self.slot * WORDS
        i = 0
        while i < WORDS:
            self.words[at + i] = 0
            i += 1
        self._unmark()
        self.words[at] = key
        self.used += 1
        return 0

    def _is_recent(self, at: int, now_us: int) -> int:
        """Tell whether what comes now may belong to the datagram that was whole."""
        last = self.words[at + LAST]
        return 1 if last <= now_us <= last + REPEAT_US else 0

    def _unmark(self) -> None:
        i = 0
        while i < MARKS:
            self.marks[self.slot * MARKS + i] = 0
            i += 1

    def note(
        self,
        version: int,
        protocol: int,
        source_high: int,
        source_low: int,
        destination_high: int,
        destination_low: int,
        vlans: int,
        tunnel: int,
    ) -> None:
        """Note whose datagram is in `slot`, for whoever looks at it later."""
        at = self.slot * WORDS
        self.words[at + VERSION] = version
        self.words[at + PROTOCOL] = protocol
        self.words[at + SOURCE_HIGH] = source_high
        self.words[at + SOURCE_LOW] = source_low
        self.words[at + DESTINATION_HIGH] = destination_high
        self.words[at + DESTINATION_LOW] = destination_low
        self.words[at + VLANS] = vlans
        self.words[at + TUNNEL] = tunnel
        i = 0
        while i < PATH_WORDS:
            self.words[at + PATH + i] = self.path[i]
            i += 1

    def word(self, which: int) -> int:
        """Return one of the words of `slot`."""
        return self.words[self.slot * WORDS + which]

    def recall(self) -> None:
        """Put the tunnels around the datagram in `slot` back into `path`."""
        at = self.slot * WORDS + PATH
        i = 0
        while i < PATH_WORDS:
            self.path[i] = self.words[at + i]
            i += 1

    def add(self, offset: int, more: int, protocol: int, start: int, end: int, now_us: int) -> int:
        """Add data[start:end], which begins `offset` bytes into the datagram; 1 once it is whole.

        Without `more` it is the last one. The first one's protocol is the datagram's.
        """
        at = self.slot * WORDS
        size = end - start
        self.words[at + LAST] = now_us
        if offset + size > MAX_DATAGRAM:
            self.counters[S_REFUSED] += 1
            return 0
        if more:
            size -= size % UNIT  # the capture cut it, or it is none
        stop = offset + size
        differs = self._ends_elsewhere(at, stop, more)
        if offset == 0 and self.marks[self.slot * MARKS] & ONE == 0:
            self.words[at + PROTOCOL] = protocol
        elif offset == 0 and self.words[at + PROTOCOL] != protocol:
            differs = 1
        if offset < BYTES:
            if stop > BYTES:
                size = BYTES - offset
            if self._copy(offset // UNIT, start, size):
                differs = 1
        if differs:
            self.counters[S_OVERLAPPING] += 1
            if self.words[at + RESTS]:
                self.words[at + RESTS] = 0
                self.words[at + TOTAL] = 0 if more else stop
                self.words[at + END] = stop
                self.used += 1
        return self._is_whole(at)

    def _ends_elsewhere(self, at: int, stop: int, more: int) -> int:
        """Note where a fragment ends; return 1 where that is behind the datagram's end, or another.

        The first end that is told stays.
        """
        total = self.words[at + TOTAL]
        differs = 1 if total and (stop > total or (more == 0 and stop < total)) else 0
        if more == 0 and total == 0:
            self.words[at + TOTAL] = stop
            if self.words[at + END] > stop:
                differs = 1
        if stop > self.words[at + END]:
            self.words[at + END] = stop
        return differs

    def _copy(self, unit: int, start: int, size: int) -> int:
        """Copy units that did not come before; return 1 where others differ from what is there."""
        marks = self.slot * MARKS
        to = self.slot * BYTES + unit * UNIT
        compares = self.words[self.slot * WORDS + RESTS]
        differs = 0
        done = 0
        while done < size:
            stop = done + UNIT if done + UNIT < size else size
            i = done
            while i < stop and self.bytes[to + i] == self.data[start + i]:
                i += 1
            bit = ONE << (unit & 63)
            came = self.marks[marks + (unit >> 6)] & bit
            if i < stop and (came or compares):
                differs = 1
            if came == 0:
                self.marks[marks + (unit >> 6)] |= bit
                self.words[self.slot * WORDS + COVERED] += 1
                while i < stop:
                    self.bytes[to + i] = self.data[start + i]
                    i += 1
            done += UNIT
            unit += 1
        return differs

    def _is_whole(self, at: int) -> int:
        """Tell whether all came; units behind the end do not stand for those that are missing."""
        wanted = self.words[at + TOTAL]
        if wanted == 0 or wanted > BYTES:
            wanted = BYTES
        if self.words[at + COVERED] < (wanted + UNIT - 1) // UNIT:
            return 0
        return 1 if self.reach() >= wanted else 0

    def reach(self) -> int:
        """Return how many bytes of `slot` came without a gap."""
        marks = self.slot * MARKS
        unit = 0
        while unit < UNITS and self.marks[marks + (unit >> 6)] & (ONE << (unit & 63)):
            unit += 1
        size = unit * UNIT
        total = self.words[self.slot * WORDS + TOTAL]
        return total if total and size > total else size

    def close(self) -> None:
        """Free `slot`."""
        if self.words[self.slot * WORDS]:
            self.words[self.slot * WORDS] = 0
            self.used -= 1

    def rest(self) -> None:
        """Keep `slot`, whose datagram came whole, to know copies of its fragments by."""
        at = self.slot * WORDS
        if self.words[at + RESTS] == 0:
            self.words[at + RESTS] = 1
            self.used -= 1
        self.words[at + COVERED] = 0
        self._unmark()

    def crowded(self) -> int:
        """Set `slot` to its bucket's oldest other one where none is free; return 1, else 0."""
        first = self.slot - self.slot % WAYS
        oldest = self.slot
        i = first
        while i < first + WAYS:
            if self.words[i * WORDS] == 0 or self.words[i * WORDS + RESTS]:
                return 0
            if i != self.slot and (
                oldest == self.slot
                or self.words[i * WORDS + LAST] < self.words[oldest * WORDS + LAST]
            ):
                oldest = i
            i += 1
        self.slot = oldest
        return 1

    def idle(self, from_slot: int, before_us: int) -> int:
        """Set `slot` to the first open one from `from_slot` on last touched before a time.

        Return 1, or 0 where there is none.
        """
        i = from_slot
        while i < SLOTS:
            at = i * WORDS
            if self.words[at] and self.words[at + RESTS] == 0 and self.words[at + LAST] < before_us:
                self.slot = i
                return 1
            i += 1
        return 0
