"""IP fragments: put together in bounded memory, whatever order and size they come in."""

import struct
from collections.abc import Sequence

import pytest

from agent.scan import stats
from tests import layered, packets
from tests.scan.scanning import (
    A6,
    B6,
    EVIL,
    A,
    B,
    count,
    cut,
    full_bank,
    make,
    randomness,
    scan,
    seen,
    sized,
)

NAME = "evil.example.org"
SLOTS, IDLE_US = 256, 5_000_000
"""What there is; a compiled module hides its constants."""

Piece = tuple[int, bytes, bool]
"""Where a fragment begins, what it holds, whether more follow."""


def pieces(payload: bytes, size: int) -> list[Piece]:
    """Cut a payload into fragments of `size` bytes, a multiple of eight."""
    return [
        (at, payload[at : at + size], at + size < len(payload))
        for at in range(0, len(payload), size)
    ]


def four(
    parts: Sequence[Piece], protocol: int = packets.UDP, *, number: int = 7, source: str = A
) -> list[bytes]:
    """Build frames with IPv4 fragments."""
    return [
        packets.ethernet(
            packets.ipv4(
                source,
                B,
                protocol,
                data,
                identification=number,
                fragment_offset=offset,
                more_fragments=more,
            )
        )
        for offset, data, more in parts
    ]


def six(parts: Sequence[Piece], protocol: int = packets.UDP, *, number: int = 7) -> list[bytes]:
    """Build frames with IPv6 fragments."""
    return [
        packets.ethernet(
            packets.ipv6(
                A6,
                B6,
                protocol,
                data,
                extensions=[(packets.FRAGMENT, struct.pack("!HI", offset | more, number))],
            )
        )
        for offset, data, more in parts
    ]


def question(name: str = NAME, size: int = 0) -> bytes:
    """Build a datagram that asks for a name, with bytes behind it."""
    return packets.udp(50000, 53, packets.dns_query(name) + bytes(size))


def request(host: str = NAME, size: int = 0) -> bytes:
    """Build a segment whose Host stands behind `size` bytes of target."""
    return packets.tcp(50000, 80, packets.http_request("/" + "a" * size, host))


@pytest.mark.parametrize("build", [four, six])
@pytest.mark.parametrize("size", [8, 16, 24, 64, 512])
@pytest.mark.parametrize("order", ["forth", "back", "mixed"])
def test_name_is_found_in_any_order_of_fragments(build, size: int, order: str) -> None:  # type: ignore[no-untyped-def]
    """Systems send first or last fragments first, networks mix them."""
    frames = build(pieces(request(size=600), size), packets.TCP)
    if order == "back":
        frames.reverse()
    elif order == "mixed":
        randomness(size).shuffle(frames)

    assert seen([NAME], frames) == ["http"]


def test_datagram_is_looked_at_once_and_when_it_is_whole() -> None:
    """Nothing is sighted before the last fragment, and then one question."""
    scanner = make(NAME)
    *first, last = four(pieces(question(size=100), 32))

    scanner.scan(packets.batch(first))
    before = scanner.drain(True, "")
    scanner.scan(packets.batch([last], start_us=packets.START_US + 1000))
    (sighting,) = scanner.drain(True, "")

    assert before == []
    assert (sighting.what, sighting.count) == ("question", 1)
    assert count(scanner, stats.REASSEMBLED) == 1
    assert count(scanner, stats.FRAGMENTS) == len(first) + 1
    assert count(scanner, stats.UDP) == 1


def test_addresses_ports_tags_and_time_are_the_datagrams() -> None:
    """The sighting says what one of an unfragmented datagram would."""
    whole = packets.udp(50000, 999, bytes(64))
    frames = [
        packets.ethernet(
            packets.ipv4(A, EVIL, packets.UDP, data, fragment_offset=at, more_fragments=more),
            vlans=[12],
        )
        for at, data, more in pieces(whole, 24)
    ]

    (sighting,) = scan([f"{EVIL}:999"], frames)

    assert (sighting.source.port, sighting.destination.port, sighting.vlans) == (50000, 999, (12,))


