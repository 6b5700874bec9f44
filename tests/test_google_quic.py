"""Google's own QUIC: the name and the agent that its first message tells, whatever is cut off."""

import struct
from collections.abc import Mapping

import pytest

from agent import google_quic
from agent.google_quic import MAX_AGENT, MAX_TAGS, Said
from tests import packets
from tests.wired import Wired

NAME, AGENT = "evil.example.org", "Evil/1 (x)"
HEAD = b"\x0d" + bytes(8) + b"Q043" + bytes(17)


def chlo(values: Mapping[bytes, bytes]) -> bytes:
    """Build a message of tags."""
    rows, body = b"", b""
    for tag, value in values.items():
        body += value
        rows += tag.ljust(4, b"\0") + struct.pack("<I", len(body))
    return b"CHLO" + struct.pack("<HH", len(values), 0) + rows + body


SAID = {b"PAD": b"-" * 30, b"SNI": NAME.encode(), b"UAID": AGENT.encode(), b"PDMD": b"X509"}
MESSAGE = HEAD + chlo(SAID)


def test_name_and_agent_are_read() -> None:
    """Over UDP, and over TCP as in Facebook's Zero."""
    assert google_quic.read(MESSAGE) == Said(NAME, AGENT)
    assert google_quic.is_google(MESSAGE)
    assert google_quic.is_google(b"1QTV0\0\0\0\0" + chlo(SAID))
    assert not google_quic.is_google(packets.noise(60))


@pytest.mark.parametrize("size", range(len(MESSAGE)))
def test_message_cut_anywhere_tells_whole_values_only(size: int) -> None:
    """Nothing is made up."""
    said = google_quic.read(MESSAGE[:size])

    assert said.server_name in ("", NAME)
    assert said.user_agent in ("", AGENT)


def test_any_corrupt_byte_is_survived() -> None:
    """Each byte, two values."""
    for place in range(len(MESSAGE)):
        for value in (0, 0xFF):
            google_quic.read(MESSAGE[:place] + bytes([value]) + MESSAGE[place + 1 :])


def test_values_beyond_their_bounds_are_not_told() -> None:
    """An agent of a kilobyte, a tag behind many others."""
    long = {b"SNI": NAME.encode(), b"UAID": b"x" * (MAX_AGENT + 1)}
    many = {struct.pack("<I", number): b"" for number in range(MAX_TAGS)} | {b"SNI": b"x.org"}

    assert google_quic.read(HEAD + chlo(long)) == Said(NAME)
    assert google_quic.read(HEAD + chlo(many)) == Said()


def test_both_are_matched() -> None:
    """The name as a server name, the agent as a User-Agent."""
    for frame in (
        packets.udp_frame("10.0.0.5", 50000, "198.51.100.7", 443, MESSAGE + bytes(900)),
        packets.tcp_frame("10.0.0.5", 50000, "198.51.100.7", 443, b"1QTV0\0\0\0\0" + chlo(SAID)),
    ):
        wired = Wired({NAME: "malware"}, {f"ua:{AGENT}": "tool"})

        assert [where for where, _, _ in wired.told(frame)] == ["quic.sni", "http.user_agent"]
