"""syslog and logstash over TCP: framing, what has arrived, peers that close, reset or stall."""

import json
import select
import socket
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

import outputs
from agent.link import Flow
from agent.model import Event
from outputs import _stream
from tests.deliver.waiting import until
from tests.outputs import cef_reader
from tests.outputs.receivers import TcpReceiver, closed_port
from tests.outputs.samples import EVENT, EVENTS, FULL, delivery, hostile_events
from tests.outputs.test_shelf import make

BATCH = [delivery(event, seq) for seq, event in enumerate(EVENTS.values(), 1)]


@pytest.fixture
def siem(server: TcpReceiver) -> Iterator[outputs.Output]:
    """Yield a syslog output that is connected to `server`."""
    output = make("syslog", address=server.address, transport="tcp")
    output.open()
    yield output
    output.close()


def test_lines_end_with_a_line_feed_by_default(siem: outputs.Output, server: TcpReceiver) -> None:
    """What nearly every receiver reads, whatever the port."""
    siem.write(BATCH)

    peer = server.accept()
    for sent in BATCH:
        message = peer.line().decode()
        fields = cef_reader.read(message[message.index("CEF:0|") :]).extension
        assert fields["cn2"] == str(sent.seq)


def test_lines_can_be_octet_counted(server: TcpReceiver) -> None:
    """RFC 6587, 3.4.1: the length in octets, a blank, the message without an end."""
    output = make("syslog", address=server.address, transport="tcp", framing="octet")
    output.open()
    text = msgspec.structs.replace(EVENT, info="漢字 é")
    output.write([delivery(text), *BATCH])
    output.close()

    peer = server.accept()
    messages = [peer.counted() for _ in range(1 + len(BATCH))]

    assert all(message.startswith(b"<1") for message in messages)
    assert "漢字 é" in messages[0].decode()
    assert peer.rest() == b""


def test_logstash_gets_a_document_a_line(server: TcpReceiver) -> None:
    """As its `tcp` input with `json_lines` reads them."""
    output = make("logstash", address=server.address, transport="tcp")
    output.open()
    output.write(BATCH)
    output.close()

    peer = server.accept()
    assert [json.loads(peer.line())["seq"] for _ in BATCH] == [sent.seq for sent in BATCH]
    assert peer.rest() == b""


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(hostile_events)
def test_no_event_makes_more_than_one_line(event: Event) -> None:
    """A line feed from the wire would be a message of the attacker's."""
    for kind, name in (("syslog", "cef"), ("syslog", "maltrail-line"), ("logstash", "ecs")):
        output = make(kind, address="192.0.2.1:514", transport="tcp", format=name)
        line = output._line(delivery(event))  # type: ignore[attr-defined] # what is framed

        assert line is not None
        assert b"\n" not in line
        assert b"\r" not in line


def test_everything_is_confirmed_once_the_peer_has_it(siem: outputs.Output) -> None:
    """The peer's kernel acknowledges without its program reading."""
    siem.write(BATCH)

    assert 0 <= (siem.unconfirmed() or 0) <= len(BATCH)
    until(lambda: siem.unconfirmed() == 0, "the kernel has acknowledged all")


