"""Generic counters that behaviours read: distinct values per key within sliding windows.

A table has a fixed size. Keys live in buckets of eight, so that a flood of random keys costs
neither memory nor long searches. Tables of several workers under one seed are merged by key.

Most keys never hold more than one value. Such a key is a single: it takes half a cache line, and
the place of the oldest single of its bucket. With its second value it becomes an entry and takes
the place of the emptiest, then oldest, entry of the bucket, which a real scan is not.

Two windows slide over each key: a short one, and where wanted a long one in which only values
count that nothing answered.

A bucket's tags and singles lie together, apart from entries and a tenth of their size, so that
near caches hold them. What a key that nobody knows needs, besides its place among the singles, is
prints, a byte of each key's hash, and tags of singles: one cache line, with which a bucket begins.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array
from typing import NamedTuple

from agent.scan import layout, prefetch
from agent.scan.hashing import Keyed
from agent.scan.memory import huge_pages, together

if not cython.compiled:  # else the same from the .pxd
    WAYS = 8
    WAY_BITS = 3  # divisions by what the compiler does not know cost more than all the rest
    LAST_WAY = 7
    WORDS = 9
    """Hash, four address words, ports and version and protocol and values in use, first and last
    time, a bit for each value that was answered."""
    HEAD = 48
    """Words of a bucket besides its entries, in cache lines: prints of entries, prints of singles,
    tags of singles, parts of their hashes; tags of entries; singles."""
    SINGLE_PRINTS = 1
    SINGLE_TAGS = 2
    PARTS = 6
    TAGS = 8
    SINGLES = 16
    PRINT = 56  # where in a hash its print is
    BYTE = 0xFF
    EACH = 0x0101010101010101
    TOPS = 0x8080808080808080
    SINGLE_BITS = 2
    """A single is four words: low half of the hash << 32 | ports, value << 32 | protocol << 20 |
    microseconds of the last time, first time, IPv4 addresses. Its tag is half a word, the second in
    which it was seen last; with its print and part, a quarter of a word, 56 bits of its hash are
    known."""
    MICROSECONDS = 1000000
    LOW20 = 0xFFFFF
    PROTOCOL_AT = 20
    NEVER = 0  # the tag of no single
    MARKED = 1 << 31  # in the second word of a single: its value was answered
    NOWHERE = (1 << 63) - 1
    """In place of an entry: there is none."""
    USED = 40  # where the number of values begins in its word
    PORTS = 0xFFFFFFFFFF
    PROTOCOL = 33  # where the protocol begins in that word
    LOW16 = 0xFFFF
    LOW32 = 0xFFFFFFFF
    LOW24 = 0xFFFFFF
    HOT_ENTRIES = 1024
    """Keys over their level that wait for a behaviour; the next probe of one that found no room
    tries again."""
    LINE = 8  # words of a cache line
    KEY = layout.TABLES + 16  # hashed apart from every table of trails
    KEY4 = KEY + 1  # both addresses in one word
    KEY_PORT = KEY + 2
    KEY_SERVICE = KEY + 3
    SIX = 1 << 32
    MAX_MARKED = 64
    """Values of a key that can be marked as answered, the bits of a word; others count as
    answered."""
    ONE = 1
    FULL_RANK = 1 << 32
    LATER = 1 << 40
    """Beyond every tag with the number of its way behind it."""


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
        self.name = name
        self.window = window
        self.level = level
        self.slow_window = slow_window
        self.slow_level = slow_level
        self.failed_only = int(failed_only)
        self.by_port = int(by_port)
        self.by_service = int(by_service)
        self.keep = max(window, slow_window)
        # Where one value is enough to be looked at, its key has to be an entry at once.
        self.has_singles = int(level > 0 and (slow_window == 0 or slow_level > 0))
        self.evictions = 0
        self.saturated = 0
        self.hot_count = 0
        # A tag is one word: half of the hash << 32 | last second << 8 | count.
        heads = together(8 * HEAD * buckets)
        self.heads = heads.cast("Q")
        self.singles = heads.cast("I")
        self.parts = heads.cast("H")
        self.table = memoryview(huge_pages(8 * self.size * WAYS * buckets)).cast("Q")
        self.memory = 8 * (HEAD + self.size * WAYS) * buckets
        self.hot_flags = memoryview(bytearray(WAYS * buckets))
        self.hot_list = memoryview(array("Q", bytes(8 * HOT_ENTRIES)))

    @cython.boundscheck(False)
    def approach(
        self,
        source_high: int,
        source_low: int,
        destination_high: int,
        destination_low: int,
        ports: int,
    ) -> int:
        """Return the hash of a key of which something will be added; its lines are asked for.

        `ports` is source port << 16 | destination port, with IP version 6 told by bit 32 and the
        protocol above.
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
        # A new key's single may come to lie in any of the lines: a store waits for one as a load
        # does, only later, when there are too many of them.
        head = (h & self.mask) * HEAD
        prefetch.word(self.heads, head)
        prefetch.word(self.heads, head + SINGLES)
        prefetch.word(self.heads, head + SINGLES + LINE)
        prefetch.word(self.heads, head + SINGLES + 2 * LINE)
        prefetch.word(self.heads, head + SINGLES + 3 * LINE)
        return h

    @cython.boundscheck(False)
    def add(
        self,
        h: int,
        now_us: int,
        second: int,
        source_high: int,
        source_low: int,
        destination_high: int,
        destination_low: int,
        ports: int,
        item: int,
    ) -> int:
        """Take in that `item` (32 bits) was seen of the key whose hash `approach` returned.

        `ports` is as there.
        """
        entry = self._held(h)
        if entry == NOWHERE:
            if self.has_singles and ports & SIX == 0:
                entry = self._add_single(
                    h, now_us, second, source_low << 32 | destination_low, ports, item
                )
                if entry == NOWHERE:
                    return 0
            else:
                entry = self._give_way(h, second)
        at = self._place(entry)
        tag = self._tag(entry)
        age = (second - (self.heads[tag] >> 8)) & LOW24
        if self.table[at] != h or age > self.keep:
            self._print((entry >> WAY_BITS) * HEAD, entry & LAST_WAY, h >> PRINT)
            self.table[at] = h
            self.table[at + 1] = source_high
            self.table[at + 2] = source_low
            self.table[at + 3] = destination_high
            self.table[at + 4] = destination_low
            self.table[at + 5] = ports & PORTS
            self.table[at + 6] = now_us
            self.table[at + 8] = 0
        self.table[at + 7] = now_us
        count = self._note(entry, second, item)
        self.heads[tag] = (
            ((h >> 32) << 32) | ((second & LOW24) << 8) | (count if count < 255 else 255)
        )
        return 0

    @cython.boundscheck(False)
    def answer(self, h: int, item: int) -> int:
        """Take in that an item was answered, in the key of those who asked, if it is known."""
        entry = self._held(h)
        if entry == NOWHERE:
            return self._answer_single(h, item)
        return self._answer(self._place(entry), item)

    def _place(self, entry: int) -> int:
        """Return where the words of an entry begin."""
        return entry * self.size

    def _tag(self, entry: int) -> int:
        """Return where the tag of an entry is."""
        return (entry >> WAY_BITS) * HEAD + TAGS + (entry & LAST_WAY)

    def _may_hold(self, prints: int, h: int) -> int:
        """Return the top bits of those of eight prints that are a hash's, all looked at together.

        Exact but above a byte that is equal (Hacker's Delight, 2nd edition, section 6-1).
        """
        different = prints ^ ((h >> PRINT) * EACH)
        return (different - EACH) & ~different & TOPS

    @cython.boundscheck(False)
    def _print(self, place: int, way: int, value: int) -> int:
        """Set the print of a way."""
        self.heads[place] = (self.heads[place] & ~(BYTE << (way << 3))) | (value << (way << 3))
        return 0

    @cython.boundscheck(False)
    def _add_single(
        self, h: int, now_us: int, second: int, addresses: int, ports: int, item: int
    ) -> int:
        """Take in an item of a key of IPv4 addresses as a single.

        Return NOWHERE, or the entry that the key became as this is its second value.
        """
        single = self._find_single(h)
        if single != NOWHERE and ((second - self._seen(single)) & LOW32) <= self.keep:
            at = self._place_of_single(single)
            word = self.heads[at + 1]
            if word >> 32 != item:
                return self._promote(h, second, single)
            if ((second - self._seen(single)) & LOW32) >= self.window:
                word &= ~MARKED  # an attempt of its own, with an answer of its own
            self.heads[at + 1] = (word & ~LOW20) | self._fraction(now_us, second)
            self.singles[self._tag_of_single(single)] = second
            return NOWHERE
        if single == NOWHERE:
            single = self._oldest_single(h)
        tag = self._tag_of_single(single)
        # A single that only the long window remembers tells nothing by itself.
        if self.singles[tag] and ((second - self.singles[tag]) & LOW32) <= self.window:
            self.evictions += 1
        at = self._place_of_single(single)
        self._print((h & self.mask) * HEAD + SINGLE_PRINTS, single & LAST_WAY, h >> PRINT)
        self.parts[self._part_of_single(single)] = (h >> 32) & LOW16
        self.singles[tag] = second
        self.heads[at] = (h & LOW32) << 32 | (ports & LOW32)
        self.heads[at + 1] = (
            item << 32 | ((ports >> PROTOCOL) & 255) << PROTOCOL_AT | self._fraction(now_us, second)
        )
        self.heads[at + 2] = now_us
        self.heads[at + 3] = addresses
        return NOWHERE

    def _fraction(self, now_us: int, second: int) -> int:
        """Return the microseconds of a second that have passed; 0 for a packet of another one."""
        began = second * MICROSECONDS
        return now_us - began if began <= now_us < began + MICROSECONDS else 0

    @cython.boundscheck(False)
    def _promote(self, h: int, second: int, single: int) -> int:
        """Make a single an entry and return it."""
        entry = self._give_way(h, second)
        at = self._place(entry)
        last = self._seen(single)
        head = (h & self.mask) * HEAD
        self._print(head, entry & LAST_WAY, h >> PRINT)
        self._print(head + SINGLE_PRINTS, single & LAST_WAY, 0)
        word = self._place_of_single(single)
        ports = self.heads[word] & LOW32
        protocol = (self.heads[word + 1] >> PROTOCOL_AT) & 255
        self.table[at] = h
        self.table[at + 1] = 0
        self.table[at + 2] = self.heads[word + 3] >> 32
        self.table[at + 3] = 0
        self.table[at + 4] = self.heads[word + 3] & LOW32
        self.table[at + 5] = ports | protocol << PROTOCOL | ONE << USED
        self.table[at + 6] = self.heads[word + 2]
        self.table[at + 8] = 1 if self.heads[word + 1] & MARKED else 0
        self.table[at + WORDS] = (self.heads[word + 1] >> 32) << 32 | last
        self.heads[self._tag(entry)] = (h >> 32) << 32 | (last & LOW24) << 8 | 1
        self.singles[self._tag_of_single(single)] = NEVER
        return entry

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

    @cython.boundscheck(False)
    def _answer_single(self, h: int, item: int) -> int:
        """Mark the value of the single of a hash, if there is one, as answered."""
        single = self._find_single(h)
        if single != NOWHERE:
            at = self._place_of_single(single) + 1
            if self.heads[at] >> 32 == item:
                self.heads[at] |= MARKED
        return 0

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
        single = self._find_single(key)  # before entries, as singles become those
        if single != NOWHERE:
            row = self._row_of_single(key, single)
            return row if self._find_single(key) == single else None
        entry = self._held(key)
        if entry == NOWHERE:
            return None
        row = self._row(entry)
        return row if row.key == key == self.table[self._place(entry)] else None

    def counted(self, key: int) -> int:
        """Return how many values a key held when it was noted last, at most 255; cheaper."""
        if self._find_single(key) != NOWHERE:
            return 1
        entry = self._held(key)
        return self.heads[self._tag(entry)] & 255 if entry != NOWHERE else 0

    @cython.boundscheck(False)
    def _held(self, h: int) -> int:
        """Return the entry of a hash, or NOWHERE."""
        head = (h & self.mask) * HEAD
        if self._may_hold(self.heads[head], h) == 0:
            return NOWHERE
        first = (h & self.mask) * WAYS
        way = 0
        while way < WAYS:
            word = self.heads[head + TAGS + way]
            if word >> 32 == h >> 32 and self.table[self._place(first + way)] == h:
                return first + way
            way += 1
        return NOWHERE

    @cython.boundscheck(False)
    def _give_way(self, h: int, second: int) -> int:
        """Return the entry that has to give way to a hash; count it where it still counted."""
        tags = (h & self.mask) * HEAD + TAGS
        best = 0
        lowest = FULL_RANK
        way = 0
        while way < WAYS:
            word = self.heads[tags + way]
            age = (second - (word >> 8)) & LOW24
            # What the window has left behind protects nothing; of equals the oldest gives way.
            rank = (word & 255) << 24 if age <= self.keep else 0
            rank += LOW24 - age
            if rank < lowest:
                best = way
                lowest = rank
            way += 1
        word = self.heads[tags + best]
        age = (second - (word >> 8)) & LOW24
        # A single value that only the long window remembers tells nothing by itself.
        if (word & 255 and age <= self.window) or (word & 255 > 1 and age <= self.keep):
            self.evictions += 1
        return (h & self.mask) * WAYS + best

    def _place_of_single(self, single: int) -> int:
        """Return where the words of a single begin."""
        return (single >> WAY_BITS) * HEAD + SINGLES + ((single & LAST_WAY) << SINGLE_BITS)

    def _tag_of_single(self, single: int) -> int:
        """Return where the tag of a single is."""
        return ((single >> WAY_BITS) * HEAD + SINGLE_TAGS) * 2 + (single & LAST_WAY)

    def _part_of_single(self, single: int) -> int:
        """Return where the part of its hash that lies with the tag of a single is."""
        return ((single >> WAY_BITS) * HEAD + PARTS) * 4 + (single & LAST_WAY)

    @cython.boundscheck(False)
    def _seen(self, single: int) -> int:
        """Return the second in which a single was seen last."""
        return self.singles[self._tag_of_single(single)]

    @cython.boundscheck(False)
    def _is_single(self, single: int, h: int) -> int:
        """Tell whether a single is there and that of a hash."""
        head = (single >> WAY_BITS) * HEAD
        if (self.heads[head + SINGLE_PRINTS] >> ((single & LAST_WAY) << 3)) & BYTE != h >> PRINT:
            return 0
        if self.parts[self._part_of_single(single)] != h >> 32 & LOW16:
            return 0
        if self._seen(single) == NEVER:
            return 0
        return 1 if self.heads[self._place_of_single(single)] >> 32 == h & LOW32 else 0

    @cython.boundscheck(False)
    def _find_single(self, h: int) -> int:
        """Return the single of a hash, or NOWHERE."""
        head = (h & self.mask) * HEAD
        if self._may_hold(self.heads[head + SINGLE_PRINTS], h) == 0:
            return NOWHERE
        first = (h & self.mask) * WAYS
        way = 0
        while way < WAYS:
            if self._is_single(first + way, h):
                return first + way
            way += 1
        return NOWHERE

    @cython.boundscheck(False)
    def _oldest_single(self, h: int) -> int:
        """Return the single that has to give way to a hash."""
        first = (h & self.mask) * WAYS
        tags = self._tag_of_single(first)
        oldest = LATER
        way = 0
        while way < WAYS:
            tag = (ONE * self.singles[tags + way]) << WAY_BITS | way
            oldest = tag if tag < oldest else oldest
            way += 1
        return first + (oldest & LAST_WAY)

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
                    return self.heads[self._tag(entry)] & 255
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

    @cython.boundscheck(False)
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

    def _row_of_single(self, key: int, single: int) -> DistinctRow:
        at = self._place_of_single(single)
        last = self._seen(single)
        ports = self.heads[at] & LOW32
        item = self.heads[at + 1] >> 32
        first_us = self.heads[at + 2]
        addresses = self.heads[at + 3]
        return DistinctRow(
            table=self.name,
            key=key,
            protocol=(self.heads[at + 1] >> PROTOCOL_AT) & 255,
            source=_packed(0, addresses >> 32, 0),
            destination=_packed(0, addresses & LOW32, 0),
            source_port=ports >> 16,
            destination_port=ports & LOW16,
            first_us=first_us,
            last_us=last * MICROSECONDS + (self.heads[at + 1] & LOW20),
            items={item: last},
            answered=frozenset((item,)) if self.heads[at + 1] & MARKED else frozenset(),
        )


def _packed(high: int, low: int, six: int) -> bytes:
    if six:
        return high.to_bytes(8, "big") + low.to_bytes(8, "big")
    return low.to_bytes(4, "big")
