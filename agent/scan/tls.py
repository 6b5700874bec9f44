"""TLS handshakes: server names, what fingerprints are made of, a server's certificates.

RFC 8446 section 4.1.2, RFC 6066 section 3, RFC 5246 section 7.4.2. A handshake message may be
spread over records; `join` takes the records off. What is cut off is read as far as it goes.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from agent.scan import layout

if not cython.compiled:  # else the same from the .pxd
    NAME_AT = 0
    MAX_NAME = 253
    HANDSHAKE = 22
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    CERTIFICATE = 11
    SUPPLEMENT = 23  # RFC 4680, the only message that may stand before the certificates
    SERVER_NAME = 0
    HOST_NAME = 0
    GROUPS = 10
    POINT_FORMATS = 11
    SIGNATURES = 13
    PROTOCOLS = 16
    VERSIONS = 43
    ENCRYPTED_HELLO = 0xFE0D  # RFC 9849
    JOINED_AT = 5  # behind the header of one record that holds it all
    MAX_JOINED = 16384
    """Bytes of a flight that are joined: a hello has 2,000, a chain of certificates 3,000 to
    8,000."""
    FIXED = 44
    """Bytes of a record up to the length of the session id."""

    NOTHING = 0
    MORE = 1
    WHOLE = 2
    SPREAD = 3
    PRIME = layout.HASH_PRIME
    MASK = layout.WORD_MASK


class TlsReader:
    """Reads one flight at a time; `length` is that of the name in the scratch text."""

    def __init__(self, text: bytearray) -> None:
        if len(text) <= MAX_NAME:
            raise ValueError(f"a text of {len(text)} bytes has no room for a name")
        self.data = memoryview(b"")
        self.text = memoryview(text)
        self.joined = memoryview(bytearray(JOINED_AT + MAX_JOINED))
        self.readable = self.joined
        self.joined_end = 0
        self.joined_all = 0
        self.length = 0
        self.name_at = 0
        self.version_at = 0
        self.encrypted = 0
        self.certificate_at = 0
        self.certificate_end = 0

    def head(self, start: int, end: int) -> int:
        """Tell what a segment that begins with a handshake record holds of a ClientHello.

        NOTHING of one, WHOLE in one record, SPREAD over several that are all there, or MORE to
        come.
        """
        if start + 1 < end and self.data[start + 1] != 3:
            return NOTHING
        if start + 9 > end:
            return MORE if start + 6 > end or self.data[start + 5] == CLIENT_HELLO else NOTHING
        if self.data[start + 5] != CLIENT_HELLO:
            return NOTHING
        record = (self.data[start + 3] << 8) | self.data[start + 4]
        if record >= 4 and 4 + self._three(start + 6) <= record:
            return WHOLE if start + 9 + self._three(start + 6) <= end else MORE
        return self._spread(start, end)

    def _spread(self, start: int, end: int) -> int:
        """Tell the same of a hello that one record does not hold."""
        self.join(start, end)
        size = 4
        if self.joined_end >= JOINED_AT + 4:
            size += (self.joined[6] << 16) | (self.joined[7] << 8) | self.joined[8]
        if self.joined_end >= JOINED_AT + size:
            return SPREAD
        return WHOLE if self.joined_all else MORE  # nothing of this hello will follow

    def join(self, start: int, end: int) -> None:
        """Write the handshake bytes of data[start:end] as one record to joined[:joined_end].

        `joined_all` is 1 where another kind of record follows, so that no more will come.
        """
        at = start
        size = JOINED_AT
        self.joined_all = 0
        while at + 5 <= end:
            if self.data[at] != HANDSHAKE:
                self.joined_all = 1
                break
            stop = at + 5 + ((self.data[at + 3] << 8) | self.data[at + 4])
            at += 5
            if stop == at:
                self.joined_all = 1  # RFC 8446 section 5.1 forbids empty ones
                break
            while at < stop and at < end and size < JOINED_AT + MAX_JOINED:
                self.joined[size] = self.data[at]
                size += 1
                at += 1
            if size == JOINED_AT + MAX_JOINED:
                self.joined_all = 1
                break
        self.joined[0] = HANDSHAKE
        self.joined[1] = 3
        self.joined[2] = 1
        self.joined[3] = (size - JOINED_AT) >> 8
        self.joined[4] = (size - JOINED_AT) & 255
        self.joined_end = size

    def flight(self, start: int, end: int) -> int:
        """Look for a server's certificates in data[start:end]; NOTHING, MORE to come, or WHOLE.

        Then they are joined[certificate_at:certificate_end].
        """
        if start + 6 > end:
            return NOTHING
        if self.data[start + 5] != SERVER_HELLO and self.data[start + 5] != CERTIFICATE:
            return NOTHING
        self.join(start, end)
        at = JOINED_AT
        while at + 4 <= self.joined_end:
            kind = self.joined[at]
            stop = (
                at
                + 4
                + ((self.joined[at + 1] << 16) | (self.joined[at + 2] << 8) | self.joined[at + 3])
            )
            if kind == CERTIFICATE:
                self.certificate_at = at + 7
                self.certificate_end = stop
                if stop <= self.joined_end:
                    return WHOLE
                break
            if kind != SERVER_HELLO and kind != SUPPLEMENT:
                return NOTHING
            at = stop
        return NOTHING if self.joined_all else MORE

    def next_certificate(self, at: int) -> int:
        """Return the end of the certificate whose length stands at joined[at], 0 for none."""
        if at + 3 > self.certificate_end or self.certificate_end > self.joined_end:
            return 0
        size = (self.joined[at] << 16) | (self.joined[at + 1] << 8) | self.joined[at + 2]
        if size == 0 or at + 3 + size > self.certificate_end:
            return 0
        return at + 3 + size

    def read(self, start: int, end: int) -> int:
        """Read the hello data[start:end]; return 0 no hello, 1 one without a name, 2 with one."""
        self.length = 0
        self.encrypted = 0
        # Record: type, version 3.x, length; handshake: type, length; version, random.
        if start + FIXED > end or self.data[start] != HANDSHAKE or self.data[start + 1] != 3:
            return 0
        if self.data[start + 5] != CLIENT_HELLO:
            return 0
        self.version_at = start + 9
        at = start + FIXED - 1
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
        found = 0
        while at + 4 <= end:
            kind = (self.data[at] << 8) | self.data[at + 1]
            size = (self.data[at + 2] << 8) | self.data[at + 3]
            at += 4
            if kind == SERVER_NAME and found == 0:
                stop = at + size
                found = self._server_name(at, stop if stop < end else end)
            elif kind == ENCRYPTED_HELLO:
                self.encrypted = 1
            at += size
        return found or 1

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

    def fingerprint(self, seed: int, start: int, end: int) -> int:
        """Return a hash, keyed by `seed`, of all that JA3 and JA4 read of the hello, never 0.

        RFC 8701's values, drawn anew for each connection, are left out.
        """
        if start + FIXED > end:
            return 1
        h = ((seed ^ self.data[start + 9]) * PRIME) & MASK
        h = ((h ^ self.data[start + 10]) * PRIME) & MASK
        at = start + FIXED - 1
        at += 1 + self.data[at]
        if at + 2 > end:
            return h
        stop = at + 2 + ((self.data[at] << 8) | self.data[at + 1])
        h = self._words(h, at + 2, stop if stop < end else end)
        at = stop
        if at >= end:
            return h
        at += 1 + self.data[at]
        if at + 2 > end:
            return h
        stop = at + 2 + ((self.data[at] << 8) | self.data[at + 1])
        if stop < end:
            end = stop
        at += 2
        while at + 4 <= end:
            kind = (self.data[at] << 8) | self.data[at + 1]
            size = (self.data[at + 2] << 8) | self.data[at + 3]
            h = self._words(h, at, at + 2)
            at += 4
            stop = at + size if at + size < end else end
            if kind == GROUPS or kind == SIGNATURES or kind == PROTOCOLS:
                h = self._words(h, at, stop)
            elif kind == VERSIONS:
                h = self._words(h, at + 1, stop)
            elif kind == POINT_FORMATS:
                h = ((h ^ 1) * PRIME) & MASK
                while at < stop:
                    h = ((h ^ self.data[at]) * PRIME) & MASK
                    at += 1
            at = stop
        h ^= h >> 32
        return h

    def _words(self, h: int, at: int, end: int) -> int:
        """Mix a list of 16-bit numbers in, GREASE left out."""
        while at + 2 <= end:
            value = (self.data[at] << 8) | self.data[at + 1]
            if not (value & 0x0F0F == 0x0A0A and value >> 8 == value & 255):
                h = ((h ^ value) * PRIME) & MASK
                h ^= h >> 31
            at += 2
        return ((h ^ 0x10001) * PRIME) & MASK

    def _three(self, at: int) -> int:
        return (self.data[at] << 16) | (self.data[at + 1] << 8) | self.data[at + 2]
