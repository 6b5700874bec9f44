"""IPv4 and IPv6 headers, TCP flags, UDP, ICMP and other protocols: which packets are sighted."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.model import Endpoint, Sighting
from agent.scan import stats
from tests import packets
from tests.scan.scanning import A6, B6, EVIL, EVIL6, A, B, count, full_bank, make, scan, seen

KEYS = (EVIL, EVIL6)
SYN = packets.tcp(50000, 443, flags=packets.SYN)
QUERY = packets.udp(50000, 53, packets.dns_query("evil.example.org"))


def test_address_is_listed_in_either_direction() -> None:
    """The listed side may open the connection or accept it, in IPv4 and IPv6."""
    frames = [
        packets.syn_frame(A, 50000, EVIL, 443),
        packets.syn_frame(EVIL, 31337, A, 22),
        packets.syn_frame(A6, 50000, EVIL6, 443),
        packets.syn_frame(EVIL6, 31337, A6, 22),
    ]

    found = scan(KEYS, frames)

    assert [sighting.what for sighting in found] == ["syn"] * 4
    assert [
        Endpoint(A, 50000),
        Endpoint(EVIL, 31337),
        Endpoint(A6, 50000),
        Endpoint(EVIL6, 31337),
    ] == [sighting.source for sighting in found]
    assert Endpoint(EVIL, 443) == found[0].destination


def test_unlisted_addresses_are_not_sighted() -> None:
    """Neighbours of a listed address are none of our business."""
    frames = [packets.syn_frame(A, 50000, f"66.66.66.{last}", 443) for last in (65, 67, 6, 0, 255)]
    frames.append(packets.syn_frame(A6, 50000, "dead::bee", 443))

    assert scan(KEYS, frames) == []


@pytest.mark.parametrize("flags", [0x02, 0x02 | 0x40, 0x02 | 0x80, 0x02 | 0xC0, 0x02 | packets.PSH])
def test_syn_counts_with_any_congestion_bits(flags: int) -> None:
    """RFC 3168 lets clients set ECE and CWR; most do."""
    assert seen(KEYS, [packets.tcp_frame(A, 50000, EVIL, 443, flags=flags)]) == ["syn"]


@pytest.mark.parametrize(("flags", "what"), [(0x12, "accept"), (0x52, "accept"), (0x14, "refuse")])
def test_answers_to_an_attempt_are_told_apart(flags: int, what: str) -> None:
    """They are no attempts, but say what came of one."""
    frames = [packets.tcp_frame(EVIL, 443, A, 50000 + port, flags=flags) for port in range(3)]

    (sighting,) = scan(KEYS, frames)

    assert (sighting.what, sighting.count) == (what, 3)


@pytest.mark.parametrize("flags", [0x10, 0x18, 0x11, 0x04, 0x06, 0x03, 0x00, 0x01, 0x29])
def test_other_segments_are_no_attempt(flags: int) -> None:
    """Data, resets and probes with odd flags open no connection (rule T-10b)."""
    assert seen(KEYS, [packets.tcp_frame(A, 50000, EVIL, 443, flags=flags)]) == []


@pytest.mark.parametrize(
    ("flags", "places"),
    [
        (0x02, (stats.SYN,)),
        (0xC2, (stats.SYN,)),
        (0x00, (stats.PROBES,)),
        (0x01, (stats.PROBES,)),
        (0x29, (stats.PROBES,)),
        (0x10, ()),
        (0x12, ()),
        (0x04, ()),
    ],
)
def test_attempts_and_stealth_probes_feed_the_scan_counter(
    flags: int, places: tuple[int, ...]
) -> None:
    """SYN, NULL, FIN and XMAS count for port scans (rules H-2 and H-3), bare ACKs do not."""
    bank = full_bank()
    scanner, probes = make(bank=bank), bank.tables["probes"]

    scanner.scan(packets.batch([packets.tcp_frame(A, 50000, B, 81, flags=flags)]))

    assert [1] * len(places) == [count(scanner, place) for place in places]
    assert [[81]] * len(places) == [list(row.items) for row in probes.hot()]


@pytest.mark.parametrize(
    ("source_port", "port", "payload", "ports"),
    [
        (50000, 81, b"", [81]),
        (50000, 50001, b"", []),
        (443, 81, b"", []),
        (50000, 81, b"last words", []),
    ],
)
def test_maimon_probes_count_and_ends_of_connections_do_not(
    source_port: int, port: int, payload: bytes, ports: list[int]
) -> None:
    """FIN and ACK from a client's port to a lower one; a service ends connections the other way."""
    bank = full_bank()
    frame = packets.tcp_frame(A, source_port, B, port, payload, flags=packets.FIN | packets.ACK)

    make(bank=bank).scan(packets.batch([frame]))

    assert [item for row in bank.tables["probes"].hot() for item in row.items] == ports


