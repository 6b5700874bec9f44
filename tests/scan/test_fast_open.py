"""TCP Fast Open, RFC 7413: what a client says first comes with its SYN."""

import pytest

from tests import packets
from tests.scan.scanning import EVIL, A, seen

NAME = "evil.org"
REQUEST = packets.http_request("/", NAME)
SYN_ACK = packets.SYN | packets.ACK


def segment(payload: bytes, sequence: int, flags: int = packets.PSH | packets.ACK) -> bytes:
    """Return a segment of one connection."""
    return packets.tcp_frame(A, 50_000, "192.0.2.80", 80, payload, flags=flags, sequence=sequence)


def test_request_in_a_syn_is_read() -> None:
    """And the attempt is seen all the same."""
    frame = packets.tcp_frame(A, 50_000, EVIL, 80, REQUEST, flags=packets.SYN)

    assert sorted(seen([NAME, EVIL], [frame])) == ["http", "syn"]


@pytest.mark.parametrize("size", [4, 20, len(REQUEST) - 1])
def test_request_that_begins_in_a_syn_goes_on_behind_it(size: int) -> None:
    """A SYN takes a sequence number of its own."""
    frames = [segment(REQUEST[:size], 9, packets.SYN), segment(REQUEST[size:], 10 + size)]

    assert seen([NAME], frames) == ["http"]


def test_what_a_service_says_with_its_syn_is_read() -> None:
    """A redirection, say, before it knows whether the client is who it says."""
    frame = packets.tcp_frame(A, 80, EVIL, 50_000, REQUEST, flags=SYN_ACK)

    assert "http" in seen([NAME], [frame])


def test_padding_of_a_short_frame_is_no_data() -> None:
    """Ethernet fills a SYN up to 60 bytes."""
    frame = packets.tcp_frame(A, 50_000, EVIL, 80, flags=packets.SYN)

    assert seen([NAME, EVIL], [frame + b"GET / HTTP/1.1\r\nHost: evil.org\r\n\r\n"]) == ["syn"]
