"""Direction: which side of a packet is ours.

Strategy: the home networks become disjoint, sorted ranges of numbers, so an address costs one
binary search; the answers for the addresses seen lately are kept, in a cache of fixed size
because strangers choose the addresses.
"""

import ipaddress
import socket
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import lru_cache

from agent.model import Direction

_CACHED_ADDRESSES = 8192
_CACHED_PACKED = 2048
"""Of a client that is new all rooms ask at once, and of servers again and again."""
_MAPPED = bytes(10) + b"\xff\xff"


@lru_cache(maxsize=_CACHED_PACKED)
def packed(address: str) -> bytes | None:
    """Return the 4 or 16 bytes of an address, or None for text that is no address.

    An IPv4 address in IPv6 clothes (`::ffff:10.0.0.1`) is the IPv4 address; a zone (`%eth0`) and
    brackets are ignored.
    """
    try:
        if ":" not in address:
            return socket.inet_pton(socket.AF_INET, address)
        bare = address.strip("[]").partition("%")[0]
        raw = socket.inet_pton(socket.AF_INET6, bare)
    except (OSError, ValueError):  # ValueError: a NUL or a lone surrogate in the text
        return None
    return raw[12:] if raw.startswith(_MAPPED) else raw


class Home:
    """The networks that are ours; immutable, safe to share between threads."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Take addresses or networks in CIDR form; raise ValueError for anything else."""
        parsed = [ipaddress.ip_network(text) for text in networks]
        four = [network for network in parsed if isinstance(network, ipaddress.IPv4Network)]
        six = [network for network in parsed if isinstance(network, ipaddress.IPv6Network)]
        self._ranges = {
            4: [
                (int(network.network_address), int(network.broadcast_address))
                for network in ipaddress.collapse_addresses(four)
            ],
            16: [
                (int(network.network_address), int(network.broadcast_address))
                for network in ipaddress.collapse_addresses(six)
            ],
        }
        self.is_home: Callable[[str], bool] = lru_cache(maxsize=_CACHED_ADDRESSES)(self._find)
        """Tells whether an address is ours; text that is no address is not."""

    def direction(self, source: str, destination: str) -> Direction:
        """Return the direction from one address to another.

        For a packet that answers (a DNS response, a server's certificate) pass the side that
        opened the conversation first.
        """
        ours = self.is_home(destination)
        if self.is_home(source):
            return "internal" if ours else "outbound"
        return "inbound" if ours else "external"

    def _find(self, address: str) -> bool:
        raw = packed(address)
        if raw is None:
            return False
        ranges = self._ranges[len(raw)]
        number = int.from_bytes(raw, "big")
        at = bisect_right(ranges, number, key=lambda pair: pair[0]) - 1
        return at >= 0 and number <= ranges[at][1]
