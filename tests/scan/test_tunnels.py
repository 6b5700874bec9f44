"""Tunnels and media: the inner packet is scanned like any other, and told with its way."""

import struct
from collections.abc import Iterator

import pytest

from agent.model import Endpoint, Sighting
from agent.scan import layers, stats
from tests import layered, packets
from tests.scan.scanning import (
    A6,
    B6,
    EVIL,
    EVIL6,
    A,
    B,
    count,
    cut,
    make,
    randomness,
    scan,
    seen,
    sized,
)

SEGMENT = packets.tcp(50000, 443, flags=packets.SYN)
SYN4 = packets.ip(A, EVIL, packets.TCP, SEGMENT)
SYN6 = packets.ip(A6, EVIL6, packets.TCP, SEGMENT)
KEYS = (EVIL, EVIL6)
FLAGS_AT = 14
"""Bytes of a segment up to its flags, behind which a cut loses nothing that we need."""


def carried(name: str) -> list[bytes]:
    """Return the packets that a tunnel can carry."""
    fits = {4: name not in layered.ONLY_SIX, 6: name not in layered.ONLY_FOUR}
    return [packet for packet in (SYN4, SYN6) if fits[packet[0] >> 4]]


def wrappings() -> Iterator[tuple[bytes, int, int]]:
    """Return each frame with its link type, and how long it must be to be read."""
    for name, tunnel in layered.TUNNELS.items():
        for packet in carried(name):
            frame = tunnel.wrap(packet)
            yield frame, packets.ETHERNET, len(frame) - len(SEGMENT) + FLAGS_AT
    for medium in layered.MEDIA.values():
        for packet in (SYN4, SYN6):
            frame = medium.wrap(packet)
            yield frame, medium.datalink, len(frame) - len(SEGMENT) + FLAGS_AT


@pytest.mark.parametrize("name", layered.TUNNELS)
def test_inner_packet_is_sighted_with_its_tunnel(name: str) -> None:
    """The event's addresses are the inner ones; type, identifier and outer addresses are told."""
    tunnel = layered.TUNNELS[name]
    for packet in carried(name):
        found = scan(KEYS, [tunnel.wrap(packet)])

        (sighting,) = [one for one in found if one.what == "syn"]
        evil, client = (EVIL, A) if packet is SYN4 else (EVIL6, A6)
        assert (Endpoint(client, 50000), Endpoint(evil, 443)) == (
            sighting.source,
            sighting.destination,
        )
        told = sighting.tunnel
        assert told
        outer = (
            (layered.OUTER6, layered.OUTER_PEER6)
            if tunnel.six
            else (layered.OUTER, layered.OUTER_PEER)
        )
        assert (told.type, told.id, told.source, told.destination) == (
            tunnel.type,
            tunnel.id,
            *outer,
        )


@pytest.mark.parametrize("name", layered.MEDIA)
@pytest.mark.parametrize("packet", [SYN4, SYN6])
def test_packet_is_found_below_every_header(name: str, packet: bytes) -> None:
    """No tunnel, the same addresses; VLAN tags are told outermost first."""
    medium = layered.MEDIA[name]

    (sighting,) = scan(KEYS, [medium.wrap(packet)], datalink=medium.datalink)

    assert (sighting.what, sighting.tunnel, sighting.vlans) == ("syn", None, medium.vlans)


def test_frame_cut_anywhere_is_passed_over() -> None:
    """Nothing is read behind the end of the capture, where the rest of the frame lies."""
    scanner = make(*KEYS)
    packets_sent = 0
    for frame, datalink, needed in wrappings():
        for length in range(needed):
            scanner.scan(cut(frame, length, datalink))
        packets_sent += needed

    assert [one for one in scanner.drain(True, "") if one.what == "syn"] == []
    assert count(scanner, stats.ERRORS) == 0
    assert count(scanner, stats.PACKETS) == packets_sent


def test_any_corrupt_byte_is_survived() -> None:
    """One byte at a time, several values: no parser reads beyond its bounds."""
    draw = randomness(7)
    scanner = make(*KEYS)
    for frame, datalink, _ in wrappings():
        for place in range(0, len(frame), sized(1, 7)):
            for value in (0, 0xFF, draw.randrange(256), frame[place] ^ (1 << draw.randrange(8))):
                damaged = frame[:place] + bytes([value]) + frame[place + 1 :]
                scanner.scan(cut(damaged + b"\xff" * 8, len(frame), datalink))
        scanner.drain(True, "")

    assert count(scanner, stats.ERRORS) == 0


