"""Community ID version 1, seed 0: one short text for both directions of a flow."""

import struct
from binascii import b2a_base64
from hashlib import sha1

from agent.direction import packed
from agent.model import Endpoint

_SEED = bytes(2)
_END = struct.Struct("!BBHH")  # protocol, padding, ports
_PROTOCOLS = {"ICMP": 1, "TCP": 6, "UDP": 17, "ICMPV6": 58, "SCTP": 132}

# The specification puts an ICMP message's type and that of its answer where ports go. A hit on
# ICMP is always an echo request (rule T-12), so these are the only two pairs that we need.
_ECHO = {"ICMP": (8, 0), "ICMPV6": (128, 129)}


def community_id(source: Endpoint, destination: Endpoint, protocol: str) -> str:
    """Return the identifier of the flow, or an empty text where it has none."""
    number = _PROTOCOLS.get(protocol)
    one, other = packed(source.address), packed(destination.address)
    if number is None or one is None or other is None or len(one) != len(other):
        return ""
    ports = _ECHO.get(protocol, (source.port, destination.port))
    if ports[0] is None or ports[1] is None:
        return ""
    low, high = (one, ports[0]), (other, ports[1])
    if high < low:
        low, high = high, low
    flow = b"".join((_SEED, low[0], high[0], _END.pack(number, 0, low[1], high[1])))
    digest = sha1(flow, usedforsecurity=False).digest()
    return "1:" + b2a_base64(digest, newline=False).decode("ascii")
