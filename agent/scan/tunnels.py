"""Tunnels: which packets carry others, and where the inner IP packet begins.

IP in IP, GRE (PPTP, NVGRE, ERSPAN, WCCP, Aruba), VXLAN, GENEVE, GTP-U, Teredo, AYIYA, L2TP, LISP,
TZSP, MPLS and EtherIP. Those over UDP are known by their port; VXLAN, GENEVE, GTP-U and Teredo on
any other port too, where the header leaves little doubt. Each tunnel entered is noted in `path`,
which whoever reports an inner packet copies: names, identifiers and the outermost addresses.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array

from agent.scan import layers, octets, stats
from agent.scan.ip import Ip
from agent.scan.link import Link

if not cython.compiled:  # else the same from the .pxd
    NO_TUNNEL = 0
    IPIP = layers.IPIP
    SIX_IN_FOUR = layers.SIX_IN_FOUR
    FOUR_IN_SIX = layers.FOUR_IN_SIX
    SIX_IN_SIX = layers.SIX_IN_SIX
    GRE = layers.GRE
    PPTP = layers.PPTP
    ERSPAN = layers.ERSPAN
    VXLAN = layers.VXLAN
    GENEVE = layers.GENEVE
    GTP = layers.GTP
    TEREDO = layers.TEREDO
    AYIYA = layers.AYIYA
    L2TP = layers.L2TP
    LISP = layers.LISP
    TZSP = layers.TZSP
    MPLS = layers.MPLS
    ETHERIP = layers.ETHERIP
    MAX_TUNNELS = layers.MAX_TUNNELS
    WITH_ID = layers.WITH_ID
    WORDS = layers.PATH_WORDS

    P_IPIP = 4
    P_IPV6 = 41
    P_GRE = 47
    P_IPIP_OLD = 94
    P_ETHERIP = 97
    P_NONE = 59
    P_MPLS = 137
    P_ETHERNET = 143

    PORT_L2TP = layers.PORT_L2TP
    PORT_GTP = layers.PORT_GTP
    PORT_GTP_OLD = layers.PORT_GTP_OLD
    PORT_TEREDO = layers.PORT_TEREDO
    PORT_LISP = layers.PORT_LISP
    PORT_GRE = layers.PORT_GRE
    PORT_VXLAN = layers.PORT_VXLAN
    PORT_VXLAN_GPE = layers.PORT_VXLAN_GPE
    PORT_AYIYA = layers.PORT_AYIYA
    PORT_GENEVE = layers.PORT_GENEVE
    PORT_MPLS = layers.PORT_MPLS
    PORT_VXLAN_LINUX = layers.PORT_VXLAN_LINUX
    PORT_TZSP = layers.PORT_TZSP
    PORTS = layers.TUNNEL_PORTS

    TYPE_IPV4 = layers.TYPE_IPV4
    TYPE_IPV6 = layers.TYPE_IPV6
    TYPE_VLAN = layers.TYPE_VLAN
    TYPE_ETHERNET = layers.TYPE_ETHERNET
    TYPE_PPP = layers.TYPE_PPP
    TYPE_MPLS = layers.TYPE_MPLS
    TYPE_NSH = layers.TYPE_NSH
    TYPE_ERSPAN = layers.TYPE_ERSPAN
    TYPE_ERSPAN3 = layers.TYPE_ERSPAN3
    TYPE_WCCP = layers.TYPE_WCCP
    TYPE_ARUBA = layers.TYPE_ARUBA
    ARUBA_MASK = 0xFE00
    DLT_RADIO = layers.DLT_RADIO
    VXLAN_WORD = 0x08000000  # only the flag that there is an identifier
    GENEVE_MASK = 0xFFC0FFFF  # all but the length of options
    GENEVE_FRAME = TYPE_ETHERNET
    GTP_MASK = 0xF8FF0000
    GTP_PACKET = 0x30FF0000
    MAX_EXTENSIONS = 8  # of GTP-U; two are in use
    MAX_FIELDS = 32  # of TZSP, which defines a dozen

    S_TOO_DEEP = stats.TOO_DEEP
    S_TRUNCATED = stats.TRUNCATED
    S_NOT_IP = stats.NOT_IP
    S_FIRST = stats.TUNNELS


class Tunnels:
    """Opens one tunnel after the other around a packet; `depth` says how many it is in.

    `link` and `ip` are the scanner's: what they hold of the outer packet is read when a tunnel is
    entered.
    """

    def __init__(self, counters: memoryview, link: Link, ip: Ip) -> None:
        self.data = memoryview(b"")
        self.counters = counters
        self.counts = 1  # 0 where a packet is read again
        self.link = link
        self.ip = ip
        self.path = memoryview(array("Q", [0] * WORDS))
        self.kept = memoryview(array("Q", [0] * WORDS))
        self.depth = 0

    def leave(self) -> None:
        """Begin a packet that is in no tunnel."""
        i = 0
        while i < WORDS:
            self.path[i] = 0
            i += 1
        self.depth = 0

    def restore(self) -> None:
        """Take up a packet whose `path` was written back."""
        self.depth = 0
        while self.depth < MAX_TUNNELS and (self.path[0] >> (8 * self.depth)) & 0xFF:
            self.depth += 1

    def keep(self) -> None:
        """Remember what is around the parts of an aggregate."""
        i = 0
        while i < WORDS:
            self.kept[i] = self.path[i]
            i += 1

    def back(self) -> None:
        """Begin the next part of the aggregate of which `keep` was told."""
        i = 0
        while i < WORDS:
            self.path[i] = self.kept[i]
            i += 1
        self.restore()

    def of_protocol(self, protocol: int) -> int:
        """Return which tunnel an IP protocol is, NO_TUNNEL for none."""
        if protocol == P_GRE:
            return GRE
        if protocol == P_IPV6:
            return SIX_IN_FOUR if self.ip.version == 4 else SIX_IN_SIX
        if protocol == P_IPIP or protocol == P_IPIP_OLD:
            return IPIP if self.ip.version == 4 else FOUR_IN_SIX
        if protocol == P_ETHERIP or protocol == P_ETHERNET:
            return ETHERIP
        if protocol == P_MPLS:
            return MPLS
        return NO_TUNNEL

    def of_datagram(self, ports: int, payload: int, end: int) -> int:
        """Return which tunnel a datagram is; ports are source << 16 | destination."""
        if payload + 16 > end:
            return NO_TUNNEL
        destination = ports & 0xFFFF
        source = ports >> 16
        kind = NO_TUNNEL
        if (PORTS >> (destination & 63)) & 1:
            kind = self._of_port(destination, payload)
        if kind == NO_TUNNEL and (PORTS >> (source & 63)) & 1:
            kind = self._of_port(source, payload)
        if kind != NO_TUNNEL:
            return kind
        word = octets.number(self.data, payload)
        if word == VXLAN_WORD:
            return VXLAN if self._is_frame(payload + 8, end) else NO_TUNNEL
        if word & GENEVE_MASK == GENEVE_FRAME:
            at = payload + 8 + ((word >> 24) & 0x3F) * 4
            return GENEVE if self._is_frame(at, end) else NO_TUNNEL
        if word & GTP_MASK == GTP_PACKET:
            return GTP if self._is_gtp(payload, end) else NO_TUNNEL
        if word >> 28 == 6 and payload + 40 <= end:
            size = (self.data[payload + 4] << 8) | self.data[payload + 5]
            if payload + 40 + size != end or (size == 0 and self.data[payload + 6] != P_NONE):
                return NO_TUNNEL
            return TEREDO
        return NO_TUNNEL

    def _of_port(self, port: int, payload: int) -> int:
        """Return which tunnel this port is for, where the header does not contradict."""
        first = self.data[payload]
        second = self.data[payload + 1]
        if port == PORT_VXLAN or port == PORT_VXLAN_LINUX or port == PORT_VXLAN_GPE:
            return VXLAN if first & 0x08 else NO_TUNNEL
        if port == PORT_GENEVE:
            return GENEVE if first >> 6 == 0 else NO_TUNNEL
        if port == PORT_GTP:
            return GTP if first & 0xF0 == 0x30 and second == 0xFF else NO_TUNNEL
        if port == PORT_GTP_OLD:
            return GTP if first & 0xF0 == 0x10 and second == 0xFF else NO_TUNNEL
        if port == PORT_TEREDO:
            return TEREDO if first >> 4 == 6 or (first == 0 and second <= 1) else NO_TUNNEL
        if port == PORT_GRE:
            return GRE if second & 0x07 == 0 else NO_TUNNEL
        if port == PORT_AYIYA:
            following = self.data[payload + 3]
            forwards = self.data[payload + 2] & 0x0F == 1
            if forwards and (following == P_IPV6 or following == P_IPIP):
                return AYIYA
        elif port == PORT_L2TP:
            return L2TP if first & 0x80 == 0 and second & 0x0F == 2 else NO_TUNNEL
        elif port == PORT_LISP:
            nibble = self.data[payload + 8] >> 4
            return LISP if nibble == 4 or nibble == 6 else NO_TUNNEL
        elif port == PORT_TZSP:
            return TZSP if first == 1 else NO_TUNNEL
        elif port == PORT_MPLS:
            return MPLS
        return NO_TUNNEL

    def _is_frame(self, at: int, end: int) -> int:
        """Tell whether an Ethernet frame that may hold IP begins here."""
        if at + 34 > end:
            return 0
        kind = (self.data[at + 12] << 8) | self.data[at + 13]
        return 1 if kind == TYPE_IPV4 or kind == TYPE_IPV6 or kind == TYPE_VLAN else 0

    def _is_gtp(self, payload: int, end: int) -> int:
        """Tell whether length and content fit GTP-U, on a port that is not its own."""
        size = (self.data[payload + 2] << 8) | self.data[payload + 3]
        if payload + 8 + size != end:
            return 0
        at = self._behind_gtp(payload, end)
        if at == 0 or at + 20 > end:
            return 0
        if self.data[at] >> 4 == 4:
            return 1 if at + ((self.data[at + 2] << 8) | self.data[at + 3]) == end else 0
        if self.data[at] >> 4 != 6:
            return 0
        return 1 if at + 40 + ((self.data[at + 4] << 8) | self.data[at + 5]) == end else 0

    def open(self, kind: int, start: int, end: int) -> int:
        """Enter the tunnel whose header begins at `start`.

        Return where the inner IP packet begins, or -1 where there is none to read (counted).
        """
        if self.depth >= MAX_TUNNELS:
            self.counters[S_TOO_DEEP] += self.counts
            return -1
        if self.depth == 0:
            self.link.steps = 0
        if kind <= SIX_IN_SIX:
            return self._enter(kind, 0, 0, start)
        if kind == GRE:
            return self._gre(start, end)
        if kind == VXLAN:
            return self._vxlan(start, end)
        if kind == GENEVE:
            return self._geneve(start, end)
        if kind == GTP:
            return self._gtp(start, end)
        if kind == TEREDO:
            return self._teredo(start, end)
        if kind == AYIYA:
            return self._ayiya(start, end)
        if kind == L2TP:
            return self._l2tp(start, end)
        if kind == LISP:
            return self._enter(LISP, 0, 0, start + 8)
        if kind == TZSP:
            return self._tzsp(start, end)
        self._enter(kind, 0, 0, start)
        if kind == ETHERIP:
            # As segment routing has it (RFC 8986 section 4.9) there is no header in between.
            header = 0 if self.ip.protocol == P_ETHERNET else 2
            return self.link.ethernet(start + header, end)
        return self.link.follow(TYPE_MPLS, start, end)

    def _enter(self, kind: int, has_id: int, number: int, at: int) -> int:
        """Note a tunnel in `path` and count it; return `at`."""
        self.counters[S_FIRST + kind] += self.counts
        if self.depth == 0:
            version = self.ip.version
            self.path[0] = version << 56
            self.path[3] = self.ip.source_high
            self.path[4] = self.ip.source_low
            self.path[5] = self.ip.destination_high
            self.path[6] = self.ip.destination_low
        self.path[0] |= (kind | (WITH_ID if has_id else 0)) << (8 * self.depth)
        self.path[1 + (self.depth >> 1)] |= number << (32 * (self.depth & 1))
        self.depth += 1
        return at

    def _cut(self) -> int:
        self.counters[S_TRUNCATED] += self.counts
        return -1

    def _other(self) -> int:
        self.counters[S_NOT_IP] += self.counts
        return -1

    def _gre(self, start: int, end: int) -> int:
        """RFC 2784, 2890 and 1701; version 1 is PPTP's, RFC 2637 section 4.1."""
        if start + 4 > end:
            return self._cut()
        flags = (self.data[start] << 8) | self.data[start + 1]
        kind = (self.data[start + 2] << 8) | self.data[start + 3]
        version = flags & 7
        at = start + 4
        if flags & 0xC000:  # checksum or routing: one word for either or both
            at += 4
        key = 0
        if flags & 0x2000:
            if at + 4 > end:
                return self._cut()
            key = octets.number(self.data, at)
            at += 4
        if flags & 0x1000:
            at += 4
        if version == 1:
            if flags & 0x0080:
                at += 4
            # The upper half of the key is the payload's length.
            self._enter(PPTP, 1, key & 0xFFFF, at)
            return self.link.follow(kind, at, end) if at < end else -1
        if version != 0:
            return self._other()
        if at > end:
            return self._cut()
        if kind == TYPE_ERSPAN or kind == TYPE_ERSPAN3:
            return self._erspan(kind, flags, at, end)
        self._enter(GRE, 1 if flags & 0x2000 else 0, key, at)
        if kind & ARUBA_MASK == TYPE_ARUBA:
            return self.link.open(DLT_RADIO, at, end)
        if kind == TYPE_WCCP:
            if at >= end:
                return self._cut()
            # Version 2 has four bytes of its own in front.
            return at if self.data[at] >> 4 == 4 else at + 4
        if at == end:
            return -1  # a keepalive
        return self.link.follow(kind, at, end)

    def _erspan(self, kind: int, flags: int, at: int, end: int) -> int:
        """Types I (no header of its own), II and III: draft-foschiano-erspan section 4."""
        if kind == TYPE_ERSPAN and flags & 0x1000 == 0:
            self._enter(ERSPAN, 0, 0, at)
            return self.link.ethernet(at, end)
        size = 8 if kind == TYPE_ERSPAN else 12
        if at + size > end:
            return self._cut()
        session = ((self.data[at + 2] & 3) << 8) | self.data[at + 3]
        self._enter(ERSPAN, 1, session, at)
        inner = 0
        if kind == TYPE_ERSPAN3:
            inner = (self.data[at + 10] >> 2) & 0x1F
            if self.data[at + 11] & 1:
                size += 8
        at += size
        if inner == 2:
            return at
        return self.link.ethernet(at, end)

    def _vxlan(self, start: int, end: int) -> int:
        """RFC 7348; with a protocol of its own RFC 9512's generic extension."""
        if start + 8 > end:
            return self._cut()
        network = octets.number(self.data, start + 4) >> 8
        self._enter(VXLAN, 1, network, start)
        following = 3
        if self.data[start] & 0x04 or self._is_unmarked(start, end):
            following = self.data[start + 3]
        if following == 3:
            return self.link.ethernet(start + 8, end)
        if following == 1 or following == 2:
            return start + 8
        if following == 4:
            return self.link.follow(TYPE_NSH, start + 8, end)
        if following == 5:
            return self.link.follow(TYPE_MPLS, start + 8, end)
        return self._other()

    def _is_unmarked(self, start: int, end: int) -> int:
        """Tell whether a protocol is given without its flag: IP begins where a frame would."""
        if self.data[start] & 0x80 or start + 8 >= end or self._is_frame(start + 8, end):
            return 0
        nibble = self.data[start + 8] >> 4
        following = self.data[start + 3]
        return 1 if (following == 1 and nibble == 4) or (following == 2 and nibble == 6) else 0

    def _geneve(self, start: int, end: int) -> int:
        """RFC 8926 section 3.4."""
        if start + 8 > end:
            return self._cut()
        kind = (self.data[start + 2] << 8) | self.data[start + 3]
        at = start + 8 + (self.data[start] & 0x3F) * 4
        self._enter(GENEVE, 1, octets.number(self.data, start + 4) >> 8, at)
        if at > end:
            return self._cut()
        return self.link.follow(kind, at, end)

    def _gtp(self, start: int, end: int) -> int:
        """3GPP TS 29.281 section 5."""
        if start + 8 > end:
            return self._cut()
        if self.data[start] >> 5 == 0:
            return self._gtp_old(start, end)
        self._enter(GTP, 1, octets.number(self.data, start + 4), start)
        at = self._behind_gtp(start, end)
        if at == 0 or at >= end:
            return self._cut()
        nibble = self.data[at] >> 4
        return at if nibble == 4 or nibble == 6 else self._other()

    def _gtp_old(self, start: int, end: int) -> int:
        """Version 0, GSM 09.60 section 6; its flow label identifies the tunnel."""
        if start + 20 >= end:
            return self._cut()
        self._enter(GTP, 1, (self.data[start + 6] << 8) | self.data[start + 7], start)
        nibble = self.data[start + 20] >> 4
        return start + 20 if nibble == 4 or nibble == 6 else self._other()

    def _behind_gtp(self, start: int, end: int) -> int:
        """Return where a GTP-U header and its extensions end, 0 where they do not."""
        if start + 12 > end:
            return 0
        flags = self.data[start] & 0x07
        if flags == 0:
            return start + 8
        following = self.data[start + 11] if flags & 0x04 else 0
        at = start + 12
        count = 0
        while following:
            if at >= end or count >= MAX_EXTENSIONS or self.data[at] == 0:
                return 0
            at += self.data[at] * 4
            if at > end:
                return 0
            following = self.data[at - 1]
            count += 1
        return at

    def _teredo(self, start: int, end: int) -> int:
        """RFC 4380 section 5.1: authentication, then origin, then IPv6."""
        at = start
        if at + 4 <= end and self.data[at] == 0 and self.data[at + 1] == 1:
            at += 13 + self.data[at + 2] + self.data[at + 3]
        if at + 2 <= end and self.data[at] == 0 and self.data[at + 1] == 0:
            at += 8
        self._enter(TEREDO, 0, 0, at)
        if at >= end:
            return self._cut()
        return at if self.data[at] >> 4 == 6 else self._other()

    def _ayiya(self, start: int, end: int) -> int:
        """draft-massar-v6ops-ayiya-02 section 3: identity and signature say their sizes."""
        if start + 8 > end:
            return self._cut()
        at = start + 8 + (1 << (self.data[start] >> 4)) + (self.data[start + 1] >> 4) * 4
        return self._enter(AYIYA, 0, 0, at)

    def _l2tp(self, start: int, end: int) -> int:
        """RFC 2661 section 3.1: data messages."""
        flags = (self.data[start] << 8) | self.data[start + 1]
        at = start + 2
        if flags & 0x4000:
            at += 2
        if at + 4 > end:
            return self._cut()
        self._enter(L2TP, 1, octets.number(self.data, at), at)  # tunnel and session
        at += 4
        if flags & 0x0800:
            at += 4
        if flags & 0x0200:
            if at + 2 > end:
                return self._cut()
            at += 2 + ((self.data[at] << 8) | self.data[at + 1])
        if at > end:
            return self._cut()
        return self.link.follow(TYPE_PPP, at, end)

    def _tzsp(self, start: int, end: int) -> int:
        """TaZmen Sniffer Protocol: fields up to an end mark, then the frame."""
        if start + 4 > end:
            return self._cut()
        kind = (self.data[start + 2] << 8) | self.data[start + 3]
        at = start + 4
        count = 0
        while at < end and self.data[at] != 1:
            if count >= MAX_FIELDS:
                return self._other()
            if self.data[at] == 0:
                at += 1
            elif at + 1 < end:
                at += 2 + self.data[at + 1]
            else:
                at = end
            count += 1
        self._enter(TZSP, 0, 0, at)
        if at >= end:
            return self._cut()
        if kind == 1:
            return self.link.ethernet(at + 1, end)
        if kind == 18:
            return self.link.open(DLT_RADIO, at + 1, end)
        return self._other()
