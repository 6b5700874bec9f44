"""The scanner as a whole: both sets, stopping in time, sharing work, and hostile bytes."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.capture import CaptureError
from agent.capture_files import CaptureFiles
from agent.model import DESTINATION, SOURCE, Sighting
from agent.scan import is_compiled, layout, stats
from agent.scan.lookup import TEXT_BYTES, Filters, Lookup
from agent.scan.scanner import Scanner
from tests import packets
from tests.scan.scanning import (
    A6,
    B6,
    EVIL,
    EVIL6,
    A,
    B,
    buffers,
    count,
    cut,
    full_bank,
    make,
    randomness,
    scan,
    seen,
    set_bytes,
    sized,
)

NAME = "evil.example.org"
KEYS = (EVIL, EVIL6, NAME, "/gate.php?id=", f"{NAME}/a/b", "ua:Evil/1", "66.66.0.0/16", "c::/16")
PATTERNS = ("re:dga[0-9]+", "re:[a-z]+[0-9]+")

DATALINKS = (
    packets.NULL,
    packets.ETHERNET,
    packets.RAW,
    packets.LOOP,
    packets.SLL,
    packets.SLL2,
    14,
    101,
    228,
    229,
)
"""Every link type that is read."""

SYN = packets.tcp(50000, 443, flags=packets.SYN)
QUERY = packets.udp(50000, 53, packets.dns_query(NAME, edns=True))
ANSWER = packets.udp(
    53, 50000, packets.dns_response(NAME, [(packets.CNAME, f"x.{NAME}"), (packets.A, EVIL)])
)
REQUEST = packets.tcp(
    50000, 80, packets.http_request("/a//gate.php?id=7&x=http://y/", NAME, user_agent="Evil/1")
)
HELLO = packets.tcp(50000, 443, packets.tls_hello_payload(NAME))
OPTIONS = [(packets.HOP_BY_HOP, b""), (packets.FRAGMENT, bytes(6)), (packets.ROUTING, bytes(14))]

SAMPLES: dict[str, tuple[int, bytes]] = {
    "syn": (packets.ETHERNET, packets.ethernet(packets.ipv4(A, EVIL, packets.TCP, SYN))),
    "syn6": (
        packets.ETHERNET,
        packets.ethernet(packets.ipv6(A6, EVIL6, packets.TCP, SYN, extensions=OPTIONS)),
    ),
    "question": (
        packets.ETHERNET,
        packets.ethernet(packets.ipv4(A, B, packets.UDP, QUERY, options=b"\1" * 8), vlans=[1, 2]),
    ),
    "answer": (packets.SLL, packets.sll(packets.ipv4(B, A, packets.UDP, ANSWER))),
    "request": (packets.ETHERNET, packets.ethernet(packets.ipv4(A, B, packets.TCP, REQUEST))),
    "request6": (packets.SLL2, packets.sll2(packets.ipv6(A6, B6, packets.TCP, REQUEST))),
    "hello": (
        packets.ETHERNET,
        packets.ethernet(
            packets.pppoe(packets.ipv4(A, B, packets.TCP, HELLO)), packets.PPPOE_SESSION
        ),
    ),
    "hello6": (packets.RAW, packets.ipv6(A6, B6, packets.TCP, HELLO)),
    "datagram": (
        packets.NULL,
        packets.null(packets.ipv4(A, EVIL, packets.UDP, packets.udp(1, 2, b"x" * 20))),
    ),
    "echo": (packets.LOOP, packets.null(packets.ipv4(A, EVIL, 1, packets.icmp()), order=">")),
}
"""A packet of every kind, all of them sighted."""


def test_every_sample_is_sighted() -> None:
    """What the robustness tests below corrupt is worth corrupting."""
    for name, (datalink, frame) in SAMPLES.items():
        assert len(seen(KEYS, [frame], datalink=datalink)) == 1, name


@pytest.mark.parametrize("datalink", DATALINKS)
def test_empty_packet_and_empty_batch_are_harmless(datalink: int) -> None:
    """Capture may deliver nothing, or packets of no bytes."""
    scanner = make(*KEYS)

    assert scanner.scan(packets.batch([], datalink=datalink)) == 0
    assert scanner.scan(packets.batch([b"", b"", b""], datalink=datalink)) == 3
    assert scanner.drain(True, "") == []
    assert count(scanner, stats.TRUNCATED) == 3
    assert count(scanner, stats.ERRORS) == 0


def test_own_trails_and_published_ones_are_both_matched() -> None:
    """A key may be in either set, of any kind, and in both."""
    for name, (datalink, frame) in SAMPLES.items():
        for published, own in ((KEYS, ()), ((), KEYS), (KEYS, KEYS)):
            scanner = make(*published, own=own)
            scanner.scan(packets.batch([frame], datalink=datalink))
            assert len(scanner.drain(True, "")) == 1, (name, published, own)


def test_nothing_is_sighted_without_trails() -> None:
    """Two empty sets want nothing, and what is scanned is still counted."""
    scanner = make()

    for datalink, frame in SAMPLES.values():
        scanner.scan(packets.batch([frame], datalink=datalink))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.PACKETS) == len(SAMPLES)
    assert count(scanner, stats.HTTP_REQUESTS) == 2


def test_more_listed_addresses_than_are_remembered_are_all_sighted() -> None:
    """What is known to be listed gives way to other addresses, which costs a look-up only."""
    addresses = [f"66.66.{n >> 8}.{n & 255}" for n in range(1500)]
    scanner = make(*addresses)
    frames = [packets.syn_frame(A, 50000, address, 443) for address in addresses]

    scanner.scan(packets.batch(frames * 2))

    assert [one.count for one in scanner.drain(True, "")] == [2] * 1500


def test_an_address_that_is_listed_with_a_port_is_not_remembered_for_another() -> None:
    """Of many packets to both ports, in any order, those to the listed one are sighted."""
    scanner = make(f"{EVIL}:443")
    frames = [packets.syn_frame(A, 50000, EVIL, port) for port in (443, 444, 443, 0, 443)]

    scanner.scan(packets.batch(frames))

    assert [(s.destination.port, s.count) for s in scanner.drain(True, "")] == [(443, 3)]


@pytest.mark.parametrize(
    ("listed", "pair", "ends"),
    [
        ([EVIL], (EVIL, B), SOURCE),
        ([EVIL], (A, EVIL), DESTINATION),
        ([EVIL, B], (EVIL, B), SOURCE | DESTINATION),
        ([f"{EVIL}:443", f"{B}:443"], (EVIL, B), DESTINATION),
        (["66.66.0.0/16", "198.51.100.0/24"], (EVIL, B), SOURCE | DESTINATION),
        ([EVIL6], (EVIL6, B6), SOURCE),
        ([EVIL6], (A6, EVIL6), DESTINATION),
    ],
)
def test_a_sighting_tells_which_ends_are_listed(
    listed: list[str], pair: tuple[str, str], ends: int
) -> None:
    """So that nobody looks up the other one; also where an end is known to be listed by then."""
    scanner = make(*listed)
    source, destination = pair

    scanner.scan(packets.batch([packets.syn_frame(source, 50000, destination, 443)] * 2))
    scanner.scan(packets.batch([packets.udp_frame(source, 50000, destination, 443, b"x")]))

    assert [one.ends for one in scanner.drain(True, "")] == [ends, ends]


def test_what_is_known_to_be_listed_is_sighted_in_its_turn() -> None:
    """Whether or not a packet of its group has to be looked at twice, and then counted once."""
    scanner = make(EVIL, "evil.org")
    question = packets.udp_frame(A, 1, B, 53, packets.dns_query("evil.org"))
    tunnelled = packets.ethernet(packets.ipv4(A, EVIL, packets.GRE, packets.gre(question[14:])))
    known, other = packets.syn_frame(A, 1, EVIL, 80), packets.syn_frame(B, 1, EVIL, 80)
    scanner.scan(packets.batch([known, tunnelled]))

    scanner.scan(packets.batch([tunnelled, known, question, other]))

    assert [(one.what, one.source.address, one.count) for one in scanner.drain(True, "")] == [
        ("syn", A, 2),
        ("other", A, 2),
        ("question", A, 2),
        ("question", A, 1),
        ("syn", B, 1),
    ]


def test_a_sighting_of_something_said_leaves_its_ends_open() -> None:
    """Rules about names ask for both."""
    scanner = make("evil.org")

    scanner.scan(packets.batch([packets.udp_frame(A, 1, B, 53, packets.dns_query("evil.org"))]))

    assert [one.ends for one in scanner.drain(True, "")] == [SOURCE | DESTINATION]


def test_adopted_sets_count_from_the_next_batch_on() -> None:
    """A reload neither loses nor keeps anything of the old set."""
    scanner = make(EVIL)
    frames = [packets.syn_frame(A, 1, EVIL, 2), packets.syn_frame(A, 1, "77.77.77.77", 2)]
    scanner.scan(packets.batch(frames))
    before = [s.destination.address for s in scanner.drain(True, "")]

    scanner.adopt(*buffers(["77.77.77.77"]))
    scanner.scan(packets.batch(frames))
    after = [s.destination.address for s in scanner.drain(True, "")]

    assert (before, after) == ([EVIL], ["77.77.77.77"])
    assert count(scanner, stats.PACKETS) == 4


def test_filters_of_sets_with_different_seeds_are_refused() -> None:
    """One probe serves both sets only under one seed."""
    text = bytearray(TEXT_BYTES)
    first, second = (Lookup(set_bytes([], seed), text) for seed in (1, 2))

    with pytest.raises(ValueError, match="seed"):
        Filters(first, second)


def test_scan_stops_before_the_first_packet_that_is_too_late() -> None:
    """The caller drains second by second and goes on where it stopped."""
    scanner = make(EVIL)
    batch = packets.batch([packets.syn_frame(A, 1, EVIL, 2)] * 10, step_us=300_000)

    stops = [0]
    times = []
    while stops[-1] < 10:
        stops.append(scanner.scan(batch, stops[-1], packets.START_US + len(stops) * 1_000_000))
        times.append(scanner.time_us)

    assert stops == [0, 4, 7, 10]
    assert times == [packets.START_US + 300_000 * (stop - 1) for stop in (4, 7, 10)]
    assert sum(s.count for s in scanner.drain(True, "")) == 10


def test_time_that_has_come_already_scans_nothing() -> None:
    """A packet at the very microsecond belongs to the next turn."""
    scanner = make(EVIL)
    batch = packets.batch([packets.syn_frame(A, 1, EVIL, 2)])

    assert scanner.scan(batch, 0, packets.START_US) == 0
    assert scanner.scan(batch, 0, packets.START_US + 1) == 1
    assert count(scanner, stats.PACKETS) == 1


def test_times_beyond_2038_are_read() -> None:
    """Seconds are unsigned 32-bit numbers until 2106."""
    scanner = make(EVIL)
    late = 0xFFFFFFFF * 1_000_000

    scanner.scan(packets.batch([packets.syn_frame(A, 1, EVIL, 2)], start_us=late))

    assert [s.first_us for s in scanner.drain(True, "")] == [late]


@pytest.mark.parametrize("shards", [2, 3, 7])
def test_shards_share_the_packets_and_see_together_what_one_sees(shards: int) -> None:
    """A replay over several workers yields the same sightings, each from one worker."""
    draw = randomness(5)
    batch = packets.batch(_traffic(draw, sized(3000, 400)), step_us=1)
    parts = [make(*KEYS, shard=shard, shards=shards) for shard in range(shards)]
    whole = make(*KEYS)

    for scanner in (*parts, whole):
        scanner.scan(batch)
    apart = [scanner.drain(True, "") for scanner in parts]

    together = [sighting for part in apart for sighting in part]
    assert sorted(map(_shown, together)) == sorted(map(_shown, whole.drain(True, "")))
    assert all(apart)
    for place in (stats.TCP, stats.UDP, stats.ICMP, stats.SYN, stats.SIGHTINGS):
        assert sum(count(part, place) for part in parts) == count(whole, place)


def test_both_directions_of_a_conversation_are_one_shards() -> None:
    """Question and answer meet in one worker."""
    pairs = [(f"10.0.0.{host}", B) for host in range(1, 60)] + [(A6, B6)]
    parts = [make(NAME, shard=shard, shards=4) for shard in range(4)]
    frames = []
    for client, server in pairs:
        frames.append(packets.ethernet(packets.ip(client, server, packets.UDP, QUERY)))
        frames.append(packets.ethernet(packets.ip(server, client, packets.UDP, ANSWER)))

    for part in parts:
        part.scan(packets.batch(frames))

    for part in parts:
        assert count(part, stats.DNS_QUERIES) == count(part, stats.DNS_RESPONSES)
    assert sum(count(part, stats.DNS_QUERIES) for part in parts) == len(pairs)


def test_packets_do_not_influence_each_other() -> None:
    """Any order of a mixed batch sights the same, so no state leaks from packet to packet."""
    draw = randomness(6)
    frames = _traffic(draw, sized(1500, 300))
    before = sorted(map(_shown, scan(KEYS, frames)))

    draw.shuffle(frames)

    assert sorted(map(_shown, scan(KEYS, frames))) == before


@pytest.mark.parametrize("name", SAMPLES)
def test_every_prefix_of_a_packet_is_survived(name: str) -> None:
    """Cut anywhere, a packet is read to its end, and never into the next one's bytes."""
    datalink, frame = SAMPLES[name]
    alone, followed = make(*KEYS, *PATTERNS), make(*KEYS, *PATTERNS)

    for length in range(len(frame) + 1):
        alone.scan(packets.batch([frame[:length]], datalink=datalink))
        followed.scan(cut(frame, length, datalink))

    assert count(alone, stats.ERRORS) == 0
    assert alone.statistics() == followed.statistics()
    assert _facts(alone) == _facts(followed)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_corrupted_byte_is_survived(name: str) -> None:
    """Any single byte with its bits turned, emptied, filled or off by one."""
    datalink, frame = SAMPLES[name]
    scanner = make(*KEYS, *PATTERNS, bank=full_bank())

    for place in range(len(frame)):
        old = frame[place]
        for new in {old ^ 0xFF, 0, 0xFF, (old + 1) & 0xFF, (old - 1) & 0xFF, old ^ 0x80}:
            broken = frame[:place] + bytes([new]) + frame[place + 1 :]
            assert scanner.scan(packets.batch([broken], datalink=datalink)) == 1
        scanner.drain(True, "")

    assert count(scanner, stats.ERRORS) == 0


