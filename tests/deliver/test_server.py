"""The listening end of the link, on a real Unix socket."""

import os
import select
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
import pytest

from agent import link
from agent.config import ConfigError
from agent.deliver import server as server_module
from agent.deliver.server import MAX_CONNECTIONS, MAX_RUNS, Server
from agent.link import Ack, EventFrame, Flow, Flows, Hello, Message, Snapshot
from agent.model import Event
from tests.deliver.waiting import until
from tests.outputs.samples import EVENT

WAIT = 10.0
FLOWS = Flows((Flow("udp", "10.0.0.1", 1, "10.0.0.2", 514),))


class Sense:
    """The other end: connects and speaks as sense does."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(WAIT)
        self.socket.connect(str(path))
        self._reader = link.Reader()
        self._waiting: list[link.FromDeliver] = []

    def send(self, *messages: Message) -> None:
        """Send messages in one piece."""
        self.socket.sendall(b"".join(map(link.encode, messages)))

    def next(self) -> link.FromDeliver:
        """Return the next message; raise EOFError when the connection was closed."""
        while not self._waiting:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self._waiting += self._reader.from_deliver(data)
        return self._waiting.pop(0)

    def next_ack(self, number: int) -> None:
        """Read until that number is acknowledged."""
        while self.next() != Ack(number):
            continue

    def is_closed(self) -> bool:
        """Tell whether the other side hangs up, reading what there is."""
        try:
            while True:
                self.next()
        except (EOFError, ConnectionResetError):
            return True

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


class Room:
    """A running server, what it took, and those who connect to it."""

    def __init__(self, path: Path, uids: frozenset[int]) -> None:
        self.path = path
        self.taken: list[str] = []
        self.server = Server(path, uids, self._take)
        self._senses: list[Sense] = []

    def _take(self, events: Sequence[Event]) -> None:
        self.taken += [event.event_id for event in events]

    def connect(self, run_id: str = "") -> Sense:
        """Connect, and say hello as a run."""
        sense = Sense(self.path)
        self._senses.append(sense)
        if run_id:
            sense.send(Hello(run_id, "1.0"))
        return sense

    def close(self) -> None:
        """Stop everything."""
        for sense in self._senses:
            sense.close()
        self.server.stop()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Yield a running server that lets us in."""
    made = Room(tmp_path / "events.sock", frozenset({os.geteuid()}))
    made.server.listen()
    made.server.start()
    yield made
    made.close()


def frame(number: int) -> EventFrame:
    """Return an event with a number."""
    return EventFrame(number, msgspec.structs.replace(EVENT, event_id=str(number)))


def test_events_are_taken_in_order_and_acknowledged(room: Room) -> None:
    """The last number stands for all before it."""
    sense = room.connect("run1")

    sense.send(frame(1), frame(2), frame(3))

    sense.next_ack(3)
    assert room.taken == ["1", "2", "3"]