@pytest.mark.parametrize(("source", "target"), [(A, "127.0.0.1"), (A6, "::1")])
def test_attempts_at_the_loopback_address_are_no_scan(source: str, target: str) -> None:
    """A host that talks to itself scans nobody."""
    bank = full_bank()
    scanner, probes = make(bank=bank), bank.tables["probes"]

    scanner.scan(packets.batch([packets.syn_frame(source, 50000, target, 81)]))

    assert probes.hot() == []


def test_probe_tells_both_sides_and_their_ports() -> None:
    """A row of the counter names whom a finding is about, in both IP versions."""
    bank = full_bank()
    scanner, probes = make(bank=bank), bank.tables["probes"]

    scanner.scan(
        packets.batch([packets.syn_frame(A, 50000, B, 81), packets.syn_frame(A6, 50001, B6, 82)])
    )
    rows = sorted(probes.hot(), key=lambda row: row.first_us)

    assert [
        (len(row.source), len(row.destination), row.source_port, row.destination_port)
        for row in rows
    ] == [(4, 4, 50000, 81), (16, 16, 50001, 82)]
    assert packets.ip(A, B, 6, b"")[12:20] == rows[0].source + rows[0].destination
    assert packets.ip(A6, B6, 6, b"")[8:40] == rows[1].source + rows[1].destination


def test_udp_is_sighted_in_both_directions() -> None:
    """To and from a listed address (rule T-11); attempt and answer are two sightings."""
    frames = [packets.udp_frame(A, 4444, EVIL, 9999, b"x"), packets.udp_frame(EVIL, 9999, A, 4444)]

    assert seen(KEYS, frames) == ["datagram", "datagram"]


@pytest.mark.parametrize(
    ("source", "target", "evil_key"), [(A, EVIL, f"{EVIL}:443"), (A6, EVIL6, f"[{EVIL6}]:443")]
)
def test_address_with_port_matches_that_port_only(source: str, target: str, evil_key: str) -> None:
    """TCP and UDP, either direction, where the port is the listed side's."""
    tcp = [packets.syn_frame(source, 50000, target, 443), packets.syn_frame(target, 443, source, 1)]
    udp = [packets.udp_frame(source, 50000, target, 443), packets.udp_frame(target, 443, source, 1)]
    other = [
        packets.syn_frame(source, 443, target, 444),
        packets.udp_frame(source, 443, target, 444),
        packets.icmp_frame(source, target),
    ]

    assert seen([evil_key], tcp) == ["syn", "syn"]
    assert seen([evil_key], udp) == ["datagram", "datagram"]
    assert seen([evil_key], other) == []


@pytest.mark.parametrize(
    ("key", "inside", "outside"),
    [
        ("66.66.64.0/18", "66.66.127.255", "66.66.128.0"),
        ("66.0.0.0/8", "66.255.255.255", "67.0.0.0"),
        ("66.66.66.64/31", "66.66.66.65", "66.66.66.66"),
        ("64.0.0.0/2", "127.255.255.254", "128.0.0.1"),
        ("dead::/16", "dead:ffff::1", "deae::1"),
        ("dead:beef::/29", "dead:bee8::1", "dead:bef0::"),
        ("dead::/64", "dead::ffff:1", "dead:0:0:1::"),
        ("dead::beef:0/112", "dead::beef:1", "dead::bef0:1"),
        ("8000::/1", "ffff::1", "7fff::1"),
    ],
)
def test_network_covers_its_addresses_only(key: str, inside: str, outside: str) -> None:
    """First and last addresses of networks of every width, also as sources."""
    client = A6 if ":" in inside else A

    assert seen(
        [key],
        [
            packets.syn_frame(client, 50000, inside, 443),
            packets.udp_frame(inside, 500, client, 500),
            packets.icmp_frame(client, inside),
        ],
    ) == ["syn", "datagram", "other"]
    assert seen([key], [packets.syn_frame(client, 50000, outside, 443)]) == []


def test_echo_requests_are_sighted_and_replies_are_not() -> None:
    """Rule T-12, ICMP and ICMPv6."""
    requests = [packets.icmp_frame(A, EVIL), packets.icmp_frame(A6, EVIL6)]
    replies = [
        packets.icmp_frame(EVIL, A, 0),
        packets.icmp_frame(EVIL, A, 3),
        packets.icmp_frame(EVIL6, A6, 129),
        packets.icmp_frame(EVIL6, A6, 135),
    ]

    found = scan(KEYS, requests)

    assert [sighting.what for sighting in found] == ["other", "other"]
    assert [sighting.source.port for sighting in found] == [None, None]
    assert scan(KEYS, replies) == []


