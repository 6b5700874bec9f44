"""Pack millions of keys flat: collect, find doubles, sort, hash. Compiled, no object a key.

A row is two words as in agent.scan.layout; while collecting, rows lie in order of arrival and
label and provenance are the caller's numbers.
"""

from array import array
from collections.abc import Callable

from agent.scan import layout
from agent.scan.hashing import Keyed

PRIME = layout.HASH_PRIME
MASK = layout.WORD_MASK
LOW32 = 0xFFFFFFFF
LOW56 = 0xFFFFFFFFFFFFFF
ONE = 1
DOMAIN = layout.DOMAIN
FIRST_TEXT = layout.URL
IP6 = layout.IP6

FIRST_ROWS = 1024
FIRST_POOL = 32768
GROWTH = 8
"""Buffers grow by one eighth: the peak while copying stays near the size of the data."""
DIGEST_ROWS = 65536
MAX_POOL = LOW32
"""Key offsets are 32-bit; four gigabytes of keys are a hundred times the largest known set."""


class PackError(ValueError):
    """More keys than the format can number."""


class Packer:
    """Rows under construction."""

    def __init__(self, seed: int) -> None:
        self.keyed = Keyed(seed)
        self.count = 0
        self.pool_used = 0
        self.pool = bytearray(FIRST_POOL)
        self.rows = array("Q", bytes(16 * FIRST_ROWS))
        self.slots = array("Q", bytes(8 * 4 * FIRST_ROWS))
        self.order = array("I")
        self.spare = array("I")

    def find(self, kind: int, key: bytes) -> int:
        """Return the row of a key, or -1."""
        return self._search(kind, key, self._hash(kind, key))

    def append(self, kind: int, key: bytes, flags: int, label: int, provenance: int) -> int:
        """Add a key that `find` did not find; return its row. Raise PackError when full."""
        size = len(key)
        if self.pool_used + size > MAX_POOL or self.count >= LOW32 - 1:
            raise PackError("a trail set holds at most 4 GB of keys")
        if self.pool_used + size > len(self.pool):
            pool = bytearray(len(self.pool) + len(self.pool) // GROWTH + size)
            self._copy(pool)
        if (self.count + 1) * 2 > len(self.rows):
            self._grow_rows()
        if (self.count + 1) * 2 > len(self.slots):
            self._grow_slots()
        row = self.count
        start = self.pool_used
        i = 0
        while i < size:
            self.pool[start + i] = key[i]
            i += 1
        self.rows[row * 2] = (
            start | ((size & 0xFFFF) << 32) | ((kind & 0xFF) << 48) | ((flags & 0xFF) << 56)
        )
        self.rows[row * 2 + 1] = (label & LOW32) | ((provenance & LOW32) << 32)
        self.pool_used += size
        self.count += 1
        self._place(self._hash(kind, key), row)
        return row

    def replace(self, row: int, flags: int, label: int, provenance: int) -> None:
        """Give a known key another label, provenance and flags."""
        word = self.rows[row * 2] & LOW56
        self.rows[row * 2] = word | ((flags & 0xFF) << 56)
        self.rows[row * 2 + 1] = (label & LOW32) | ((provenance & LOW32) << 32)

    def flags(self, row: int) -> int:
        """Return the flags of a row."""
        return self.rows[row * 2] >> 56

    def label(self, row: int) -> int:
        """Return the label number of a row."""
        return self.rows[row * 2 + 1] & LOW32

    def provenance(self, row: int) -> int:
        """Return the provenance number of a row."""
        return self.rows[row * 2 + 1] >> 32

    def key(self, row: int) -> bytes:
        """Return the key of a row."""
        start = self.rows[row * 2] & LOW32
        size = (self.rows[row * 2] >> 32) & 0xFFFF
        return bytes(self.pool[start : start + size])

    def kind(self, row: int) -> int:
        """Return the kind of a row."""
        return (self.rows[row * 2] >> 48) & 0xFF

    def sort(self) -> None:
        """Bring rows and pool into the order of kind and key; find and append end here."""
        self.slots = array("Q")
        self.order = array("I", bytes(4 * self.count))
        self.spare = array("I", bytes(4 * self.count))
        self._merge_sort()
        self.spare = array("I")
        pool = bytearray(max(8, self.pool_used))
        rows = array("Q", bytes(16 * self.count))
        self._rearrange(pool, rows)
        self.order = array("I")
        self.pool = pool
        self.rows = rows

    def renumber(self, labels: "array[int]", provenances: "array[int]") -> tuple[int, int]:
        """Number labels and provenances by first use in row order, so that files are canonical.

        Both arrays ('I') hold one entry per old number, 0xFFFFFFFF at first, and are filled with
        the new numbers. Return how many of each are in use.
        """
        return self._renumber(labels, provenances)

    def point(self, spans: "array[int]") -> None:
        """Replace each provenance number by spans ('I') of it."""
        self._point(spans)

    def carry(
        self, partner: "array[int]", rows: memoryview, join: Callable[[int, int], int]
    ) -> None:
        """Join the provenance of sorted rows with that of their partners in another set.

        `partner` ('I') has the row of the other set, or 0xFFFFFFFF; `rows` are the other's words.
        `join` is asked once for each pair of provenances and returns the number of the joint one.
        """
        self._carry(partner, rows, join)

    def digest_rows(self, classes: "array[int]", update: Callable[[memoryview], None]) -> None:
        """Give `update` what rows mean: lengths, kinds, flags, labels and classes of sources.

        `classes` ('I') maps provenance numbers; offsets are left out, they follow from lengths.
        """
        chunk = array("Q", bytes(16 * DIGEST_ROWS))
        row = 0
        while row < self.count:
            end = row + DIGEST_ROWS if row + DIGEST_ROWS < self.count else self.count
            self._digest_chunk(row, end, classes, chunk)
            update(memoryview(chunk)[: 2 * (end - row)])
            row = end

    def pool_bytes(self) -> memoryview:
        """Return the keys, end to end."""
        return memoryview(self.pool)[: self.pool_used]

    def row_words(self) -> memoryview:
        """Return the rows."""
        return memoryview(self.rows)[: self.count * 2]

    def first_row(self, kind: int) -> int:
        """Return the first sorted row of a kind or of the next kind after it."""
        low = 0
        high = self.count
        while low < high:
            middle = (low + high) // 2
            if self.kind(middle) < kind:
                low = middle + 1
            else:
                high = middle
        return low

    def fill(self, kind: int, bits: "array[int]", slots: "array[int]") -> None:
        """Fill the filter and the slots ('Q', powers of two) of one table from sorted rows."""
        self._fill(kind, self.first_row(kind), self.first_row(kind + 1), bits, slots)

    def _fill(
        self, kind: int, first: int, last: int, bits: "array[int]", slots: "array[int]"
    ) -> None:
        bit_mask = len(bits) - 1
        slot_mask = len(slots) - 1
        row = first
        while row < last:
            h = self._row_hash(kind, row)
            bits[h & bit_mask] |= (ONE << ((h >> 48) & 63)) | (ONE << ((h >> 54) & 63))
            index = h & slot_mask
            while slots[index] != 0:
                index = (index + 1) & slot_mask
            slots[index] = ((h >> 32) << 32) | (row + 1)
            row += 1

    def _row_hash(self, kind: int, row: int) -> int:
        start = self.rows[row * 2] & LOW32
        size = (self.rows[row * 2] >> 32) & 0xFFFF
        if kind >= FIRST_TEXT:
            h = self.keyed.begin(kind)
            i = 0
            while i < size:
                h = ((h ^ self.pool[start + i]) * PRIME) & MASK
                i += 1
            return self.keyed.finish(h)
        if kind == DOMAIN:
            h = self.keyed.begin(kind)
            i = size
            while i > 0:
                i -= 1
                h = ((h ^ self.pool[start + i]) * PRIME) & MASK
            return self.keyed.finish(h)
        if size < 16:
            return self.keyed.number(kind, self._number(start, start + size))
        return self.keyed.numbers(
            kind,
            self._number(start, start + 8),
            self._number(start + 8, start + 16),
            self._number(start + 16, start + size),
        )

    def _number(self, start: int, end: int) -> int:
        number = 0
        while start < end:
            number = ((number << 8) | self.pool[start]) & MASK
            start += 1
        return number

    def _hash(self, kind: int, key: bytes) -> int:
        h = self.keyed.begin(kind)
        i = 0
        size = len(key)
        while i < size:
            h = ((h ^ key[i]) * PRIME) & MASK
            i += 1
        return self.keyed.finish(h)

    def _search(self, kind: int, key: bytes, h: int) -> int:
        mask = len(self.slots) - 1
        index = h & mask
        tag = h >> 32
        size = len(key)
        while self.slots[index] != 0:
            if self.slots[index] >> 32 == tag:
                row = (self.slots[index] & LOW32) - 1
                word = self.rows[row * 2]
                if (word >> 48) & 0xFF == kind and (word >> 32) & 0xFFFF == size:
                    start = word & LOW32
                    i = 0
                    while i < size and self.pool[start + i] == key[i]:
                        i += 1
                    if i == size:
                        return row
            index = (index + 1) & mask
        return -1

    def _place(self, h: int, row: int) -> None:
        mask = len(self.slots) - 1
        index = h & mask
        while self.slots[index] != 0:
            index = (index + 1) & mask
        self.slots[index] = ((h >> 32) << 32) | (row + 1)

    def _copy(self, pool: bytearray) -> None:
        i = 0
        while i < self.pool_used:
            pool[i] = self.pool[i]
            i += 1
        self.pool = pool

    def _grow_rows(self) -> None:
        have = len(self.rows)
        rows = array("Q", bytes(8 * (have + have // GROWTH + 2)))
        i = 0
        while i < have:
            rows[i] = self.rows[i]
            i += 1
        self.rows = rows

    def _grow_slots(self) -> None:
        self.slots = array("Q", bytes(8 * 2 * len(self.slots)))
        row = 0
        while row < self.count:
            self._place(self._forward_hash(row), row)
            row += 1

    def _forward_hash(self, row: int) -> int:
        word = self.rows[row * 2]
        start = word & LOW32
        size = (word >> 32) & 0xFFFF
        h = self.keyed.begin((word >> 48) & 0xFF)
        i = 0
        while i < size:
            h = ((h ^ self.pool[start + i]) * PRIME) & MASK
            i += 1
        return self.keyed.finish(h)

    def _before(self, a: int, b: int) -> int:
        one = self.rows[a * 2]
        two = self.rows[b * 2]
        if (one >> 48) & 0xFF != (two >> 48) & 0xFF:
            return 1 if (one >> 48) & 0xFF < (two >> 48) & 0xFF else 0
        size_one = (one >> 32) & 0xFFFF
        size_two = (two >> 32) & 0xFFFF
        start_one = one & LOW32
        start_two = two & LOW32
        shorter = size_one if size_one < size_two else size_two
        i = 0
        while i < shorter:
            if self.pool[start_one + i] != self.pool[start_two + i]:
                return 1 if self.pool[start_one + i] < self.pool[start_two + i] else 0
            i += 1
        return 1 if size_one <= size_two else 0

    def _merge_sort(self) -> None:
        i = 0
        while i < self.count:
            self.order[i] = i
            i += 1
        width = 1
        while width < self.count:
            left = 0
            while left < self.count:
                middle = left + width if left + width < self.count else self.count
                right = left + 2 * width if left + 2 * width < self.count else self.count
                self._merge(left, middle, right)
                left += 2 * width
            self.order, self.spare = self.spare, self.order
            width *= 2

    def _merge(self, left: int, middle: int, right: int) -> None:
        a = left
        b = middle
        out = left
        while out < right:
            if a < middle and (b >= right or self._before(self.order[a], self.order[b])):
                self.spare[out] = self.order[a]
                a += 1
            else:
                self.spare[out] = self.order[b]
                b += 1
            out += 1

    def _rearrange(self, pool: bytearray, rows: "array[int]") -> None:
        at = 0
        i = 0
        while i < self.count:
            old = self.order[i]
            word = self.rows[old * 2]
            start = word & LOW32
            size = (word >> 32) & 0xFFFF
            k = 0
            while k < size:
                pool[at + k] = self.pool[start + k]
                k += 1
            rows[i * 2] = ((word >> 32) << 32) | at
            rows[i * 2 + 1] = self.rows[old * 2 + 1]
            at += size
            i += 1

    def _renumber(self, labels: "array[int]", provenances: "array[int]") -> tuple[int, int]:
        next_label = 0
        next_provenance = 0
        i = 0
        while i < self.count:
            word = self.rows[i * 2 + 1]
            label = word & LOW32
            provenance = word >> 32
            if labels[label] == LOW32:
                labels[label] = next_label
                next_label += 1
            if provenances[provenance] == LOW32:
                provenances[provenance] = next_provenance
                next_provenance += 1
            new_label = labels[label]
            new_provenance = provenances[provenance]
            self.rows[i * 2 + 1] = new_label | (new_provenance << 32)
            i += 1
        return next_label, next_provenance

    def _point(self, spans: "array[int]") -> None:
        i = 0
        while i < self.count:
            word = self.rows[i * 2 + 1]
            span = spans[word >> 32] & LOW32
            self.rows[i * 2 + 1] = (word & LOW32) | (span << 32)
            i += 1

    def _carry(
        self, partner: "array[int]", rows: memoryview, join: Callable[[int, int], int]
    ) -> None:
        known: dict[int, int] = {}
        i = 0
        while i < self.count:
            other = partner[i]
            if other != LOW32:
                word = self.rows[i * 2 + 1]
                both = ((word >> 32) << 32) | (rows[other * 2 + 1] >> 32)
                found = known.get(both)
                if found is None:
                    found = join(both >> 32, both & LOW32)
                    known[both] = found
                number = found
                self.rows[i * 2 + 1] = (word & LOW32) | (number << 32)
            i += 1

    def _digest_chunk(self, row: int, end: int, classes: "array[int]", chunk: "array[int]") -> None:
        at = 0
        while row < end:
            word = self.rows[row * 2 + 1]
            known = classes[word >> 32] & LOW32
            chunk[at] = self.rows[row * 2] >> 32
            chunk[at + 1] = (word & LOW32) | (known << 32)
            at += 2
            row += 1
