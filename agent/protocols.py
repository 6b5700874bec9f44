"""Labels of IP protocols in events (detection.md appendix C, which Maltrail's readers know)."""

from types import MappingProxyType

LABELS = MappingProxyType(
    {
        0: "IP",
        1: "ICMP",
        2: "IGMP",
        4: "IPIP",
        6: "TCP",
        8: "EGP",
        12: "PUP",
        17: "UDP",
        22: "IDP",
        29: "TP",
        41: "IPV6",
        43: "ROUTING",
        44: "FRAGMENT",
        46: "RSVP",
        47: "GRE",
        50: "ESP",
        51: "AH",
        58: "ICMPV6",
        59: "NONE",
        60: "DSTOPTS",
        103: "PIM",
        132: "SCTP",
        136: "UDPLITE",
        255: "RAW",
    }
)


def label(protocol: int) -> str:
    """Return the label of a protocol number; a number without one is told as it is."""
    return LABELS.get(protocol, f"PROTO-{protocol}")
