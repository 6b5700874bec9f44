"""sense's end of the link against a real socket: nothing is lost unseen, nothing blocks."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from agent import uplink as uplink_module
from agent.link import (
    MAX_FRAME,
    Ack,
    EventFrame,
    Flow,
    Flows,
    FromSense,
    Hello,
    Reader,
    Sample,
    Snapshot,
    encode,
)
from agent.model import Endpoint, Event
from agent.own_traffic import OwnTraffic
from agent.uplink import RETRY_SECONDS, Uplink
from tests.deliver.waiting import until
from tests.outputs.samples import EVENT
from tests.test_own_traffic import sighting

FLOW = Flow("udp", "192.0.2.1", 40000, "192.0.2.9", 514)


def event(number: int) -> Event:
    """Return an event of its own."""
    return msgspec.structs.replace(EVENT, event_id=f"{number:032x}")


def frame(body: bytes) -> bytes:
    """Put the length in front of a message."""
    return len(body).to_bytes(4, "big") + body


class Deliver:
    """A server thread that keeps what it reads, and answers only what a test tells it to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.messages: list[FromSense] = []
        self.connections: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def numbers(self) -> list[int]:
        """Return the numbers of the events, in the order in which they came."""
        return [message.number for message in self.messages if isinstance(message, EventFrame)]

    def send(self, data: bytes) -> None:
        """Send bytes on the latest connection."""
        self.connections[-1].sendall(data)

    def hang_up(self) -> None:
        """Close all connections; the next one is taken."""
        for connection in self.connections:
            connection.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Close everything and remove the socket file, as at a stop of deliver."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        self._thread.join(10)
        self._listener.close()
        self.path.unlink()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            self._read(connection)

    def _read(self, connection: socket.socket) -> None:
        reader = Reader()
        with connection:
            while data := connection.recv(1 << 16):
                self.messages += reader.from_sense(data)
        self.connections.remove(connection)


class Room:
    """An uplink with a clock of its own, and the servers it talks to."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "events.sock"
        self.own = OwnTraffic()
        self.uplink = Uplink(self.path, "run-1", "1.2.3", self.own)
        self.now = 1000.0

    def open(self) -> Deliver:
        """Start a server."""
        return Deliver(self.path)

    def step(self) -> bool:
        """Let the uplink do what is due, a second and a bit later."""
        self.now += RETRY_SECONDS + 0.1
        self.uplink.step(self.now)
        return True

    def step_until(self, condition: Callable[[], object], what: str) -> None:
        """Step until the condition holds."""
        until(lambda: self.step() and condition(), what)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Return an uplink that is let go of at the end."""
    made = Room(tmp_path)
    yield made
    made.uplink.close()


def test_the_first_frame_says_who_speaks(room: Room) -> None:
    """Run and version, before any event."""
    deliver = room.open()
    room.uplink.offer(event(1))

    room.step_until(lambda: deliver.numbers, "an event")

    assert deliver.messages == [Hello("run-1", "1.2.3"), EventFrame(1, event(1))]
    assert room.uplink.connected


def test_without_deliver_events_wait(room: Room) -> None:
    """Nothing blocks, nothing is lost; they go when somebody listens."""
    for number in range(1, 101):
        room.uplink.offer(event(number))
        room.step()
    assert (room.uplink.waiting, room.uplink.lost, room.uplink.connected) == (100, 0, False)

    deliver = room.open()

    room.step_until(lambda: len(deliver.numbers) == 100, "all events")
    assert deliver.numbers == list(range(1, 101))


def test_connecting_is_tried_once_a_second(room: Room) -> None:
    """A missing deliver costs one attempt a second, however often sense turns."""
    room.uplink.step(1000.0)
    room.open()

    room.uplink.step(1000.0 + RETRY_SECONDS / 2)
    assert not room.uplink.connected
    room.uplink.step(1000.0 + RETRY_SECONDS)

    assert room.uplink.connected


def test_an_acknowledgement_empties_the_ring(room: Room) -> None:
    """Up to and including its number."""
    deliver = room.open()
    for number in range(1, 6):
        room.uplink.offer(event(number))
    room.step_until(lambda: len(deliver.numbers) == 5, "all events")
    assert room.uplink.waiting == 5

    deliver.send(encode(Ack(3)))
    room.step_until(lambda: room.uplink.waiting == 2, "two left")
    deliver.send(encode(Ack(5)))
    room.step_until(lambda: room.uplink.waiting == 0, "none left")

    assert room.uplink.sent == 5
    assert deliver.numbers == [1, 2, 3, 4, 5]


