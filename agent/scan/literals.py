"""Find one of many literals in bytes, in any case, without looking at most of them.

The search of Wu and Manber ("A fast algorithm for multi-pattern searching", 1994): of each literal
the rarest four bytes are looked for, by the last two bytes of which tell how far to jump.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array
from collections.abc import Iterable, Sequence

WINDOW = 4
JUMPS = 4096
HEADS = 4096
if not cython.compiled:  # else the same from the .pxd
    PRIME = 0x9E3779B1
    LOW32 = 0xFFFFFFFF
COMMON = b"etaoinsrhld"
RARE = b"jqxzkvw0123456789"
ORDINARY = b"abcdefghijklmnopqrstuvwxyz /.-_=&%"


class Literals:
    """An immutable set of literals of at least WINDOW bytes."""

    def __init__(self, words: Iterable[bytes]) -> None:
        lowered = sorted({word.lower() for word in words})
        short = [word for word in lowered if len(word) < WINDOW]
        if short:
            raise ValueError(f"literals of less than {WINDOW} bytes: {short}")
        self.pool = memoryview(b"".join(lowered))
        jumps = bytearray([WINDOW - 1] * JUMPS)
        heads = array("I", [0] * HEADS)
        entries = array("Q", [0, 0, 0, 0])  # entry 0 stands for none
        begin = 0
        for number, word in enumerate(lowered, 1):
            offset = rarest(word)
            window = word[offset : offset + WINDOW]
            for place in range(WINDOW - 1):
                for pair in _cases(window[place : place + 2]):
                    at = ((pair[0] << 5) ^ pair[1]) & (JUMPS - 1)
                    jumps[at] = min(jumps[at], WINDOW - 2 - place)
            value = int.from_bytes(window, "big")
            head = ((value * PRIME) & LOW32) >> 20
            entries.extend([value, begin, len(word) | (offset << 32), heads[head]])
            heads[head] = number
            begin += len(word)
        self.words = len(lowered)
        self.jumps = memoryview(bytes(jumps))
        self.heads = memoryview(heads)
        self.entries = memoryview(entries)

    def find(self, data: memoryview, at: int, end: int) -> int:
        """Return 1 where data[at:end] holds a literal, else 0."""
        i = at + 3
        while i < end:
            jump = self.jumps[((data[i - 1] << 5) ^ data[i]) & 4095]
            if jump:
                i += jump
            elif self._is_word(data, at, i, end):
                return 1
            else:
                i += 1
        return 0

    def _is_word(self, data: memoryview, at: int, last: int, end: int) -> int:
        """Tell whether the four bytes up to `last` are those of a literal that is there."""
        window = 0
        i = last - 3
        while i <= last:
            c = data[i]
            if 65 <= c <= 90:
                c += 32
            window = (window << 8) | c
            i += 1
        entry = self.heads[((window * PRIME) & LOW32) >> 20]
        while entry:
            place = entry * 4
            if self.entries[place] == window:
                size = self.entries[place + 2] & LOW32
                begin = last - 3
                offset = self.entries[place + 2] >> 32
                if (
                    begin >= at + offset
                    and begin - offset + size <= end
                    and self._equal(data, begin - offset, self.entries[place + 1], size)
                ):
                    return 1
            entry = self.entries[place + 3]
        return 0

    def _equal(self, data: memoryview, at: int, word: int, size: int) -> int:
        i = 0
        while i < size:
            c = data[at + i]
            if 65 <= c <= 90:
                c += 32
            if c != self.pool[word + i]:
                return 0
            i += 1
        return 1


def rarest(word: bytes) -> int:
    """Return where the four bytes begin that few texts hold."""
    starts: Sequence[int] = range(len(word) - WINDOW + 1)
    return max(starts, key=lambda start: sum(map(_rarity, word[start : start + WINDOW])))


def _rarity(byte: int) -> int:
    if byte in COMMON:
        return 0
    if byte in RARE:
        return 3
    return 1 if byte in ORDINARY else 5


def _cases(pair: bytes) -> set[bytes]:
    """Return two bytes in all their spellings."""
    first = {pair[:1], pair[:1].upper()}
    second = {pair[1:], pair[1:].upper()}
    return {a + b for a in first for b in second}