@pytest.mark.parametrize("datalink", DATALINKS)
def test_random_payloads_are_survived(datalink: int) -> None:
    """Three hundred packets of noise, and of noise behind sound headers."""
    draw = randomness(datalink)
    scanner = make(*KEYS, *PATTERNS)
    wrap = _WRAPPERS.get(datalink, bytes)

    for _ in range(300):
        noise = draw.randbytes(draw.choice([1, 20, 60, 200, 1500]))
        protocol = draw.choice([packets.TCP, packets.UDP, packets.ICMP, draw.randrange(256)])
        build = packets.ipv4 if draw.random() < 0.5 else packets.ipv6
        source, target = (A, EVIL) if build is packets.ipv4 else (A6, EVIL6)
        sound = wrap(build(source, target, protocol, noise))
        scanner.scan(packets.batch([noise], datalink=datalink))
        scanner.scan(packets.batch([sound], datalink=datalink))

    scanner.drain(True, "")
    assert count(scanner, stats.PACKETS) == 600
    assert count(scanner, stats.ERRORS) == 0


@pytest.mark.parametrize("datalink", DATALINKS)
def test_fuzzed_bytes_are_survived(datalink: int) -> None:
    """Whatever bytes hypothesis finds, alone or spliced into a sample."""
    scanner = make(*KEYS, *PATTERNS)
    samples = [frame for link, frame in SAMPLES.values() if link == datalink]
    samples = samples or [packets.ipv4(A, B, packets.TCP, REQUEST)]

    @settings(
        max_examples=sized(200, 40),
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from(samples), st.integers(0, 200), st.integers(0, 40), st.binary(max_size=99)
    )
    def fuzz(sample: bytes, at: int, taken: int, put: bytes) -> None:
        spliced = sample[:at] + put + sample[at + taken :]
        assert scanner.scan(packets.batch([put, spliced, put], datalink=datalink)) == 3
        for sighting in scanner.drain(True, ""):
            assert sighting.count >= 1

    fuzz()

    assert count(scanner, stats.ERRORS) == 0


