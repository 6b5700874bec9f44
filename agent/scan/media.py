"""Link headers other than Ethernet's: where what they carry begins, and which EtherType it has.

Linux cooked captures, raw IP, loopback, PPP, packet filter logs, radio, switch tags and the older
local networks. Layouts: https://www.tcpdump.org/linktypes.html
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from agent.scan import layers

if not cython.compiled:  # else the same from the .pxd
    LOOPBACK = 0
    TOKEN_RING = 6
    SLIP = 8
    PPP = 9
    FDDI = 10
    ATM = 11
    RAW = 12
    RAW_BSD = 14
    PPP_SERIAL = 50
    PPP_ETHER = 51
    RAW_FILE = 101
    CISCO_HDLC = 104
    RADIO = 105  # IEEE 802.11
    FRAME_RELAY = 107
    LOOP = 108
    ENC = 109
    SLL = 113
    PFLOG = 117
    PRISM = 119
    IP_FC = 122
    SUN_ATM = 123
    RADIOTAP = 127
    ARCNET_LINUX = 129
    PKTAP_USER = 149
    AVS = 163
    PPI = 192
    PPP_DIRECTION = 204
    CISCO_HDLC_DIRECTION = 205
    IPNET = 226
    RAW_IPV4 = 228
    RAW_IPV6 = 229
    NFLOG = 239
    NETANALYZER = 240
    NETANALYZER_PREAMBLE = 241
    IPOIB = 242
    PKTAP = 258
    SLL2 = 276
    DSA_BROADCOM = 281
    DSA_BROADCOM_PREPENDED = 282
    DSA = 284
    EDSA = 285

    # EtherTypes of what is found; LLC stands for all lengths of IEEE 802.3.
    IP_TYPE = layers.TYPE_IPV4
    PPP_TYPE = layers.TYPE_PPP
    PPPOE_TYPE = layers.TYPE_PPPOE
    ETHERNET_TYPE = layers.TYPE_ETHERNET
    LLC_TYPE = 0

    FOUND = layers.FOUND
    CUT = layers.CUT
    NO_PAYLOAD = layers.NO_PAYLOAD
    UNKNOWN = layers.UNKNOWN
    ENCRYPTED = layers.ENCRYPTED

    NFLOG_PAYLOAD = 9
    MAX_ATTRIBUTES = 64  # netfilter defines some twenty
    PART_HEADER = 14  # destination, source, length
    MAX_PRESENT = 8  # words of radiotap's bitmap; drivers write three at most


class Media:
    """Opens one header at a time: `kind` is the EtherType of what begins at `at`.

    `next` is where the next part of an aggregate of 802.11 begins, 0 where there is none.
    """

    def __init__(self) -> None:
        self.data = memoryview(b"")
        self.at = 0
        self.kind = 0
        self.next = 0

    def open(self, datalink: int, start: int, end: int) -> int:
        """Find what the frame data[start:end] carries; return FOUND, or why not."""
        # IP tells its version itself, so either EtherType stands for both.
        if datalink == SLL:
            return self._typed(start + 14, 2, end)
        if datalink == SLL2:
            if start + 20 > end:
                return CUT
            return self._found((self.data[start] << 8) | self.data[start + 1], start + 20, end)
        if datalink == RAW or datalink == RAW_BSD or datalink == RAW_FILE:
            return self._found(IP_TYPE, start, end)
        if datalink == RAW_IPV4 or datalink == RAW_IPV6:
            return self._found(IP_TYPE, start, end)
        if datalink == LOOPBACK or datalink == LOOP:
            # The address family differs by system and byte order; the version nibble decides.
            return self._found(IP_TYPE, start + 4, end)
        if datalink == RADIO or datalink == RADIOTAP or datalink == PRISM or datalink == AVS:
            return self._radio_link(datalink, start, end)
        if datalink == PPI or datalink == PKTAP or datalink == PKTAP_USER:
            return self._described(datalink, start, end)
        if datalink == NFLOG:
            return self._nflog(start, end)
        if datalink == FRAME_RELAY:
            return self._frame_relay(start, end)
        return self._rare(datalink, start, end)

    def _rare(self, datalink: int, start: int, end: int) -> int:
        """Open headers of a fixed size."""
        if datalink == PPP or datalink == PPP_SERIAL:
            return self._serial(start, end)
        if datalink == PPP_DIRECTION:
            return self._serial(start + 1, end)
        if datalink == PPP_ETHER:
            return self._found(PPPOE_TYPE, start, end)
        if datalink == CISCO_HDLC:
            return self._typed(start + 2, 2, end)
        if datalink == CISCO_HDLC_DIRECTION:
            return self._typed(start + 3, 2, end)
        if datalink == SLIP:
            return self._found(IP_TYPE, start + 16, end)
        if datalink == ENC:
            return self._found(IP_TYPE, start + 12, end)
        if datalink == PFLOG:
            if start >= end:
                return CUT
            return self._found(IP_TYPE, start + ((self.data[start] + 3) & 0xFC), end)
        if datalink == ATM:
            return self._found(LLC_TYPE, start, end)
        if datalink == SUN_ATM:
            return self._found(LLC_TYPE, start + 4, end)
        if datalink == FDDI:
            return self._found(LLC_TYPE, start + 13, end)
        if datalink == IP_FC:
            return self._found(LLC_TYPE, start + 16, end)
        if datalink == TOKEN_RING:
            return self._token_ring(start, end)
        if datalink == IPNET:
            return self._found(IP_TYPE, start + 24, end)
        if datalink == ARCNET_LINUX:
            return self._arcnet(start, end)
        if datalink == IPOIB:
            return self._typed(start + 40, 4, end)
        if datalink == NETANALYZER:
            return self._found(ETHERNET_TYPE, start + 4, end)
        if datalink == NETANALYZER_PREAMBLE:
            return self._found(ETHERNET_TYPE, start + 12, end)
        if datalink == DSA_BROADCOM or datalink == DSA:
            return self._typed(start + 16, 2, end)
        if datalink == DSA_BROADCOM_PREPENDED:
            return self._found(ETHERNET_TYPE, start + 4, end)
        if datalink == EDSA:
            return self._typed(start + 20, 2, end)
        return UNKNOWN

    def _found(self, kind: int, at: int, end: int) -> int:
        if at > end:
            return CUT
        self.kind = kind
        self.at = at
        return FOUND

    def _typed(self, type_at: int, size: int, end: int) -> int:
        """Read the EtherType at `type_at`; what it is of begins `size` bytes behind."""
        if type_at + size > end:
            return CUT
        kind = (self.data[type_at] << 8) | self.data[type_at + 1]
        return self._found(kind, type_at + size, end)

    def _serial(self, start: int, end: int) -> int:
        """Tell Cisco's HDLC from PPP, which share serial lines: RFC 1547 section 4.3.1."""
        if start >= end:
            return CUT
        if self.data[start] == 0x0F or self.data[start] == 0x8F:
            return self._typed(start + 2, 2, end)
        return self._found(PPP_TYPE, start, end)

    def _token_ring(self, start: int, end: int) -> int:
        """Step over a header that a source route may prolong."""
        if start + 15 > end:
            return CUT
        route = self.data[start + 14] & 0x1F if self.data[start + 8] & 0x80 else 0
        return self._found(LLC_TYPE, start + 14 + route, end)

    def _arcnet(self, start: int, end: int) -> int:
        """Read a protocol: IP of RFC 1201 has four bytes more than that of RFC 1051."""
        if start + 5 > end:
            return CUT
        kind = self.data[start + 4]
        if kind == 0xD4:
            return self._found(IP_TYPE, start + 8, end)
        return self._found(IP_TYPE, start + 5, end) if kind == 0xF0 else NO_PAYLOAD

    def _frame_relay(self, start: int, end: int) -> int:
        """Step over an address and read what follows: RFC 2427 sections 3 and 4."""
        at = start
        while at < end and at < start + 4 and self.data[at] & 1 == 0:
            at += 1
        at += 1
        if at + 2 > end:
            return CUT
        if self.data[at] != 0x03:  # Cisco puts an EtherType here
            return self._typed(at, 2, end)
        at += 1
        if self.data[at] == 0:
            at += 1
        if at >= end:
            return CUT
        protocol = self.data[at]
        if protocol == 0xCC or protocol == 0x8E:
            return self._found(IP_TYPE, at + 1, end)
        if protocol != 0x80:
            return NO_PAYLOAD
        if at + 6 > end:
            return CUT
        if self.data[at + 1] != 0 or self.data[at + 2] != 0 or self.data[at + 3] != 0:
            return NO_PAYLOAD
        return self._typed(at + 4, 2, end)

    def _nflog(self, start: int, end: int) -> int:
        """Find the packet among the attributes of a netfilter log message.

        Their numbers are in the byte order of this host: libpcap turns them.
        """
        at = start + 4
        count = 0
        while count < MAX_ATTRIBUTES:
            if at + 4 > end:
                return CUT
            size = self._little(at)
            if size < 4:
                return NO_PAYLOAD
            if self._little(at + 2) == NFLOG_PAYLOAD:
                return self._found(IP_TYPE, at + 4, end)
            at += (size + 3) & 0x1FFFC
            count += 1
        return NO_PAYLOAD

    def _described(self, datalink: int, start: int, end: int) -> int:
        """Open a header that says its own length and the link type of what follows."""
        if start + 12 > end:
            return CUT
        size = self._little(start + 2) if datalink == PPI else self._little(start)
        inner = self._little(start + 4) if datalink == PPI else self._little(start + 8)
        if size < 8:
            return NO_PAYLOAD
        at = start + size
        if at > end:
            return CUT
        if inner == 1:
            return self._found(ETHERNET_TYPE, at, end)
        if inner == RADIO or inner == RADIOTAP:
            return self._radio_link(inner, at, end)
        if inner == RAW or inner == RAW_FILE:
            return self._found(IP_TYPE, at, end)
        if inner == LOOPBACK or inner == LOOP:
            return self._found(IP_TYPE, at + 4, end)
        return UNKNOWN

    def _radio_link(self, datalink: int, start: int, end: int) -> int:
        """Step over what the driver put before an 802.11 frame."""
        if datalink == RADIO:
            return self._radio(start, end, 0)
        if start + 8 > end:
            return CUT
        if datalink == RADIOTAP:
            size = self._little(start + 2)
            if size < 8:
                return NO_PAYLOAD
            return self._radio(start + size, end, self._is_padded(start, start + size, end))
        if datalink == AVS:
            size = (self.data[start + 6] << 8) | self.data[start + 7]
        else:
            size = self._little(start + 4)
        return self._radio(start + size, end, 0)

    def _is_padded(self, start: int, stop: int, end: int) -> int:
        """Tell whether radiotap says that the 802.11 header is padded to four bytes."""
        at = start + 4
        flags = self.data[at]
        words = 1
        while at + 4 <= stop and stop <= end and self.data[at + 3] & 0x80 and words < MAX_PRESENT:
            at += 4
            words += 1
        at += 4
        if flags & 2 == 0:
            return 0
        if flags & 1:  # a 64-bit time, aligned, comes first
            at += (start - at) & 7
            at += 8
        if at >= stop or at >= end:
            return 0
        return 1 if self.data[at] & 0x20 else 0

    def _radio(self, start: int, end: int, padded: int) -> int:
        """Open a data frame, or the first part of an aggregate: IEEE 802.11-2020 section 9.3.2."""
        if start + 24 > end:
            return CUT
        control = self.data[start]
        flags = self.data[start + 1]
        if control & 0x0C != 0x08 or control & 0x40:  # management, control, or no data
            return NO_PAYLOAD
        if flags & 0x40:
            return ENCRYPTED
        size = 24
        if flags & 3 == 3:
            size += 6
        aggregate = 0
        if control & 0x80:
            if start + size + 2 > end:
                return CUT
            aggregate = self.data[start + size] & 0x80
            size += 2
            if flags & 0x80:
                size += 4
        if padded:
            size = (size + 3) & 0xFC
        if aggregate:
            return self.part(start + size, end)
        return self._found(LLC_TYPE, start + size, end)

    def part(self, start: int, end: int) -> int:
        """Open a part of an aggregate and note the next: IEEE 802.11-2020 section 9.3.2.2.2."""
        self.next = 0
        if start + PART_HEADER > end:
            return CUT
        size = PART_HEADER + ((self.data[start + 12] << 8) | self.data[start + 13])
        behind = start + ((size + 3) & 0x1FFFC)  # what is left may be the frame's checksum
        if behind + PART_HEADER < end:
            self.next = behind
        return self._found(LLC_TYPE, start + PART_HEADER, end)

    def _little(self, at: int) -> int:
        return self.data[at] | (self.data[at + 1] << 8)
