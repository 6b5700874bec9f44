"""DNS messages (RFC 1035): the name and type of the question.

Names are written to the scratch text in lower case with dots; dnslib decodes what a hit shows.
"""

NAME_AT = 0
MAX_NAME = 253
HEADER = 12


class DnsReader:
    """Reads one message at a time; `length` is that of the name in the scratch text."""

    def __init__(self, text: bytearray) -> None:
        self.data = memoryview(b"")
        self.text = memoryview(text)
        self.length = 0
        self.type_at = 0
        self.response = 0

    def read(self, start: int, end: int) -> int:
        """Read the first question of data[start:end]; return 1 where it has a name we can match.

        Standard queries and responses only (opcode 0, not truncated), rule T-8.6. A name with
        other characters than those of keys cannot match and is passed over.
        """
        self.length = 0
        if start + HEADER + 5 > end:
            return 0
        if self.data[start + 2] & 0x7A or (self.data[start + 4] == 0 and self.data[start + 5] == 0):
            return 0
        self.response = self.data[start + 2] >> 7
        at = start + HEADER
        length = 0
        while True:
            if at >= end:
                return 0
            label = self.data[at]
            at += 1
            if label == 0:
                break
            # A question cannot point elsewhere, so 0xC0 and above are no lengths either.
            if label > 63 or at + label > end or length + label > MAX_NAME:
                return 0
            if length:
                self.text[NAME_AT + length] = 46
                length += 1
            stop = at + label
            while at < stop:
                c = self.data[at]
                if 65 <= c <= 90:
                    c += 32
                elif not (97 <= c <= 122 or 48 <= c <= 57 or c == 45 or c == 95):
                    return 0
                self.text[NAME_AT + length] = c
                length += 1
                at += 1
        if length == 0 or at + 4 > end:
            return 0
        self.type_at = at
        self.length = length
        return 1
