"""Gates: which requests, responses, names and hellos may matter to a behaviour.

All others never reach Python. A gate errs towards showing: the behaviours judge.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

import re
from array import array
from collections.abc import Iterable

from agent.scan import layout, octets
from agent.scan.literals import Literals, rarest
from agent.scan.wanted import Wanted

if not cython.compiled:  # else the same from the .pxd
    MAX_DECODED = 4096
    """Bytes of a target or body that are decoded: twice what capture keeps of a packet."""
    MAX_RESPONSE = 1024
    """Bytes of a response that are looked at: the head, and the title of a page behind it."""
    MANY_AT = 4
    """Mail addresses in one request that may be a leak."""
    MAX_EXTENSION = 6
    WORD = octets.WORD
    DOTS = 0x2E2E2E2E2E2E2E2E
    SLASHES = 0x2F2F2F2F2F2F2F2F
    LONGEST_MARK = 0x80 << (8 * (WORD - MAX_EXTENSION))
    TABLE = 1024
    LOW32 = 0xFFFFFFFF
    PRIME = 0x9E3779B1
    NAME_PRIME = 0x100000001B3
    WORD_MASK = 0xFFFFFFFFFFFFFFFF
PLAIN = re.compile(r"[a-z0-9/._-]+")
EMPTY = "\0\0\0\0"
"""Stands for no literal at all: no text of a request holds it."""


class Gates:
    """The gates of one scanner, from what the behaviours want together."""

    def __init__(self, wanted: Wanted) -> None:
        self.agents = int(wanted.agents)
        self.by_address = int(wanted.host_by_address)
        self.without_host = int(wanted.without_host)
        self.to_proxy = int(wanted.to_proxy)
        self.files = int(bool(wanted.extensions))
        self.texts = int(bool(wanted.literals))
        self.requests = int(
            bool(
                self.by_address
                or self.without_host
                or self.to_proxy
                or wanted.extensions
                or wanted.literals
            )
        )
        self.responses = int(bool(wanted.responses))
        self.long_label = wanted.long_label
        self.absent_label = wanted.absent_label
        self.names = int(bool(wanted.long_label or wanted.absent_label))
        self.exhausting_names = wanted.exhausting_names
        self.absent_names = wanted.absent_names
        self.tunnel_names = wanted.tunnel_names
        self.tunnel_pings = wanted.tunnel_pings
        self.server_port = wanted.server_port
        self.hellos = int(bool(wanted.servers) or wanted.server_port > 0)
        self.words = Literals(text.encode() for text in wanted.literals or (EMPTY,))
        plain = [text for text in wanted.literals if PLAIN.fullmatch(text)]
        self.plain_words = Literals(text.encode() for text in plain or (EMPTY,))
        self.plain_windows = _bitmap(plain)
        self.response_words = Literals(text.encode() for text in wanted.responses or (EMPTY,))
        self.extensions = _table(
            int.from_bytes(ext.encode(), "little") for ext in wanted.extensions
        )
        self.servers = _table(_folded(name.encode()) for name in wanted.servers)
        self.decoded = memoryview(bytearray(MAX_DECODED))
        self.readable = self.decoded
        self.size = 0

    def has_extension(self, text: memoryview, at: int, end: int) -> int:
        """Tell whether the file name at the end of text[at:end] has a wanted extension."""
        if end < at + WORD:
            return self._has_short_extension(text, at, end)
        word = octets.word(text, end - WORD)
        marks = octets.equals(word, DOTS) | octets.equals(word, SLASHES)
        if marks < LONGEST_MARK:  # further in front than the longest begins, or nowhere
            return 0
        return self._is_in(self.extensions, word >> (8 * octets.last(marks)))

    def _has_short_extension(self, text: memoryview, at: int, end: int) -> int:
        value = 0
        i = end
        while i > at and end - i < MAX_EXTENSION:
            i -= 1
            value = (value << 8) | text[i]
            if text[i] == 46 or text[i] == 47:
                return self._is_in(self.extensions, value)
        return 0

    def is_server(self, text: memoryview, at: int, end: int) -> int:
        """Tell whether text[at:end] may be a wanted name; names are told apart by 64 bits."""
        h = 0
        while at < end:
            h = ((h ^ text[at]) * NAME_PRIME) & WORD_MASK
            at += 1
        return self._is_in(self.servers, h)

    def may_matter(self, data: memoryview, at: int, end: int, spelling: int) -> int:
        """Tell whether the target or body data[at:end] holds a literal.

        `spelling` is 0 where only letters, digits and `/._-` occur, 2 where it has to be decoded.
        """
        if spelling == 0:
            return self.plain_words.find(data, at, end)
        if spelling == 1:
            return self.words.find(data, at, end)
        if self._decode(data, at, end):
            return 1
        return self.words.find(self.readable, 0, self.size)

    def is_wanted_response(self, data: memoryview, at: int, end: int) -> int:
        """Tell whether the beginning of a response holds a literal."""
        if end - at > MAX_RESPONSE:
            end = at + MAX_RESPONSE
        return self.response_words.find(data, at, end)

    def _is_in(self, table: memoryview, value: int) -> int:
        place = (((value & LOW32) * PRIME) & LOW32) >> 22
        left = TABLE
        while left > 0 and table[place] != 0:
            if table[place] == value:
                return 1
            place = (place + 1) & (TABLE - 1)
            left -= 1
        return 0

    def _decode(self, data: memoryview, at: int, end: int) -> int:
        """Write data[at:end] decoded twice, with blanks and comments as one space, to `decoded`.

        Return 1 where it holds `${`, `{{`, `(|` or many mail addresses, which no literal can say.
        """
        size = 0
        while at < end and size < MAX_DECODED:
            c = data[at]
            if c == 37 and at + 2 < end and self._hex(data[at + 1]) < 16:
                if self._hex(data[at + 2]) < 16:
                    c = self._hex(data[at + 1]) * 16 + self._hex(data[at + 2])
                    at += 2
            elif c == 43:
                c = 32
            self.decoded[size] = c
            size += 1
            at += 1
        return self._decode_again(size)

    def _decode_again(self, end: int) -> int:
        """Decode decoded[:end] once more, in place; see `_decode`."""
        at = 0
        size = 0
        last = 0
        marks = 0
        mails = 0
        while at < end:
            c = self.decoded[at]
            if c == 37 and at + 2 < end and self._hex(self.decoded[at + 1]) < 16:
                if self._hex(self.decoded[at + 2]) < 16:
                    c = self._hex(self.decoded[at + 1]) * 16 + self._hex(self.decoded[at + 2])
                    at += 2
            elif c == 47 and at + 3 < end and self.decoded[at + 1] == 42:
                at = self._comment_end(at + 2, end)
                c = 32
            elif c == 42 and at + 1 < end and self.decoded[at + 1] == 47:
                at += 1
                c = 32
            if c < 32 or c == 43:
                c = 32
            at += 1
            if c == 32 and last == 32:
                continue
            if (c == 123 and (last == 36 or last == 123)) or (c == 124 and last == 40):
                marks = 1
            elif c == 64:
                mails += 1
            self.decoded[size] = c
            size += 1
            last = c
        self.size = size
        return 1 if marks or mails >= MANY_AT else 0

    def _comment_end(self, at: int, end: int) -> int:
        """Return the last byte of a comment whose text begins at `at`.

        `/*!` is no comment to MySQL: only its mark, with a version, goes.
        """
        if self.decoded[at] == 33:
            while at + 1 < end and 48 <= self.decoded[at + 1] <= 57:
                at += 1
            return at
        i = at
        while i + 1 < end:
            if self.decoded[i] == 42 and self.decoded[i + 1] == 47:
                return i + 1
            i += 1
        return at - 1

    def _hex(self, c: int) -> int:
        """Return the value of a hexadecimal digit, 16 for what is none."""
        if 48 <= c <= 57:
            return c - 48
        if 97 <= c <= 102:
            return c - 87
        if 65 <= c <= 70:
            return c - 55
        return 16


def _folded(name: bytes) -> int:
    """Return the 64 bits by which `is_server` tells names apart."""
    h = 0
    for byte in name:
        h = ((h ^ byte) * NAME_PRIME) & WORD_MASK
    return h


def _bitmap(words: Iterable[str]) -> memoryview:
    """Return a bit for each hash of two windows of four bytes of the words, as paths are written.

    The two are next to each other, one of them the rarest, so that one of them stands at an even
    place wherever the word does. A word too short for two lets everything pass.
    """
    bitmap = array("Q", bytes(8 * layout.GATE_WORDS))
    for word in words:
        text = re.sub("//+", "/", word).encode()
        if len(text) < 5:
            return memoryview(array("Q", [WORD_MASK] * layout.GATE_WORDS))
        first = min(rarest(text), len(text) - 5)
        for at in (first, first + 1):
            window = int.from_bytes(text[at : at + 4], "little")
            bit = ((window * layout.GATE_PRIME) & LOW32) >> 16
            bitmap[bit >> 6] |= 1 << (bit & 63)
    return memoryview(bitmap)


def _table(values: Iterable[int]) -> memoryview:
    """Return a hash table of at most half TABLE values."""
    table = array("Q", [0] * TABLE)
    wanted = sorted(set(values))
    if len(wanted) > TABLE // 2:
        raise ValueError(f"at most {TABLE // 2} can be told apart, found {len(wanted)}")
    for value in wanted:
        place = (((value & LOW32) * PRIME) & LOW32) >> 22
        while table[place]:
            place = (place + 1) & (TABLE - 1)
        table[place] = value
    return memoryview(table)
