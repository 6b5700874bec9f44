"""Who opened a conversation with a listed address, and whether the other side answered.

Only what the scanner has shown is here, so the table holds conversations with listed addresses,
not all flows. It is bounded, forgets the longest silent first, and packet time drives it.
"""

from collections import OrderedDict

from agent.model import Endpoint, Outcome, Sighting

MAX_CONVERSATIONS = 8_192
"""Listed addresses times hosts of ours that speak to them: an incident is open for each."""
KEPT_US = 300_000_000
"""Silence after which a datagram opens a conversation anew: as long as firewalls keep one."""

Ends = tuple[Endpoint, Endpoint, Outcome]
"""Who opened a conversation, who was to answer, and what came of it."""

_Key = tuple[int, str, str, int]


class _Conversation:
    """One conversation by datagrams."""

    __slots__ = ("is_answered", "last_us", "opener")

    def __init__(self, opener: str, last_us: int) -> None:
        self.opener = opener
        self.last_us = last_us
        self.is_answered = False


class Conversations:
    """The table, for one thread."""

    def __init__(self) -> None:
        self._open: OrderedDict[_Key, _Conversation] = OrderedDict()

    def datagram(self, sighting: Sighting) -> Ends:
        """Take one datagram or packet without ports into account."""
        source, destination = sighting.source, sighting.destination
        low, high = source.address, destination.address
        if high < low:
            low, high = high, low
        service, other_port = source.port, destination.port
        if service is None or other_port is None:
            service = 0
        elif other_port < service:
            service = other_port
        key = (sighting.protocol, low, high, service)
        known = self._open.get(key)
        if known is None or sighting.first_us - known.last_us > KEPT_US:
            known = _Conversation(_opener(source, destination), sighting.last_us)
            if len(self._open) >= MAX_CONVERSATIONS and key not in self._open:
                self._open.popitem(last=False)
            self._open[key] = known
        elif sighting.last_us > known.last_us:
            known.last_us = sighting.last_us
        self._open.move_to_end(key)
        if known.opener != source.address:
            known.is_answered = True
            return destination, source, "answered"
        return source, destination, "answered" if known.is_answered else "unknown"


def _opener(source: Endpoint, destination: Endpoint) -> str:
    """Return who opened it, where the first packet seen may be an answer.

    A well-known port (below 1024, RFC 6335) that speaks to another one is a service answering.
    """
    is_service = source.port is not None and source.port < 1024
    if is_service and destination.port is not None and destination.port >= 1024:
        return destination.address
    return source.address
