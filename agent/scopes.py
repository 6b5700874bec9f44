"""What an allow-list entry says of a hit beside its name or address: one test for each key.

Endpoints are those of the conversation, not of the packet: an entry for a client also covers the
answers that it gets.
"""

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import NamedTuple

import msgspec

from agent import classes
from agent.config import Allowed
from agent.direction import packed
from agent.model import Endpoint, Hit
from agent.names import ascii_glob


class Judged(NamedTuple):
    """A hit, who opened its conversation and who was to answer."""

    hit: Hit
    opener: Endpoint
    listener: Endpoint


Test = Callable[[Judged], bool]

UNSCOPED = frozenset({"domain", "network", "reason", "until"})
"""Keys that are no test of a hit."""
PACKET_KEYS = frozenset({"source", "destination", "port", "direction"})
"""Keys that say something of the packet rather than of the trail."""


class Prefix(NamedTuple):
    """A network: the bits of its address family, its length, its leading bits as a number."""

    bits: int
    length: int
    value: int

    @classmethod
    def of(cls, text: str) -> "Prefix":
        """Read a network; one of IPv4 addresses in IPv6 clothes is the IPv4 network."""
        network = ip_network(text)
        length, raw = network.prefixlen, packed(str(network.network_address)) or b""
        if len(raw) * 8 < network.max_prefixlen:
            length = max(0, length - 96)
        bits = len(raw) * 8
        return cls(bits, length, int.from_bytes(raw, "big") >> (bits - length))

    @property
    def text(self) -> str:
        """Return the network as people write it, an address without a length."""
        size = self.bits // 8
        first = ip_address((self.value << (self.bits - self.length)).to_bytes(size, "big"))
        return str(first) if self.length == self.bits else f"{first}/{self.length}"

    def holds(self, address: str) -> bool:
        """Tell whether an address is in the network; text that is no address is not."""
        raw = packed(address)
        if raw is None or len(raw) * 8 != self.bits:
            return False
        return int.from_bytes(raw, "big") >> (self.bits - self.length) == self.value


def scopes(entry: Allowed) -> tuple[tuple[str, object], ...]:
    """Return key and value of everything that the entry says of hits."""
    given = ((f.encode_name, getattr(entry, f.name)) for f in msgspec.structs.fields(entry))
    return tuple((key, value) for key, value in given if key not in UNSCOPED and value is not None)


def tests(entry: Allowed, where: str) -> Iterator[Test]:
    """Yield a test for each key, the cheapest first; raise ConfigError for an unknown class."""
    if entry.direction is not None:
        yield lambda judged: judged.hit.direction == entry.direction
    if entry.port is not None:
        yield lambda judged: judged.listener.port == entry.port
    if entry.class_id is not None:
        pattern = entry.class_id
        classes.check((pattern,), f"{where}.class")
        yield lambda judged: fnmatchcase(judged.hit.class_id, pattern)
    if entry.trail is not None:
        trail = ascii_glob(entry.trail)
        yield lambda judged: fnmatchcase(judged.hit.indicator.lower(), trail)
    if entry.list_name is not None:
        names = {entry.list_name}
        yield lambda judged: {source.name for source in judged.hit.sources} == names
    if entry.reference is not None:
        reference = entry.reference
        yield lambda judged: fnmatchcase(judged.hit.reference, reference)
    if entry.source is not None:
        source = Prefix.of(entry.source)
        yield lambda judged: source.holds(judged.opener.address)
    if entry.destination is not None:
        destination = Prefix.of(entry.destination)
        yield lambda judged: destination.holds(judged.listener.address)
    if entry.info is not None:
        info = re.compile(entry.info)
        yield lambda judged: info.search(judged.hit.info) is not None
