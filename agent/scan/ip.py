"""IPv4 (RFC 791) and IPv6 (RFC 8200): addresses, protocol, and where the payload lies."""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from agent.scan import octets, stats

if not cython.compiled:  # else the same from the .pxd
    FRAGMENTS = stats.FRAGMENTS
    TRUNCATED = stats.TRUNCATED
    NOT_IP = stats.NOT_IP
    CUT = stats.CUT
    IPV4 = stats.IPV4
    IPV6 = stats.IPV6

    HOP_BY_HOP = 0
    ROUTING = 43
    FRAGMENT = 44
    AUTHENTICATION = 51
    DESTINATION = 60
    MOBILITY = 135
    MAX_EXTENSIONS = 8  # RFC 8200 section 4.1 knows six; more is an attempt to waste time


class Ip:
    """Decodes one packet at a time.

    Addresses are numbers: an IPv4 address lies in the low word. `start` and `end` bound the
    payload; bytes that the link added behind the packet are cut off.
    """

    def __init__(self, counters: memoryview) -> None:
        self.data = memoryview(b"")
        self.counters = counters
        self.counts = 1  # 0 where a packet is read again
        self.version = 0
        self.protocol = 0
        self.source_high = 0
        self.source_low = 0
        self.destination_high = 0
        self.destination_low = 0
        self.start = 0
        self.end = 0
        self.identification = 0
        self.offset = 0
        self.more = 0
        self.cut_at = 0  # where the last packet ended that was counted as cut

    def decode(self, start: int, end: int) -> int:
        """Decode the packet data[start:end].

        Return 1, or 2 for a fragment, whose place `offset`, `more` and `identification` say, or 0
        where there is no payload to read.
        """
        if start >= end:
            self.counters[TRUNCATED] += self.counts
            return 0
        version = self.data[start] >> 4
        if version != 4:
            if version == 6:
                return self._decode6(start, end)
            self.counters[NOT_IP] += self.counts
            return 0
        if start + 20 > end:
            self.counters[TRUNCATED] += self.counts
            return 0
        octets.require(self.data, start, 20)
        word = octets.required(self.data, start)
        header = ((word >> 24) & 15) * 4
        if header < 20 or start + header > end:
            self.counters[TRUNCATED] += self.counts
            return 0
        total = word & 0xFFFF
        # Segmentation offload leaves the length 0 where the packet outgrew it.
        if start + total > end:
            self.count_cut(end)
        elif total >= header:
            end = start + total
        self.counters[IPV4] += self.counts
        self.version = 4
        self.protocol = (octets.required(self.data, start + 8) >> 16) & 0xFF
        self.source_high = 0
        self.destination_high = 0
        self.source_low = octets.required(self.data, start + 12)
        self.destination_low = octets.required(self.data, start + 16)
        self.start = start + header
        self.end = end
        word = octets.required(self.data, start + 4)
        return 1 if word & 0x3FFF == 0 else self._fragment4(word)

    def count_cut(self, end: int) -> None:
        """Count a packet that the capture cut at `end` once, whatever lies in it."""
        if self.cut_at != end:
            self.counters[CUT] += self.counts
            self.cut_at = end if self.counts else 0

    def _fragment4(self, word: int) -> int:
        """Note the place of a fragment: more of them follow, or it has an offset."""
        self.identification = word >> 16
        self.offset = (word & 0x1FFF) * 8
        self.more = (word >> 13) & 1
        self.counters[FRAGMENTS] += self.counts
        return 2

    def _decode6(self, start: int, end: int) -> int:
        if start + 40 > end:
            self.counters[TRUNCATED] += self.counts
            return 0
        length = (self.data[start + 4] << 8) | self.data[start + 5]
        if start + 40 + length > end:
            self.count_cut(end)
        elif length:
            end = start + 40 + length
        self.version = 6
        self.counters[IPV6] += self.counts
        self.source_high = self._words(start + 8)
        self.source_low = self._words(start + 16)
        self.destination_high = self._words(start + 24)
        self.destination_low = self._words(start + 32)
        self.end = end
        return self._extensions(self.data[start + 6], start + 40, end)

    def _extensions(self, following: int, at: int, end: int) -> int:
        """Walk extension headers to the upper layer, RFC 8200 section 4."""
        count = 0
        while (
            following == HOP_BY_HOP
            or following == ROUTING
            or following == DESTINATION
            or following == FRAGMENT
            or following == AUTHENTICATION
            or following == MOBILITY
        ):
            count += 1
            if at + 8 > end or count > MAX_EXTENSIONS:
                self.counters[TRUNCATED] += self.counts
                return 0
            if following == FRAGMENT:
                place = (self.data[at + 2] << 8) | self.data[at + 3]
                following = self.data[at]
                at += 8
                if place & 0xFFF9:  # RFC 6946: without either it is whole
                    self.identification = octets.number(self.data, at - 4)
                    self.offset = place & 0xFFF8
                    self.more = place & 1
                    self.protocol = following
                    self.start = at
                    self.counters[FRAGMENTS] += self.counts
                    return 2
            elif following == AUTHENTICATION:  # RFC 4302 section 2.2
                following = self.data[at]
                at += (self.data[at + 1] + 2) * 4
            else:
                following = self.data[at]
                at += (self.data[at + 1] + 1) * 8
        if at > end:
            self.counters[TRUNCATED] += self.counts
            return 0
        self.protocol = following
        self.start = at
        return 1

    def resume(self, following: int, start: int, end: int) -> int:
        """Go on with a datagram whose fragments were put together; as `decode`."""
        self.protocol = following
        self.start = start
        self.end = end
        return 1 if self.version == 4 else self._extensions(following, start, end)

    def authenticated(self) -> int:
        """Step over an authentication header, RFC 4302; return 1 where it is whole."""
        if self.version != 4 or self.start + 12 > self.end:
            return 0
        following = self.data[self.start]
        at = self.start + (self.data[self.start + 1] + 2) * 4
        if at > self.end or following == AUTHENTICATION:
            return 0
        self.protocol = following
        self.start = at
        return 1

    def _words(self, at: int) -> int:
        high = octets.number(self.data, at)
        return (high << 32) | octets.number(self.data, at + 4)
