"""Every way to wrap an IP packet that the agent opens, as data: for tests of layers.

A wrapping is a function from an IP packet to what libpcap delivers. `TUNNELS` change the addresses,
`MEDIA` and `HEADERS` do not.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple

from tests import packets
from tests.packets import ethernet, gre, ip, ipv4, mpls, ppp, udp, vxlan

OUTER, OUTER_PEER = "192.0.2.1", "192.0.2.2"
OUTER6, OUTER_PEER6 = "2001:db8:f::1", "2001:db8:f::2"

Wrap = Callable[[bytes], bytes]


class Tunnel(NamedTuple):
    """A tunnel with what a sighting says of it; `six` where the outer packet is IPv6."""

    wrap: Wrap
    type: str
    id: str = "-"
    six: bool = False


class Medium(NamedTuple):
    """A link type with its header."""

    wrap: Wrap
    datalink: int
    vlans: tuple[int, ...] = ()


def in_ip(protocol: int, payload: bytes) -> bytes:
    """Put a payload into the outer packet's frame."""
    return ethernet(ipv4(OUTER, OUTER_PEER, protocol, payload))


def in_udp(port: int, payload: bytes, source: int = 50001) -> bytes:
    """Put a payload into the outer datagram's frame."""
    return in_ip(packets.UDP, udp(source, port, payload))


def frame(packet: bytes, tag: int | None = None) -> bytes:
    """Put a packet into the frame that a tunnel carries."""
    return ethernet(packet, vlans=[] if tag is None else [tag])


def pptp(packet: bytes) -> bytes:
    """Put a packet below version 1 of GRE, with sequence and acknowledgement, and PPP."""
    inner = ppp(packet)
    header = struct.pack("!HHHHII", 0x3081, 0x880B, len(inner), 77, 1, 2)
    return in_ip(packets.GRE, header + inner)


def erspan(packet: bytes, version: int, *, sub_header: bool = False) -> bytes:
    """Put a packet's frame below ERSPAN of type I (0), II (1) or III (2)."""
    if version == 0:
        return in_ip(packets.GRE, gre(frame(packet), protocol=0x88BE))
    if version == 1:
        header = struct.pack("!HHI", 0x1000 | 100, 21, 0)
        return in_ip(packets.GRE, gre(header + frame(packet), protocol=0x88BE, sequence=9))
    header = struct.pack("!HHIHH", 0x2000 | 100, 22, 0, 0, sub_header)
    header += bytes(8 * sub_header)
    return in_ip(packets.GRE, gre(header + frame(packet), protocol=0x22EB, sequence=9))


def aruba(packet: bytes) -> bytes:
    """Put a packet into an 802.11 frame below GRE."""
    return in_ip(packets.GRE, gre(radio(packet), protocol=0x8200))


def wccp(packet: bytes) -> bytes:
    """Put a packet below the redirect header of WCCP version 2."""
    return in_ip(packets.GRE, gre(bytes(4) + packet, protocol=0x883E))


