"""Addresses as hosts are written in requests and hellos: `192.0.2.1`, `[2001:db8::1]`."""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from agent.scan import layout

if not cython.compiled:  # else the same from the .pxd
    MASK = layout.WORD_MASK
    MAX_WRITTEN = 47
    """Characters of the longest one: eight groups, an embedded IPv4 address, brackets."""
    DOT = 46
    COLON = 58
    OPENING = 91
    CLOSING = 93


class WrittenAddress:
    """Reads one at a time from a scratch text; `high` and `low` are its words then."""

    def __init__(self, text: bytearray) -> None:
        self.text = memoryview(text)
        self.high = 0
        self.low = 0

    def read(self, start: int, end: int) -> int:
        """Return 4 or 6 for what text[start:end] is an address of, 0 for another text."""
        if end <= start or end - start > MAX_WRITTEN:
            return 0
        if self.text[start] == OPENING:
            if self.text[end - 1] != CLOSING:
                return 0
            return self._six(start + 1, end - 1)
        return self._four(start, end)

    def _four(self, at: int, end: int) -> int:
        """Read four decimal numbers; one with a zero in front is read otherwise by some."""
        value = 0
        parts = 0
        while parts < 4:
            octet = 0
            digits = 0
            while at < end and 48 <= self.text[at] <= 57 and digits < 3:
                octet = octet * 10 + self.text[at] - 48
                digits += 1
                at += 1
            if (
                digits == 0
                or octet > 255
                or (digits > 1 and octet < 10)
                or (digits > 2 and octet < 100)
            ):
                return 0
            value = (value << 8) | octet
            parts += 1
            if parts < 4:
                if at >= end or self.text[at] != DOT:
                    return 0
                at += 1
        if at != end:
            return 0
        self.high = 0
        self.low = value
        return 4

    def _six(self, at: int, end: int) -> int:
        """Read groups of hexadecimal digits, RFC 4291 section 2.2, without an embedded IPv4 one."""
        high = 0
        low = 0
        groups = 0
        gap = 8  # how many groups stand in front of the double colon
        if at + 1 < end and self.text[at] == COLON and self.text[at + 1] == COLON:
            gap = 0
            at += 2
        while at < end and groups < 8:
            group = 0
            digits = 0
            while at < end and digits < 4:
                value = self._digit(self.text[at])
                if value > 15:
                    break
                group = group * 16 + value
                digits += 1
                at += 1
            if digits == 0:
                return 0
            high = ((high << 16) & MASK) | (low >> 48)
            low = ((low << 16) & MASK) | group
            groups += 1
            if at == end:
                break
            if self.text[at] != COLON:
                return 0
            at += 1
            if at < end and self.text[at] == COLON:
                if gap < 8:
                    return 0
                gap = groups
                at += 1
            elif at == end:
                return 0
        if at != end or (gap == 8 and groups < 8) or (gap < 8 and groups == 8):
            return 0
        self._spread(high, low, groups, gap)
        return 6

    def _spread(self, high: int, low: int, groups: int, gap: int) -> None:
        """Put zeros where the double colon stands: groups from `gap` on keep their place."""
        self.high = 0
        self.low = 0
        i = 0
        while i < groups:
            place = groups - 1 - i  # from the right
            group = (low >> (16 * place)) & 0xFFFF if place < 4 else (high >> (16 * (place - 4)))
            to = i if i < gap else i + 8 - groups
            if to < 4:
                self.high |= (group & 0xFFFF) << (16 * (3 - to))
            else:
                self.low |= (group & 0xFFFF) << (16 * (7 - to))
            i += 1

    def _digit(self, c: int) -> int:
        """Return the value of a hexadecimal digit, 16 for another character."""
        if 48 <= c <= 57:
            return c - 48
        return c - 87 if 97 <= c <= 102 else 16
