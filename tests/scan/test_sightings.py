"""Sightings: repeats are counted, floods are folded, nothing listed is lost for another's noise."""

import random
import struct
from collections.abc import Iterator

import pytest

from agent.model import Endpoint, Sighting
from agent.scan import stats
from agent.scan.scanner import Scanner
from tests import packets
from tests.scan.scanning import A6, EVIL, EVIL6, A, B, count, make, randomness, scan

RECORDS, FOLD_FROM, PATTERN_RECORDS = 8192, 7168, 1536
"""The room there is; a compiled module hides its constants."""

NAME = "evil.example.org"


def ask(name: str, source: str = A) -> bytes:
    """Ask a resolver for a name."""
    return packets.udp_frame(source, 50000, B, 53, packets.dns_query(name))


def attempts(number: int, target: str = EVIL) -> Iterator[bytes]:
    """Open connections to a listed address from as many sources."""
    segment = packets.tcp(50000, 443, flags=packets.SYN)
    for host in range(number):
        source = f"10.{host >> 16}.{host >> 8 & 255}.{host & 255}"
        yield packets.ethernet(packets.ipv4(source, target, packets.TCP, segment))


def is_whole(scanner: Scanner, drained: list[Sighting]) -> bool:
    """Tell whether all that was sighted is in what was drained, or counted as shed."""
    shed = count(scanner, stats.SHED) + count(scanner, stats.SHED_PATTERNS)
    return sum(s.count for s in drained) + shed == count(scanner, stats.SIGHTINGS)


def test_repeats_are_one_sighting_with_first_and_last_time() -> None:
    """Five hundred attempts from changing ports are one record."""
    frames = [packets.syn_frame(A, 40000 + number, EVIL, 443) for number in range(500)]

    (sighting,) = scan([EVIL], frames)

    assert sighting.count == 500
    assert (sighting.first_us, sighting.last_us) == (
        packets.START_US,
        packets.START_US + 499 * 1000,
    )
    assert sighting.source.port == 40000
    assert not sighting.folded


def test_service_ports_are_told_apart() -> None:
    """Attempts at different ports of a listed host are different sightings, for UDP too."""
    frames = [packets.syn_frame(A, 50000 + port, EVIL, port) for port in (22, 443, 22, 80)]
    datagrams = [packets.udp_frame(A, 50000 + port, EVIL, port) for port in (500, 123, 500)]

    assert [s.count for s in scan([EVIL], frames)] == [2, 1, 1]
    assert [s.count for s in scan([EVIL], datagrams)] == [2, 1]


def test_answers_of_a_udp_service_are_one_sighting() -> None:
    """The client's port changes, the service's does not."""
    frames = [packets.udp_frame(EVIL, 123, A, 50000 + number) for number in range(5)]

    assert [s.count for s in scan([EVIL], frames)] == [5]


def test_interface_is_the_drains() -> None:
    """A worker's scanner serves one interface and says which."""
    scanner = make(EVIL)
    scanner.scan(packets.batch([packets.syn_frame(A, 1, EVIL, 2)]))

    assert [s.interface for s in scanner.drain(True, "eth7")] == ["eth7"]


def test_first_drain_tells_the_new_and_full_drains_tell_the_rest() -> None:
    """A hit is reported at once, its repeats once a second, and together they are all."""
    scanner = make(EVIL, NAME)
    scanner.scan(packets.batch([packets.syn_frame(A, 1, EVIL, 2)] * 3))

    first = scanner.drain(False, "")
    scanner.scan(
        packets.batch([packets.syn_frame(A, 1, EVIL, 2)] * 4 + [ask(NAME)], start_us=10**15)
    )
    second = scanner.drain(False, "")
    third = scanner.drain(True, "")
    fourth = scanner.drain(True, "")

    assert [(s.what, s.count) for s in first] == [("syn", 3)]
    assert [(s.what, s.count) for s in second] == [("question", 1)]
    assert [(s.what, s.count) for s in third] == [("syn", 4)]
    assert third[0].first_us == 10**15
    assert fourth == []


def test_pending_counts_what_the_next_drain_tells() -> None:
    """Workers ask before they drain."""
    scanner = make(EVIL)
    scanner.scan(packets.batch(attempts(3)))
    before = scanner.pending
    scanner.drain(False, "")

    assert (before, scanner.pending) == (3, 0)