def geneve(packet: bytes, *, port: int = 6081, options: bytes = b"") -> bytes:
    """Put a packet's frame below GENEVE."""
    header = struct.pack("!BBHI", len(options) // 4, 0, 0x6558, 31 << 8)
    return in_udp(port, header + options + frame(packet))


def vxlan_gpe(packet: bytes, flags: int = 0x0C) -> bytes:
    """Put a packet below VXLAN with a protocol field."""
    following = 2 if packet[0] >> 4 == 6 else 1
    return in_udp(4790, struct.pack("!BHBI", flags, 0, following, 34 << 8) + packet)


def gtp(packet: bytes, *, port: int = 2152, extensions: bytes = b"") -> bytes:
    """Put a packet below GTP-U; `extensions` begin with the first one's type."""
    optional = bytes(3) + extensions if extensions else b""
    header = struct.pack(
        "!BBHI", 0x34 if extensions else 0x30, 0xFF, len(optional) + len(packet), 41
    )
    return in_udp(port, header + optional + packet)


def gtp_0(packet: bytes) -> bytes:
    """Put a packet below version 0 of GTP, whose flow label is 42."""
    header = struct.pack("!BBHHH", 0x1E, 0xFF, len(packet), 1, 42) + b"\xff" * 4 + bytes(8)
    return in_udp(3386, header + packet)


def ayiya(packet: bytes) -> bytes:
    """Put an IPv6 packet below AYIYA, as tunnel brokers' clients send it."""
    return in_udp(5072, bytes([0x42, 0x52, 0x11, 41]) + bytes(4 + 16 + 20) + packet)


def l2tp(packet: bytes) -> bytes:
    """Put a packet below L2TP with a length and an offset."""
    inner = bytes(2) + ppp(packet)
    header = struct.pack("!HHHHH", 0x4202, 10 + len(inner), 5, 6, 2)
    return in_udp(1701, header + inner)


def tzsp(packet: bytes) -> bytes:
    """Put a packet's frame below TZSP with a field in front."""
    return in_udp(37008, struct.pack("!BBH", 1, 0, 1) + b"\x0a\x01\xc8\x00\x01" + frame(packet))


def radio(packet: bytes, *, padded: bool = False, four: bool = False) -> bytes:
    """Put a packet into an 802.11 QoS data frame, between access points with `four`."""
    header = struct.pack("<BBH", 0x88, 3 if four else 1, 0) + bytes(18 + 2 + 6 * four) + bytes(2)
    header += bytes(-len(header) % 4) if padded else b""
    return header + llc(packet)


def llc(packet: bytes) -> bytes:
    """Put a packet below LLC and SNAP."""
    return b"\xaa\xaa\x03\0\0\0" + ethertype(packet) + packet


def ethertype(packet: bytes) -> bytes:
    """Return the EtherType of a packet."""
    return struct.pack("!H", packets.IPV6 if packet[0] >> 4 == 6 else packets.IPV4)


def radiotap(packet: bytes) -> bytes:
    """Put a padded 802.11 frame below radiotap with a time and flags."""
    return struct.pack("<BBHIQB", 0, 0, 17, 3, 1, 0x20) + radio(packet, padded=True, four=True)


def nflog(packet: bytes) -> bytes:
    """Put a packet among the attributes of a netfilter log message."""
    prefix = struct.pack("=HH", 4 + 5, 10) + b"drop\0" + bytes(3)
    return struct.pack("=BBH", 2, 0, 5) + prefix + struct.pack("=HH", 4 + len(packet), 9) + packet


def frame_relay(packet: bytes) -> bytes:
    """Put a packet below a frame relay header with SNAP."""
    return b"\x18\x41\x03\x00\x80\0\0\0" + ethertype(packet) + packet


TUNNELS: dict[str, Tunnel] = {
    "ipip": Tunnel(lambda p: in_ip(packets.IPIP, p), "ipip"),
    "6in4": Tunnel(lambda p: in_ip(packets.SIX_IN_FOUR, p), "6in4"),
    "4in6": Tunnel(lambda p: ethernet(ip(OUTER6, OUTER_PEER6, packets.IPIP, p)), "4in6", six=True),
    "6in6": Tunnel(
        lambda p: ethernet(ip(OUTER6, OUTER_PEER6, packets.SIX_IN_FOUR, p)), "6in6", six=True
    ),
    "gre": Tunnel(lambda p: in_ip(packets.GRE, gre(p)), "gre"),
    "gre-options": Tunnel(
        lambda p: in_ip(packets.GRE, gre(p, checksum_=True, key=0xFFFFFFFF, sequence=3)),
        "gre",
        "4294967295",
    ),
    "gre-bridged": Tunnel(
        lambda p: in_ip(packets.GRE, gre(frame(p), protocol=0x6558, key=0)), "gre", "0"
    ),
    "gre-in-6": Tunnel(
        lambda p: ethernet(ip(OUTER6, OUTER_PEER6, packets.GRE, gre(p))), "gre", six=True
    ),
    "gre-metadata": Tunnel(
        lambda p: in_ip(packets.GRE, gre(ethertype(p) + b"\1\1\0\1\0\7" + p, protocol=0x8909)),
        "gre",
    ),
    "gre-over-udp": Tunnel(lambda p: in_udp(4754, gre(p)), "gre"),
    "pptp": Tunnel(pptp, "pptp", "77"),
    "erspan-1": Tunnel(lambda p: erspan(p, 0), "erspan"),
    "erspan-2": Tunnel(lambda p: erspan(p, 1), "erspan", "21"),
    "erspan-3": Tunnel(lambda p: erspan(p, 2), "erspan", "22"),
    "erspan-3-sub-header": Tunnel(lambda p: erspan(p, 2, sub_header=True), "erspan", "22"),
    "aruba": Tunnel(aruba, "gre"),
    "wccp": Tunnel(wccp, "gre"),
    "vxlan": Tunnel(lambda p: in_udp(4789, vxlan(frame(p), network=30)), "vxlan", "30"),
    "vxlan-linux": Tunnel(lambda p: in_udp(8472, vxlan(frame(p), network=30)), "vxlan", "30"),
    "vxlan-any-port": Tunnel(lambda p: in_udp(999, vxlan(frame(p), network=30)), "vxlan", "30"),
    "vxlan-gpe": Tunnel(vxlan_gpe, "vxlan", "34"),
    "vxlan-gpe-unmarked": Tunnel(lambda p: vxlan_gpe(p, 0x08), "vxlan", "34"),
    "geneve": Tunnel(geneve, "geneve", "31"),
    "geneve-options": Tunnel(lambda p: geneve(p, options=bytes(252)), "geneve", "31"),
    "geneve-any-port": Tunnel(lambda p: geneve(p, port=999), "geneve", "31"),
    "gtp": Tunnel(gtp, "gtp", "41"),
    "gtp-extensions": Tunnel(
        lambda p: gtp(p, extensions=b"\x85\x01\x10\x01\xc0\x02\0\0\0\0\0\0\0"), "gtp", "41"
    ),
    "gtp-0": Tunnel(gtp_0, "gtp", "42"),
    "gtp-any-port": Tunnel(lambda p: gtp(p, port=999), "gtp", "41"),
    "teredo": Tunnel(lambda p: in_udp(999, p), "teredo"),
    "teredo-origin": Tunnel(
        lambda p: in_udp(3544, b"\0\x01\x04\x04" + bytes(17) + bytes(8) + p), "teredo"
    ),
    "ayiya": Tunnel(ayiya, "ayiya"),
    "l2tp": Tunnel(l2tp, "l2tp", str(5 << 16 | 6)),
    "lisp": Tunnel(lambda p: in_udp(4341, bytes(8) + p), "lisp"),
    "tzsp": Tunnel(tzsp, "tzsp"),
    "mpls-over-udp": Tunnel(lambda p: in_udp(6635, mpls(p, [16])), "mpls"),
    "mpls-in-ip": Tunnel(lambda p: in_ip(137, mpls(p, [16])), "mpls"),
    "etherip": Tunnel(lambda p: in_ip(97, b"\x30\0" + frame(p)), "etherip"),
    "ethernet-in-6": Tunnel(
        lambda p: ethernet(ip(OUTER6, OUTER_PEER6, 143, frame(p))), "etherip", six=True
    ),
}
"""By name. Those in `ONLY_SIX` carry IPv6 alone, those in `ONLY_FOUR` IPv4."""

ONLY_SIX = frozenset(["6in4", "6in6", "teredo", "teredo-origin", "ayiya"])
ONLY_FOUR = frozenset(["ipip", "4in6", "wccp"])

MEDIA: dict[str, Medium] = {
    "qinq": Medium(lambda p: ethernet(p, vlans=[7, 8], tag=0x88A8), 1, (7, 8)),
    "qinq-9100": Medium(lambda p: ethernet(p, vlans=[7, 8], tag=0x9100), 1, (7, 8)),
    "mpls": Medium(lambda p: ethernet(mpls(p, [16, 17, 18]), packets.MPLS), 1),
    "mpls-upstream": Medium(lambda p: ethernet(mpls(p, [16]), 0x8848), 1),
    "mpls-in-vlan": Medium(lambda p: ethernet(mpls(p, [16]), packets.MPLS, vlans=[9]), 1, (9,)),
    "pseudowire": Medium(
        lambda p: ethernet(mpls(bytes(4) + frame(p, 6), [16]), packets.MPLS, vlans=[9]), 1, (9, 6)
    ),
    "pseudowire-plain": Medium(
        lambda p: ethernet(mpls(ethernet(p, destination=bytes(6)), [16]), packets.MPLS), 1
    ),
    "pppoe": Medium(lambda p: ethernet(packets.pppoe(p), packets.PPPOE_SESSION), 1),
    "pppoe-in-mpls": Medium(
        lambda p: ethernet(
            mpls(bytes(4) + ethernet(packets.pppoe(p), packets.PPPOE_SESSION), [3]), packets.MPLS
        ),
        1,
    ),
    "snap": Medium(lambda p: ethernet(llc(p), len(p) + 8), 1),
    "pbb": Medium(lambda p: ethernet(bytes(4) + frame(p, 4), 0x88E7, vlans=[3]), 1, (3, 4)),
    "vntag": Medium(lambda p: ethernet(bytes(4) + ethertype(p) + p, 0x8926), 1),
    "fabricpath": Medium(lambda p: ethernet(bytes(2) + frame(p, 4), 0x8903), 1, (4,)),
    "metadata": Medium(lambda p: ethernet(b"\1\1\0\1\0\7" + ethertype(p) + p, 0x8909), 1),
    "metadata-bare": Medium(lambda p: ethernet(bytes(6) + ethertype(p) + p, 0x8909), 1),
    "macsec-integrity": Medium(lambda p: ethernet(bytes(6) + ethertype(p) + p, 0x88E5), 1),
    "macsec-integrity-sender": Medium(
        lambda p: ethernet(b"\x20" + bytes(13) + ethertype(p) + p, 0x88E5), 1
    ),
    "timestamp-48": Medium(
        lambda p: ethernet(b"\0\1\0\x21" + bytes(6) + ethertype(p) + p, 0xD28B), 1
    ),
    "timestamp-64": Medium(
        lambda p: ethernet(b"\0\1\1\x10" + bytes(8) + frame(p, 5)[12:], 0xD28B, vlans=[3]),
        1,
        (3, 5),
    ),
    "nsh": Medium(
        lambda p: ethernet(bytes([0, 2, 1, 2 if p[0] >> 4 == 6 else 1]) + bytes(4) + p, 0x894F), 1
    ),
    "ppp": Medium(ppp, 9),
    "ppp-compressed": Medium(lambda p: (b"\x57" if p[0] >> 4 == 6 else b"\x21") + p, 9),
    "ppp-serial": Medium(ppp, 50),
    "ppp-ether": Medium(packets.pppoe, 51),
    "ppp-direction": Medium(lambda p: b"\x01" + ppp(p), 204),
    "cisco-hdlc": Medium(lambda p: b"\x0f\0" + ethertype(p) + p, 104),
    "cisco-hdlc-serial": Medium(lambda p: b"\x8f\0" + ethertype(p) + p, 50),
    "cisco-hdlc-direction": Medium(lambda p: b"\0\x0f\0" + ethertype(p) + p, 205),
    "frame-relay": Medium(frame_relay, 107),
    "frame-relay-bare": Medium(
        lambda p: b"\x18\x41\x03" + (b"\x8e" if p[0] >> 4 == 6 else b"\xcc") + p, 107
    ),
    "nflog": Medium(nflog, 239),
    "radio": Medium(radio, 105),
    "radio-four": Medium(lambda p: radio(p, four=True), 105),
    "radiotap": Medium(radiotap, 127),
    "prism": Medium(lambda p: struct.pack("<II", 0x44, 144) + bytes(136) + radio(p), 119),
    "avs": Medium(lambda p: struct.pack("!II", 0x80211001, 64) + bytes(56) + radio(p), 163),
    "ppi": Medium(lambda p: struct.pack("<BBHI", 0, 0, 8, 105) + radio(p), 192),
    "pktap": Medium(lambda p: struct.pack("<III", 108, 1, 1) + bytes(96) + frame(p), 258),
    "enc": Medium(lambda p: bytes(12) + p, 109),
    "pflog": Medium(lambda p: bytes([61]) + bytes(63) + p, 117),
    "slip": Medium(lambda p: bytes(16) + p, 8),
    "fddi": Medium(lambda p: bytes(13) + llc(p), 10),
    "token-ring": Medium(lambda p: bytes(14) + llc(p), 6),
    "token-ring-routed": Medium(
        lambda p: bytes(8) + b"\x80" + bytes(5) + b"\x06" + bytes(5) + llc(p), 6
    ),
    "atm": Medium(llc, 11),
    "sun-atm": Medium(lambda p: bytes(4) + llc(p), 123),
    "fibre-channel": Medium(lambda p: bytes(16) + llc(p), 122),
    "infiniband": Medium(lambda p: bytes(40) + ethertype(p) + bytes(2) + p, 242),
    "arcnet": Medium(lambda p: b"\1\2\0\0\xd4\0\0\0" + p, 129),
    "arcnet-old": Medium(lambda p: b"\1\2\0\0\xf0" + p, 129),
    "ipnet": Medium(lambda p: bytes(24) + p, 226),
    "dsa": Medium(lambda p: bytes(12) + bytes(4) + ethertype(p) + p, 284),
    "edsa": Medium(lambda p: bytes(12) + bytes(8) + ethertype(p) + p, 285),
    "broadcom": Medium(lambda p: bytes(12) + bytes(4) + ethertype(p) + p, 281),
    "broadcom-prepended": Medium(lambda p: bytes(4) + frame(p), 282),
    "netanalyzer": Medium(lambda p: bytes(4) + frame(p), 240),
}
"""By name."""
