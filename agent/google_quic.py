"""What clients say first in Google's own QUIC, versions Q0xx, which some fleets still speak.

The message is not encrypted: CHLO, a count, then tags with where their values end
(https://docs.google.com/document/d/1g5nIXAIkN_Y-7XJW5K45IblHd_L2f5LTaDUDwvZ5L6g). Facebook's Zero
put the same message into TCP.
"""

from collections.abc import Iterator
from typing import NamedTuple

MESSAGE = b"CHLO"
SERVER_NAME = b"SNI\0"
USER_AGENT = b"UAID"
ZERO = b"1QTV"
SEARCHED = 128
"""Bytes in which the message begins: public header, hash and frame header are shorter."""
MAX_TAGS = 64
MAX_NAME = 253
MAX_AGENT = 512


class Said(NamedTuple):
    """The name that a client asks for and what it calls itself, empty where it does not say."""

    server_name: str = ""
    user_agent: str = ""


def is_google(payload: bytes) -> bool:
    """Tell whether a datagram with an eight-byte connection id, or a segment, is one of these."""
    return payload[9:11] == b"Q0" or payload.startswith(ZERO)


def read(payload: bytes) -> Said:
    """Return what a client says."""
    values = dict(reversed(list(_values(payload))))  # the first of a kind counts
    name = values.get(SERVER_NAME, b"")
    agent = values.get(USER_AGENT, b"")
    return Said(
        name.decode("ascii", "backslashreplace").lower().removesuffix(".")
        if len(name) <= MAX_NAME
        else "",
        agent.decode("utf-8", "backslashreplace") if len(agent) <= MAX_AGENT else "",
    )


def _values(payload: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield tags whose values are whole."""
    at = payload.find(MESSAGE, 0, SEARCHED)
    if at < 0:
        return
    count = int.from_bytes(payload[at + 4 : at + 6], "little")
    tags = at + 8
    values = tags + 8 * count
    begin = 0
    for place in range(tags, tags + 8 * min(count, MAX_TAGS), 8):
        end = int.from_bytes(payload[place + 4 : place + 8], "little")
        value = payload[values + begin : values + end]
        if end - begin == len(value):
            yield payload[place : place + 4], value
        begin = end
