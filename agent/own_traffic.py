"""Which packets are the agent's own: those of the sockets that deliver sends from.

deliver tells of a socket before its first packet leaves. What it sent shortly before a socket
ended is matched later than that, so a socket is remembered for a while.
"""

import socket
from collections.abc import Iterable

from agent.direction import packed
from agent.link import Flow
from agent.model import Endpoint, Sighting
from agent.protocols import label

LINGER_SECONDS = 30.0
"""Longer than deliver sends what is left at its end (10 s), after it has closed the link."""

MAX_ENDED = 1024
"""Sockets that ended: an output that is refused again and again has few in that time."""

_Key = tuple[str, frozenset[Endpoint]]


class OwnTraffic:
    """The sockets in use and those that ended of late. Times are of the monotonic clock."""

    def __init__(self) -> None:
        self.flows: tuple[Flow, ...] = ()
        self._used: frozenset[_Key] = frozenset()
        self._ended: dict[_Key, float] = {}

    def use(self, flows: Iterable[Flow], now: float) -> None:
        """Take these as all sockets that there are now."""
        self.flows = tuple(flows)
        used = frozenset(map(_key, self.flows))
        for key in self._used - used:
            self._ended.pop(key, None)  # a port may be used again: its place is the last
            self._ended[key] = now + LINGER_SECONDS
        self._used = used
        self.forget(now)

    def forget(self, now: float) -> None:
        """Drop what ended long ago, and the oldest of too many: they stand in their order."""
        while self._ended:
            key, until = next(iter(self._ended.items()))
            if until > now and len(self._ended) <= MAX_ENDED:
                return
            del self._ended[key]

    @property
    def is_empty(self) -> bool:
        """Tell whether there are none, so that nothing has to be asked."""
        return not self._used and not self._ended

    def holds(self, sighting: Sighting) -> bool:
        """Tell whether a sighting is of one of them, in either direction."""
        if self.is_empty:
            return False
        ends = frozenset({sighting.source, sighting.destination})
        key = (label(sighting.protocol), ends)
        return key in self._used or key in self._ended


def _key(flow: Flow) -> _Key:
    ends = (flow.local, flow.local_port), (flow.remote, flow.remote_port)
    return flow.protocol.upper(), frozenset(Endpoint(_on_wire(host), port) for host, port in ends)


def _on_wire(address: str) -> str:
    """Return an address as sightings have it: without a zone, and IPv4 as IPv4."""
    raw = packed(address)
    if raw is None:
        return address
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)
