"""The frames between sense and deliver: cut anywhere, they read back; anything else is refused."""

import contextlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import link
from agent.link import Ack, EventFrame, Flow, Flows, Hello, Sample, Snapshot
from tests.outputs.samples import AGENT, EVENT, FULL

FROM_SENSE: list[link.FromSense] = [
    Hello("run", "1.0"),
    EventFrame(1, EVENT),
    EventFrame(2, FULL),
    EventFrame(3, AGENT),
    Snapshot((Sample("packets_total", 5.0, {"interface": "eth0"}),), ready=False, reason="no set"),
]
FROM_DELIVER: list[link.FromDeliver] = [
    Ack(7),
    Flows((Flow("udp", "10.0.0.1", 4, "10.0.0.2", 514),)),
]


@settings(deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1))
def test_messages_of_sense_survive_any_cut_of_the_stream(cuts: list[int]) -> None:
    """A stream socket hands over pieces of any length."""
    stream = b"".join(map(link.encode, FROM_SENSE))
    found: list[link.FromSense] = []
    reader, position = link.Reader(), 0

    for cut in [*cuts, len(stream)]:
        found += reader.from_sense(stream[position : position + cut])
        position += cut

    assert found == FROM_SENSE


def test_messages_of_deliver_read_back() -> None:
    """The other direction has its own messages."""
    stream = b"".join(map(link.encode, FROM_DELIVER))

    assert [*link.Reader().from_deliver(stream)] == FROM_DELIVER


def test_each_side_refuses_the_messages_of_its_own() -> None:
    """One side takes no acknowledgements, the other no events."""
    with pytest.raises(link.LinkError):
        [*link.Reader().from_sense(link.encode(Ack(1)))]
    with pytest.raises(link.LinkError):
        [*link.Reader().from_deliver(link.encode(EventFrame(1, EVENT)))]


def test_a_frame_that_is_too_long_is_refused_before_it_came() -> None:
    """The length alone decides: nobody makes the other side keep a gigabyte."""
    with pytest.raises(link.LinkError, match="more than"):
        [*link.Reader().from_sense((link.MAX_FRAME + 1).to_bytes(4, "big"))]


def test_a_wrong_type_in_a_message_is_refused() -> None:
    """A severity that is text is no event."""
    body = msgspec.msgpack.encode({"type": "event", "number": "one", "event": {}})

    with pytest.raises(link.LinkError):
        [*link.Reader().from_sense(len(body).to_bytes(4, "big") + body)]


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_rubbish_is_refused_or_waited_for(data: bytes) -> None:
    """Nothing but LinkError leaves the reader."""
    framed = len(data).to_bytes(4, "big") + data
    for stream in (data, framed):
        with contextlib.suppress(link.LinkError):
            [*link.Reader().from_sense(stream)]