@pytest.mark.parametrize("protocol", [2, 4, 41, 47, 50, 51, 89, 132, 255])
def test_other_protocols_are_judged_by_their_outer_addresses(protocol: int) -> None:
    """Tunnels and routing protocols (rule T-12), even without a payload."""
    found = scan(KEYS, [packets.ethernet(packets.ipv4(A, EVIL, protocol, b""))])

    assert [(protocol, "other")] == [(sighting.protocol, sighting.what) for sighting in found]


@pytest.mark.parametrize("size", [4, 8, 40])
def test_ipv4_options_are_stepped_over(size: int) -> None:
    """The header's own length says where the segment begins."""
    packet = packets.ipv4(A, EVIL, packets.TCP, SYN, options=b"\x01" * size)

    (sighting,) = scan(KEYS, [packets.ethernet(packet)])

    assert Endpoint(EVIL, 443) == sighting.destination


@pytest.mark.parametrize("words", range(5))
def test_ipv4_header_length_below_its_least_is_refused(words: int) -> None:
    """A header of less than five words overlaps itself."""
    packet = bytearray(packets.ipv4(A, EVIL, packets.TCP, SYN))
    packet[0] = 0x40 | words
    scanner = make(*KEYS)

    scanner.scan(packets.batch([packets.ethernet(bytes(packet), packets.IPV4)]))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.TRUNCATED) == 1


@pytest.mark.parametrize("version", [0, 3, 5, 7, 15])
def test_other_ip_versions_are_no_ip(version: int) -> None:
    """The version nibble decides, whatever the EtherType said."""
    packet = bytearray(packets.ipv4(A, EVIL, packets.TCP, SYN))
    packet[0] = version << 4 | 5
    scanner = make(*KEYS)

    scanner.scan(packets.batch([packets.ethernet(bytes(packet), packets.IPV4)]))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.NOT_IP) == 1


def test_length_zero_means_to_the_end_of_the_capture() -> None:
    """Segmentation offload hands up packets larger than the field; Linux writes 0."""
    packet4 = packets.ipv4(A, B, packets.UDP, QUERY, length=0)
    packet6 = packets.ipv6(A6, B6, packets.UDP, QUERY, length=0)

    assert seen(["evil.example.org"], [packets.ethernet(packet4), packets.ethernet(packet6)]) == [
        "question",
        "question",
    ]


def test_what_the_link_added_behind_the_packet_is_not_read() -> None:
    """Ethernet pads short frames; a name there is not part of the message."""
    request = packets.http_request("/", host=None, user_agent=None, headers=())[:-2]
    segment = packets.tcp(50000, 80, request)
    trailer = b"Host: evil.example.org\r\n\r\n"
    plain = packets.ethernet(packets.ipv4(A, B, packets.TCP, segment)) + trailer
    six = packets.ethernet(packets.ipv6(A6, B6, packets.TCP, segment)) + trailer

    inside = packets.tcp(50000, 80, request + trailer)

    assert seen(["evil.example.org"], [plain, six]) == []
    assert seen(
        ["evil.example.org"], [packets.ethernet(packets.ipv4(A, B, packets.TCP, inside))]
    ) == ["http"]


def test_total_length_beyond_the_capture_reads_what_there_is() -> None:
    """A snap length cuts packets; what is there counts."""
    packet = packets.ipv4(A, EVIL, packets.TCP, SYN, length=1500)

    assert seen(KEYS, [packets.ethernet(packet)]) == ["syn"]


def test_lone_first_fragment_is_read_at_the_end_and_all_are_counted() -> None:
    """Only the first fragment has ports (rule L-9)."""
    first = packets.ipv4(A, EVIL, packets.TCP, SYN, more_fragments=True, identification=7)
    later = [
        packets.ipv4(A, EVIL, packets.TCP, SYN, fragment_offset=offset, identification=7)
        for offset in (8, 256 * 8, 0x1FFF * 8)
    ]
    scanner = make(*KEYS)

    scanner.scan(packets.batch([packets.ethernet(packet) for packet in (first, *later)]))

    scanner.finish()
    assert [sighting.count for sighting in scanner.drain(True, "")] == [1]
    assert count(scanner, stats.FRAGMENTS) == 4


@pytest.mark.parametrize(
    "extensions",
    [
        [(packets.HOP_BY_HOP, b"\x05\x02\0\0")],
        [(packets.ROUTING, bytes(6))],
        [(packets.DESTINATION_OPTIONS, bytes(22))],
        [(packets.FRAGMENT, struct.pack("!HI", 1, 77))],
        [
            (packets.HOP_BY_HOP, b""),
            (packets.DESTINATION_OPTIONS, b""),
            (packets.ROUTING, bytes(22)),
            (packets.FRAGMENT, struct.pack("!HI", 0, 77)),
            (packets.DESTINATION_OPTIONS, bytes(6)),
        ],
        [(packets.DESTINATION_OPTIONS, b"")] * 8,
    ],
)
def test_ipv6_extension_headers_are_walked(extensions: list[tuple[int, bytes]]) -> None:
    """Port and flags lie behind all of them (RFC 8200 section 4)."""
    packet = packets.ipv6(A6, EVIL6, packets.TCP, SYN, extensions=extensions)

    (sighting,) = scan([f"[{EVIL6}]:443"], [packets.ethernet(packet)])

    assert (packets.TCP, Endpoint(EVIL6, 443)) == (sighting.protocol, sighting.destination)