def test_lone_first_fragment_is_looked_at_as_far_as_it_came() -> None:
    """At the end, or after five seconds: an attempt or a name in it is not lost."""
    scanner = make(NAME)
    first = four(pieces(question(size=100), 64))[0]
    other = packets.syn_frame(A, 1, B, 2)

    scanner.scan(packets.batch([first]))
    scanner.scan(packets.batch([other], start_us=packets.START_US + IDLE_US + 1_000_000))
    scanner.scan(packets.batch([other], start_us=packets.START_US + IDLE_US + 2_000_000))
    (sighting,) = scanner.drain(True, "")

    assert sighting.what == "question"
    assert sighting.first_us == packets.START_US
    assert count(scanner, stats.FRAGMENTS_INCOMPLETE) == 1


def test_lone_first_fragments_are_counted_when_they_are_given_up() -> None:
    """By behaviours too, also where the clock of the capture has gone back since."""
    bank = full_bank()
    scanner = make(bank=bank)
    frames = [
        four(pieces(packets.udp(40000, port, bytes(100)), 64), number=port)[0] for port in (5, 6)
    ]
    late = packets.START_US + 100 * IDLE_US

    scanner.scan(packets.batch(frames, start_us=late))
    scanner.scan(packets.batch([packets.syn_frame(A, 1, B, 2)]))
    scanner.finish()

    (hot,) = [key for key in bank.hot().keys if key.table == "udp_ports"]
    row = bank.find("udp_ports", hot.key)
    assert row
    assert row.items == dict.fromkeys((5, 6), packets.START_US // 1_000_000)


def test_fragments_without_the_first_tell_nothing() -> None:
    """They have no ports."""
    scanner = make(NAME)

    scanner.scan(packets.batch(four(pieces(question(size=100), 32))[1:]))
    scanner.finish()

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.FRAGMENTS_INCOMPLETE) == 1
    assert count(scanner, stats.ERRORS) == 0


@pytest.mark.parametrize("build", [four, six])
def test_bytes_that_came_first_stay(build) -> None:  # type: ignore[no-untyped-def]
    """A fragment that overlaps what is there changes nothing and is counted."""
    good, evil = question("good.example.org"), question(NAME)
    (first, *rest), forged = pieces(good, 16), pieces(evil, 16)
    assert len(good) == len(evil)
    scanner = make(NAME)

    scanner.scan(packets.batch(build([first, rest[0], forged[1], *rest[1:]])))
    scanner.finish()

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.FRAGMENTS_OVERLAPPING) == 1
    assert count(scanner, stats.REASSEMBLED) == 1


@pytest.mark.parametrize("build", [four, six])
def test_copies_of_fragments_are_no_contradiction_and_leave_nothing_behind(build) -> None:  # type: ignore[no-untyped-def]
    """Mirrors deliver both directions, bridges and their members: each fragment comes twice."""
    frames = build(pieces(question(size=100), 32))
    for doubled in (
        [copy for frame in frames for copy in (frame, frame)],
        [*frames, *frames],
        [*frames, frames[0]],
        [*frames, frames[-1]],
    ):
        scanner = make(NAME)

        scanner.scan(packets.batch(doubled, step_us=100))
        scanner.finish()

        assert scanner.drain(True, "")[0].what == "question"
        assert count(scanner, stats.FRAGMENTS_OVERLAPPING) == 0
        assert count(scanner, stats.FRAGMENTS_INCOMPLETE) == 0


def test_fragment_that_contradicts_a_whole_datagram_is_counted() -> None:
    """Its end came first, forged: the rest of what a receiver gets comes behind it."""
    first, *rest = pieces(question(size=60), 24)
    forged = (24, b"AAAAAAAA", False)
    scanner = make(NAME)

    scanner.scan(packets.batch(four([first, forged, *rest]), step_us=100))

    assert count(scanner, stats.REASSEMBLED) == 1
    assert count(scanner, stats.FRAGMENTS_OVERLAPPING) == 1


def test_identification_is_used_again() -> None:
    """A tenth of a second later the same numbers are another datagram, which is read."""
    scanner = make(NAME)

    scanner.scan(packets.batch(four(pieces(question("good.example.org"), 24))))
    later = packets.START_US + 100_000
    scanner.scan(packets.batch(four(pieces(question(), 24)), start_us=later))
    scanner.scan(packets.batch(four(pieces(question(), 24)), start_us=later + 100_000))
    (sighting,) = scanner.drain(True, "")

    assert (sighting.what, sighting.count) == ("question", 2)
    assert count(scanner, stats.FRAGMENTS_OVERLAPPING) == 0


