"""Copies of one packet are one observation; what a host sends again is another."""

import pytest

from agent.model import Sighting
from agent.scan import stats
from agent.scan.duplicates import Duplicates
from agent.scan.scanner import Scanner
from tests import layered, packets
from tests.scan.scanning import EVIL, A, B, count, make

NAME = "evil.example.org"
WINDOW_US = 20_000
PLACES = 8192


def scanners(number: int = 1, *keys: str) -> list[Scanner]:
    """Make scanners that compare what they see."""
    made = [make(*(keys or (EVIL, NAME))) for _ in range(number)]
    table = Duplicates()
    for scanner in made:
        scanner.compare(table)
    return made


def counted(scanner: Scanner) -> int:
    """Return how many observations were made."""
    found: list[Sighting] = scanner.drain(True, "")
    return sum(sighting.count for sighting in found)


SYN = packets.syn_frame(A, 50000, EVIL, 443)
QUESTION = packets.udp_frame(A, 50000, B, 53, packets.dns_query(NAME))
REQUEST = packets.tcp_frame(A, 50000, B, 80, packets.http_request("/", NAME))


@pytest.mark.parametrize("frame", [SYN, QUESTION, REQUEST])
@pytest.mark.parametrize("step_us", [0, 100, WINDOW_US // 2 - 1])
def test_copies_within_the_window_are_one_observation(frame: bytes, step_us: int) -> None:
    """Both ways of a mirror port deliver them microseconds apart, or as its queue is long."""
    (scanner,) = scanners()

    scanner.scan(packets.batch([frame] * 3, step_us=step_us))

    assert counted(scanner) == 1
    assert count(scanner, stats.DUPLICATES) == 2


@pytest.mark.parametrize("at", [at for at in range(40) if at not in (12, 13)])
def test_a_packet_that_differs_in_one_byte_is_no_copy(at: int) -> None:
    """Each of the forty bytes behind the IP header counts; two of them make it an attempt."""
    first = bytearray(packets.tcp(50000, 443, flags=packets.SYN) + bytes(21))
    other = bytearray(first)
    other[at] ^= 0x80
    frames = [packets.ethernet(packets.ip(A, EVIL, packets.TCP, bytes(b))) for b in (first, other)]
    (scanner,) = scanners()

    scanner.scan(packets.batch(frames, step_us=100))

    assert counted(scanner) == 2


@pytest.mark.parametrize("frame", [SYN, QUESTION, REQUEST])
def test_what_is_sent_again_counts_again(frame: bytes) -> None:
    """A host waits longer than that before it tries again."""
    (scanner,) = scanners()

    scanner.scan(packets.batch([frame] * 3, step_us=WINDOW_US))

    assert counted(scanner) == 3
    assert count(scanner, stats.DUPLICATES) == 0


def test_copies_on_another_interface_are_no_observation() -> None:
    """A bridge and its member: the workers share the table, whoever comes first."""
    bridge, member = scanners(2)

    bridge.scan(packets.batch([SYN, REQUEST], start_us=packets.START_US + 300))
    member.scan(packets.batch([SYN, REQUEST]))

    assert (counted(bridge), counted(member)) == (2, 0)


def test_copy_with_another_tag_or_in_a_mirror_is_a_copy() -> None:
    """The link layer differs between the places; so may the time to live, behind a router."""
    segment = packets.tcp(50000, 443, flags=packets.SYN)
    frames = [
        SYN,
        packets.ethernet(packets.ip(A, EVIL, packets.TCP, segment), vlans=[5]),
        packets.ethernet(packets.ipv4(A, EVIL, packets.TCP, segment, ttl=63)),
    ]
    (scanner,) = scanners()

    scanner.scan(packets.batch(frames, step_us=10))

    assert counted(scanner) == 1


def test_tenants_are_not_copies_of_each_other() -> None:
    """The same packet in two virtual networks is two."""
    frames = [layered.in_udp(4789, packets.vxlan(SYN, network=network)) for network in (1, 2)]
    (scanner,) = scanners()

    scanner.scan(packets.batch(frames, step_us=10))

    assert counted(scanner) == 2


def test_attempts_that_differ_all_count() -> None:
    """A scan is fast, but its packets differ in port or sequence."""
    frames = [packets.syn_frame(A, 1000 + number, EVIL, 443) for number in range(500)]
    (scanner,) = scanners()

    scanner.scan(packets.batch(frames, step_us=1))

    assert counted(scanner) == 500


def test_equal_requests_in_one_packet_all_count() -> None:
    """They stand at different places of it."""
    text = packets.http_request("/", NAME, headers=())
    (scanner,) = scanners()

    scanner.scan(packets.batch([packets.tcp_frame(A, 50000, B, 80, text * 3)]))

    assert counted(scanner) == 3


def test_request_in_segments_is_one_also_when_both_interfaces_put_it_together() -> None:
    """Heads are compared by their place in the stream."""
    text = packets.http_request("/", NAME)
    frames = [
        packets.tcp_frame(A, 50000, B, 80, text[:30], sequence=1),
        packets.tcp_frame(A, 50000, B, 80, text[30:], sequence=31),
    ]
    both = scanners(2)

    for scanner in both:
        scanner.scan(packets.batch(frames, step_us=10))

    assert [counted(scanner) for scanner in both] == [1, 0]


def test_flood_of_copies_leaves_other_sightings_alone() -> None:
    """The table is bounded; what falls out of it counts twice, never less than once."""
    frames = [
        packets.syn_frame(A, 1 + number % 60000, EVIL, number // 60000) for number in range(20000)
    ]
    (scanner,) = scanners()

    scanner.scan(packets.batch([frame for frame in frames for _ in (0, 1)], step_us=1))

    assert counted(scanner) == 20000


def test_what_the_table_cannot_hold_is_counted() -> None:
    """Copies that come when the table was filled anew count again; how many may is told."""
    few, many = PLACES // 16, 4 * PLACES
    for number in (few, many):
        (scanner,) = scanners()
        frames = [
            packets.syn_frame(A, 1 + each % 60000, EVIL, each // 60000) for each in range(number)
        ]
        for start_us in (0, WINDOW_US - 1):
            scanner.scan(packets.batch(frames, start_us=packets.START_US + start_us, step_us=0))
        lost = counted(scanner) - number

        forgotten = count(scanner, stats.SIGHTINGS_FORGOTTEN)
        assert count(scanner, stats.DUPLICATES) == number - lost
        assert lost <= forgotten
        assert (forgotten < number // 8) == (number == few)