def test_a_reconnect_sends_again_what_was_not_acknowledged(room: Room) -> None:
    """With the numbers they had, so that deliver can drop what it took already."""
    deliver = room.open()
    for number in range(1, 6):
        room.uplink.offer(event(number))
    room.step_until(lambda: len(deliver.numbers) == 5, "all events")
    deliver.send(encode(Ack(2)))
    room.step_until(lambda: room.uplink.waiting == 3, "three left")

    deliver.hang_up()
    room.step_until(lambda: len(deliver.numbers) == 8, "three again")

    assert deliver.numbers[5:] == [3, 4, 5]
    assert room.uplink.reconnects == 2
    assert room.uplink.lost == 0


def test_a_new_deliver_gets_everything_in_order(room: Room) -> None:
    """Killed and started again, with events in between."""
    first = room.open()
    room.uplink.offer(event(1))
    room.step_until(lambda: first.numbers, "the first event")
    first.stop()
    room.step_until(lambda: not room.uplink.connected, "its end is noticed")
    room.uplink.offer(event(2))

    second = room.open()
    room.step_until(lambda: len(second.numbers) == 2, "both events")

    assert second.messages[0] == Hello("run-1", "1.2.3")
    assert second.numbers == [1, 2]


def test_an_overflowing_ring_loses_the_oldest_and_counts(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded memory; the gap shows in the numbers, too."""
    monkeypatch.setattr(uplink_module, "MAX_EVENTS", 10)
    for number in range(1, 26):
        room.uplink.offer(event(number))

    deliver = room.open()
    room.step_until(lambda: len(deliver.numbers) == 10, "what was kept")

    assert deliver.numbers == list(range(16, 26))
    assert room.uplink.lost == 15


def test_overflow_while_connected_sends_each_kept_event_once(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deliver that reads and never acknowledges: what falls out had been sent.

    It is lost when the connection ends before that, as nobody can send it again.
    """
    monkeypatch.setattr(uplink_module, "MAX_EVENTS", 10)
    deliver = room.open()

    for number in range(1, 31):
        room.uplink.offer(event(number))
        room.step()
    until(lambda: len(deliver.numbers) == 30, "every event")

    assert deliver.numbers == list(range(1, 31))
    assert (room.uplink.waiting, room.uplink.lost) == (10, 0)
    deliver.stop()
    room.step_until(lambda: not room.uplink.connected, "the end")
    assert (room.uplink.waiting, room.uplink.lost) == (10, 20)


def test_what_fell_out_on_its_way_is_not_lost_where_deliver_took_it(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deliver that is late: a loss that was none would be told as one."""
    monkeypatch.setattr(uplink_module, "MAX_EVENTS", 10)
    deliver = room.open()
    for number in range(1, 26):
        room.uplink.offer(event(number))
        room.step()
    until(lambda: len(deliver.numbers) == 25, "every event")

    deliver.send(encode(Ack(25)))
    room.step_until(lambda: not room.uplink.waiting, "the acknowledgement")

    assert (room.uplink.sent, room.uplink.lost) == (25, 0)
    deliver.stop()
    room.step_until(lambda: not room.uplink.connected, "the end")
    assert room.uplink.lost == 0


def test_what_is_under_way_without_being_kept_is_bounded(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deliver that reads for ever and acknowledges nothing."""
    monkeypatch.setattr(uplink_module, "MAX_EVENTS", 10)
    monkeypatch.setattr(uplink_module, "MAX_UNDERWAY", 10)
    deliver = room.open()
    for number in range(1, 36):
        room.uplink.offer(event(number))
        room.step()
    until(lambda: len(deliver.numbers) == 35, "every event")

    assert len(room.uplink._underway) == 10
    assert room.uplink.lost == 15


def test_a_deliver_that_does_not_read_blocks_nobody(room: Room, tmp_path: Path) -> None:
    """What the socket does not take stays in the ring; a turn takes no time."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(room.path))
    listener.listen()
    big = msgspec.structs.replace(EVENT, info="x" * 100_000)
    with listener:
        for _ in range(200):
            room.uplink.offer(big)
        began = time.monotonic()
        for _ in range(50):
            room.step()

        assert time.monotonic() - began < 5
        assert room.uplink.waiting == 200
        assert len(room.uplink._unsent) < uplink_module.MAX_UNSENT + 200_000


def test_counters_are_sent_to_who_is_there(room: Room) -> None:
    """They are not kept for later: the next ones say more."""
    room.uplink.snapshot(Snapshot((Sample("a", 1.0),), ready=False))
    deliver = room.open()
    room.step_until(lambda: deliver.messages, "the hello")
    room.uplink.snapshot(Snapshot((Sample("a", 2.0),), ready=True))
    room.step_until(lambda: len(deliver.messages) == 2, "the counters")

    assert deliver.messages[1] == Snapshot((Sample("a", 2.0),), ready=True)


def test_what_deliver_said_is_known_at_once(room: Room) -> None:
    """Before sightings are matched, without sending or connecting anything."""
    deliver = room.open()
    room.step_until(lambda: deliver.connections, "the connection")
    deliver.send(encode(Flows((FLOW,))))

    room.uplink.receive(room.now)

    assert room.own.flows == (FLOW,)


def test_a_socket_that_lived_shortly_is_known(room: Room) -> None:
    """An attempt that was refused: two words of deliver may come at once."""
    deliver = room.open()
    room.step_until(lambda: deliver.connections, "the connection")
    deliver.send(encode(Flows((FLOW,))) + encode(Flows(())))

    room.uplink.receive(room.now)

    ends = Endpoint(FLOW.local, FLOW.local_port), Endpoint(FLOW.remote, FLOW.remote_port)
    assert room.own.holds(sighting(*ends))


def test_flows_of_deliver_are_known_while_it_is_there(room: Room) -> None:
    """They say which sockets are ours; without deliver there are none."""
    deliver = room.open()
    room.step_until(lambda: deliver.connections, "the connection")

    deliver.send(encode(Flows((FLOW,))))
    room.step_until(lambda: room.own.flows == (FLOW,), "the flows")
    deliver.send(encode(Flows(())))
    room.step_until(lambda: room.own.flows == (), "no flows")
    deliver.send(encode(Flows((FLOW,))))
    room.step_until(lambda: room.own.flows, "flows again")
    deliver.stop()
    room.step_until(lambda: not room.uplink.connected, "the end")

    assert room.own.flows == ()


@pytest.mark.parametrize(
    "hostile",
    [
        (MAX_FRAME + 1).to_bytes(4, "big"),
        b"\x00\x00\x00\x04\xff\xff\xff\xff",
        encode(Hello("x", "y")),
        b"\x00\x00\x00\x00",
        frame(b"\x82\xa4type\xa3ack\xa1x" + b"\x91" * 100_000),
    ],
    ids=["too long", "no message", "the wrong side's", "empty", "deeply nested"],
)
def test_what_is_no_message_ends_the_connection(room: Room, hostile: bytes) -> None:
    """The uplink starts anew and loses nothing."""
    deliver = room.open()
    room.uplink.offer(event(1))
    room.step_until(lambda: deliver.numbers, "the event")

    deliver.send(hostile)
    room.step_until(lambda: len(deliver.numbers) == 2, "the event again")

    assert deliver.numbers == [1, 1]
    assert room.uplink.reconnects == 2


def test_an_acknowledgement_of_what_was_never_sent_does_no_harm(room: Room) -> None:
    """The ring is empty then, and goes on."""
    deliver = room.open()
    room.uplink.offer(event(1))
    room.step_until(lambda: deliver.numbers, "the event")

    deliver.send(encode(Ack(1 << 40)))
    room.step_until(lambda: room.uplink.waiting == 0, "an empty ring")
    room.uplink.offer(event(2))

    room.step_until(lambda: deliver.numbers == [1, 2], "the second event")


def test_trouble_is_told_once(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    """One line when deliver is away, one when it is back."""
    for _ in range(20):
        room.step()
    assert caplog.text.count("no connection to deliver") == 1

    deliver = room.open()
    room.step_until(lambda: deliver.connections, "the connection")
    deliver.stop()
    room.step_until(lambda: not room.uplink.connected, "its end")

    assert caplog.text.count("lost deliver: closed by deliver") == 1