@pytest.mark.parametrize(
    "build",
    [
        lambda payload: packets.udp(50000, 53, payload),
        lambda payload: packets.tcp(50000, 80, b"GET " + payload),
        lambda payload: packets.tcp(
            50000, 80, b"GET /" + payload + b" HTTP/1.1\r\nHost: x\r\n\r\n"
        ),
        lambda payload: packets.tcp(50000, 80, b"GET / HTTP/1.1\r\nHost: " + payload),
        lambda payload: packets.tcp(50000, 443, b"\x16\x03\x01\x02\x00\x01" + payload),
    ],
)
def test_fuzzed_messages_are_survived(build: Callable[[bytes], bytes]) -> None:
    """The parsers of DNS, HTTP and TLS behind sound headers, on text and on bytes."""
    scanner = make(*KEYS, *PATTERNS)
    text = st.text("/?=&.:@[]% \r\n\taZ09", max_size=300).map(str.encode)

    @settings(max_examples=sized(300, 60), deadline=None, derandomize=True)
    @given(st.one_of(text, st.binary(max_size=300), st.binary(min_size=600, max_size=600)))
    def fuzz(payload: bytes) -> None:
        message = build(payload)
        protocol = packets.UDP if message[2:4] == b"\0\x35" else packets.TCP
        scanner.scan(packets.batch([packets.ethernet(packets.ipv4(A, B, protocol, message))]))
        scanner.drain(True, "")

    fuzz()

    assert count(scanner, stats.ERRORS) == 0


