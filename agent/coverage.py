"""Coverage: what of the traffic was read, and what would have been missed.

Judges the scanner's counters, of one capture or of one stretch of live traffic. What holds no
names or addresses by its nature (ARP, spanning tree, routing) is told but missed by nobody.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

UNDECODED = ("not_ip", "truncated", "unknown_link", "encrypted_link", "too_deep", "errors")
"""Counters of packets in which nothing was read."""
NAMELESS = "nameless"
"""Counter of those among them that hold nothing a trail could name."""
UNREAD_PROTOCOL = "unread_protocol"
"""Counter of packets in which nothing but addresses was read: ESP and other IP protocols."""

FROM_SWITCH = "from_switch"
"""Counter of what a switch sends on every port by itself, whether a mirror ends there or not."""
DERIVED = (NAMELESS, UNREAD_PROTOCOL, FROM_SWITCH)
"""Counters that are made of what the scanner noted as unread."""
BELOW_IP = ("EtherType", "PPP protocol", "LLC SAP")
"""Layers whose unread packets are counted as not IP, too."""
READ, NO_NAME, ENCRYPTED = SAID = ("read", "no-name", "encrypted")
"""Of QUIC hellos that were read, as agent.quic counts them."""
HIDDEN = "a resolver of yours can leave the keys (HTTPS records) out"

ENOUGH_PACKETS = 1_000
"""Below, shares say little: a quiet link carries mostly ARP."""
ENOUGH_FLOWS = 100
ONE_SIDED = 0.02
"""Share of answers, or of what they answer, below which one direction is not seen."""

KNOWN: Mapping[tuple[str, int], str] = {
    ("EtherType", 0x0806): "ARP",
    ("EtherType", 0x2000): "CDP",
    ("EtherType", 0x8035): "RARP",
    ("EtherType", 0x8809): "link aggregation",
    ("EtherType", 0x8863): "PPPoE discovery",
    ("EtherType", 0x888E): "802.1X",
    ("EtherType", 0x88CC): "LLDP",
    ("EtherType", 0x88F7): "precision time",
    ("EtherType", 0x8902): "fault management",
    ("EtherType", 0x9000): "loopback test",
    ("PPP protocol", 0x8021): "IPCP",
    ("PPP protocol", 0x8057): "IPv6CP",
    ("PPP protocol", 0xC021): "LCP",
    ("PPP protocol", 0xC023): "PAP",
    ("PPP protocol", 0xC223): "CHAP",
    ("LLC SAP", 0x42): "spanning tree",
    ("LLC SAP", 0xAA): "SNAP of a vendor",
    ("LLC SAP", 0xFE): "IS-IS",
    ("IP protocol", 2): "IGMP",
    ("IP protocol", 46): "RSVP",
    ("IP protocol", 59): "no next header",
    ("IP protocol", 88): "EIGRP",
    ("IP protocol", 89): "OSPF",
    ("IP protocol", 103): "PIM",
    ("IP protocol", 112): "VRRP",
}
"""What holds nothing that a trail could name."""

UNREADABLE: Mapping[tuple[str, int], str] = {
    ("EtherType", 0x88E5): "MACsec, encrypted",
    ("EtherType", 0x8906): "Fibre Channel",
    ("IP protocol", 50): "ESP, encrypted",
    ("IP protocol", 51): "an authentication header cut short",
    ("IP protocol", 115): "L2TP version 3",
    ("IP protocol", 33): "DCCP",
}
"""Names of what else is met."""

SWITCH = frozenset(
    {
        ("EtherType", 0x2000),
        ("EtherType", 0x8809),
        ("EtherType", 0x888E),
        ("EtherType", 0x88CC),
        ("EtherType", 0x8902),
        ("EtherType", 0x9000),
        ("LLC SAP", 0x42),
        ("LLC SAP", 0xAA),
    }
)
"""Of these, what comes from the switch itself."""

Unread = tuple[str, int, int]
"""Layer, number, packets: see agent.scan.unread."""


class Missed(NamedTuple):
    """What was there and not read: how often, of how many, and what can be done about it."""

    what: str
    number: int
    of: int
    remedy: str = ""


class Trouble(NamedTuple):
    """What makes most of the traffic unreadable; `key` stays the same while it lasts."""

    key: str
    what: str
    remedy: str


class Counted(NamedTuple):
    """What a stretch of traffic came to: the scanner's counters and DERIVED.

    `quic` counts hellos that were `read`, and packets that were not by the reason; `torn` the
    captures among `captures` that broke off.
    """

    counters: Mapping[str, int]
    unread: Sequence[Unread] = ()
    quic: Mapping[str, int] = {}
    dropped: int = 0
    torn: int = 0
    captures: int = 0


def missed(counted: Counted) -> list[Missed]:
    """Return what would have been missed, in the order of layers."""
    return [entry for entry in _missed(counted) if entry.number]


def troubles(counters: Mapping[str, int]) -> Iterator[Trouble]:
    """Yield what is wrong with most of the traffic."""
    packets = counters["packets"]
    lost = _lost(counters)
    if packets >= ENOUGH_PACKETS and lost > packets / 2:
        yield Trouble(
            "undecodable",
            f"{lost} of {packets} packets could not be read",
            "run maltrail-agent coverage --live and see what they are",
        )
    yield from _one_sided(counters)


def is_read(counters: Mapping[str, int]) -> int:
    """Return how many packets were read up to their transport, or need no reading."""
    return max(0, counters["packets"] - _lost(counters))


def derived(unread: Sequence[Unread]) -> dict[str, int]:
    """Return the counters DERIVED.

    Of packets below IP those count that hold nothing a trail could name, of IP those that may.
    """
    found = dict.fromkeys(DERIVED, 0)
    for layer, number, count in unread:
        is_known = (layer, number) in KNOWN
        if layer == "IP protocol" and not is_known:
            found[UNREAD_PROTOCOL] += count
        elif layer != "IP protocol" and is_known:
            found[NAMELESS] += count
        if (layer, number) in SWITCH:
            found[FROM_SWITCH] += count
    return found


def _lost(counters: Mapping[str, int]) -> int:
    undecoded = sum(counters[name] for name in UNDECODED)
    return undecoded + counters[UNREAD_PROTOCOL] - counters[NAMELESS]


def _one_sided(counters: Mapping[str, int]) -> Iterator[Trouble]:
    """Judge by what must have come: who is answered asked, and who speaks TLS was answered.

    Attempts without answers prove nothing: scans and dead hosts are such.
    """
    pairs = (
        ("tls_hellos", "tcp_accepts", "answers of TCP servers"),
        ("dns_queries", "dns_responses", "answers of DNS servers"),
        ("tcp_accepts", "syn", "what TCP clients send"),
        ("dns_responses", "dns_queries", "what DNS clients ask"),
    )
    for there, absent, what in pairs:
        if counters[there] >= ENOUGH_FLOWS and counters[absent] < counters[there] * ONE_SIDED:
            yield Trouble(
                "one-sided",
                f"one direction is not seen: {what} "
                f"({counters[there]} {there}, {counters[absent]} {absent})",
                "mirror both directions of the link to the sensor",
            )
            return


def _missed(counted: Counted) -> Iterator[Missed]:
    c = counted.counters
    packets = c["packets"]
    yield Missed("captures that break off, from there on", counted.torn, counted.captures)
    yield Missed(
        "packets that the kernel or the interface dropped",
        counted.dropped,
        packets + counted.dropped,
        "raise capture.buffer_mb or capture.workers",
    )
    yield from _layers(counted)
    named_below = sum(count for layer, _, count in counted.unread if layer in BELOW_IP)
    yield Missed(
        "packets in which no IP stands where it should", c["not_ip"] - named_below, packets
    )
    yield Missed("packets in too many tunnels or tags", c["too_deep"], packets)
    yield Missed("encrypted 802.11 frames", c["encrypted_link"], packets, "mirror behind the radio")
    yield Missed("packets cut in their headers", c["truncated"], packets)
    yield Missed("packets cut by the snap length", c["cut"], packets, "raise capture.snaplen")
    fragments = c["fragments"]
    yield Missed("datagrams of which fragments are missing", c["fragments_incomplete"], fragments)
    yield Missed("fragments that no datagram has", c["fragments_refused"], fragments)
    yield Missed(
        "fragments that contradict others",
        c["fragments_overlapping"],
        fragments,
        "see who sends them: they hide from sensors what receivers get",
    )
    hellos = c["tls_hellos"]
    yield Missed("TLS hellos without a server name", c["tls_no_name"], hellos)
    yield Missed(
        "TLS hellos whose destination is encrypted (ECH)",
        c["tls_encrypted_hellos"],
        hellos,
        HIDDEN,
    )
    yield Missed(
        "names asked of DNS over TLS", c["dot_hellos"], hellos, "block port 853 to the outside"
    )
    yield Missed(
        "names asked of DNS over HTTPS, by the resolver's name",
        c["doh_hellos"],
        hellos,
        "answer use-application-dns.net and block public resolvers",
    )
    yield from _quic(counted)
    yield Missed("connections in HTTP/2 without TLS", c["http2_prefaces"], c["tcp"])
    messages = c["dns_queries"] + c["dns_responses"] + c["dns_malformed"]
    yield Missed("DNS messages that are malformed", c["dns_malformed"], messages)
    streams = c["streams"]
    yield Missed("segments of heads behind too many gaps", c["streams_gaps"], c["tcp"])
    yield Missed("heads of streams that found no room", c["streams_evicted"], streams)


def _layers(counted: Counted) -> Iterator[Missed]:
    """Yield the protocols that nobody reads, the most frequent first."""
    for layer, number, count in sorted(counted.unread, key=lambda row: -row[2]):
        if (layer, number) not in KNOWN:
            yield Missed(f"packets of {named(layer, number)}", count, counted.counters["packets"])


def _quic(counted: Counted) -> Iterator[Missed]:
    quic = counted.quic
    hellos = quic.get(READ, 0)
    yield Missed("QUIC hellos without a server name", quic.get(NO_NAME, 0), hellos)
    yield Missed(
        "QUIC hellos whose destination is encrypted (ECH)", quic.get(ENCRYPTED, 0), hellos, HIDDEN
    )
    initials = counted.counters["quic_initials"]
    for reason, count in quic.items():
        if reason not in SAID:
            yield Missed(f"QUIC packets not read ({reason})", count, initials)


def named(layer: str, number: int) -> str:
    """Name an unread protocol for people."""
    if not layer:
        return "still other protocols"
    text = f"{layer} {number}" if layer in ("IP protocol", "link type") else f"{layer} {number:#x}"
    name = KNOWN.get((layer, number)) or UNREADABLE.get((layer, number))
    return f"{text} ({name})" if name else text


def document(counted: Counted) -> dict[str, object]:
    """Return the report for programs."""
    c = counted.counters
    return {
        "packets": c["packets"],
        "read": is_read(c),
        "dropped": counted.dropped,
        "torn": counted.torn,
        "counters": dict(c),
        "unread": [
            {
                "layer": layer,
                "number": number,
                "name": KNOWN.get((layer, number)) or UNREADABLE.get((layer, number), ""),
                "packets": count,
            }
            for layer, number, count in counted.unread
        ],
        "quic": dict(counted.quic),
        "missed": [entry._asdict() for entry in missed(counted)],
        "troubles": [trouble._asdict() for trouble in troubles(c)],
    }