def test_random_bytes_in_every_tunnel_are_survived() -> None:
    """Behind each header, noise of every length up to a hundred bytes."""
    scanner = make(*KEYS)
    for name, tunnel in layered.TUNNELS.items():
        head = tunnel.wrap(carried(name)[0])[: -len(carried(name)[0])]
        for size in range(0, 100, sized(1, 9)):
            frame = head + packets.noise(size, name.encode() + bytes([size]))
            scanner.scan(packets.batch([frame]))
    scanner.drain(True, "")

    assert count(scanner, stats.ERRORS) == 0


def test_outer_addresses_are_looked_up_too() -> None:
    """A tunnel to a listed address is told, and so is what it carries (rule T-12)."""
    found = scan([layered.OUTER_PEER, EVIL], [layered.TUNNELS["gre"].wrap(SYN4)])

    assert [(one.what, one.tunnel is None) for one in found] == [("other", True), ("syn", False)]


def test_names_inside_are_found() -> None:
    """A question below VXLAN is a question."""
    query = packets.ip(
        A, B, packets.UDP, packets.udp(50000, 53, packets.dns_query("evil.test.org"))
    )

    assert seen(["evil.test.org"], [layered.TUNNELS["vxlan"].wrap(query)]) == ["question"]


def nested(depth: int) -> bytes:
    """Put a connection attempt into so many tunnels."""
    packet = SYN4
    for _ in range(depth):
        packet = packets.ipv4(layered.OUTER, layered.OUTER_PEER, packets.GRE, packets.gre(packet))
    return packets.ethernet(packet)


def test_tunnels_in_tunnels_are_told_outermost_first() -> None:
    """ERSPAN that carries VXLAN, the usual mirror of a virtual network."""
    inside = layered.TUNNELS["vxlan"].wrap(SYN4)[14:]
    (sighting,) = scan([EVIL], [layered.erspan(inside, 1)])

    assert sighting.tunnel
    assert (sighting.tunnel.type, sighting.tunnel.id) == ("erspan/vxlan", "21/30")


def test_nesting_is_followed_to_its_limit_and_counted_beyond() -> None:
    """Work for one packet is bounded."""
    scanner = make(EVIL)

    scanner.scan(packets.batch([nested(layers.MAX_TUNNELS), nested(layers.MAX_TUNNELS + 1)]))

    (sighting,) = scanner.drain(True, "")
    assert sighting.count == 1
    assert sighting.tunnel
    assert sighting.tunnel.type == "/".join(["gre"] * layers.MAX_TUNNELS)
    assert count(scanner, stats.TOO_DEEP) == 1


def test_frames_in_frames_are_given_up_and_counted() -> None:
    """Ethernet below MPLS below Ethernet, again and again."""
    frame = packets.ethernet(SYN4)
    for _ in range(20):
        frame = packets.ethernet(packets.mpls(bytes(4) + frame, [16]), packets.MPLS)
    scanner = make(EVIL)

    scanner.scan(packets.batch([frame]))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.TOO_DEEP) == 1


def test_tenants_with_the_same_addresses_are_told_apart() -> None:
    """Two virtual networks may use the same addresses: two sightings, not one."""
    frames = [
        layered.in_udp(4789, packets.vxlan(packets.ethernet(SYN4), network=network))
        for network in (1, 2, 1)
    ]

    found = scan([EVIL], frames)

    assert [(one.tunnel.id, one.count) for one in found if one.tunnel] == [("1", 2), ("2", 1)]


def test_streams_of_tenants_do_not_mix() -> None:
    """A request split over segments is put together within its own virtual network."""
    request = packets.http_request("/", "evil.test.org")
    halves = [(1, request[:40]), (1 + 40, request[40:])]
    frames = []
    for sequence, part in halves:
        for network in (1, 2):
            told = part if network == 1 else part.replace(b"evil", b"good")
            segment = packets.tcp(50000, 80, told, sequence=sequence)
            inner = packets.ethernet(packets.ipv4(A, B, packets.TCP, segment))
            frames.append(layered.in_udp(4789, packets.vxlan(inner, network=network)))

    (sighting,) = scan(["evil.test.org"], frames)

    assert _tunnel(sighting) == "vxlan 1"


def test_head_that_nothing_completes_is_told_with_its_tunnel() -> None:
    """What is looked at when it has waited in vain belongs to the tunnel it came through."""
    request = packets.http_request("/", "evil.test.org")[:-2]
    inner = packets.ethernet(packets.ipv4(A, B, packets.TCP, packets.tcp(50000, 80, request)))
    other = packets.ethernet(packets.ipv4(A, B, packets.TCP, packets.tcp(50000, 80, b"\0")))
    frames = [layered.in_udp(4789, packets.vxlan(inner, network=5)), other]

    (sighting,) = scan(["evil.test.org"], frames)

    assert _tunnel(sighting) == "vxlan 5"


