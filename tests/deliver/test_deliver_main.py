"""The whole of deliver: from the socket of sense to real receivers."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent import config
from agent.config import ConfigError, Settings
from agent.deliver import failures, keeper, main
from agent.deliver import http as http_module
from agent.deliver import lane as lane_module
from agent.deliver import server as server_module
from agent.deliver.main import Deliver
from agent.deliver.server import Server
from agent.link import EventFrame, Flows, Hello, Snapshot
from agent.model import Event
from agent.verify.report import Report
from tests.deliver.test_server import Sense
from tests.deliver.waiting import DEADLINE, until
from tests.outputs.receivers import TcpReceiver, UdpReceiver, closed_port
from tests.outputs.samples import AGENT, EVENT

ROOT = Path(main.__file__).parents[2]
READY = Snapshot((), ready=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ends come soon, and tell no systemd."""
    monkeypatch.setattr(http_module, "POLL", 0.01)
    monkeypatch.setattr(main, "DRAIN_SECONDS", 1.0)
    monkeypatch.setattr(main, "TICK", 0.01)
    monkeypatch.setattr(server_module, "MEET_SECONDS", 0.0)
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)


def settings(*outputs: dict[str, object]) -> Settings:
    """Return settings as a configuration file would give them."""
    text = json.dumps(
        {
            "sensor": {"name": "sensor1.example.org"},
            "http": {"address": "127.0.0.1:0"},
            "outputs": outputs,
        }
    )
    return config.parse(text, "config.yaml")


def logstash(receiver: UdpReceiver, name: str = "elk", **keys: object) -> dict[str, object]:
    """Return the settings of an output to a receiver."""
    return {"name": name, "type": "logstash", "address": receiver.address, **keys}


class House:
    """A running deliver and a sense that is connected to it."""

    def __init__(self, run_dir: Path, made: Settings) -> None:
        self.deliver = Deliver(made, run_dir, run_dir / "state")
        self.deliver.start()
        self.stop = threading.Event()
        self.status: list[int] = []
        self.thread = threading.Thread(
            target=lambda: self.status.append(self.deliver.run(self.stop))
        )
        self.thread.start()
        self.sense = Sense(run_dir / main.SOCKET)
        self.sense.send(Hello("run1", "1.0"), READY)
        self._number = 0

    def tell(self, event: Event = EVENT) -> None:
        """Let sense report an event, and wait until it is acknowledged."""
        self._number += 1
        self.sense.send(EventFrame(self._number, event))
        self.sense.next_ack(self._number)

    def ask(self, path: str) -> tuple[int, str]:
        """Return status and body of a page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.deliver.http.port, timeout=10)
        with contextlib.closing(connection) as asked:
            asked.request("GET", path)
            answer = asked.getresponse()
            return answer.status, answer.read().decode()

    def close(self) -> None:
        """Stop it as the caller of `run` does."""
        self.stop.set()
        self.thread.join(DEADLINE)
        self.deliver.close()
        self.sense.close()


Open = Callable[..., House]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Open]:
    """Yield what starts a deliver with outputs; all are stopped at the end."""
    houses: list[House] = []

    def open_house(*outputs: dict[str, object]) -> House:
        houses.append(House(tmp_path, settings(*outputs)))
        return houses[-1]

    yield open_house
    for one in houses:
        one.close()


@pytest.fixture
def second() -> Iterator[UdpReceiver]:
    """Yield another receiver."""
    made = UdpReceiver()
    yield made
    made.close()


def document(receiver: UdpReceiver) -> dict[str, Any]:
    """Return the next document that a receiver gets."""
    parsed: dict[str, Any] = json.loads(receiver.next())
    return parsed


def started(*receivers: UdpReceiver) -> None:
    """Take off each receiver what every run begins with: deliver's own start."""
    for receiver in receivers:
        told = document(receiver)
        assert (told["class"], told["seq"]) == ("agent-start", 1)
        assert told["evidence"]["process"] == "deliver"