def test_nothing_is_acknowledged_that_was_not_taken(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The acknowledgement comes after the queues have it: sense may forget it then."""
    seen: list[int] = []
    take = room.server._take

    def take_and_look(events: Sequence[Event]) -> None:
        seen.extend(peer.acknowledge for peer in room.server._peers)
        take(events)

    monkeypatch.setattr(room.server, "_take", take_and_look)
    sense = room.connect("run1")
    sense.send(frame(1), frame(2))
    sense.next_ack(2)
    sense.send(frame(3))

    sense.next_ack(3)
    assert set(seen) == {0}


def test_what_is_sent_again_is_taken_once(room: Room) -> None:
    """Sense reconnects and repeats what it has no acknowledgement for."""
    first = room.connect("run1")
    first.send(frame(1), frame(2))
    first.next_ack(2)
    first.close()

    second = room.connect("run1")
    second.send(frame(1), frame(2), frame(3))

    second.next_ack(3)
    assert room.taken == ["1", "2", "3"]
    assert room.server.duplicates == 2
    assert room.server.events == 3


def test_another_run_starts_from_one(room: Room) -> None:
    """Numbers are those of a run."""
    for run_id in ("run1", "run2"):
        sense = room.connect(run_id)
        sense.send(frame(1))
        sense.next_ack(1)

    assert room.taken == ["1", "1"]


def test_only_a_few_runs_are_remembered(room: Room) -> None:
    """A peer that changes its run for ever fills no memory."""
    sense = room.connect()
    sense.send(*(Hello(f"run{n}", "1.0") for n in range(MAX_RUNS * 3)), frame(1))
    sense.next_ack(1)

    assert len(room.server._taken) == MAX_RUNS


def test_the_snapshot_of_sense_is_kept(room: Room) -> None:
    """For metrics and readiness."""
    sense = room.connect("run1")
    sense.send(Snapshot((), ready=True), Snapshot((), ready=False, reason="no set"), frame(1))
    sense.next_ack(1)

    assert room.server.sense.connected
    assert room.server.sense.snapshot == Snapshot((), ready=False, reason="no set")
    sense.close()
    until(lambda: not room.server.sense.connected, "the end of the connection is noticed")


def test_flows_are_told_at_the_start_and_when_they_change(room: Room) -> None:
    """Sense must know the agent's own sockets before their packets come."""
    early = room.connect("run1")
    assert early.next() == Flows(())

    room.server.tell_flows(FLOWS)

    assert early.next() == FLOWS
    assert room.connect("run2").next() == FLOWS


def test_at_the_end_events_stay_with_sense_but_sockets_are_told(room: Room) -> None:
    """Outputs still send what is queued, over connections that may be new."""
    sense = room.connect("run1")
    sense.send(frame(1))
    sense.next_ack(1)

    room.server.take_no_more()
    sense.send(frame(2))
    room.server.tell_flows(FLOWS)

    assert sense.next() == FLOWS
    assert room.taken == ["1"]
    room.server.stop()
    assert sense.is_closed()
    assert room.server.events == 1


def test_when_flows_are_told_sense_has_them_in_its_hands(room: Room) -> None:
    """Without having to wait: a packet that leaves now is captured later."""
    sense = room.connect("run1")
    assert sense.next() == Flows(())
    sense.socket.setblocking(False)

    room.server.tell_flows(FLOWS)

    assert sense.next() == FLOWS


def test_flows_are_told_before_any_event_is_taken(room: Room) -> None:
    """An event may set an output going, which sense must know by then."""
    sense = Sense(room.path)
    known: list[bool] = []
    waiting = partial(select.select, [sense.socket], [], [], 0)
    room.server._take = lambda _events: known.append(bool(waiting()[0]))

    sense.send(Hello("run1", "1.0"), frame(1))

    until(lambda: known, "the event was taken")
    assert known == [True]
    sense.close()


def test_just_after_the_start_flows_wait_for_sense_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits in a journal must not be sent past a sense that does not know the socket."""
    monkeypatch.setattr(server_module, "MEET_SECONDS", 30.0)
    room = Room(tmp_path / "events.sock", frozenset({os.geteuid()}))
    room.server.listen()
    room.server.start()
    telling = threading.Thread(target=room.server.tell_flows, args=(FLOWS,))
    telling.start()
    sense = Sense(room.path)
    assert telling.is_alive()

    sense.send(Hello("run1", "1.0"))

    assert sense.next() == FLOWS
    telling.join(WAIT)
    assert not telling.is_alive()
    sense.close()
    room.close()


def test_a_sense_that_does_not_read_is_not_waited_for_long(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An output must not hang on it."""
    monkeypatch.setattr(server_module, "TELL_SECONDS", 0.05)
    room.connect("run1")
    until(lambda: room.server.sense.connected, "connected")

    for _ in range(3):
        room.server.tell_flows(Flows(FLOWS.flows * 20_000))

    assert any(peer.out for peer in room.server._peers)


def test_a_stranger_is_refused(tmp_path: Path) -> None:
    """The kernel says who connects; another user is hung up on and counted."""
    room = Room(tmp_path / "events.sock", frozenset({4_000_000}))
    room.server.listen()
    room.server.start()

    assert room.connect().is_closed()

    assert room.server.refused["uid"] == 1
    assert not room.server.sense.connected
    room.close()


@pytest.mark.parametrize(
    "data",
    [
        (link.MAX_FRAME + 1).to_bytes(4, "big"),
        b"\x00\x00\x00\x01\xc1",
        link.encode(Ack(1)),
        b"\x00\x03\x0d\x51" + b"\x82\xa4type\xa5hello\xa1x" + b"\x91" * 200_000 + b"\xc0" * 99,
        link.encode(EventFrame(1, EVENT)),
    ],
    ids=["too-long", "no-messagepack", "of-the-other-side", "nested-deeply", "before-hello"],
)
def test_a_hostile_frame_closes_the_connection_only(room: Room, data: bytes) -> None:
    """It is counted, and the next connection is served."""
    hostile = room.connect()
    hostile.socket.sendall(data)
    assert hostile.is_closed()
    assert room.server.refused["frame"] == 1

    sense = room.connect("run1")
    sense.send(frame(1))

    sense.next_ack(1)
    assert room.taken == ["1"]


def test_there_are_only_so_many_connections(room: Room) -> None:
    """Those beyond are hung up on; when one leaves there is room again."""
    inside = [room.connect(f"run{n}") for n in range(MAX_CONNECTIONS)]
    for sense in inside:
        sense.next()

    assert room.connect().is_closed()

    assert room.server.refused["full"] == 1
    inside[0].close()
    until(lambda: len(room.server._peers) < MAX_CONNECTIONS, "it is gone")
    assert room.connect("later").next() == Flows(())


def test_a_peer_that_never_reads_fills_no_memory(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the latest acknowledgement and the latest flows wait for it."""
    monkeypatch.setattr(server_module, "TELL_SECONDS", 0.0)
    sense = room.connect("run1")
    many = Flows(FLOWS.flows * 2000)
    for number in range(1, 200):
        sense.send(frame(number))
        room.server.tell_flows(many)

    until(lambda: room.server.events == 199, "all were taken")

    assert max(len(peer.out) for peer in room.server._peers) <= 2 * len(link.encode(many))


def test_the_socket_is_for_owner_and_group(room: Room) -> None:
    """Nobody else can connect."""
    assert stat.S_IMODE(room.path.stat().st_mode) == 0o660
    assert room.path.stat().st_gid == room.path.parent.stat().st_gid


def test_the_socket_is_removed_at_the_end(tmp_path: Path) -> None:
    """Nothing is left in the folder."""
    room = Room(tmp_path / "events.sock", frozenset())
    room.server.listen()
    room.server.start()
    room.close()

    assert [*tmp_path.iterdir()] == []


def test_what_a_crash_left_behind_is_replaced(tmp_path: Path) -> None:
    """A socket file that nobody listens on."""
    path = tmp_path / "events.sock"
    code = "import socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert path.is_socket()

    room = Room(path, frozenset({os.geteuid()}))
    room.server.listen()
    room.server.start()

    assert room.connect("run1").next() == Flows(())
    room.close()


def test_a_second_deliver_is_refused(room: Room) -> None:
    """It would take the events away from the first."""
    second = Server(room.path, frozenset(), lambda _: None)

    with pytest.raises(ConfigError, match="another process listens"):
        second.listen()
    second.stop()

    assert room.connect("run1").next() == Flows(())


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    """Whatever it is, it was not made by us."""
    path = tmp_path / "events.sock"
    path.write_text("precious", encoding="utf-8")
    server = Server(path, frozenset(), lambda _: None)

    with pytest.raises(ConfigError, match="no socket"):
        server.listen()
    server.stop()

    assert path.read_text(encoding="utf-8") == "precious"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The message is one line with the path."""
    server = Server(tmp_path / "none" / "events.sock", frozenset(), lambda _: None)

    with pytest.raises(ConfigError, match=r"none/events.sock: cannot listen: No such file"):
        server.listen()
    server.stop()


def test_the_heart_beats_without_any_traffic(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quiet network is no dead process."""
    monkeypatch.setattr(server_module, "TICK", 0.01)
    before = room.server.heartbeat

    until(lambda: room.server.heartbeat > before, "the heart beats")