def _tunnel(sighting: Sighting) -> str:
    return f"{sighting.tunnel.type} {sighting.tunnel.id}" if sighting.tunnel else ""


def test_tags_inside_follow_those_outside() -> None:
    """The outer frame's tag, then the tag of the frame that the tunnel carries."""
    inner = packets.ethernet(SYN4, vlans=[200])
    datagram = packets.udp(50001, 4789, packets.vxlan(inner))
    outer = packets.ethernet(
        packets.ipv4(layered.OUTER, layered.OUTER_PEER, packets.UDP, datagram), vlans=[100]
    )

    (sighting,) = scan([EVIL], [outer])

    assert sighting.vlans == (100, 200)


def test_tunnel_of_one_packet_does_not_stick_to_the_next() -> None:
    """Each packet's way is its own."""
    plain = packets.syn_frame(B, 50000, EVIL, 443)

    found = scan([EVIL], [layered.TUNNELS["gre"].wrap(SYN4), plain])

    assert [_tunnel(one) for one in found] == ["gre -", ""]


def test_what_only_looks_like_a_tunnel_is_a_datagram() -> None:
    """On a port that is no tunnel's the header must leave little doubt."""
    looks = [
        packets.vxlan(packets.ethernet(b"x" * 60, 0x9999)),
        struct_like_gtp(SYN4[:-1]),
        SYN6 + b"\0",
        SYN6[:4] + bytes(36),  # a remote procedure call of 40 bytes
        b"\0\0\x65\x58" + bytes(4) + bytes(60),
    ]
    scanner = make(*KEYS)

    scanner.scan(packets.batch([layered.in_udp(999, payload) for payload in looks]))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.TUNNELS) == 0
    assert count(scanner, stats.NOT_IP) == 0


def struct_like_gtp(packet: bytes) -> bytes:
    """Build a G-PDU whose packet says another length than it has."""
    return b"\x30\xff" + len(packet).to_bytes(2, "big") + bytes(4) + packet


def test_encrypted_radio_frames_are_counted() -> None:
    """What is encrypted cannot be read, and coverage says so."""
    frame = bytearray(layered.radio(SYN4))
    frame[1] |= 0x40
    scanner = make(EVIL)

    scanner.scan(packets.batch([bytes(frame)], datalink=105))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.ENCRYPTED_LINK) == 1


@pytest.mark.parametrize("control", [0x80, 0x48, 0xC4])
def test_radio_frames_without_data_are_no_ip(control: int) -> None:
    """Beacons, null frames and control frames."""
    frame = bytes([control]) + layered.radio(SYN4)[1:]
    scanner = make(EVIL)

    scanner.scan(packets.batch([frame], datalink=105))

    assert count(scanner, stats.NOT_IP) == 1


def test_unread_protocols_are_told_by_number() -> None:
    """The report of coverage names what was not read."""
    frames = [
        packets.ethernet(b"", 0x88CC),
        packets.ethernet(b"", 0x88CC),
        packets.ethernet(packets.pppoe(SYN4, protocol=0xC021), packets.PPPOE_SESSION),
        packets.ethernet(packets.ipv4(A, B, 89, b"")),
        packets.ethernet(b"\x42\x42\x03" + bytes(40), 43),
    ]
    scanner = make()

    scanner.scan(packets.batch(frames))
    scanner.scan(packets.batch([b"x"], datalink=147))

    assert scanner.unread.rows() == [
        ("EtherType", 0x88CC, 2),
        ("PPP protocol", 0xC021, 1),
        ("IP protocol", 89, 1),
        ("LLC SAP", 0x42, 1),
        ("link type", 147, 1),
    ]


def test_table_of_unread_protocols_is_bounded() -> None:
    """Made-up EtherTypes cannot fill memory; the rest is one number."""
    scanner = make()

    scanner.scan(packets.batch(packets.ethernet(b"", 0x9900 + number) for number in range(100)))

    rows = scanner.unread.rows()
    assert len(rows) == 65
    assert sum(count_ for _, _, count_ in rows) == 100


def test_every_tunnel_has_a_counter() -> None:
    """The counters behind `tunnels` are in the order of the tunnels' numbers."""
    names = stats.NAMES[stats.TUNNELS + 1 :][: len(layers.TUNNELS) - 1]

    assert names == tuple(f"tunnel_{name}" for name in layers.TUNNELS[1:])