def test_an_event_reaches_every_output_with_its_own_number(
    house: Open, receiver: UdpReceiver, second: UdpReceiver
) -> None:
    """What an output does not want has no number there: a gap is always a loss."""
    open_house = house(logstash(receiver, "all"), logstash(second, "few", min_severity="critical"))
    low = msgspec.structs.replace(EVENT, severity_id=3)

    for event in (low, EVENT, AGENT, EVENT):
        open_house.tell(event)
    started(receiver, second)

    every = [document(receiver) for _ in range(4)]
    assert [one["seq"] for one in every] == [2, 3, 4, 5]
    few = [document(second) for _ in range(3)]
    assert [one["seq"] for one in few] == [2, 3, 4]
    assert [one["class"] for one in few] == ["trail-domain", "agent-heartbeat", "trail-domain"]
    assert len({one["run_id"] for one in few}) == 1
    assert len(few[0]["run_id"]) == 32
    assert few[0]["run_id"] != every[0]["run_id"]


def test_the_life_of_deliver_is_told_with_the_set_in_use(
    house: Open, receiver: UdpReceiver, tmp_path: Path
) -> None:
    """Until sense says which one it uses, that is the published one."""
    sets = tmp_path / "state" / "sets"
    sets.mkdir(parents=True)
    (sets / "current").symlink_to(f"{'a' * 64}.set")
    open_house = house(logstash(receiver))
    start = document(receiver)
    open_house.sense.send(msgspec.structs.replace(READY, set="b" * 12))
    until(lambda: open_house.deliver._notices.set_id == "b" * 12, "it is learnt")

    open_house.deliver.reload(settings(logstash(receiver)))
    with pytest.raises(ConfigError):
        open_house.deliver.reload(settings({"name": "bad", "type": "syslogg"}))
    open_house.close()

    told = [start, *(document(receiver) for _ in range(3))]
    assert [one["class"] for one in told] == [
        "agent-start",
        "agent-reload",
        "agent-degraded",
        "agent-stop",
    ]
    assert [one["set"] for one in told] == ["a" * 12, *["b" * 12] * 3]
    assert {one["evidence"]["process"] for one in told} == {"deliver"}
    assert "reload refused: outputs.bad.type: " in told[2]["info"]
    assert [one["seq"] for one in told] == [1, 2, 3, 4]


def test_lines_of_all_outputs_in_one_file_are_told_apart(house: Open, tmp_path: Path) -> None:
    """Each output numbers a run of its own: nothing is doubled, and nothing hides a gap."""
    folder = tmp_path / "all"
    folder.mkdir()
    open_house = house(archive(folder, "a"), archive(folder, "b"))
    for _ in range(5):
        open_house.tell()
    open_house.close()

    lines = (folder / "events.log").read_text().splitlines()
    whole, torn = Report(), Report()
    whole.take(lines)
    torn.take(line for line in lines if json.loads(line)["seq"] != 3)

    assert [(run.received, run.last, run.ended) for run in whole.runs.runs.values()] == [
        (7, 7, True),
        (7, 7, True),
    ]
    assert whole.is_clean
    assert [run.gaps for run in torn.runs.runs.values()] == [[(3, 3)], [(3, 3)]]


def test_sense_is_told_the_sockets_of_the_outputs(house: Open, receiver: UdpReceiver) -> None:
    """Without having asked."""
    open_house = house(logstash(receiver))

    while True:
        message = open_house.sense.next()
        if isinstance(message, Flows) and message.flows:
            break

    (flow,) = message.flows
    assert (flow.protocol, flow.remote, flow.remote_port) == ("udp", "127.0.0.1", receiver.port)


def test_an_output_that_comes_back_gets_what_it_missed(house: Open) -> None:
    """Nothing is lost while the receiver is away, as far as it can be noticed."""
    port = closed_port()
    address = f"127.0.0.1:{port}"
    open_house = house({"name": "elk", "type": "logstash", "address": address})
    open_house.tell()
    (lane,) = open_house.deliver.lanes
    until(lambda: lane.tally.errors["refused"], "the refusal is noticed")

    receiver = UdpReceiver(port=port)

    started(receiver)
    assert document(receiver)["seq"] == 2
    receiver.close()


