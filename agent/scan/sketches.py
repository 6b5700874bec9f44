"""How many different things, how often, how large: per key, in little space and constant time.

Linear counting (Whang, Vander-Zanden, Taylor 1990): each thing sets one of 1,024 bits, how many
are set tells how many things there were, 3,000 with an error of a few percent. Sketches of several
workers under one seed are united bit by bit. A key's window begins with its first thing.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

import math
from typing import NamedTuple

from agent.scan.memory import together

BITS = 1024

# Words of a key: first and last second << 32, things, their sizes, marked ones; bitmap.
TIMES = 0
if not cython.compiled:  # else the same from the .pxd
    WAYS = 4
    WORDS = 20
    COUNT, AMOUNT, MARKED, BITMAP = 1, 2, 3, 4
    TAGS = 8
    """Words in front of a bucket, a cache line: its keys, then of each last second << 32 | bits
    set."""
    BUCKET = TAGS + WAYS * WORDS
    STALE_SECONDS = 3600
    """The longest window; what was silent for so long gives way to anything."""
    RANK = 1 << 32
    ONE = 1
    LOW32 = 0xFFFFFFFF
    FOR_EVER = 0xFFFFFFFFFFFFFFFF
KEYS = 8192
"""Keys of one worker, 1.6 MB: as many as resolvers of a large site ask for within a minute."""
SAMPLE = 4
"""Of the names that everybody asks for one in so many is counted, by its hash: thresholds are high,
and most questions then cost nothing."""


class Sketch(NamedTuple):
    """What is known of a key: times, things, the sum of their sizes, those marked, a bitmap."""

    first: int
    last: int
    things: int
    amount: int
    marked: int
    bitmap: int

    @property
    def distinct(self) -> int:
        """Return how many different things there were, about."""
        free = max(1, BITS - self.bitmap.bit_count())
        return round(BITS * math.log(BITS / free))


def bits_for(distinct: int) -> int:
    """Return how many bits so many different things are likely to set."""
    return round(BITS * (1 - math.exp(-distinct / BITS)))


def united(sketches: list[Sketch]) -> Sketch:
    """Return what several workers know of one key."""
    bitmap = 0
    for sketch in sketches:
        bitmap |= sketch.bitmap
    return Sketch(
        min(sketch.first for sketch in sketches),
        max(sketch.last for sketch in sketches),
        sum(sketch.things for sketch in sketches),
        sum(sketch.amount for sketch in sketches),
        sum(sketch.marked for sketch in sketches),
        bitmap,
    )


class Sketches:
    """A fixed number of keys in buckets of four; of one the key with the fewest things gives way.

    `share` is how many workers there are: each looks at keys that hold their share of a level.
    """

    def __init__(self, share: int = 1, keys: int = KEYS) -> None:
        buckets = 1
        while buckets * 2 * WAYS <= keys:
            buckets *= 2
        self.mask = buckets - 1
        self.share = share
        self.evictions = 0
        self.table = together(8 * BUCKET * buckets).cast("Q")

    def level(self, distinct: int) -> int:
        """Return from how many bits on a key is to be looked at; 0 for never."""
        return bits_for(max(1, distinct // self.share)) if distinct else 0

    def note(self, key: int, item: int, amount: int, mark: int, second: int, window: int) -> int:
        """Note a thing (a hash), its size, and whether it is marked; return the bits set."""
        bucket = (key & self.mask) * BUCKET
        way = self._way(bucket, key, second)
        tag = bucket + WAYS + way
        at = bucket + TAGS + way * WORDS
        if self.table[bucket + way] != key or self._age(second, self.table[at] & LOW32) >= window:
            i = 0
            while i < WORDS:
                self.table[at + i] = 0
                i += 1
            self.table[bucket + way] = key
            self.table[tag] = 0
            self.table[at] = second
        self.table[at] = (self.table[at] & LOW32) | (second << 32)
        self.table[at + COUNT] += 1
        self.table[at + AMOUNT] += amount
        self.table[at + MARKED] += mark
        place = at + BITMAP + ((item >> 6) & 15)
        bits = self.table[tag] & LOW32
        if (self.table[place] >> (item & 63)) & 1 == 0:
            self.table[place] |= ONE << (item & 63)
            bits += 1
        self.table[tag] = (second << 32) | bits
        return bits

    def find(self, key: int) -> Sketch | None:
        """Return what is known of a key, or None; for any thread."""
        bucket = (key & self.mask) * BUCKET
        for way in range(WAYS):
            if self.table[bucket + way] != key:
                continue
            at = bucket + TAGS + way * WORDS
            words = [self.table[at + place] for place in range(WORDS)]
            bitmap = 0
            for word in words[BITMAP:]:
                bitmap = (bitmap << 64) | word
            times = words[TIMES]
            return Sketch(
                times & LOW32, times >> 32, words[COUNT], words[AMOUNT], words[MARKED], bitmap
            )
        return None

    def _age(self, second: int, since: int) -> int:
        """Return how many seconds have passed; for ever where the clock was set back."""
        return second - since if second >= since else FOR_EVER

    def _way(self, bucket: int, key: int, second: int) -> int:
        """Return the place of a key in its bucket, or of the one that gives way to it."""
        best = 0
        lowest = RANK
        way = 0
        while way < WAYS:
            if self.table[bucket + way] == key:
                return way
            word = self.table[bucket + WAYS + way]
            rank = 0 if self._age(second, word >> 32) > STALE_SECONDS else word & LOW32
            if rank < lowest:
                best = way
                lowest = rank
            way += 1
        if lowest > 1:
            self.evictions += 1
        return best
