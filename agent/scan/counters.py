"""Generic counters that behaviours read: distinct values per key within a sliding window.

A table has a fixed size. Keys live in buckets of eight, so that a flood of random keys costs
neither memory nor long searches: a new key takes the place of the emptiest, then oldest, one of
its bucket, which a real scan is not. Tables of several workers under one seed are merged by key.
"""

from array import array
from typing import NamedTuple

from agent.scan import layout
from agent.scan.hashing import Keyed

WAYS = 8
WORDS = 9  # hash, four address words, ports and version, first and last time, distinct now
LOW32 = 0xFFFFFFFF
HOT_ENTRIES = 1024
"""Keys over their level that wait for a behaviour; the next probe of one that found no room
tries again."""
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
        self.table = memoryview(bytearray(8 * WORDS * WAYS * buckets)).cast("Q")
        self.values = memoryview(bytearray(8 * items * WAYS * buckets)).cast("Q")
        self.hot_flags = memoryview(bytearray(WAYS * buckets))
        self.hot_list = memoryview(array("Q", bytes(8 * HOT_ENTRIES)))

    def add(
        self,
        now_us: int,
        source_high: int,
        source_low: int,
        destination_high: int,
        destination_low: int,
        ports: int,
        item: int,
    ) -> None:
        """Note that `item` (32 bits) was seen between two addresses.

        `ports` is source port << 16 | destination port, with IP version 6 told by bit 32.
        """
        h = self.keyed.numbers(KEY, source_high, source_low, destination_high)
        h = self.keyed.numbers(KEY, h, destination_low, 0)
        entry = self._entry(h, now_us)
        at = entry * WORDS
        if self.table[at] != h:
            self.table[at] = h
            self.table[at + 1] = source_high
            self.table[at + 2] = source_low
            self.table[at + 3] = destination_high
            self.table[at + 4] = destination_low
            self.table[at + 5] = ports
            self.table[at + 6] = now_us
            self.table[at + 8] = 0
            self._clear(entry)
        self.table[at + 7] = now_us
        self._note(entry, now_us // 1000000, item)

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

    def _entry(self, h: int, now_us: int) -> int:
        """Return the entry of a hash, or the one that has to give way to it."""
        first = (h & self.mask) * WAYS
        best = first
        best_count = LOW32
        best_last = 0
        way = 0
        while way < WAYS:
            at = (first + way) * WORDS
            if self.table[at] == h:
                return first + way
            last = self.table[at + 7]
            count = self.table[at + 8]
            if last + self.window * 1000000 < now_us:
                count = 0  # what the window has left behind protects nothing
            if count < best_count or (count == best_count and last < best_last):
                best = first + way
                best_count = count
                best_last = last
            way += 1
        if self.table[best * WORDS] != 0 and best_count > 0:
            self.evictions += 1
        return best

    def _clear(self, entry: int) -> None:
        i = entry * self.items
        end = i + self.items
        while i < end:
            self.values[i] = 0
            i += 1

    def _note(self, entry: int, second: int, item: int) -> None:
        """Date the item; when it is new in the window, count and perhaps put on the hot list."""
        i = entry * self.items
        end = i + self.items
        place = i
        count = 0
        known = 0
        while i < end and known == 0:
            value = self.values[i]
            seen = value & LOW32
            live = 1 if value != 0 and seen + self.window > second else 0
            if value != 0 and value >> 32 == item:
                self.values[i] = (item << 32) | second
                known = 1 + live
            else:
                count += live
                if seen < self.values[place] & LOW32:
                    place = i
            i += 1
        if known == 0:
            # Where every place is live the oldest value gives way: the count stays at its most.
            self.values[place] = (item << 32) | second
            count = count + 1 if count < self.items else count
        elif known == 1:
            count = self._live(entry, second)
        if known < 2:
            self.table[entry * WORDS + 8] = count
            if count > self.level and self.hot_flags[entry] == 0 and self.hot_count < HOT_ENTRIES:
                self.hot_flags[entry] = 1
                self.hot_list[self.hot_count] = entry
                self.hot_count += 1

    def _live(self, entry: int, second: int) -> int:
        """Count the values of an entry within the window."""
        i = entry * self.items
        end = i + self.items
        count = 0
        while i < end:
            if self.values[i] != 0 and (self.values[i] & LOW32) + self.window > second:
                count += 1
            i += 1
        return count

    def _row(self, entry: int) -> DistinctRow:
        at = entry * WORDS
        ports = self.table[at + 5]
        six = ports >> 32
        items = {}
        for i in range(entry * self.items, (entry + 1) * self.items):
            value = self.values[i]
            if value:
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
