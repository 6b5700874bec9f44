"""HTTP/2 in the clear: requests are seen as those of HTTP/1.1 are, whatever the encoding."""

import pytest

from agent.scan import stats
from tests import packets
from tests.http2_packets import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    HEADERS,
    PADDED,
    PREFACE,
    PRIORITY,
    Client,
    frame,
    request,
    says,
    text,
)
from tests.scan.scanning import A, B, count, make, randomness, scan, sized

NAME = "evil.example.org"
EVIL = request("/gate.php?id=1", NAME, fields=[("user-agent", "Evil/1"), ("x-forwarded-for", A)])
GOOD = request("/index.html", "www.example.net")
KEYS = (NAME,)


def segments(stream: bytes, *sizes: int) -> list[bytes]:
    """Cut a stream into segments of these sizes, the rest in the last."""
    frames, at = [], 0
    for size in (*sizes, len(stream)):
        part = stream[at : at + size]
        if part:
            frames.append(packets.tcp_frame(A, 50000, B, 80, part, sequence=1 + at))
        at += size
    return frames


SCANNER = make(*KEYS)
"""For tests that only ask which hosts are in a stream; it is empty after each."""


def hosts(stream: bytes, *sizes: int) -> list[str]:
    """Return the hosts of the requests that are sighted."""
    SCANNER.scan(packets.batch(segments(stream, *sizes)))
    SCANNER.finish()
    return [one.fields["host"].decode() for one in SCANNER.drain(True, "")]


@pytest.mark.parametrize("coded", [True, False])
@pytest.mark.parametrize("indexed", [True, False])
def test_request_is_read_in_each_encoding(coded: bool, indexed: bool) -> None:
    """Huffman's code or not, with the dynamic table or without: RFC 7541 section 6."""
    (sighting,) = scan(KEYS, segments(says(EVIL, client=Client(coded=coded, indexed=indexed))))

    assert sighting.what == "http"
    assert sighting.fields == {
        "method": b"GET",
        "target": b"/gate.php?id=1",
        "host": NAME.encode(),
        "agent": b"Evil/1",
    }
    assert b"x-forwarded-for: 10.0.0.66" in sighting.packet


def test_every_byte_of_a_value_is_decoded() -> None:
    """All codes of RFC 7541 appendix B; what would end a line is no part of one."""
    every = "".join(map(chr, range(256)))
    stream = says(request("/", NAME, fields=[("x", every)]))

    (sighting,) = scan(KEYS, segments(stream))

    assert b"x: " + b"?" * 32 + bytes(range(32, 256)) in sighting.packet


def test_later_requests_refer_to_earlier_ones() -> None:
    """The second names its host by the entry that the first one made."""
    stream = says(GOOD, EVIL, EVIL, client=Client())

    (sighting,) = scan(KEYS, segments(stream))

    assert (sighting.fields["host"], sighting.count) == (NAME.encode(), 2)


def test_requests_that_come_later_are_seen() -> None:
    """Each in a segment of its own; none is seen twice."""
    client = Client()
    begin = says(GOOD, client=client)
    more = [frame(HEADERS, client.block(EVIL), END_HEADERS, 3 + 2 * n) for n in range(3)]
    stream = begin + b"".join(more)

    (sighting,) = scan(KEYS, segments(stream, len(begin), *map(len, more)))

    assert sighting.count == 3


def test_block_is_joined_from_its_frames() -> None:
    """HEADERS with padding and priority, then CONTINUATION (RFC 9113 sections 6.2 and 6.10)."""
    block = Client().block(EVIL)
    first = bytes([5]) + bytes(5) + block[:10] + bytes(5)
    stream = PREFACE + frame(HEADERS, first, PADDED | PRIORITY) + frame(CONTINUATION, block[10:15])
    stream += frame(CONTINUATION, block[15:], END_HEADERS)

    assert hosts(stream) == [NAME]