def test_batch_that_points_outside_its_bytes_is_counted_and_survived() -> None:
    """The second net: a record that lies makes an error of its packet only."""
    scanner = make(EVIL)
    good = packets.batch([packets.syn_frame(A, 1, EVIL, 2)] * 3)
    lie = (10**6).to_bytes(4, "little")
    meta = good.meta[:24] + lie + good.meta[28:]

    assert scanner.scan(good._replace(meta=meta)) == 3
    assert sum(s.count for s in scanner.drain(True, "")) == 2
    assert count(scanner, stats.ERRORS) == 1


@pytest.mark.shared
@pytest.mark.parametrize(
    "folder", ["maltrail", "zeek", "arkime", "tcpdump", "gopacket", "pcapng-test-generator"]
)
def test_every_capture_is_scanned_without_an_error(folder: str) -> None:
    """Real captures, odd link types and reproducers of other parsers' faults."""
    scanner = make(*KEYS, "com", "net", "org", "0.0.0.0/1", "128.0.0.0/1", "8000::/1", *PATTERNS)
    files = 0
    for path in _captures(folder):
        try:
            for batch in CaptureFiles([str(path)]).batches():
                scanner.scan(batch)
                scanner.drain(True, "")
        except CaptureError:
            continue  # libpcap refuses some on purpose
        files += 1

    assert files > 10
    assert count(scanner, stats.PACKETS) > files // 10
    assert count(scanner, stats.ERRORS) == 0


