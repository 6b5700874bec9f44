"""Generic counters that behaviours read: distinct values per key within a sliding window.

A table has a fixed size. Keys live in buckets of eight, so that a flood of random keys costs
neither memory nor long searches: a new key takes the place of the emptiest, then oldest, one of
its bucket, which a real scan is not. Tables of several workers under one seed are merged by key.
"""

from array import array
from typing import NamedTuple

from agent.scan import layout
from agent.scan.hashing import Keyed
from agent.scan.lookup import huge_pages

WAYS = 8
WORDS = 9  # hash, four address words, ports and version, first and last time, values in use
LOW32 = 0xFFFFFFFF
LOW24 = 0xFFFFFF
MICROSECONDS = 1000000
HOT_ENTRIES = 1024
"""Keys over their level that wait for a behaviour; the next probe of one that found no room
tries again."""
QUEUE = 32
"""Observations that wait for one another: some more than a processor keeps loads in flight."""
WAIT_WORDS = 10  # hash, time, four address words, ports, item; entry and its tag when last seen
KEY = layout.TABLES + 16  # hashed apart from every table of trails


class DistinctRow(NamedTuple):
    """A key and the values seen with it: value -> second in which it was seen last.

    `source` and `destination` are packed addresses (4 or 16 bytes); ports are the first probe's.
    """

    key: int
    source: bytes
    destination: bytes
    source_port: int
    destination_port: int
    first_us: int
    last_us: int
    items: dict[int, int]


