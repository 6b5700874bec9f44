"""What carries names and certificates besides TLS over TCP: where they lie, found by content.

DTLS (RFC 6347, RFC 9147 section 5), OpenVPN's control channel, TDS of SQL Server ([MS-TDS]
2.2.6.5),
IKE (RFC 2408 section 3.9, RFC 7296 section 3.6), RDP's own chain ([MS-RDPBCGR] 2.2.1.4.3), OPC UA's
OpenSecureChannel (OPC 10000-6 section 6.7.2.3), AUTH GSSAPI of FTP (RFC 2228), the PROXY protocol,
SOCKS 4, 4a and 5 (RFC 1928).

What is TLS all the same is handed on to its reader. Where bytes have to be put together first they
are written to a text of our own; nothing is kept between two calls.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array

from agent.scan import carried

if not cython.compiled:  # else the same from the .pxd
    NOTHING = carried.NOTHING
    TLS = carried.TLS
    CERTIFICATES = carried.CERTIFICATES
    MORE = carried.MORE
    WRITTEN_TLS = carried.WRITTEN_TLS
    WRITTEN_REQUEST = carried.WRITTEN_REQUEST
    GOOGLE = carried.GOOGLE
    OPENVPN = carried.OPENVPN
    CONTENT = carried.CONTENT
    MAX_CERTIFICATES = carried.MAX_CERTIFICATES
    MAX_MESSAGE = carried.MAX_MESSAGE
    WORD_OPEN = carried.OPEN
    WORD_ADAT = carried.ADAT
    WORD_PROXY = carried.PROXY

    MAX_WRITTEN = 16384
    MAX_NAME = 255
    MAX_PAYLOADS = 24
    """Of one IKE message; a first one has a dozen, most of them vendors' marks."""
    MAX_HANDSHAKES = 16
    """Of one datagram."""
    SEARCHED = 600
    """Bytes of an MCS Connect Response in which its user data begins."""

    HANDSHAKE = 22
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    DTLS_HEADER = 13
    MESSAGE_HEADER = 12
    IKE_HEADER = 28
    IKE_1 = 0x10
    IKE_2 = 0x20
    IKE_1_CERTIFICATE = 6
    IKE_2_CERTIFICATE = 37
    X509_SIGNATURE = 4
    X509_EXCHANGE = 5
    OPENVPN_CONTROL = 4  # P_CONTROL_V1, above the three bits of a key's number
    MAX_ACKNOWLEDGED = 8
    SEQUENCE = 0x30  # DER
    RDP_SECURITY = 0x0C02
    WORD_MCDN = 0x4D63446E  # "McDn", the server's H.221 key
    WORD_335 = 0x33333520  # "335 "
    WORD_ZERO = 0x31515456  # "1QTV"
    PROXY_2 = 0x0D0A0D0A


