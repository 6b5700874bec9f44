"""Numbers that the modules about layers share; a compiled module shows nobody its own."""

# EtherTypes, https://www.iana.org/assignments/ieee-802-numbers
TYPE_LLC = 1500
"""Up to here the field is a length, IEEE 802.3."""
TYPE_IPV4 = 0x0800
TYPE_IPV6 = 0x86DD
TYPE_VLAN = 0x8100
TYPE_QINQ = 0x88A8
TYPE_QINQ_OLD = 0x9100
TYPE_QINQ_OLDER = 0x9200
TYPE_MPLS = 0x8847
TYPE_MPLS_UPSTREAM = 0x8848
TYPE_PPPOE = 0x8864
TYPE_PPP = 0x880B
TYPE_PBB = 0x88E7
TYPE_VNTAG = 0x8926
TYPE_NSH = 0x894F
TYPE_FABRICPATH = 0x8903
TYPE_METADATA = 0x8909
TYPE_MACSEC = 0x88E5
TYPE_TIMESTAMP = 0xD28B
TYPE_ETHERNET = 0x6558
TYPE_WCCP = 0x883E
TYPE_ERSPAN = 0x88BE
TYPE_ERSPAN3 = 0x22EB
TYPE_ARUBA = 0x8200
"""And up to 0x83FF: 802.11 frames of an access point."""

DLT_ETHERNET = 1
DLT_RADIO = 105

# What came of opening a header.
FOUND = 1
CUT = 0
NO_PAYLOAD = -1
UNKNOWN = -2
ENCRYPTED = -3

# Layers of agent.scan.unread.
LINK_TYPE = 1
ETHERTYPE = 2
PPP_PROTOCOL = 3
LLC_SAP = 4
IP_PROTOCOL = 5
LAYERS = ("", "link type", "EtherType", "PPP protocol", "LLC SAP", "IP protocol")

# Tunnels by number, as agent.scan.stats counts them.
IPIP = 1
SIX_IN_FOUR = 2
FOUR_IN_SIX = 3
SIX_IN_SIX = 4
GRE = 5
PPTP = 6
ERSPAN = 7
VXLAN = 8
GENEVE = 9
GTP = 10
TEREDO = 11
AYIYA = 12
L2TP = 13
LISP = 14
TZSP = 15
MPLS = 16
ETHERIP = 17
TUNNELS = (
    "",
    "ipip",
    "6in4",
    "4in6",
    "6in6",
    "gre",
    "pptp",
    "erspan",
    "vxlan",
    "geneve",
    "gtp",
    "teredo",
    "ayiya",
    "l2tp",
    "lisp",
    "tzsp",
    "mpls",
    "etherip",
)

# Ports of tunnels over UDP.
PORT_L2TP = 1701
PORT_GTP = 2152
PORT_GTP_OLD = 3386
PORT_TEREDO = 3544
PORT_LISP = 4341
PORT_GRE = 4754
PORT_VXLAN = 4789
PORT_VXLAN_GPE = 4790
PORT_AYIYA = 5072
PORT_GENEVE = 6081
PORT_MPLS = 6635
PORT_VXLAN_LINUX = 8472
PORT_TZSP = 37008
TUNNEL_PORTS = sum(
    1 << bit
    for bit in {
        port & 63
        for port in (
            PORT_L2TP,
            PORT_GTP,
            PORT_GTP_OLD,
            PORT_TEREDO,
            PORT_LISP,
            PORT_GRE,
            PORT_VXLAN,
            PORT_VXLAN_GPE,
            PORT_AYIYA,
            PORT_GENEVE,
            PORT_MPLS,
            PORT_VXLAN_LINUX,
            PORT_TZSP,
        )
    }
)
"""Their low six bits: most datagrams are turned away by one look."""

MAX_TUNNELS = 4
"""Tunnels in tunnels that are followed: three are seen (a mirror of a VXLAN of GRE)."""
WITH_ID = 0x80
PATH_WORDS = 7
"""What is noted of the tunnels around a packet: a byte a tunnel (its number, WITH_ID where it has
an identifier), outermost lowest, and the outer IP version in the highest; identifiers, two a
word; outer source and destination, two words each."""