@pytest.mark.shared
def test_captures_relabelled_as_other_links_are_scanned_without_an_error() -> None:
    """The same bytes under every link type: structured nonsense."""
    files = _captures("tcpdump")[:: sized(3, 30)]
    batches = []
    for path in files:
        try:
            batches += list(CaptureFiles([str(path)]).batches())
        except CaptureError:
            continue

    for datalink in DATALINKS:
        scanner = make(*KEYS)
        for batch in batches:
            scanner.scan(batch._replace(datalink=datalink))
            scanner.drain(True, "")
        assert count(scanner, stats.ERRORS) == 0, datalink


def test_build_under_test_is_told() -> None:
    """A compiled module hides the source beside it, so the package can tell."""
    expected = os.environ.get("MALTRAIL_EXPECT_BUILD")

    assert expected in (None, "compiled" if is_compiled() else "plain")
    assert layout.FORMAT_VERSION >= 1


_WRAPPERS: dict[int, Callable[[bytes], bytes]] = {
    packets.ETHERNET: packets.ethernet,
    packets.SLL: packets.sll,
    packets.SLL2: packets.sll2,
    packets.NULL: packets.null,
    packets.LOOP: packets.null,
}


def _captures(folder: str) -> list[Path]:
    root = Path(os.environ["MALTRAIL_SHARED"], "data/corpus", folder)
    found = sorted(path for path in root.rglob("*") if path.suffix in (".pcap", ".pcapng", ".cap"))
    assert found, root
    return found[:: sized(1, 3)]


def _traffic(draw: random.Random, size: int) -> list[bytes]:
    """Draw frames of every kind between few hosts, so that sightings repeat but do not fold."""
    frames = []
    for _ in range(size):
        client, name = f"10.0.0.{draw.randrange(1, 20)}", f"{draw.randrange(3)}.{NAME}"
        message: bytes
        server, protocol, message = draw.choice(
            [
                (EVIL, packets.TCP, SYN),
                (EVIL, packets.UDP, packets.udp(9, draw.randrange(3), b"x")),
                (EVIL, packets.ICMP, packets.icmp()),
                (B, packets.TCP, SYN),
                (B, packets.UDP, packets.udp(9, 53, packets.dns_query(name))),
                (B, packets.UDP, packets.udp(9, 53, packets.dns_query("www.example.net"))),
                (B, packets.TCP, packets.tcp(9, 80, packets.http_request("/x", name))),
                (B, packets.TCP, packets.tcp(9, 80, packets.http_request("/gate.php?id=1"))),
                (B, packets.TCP, packets.tcp(9, 443, packets.tls_hello_payload(name))),
            ]
        )
        vlans = [draw.randrange(5)] * draw.randrange(3)
        frames.append(
            packets.ethernet(packets.ipv4(client, server, protocol, message), vlans=vlans)
        )
    return frames


def _shown(sighting: Sighting) -> str:
    """Spell what a sighting is about, apart from times and from what only its first packet has."""
    parts = (sighting.what, sighting.count, sighting.source, sighting.destination.address)
    return f"{parts} {sighting.protocol} {sorted(sighting.fields.items())} {sighting.packet!r}"


def _facts(scanner: Scanner) -> list[str]:
    return sorted(map(_shown, scanner.drain(True, "")))