def test_authentication_header_is_stepped_over() -> None:
    """RFC 4302 signs a segment but does not hide it, in IPv4 and IPv6."""
    for source, evil in ((A, EVIL), (A6, EVIL6)):
        header = bytes([packets.TCP, 4]) + bytes(22)
        frame = packets.ethernet(packets.ip(source, evil, 51, header + SEGMENT))

        (sighting,) = scan(KEYS, [frame])

        assert (sighting.what, sighting.destination) == ("syn", Endpoint(evil, 443))


def test_segments_larger_than_a_length_field_are_read_in_tunnels() -> None:
    """Segmentation offload leaves lengths 0, outside and inside."""
    inner = packets.ethernet(packets.ipv6(A6, EVIL6, packets.TCP, SEGMENT, length=0))
    datagram = packets.udp(50001, 4789, packets.vxlan(inner))
    outer = packets.ipv6(layered.OUTER6, layered.OUTER_PEER6, packets.UDP, datagram, length=0)

    assert seen(KEYS, [packets.ethernet(outer)]) == ["syn"]


def test_packets_cut_by_the_capture_are_counted() -> None:
    """Less was captured than the packet says it has."""
    scanner = make(EVIL)
    frame = packets.tcp_frame(A, 50000, B, 443, bytes(500))

    scanner.scan(packets.batch([frame, frame[:200], packets.syn_frame(A6, 1, B6, 2)[:-1]]))

    assert count(scanner, stats.CUT) == 2


def aggregate(*parts: bytes) -> bytes:
    """Put packets into one 802.11 frame, each a part padded to four bytes but the last."""
    frame = struct.pack("<BBH", 0x88, 1, 0) + bytes(18 + 2) + struct.pack("<H", 0x80)
    for packet in parts:
        body = layered.llc(packet)
        frame += bytes(-len(frame[26:]) % 4) + bytes(12) + struct.pack("!H", len(body)) + body
    return frame


def attempts(number: int) -> list[bytes]:
    """Build so many attempts at hosts of a listed network."""
    return [packets.ip(A, f"66.66.66.{host}", packets.TCP, SEGMENT) for host in range(number)]


@pytest.mark.parametrize("checksum", [b"", b"\xde\xad\xbe\xef"])
def test_all_parts_of_a_radio_aggregate_are_read(checksum: bytes) -> None:
    """Several packets in one frame, which may end in a checksum; IEEE 802.11-2020, 9.3.2.2.2."""
    parts = [*attempts(3), SYN6]

    found = scan([EVIL6, "66.66.66.0/24"], [aggregate(*parts) + checksum] * 2, datalink=105)

    assert [(one.destination.address, one.count) for one in found] == [
        ("66.66.66.0", 2),
        ("66.66.66.1", 2),
        ("66.66.66.2", 2),
        (EVIL6, 2),
    ]


def test_parts_of_an_aggregate_in_a_tunnel_are_each_in_that_tunnel() -> None:
    """Also where one of them goes deeper: the next one's way begins anew."""
    inner = packets.ip(A, B, packets.GRE, packets.gre(SYN6, key=7))
    frame = layered.in_ip(
        packets.GRE, packets.gre(aggregate(SYN4, inner, *attempts(1)), protocol=0x8200)
    )

    found = scan([EVIL6, "66.66.66.0/24"], [frame])

    assert [_tunnel(one) for one in found if one.what == "syn"] == ["gre -", "gre/gre -/7", "gre -"]


def test_parts_that_are_no_ip_hide_no_others() -> None:
    """ARP first, and last."""
    arp = b"\0\1\x08\0\6\4\0\1" + bytes(20)

    assert seen(KEYS, [aggregate(arp, SYN4, arp)], datalink=105) == ["syn"]


def test_parts_beyond_the_limit_and_aggregates_in_aggregates_are_counted() -> None:
    """Work for one frame is bounded."""
    scanner = make(EVIL)
    nested = packets.gre(aggregate(SYN4, SYN4), protocol=0x8200)
    deeper = aggregate(packets.ip(A, B, packets.GRE, nested), SYN4)

    scanner.scan(packets.batch([aggregate(*[SYN4] * 65), aggregate(*[SYN4] * 66)], datalink=105))
    assert count(scanner, stats.TOO_DEEP) == 1
    scanner.scan(packets.batch([deeper], datalink=105))
    assert count(scanner, stats.TOO_DEEP) == 2
    assert [(_tunnel(one), one.count) for one in scanner.drain(True, "")] == [
        ("", 131),
        ("gre -", 1),
    ]


def test_aggregate_cut_anywhere_is_read_as_far_as_it_came() -> None:
    """A length may point behind the end."""
    scanner = make(EVIL)
    frame = aggregate(SYN4, SYN4)

    for length in range(len(frame)):
        scanner.scan(cut(frame, length, 105))

    assert count(scanner, stats.ERRORS) == 0