@pytest.mark.parametrize("ends", [0, 1, 2])
def test_what_lies_behind_the_end_does_not_stand_for_what_is_missing(ends: int) -> None:
    """Receivers drop it; a datagram that were closed by it would hide what comes later."""
    first, middle, last = pieces(question(size=10), 24)
    beyond = (400, bytes(64), True)
    order = [first, last]
    order.insert(ends, beyond)
    scanner = make(NAME)

    scanner.scan(packets.batch(four([*order, middle])))
    (sighting,) = scanner.drain(True, "")

    assert sighting.what == "question"
    assert count(scanner, stats.FRAGMENTS_OVERLAPPING) == 1


def test_first_next_header_stays() -> None:
    """RFC 8200 section 4.5: the first fragment's counts; a forged one after it hides nothing."""
    (first, *rest) = pieces(question(), 24)
    forged = six([first], 59)
    scanner = make(NAME)

    scanner.scan(packets.batch([*six([first]), *forged, *six(rest)]))

    assert [one.what for one in scanner.drain(True, "")] == ["question"]
    assert count(scanner, stats.FRAGMENTS_OVERLAPPING) == 1


def test_many_datagrams_are_under_construction_at_a_time() -> None:
    """All of a hundred whose fragments are mixed; slots are not wasted."""
    pairs = [four(pieces(question(), 24), number=number) for number in range(100)]
    frames = [frame for parts in zip(*pairs, strict=True) for frame in parts]
    scanner = make(NAME)

    scanner.scan(packets.batch(frames, step_us=10))
    (sighting,) = scanner.drain(True, "")

    assert sighting.count == 100
    assert count(scanner, stats.FRAGMENTS_INCOMPLETE) == 0


def test_datagrams_are_told_apart() -> None:
    """By addresses, identification, protocol and tunnel."""
    evil, good = pieces(question(), 24), pieces(question("good.example.org"), 24)
    mixes = [
        (four(evil, number=1), four(good, number=2)),
        (four(evil, source=A), four(good, source="10.0.0.67")),
        (four(evil), [_in_tunnel(frame) for frame in four(good)]),
        (four(evil), six(good)),
    ]
    for one, other in mixes:
        mixed = [frame for pair in zip(one, other, strict=True) for frame in pair]

        assert seen([NAME], mixed) == ["question"]


def _in_tunnel(frame: bytes) -> bytes:
    return layered.TUNNELS["vxlan"].wrap(frame[14:])


def test_fragments_of_a_tunnel_are_put_together() -> None:
    """A full packet does not fit into a tunnel without fragments; the tunnel is still told."""
    inner = packets.ethernet(packets.ipv4(A, B, packets.TCP, request(size=1000)))
    datagram = packets.udp(50001, 4789, packets.vxlan(inner, network=9))

    (sighting,) = scan([NAME], four(pieces(datagram, 800)))

    assert sighting.what == "http"
    assert sighting.tunnel
    assert (sighting.tunnel.type, sighting.tunnel.id, sighting.tunnel.source) == ("vxlan", "9", A)


def test_fragments_inside_a_tunnel_are_put_together() -> None:
    """The datagram's tunnel is told, also when a later packet completes nothing."""
    frames = [_in_tunnel(frame) for frame in four(pieces(question(size=100), 64))]
    plain = packets.syn_frame(A, 1, EVIL, 2)

    found = scan([NAME, EVIL], [frames[0], plain, *frames[1:], plain])

    assert [(one.what, one.tunnel is None) for one in found] == [("question", False), ("syn", True)]


def test_fragments_of_fragments_are_refused() -> None:
    """Only crafted traffic has them; they are counted."""
    inner = four(pieces(question(), 24))[0]
    datagram = packets.udp(50001, 4789, packets.vxlan(inner))
    scanner = make(NAME)

    scanner.scan(packets.batch(four(pieces(datagram, 64))))

    assert count(scanner, stats.FRAGMENTS_REFUSED) == 1
    assert count(scanner, stats.ERRORS) == 0


def test_ipv6_headers_behind_the_fragment_header_are_walked() -> None:
    """Destination options lie in the first fragment."""
    options = bytes([packets.UDP, 1]) + bytes(14)
    frames = six(pieces(options + question(size=60), 24), packets.DESTINATION_OPTIONS)

    assert seen([NAME], frames) == ["question"]