def test_what_does_not_fit_the_peers_buffers_is_not_confirmed(
    siem: outputs.Output, server: TcpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver that stalls: what it has not taken counts, and once it reads again it is less."""
    monkeypatch.setattr(_stream, "WRITE_TIMEOUT", 0.2)
    peer = server.accept()
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    large = [delivery(msgspec.structs.replace(FULL, observed="x" * 4000))] * 100
    given = 0

    said = ""
    while not said:
        given += len(large)
        try:
            siem.write(large)
        except TimeoutError as error:
            said = str(error)
    assert said == f"{server.address}: the receiver did not take a batch within 0.2 s"
    stalled = siem.unconfirmed() or 0
    assert 0 < stalled < given
    before = given - stalled
    arrived = [peer.line() for _ in range(before)]
    assert len(arrived) == before


def test_a_peer_that_closed_is_noticed_before_anything_is_written(
    siem: outputs.Output, server: TcpReceiver
) -> None:
    """The first write after that would be accepted by our kernel and lost."""
    server.accept().close()
    until(lambda: _is_readable(siem), "the end of the connection has come")

    with pytest.raises(ConnectionResetError, match="closed the connection"):
        siem.write(BATCH)


def test_a_half_closed_peer_counts_as_closed(siem: outputs.Output, server: TcpReceiver) -> None:
    """Nobody knows whether it still reads."""
    peer = server.accept()
    siem.write(BATCH)
    peer.socket.shutdown(socket.SHUT_WR)
    until(lambda: _is_readable(siem), "the end of its side has come")

    with pytest.raises(ConnectionResetError):
        siem.unconfirmed()


def test_a_reset_in_the_middle_is_an_error_of_the_connection(
    siem: outputs.Output, server: TcpReceiver
) -> None:
    """Then everything that is not confirmed is written again."""
    siem.write(BATCH)
    server.accept().reset()
    until(lambda: _is_readable(siem), "the reset has come")

    with pytest.raises(ConnectionResetError):
        siem.unconfirmed()
    siem.close()


def test_what_a_receiver_says_is_ignored(siem: outputs.Output, server: TcpReceiver) -> None:
    """Whatever it is and however much."""
    peer = server.accept()
    peer.socket.sendall(b"220 hello\r\n" * 500)
    until(lambda: _is_readable(siem), "it was said")

    siem.write(BATCH)

    assert peer.line()


def test_closing_does_not_lose_what_was_written(siem: outputs.Output, server: TcpReceiver) -> None:
    """Unread words of the receiver would turn the end into a reset, and lose the tail."""
    peer = server.accept()
    peer.socket.sendall(b"220 hello\r\n")
    until(lambda: _is_readable(siem), "it was said")
    siem.write(BATCH)
    siem.close()

    assert peer.rest().count(b"\n") == len(BATCH)


def test_an_event_that_never_fits_is_rejected_and_counts_as_settled(
    siem: outputs.Output, server: TcpReceiver
) -> None:
    """The others are sent; the count of the unconfirmed includes it until they have arrived."""
    endless = msgspec.structs.replace(EVENT, sensor="x" * 300, tags=("漢" * 4000,) * 50)
    too_big = msgspec.structs.replace(endless, incident_id="漢" * 4000, event_id="漢" * 4000)

    with pytest.raises(outputs.Rejected) as caught:
        siem.write([delivery(EVENT), delivery(too_big), delivery(EVENT)])

    assert caught.value.indexes == (1,)
    until(lambda: siem.unconfirmed() == 0, "the others have arrived")
    assert server.accept().line()


def test_a_closed_port_is_an_error_that_names_it() -> None:
    """When opening."""
    port = closed_port(kind=TcpReceiver)
    output = make("syslog", address=f"127.0.0.1:{port}", transport="tcp")

    with pytest.raises(ConnectionRefusedError, match=rf"127\.0\.0\.1:{port}: Connection refused"):
        output.open()
    assert output.flows() == ()


def test_a_connection_is_told_before_its_first_packet_leaves(server: TcpReceiver) -> None:
    """The sensor would report the first packet of a connection that it does not know."""
    output = make("syslog", address=server.address, transport="tcp")
    told: list[tuple[tuple[Flow, ...], bool]] = []
    output.on_flows = lambda: told.append((output.flows(), _is_asked(server)))

    output.open()

    peer = server.accept()
    host, port = peer.socket.getpeername()
    flow = Flow("tcp", host, port, "127.0.0.1", server.port)
    assert told == [((flow,), False)]
    output.close()
    assert told[1:] == [((), False)]


def test_an_attempt_that_is_refused_is_told_as_well() -> None:
    """Its packets are on the wire; each attempt has a port of its own."""
    port = closed_port(kind=TcpReceiver)
    output = make("syslog", address=f"127.0.0.1:{port}", transport="tcp")
    told: list[tuple[Flow, ...]] = []
    output.on_flows = lambda: told.append(output.flows())

    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            output.open()

    (first,), none, (second,), nothing = told
    assert (none, nothing) == ((), ())
    assert first.remote_port == second.remote_port == port
    assert first.local_port != 0 != second.local_port


def _is_asked(server: TcpReceiver) -> bool:
    """Tell whether a connection waits to be accepted."""
    return bool(select.select([server.socket], [], [], 0)[0])


def test_ipv6_is_spoken_and_told() -> None:
    """The flow names both ends."""
    server = TcpReceiver("::1")
    output = make("syslog", address=server.address, transport="tcp")
    output.open()
    output.write(BATCH)

    peer = server.accept()

    assert peer.line()
    sender = peer.socket.getpeername()
    assert output.flows() == (Flow("tcp", "::1", sender[1], "::1", server.port),)
    output.close()
    server.close()


def test_a_peer_that_vanishes_is_noticed_by_the_kernel(siem: outputs.Output) -> None:
    """Keepalive while nothing is sent, a bound on what stays unacknowledged otherwise."""
    connected = siem._link._socket  # type: ignore[attr-defined] # its options are the point

    def option(name: int) -> int:
        return int(connected.getsockopt(socket.IPPROTO_TCP, name))

    assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    noticed = option(socket.TCP_KEEPIDLE) + (
        option(socket.TCP_KEEPINTVL) * option(socket.TCP_KEEPCNT)
    )
    assert noticed <= 60
    assert option(socket.TCP_USER_TIMEOUT) == 30_000


def _is_readable(output: outputs.Output) -> bool:
    """Tell whether something of the peer's has come, which may be its end."""
    connected = output._link._socket  # type: ignore[attr-defined] # to know when to go on
    connected.setblocking(False)
    try:
        connected.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
