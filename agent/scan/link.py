"""Link layers: where the IP packet of a frame begins.

Ethernet, IEEE 802.3 with LLC and SNAP; VLAN, provider bridge and vendor tags; MPLS, PPPoE, PPP
and service chains, in any of them. Other media are opened by agent.scan.media and followed here.
EtherTypes: https://www.iana.org/assignments/ieee-802-numbers
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from agent.scan import layers, octets, stats
from agent.scan.media import Media
from agent.scan.unread import Unread

if not cython.compiled:  # else the same from the .pxd
    DLT_ETHERNET = layers.DLT_ETHERNET
    TYPE_LLC = layers.TYPE_LLC
    TYPE_IPV4 = layers.TYPE_IPV4
    TYPE_IPV6 = layers.TYPE_IPV6
    TYPE_ETHERNET = layers.TYPE_ETHERNET
    TYPE_VLAN = layers.TYPE_VLAN
    TYPE_QINQ = layers.TYPE_QINQ
    TYPE_QINQ_OLD = layers.TYPE_QINQ_OLD
    TYPE_QINQ_OLDER = layers.TYPE_QINQ_OLDER
    TYPE_MPLS = layers.TYPE_MPLS
    TYPE_MPLS_UPSTREAM = layers.TYPE_MPLS_UPSTREAM
    TYPE_PPPOE = layers.TYPE_PPPOE
    TYPE_PPP = layers.TYPE_PPP
    TYPE_PBB = layers.TYPE_PBB
    TYPE_VNTAG = layers.TYPE_VNTAG
    TYPE_NSH = layers.TYPE_NSH
    TYPE_FABRICPATH = layers.TYPE_FABRICPATH
    TYPE_METADATA = layers.TYPE_METADATA
    TYPE_MACSEC = layers.TYPE_MACSEC
    TYPE_TIMESTAMP = layers.TYPE_TIMESTAMP
    PPP_IPV4 = 0x0021
    PPP_IPV6 = 0x0057
    PPP_MPLS = 0x0281
    MAX_TAGS = 4  # of a frame; more than two occur only in crafted frames
    MAX_LABELS = 16  # of a stack; carriers use up to five
    MAX_STEPS = 16  # headers of one frame, tags and stacks together

    UNKNOWN_MEDIUM = layers.UNKNOWN
    ENCRYPTED_MEDIUM = layers.ENCRYPTED
    FOUND = layers.FOUND
    NO_PAYLOAD = layers.NO_PAYLOAD
    CUT = layers.CUT

    LINK_TYPE = layers.LINK_TYPE
    ETHERTYPE = layers.ETHERTYPE
    PPP_PROTOCOL = layers.PPP_PROTOCOL
    LLC_SAP = layers.LLC_SAP

    NOT_IP = stats.NOT_IP
    TRUNCATED = stats.TRUNCATED
    UNKNOWN_LINK = stats.UNKNOWN_LINK
    ENCRYPTED = stats.ENCRYPTED_LINK
    TOO_DEEP = stats.TOO_DEEP


class Link:
    """Decodes one frame at a time.

    `vlans` holds the tags of the frame and of those around it, outermost first, 16 bits each.
    """

    def __init__(self, counters: memoryview, unread: Unread) -> None:
        self.data = memoryview(b"")
        self.counters = counters
        self.counts = 1  # 0 where a packet is read again
        self.unread = unread
        self.media = Media()
        self.vlans = 0
        self.tags = 0
        self.steps = 0
        self.at = 0
        self.kind = 0

    def read(self, data: memoryview) -> None:
        """Decode what lies in `data` from now on."""
        self.data = data
        self.media.data = data

    def decode(self, datalink: int, start: int, end: int) -> int:
        """Return where IP begins in the captured frame data[start:end], or -1 (counted)."""
        self.vlans = 0
        self.media.next = 0
        if datalink != DLT_ETHERNET:
            self.steps = 0
            return self.open(datalink, start, end)
        if start + 14 > end:
            self.counters[TRUNCATED] += self.counts
            return -1
        kind = octets.number(self.data, start + 10) & 0xFFFF
        if kind == TYPE_IPV4 or kind == TYPE_IPV6:
            return start + 14
        self.steps = 0
        self.tags = 0
        return self.follow(kind, start + 14, end)

    def open(self, datalink: int, start: int, end: int) -> int:
        """Return where IP begins in a frame of another medium, or -1 (counted)."""
        self.tags = 0
        found = self.media.open(datalink, start, end)
        if found == FOUND:
            return self.follow(self.media.kind, self.media.at, end)
        if found == UNKNOWN_MEDIUM:
            self.counters[UNKNOWN_LINK] += self.counts
            self.unread.note(LINK_TYPE, datalink & 0xFFFF)
        elif found == ENCRYPTED_MEDIUM:
            self.counters[ENCRYPTED] += self.counts
        elif found == CUT:
            self.counters[TRUNCATED] += self.counts
        else:
            self.counters[NOT_IP] += self.counts
        return -1

    def part(self, start: int, end: int) -> int:
        """Return where IP begins in the part of an aggregate at `start`, or -1 (counted)."""
        self.tags = 0
        self.steps = 0
        if self.media.part(start, end) == FOUND:
            return self.follow(self.media.kind, self.media.at, end)
        self.counters[TRUNCATED] += self.counts
        return -1

    def ethernet(self, start: int, end: int) -> int:
        """Return where IP begins in an Ethernet frame that something carries, or -1 (counted)."""
        return self.follow(TYPE_ETHERNET, start, end)

    def follow(self, kind: int, at: int, end: int) -> int:
        """Return where IP begins in data[at:end], which has this EtherType, or -1 (counted)."""
        self.kind = kind
        self.at = at
        while self.kind != TYPE_IPV4 and self.kind != TYPE_IPV6:
            if self.steps >= MAX_STEPS:
                self.counters[TOO_DEEP] += self.counts
                return -1
            self.steps += 1
            found = self._step(self.kind, self.at, end)
            if found == CUT:
                self.counters[TRUNCATED] += self.counts
                return -1
            if found < 0:
                self.counters[NOT_IP] += self.counts
                return -1
        return self.at

    def _step(self, kind: int, at: int, end: int) -> int:
        """Step over one header: set `kind` and `at`, return 1, or CUT, or NO_PAYLOAD."""
        if (
            kind == TYPE_VLAN
            or kind == TYPE_QINQ
            or kind == TYPE_QINQ_OLD
            or kind == TYPE_QINQ_OLDER
        ):
            return self._tag(at, end)
        if kind == TYPE_MPLS or kind == TYPE_MPLS_UPSTREAM:
            return self._labels(at, end)
        if kind == TYPE_PPPOE:
            if at + 8 > end:
                return CUT
            return self._ppp(at + 6, end)
        if kind == TYPE_ETHERNET:
            self.tags = 0
            return self._typed(at + 12, 2, end)
        if kind <= TYPE_LLC:
            return self._llc(at, end)
        if kind == TYPE_PPP:
            return self._ppp(at, end)
        if kind == TYPE_NSH:
            return self._chain(at, end)
        if kind == TYPE_VNTAG:
            return self._typed(at + 4, 2, end)
        if kind == TYPE_PBB:
            self.kind = TYPE_ETHERNET
            self.at = at + 4
            return 1
        if kind == TYPE_FABRICPATH:
            self.kind = TYPE_ETHERNET
            self.at = at + 2
            return 1
        if kind == TYPE_METADATA:
            return self._metadata(at, end)
        if kind == TYPE_TIMESTAMP:
            return self._stamped(at, end)
        if kind == TYPE_MACSEC and at < end and self.data[at] & 0x0C == 0:
            # Authenticated but not encrypted, IEEE 802.1AE section 9; with 0x20 its sender is told.
            return self._typed(at + (14 if self.data[at] & 0x20 else 6), 2, end)
        self.unread.note(ETHERTYPE, kind)
        return NO_PAYLOAD

    def _typed(self, type_at: int, size: int, end: int) -> int:
        """Read the EtherType at `type_at`; what it is of begins `size` bytes behind."""
        if type_at + size > end:
            return CUT
        self.kind = (self.data[type_at] << 8) | self.data[type_at + 1]
        self.at = type_at + size
        return 1

    def _tag(self, at: int, end: int) -> int:
        """Note a tag: IEEE 802.1Q section 9.6."""
        if self.tags >= MAX_TAGS:
            return NO_PAYLOAD
        if at + 4 > end:
            return CUT
        self.tags += 1
        if self.vlans >> 48 == 0:
            tag = ((self.data[at] << 8) | self.data[at + 1]) & 0xFFF
            # A set top bit tells tag 0 from no tag.
            self.vlans = (self.vlans << 16) | tag | 0x8000
        return self._typed(at + 2, 2, end)

    def _labels(self, at: int, end: int) -> int:
        """Step over an MPLS stack, RFC 3032; what lies below tells itself, RFC 4928."""
        labels = 0
        bottom = 0
        while bottom == 0:
            if labels >= MAX_LABELS:
                return NO_PAYLOAD
            if at + 4 > end:
                return CUT
            bottom = self.data[at + 2] & 1
            at += 4
            labels += 1
        if at >= end:
            return CUT
        nibble = self.data[at] >> 4
        self.kind = TYPE_ETHERNET
        self.at = at
        if nibble == 4 or nibble == 6:
            self.kind = TYPE_IPV4
        elif nibble == 1:  # an associated channel, RFC 5586
            return NO_PAYLOAD
        elif nibble == 0 and self._looks_like_ethernet(at, end) == 0:
            self.at = at + 4  # a control word, RFC 4385
        return 1

    def _looks_like_ethernet(self, at: int, end: int) -> int:
        """Tell whether a frame of a type that we follow begins here."""
        if at + 14 > end:
            return 0
        kind = (self.data[at + 12] << 8) | self.data[at + 13]
        return 1 if kind == TYPE_IPV4 or kind == TYPE_IPV6 or kind == TYPE_VLAN else 0

    def _ppp(self, at: int, end: int) -> int:
        """Read a PPP protocol, its address, control and high byte perhaps left out: RFC 1661."""
        if at + 2 <= end and self.data[at] == 0xFF and self.data[at + 1] == 0x03:
            at += 2
        if at >= end:
            return CUT
        protocol = self.data[at]
        at += 1
        if protocol & 1 == 0:
            if at >= end:
                return CUT
            protocol = (protocol << 8) | self.data[at]
            at += 1
        self.at = at
        if protocol == PPP_IPV4 or protocol == PPP_IPV6:
            self.kind = TYPE_IPV4
        elif protocol == PPP_MPLS:
            self.kind = TYPE_MPLS
        else:
            self.unread.note(PPP_PROTOCOL, protocol)
            return NO_PAYLOAD
        return 1

    def _llc(self, at: int, end: int) -> int:
        """Read an IEEE 802.2 header, and SNAP behind it: RFC 1042."""
        if at + 3 > end:
            return CUT
        service = self.data[at]
        if service == 0x06:
            self.kind = TYPE_IPV4
            self.at = at + 3
            return 1
        if service == 0xAA and self.data[at + 2] == 0x03:
            if at + 8 > end:
                return CUT
            vendor = (self.data[at + 3] << 16) | (self.data[at + 4] << 8) | self.data[at + 5]
            kind = (self.data[at + 6] << 8) | self.data[at + 7]
            if (vendor == 0 or vendor == 0xF8) and kind > TYPE_LLC:  # 0xF8: IEEE 802.1H
                self.kind = kind
                self.at = at + 8
                return 1
        self.unread.note(LLC_SAP, service)
        return NO_PAYLOAD

    def _metadata(self, at: int, end: int) -> int:
        """Step over Cisco's metadata (a group tag), which GRE has behind the inner EtherType."""
        if at + 8 > end:
            return CUT
        self._typed(at, 2, end)
        if self.kind <= TYPE_LLC:  # a version and a length
            return self._typed(at + 6, 2, end)
        self.at = at + 8
        return 1

    def _stamped(self, at: int, end: int) -> int:
        """Step over the time that Arista's mirrors put in front, of 64 or 48 bits."""
        if at + 4 > end:
            return CUT
        if self.data[at] != 0 or self.data[at + 1] != 1:
            self.unread.note(ETHERTYPE, TYPE_TIMESTAMP)
            return NO_PAYLOAD
        return self._typed(at + (10 if self.data[at + 3] >> 4 == 2 else 12), 2, end)

    def _chain(self, at: int, end: int) -> int:
        """Step over a network service header, RFC 8300 section 2."""
        if at + 8 > end:
            return CUT
        size = (self.data[at + 1] & 0x3F) * 4
        following = self.data[at + 3]
        if size < 8:
            return NO_PAYLOAD
        self.at = at + size
        if self.at > end:
            return CUT
        if following == 1 or following == 2:
            self.kind = TYPE_IPV4
        elif following == 3:
            self.kind = TYPE_ETHERNET
        elif following == 5:
            self.kind = TYPE_MPLS
        else:
            return NO_PAYLOAD
        return 1