def test_whole_datagram_with_a_fragment_header_is_read_at_once() -> None:
    """RFC 6946: neither an offset nor more to come."""
    scanner = make(NAME)

    scanner.scan(packets.batch(six([(0, question(), False)])))

    assert [one.what for one in scanner.drain(True, "")] == ["question"]
    assert count(scanner, stats.FRAGMENTS) == 0


def test_what_is_behind_the_room_of_a_datagram_is_left_out() -> None:
    """The largest datagram there is: its beginning is looked at, its memory is bounded."""
    payload = packets.udp(50000, 53, packets.dns_query(NAME) + bytes(65_000))
    scanner = make(NAME)

    scanner.scan(packets.batch(four(pieces(payload, 1480)), step_us=10))
    scanner.finish()

    assert [one.what for one in scanner.drain(True, "")] == ["question"]
    assert count(scanner, stats.FRAGMENTS_INCOMPLETE) == 0


def test_fragment_beyond_the_largest_datagram_is_refused() -> None:
    """The ping of death."""
    scanner = make(NAME)

    scanner.scan(packets.batch(four([(65528, bytes(100), False)])))
    scanner.finish()

    assert count(scanner, stats.FRAGMENTS_REFUSED) == 1
    assert count(scanner, stats.ERRORS) == 0


def test_flood_of_first_fragments_hides_nothing() -> None:
    """Older datagrams make room, and are looked at as far as they came."""
    scanner = make(NAME)
    frames = []
    for number in range(SLOTS * 4):
        frames += four(
            [(0, question(size=40)[:64], True)],
            number=number,
            source=f"10.9.{number >> 8}.{number & 255}",
        )

    scanner.scan(packets.batch(frames, step_us=1))
    scanner.finish()

    assert sum(one.count for one in scanner.drain(True, "")) == SLOTS * 4
    assert count(scanner, stats.FRAGMENTS_INCOMPLETE) == SLOTS * 4


def test_tcp_segment_in_fragments_opens_and_continues_heads() -> None:
    """Fragments of segments of one request."""
    text = packets.http_request("/" + "a" * 300, NAME)
    first = packets.tcp(50000, 80, text[:150], sequence=1)
    second = packets.tcp(50000, 80, text[150:], sequence=151)
    frames = four(pieces(first, 64), packets.TCP, number=1)
    frames += four(pieces(second, 64), packets.TCP, number=2)

    assert seen([NAME], frames) == ["http"]


def test_random_fragments_are_survived() -> None:
    """Any offsets, sizes and flags, cut anywhere: no error, no growth, no wrong bytes."""
    draw = randomness(11)
    scanner = make(NAME)
    for _ in range(sized(4000, 400)):
        build = draw.choice([four, six])
        offset = draw.choice([0, 0, 8, 16, 64, 16376, 16384, 65528])
        part = (
            offset,
            packets.noise(draw.randrange(90), bytes([draw.randrange(256)])),
            draw.random() < 0.6,
        )
        (frame,) = build([part], draw.choice([6, 17, 47, 4, 41, 60]), number=draw.randrange(20))
        scanner.scan(cut(frame, draw.randrange(len(frame) // 2, len(frame) + 1)))
    scanner.finish()
    scanner.drain(True, "")

    assert count(scanner, stats.ERRORS) == 0


def test_workers_put_together_what_is_theirs() -> None:
    """All fragments of a datagram go to one shard, which finds the name."""
    frames = four(pieces(question(size=200), 64))
    found = []
    for shard in range(4):
        scanner = make(NAME, shard=shard, shards=4)
        scanner.scan(packets.batch(frames))
        found += scanner.drain(True, "")

    assert [one.what for one in found] == ["question"]


def test_request_over_sctp_is_found() -> None:
    """Data chunks, the second of them a request (RFC 9260 section 3.3.1)."""
    text = packets.http_request("/", NAME)
    chunks = b"".join(
        struct.pack("!BBHIHHI", 0, 3, 16 + len(data), 1, 0, 0, 0) + data + bytes(-len(data) % 4)
        for data in (b"\0ab", text)
    )
    packet = packets.ipv4(A, B, 132, struct.pack("!HHII", 50000, 80, 0, 0) + chunks)

    (sighting,) = scan([NAME], [packets.ethernet(packet)])

    assert (sighting.what, sighting.source.port, sighting.destination.port) == ("http", 50000, 80)
    scanner = make(NAME)
    for length in range(len(packet)):
        scanner.scan(cut(packets.ethernet(packet), 14 + length))
    assert count(scanner, stats.ERRORS) == 0
