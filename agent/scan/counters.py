"""Generic counters that behaviours read: distinct values per key within sliding windows.

A table has a fixed size. Keys live in buckets of eight, so that a flood of random keys costs
neither memory nor long searches: a new key takes the place of the emptiest, then oldest, one of
its bucket, which a real scan is not. Tables of several workers under one seed are merged by key.

Two windows slide over each key: a short one, and where wanted a long one in which only values
count that nothing answered.

All of a bucket lies together, so that a key costs few cache misses and one page: the tags of its
entries, a cache line of them, then its entries, each a line of words, one more and the values.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array
from typing import NamedTuple

from agent.scan import layout
from agent.scan.hashing import Keyed
from agent.scan.lookup import huge_pages

WAYS = 8
WAY_BITS = 3  # divisions by what the compiler does not know cost more than all the rest
LAST_WAY = 7
WORDS = 9
"""Hash, four address words, ports and version and protocol and values in use, first and last time,
a bit for each value that was answered."""
USED = 40  # where the number of values begins in its word
PORTS = 0xFFFFFFFFFF
PROTOCOL = 33  # where the protocol begins in that word
LOW16 = 0xFFFF
LOW32 = 0xFFFFFFFF
LOW24 = 0xFFFFFF
HOT_ENTRIES = 1024
"""Keys over their level that wait for a behaviour; the next probe of one that found no room
tries again."""
QUEUE = 32
"""Observations that wait for one another: some more than a processor keeps loads in flight."""
WAIT_WORDS = 11
"""Hash, time, four address words, ports, item, entry and its tag when last seen, second."""
KEY = layout.TABLES + 16  # hashed apart from every table of trails
KEY4 = KEY + 1  # both addresses in one word
KEY_PORT = KEY + 2
KEY_SERVICE = KEY + 3
SIX = 1 << 32
ANSWER = 1 << 40  # of an item in the queue: it was answered
MAX_MARKED = 64
"""Values of a key that can be marked as answered, the bits of a word; others count as answered."""
ONE = 1
FULL_RANK = 1 << 32


class DistinctRow(NamedTuple):
    """A key and the values seen with it: value -> second in which it was seen last.

    `source` and `destination` are packed addresses (4 or 16 bytes); ports are the first probe's.
    `answered` are those of the values that were answered. `first_us` is when the key was first
    seen since it was last forgotten.
    """

    table: str
    key: int
    protocol: int
    source: bytes
    destination: bytes
    source_port: int
    destination_port: int
    first_us: int
    last_us: int
    items: dict[int, int]
    answered: frozenset[int]


class HotKey(NamedTuple):
    """A key that went over its level, and when it was seen last."""

    table: str
    key: int
    last_us: int


class Distinct:
    """Distinct values per key.

    `entries` keys at most (rounded down to a power of two), `items` values each, windows in
    seconds. A key is put on the hot list when it holds more than `level` values in the window
    (with `failed_only` those that nothing answered), or more than `slow_level` in `slow_window`
    that nothing answered. Keys are pairs of addresses, with `by_service` and the destination's
    port, with `by_port` a source, a protocol and a destination port. Places are computed from
    masked hashes and our own numbers, so that they are not checked.
    """

    def __init__(
        self,
        seed: int,
        entries: int,
        items: int,
        window: int,
        level: int,
        *,
        name: str = "",
        slow_window: int = 0,
        slow_level: int = 0,
        failed_only: bool = False,
        by_port: bool = False,
        by_service: bool = False,
    ) -> None:
        buckets = 1
        while buckets * 2 * WAYS <= entries:
            buckets *= 2
        self.keyed = Keyed(seed)
        self.mask = buckets - 1
        self.items = items
        self.size = WORDS + items
        self.stride = WAYS + WAYS * self.size
        self.name = name
        self.window = window
        self.level = level
        self.slow_window = slow_window
        self.slow_level = slow_level
        self.failed_only = int(failed_only)
        self.by_port = int(by_port)
        self.by_service = int(by_service)
        self.keep = max(window, slow_window)
        self.evictions = 0
        self.saturated = 0
        self.hot_count = 0
        # A tag is one word: half of the hash << 32 | last second << 8 | count.
        self.table = memoryview(huge_pages(8 * self.stride * buckets)).cast("Q")
        self.memory = 8 * self.stride * buckets
        self.waiting = 0
        self.queue = memoryview(array("Q", bytes(8 * WAIT_WORDS * QUEUE)))
        self.touched = 0
        self.hot_flags = memoryview(bytearray(WAYS * buckets))
        self.hot_list = memoryview(array("Q", bytes(8 * HOT_ENTRIES)))

    @cython.boundscheck(False)
    def note(
        self,
        now_us: int,
        source_high: int,
        source_low: int,
        destination_high: int,
        destination_low: int,
        ports: int,
        item: int,
    ) -> int:
        """Note that `item` (32 bits) was seen between two addresses; `settle` takes it in.

        `ports` is source port << 16 | destination port, with IP version 6 told by bit 32 and the
        protocol above. `item` | ANSWER tells that it was answered, in the key of those who asked;
        of what is not counted nothing is kept.
        """
        if self.by_port:
            h = self.keyed.numbers(
                KEY_PORT, source_high, source_low, (ports >> PROTOCOL) << 16 | (ports & LOW16)
            )
        elif ports & SIX:
            h = self.keyed.numbers(KEY, source_high, source_low, destination_high)
            h = self.keyed.numbers(KEY, h, destination_low, 0)
        else:
            h = self.keyed.number(KEY4, (source_low << 32) | destination_low)
        if self.by_service:
            h = self.keyed.number(KEY_SERVICE, h ^ (ports & LOW16))
        if self.waiting == QUEUE:
            self.settle()
        at = self.waiting * WAIT_WORDS
        self.queue[at] = h
        self.queue[at + 1] = now_us
        self.queue[at + 2] = source_high
        self.queue[at + 3] = source_low
        self.queue[at + 4] = destination_high
        self.queue[at + 5] = destination_low
        self.queue[at + 6] = ports
        self.queue[at + 7] = item
        self.queue[at + 10] = now_us // 1000000  # known to the compiler, see WAY_BITS
        self.waiting += 1
        return 0

    @cython.boundscheck(False)
    def settle(self) -> int:
        """Take in what was noted, in order.

        Each observation touches three places that are hardly ever in a cache. Quick runs through
        the queue load them first, so that the misses overlap.
        """
        touched = 0
        i = 0
        while i < self.waiting:
            touched ^= self.table[(self.queue[i * WAIT_WORDS] & self.mask) * self.stride]
            i += 1
        i = 0
        while i < self.waiting:
            at = i * WAIT_WORDS
            entry = self._entry(self.queue[at], self.queue[at + 10], 0)
            self.queue[at + 8] = entry
            self.queue[at + 9] = self.table[self._tag(entry)]
            i += 1
        i = 0
        while i < self.waiting:
            place = self._place(self.queue[i * WAIT_WORDS + 8])
            touched ^= self.table[place] ^ self.table[place + WORDS]
            i += 1
        self.touched = touched  # or the compiler would leave the loads out
        i = 0
        while i < self.waiting:
            at = i * WAIT_WORDS
            entry = self.queue[at + 8]
            tag = self.table[self._tag(entry)]
            # The entry is another's where one before in the queue took it, or half a hash misled.
            if tag != self.queue[at + 9] or (
                tag >> 32 == self.queue[at] >> 32
                and self.table[self._place(entry)] != self.queue[at]
            ):
                entry = self._entry(self.queue[at], self.queue[at + 10], 1)
            self._add(at, entry)
            i += 1
        self.waiting = 0
        return 0

    def _place(self, entry: int) -> int:
        """Return where the words of an entry begin."""
        return (entry >> WAY_BITS) * self.stride + WAYS + (entry & LAST_WAY) * self.size

    def _tag(self, entry: int) -> int:
        """Return where the tag of an entry is."""
        return (entry >> WAY_BITS) * self.stride + (entry & LAST_WAY)

    @cython.boundscheck(False)
    def _add(self, waiting: int, entry: int) -> int:
        """Take in the observation at `waiting` of the queue."""
        h = self.queue[waiting]
        now_us = self.queue[waiting + 1]
        item = self.queue[waiting + 7]
        second = self.queue[waiting + 10]
        at = self._place(entry)
        if item >= ANSWER:
            return self._answer(at, item & LOW32) if self.table[at] == h else 0
        tag = self._tag(entry)
        word = self.table[tag]
        age = (second - (word >> 8)) & LOW24
        if self.table[at] != h or age > self.keep:
            # A single value that only the long window remembers tells nothing by itself.
            if (word & 255 and age <= self.window) or (word & 255 > 1 and age <= self.keep):
                self.evictions += 1
            self.table[at] = h
            self.table[at + 1] = self.queue[waiting + 2]
            self.table[at + 2] = self.queue[waiting + 3]
            self.table[at + 3] = self.queue[waiting + 4]
            self.table[at + 4] = self.queue[waiting + 5]
            self.table[at + 5] = self.queue[waiting + 6] & PORTS
            self.table[at + 6] = now_us
            self.table[at + 8] = 0
        self.table[at + 7] = now_us
        count = self._note(entry, second, item)
        self.table[tag] = (
            ((h >> 32) << 32) | ((second & LOW24) << 8) | (count if count < 255 else 255)
        )
        return 0

    @cython.boundscheck(False)
    def _answer(self, at: int, item: int) -> int:
        """Mark a value of the entry at `at` as answered."""
        used = self.table[at + 5] >> USED
        i = 0
        while i < used and i < MAX_MARKED:
            if self.table[at + WORDS + i] >> 32 == item:
                self.table[at + 8] |= ONE << i
                return 0
            i += 1
        return 0

    def observe(
        self, now_us: int, source: bytes, destination: bytes, ports: int, item: int
    ) -> None:
        """Note an item between packed addresses, for callers that hold the lock."""
        words = [
            int.from_bytes(part, "big")
            for address in (source, destination)
            for part in (address[:-8], address[-8:])
        ]
        six = SIX if len(source) == 16 else 0
        self.note(now_us, words[0], words[1], words[2], words[3], ports | six, item)
        self.settle()

    def hot(self) -> list[DistinctRow]:
        """Return and forget the keys that went over their level; for the thread that scans."""
        rows = []
        for i in range(self.hot_count):
            entry = self.hot_list[i]
            self.hot_flags[entry] = 0
            rows.append(self._row(entry))
        self.hot_count = 0
        return rows

    def hot_keys(self) -> list[HotKey]:
        """Return and forget which keys went over their level; cheaper than their rows."""
        keys = []
        for i in range(self.hot_count):
            entry = self.hot_list[i]
            self.hot_flags[entry] = 0
            at = self._place(entry)
            keys.append(HotKey(self.name, self.table[at], self.table[at + 7]))
        self.hot_count = 0
        return keys

    def find(self, key: int) -> DistinctRow | None:
        """Return one key's row, or None; for any thread, the row may be a moment old."""
        entry = self._find(key)
        if entry < 0:
            return None
        row = self._row(entry)
        return row if row.key == key == self.table[self._place(entry)] else None

    def counted(self, key: int) -> int:
        """Return how many values a key held when it was noted last, at most 255; cheaper."""
        entry = self._find(key)
        return self.table[self._tag(entry)] & 255 if entry >= 0 else 0

    def _find(self, key: int) -> int:
        """Return the entry of a key, or -1."""
        h = key
        first = (h & self.mask) * WAYS
        for way in range(WAYS):
            if self.table[self._place(first + way)] == h:
                return first + way
        return -1

    @cython.boundscheck(False)
    def _entry(self, h: int, second: int, certain: int) -> int:
        """Return the entry of a hash, or the one that has to give way to it.

        Unless it is to be `certain` the tags alone decide, which are at hand.
        """
        first = (h & self.mask) * WAYS
        tags = (h & self.mask) * self.stride
        best = first
        lowest = FULL_RANK
        way = 0
        while way < WAYS:
            word = self.table[tags + way]
            if word >> 32 == h >> 32 and (
                certain == 0 or self.table[self._place(first + way)] == h
            ):
                return first + way
            age = (second - (word >> 8)) & LOW24
            # What the window has left behind protects nothing; of equals the oldest gives way.
            rank = (word & 255) << 24 if age <= self.keep else 0
            rank += LOW24 - age
            if rank < lowest:
                best = first + way
                lowest = rank
            way += 1
        return best

    @cython.boundscheck(False)
    def _note(self, entry: int, second: int, item: int) -> int:
        """Date the item; where it is new in the window, perhaps put the key on the hot list.

        Return how many values weigh against the key's eviction.
        """
        at = self._place(entry)
        start = at + WORDS
        used = self.table[at + 5] >> USED
        answered = self.table[at + 8]
        place = 0
        known = 0
        fast = 1
        slow = 1
        i = 0
        while i < used:
            value = self.table[start + i]
            last = value & LOW32
            if value >> 32 == item:
                if last + self.window > second:
                    self.table[start + i] = (item << 32) | second
                    return self.table[self._tag(entry)] & 255
                known = 1
                place = i
            else:
                failed = 1 if i < MAX_MARKED and (answered >> i) & 1 == 0 else 0
                if last + self.window > second and failed >= self.failed_only:
                    fast += 1
                if failed and last + self.slow_window > second:
                    slow += 1
                if known == 0 and last < self.table[start + place] & LOW32:
                    place = i
            i += 1
        # Reuse a place whose value the windows have left; where all live and none is free the
        # oldest gives way and the count stays at its most.
        lives = 1 if used == 0 or (self.table[start + place] & LOW32) + self.keep > second else 0
        if known == 0 and lives and used < self.items:
            place = used
            self.table[at + 5] += ONE << USED
        self.table[start + place] = (item << 32) | second
        if place < MAX_MARKED:
            self.table[at + 8] = answered & ~(ONE << place)
        fast = fast if fast < self.items else self.items
        if fast > self.level or (self.slow_window and slow > self.slow_level):
            self._heat(entry)
        return slow if self.slow_window and slow > fast else fast

    def _heat(self, entry: int) -> int:
        """Put a key on the hot list."""
        if self.hot_flags[entry]:
            return 0
        if self.hot_count >= HOT_ENTRIES:
            self.saturated += 1
            return 0
        self.hot_flags[entry] = 1
        self.hot_list[self.hot_count] = entry
        self.hot_count += 1
        return 0

    def _row(self, entry: int) -> DistinctRow:
        at = self._place(entry)
        key = self.table[at]
        ports = self.table[at + 5] & PORTS
        six = (ports >> 32) & 1
        items = {}
        answered = set()
        for i in range(self.table[at + 5] >> USED):
            value = self.table[at + WORDS + i]
            items[value >> 32] = value & LOW32
            if i >= MAX_MARKED or (self.table[at + 8] >> i) & 1:
                answered.add(value >> 32)
        return DistinctRow(
            table=self.name,
            key=key,
            protocol=ports >> PROTOCOL,
            source=_packed(self.table[at + 1], self.table[at + 2], six),
            destination=_packed(self.table[at + 3], self.table[at + 4], six),
            source_port=(ports >> 16) & 0xFFFF,
            destination_port=ports & 0xFFFF,
            first_us=self.table[at + 6],
            last_us=self.table[at + 7],
            items=items,
            answered=frozenset(answered),
        )


def _packed(high: int, low: int, six: int) -> bytes:
    if six:
        return high.to_bytes(8, "big") + low.to_bytes(8, "big")
    return low.to_bytes(4, "big")
