"""Link layers: where the IP packet of a frame begins.

Ethernet with VLAN tags, PPPoE sessions behind either, Linux cooked v1 and v2, raw IP and BSD
loopback. Names: https://www.tcpdump.org/linktypes.html
"""

from agent.scan import stats

DLT_NULL = 0
DLT_ETHERNET = 1
DLT_RAW = 12
DLT_RAW_BSD = 14
DLT_RAW_FILE = 101
DLT_LOOP = 108
DLT_SLL = 113
DLT_IPV4 = 228
DLT_IPV6 = 229
DLT_SLL2 = 276

TYPE_IPV4 = 0x0800
TYPE_IPV6 = 0x86DD
TYPE_VLAN = 0x8100
TYPE_QINQ = 0x88A8
TYPE_PPPOE = 0x8864
PPP_IPV4 = 0x0021
PPP_IPV6 = 0x0057
MAX_TAGS = 4  # more than two occur only in crafted frames

NOT_IP = stats.NOT_IP
TRUNCATED = stats.TRUNCATED
UNKNOWN_LINK = stats.UNKNOWN_LINK


class Link:
    """Decodes one frame at a time; `vlans` holds the last frame's tags, 16 bits each."""

    def __init__(self, counters: memoryview) -> None:
        self.data = memoryview(b"")
        self.counters = counters
        self.counts = 1  # 0 where a packet is read again
        self.vlans = 0

    def decode(self, datalink: int, start: int, end: int) -> int:
        """Return where IP begins in the frame data[start:end], or -1 (counted)."""
        self.vlans = 0
        if datalink == DLT_ETHERNET:
            return self._typed(start + 14, start + 12, end)
        if datalink == DLT_RAW or datalink == DLT_RAW_BSD or datalink == DLT_RAW_FILE:
            return start
        if datalink == DLT_SLL:
            return self._typed(start + 16, start + 14, end)
        if datalink == DLT_SLL2:
            return self._typed(start + 20, start, end)
        if datalink == DLT_NULL or datalink == DLT_LOOP:
            # The address family differs by system and byte order; the version nibble decides.
            return start + 4
        if datalink == DLT_IPV4 or datalink == DLT_IPV6:
            return start
        self.counters[UNKNOWN_LINK] += self.counts
        return -1

    def _typed(self, at: int, type_at: int, end: int) -> int:
        """Follow VLAN tags and PPPoE from the EtherType at `type_at`; the payload is at `at`."""
        tags = 0
        while True:
            if at > end:
                self.counters[TRUNCATED] += self.counts
                return -1
            kind = (self.data[type_at] << 8) | self.data[type_at + 1]
            if kind == TYPE_IPV4 or kind == TYPE_IPV6:
                return at
            if (kind == TYPE_VLAN or kind == TYPE_QINQ) and tags < MAX_TAGS:
                if at + 4 > end:
                    self.counters[TRUNCATED] += self.counts
                    return -1
                tag = ((self.data[at] << 8) | self.data[at + 1]) & 0xFFF
                # A set top bit tells tag 0 from no tag.
                self.vlans = (self.vlans << 16) | tag | 0x8000
                tags += 1
                type_at = at + 2
                at += 4
            elif kind == TYPE_PPPOE:
                return self._pppoe(at, end)
            else:
                self.counters[NOT_IP] += self.counts
                return -1

    def _pppoe(self, at: int, end: int) -> int:
        """Step over a PPPoE session header and its PPP protocol, RFC 2516 section 4."""
        if at + 8 > end:
            self.counters[TRUNCATED] += self.counts
            return -1
        protocol = (self.data[at + 6] << 8) | self.data[at + 7]
        if protocol == PPP_IPV4 or protocol == PPP_IPV6:
            return at + 8
        self.counters[NOT_IP] += self.counts
        return -1