def test_drops_are_told_in_an_event(
    house: Open, receiver: UdpReceiver, second: UdpReceiver
) -> None:
    """The outputs that live tell about the one that does not."""
    dead = {"name": "dead", "type": "logstash", "address": f"127.0.0.1:{closed_port()}"}
    open_house = house(logstash(receiver), {**dead, "agent_events": False})
    lane = open_house.deliver.lanes[1]
    lane.queue.resize(1)
    open_house.tell()

    started(receiver)
    assert document(receiver)["class"] == "trail-domain"
    loss = document(receiver)
    assert loss["class"] == "agent-loss"
    assert loss["info"] == "lost 1 events in output dead"
    assert loss["evidence"]["queue-full"] == 1
    assert loss["sensor"] == "sensor1.example.org"


def test_a_heartbeat_tells_how_far_each_output_has_come(
    house: Open, receiver: UdpReceiver, second: UdpReceiver
) -> None:
    """The numbers before it: what is missing then was lost on the way."""
    open_house = house(logstash(receiver, "all"), logstash(second, "few", min_severity="critical"))
    for event in (EVENT, msgspec.structs.replace(EVENT, severity_id=3), AGENT):
        open_house.tell(event)

    for got, seq in ((receiver, 4), (second, 3)):
        *_, beat = (document(got) for _ in range(seq))
        assert (beat["class"], beat["seq"]) == ("agent-heartbeat", seq)
        told = beat["evidence"]
        assert told.items() >= AGENT.evidence.items()
        assert (told["seq_all"], told["seq_few"]) == (3, 2)
        assert (told["lost_all"], told["lost_few"]) == (0, 0)
        assert told["waiting_few"] <= 2