def test_other_frames_are_stepped_over() -> None:
    """What a request uploads, and what connections say of themselves."""
    client = Client()
    stream = says(GOOD, client=client) + frame(DATA, bytes(3000), 1) + frame(6, bytes(8), 0, 0)
    stream += frame(HEADERS, client.block(EVIL), END_HEADERS, 3)

    assert hosts(stream) == [NAME]


def test_table_forgets_its_oldest_entries() -> None:
    """4,096 bytes: what was pushed out cannot be referred to, what came later can."""
    long = [(f"x-{n}", "v" * 400) for n in range(12)]
    client = Client()
    blocks = [client.block(request("/", "www.example.net", fields=[one])) for one in long]
    newest = client.block(EVIL)
    stream = PREFACE + b"".join(frame(HEADERS, one, END_HEADERS) for one in [*blocks, newest])

    assert hosts(stream) == []  # our encoder never forgets: it refers to an entry that is gone
    client = Client(indexed=False)
    blocks = [client.block(request("/", "www.example.net", fields=[one])) for one in long]
    stream = PREFACE + b"".join(
        frame(HEADERS, one, END_HEADERS) for one in [*blocks, client.block(EVIL)]
    )
    assert hosts(stream) == [NAME]


def test_connect_names_its_target() -> None:
    """RFC 9113 section 8.5: no path, the authority is where to."""
    stream = says(request("", f"{NAME}:443", method="CONNECT"))

    (sighting,) = scan(KEYS, segments(stream))

    assert sighting.fields["target"] == f"{NAME}:443".encode()


def test_huge_block_is_read_as_far_as_it_goes() -> None:
    """What counts stands in front, whatever pads the rest beyond all bounds."""
    stream = says([*EVIL, ("x-padding", "x" * 40_000)], client=Client(coded=False))

    assert hosts(stream, *[1400] * 40) == [NAME]


@pytest.mark.parametrize("step", [1, 7, 60])
def test_stream_may_be_cut_anywhere(step: int) -> None:
    """Into segments of a byte, of some, and of many."""
    stream = says(GOOD, EVIL)

    assert hosts(stream, *[step] * (len(stream) // step)) == [NAME]


def test_stream_that_ends_early_shows_nothing_or_the_host() -> None:
    """Cut at every byte; nothing is made up, nothing is read behind the end."""
    stream = says(EVIL)
    whole = 0
    for size in range(len(stream) + 1):
        found = hosts(stream[:size])
        assert set(found) <= {NAME}
        whole += bool(found)

    assert whole > 1


def test_what_follows_changes_nothing() -> None:
    """Bytes that are no frames, behind the request."""
    assert hosts(says(EVIL) + packets.noise(500, b"tail")) == [NAME]


def test_any_corrupt_byte_is_survived() -> None:
    """Each byte, several values."""
    stream = says(GOOD, EVIL, EVIL)
    draw = randomness(4)
    scanner = make(*KEYS)
    for place in range(0, len(stream), sized(1, 5)):
        for value in (0, 0xFF, draw.randrange(256)):
            damaged = stream[:place] + bytes([value]) + stream[place + 1 :]
            port = 1024 + draw.randrange(60_000)
            scanner.scan(packets.batch([packets.tcp_frame(A, port, B, 80, damaged)]))
    scanner.finish()
    scanner.drain(True, "")

    assert count(scanner, stats.ERRORS) == 0


def test_requests_beyond_the_bound_are_not_read() -> None:
    """32 blocks of a connection: its first burst."""
    client = Client()
    stream = says(*[GOOD] * 32, EVIL, client=client)

    assert hosts(stream) == []
    assert hosts(says(*[GOOD] * 31, EVIL)) == [NAME]


def test_a_text_that_is_coded_ends_with_ones() -> None:
    """The builder of these tests stands on a published vector, RFC 7541 appendix C.4.1."""
    assert text("www.example.com", coded=True).hex() == "8cf1e3c2e5f23a6ba0ab90f4ff"
