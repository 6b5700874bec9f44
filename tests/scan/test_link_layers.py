"""Link layers: the IP packet of a frame is found below tags, PPPoE and cooked headers."""

import struct
from collections.abc import Callable

import pytest

from agent.scan import stats
from tests import packets
from tests.scan.scanning import A6, EVIL, EVIL6, A, B, count, make, scan, seen

SYN4 = packets.ip(A, EVIL, packets.TCP, packets.tcp(50000, 443, flags=packets.SYN))
SYN6 = packets.ip(A6, EVIL6, packets.TCP, packets.tcp(50000, 443, flags=packets.SYN))
KEYS = (EVIL, EVIL6)

RAW_BSD, RAW_FILE, DLT_IPV4, DLT_IPV6 = 14, 101, 228, 229


@pytest.mark.parametrize("packet", [SYN4, SYN6])
@pytest.mark.parametrize("tags", range(5))
def test_up_to_four_vlan_tags_are_told_outermost_first(packet: bytes, tags: int) -> None:
    """The packet is found below its tags, and the sighting names them in the order of the wire."""
    vlans = [100 + number for number in range(tags)]

    (sighting,) = scan(KEYS, [packets.ethernet(packet, vlans=vlans)])

    assert tuple(vlans) == sighting.vlans


def test_priority_bits_are_no_part_of_a_vlan() -> None:
    """Priority and drop bits share the tag's sixteen bits with the identifier."""
    (sighting,) = scan(KEYS, [packets.ethernet(SYN4, vlans=[0xF005])])

    assert sighting.vlans == (5,)


def test_vlan_zero_is_a_tag() -> None:
    """A priority tag carries identifier 0, which differs from no tag."""
    (sighting,) = scan(KEYS, [packets.ethernet(SYN4, vlans=[0, 7, 0])])

    assert sighting.vlans == (0, 7, 0)


def test_provider_tag_is_a_tag() -> None:
    """802.1ad puts 0x88A8 in front of the customer's tag."""
    (sighting,) = scan(KEYS, [packets.ethernet(SYN4, vlans=[7, 8], tag=packets.QINQ)])

    assert sighting.vlans == (7, 8)


def test_fifth_tag_is_not_followed() -> None:
    """Only crafted frames have that many; they are counted as something other than IP."""
    scanner = make(*KEYS)

    scanner.scan(packets.batch([packets.ethernet(SYN4, vlans=[1, 2, 3, 4, 5])]))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.NOT_IP) == 1


def test_tags_of_one_frame_do_not_stick_to_the_next() -> None:
    """Each frame's tags are its own."""
    other = packets.ip(B, EVIL, packets.TCP, packets.tcp(50001, 443, flags=packets.SYN))

    found = scan(KEYS, [packets.ethernet(SYN4, vlans=[9]), packets.ethernet(other)])

    assert [sighting.vlans for sighting in found] == [(9,), ()]


@pytest.mark.parametrize("packet", [SYN4, SYN6])
@pytest.mark.parametrize("vlans", [[], [5], [5, 6]])
def test_pppoe_session_is_opened_behind_tags_too(packet: bytes, vlans: list[int]) -> None:
    """RFC 2516 section 4, alone or below VLAN tags."""
    frame = packets.ethernet(packets.pppoe(packet), packets.PPPOE_SESSION, vlans=vlans)

    assert seen(KEYS, [frame]) == ["syn"]


@pytest.mark.parametrize(
    ("ethertype", "payload"),
    [
        (packets.PPPOE_SESSION, packets.pppoe(SYN4, protocol=0xC021)),
        (packets.PPPOE_DISCOVERY, packets.pppoe(SYN4)),
        (packets.ARP, SYN4),
        (packets.MPLS, packets.mpls(b"\x10" + SYN4, [16])),
        (0x88CC, SYN4),
        (60, SYN4),
    ],
)
def test_what_is_no_ip_is_counted_and_passed_over(ethertype: int, payload: bytes) -> None:
    """Link control, discovery, ARP, MPLS channels, LLDP and 802.2 hold no IP."""
    scanner = make(*KEYS)

    scanner.scan(packets.batch([packets.ethernet(payload, ethertype)]))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.NOT_IP) == 1