def test_ipv6_name_is_found_behind_extension_headers() -> None:
    """A question below hop-by-hop options is a question."""
    packet = packets.ipv6(A6, B6, packets.UDP, QUERY, extensions=[(packets.HOP_BY_HOP, b"")])

    assert seen(["evil.example.org"], [packets.ethernet(packet)]) == ["question"]


def test_chain_of_nine_extension_headers_is_given_up() -> None:
    """No honest packet has that many; the work per packet stays bounded."""
    packet = packets.ipv6(
        A6, EVIL6, packets.TCP, SYN, extensions=[(packets.DESTINATION_OPTIONS, b"")] * 9
    )
    scanner = make(*KEYS)

    scanner.scan(packets.batch([packets.ethernet(packet)]))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.TRUNCATED) == 1


def test_later_ipv6_fragment_is_counted_and_passed_over() -> None:
    """An offset other than 0 means that the header lies in another packet."""
    packet = packets.ipv6(
        A6, EVIL6, packets.TCP, SYN, extensions=[(packets.FRAGMENT, struct.pack("!HI", 8, 77))]
    )
    scanner = make(*KEYS)

    scanner.scan(packets.batch([packets.ethernet(packet)]))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.FRAGMENTS) == 1


def test_extension_header_that_points_behind_the_packet_is_truncated() -> None:
    """A length that the packet does not have ends the walk."""
    packet = bytearray(
        packets.ipv6(A6, EVIL6, packets.TCP, SYN, extensions=[(packets.ROUTING, bytes(6))])
    )
    packet[41] = 255
    scanner = make(*KEYS)

    scanner.scan(packets.batch([packets.ethernet(bytes(packet))]))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.TRUNCATED) == 1


def test_every_packet_is_in_exactly_one_protocol_counter() -> None:
    """Counters of a mixed batch, by hand."""
    scanner = make()
    frames = [
        packets.syn_frame(A, 1, B, 2),
        packets.tcp_frame(A, 1, B, 2, b"x"),
        packets.syn_frame(A6, 1, B6, 2),
        packets.udp_frame(A, 1, B, 2),
        packets.icmp_frame(A, B),
        packets.icmp_frame(A6, B6),
        packets.ethernet(packets.ipv4(A, B, 89, b"")),
        packets.ethernet(b"", packets.ARP),
    ]

    scanner.scan(packets.batch(frames))

    expected = {
        stats.PACKETS: 8,
        stats.BYTES: sum(map(len, frames)),
        stats.IPV4: 5,
        stats.IPV6: 2,
        stats.TCP: 3,
        stats.SYN: 2,
        stats.UDP: 1,
        stats.ICMP: 2,
        stats.OTHER_PROTOCOL: 1,
        stats.NOT_IP: 1,
    }
    counted = dict(enumerate(scanner.statistics()))
    assert {**dict.fromkeys(range(stats.COUNTERS), 0), **expected} == counted


def test_every_counter_has_a_name() -> None:
    """Names are what metrics are called, so there is one each and no two are the same."""
    assert len(set(stats.NAMES)) == len(stats.NAMES) == stats.COUNTERS == len(make().statistics())


@given(
    st.integers(0x45, 0x48) | st.just(0x45) | st.just(0x44),
    st.integers(0, 80),
    st.just(0) | st.just(0x4000) | st.integers(0, 0xFFFF),
    st.sampled_from([1, 4, 6, 17, 47, 58, 132]),
    st.binary(max_size=24),
)
def test_header_means_the_same_behind_ethernet_and_without_a_link(
    first: int, total: int, place: int, protocol: int, rest: bytes
) -> None:
    """What most packets are is decoded in one go, and just as by layers."""
    addresses = bytes([10, 0, 0, 66, 66, 66, 66, 66])
    packet = struct.pack("!BBHHHBBH", first, 0, total, 7, place, 64, protocol, 0) + addresses + rest

    def told(frame: bytes, datalink: int) -> tuple[list[int], list[Sighting]]:
        scanner = make(*KEYS, bank=full_bank())
        scanner.scan(packets.batch([frame], datalink=datalink))
        scanner.finish()
        counted = scanner.statistics()
        counted[stats.BYTES] = 0
        return counted, scanner.drain(True, "")

    assert told(packets.ethernet(packet), packets.ETHERNET) == told(packet, packets.RAW)
