"""TLS ClientHello (RFC 8446 section 4.1.2): the server name (RFC 6066 section 3).

One segment; a hello that is cut off is read as far as it goes.
"""

NAME_AT = 0
MAX_NAME = 253
HANDSHAKE = 22
CLIENT_HELLO = 1
SERVER_NAME = 0
HOST_NAME = 0


class TlsReader:
    """Reads one hello at a time; `length` is that of the name in the scratch text."""

    def __init__(self, text: bytearray) -> None:
        self.data = memoryview(b"")
        self.text = memoryview(text)
        self.length = 0
        self.name_at = 0
        self.version_at = 0

    def read(self, start: int, end: int) -> int:
        """Read the hello data[start:end]; return 0 no hello, 1 one without a name, 2 with one."""
        self.length = 0
        # Record: type, version 3.x, length; handshake: type, length; version, random.
        if start + 44 > end or self.data[start] != HANDSHAKE or self.data[start + 1] != 3:
            return 0
        if self.data[start + 5] != CLIENT_HELLO:
            return 0
        self.version_at = start + 9
        at = start + 43
        at += 1 + self.data[at]  # session id
        if at + 2 > end:
            return 1
        at += 2 + ((self.data[at] << 8) | self.data[at + 1])  # cipher suites
        if at >= end:
            return 1
        at += 1 + self.data[at]  # compression methods
        if at + 2 > end:
            return 1
        stop = at + 2 + ((self.data[at] << 8) | self.data[at + 1])
        return self._extensions(at + 2, stop if stop < end else end)

    def _extensions(self, at: int, end: int) -> int:
        while at + 4 <= end:
            kind = (self.data[at] << 8) | self.data[at + 1]
            size = (self.data[at + 2] << 8) | self.data[at + 3]
            at += 4
            if kind == SERVER_NAME:
                stop = at + size
                return self._server_name(at, stop if stop < end else end)
            at += size
        return 1

    def _server_name(self, at: int, end: int) -> int:
        if at + 5 > end or self.data[at + 2] != HOST_NAME:
            return 1
        size = (self.data[at + 3] << 8) | self.data[at + 4]
        at += 5
        if size == 0 or size > MAX_NAME or at + size > end:
            return 1
        self.name_at = at
        if self.data[at + size - 1] == 46:
            size -= 1  # an absolute name means the same host
        i = 0
        while i < size:
            c = self.data[at + i]
            if 65 <= c <= 90:
                c += 32
            elif not (97 <= c <= 122 or 48 <= c <= 57 or 45 <= c <= 46 or c == 95):
                return 1
            self.text[NAME_AT + i] = c
            i += 1
        self.length = size
        return 2