def test_random_drains_add_up_to_all_packets() -> None:
    """However full and other drains are mixed, no count is lost or doubled."""
    draw = randomness(3)
    scanner = make(EVIL, NAME)
    drained = []
    sent = 0
    for _ in range(60):
        frames = [
            draw.choice(
                [
                    packets.syn_frame(A, 1, EVIL, draw.randrange(5)),
                    ask(f"{draw.randrange(9)}.{NAME}"),
                ]
            )
            for _ in range(draw.randrange(9))
        ]
        sent += len(frames)
        scanner.scan(packets.batch(frames))
        drained += scanner.drain(draw.random() < 0.3, "")
    drained += scanner.drain(True, "")

    assert sum(s.count for s in drained) == sent == count(scanner, stats.SIGHTINGS)


def test_flood_from_random_sources_is_folded_into_its_trail() -> None:
    """Memory stays, every packet is counted, and folded sightings say that they are."""
    scanner = make(EVIL)

    scanner.scan(packets.batch(attempts(RECORDS + 1000), step_us=1))
    found = scanner.drain(True, "")

    assert len(found) == FOLD_FROM + 1
    assert sum(s.count for s in found) == RECORDS + 1000
    assert [s.count for s in found if s.folded] == [RECORDS + 1000 - FOLD_FROM]
    assert count(scanner, stats.FOLDED) == RECORDS + 1000 - FOLD_FROM
    assert count(scanner, stats.SHED) == 0
    assert found[-1].destination.address == EVIL


def test_no_trail_is_lost_in_the_flood_of_another() -> None:
    """Four hundred trails seen once each behind a flood are all told."""
    names = [f"t{number}.example.net" for number in range(400)]
    scanner = make(EVIL, EVIL6, NAME, *names)
    quiet = [ask(name) for name in names]
    quiet += [packets.syn_frame(A6, 1, EVIL6, 443), ask(f"www.{NAME}")]

    scanner.scan(packets.batch([*attempts(RECORDS), *quiet], step_us=1))
    found = scanner.drain(True, "")

    asked = {_name(s) for s in found if s.what == "question"}
    assert asked == {*names, f"www.{NAME}"}
    assert EVIL6 in {s.destination.address for s in found}
    assert count(scanner, stats.SHED) == 0
    assert is_whole(scanner, found)


def test_own_trails_flood_does_not_hide_the_published_sets() -> None:
    """Rows of the two sets are folded apart, also where they have the same number."""
    scanner = make(EVIL, own=["77.77.77.77"])
    frames = [*attempts(FOLD_FROM), packets.syn_frame(B, 1, EVIL, 443)]
    frames.append(packets.syn_frame(B, 1, "77.77.77.77", 443))

    scanner.scan(packets.batch(frames, step_us=1))
    folded = [s.destination.address for s in scanner.drain(True, "") if s.folded]

    assert sorted(folded) == sorted([EVIL, "77.77.77.77"])


def test_more_trails_than_records_are_shed_and_counted() -> None:
    """Only more listed names within a second than there are records can lose any."""
    names = [f"t{number}.example.net" for number in range(RECORDS + 50)]
    scanner = make(*names)

    scanner.scan(packets.batch([ask(name) for name in names], step_us=1))
    found = scanner.drain(True, "")

    assert len(found) == RECORDS
    assert count(scanner, stats.SHED) == 50
    assert is_whole(scanner, found)


def test_names_that_only_may_match_take_no_room_from_listed_ones() -> None:
    """A flood of candidates of a pattern is shed by itself."""
    scanner = make(r"re:[a-z0-9]+\.dga-[0-9]+\.net", NAME)
    flood = [ask(f"x{number}.dga-1.net") for number in range(PATTERN_RECORDS + 200)]
    listed = [ask(f"{number}.{NAME}") for number in range(500)]

    scanner.scan(packets.batch([*flood, *listed], step_us=1))
    found = scanner.drain(True, "")

    assert count(scanner, stats.SHED_PATTERNS) == 200
    assert count(scanner, stats.SHED) == 0
    assert sum(_name(s).endswith(NAME) for s in found) == 500
    assert is_whole(scanner, found)


def test_full_drain_makes_room_again() -> None:
    """The next second starts empty."""
    scanner = make(EVIL)
    for _ in range(3):
        scanner.scan(packets.batch(attempts(FOLD_FROM), step_us=1))
        assert len(scanner.drain(True, "")) == FOLD_FROM

    assert count(scanner, stats.FOLDED) == 0