def test_an_output_that_fails_for_long_is_told_by_the_others(
    house: Open, receiver: UdpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until its receiver is back."""
    monkeypatch.setattr(failures, "LIMIT", 0.05)
    monkeypatch.setattr(failures, "CALM", 0.05)
    port = closed_port(kind=TcpReceiver)
    house(
        logstash(receiver), logstash(receiver, "dead", transport="tcp", address=f"127.0.0.1:{port}")
    )
    started(receiver)
    down = document(receiver)
    assert down["info"].startswith("output dead has failed for ")

    server = TcpReceiver(port=port)

    up = document(receiver)
    assert up["info"].startswith("output dead works again")
    assert (down["state"], up["state"], up["incident_id"]) == (
        "open",
        "closed",
        down["incident_id"],
    )
    server.close()


def test_health_and_readiness_are_served(house: Open, receiver: UdpReceiver) -> None:
    """Health is about the loops here, readiness about sense; not about the SIEM."""
    open_house = house(logstash(receiver))
    open_house.tell()
    assert open_house.ask("/healthz") == (200, "ok\n")
    assert open_house.ask("/readyz") == (200, "ok\n")

    open_house.sense.send(Snapshot((), ready=False, reason="no trail\nset yet"))
    open_house.tell()
    assert open_house.ask("/readyz") == (503, "no trail set yet\n")

    open_house.sense.close()
    until(lambda: not open_house.deliver.server.sense.connected, "the end is noticed")
    assert open_house.ask("/readyz") == (503, "sense is not connected\n")
    assert open_house.ask("/healthz") == (200, "ok\n")


def test_a_sense_that_says_nothing_is_not_ready(
    house: Open, receiver: UdpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hanging sense may well be connected."""
    open_house = house(logstash(receiver))
    open_house.tell()
    monkeypatch.setattr(main, "READY_WITHIN", 0.0)

    assert open_house.ask("/readyz") == (
        503,
        "sense is connected but says nothing of its state\n",
    )


def test_a_thread_without_a_sign_of_life_is_named(
    house: Open, receiver: UdpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the person who looks."""
    open_house = house(logstash(receiver))
    monkeypatch.setattr(main, "FRESH", -1.0)

    status, text = open_house.ask("/healthz")

    assert (status, text) == (503, "no sign of life from link, output elk\n")


def test_metrics_are_served(house: Open, receiver: UdpReceiver) -> None:
    """Those of deliver at least."""
    open_house = house(logstash(receiver))
    open_house.tell()
    started(receiver)
    assert receiver.next()
    lane = open_house.deliver.lanes[0]
    until(lambda: lane.tally.sent == 2, "both are counted")

    _, page = open_house.ask("/metrics")

    assert 'maltrail_agent_output_events_sent_total{output="elk"} 2.0' in page
    assert "maltrail_agent_link_connected 1.0" in page


def test_a_reload_touches_only_what_changed(
    house: Open, receiver: UdpReceiver, second: UdpReceiver
) -> None:
    """The same stays open; the changed goes on with its queue and numbers; the new begins."""
    open_house = house(logstash(receiver, "same"), logstash(receiver, "changed"))
    same, changed = open_house.deliver.lanes
    open_house.tell()
    assert sorted(document(receiver)["seq"] for _ in range(4)) == [1, 1, 2, 2]
    until(lambda: same.flows and changed.flows, "both are open")
    flows = same.flows

    third = UdpReceiver()
    open_house.deliver.reload(
        settings(logstash(receiver, "same"), logstash(second, "changed"), logstash(third, "new"))
    )
    open_house.tell()

    for got, first in ((receiver, 3), (second, 3), (third, 1)):
        told = [document(got) for _ in range(2)]
        assert [one["seq"] for one in told] == [first, first + 1]
        assert [one["class"] for one in told] == ["agent-reload", "trail-domain"]
    assert same.flows == flows
    assert [lane.name for lane in open_house.deliver.lanes] == ["same", "changed", "new"]
    third.close()


def test_a_password_is_in_force_after_a_reload_an_address_after_a_restart(
    house: Open, receiver: UdpReceiver, tmp_path: Path
) -> None:
    """What waits for the restart is told."""
    open_house = house(logstash(receiver))
    assert open_house.ask("/metrics")[0] == 200
    started(receiver)
    (tmp_path / "password").write_text("secret\n")
    guarded = config.Http(
        address="127.0.0.1:1", password_file=str(tmp_path / "password"), metrics=False
    )

    made = settings(logstash(receiver))
    open_house.deliver.reload(msgspec.structs.replace(made, http=guarded))

    assert open_house.ask("/metrics")[0] == 401
    told = document(receiver)["info"]
    assert told == "reloaded: outputs; http.address, http.metrics change at a restart"


def test_an_output_that_is_gone_after_a_reload_is_closed(
    house: Open, receiver: UdpReceiver
) -> None:
    """Its memory is given to the others, and sense hears that the socket is gone."""
    open_house = house(logstash(receiver, "stays"), logstash(receiver, "goes"))
    stays, goes = open_house.deliver.lanes
    until(lambda: stays.flows and goes.flows, "both are open")
    capacity = stays.state.capacity

    open_house.deliver.reload(settings(logstash(receiver, "stays")))

    assert goes.flows == ()
    assert open_house.deliver.lanes == (stays,)
    assert stays.state.capacity == 2 * capacity
    until(lambda: open_house.deliver.server._flows == Flows(stays.flows), "only one socket is left")


def test_a_reload_that_is_wrong_changes_nothing(
    house: Open, receiver: UdpReceiver, second: UdpReceiver
) -> None:
    """All outputs carry on as they were."""
    open_house = house(logstash(receiver))

    with pytest.raises(ConfigError, match=r"outputs\.bad\.type: outputs: no 'syslogg'"):
        open_house.deliver.reload(settings(logstash(second), {"name": "bad", "type": "syslogg"}))
    open_house.tell()

    started(receiver)
    assert document(receiver)["class"] == "agent-degraded"
    assert document(receiver)["seq"] == 3
    assert second.is_empty()


def test_an_output_that_hangs_is_left_behind_by_a_reload(
    house: Open, receiver: UdpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look-up that never comes back must not keep its successor from working."""
    monkeypatch.setattr(lane_module, "REPLACE_SECONDS", 0.05)
    hanging = threading.Event()
    open_house = house(logstash(receiver))
    (lane,) = open_house.deliver.lanes
    started(receiver)
    until(lambda: lane.connected and not lane.state.events, "it is open")
    monkeypatch.setattr(lane._runner.output, "write", lambda _: hanging.wait())
    open_house.tell()

    open_house.deliver.reload(settings(logstash(receiver, format="ecs")))

    assert document(receiver)["event"]["sequence"] == 2
    hanging.set()


def test_the_end_sends_what_is_queued(
    house: Open, receiver: UdpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Also what came a moment before it, and without a complaint."""
    open_house = house(logstash(receiver))
    for _ in range(20):
        open_house.tell()

    open_house.close()

    told = [document(receiver) for _ in range(22)]
    assert [one["seq"] for one in told] == [*range(1, 23)]
    assert (told[-1]["class"], told[-1]["evidence"]["reason"]) == ("agent-stop", "asked to stop")
    assert open_house.status == [0]
    assert not caplog.records


def test_a_link_that_died_ends_the_process_with_a_failure(
    house: Open, receiver: UdpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then systemd starts it anew."""
    open_house = house(logstash(receiver))
    monkeypatch.setattr(Server, "is_alive", False)

    open_house.thread.join(DEADLINE)

    assert open_house.status == [1]
    open_house.close()
    started(receiver)
    assert document(receiver)["evidence"]["reason"] == "the link to sense has ended"


def test_the_watchdog_is_fed_while_the_link_lives(
    house: Open,
    receiver: UdpReceiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And only then; the state of outputs has no say."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.settimeout(10.0)
        systemd.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "1000000")
        house(logstash(receiver))

        assert systemd.recv(4096) == b"READY=1\nSTATUS=listening for sense; outputs: elk"
        assert systemd.recv(4096) == b"WATCHDOG_USEC=1000000"
        assert systemd.recv(4096) == b"WATCHDOG=1"
        monkeypatch.delenv("NOTIFY_SOCKET")


def test_nothing_is_left_running_when_the_start_fails(tmp_path: Path) -> None:
    """The error is the one line to print."""
    with pytest.raises(ConfigError, match="cannot listen: No such file"):
        main.run(settings(), tmp_path / "none", tmp_path, threading.Event())

    names = {thread.name for thread in threading.enumerate()}
    assert not {name for name in names if name.startswith(("link", "http", "output"))}


PROGRAM = """
import signal, sys, threading
from pathlib import Path
from typing import Any
from agent import config
from agent.deliver import keeper, main
stop = threading.Event()
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: stop.set())
text = '{http: {address: "127.0.0.1:0"}, outputs: [{name: o, type: stdout}]}'
sys.exit(main.run(config.parse(text, "test"), Path(sys.argv[1]), Path(sys.argv[1]), stop))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """What was taken is written, the socket is gone, the status is 0."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        path = tmp_path / main.SOCKET
        until(path.exists, "it listens")
        sense = Sense(path)
        sense.send(Hello("run1", "1.0"), EventFrame(1, EVENT))
        sense.next_ack(1)

        process.send_signal(number)
        output, _ = process.communicate(timeout=DEADLINE)
        sense.close()

    told = [json.loads(line) for line in output.splitlines()]
    assert [one["class"] for one in told] == ["agent-start", EVENT.class_id, "agent-stop"]
    assert told[1]["event_id"] == EVENT.event_id
    assert process.returncode == 0
    assert not path.exists()


def test_deliver_never_loads_what_reads_packets() -> None:
    """A fault in a parser must not reach the process that holds the secrets."""
    code = (
        "import sys, agent.deliver.main\n"
        "print(sorted(n for n in sys.modules if n.startswith("
        "('agent.scan','agent.capture','agent.match','pcapy'))))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"


def test_who_may_connect() -> None:
    """Ourselves and root, and the user of sense where it exists."""
    assert {os.geteuid(), 0} <= main.allowed_uids()


def test_the_time_of_an_end_is_bounded(house: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead receiver does not keep the host from shutting down."""
    monkeypatch.setattr(main, "DRAIN_SECONDS", 0.2)
    open_house = house(
        {"name": "dead", "type": "logstash", "address": f"127.0.0.1:{closed_port()}"}
    )
    open_house.tell()
    began = time.monotonic()

    open_house.close()

    assert time.monotonic() - began < DEADLINE / 2
    assert open_house.deliver.lanes[0].dropped["stopped"] == 3  # with its own start and stop


def archive(folder: Path, name: str = "archive", **keys: object) -> dict[str, object]:
    """Return the settings of an output that fails as long as the folder is not there."""
    return {"name": name, "type": "file", "path": str(folder / "events.log"), **keys}


def documents(folder: Path) -> list[dict[str, Any]]:
    """Return what was written to the file."""
    path = folder / "events.log"
    return list(map(json.loads, path.read_text().splitlines())) if path.exists() else []


def test_what_waits_is_sent_by_the_next_process(house: Open, tmp_path: Path) -> None:
    """With the run and the numbers that it had; new events begin anew."""
    folder = tmp_path / "late"
    first = house(archive(folder))
    for _ in range(3):
        first.tell()
    first.close()
    folder.mkdir()

    second = house(archive(folder))
    second.tell()

    until(lambda: len(documents(folder)) == 7, "all are there")
    runs = [one["run_id"] for one in documents(folder)]
    assert [one["seq"] for one in documents(folder)] == [1, 2, 3, 4, 5, 1, 2]
    assert runs == [runs[0]] * 5 + [runs[5]] * 2
    assert runs[0] != runs[5]


def test_a_journal_is_kept_when_its_output_goes_and_that_is_told(
    house: Open, receiver: UdpReceiver, tmp_path: Path
) -> None:
    """Nobody asked for its events to be deleted."""
    folder = tmp_path / "late"
    first = house(archive(folder))
    first.tell()
    first.close()

    house(logstash(receiver))

    started(receiver)
    told = document(receiver)
    assert told["class"] == "agent-degraded"
    assert "journal/archive holds" in told["info"]
    assert "name its output in the configuration again" in told["info"]


def test_an_output_that_comes_back_in_one_run_goes_on_counting(house: Open, tmp_path: Path) -> None:
    """The same run and number never mean two events."""
    open_house = house(archive(tmp_path))
    open_house.tell()
    until(lambda: len(documents(tmp_path)) == 2, "it was written")

    open_house.deliver.reload(settings())
    open_house.deliver.reload(settings(archive(tmp_path)))
    open_house.tell()

    until(lambda: len(documents(tmp_path)) == 4, "the next was written")
    assert [one["seq"] for one in documents(tmp_path)] == [1, 2, 3, 4]
    assert len({one["run_id"] for one in documents(tmp_path)}) == 1


def test_a_second_deliver_never_takes_the_journal(house: Open, tmp_path: Path) -> None:
    """The message names the folder and what to do."""
    house(archive(tmp_path))

    with pytest.raises(ConfigError, match=r"journal/archive: another deliver uses this journal"):
        Deliver(settings(archive(tmp_path)), tmp_path / "other", tmp_path / "state")


@pytest.mark.parametrize(("journal", "expected"), [(False, False), (True, True)])
def test_whether_there_is_a_journal_can_be_chosen(
    house: Open, tmp_path: Path, receiver: UdpReceiver, journal: bool, expected: bool
) -> None:
    """Datagrams have none by default, files have one."""
    open_house = house(
        archive(tmp_path, "a"),
        archive(tmp_path, "b", journal=journal),
        logstash(receiver, "c"),
        logstash(receiver, "d", journal=journal),
    )

    assert [lane.has_journal for lane in open_house.deliver.lanes] == [
        True,
        expected,
        False,
        expected,
    ]


def test_a_journal_that_cannot_be_written_is_told_and_so_is_its_return(
    house: Open, receiver: UdpReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the outputs that work; the metric says it as long as it lasts."""
    monkeypatch.setattr(keeper, "EVERY", 0.01)
    (tmp_path / "state").write_text("in the way", encoding="utf-8")
    open_house = house(archive(tmp_path), logstash(receiver))
    started(receiver)
    told = document(receiver)
    assert told["class"] == "agent-degraded"
    assert "the journal of output archive cannot be written" in told["info"]
    assert 'journal_degraded{output="archive"} 1.0' in open_house.ask("/metrics")[1]

    (tmp_path / "state").unlink()

    assert "is written again" in document(receiver)["info"]
    assert 'journal_degraded{output="archive"} 0.0' in open_house.ask("/metrics")[1]
