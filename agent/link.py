"""The messages between sense and deliver, over one Unix stream socket.

A frame is a 4-byte big-endian length and a MessagePack document. sense numbers its event frames
from 1 in each run; deliver acknowledges the highest number it has taken over, and sense keeps
what is not acknowledged, so that either side may restart. deliver drops a number that it has
already taken from the same run.
"""

from collections.abc import Iterator, Mapping

import msgspec

from agent.model import NO_SET, Event

MAX_FRAME = 1 << 20
"""A frame longer than this is not ours: an event is some kB, a metrics snapshot some tens."""


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The first frame of sense: which run speaks, from which version."""

    run_id: str
    version: str


class EventFrame(msgspec.Struct, frozen=True, tag="event"):
    """One event and its number in this run of sense."""

    number: int
    event: Event


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One value of a metric; `labels` come from closed sets only, never from the wire."""

    name: str
    value: float
    labels: Mapping[str, str] = {}


class Missed(msgspec.Struct, frozen=True, gc=False):
    """What was captured and not read: how often, of how many, and what can be done about it."""

    what: str
    number: int
    of: int
    remedy: str = ""


class Coverage(msgspec.Struct, frozen=True, gc=False):
    """How much of what was captured was read."""

    packets: int = 0
    read: int = 0
    missed: tuple[Missed, ...] = ()


class Snapshot(msgspec.Struct, frozen=True, tag="snapshot"):
    """What sense counted so far, for metrics and status page; `ready` decides `/readyz`.

    `set` is what events say of the trail set in use.
    """

    samples: tuple[Sample, ...]
    ready: bool
    reason: str = ""
    set: str = NO_SET
    coverage: Coverage = Coverage()


class Ack(msgspec.Struct, frozen=True, tag="ack"):
    """deliver has taken over every event up to `number`."""

    number: int


class Flow(msgspec.Struct, frozen=True, gc=False):
    """One socket of the agent: protocol `tcp` or `udp`, its own side and the other side."""

    protocol: str
    local: str
    local_port: int
    remote: str
    remote_port: int


class Flows(msgspec.Struct, frozen=True, tag="flows"):
    """All sockets that deliver sends from, so that sense does not report the agent itself."""

    flows: tuple[Flow, ...]


FromSense = Hello | EventFrame | Snapshot
FromDeliver = Ack | Flows
Message = Hello | EventFrame | Snapshot | Ack | Flows

_encoder = msgspec.msgpack.Encoder()
_from_sense = msgspec.msgpack.Decoder(FromSense)
_from_deliver = msgspec.msgpack.Decoder(FromDeliver)


class LinkError(Exception):
    """The other side sent what is no message of this protocol; close and start again."""


def encode(message: Message) -> bytes:
    """Return the frame of one message."""
    body = _encoder.encode(message)
    return len(body).to_bytes(4, "big") + body


class Reader:
    """Cut a stream into messages, without I/O: feed bytes, take messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def from_sense(self, data: bytes) -> Iterator[FromSense]:
        """Yield the complete messages that sense sent; raise LinkError."""
        for body in self._frames(data):
            try:
                yield _from_sense.decode(body)
            except (msgspec.DecodeError, RecursionError) as error:
                raise LinkError(str(error)) from error

    def from_deliver(self, data: bytes) -> Iterator[FromDeliver]:
        """Yield the complete messages that deliver sent; raise LinkError."""
        for body in self._frames(data):
            try:
                yield _from_deliver.decode(body)
            except (msgspec.DecodeError, RecursionError) as error:
                raise LinkError(str(error)) from error

    def _frames(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= 4:
            length = int.from_bytes(self._buffer[start : start + 4], "big")
            if length > MAX_FRAME:
                raise LinkError(f"a frame of {length} bytes, more than {MAX_FRAME}")
            if len(self._buffer) - start - 4 < length:
                break
            yield bytes(self._buffer[start + 4 : start + 4 + length])
            start += 4 + length
        del self._buffer[:start]