def test_large_packets_are_cut_and_find_room() -> None:
    """Beyond the first ones a packet has a cap: room for every record's packet is bounded."""
    scanner = make(NAME)
    filler = b"x" * 4000
    frames = [
        packets.tcp_frame(A, 50000, B, 80, packets.http_request(f"/{number}", NAME, body=filler))
        for number in range(600)
    ]

    scanner.scan(packets.batch(frames, step_us=1))
    found = scanner.drain(True, "")

    sizes = [len(s.packet) for s in found]
    assert min(sizes) == 2048
    assert sum(size - 2048 for size in sizes) <= 1 << 20
    assert len(found) == 600
    assert count(scanner, stats.SHED) == 0
    assert is_whole(scanner, found)


def test_field_beyond_what_is_kept_is_cut_with_it() -> None:
    """A slice never points outside the kept packet."""
    payload = packets.http_request("/" + "a" * 9000, NAME, user_agent="Late/1")

    (sighting,) = scan([NAME], [packets.tcp_frame(A, 1, B, 80, payload)])

    assert sighting.fields["target"] == payload[4:8192]
    assert set(sighting.fields) == {"method", "target"}


def test_every_packet_of_a_mixed_flood_is_in_a_count() -> None:
    """Random traffic of every kind at several times the room: sums stay exact."""
    draw = randomness(4)
    scanner = make(EVIL, EVIL6, NAME, "/gate.php", "re:[a-z]+[0-9]+")
    drained = []
    for _ in range(4):
        frames = [_random_frame(draw) for _ in range(1500)]
        scanner.scan(packets.batch(frames, step_us=1))
        drained += scanner.drain(False, "") + scanner.drain(True, "")

    assert is_whole(scanner, drained)
    assert count(scanner, stats.ERRORS) == 0


def _random_frame(draw: random.Random) -> bytes:
    source = f"10.{draw.randrange(4)}.{draw.randrange(256)}.{draw.randrange(1, 255)}"
    name = f"{draw.randrange(3000)}.{draw.choice([NAME, 'harmless.example.net'])}"
    kind = draw.randrange(5)
    if kind == 0:
        return packets.syn_frame(source, 1, EVIL, 443)
    if kind == 1:
        return packets.udp_frame(source, 1, B, 53, packets.dns_query(name))
    if kind == 2:
        return packets.tcp_frame(source, 1, B, 80, packets.http_request("/gate.php", name))
    if kind == 3:
        return packets.tcp_frame(source, 1, B, 443, packets.tls_hello_payload(name))
    return packets.udp_frame(source, draw.randrange(65536), EVIL, draw.randrange(65536))


def _name(sighting: Sighting) -> str:
    labels, at = [], struct.calcsize("!6H")
    while size := sighting.packet[at]:
        labels.append(sighting.packet[at + 1 : at + 1 + size].decode())
        at += 1 + size
    return ".".join(labels)


@pytest.mark.parametrize(
    ("frame", "port"),
    [(packets.syn_frame(A, 40000, EVIL, 443), 443), (packets.icmp_frame(A, EVIL), None)],
)
def test_endpoints_are_as_their_constructor_makes_them(frame: bytes, port: int | None) -> None:
    """Of the same type, equal and with an equal hash, also without a port."""
    (sighting,) = scan([EVIL], [frame])

    made = Endpoint(EVIL, port)
    assert type(sighting.destination) is Endpoint
    assert (sighting.destination, hash(sighting.destination)) == (made, hash(made))
    assert sighting.destination.port == port


def test_hosts_are_told_apart_whose_texts_share_a_place() -> None:
    """More hosts than texts are remembered, each with its own address, seen twice."""
    listed, hosts = [EVIL, EVIL6], range(5000)
    sources = [f"10.0.{host >> 8}.{host & 255}" for host in hosts] * 2
    scanner = make(*listed)
    found: list[str] = []

    for begin in range(0, len(sources), 1000):
        frames = [packets.syn_frame(one, 40000, EVIL, 443) for one in sources[begin : begin + 1000]]
        scanner.scan(packets.batch(frames))
        found += [sighting.source.address for sighting in scanner.drain(True, "")]

    assert found == sources