class Distinct:
    """Distinct values per key.

    `entries` keys at most (rounded down to a power of two), `items` values each, `window` in
    seconds. A key that holds more than `level` values in the window is put on the hot list.
    """

    def __init__(self, seed: int, entries: int, items: int, window: int, level: int) -> None:
        buckets = 1
        while buckets * 2 * WAYS <= entries:
            buckets *= 2
        self.keyed = Keyed(seed)
        self.mask = buckets - 1
        self.items = items
        self.window = window
        self.level = level
        self.evictions = 0
        self.hot_count = 0
        self.table = memoryview(huge_pages(8 * WORDS * WAYS * buckets)).cast("Q")
        self.values = memoryview(huge_pages(8 * items * WAYS * buckets)).cast("Q")
        # One word an entry, eight to a cache line: hash tag << 32 | last second << 8 | count.
        self.tags = memoryview(huge_pages(8 * WAYS * buckets)).cast("Q")
        self.waiting = 0
        self.queue = memoryview(array("Q", bytes(8 * WAIT_WORDS * QUEUE)))
        self.touched = 0
        self.hot_flags = memoryview(bytearray(WAYS * buckets))
        self.hot_list = memoryview(array("Q", bytes(8 * HOT_ENTRIES)))

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

        `ports` is source port << 16 | destination port, with IP version 6 told by bit 32.
        """
        h = self.keyed.numbers(KEY, source_high, source_low, destination_high)
        h = self.keyed.numbers(KEY, h, destination_low, 0)
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
        self.waiting += 1
        return 0

    def settle(self) -> int:
        """Take in what was noted, in order.

        Each observation touches three places that are hardly ever in a cache. Two quick runs
        through the queue load them first, so that the misses overlap.
        """
        touched = 0
        i = 0
        while i < self.waiting:
            touched ^= self.tags[(self.queue[i * WAIT_WORDS] & self.mask) * WAYS]
            i += 1
        i = 0
        while i < self.waiting:
            at = i * WAIT_WORDS
            entry = self._entry(self.queue[at], self.queue[at + 1] // MICROSECONDS)
            touched ^= self.table[entry * WORDS] ^ self.values[entry * self.items]
            self.queue[at + 8] = entry
            self.queue[at + 9] = self.tags[entry]
            i += 1
        self.touched = touched  # or the compiler would leave the loads out
        i = 0
        while i < self.waiting:
            at = i * WAIT_WORDS
            entry = self.queue[at + 8]
            if self.tags[entry] != self.queue[at + 9]:  # by one before it in the queue
                entry = self._entry(self.queue[at], self.queue[at + 1] // MICROSECONDS)
            self._add(at, entry)
            i += 1
        self.waiting = 0
        return 0

    def _add(self, place: int, entry: int) -> int:
        """Take in the observation at `place` of the queue."""
        h = self.queue[place]
        now_us = self.queue[place + 1]
        second = now_us // MICROSECONDS
        at = entry * WORDS
        if self.table[at] != h:
            word = self.tags[entry]
            if word & 255 and (second - (word >> 8)) & LOW24 <= self.window:
                self.evictions += 1
            self.table[at] = h
            self.table[at + 1] = self.queue[place + 2]
            self.table[at + 2] = self.queue[place + 3]
            self.table[at + 3] = self.queue[place + 4]
            self.table[at + 4] = self.queue[place + 5]
            self.table[at + 5] = self.queue[place + 6]
            self.table[at + 6] = now_us
            self.table[at + 8] = 0
        self.table[at + 7] = now_us
        count = self._note(entry, second, self.queue[place + 7])
        self.tags[entry] = (
            ((h >> 32) << 32) | ((second & LOW24) << 8) | (count if count < 255 else 255)
        )
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
        six = (1 << 32) if len(source) == 16 else 0
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

    def find(self, key: int) -> DistinctRow | None:
        """Return one key's row, or None; for any thread, the row may be a moment old."""
        h = key
        entry = (h & self.mask) * WAYS
        for way in range(WAYS):
            if self.table[(entry + way) * WORDS] == h:
                return self._row(entry + way)
        return None

    def _entry(self, h: int, second: int) -> int:
        """Return the entry of a hash, or the one that has to give way to it."""
        first = (h & self.mask) * WAYS
        best = first
        best_count = LOW32
        best_age = 0
        way = 0
        while way < WAYS:
            word = self.tags[first + way]
            if word >> 32 == h >> 32 and self.table[(first + way) * WORDS] == h:
                return first + way
            age = (second - (word >> 8)) & LOW24
            # What the window has left behind protects nothing.
            count = word & 255 if age <= self.window else 0
            if count < best_count or (count == best_count and age > best_age):
                best = first + way
                best_count = count
                best_age = age
            way += 1
        return best

    def _note(self, entry: int, second: int, item: int) -> int:
        """Date the item; where it is new in the window, perhaps put the key on the hot list.

        Return how many values the window holds.
        """
        start = entry * self.items
        used = self.table[entry * WORDS + 8]
        place = start
        count = 0
        i = start
        while i < start + used:
            value = self.values[i]
            if value >> 32 == item:
                if (value & LOW32) + self.window > second:
                    self.values[i] = (item << 32) | second
                    return self.tags[entry] & 255
                place = i
                self.values[i] = item << 32
            else:
                if (value & LOW32) + self.window > second:
                    count += 1
                if value & LOW32 < self.values[place] & LOW32:
                    place = i
            i += 1
        # Reuse a place whose value the window has left; where all live and none is free the
        # oldest gives way and the count stays at its most.
        if used < self.items and (used == 0 or (self.values[place] & LOW32) + self.window > second):
            place = start + used
            self.table[entry * WORDS + 8] = used + 1
        self.values[place] = (item << 32) | second
        count = count + 1 if count < self.items else count
        if count > self.level and self.hot_flags[entry] == 0 and self.hot_count < HOT_ENTRIES:
            self.hot_flags[entry] = 1
            self.hot_list[self.hot_count] = entry
            self.hot_count += 1
        return count

    def _row(self, entry: int) -> DistinctRow:
        at = entry * WORDS
        ports = self.table[at + 5]
        six = ports >> 32
        items = {}
        for i in range(entry * self.items, entry * self.items + self.table[at + 8]):
            value = self.values[i]
            items[value >> 32] = value & LOW32
        return DistinctRow(
            key=self.table[at],
            source=_packed(self.table[at + 1], self.table[at + 2], six),
            destination=_packed(self.table[at + 3], self.table[at + 4], six),
            source_port=(ports >> 16) & 0xFFFF,
            destination_port=ports & 0xFFFF,
            first_us=self.table[at + 6],
            last_us=self.table[at + 7],
            items=items,
        )


def _packed(high: int, low: int, six: int) -> bytes:
    if six:
        return high.to_bytes(8, "big") + low.to_bytes(8, "big")
    return low.to_bytes(4, "big")
