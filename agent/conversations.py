"""Who opened a conversation with a listed address, and whether the other side answered.

Only what the scanner has shown is here, so the table holds conversations with listed addresses,
not all flows. It is bounded, forgets the longest silent first, and packet time drives it.
"""

from collections import OrderedDict
from typing import NamedTuple

from agent.model import Endpoint, Sighting

MAX_CONVERSATIONS = 8_192
"""Listed addresses times hosts of ours that speak to them: an incident is open for each."""
KEPT_US = 300_000_000
"""Silence after which a datagram opens a conversation anew: as long as firewalls keep one."""

_Key = tuple[int, str, str, int]


class _Conversation:
    """One conversation by datagrams."""

    __slots__ = ("is_answered", "last_us", "opener")

    def __init__(self, opener: str, last_us: int) -> None:
        self.opener = opener
        self.last_us = last_us
        self.is_answered = False


class Side(NamedTuple):
    """Who opened the conversation of a datagram, and whether both sides have spoken."""

    opener: Endpoint
    listener: Endpoint
    is_answered: bool


class Conversations:
    """The table, for one thread."""

    def __init__(self) -> None:
        self._open: OrderedDict[_Key, _Conversation] = OrderedDict()

    def datagram(self, sighting: Sighting) -> Side:
        """Take one datagram or packet without ports into account."""
        source, destination = sighting.source, sighting.destination
        service = 0
        if source.port is not None and destination.port is not None:
            service = min(source.port, destination.port)
        low, high = source.address, destination.address
        key = (sighting.protocol, low, high, service)
        if high < low:
            key = (sighting.protocol, high, low, service)
        known = self._open.pop(key, None)
        if known is None or sighting.first_us - known.last_us > KEPT_US:
            known = _Conversation(_opener(source, destination), sighting.first_us)
            if len(self._open) >= MAX_CONVERSATIONS:
                self._open.popitem(last=False)
        known.last_us = max(known.last_us, sighting.last_us)
        self._open[key] = known
        if known.opener != source.address:
            known.is_answered = True
            return Side(destination, source, is_answered=True)
        return Side(source, destination, known.is_answered)


def _opener(source: Endpoint, destination: Endpoint) -> str:
    """Return who opened it, where the first packet seen may be an answer.

    A well-known port (below 1024, RFC 6335) that speaks to another one is a service answering.
    """
    is_service = source.port is not None and source.port < 1024
    if is_service and destination.port is not None and destination.port >= 1024:
        return destination.address
    return source.address