class Carriers:
    """Reads one segment or datagram at a time."""

    def __init__(self) -> None:
        self.data = memoryview(b"")
        self.written = memoryview(bytearray(MAX_WRITTEN))
        self.readable = self.written
        self.written_end = 0
        self.at = 0
        self.end = 0
        self.part = 0
        self.count = 0
        self.starts = memoryview(array("Q", [0] * MAX_CERTIFICATES))
        self.ends = memoryview(array("Q", [0] * MAX_CERTIFICATES))
        # Of a DTLS handshake message.
        self.kind = 0
        self.length = 0
        self.number = 0
        self.offset = 0
        self.record_end = 0
        self.messages = 0

    def segment(self, start: int, end: int) -> int:
        """Tell what the bytes data[start:end], with which a segment begins, carry."""
        if end - start < 9:
            return NOTHING
        c = self.data[start]
        if 65 <= c <= 90:
            return self._letters(self._word(start), start, end)
        if c == 3 and self.data[start + 1] == 0:
            return self._rdp(start, end)
        if (c == 18 or c == 4) and self.data[start + 1] <= 1 and self._is_record(start + 8, end):
            self.at = start + 8
            return TLS
        if c == 4 or c == 5:
            found = self._socks4(start, end) if c == 4 else self._socks5(start, end)
            if found:
                return found
        if c <= 5:
            return self._openvpn_segment(start, end)
        word = self._word(start)
        if word == WORD_ZERO:
            return GOOGLE
        if word == WORD_335:
            return self._base64(start + 4, end)
        return self._proxy2(start, end) if word == PROXY_2 else NOTHING

    def _letters(self, word: int, start: int, end: int) -> int:
        """Tell the same of what begins with letters."""
        if word == WORD_OPEN:
            return self._opc(start, end)
        if word == WORD_ADAT:
            return self._base64(start, end)
        if word == WORD_PROXY and self.data[start + 4] == 89 and self.data[start + 5] == 32:
            return self._proxy1(start, end)
        return NOTHING

    def _proxy1(self, start: int, end: int) -> int:
        """Step over `PROXY TCP4 ...`, a line of at most 107 bytes."""
        at = start
        while at < end and at < start + 107:
            if self.data[at] == 10:
                self.at = at + 1
                return CONTENT if at + 1 < end else NOTHING
            at += 1
        return NOTHING

    def _proxy2(self, start: int, end: int) -> int:
        """Step over the binary header: a signature of 12 bytes, two of kind, the length."""
        if start + 16 > end or self._word(start + 4) != 0x000D0A51:
            return NOTHING
        if self._word(start + 8) != 0x5549540A:
            return NOTHING
        self.at = start + 16 + self._two(start + 14)
        return CONTENT if self.at < end else NOTHING

    def _rdp(self, start: int, end: int) -> int:
        """Find the chain in an MCS Connect Response of RDP's standard security."""
        if start + 9 > end or self.data[start + 5] != 0xF0:
            return NOTHING
        if self.data[start + 7] != 0x7F or self.data[start + 8] != 0x66:
            return NOTHING
        stop = start + self._two(start + 2)
        if stop > end:
            return MORE
        at = start + 9
        limit = start + SEARCHED if start + SEARCHED < stop else stop
        while at + 4 <= limit and self._word(at) != WORD_MCDN:
            at += 1
        if at + 6 > limit:
            return NOTHING
        at += 6 if self.data[at + 4] & 0x80 else 5
        while at + 4 <= stop:
            size = self._little_two(at + 2)
            if size < 4 or at + size > stop:
                return NOTHING
            if self._little_two(at) == RDP_SECURITY:
                return self._rdp_chain(at, at + size)
            at += size
        return NOTHING

    def _rdp_chain(self, at: int, end: int) -> int:
        """Note the certificates of a security block; version 2 of its certificate is X.509."""
        if at + 20 > end:
            return NOTHING
        at += 20 + self._little(at + 12)
        if at + 8 > end or self._little(at) & 0x7FFFFFFF != 2:
            return NOTHING
        count = self._little(at + 4)
        at += 8
        self.count = 0
        while count > 0 and at + 4 <= end and self.count < MAX_CERTIFICATES:
            size = self._little(at)
            at += 4
            if size > end - at or self._note(at, at + size) == 0:
                break
            at += size
            count -= 1
        return CERTIFICATES if self.count else NOTHING

    def _opc(self, start: int, end: int) -> int:
        """Find the sender's certificates in the clear part of an OpenSecureChannel message."""
        if start + 16 > end:
            return MORE
        stop = start + self._little(start + 4)
        size = self._little(start + 12)  # of the policy's name
        if size > MAX_NAME or stop > start + MAX_MESSAGE:
            return NOTHING
        at = start + 16 + size
        if at + 4 > end:
            return MORE if stop > end else NOTHING
        size = self._little(at)
        at += 4
        if size > MAX_MESSAGE or at + size > stop:  # also a null string, whose length is -1
            return NOTHING
        if at + size > end:
            return MORE
        return self._chain(at, at + size)

    def _chain(self, at: int, end: int) -> int:
        """Note certificates that follow each other."""
        self.count = 0
        while at + 4 <= end and self.count < MAX_CERTIFICATES:
            size = self._der_size(at, end)
            if size == 0 or self._note(at, at + size) == 0:
                break
            at += size
        return CERTIFICATES if self.count else NOTHING

    def _der_size(self, at: int, end: int) -> int:
        """Return the size of the DER sequence at `at`, 0 where none is whole."""
        if at + 4 > end or self.data[at] != SEQUENCE or self.data[at + 1] != 0x82:
            return 0
        size = 4 + self._two(at + 2)
        return size if at + size <= end else 0

    def _note(self, start: int, end: int) -> int:
        """Note data[start:end]; return 0 where it is no certificate of a usual size."""
        if self._der_size(start, end) != end - start or self.count >= MAX_CERTIFICATES:
            return 0
        self.starts[self.count] = start
        self.ends[self.count] = end
        self.count += 1
        return 1

    def _base64(self, start: int, end: int) -> int:
        """Write what stands behind `ADAT ` or `ADAT=` up to the line's end; TLS begins with Fg."""
        if start + 8 > end or self._word(start) != WORD_ADAT or self.data[start + 5] != 70:
            return NOTHING
        if self.data[start + 6] != 103:
            return NOTHING
        at = start + 5
        size = 0
        bits = 0
        word = 0
        while at < end and size < MAX_WRITTEN:
            value = self._sextet(self.data[at])
            if value > 63:
                break
            word = ((word << 6) | value) & 0xFFFF
            bits += 6
            if bits >= 8:
                bits -= 8
                self.written[size] = (word >> bits) & 255
                size += 1
            at += 1
        self.written_end = size
        return WRITTEN_TLS if at < end else MORE

    def _sextet(self, c: int) -> int:
        """Return the value of a character of base64, 64 for another one."""
        if 65 <= c <= 90:
            return c - 65
        if 97 <= c <= 122:
            return c - 71
        if 48 <= c <= 57:
            return c + 4
        if c == 43:
            return 62
        return 63 if c == 47 else 64

    def _socks4(self, start: int, end: int) -> int:
        """Write the target of a SOCKS 4 or 4a request as a CONNECT request."""
        if self.data[start + 1] != 1:
            return NOTHING
        at = self._printable(start + 8, end)
        if at >= end or self.data[at]:
            return NOTHING
        self.written_end = 0
        self._put_connect()
        if self.data[start + 4] or self.data[start + 5] or self.data[start + 6]:
            if at + 1 != end:
                return NOTHING
            self._put_address(start + 4)
        else:
            stop = self._printable(at + 1, end)
            if stop == at + 1 or stop + 1 != end or self.data[stop]:
                return NOTHING
            self._put(at + 1, stop)
        return self._put_port(self._two(start + 2))

    def _socks5(self, start: int, end: int) -> int:
        """Write the target of a SOCKS 5 request by name or IPv4 address as a CONNECT request."""
        if self.data[start + 1] != 1 or self.data[start + 2]:
            return NOTHING
        self.written_end = 0
        self._put_connect()
        if self.data[start + 3] == 1 and start + 10 == end:
            self._put_address(start + 4)
            return self._put_port(self._two(start + 8))
        if self.data[start + 3] != 3:
            return NOTHING
        stop = start + 5 + self.data[start + 4]
        if stop == start + 5 or stop + 2 != end or self._printable(start + 5, stop) != stop:
            return NOTHING
        self._put(start + 5, stop)
        return self._put_port(self._two(stop))

    def _printable(self, at: int, end: int) -> int:
        """Return the place behind the printable characters at `at`, at most MAX_NAME of them."""
        stop = at + MAX_NAME if at + MAX_NAME < end else end
        while at < stop and 33 <= self.data[at] <= 126:
            at += 1
        return at

    def _put(self, at: int, end: int) -> None:
        while at < end and self.written_end < MAX_WRITTEN:
            self.written[self.written_end] = self.data[at]
            self.written_end += 1
            at += 1

    def _put_byte(self, c: int) -> None:
        self.written[self.written_end] = c
        self.written_end += 1

    def _put_number(self, value: int) -> None:
        power = 10000
        while power > 1 and value < power:
            power //= 10
        while power > 0:
            self._put_byte(48 + value // power % 10)
            power //= 10

    def _put_connect(self) -> None:
        """Write `CONNECT `."""
        self._put_byte(67)
        self._put_byte(79)
        self._put_byte(78)
        self._put_byte(78)
        self._put_byte(69)
        self._put_byte(67)
        self._put_byte(84)
        self._put_byte(32)

    def _put_address(self, at: int) -> None:
        self._put_number(self.data[at])
        i = 1
        while i < 4:
            self._put_byte(46)
            self._put_number(self.data[at + i])
            i += 1

    def _put_port(self, port: int) -> int:
        """Write `:port HTTP/1.0`, two line ends."""
        self._put_byte(58)
        self._put_number(port)
        self._put_byte(32)
        self._put_byte(72)
        self._put_byte(84)
        self._put_byte(84)
        self._put_byte(80)
        self._put_byte(47)
        self._put_byte(49)
        self._put_byte(46)
        self._put_byte(48)
        self._put_byte(13)
        self._put_byte(10)
        self._put_byte(13)
        self._put_byte(10)
        return WRITTEN_REQUEST

    def ike(self, start: int, end: int) -> int:
        """Find certificates in an IKE message that is not encrypted; over 4500 behind a marker."""
        if start + 4 <= end and self._word(start) == 0:
            start += 4
        if start + IKE_HEADER > end or self._word(start + 24) != end - start:
            return NOTHING
        version = self.data[start + 17]
        wanted = IKE_1_CERTIFICATE if version == IKE_1 else IKE_2_CERTIFICATE
        if version != IKE_1 and version != IKE_2:
            return NOTHING
        if version == IKE_1 and self.data[start + 19] & 1:
            return NOTHING
        following = self.data[start + 16]
        at = start + IKE_HEADER
        self.count = 0
        seen = 0
        while following and at + 4 <= end and seen < MAX_PAYLOADS:
            size = self._two(at + 2)
            if size < 4 or at + size > end:
                break
            if following == wanted and size > 5:
                encoding = self.data[at + 4]
                if encoding == X509_SIGNATURE or encoding == X509_EXCHANGE:
                    self._note(at + 5, at + size)
            following = self.data[at]
            at += size
            seen += 1
        return CERTIFICATES if self.count else NOTHING

    def openvpn(self, start: int, end: int, expected: int) -> int:
        """Find TLS in a control packet: the first bytes of it (`expected` 0) or this part of it.

        data[at:end] is TLS then, `part` the packet's number. How long the packet's signature is
        nobody says: that size fits whose fields behind it do.
        """
        if end - start < 14 or self.data[start] >> 3 != OPENVPN_CONTROL:
            return 0
        if self._openvpn_fields(start + 9, end, expected):
            return 1
        if self._openvpn_fields(start + 9 + 16 + 8, end, expected):
            return 1
        if self._openvpn_fields(start + 9 + 20 + 8, end, expected):
            return 1
        if self._openvpn_fields(start + 9 + 32 + 8, end, expected):
            return 1
        return self._openvpn_fields(start + 9 + 64 + 8, end, expected)

    def _openvpn_fields(self, at: int, end: int, expected: int) -> int:
        """Tell whether acknowledgements, a number and TLS stand at `at`."""
        if at >= end or self.data[at] > MAX_ACKNOWLEDGED:
            return 0
        count = self.data[at]
        at += 1 + 4 * count + (8 if count else 0)
        if at + 4 >= end:
            return 0
        part = self._word(at)
        if expected:
            if part != expected:
                return 0
        elif self._is_record(at + 4, end) == 0:
            return 0
        self.part = part
        self.at = at + 4
        self.end = end
        return 1

    def _openvpn_segment(self, start: int, end: int) -> int:
        """Tell whether a segment begins with a control packet behind its length."""
        if self.data[start + 2] >> 3 != OPENVPN_CONTROL:
            return NOTHING
        stop = start + 2 + self._two(start)
        self.end = stop
        return OPENVPN if stop <= end else NOTHING

    def _is_record(self, at: int, end: int) -> int:
        """Tell whether a handshake record with a hello begins at `at`."""
        if at + 6 > end or self.data[at] != HANDSHAKE or self.data[at + 1] != 3:
            return 0
        kind = self.data[at + 5]
        return 1 if kind == CLIENT_HELLO or kind == SERVER_HELLO else 0

    def begin_dtls(self, start: int, end: int) -> int:
        """Tell whether a datagram begins with a DTLS handshake record that is not encrypted."""
        if start + DTLS_HEADER + MESSAGE_HEADER > end or self.data[start] != HANDSHAKE:
            return 0
        if self.data[start + 1] != 0xFE and self._two(start + 1) != 0x0100:
            return 0
        self.at = start
        self.record_end = start
        self.messages = 0
        return 1

    def next_message(self, end: int) -> int:
        """Find the next handshake message, or the part of one that is here: data[at:self.end].

        Its `kind`, `length` in all, `number` and the part's `offset` are set. Return 0 behind the
        last.
        """
        self.messages += 1
        if self.messages > MAX_HANDSHAKES:
            return 0
        if self.messages > 1:
            self.at = self.end
        while self.at + MESSAGE_HEADER > self.record_end:
            at = self.record_end
            if at + DTLS_HEADER + MESSAGE_HEADER > end or self.data[at] != HANDSHAKE:
                return 0
            if self._two(at + 3):  # the epoch: encrypted from 1 on
                return 0
            self.at = at + DTLS_HEADER
            self.record_end = self.at + self._two(at + 11)
            if self.record_end > end:
                self.record_end = end
        at = self.at
        self.kind = self.data[at]
        self.length = self._three(at + 1)
        self.number = self._two(at + 4)
        self.offset = self._three(at + 6)
        size = self._three(at + 9)
        self.at = at + MESSAGE_HEADER
        self.end = self.at + size
        if self.end > self.record_end:
            self.end = self.record_end  # the capture cut it
        return 1 if self.offset + size <= self.length else 0

    def write_hello(self) -> int:
        """Write a DTLS ClientHello that is whole as one TLS record, without its cookie.

        Return its size, 0 where it is none.
        """
        at = self.at
        end = self.end
        if at + 35 > end or self.offset or end - at > MAX_WRITTEN - 16:
            return 0
        stop = at + 35 + self.data[at + 34]  # version, random, session id
        if stop >= end:
            return 0
        self._write_header(CLIENT_HELLO, self.length)
        self._put(at, stop)
        self._put(stop + 1 + self.data[stop], end)
        size = self.written_end - 5
        self.written[3] = size >> 8
        self.written[4] = size & 255
        size -= 4
        self.written[6] = 0
        self.written[7] = size >> 8
        self.written[8] = size & 255
        return self.written_end

    def write_header(self) -> int:
        """Write what a TLS record that holds the message begins with; return its size, 9."""
        self._write_header(self.kind, self.length)
        return self.written_end

    def _write_header(self, kind: int, length: int) -> None:
        size = length + 4
        self.written_end = 0
        self._put_byte(HANDSHAKE)
        self._put_byte(3)
        self._put_byte(1)
        self._put_byte((size >> 8) & 255)
        self._put_byte(size & 255)
        self._put_byte(kind)
        self._put_byte((length >> 16) & 255)
        self._put_byte((length >> 8) & 255)
        self._put_byte(length & 255)

    def _two(self, at: int) -> int:
        return (self.data[at] << 8) | self.data[at + 1]

    def _three(self, at: int) -> int:
        return (self.data[at] << 16) | (self.data[at + 1] << 8) | self.data[at + 2]

    def _word(self, at: int) -> int:
        return (
            (self.data[at] << 24)
            | (self.data[at + 1] << 16)
            | (self.data[at + 2] << 8)
            | self.data[at + 3]
        )

    def _little_two(self, at: int) -> int:
        return self.data[at] | (self.data[at + 1] << 8)

    def _little(self, at: int) -> int:
        return (
            self.data[at]
            | (self.data[at + 1] << 8)
            | (self.data[at + 2] << 16)
            | (self.data[at + 3] << 24)
        )