@pytest.mark.parametrize("packet", [SYN4, SYN6])
@pytest.mark.parametrize(
    ("datalink", "build"),
    [
        (packets.SLL, packets.sll),
        (packets.SLL2, packets.sll2),
        (packets.RAW, bytes),
        (RAW_BSD, bytes),
        (RAW_FILE, bytes),
    ],
)
def test_cooked_and_raw_packets_are_read(
    packet: bytes, datalink: int, build: Callable[[bytes], bytes]
) -> None:
    """Linux cooked headers of both versions, and no header at all."""
    assert seen(KEYS, [build(packet)], datalink=datalink) == ["syn"]


def test_raw_types_of_one_ip_version_are_read() -> None:
    """LINKTYPE_IPV4 and LINKTYPE_IPV6 hold the bare packet."""
    assert seen(KEYS, [SYN4], datalink=DLT_IPV4) == ["syn"]
    assert seen(KEYS, [SYN6], datalink=DLT_IPV6) == ["syn"]


@pytest.mark.parametrize("packet", [SYN4, SYN6])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("datalink", [packets.NULL, packets.LOOP])
def test_loopback_is_read_in_both_byte_orders(packet: bytes, order: str, datalink: int) -> None:
    """The family's byte order is that of the capturing host, so the IP version decides."""
    assert seen(KEYS, [packets.null(packet, order=order)], datalink=datalink) == ["syn"]


@pytest.mark.parametrize("family", [24, 28, 30])
def test_every_systems_number_for_ipv6_is_read(family: int) -> None:
    """NetBSD, FreeBSD and macOS number the IPv6 family differently."""
    assert seen(KEYS, [packets.null(SYN6, family=family)], datalink=packets.NULL) == ["syn"]


def test_cooked_packet_keeps_a_tag_in_its_protocol() -> None:
    """The `any` interface delivers tagged frames with the tag behind the cooked header."""
    tagged = struct.pack("!HH", 42, packets.IPV4) + SYN4

    (sighting,) = scan(KEYS, [packets.sll(tagged, packets.VLAN)], datalink=packets.SLL)

    assert sighting.vlans == (42,)


@pytest.mark.parametrize("datalink", [147, 178, 0x7FFFFFFF, -1])
def test_unknown_link_type_is_counted_packet_by_packet(datalink: int) -> None:
    """A link type that nobody wrote a reader for is a number in the statistics, no guess."""
    scanner = make(*KEYS)

    scanner.scan(packets.batch([SYN4, SYN6], datalink=datalink))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.UNKNOWN_LINK) == 2


@pytest.mark.parametrize(
    ("datalink", "frame"),
    [
        (packets.ETHERNET, packets.ethernet(SYN4, vlans=[1, 2])),
        (packets.ETHERNET, packets.ethernet(packets.pppoe(SYN4), packets.PPPOE_SESSION)),
        (packets.SLL, packets.sll(SYN4)),
        (packets.SLL2, packets.sll2(SYN4)),
        (packets.NULL, packets.null(SYN4)),
        (packets.RAW, SYN4),
    ],
)
def test_frame_cut_in_its_headers_is_counted_as_truncated(datalink: int, frame: bytes) -> None:
    """Every cut before the TCP flags is one truncated packet, and nothing is sighted."""
    scanner = make(*KEYS)
    whole = len(frame) - len(SYN4) + 20 + 14

    for length in range(whole):
        scanner.scan(packets.batch([frame[:length]], datalink=datalink))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.TRUNCATED) == whole
    assert count(scanner, stats.ERRORS) == 0
