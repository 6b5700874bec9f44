"""sense as a whole: from the wire to deliver's real server, through faults of its neighbours."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent import __version__, heartbeat, outages
from agent import sense as sense_module
from agent import uplink as uplink_module
from agent import worker as worker_module
from agent.capture import Stats
from agent.config import ConfigError, Settings, parse
from agent.deliver.metrics_sense import MAX_SAMPLES
from agent.deliver.server import Server
from agent.link import Flow, Flows
from agent.model import Event
from agent.scan import layout, stats
from agent.sense import Sense
from agent.trails.publish import current_set, publish, rollback
from tests import packets
from tests.deliver.waiting import until
from tests.wired import Rows, write_set

ROOT = Path(__file__).resolve().parents[1]
ABSENT = "mts-none"
"""An interface that no host has: such a sense does all but capture, and needs no privileges."""


class Deliver:
    """deliver's server, and what it took over; it can be stopped and started like the process."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / "events.sock"
        self.events: list[Event] = []
        self.server: Server | None = None
        self.start()

    def start(self) -> Server:
        """Start a new server at the same place; it knows nothing of the old one."""
        self.server = Server(self._path, frozenset({os.geteuid()}), self.events.extend)
        self.server.listen()
        self.server.start()
        return self.server

    def stop(self) -> None:
        """Stop the server."""
        if self.server:
            self.server.stop()
            self.server = None

    def of(self, class_id: str) -> list[Event]:
        """Return the events of one class."""
        return [event for event in self.events if event.class_id == class_id]

    def metric(self, name: str) -> float:
        """Return the sum of a metric of the last snapshot, -1 without one."""
        snapshot = self.server.sense.snapshot if self.server else None
        found = [s.value for s in snapshot.samples if s.name == name] if snapshot else []
        return sum(found) if found else -1.0

    @property
    def unready(self) -> str | None:
        """Return why sense is not ready, empty where it is, None before it said anything."""
        snapshot = self.server.sense.snapshot if self.server else None
        return snapshot.reason if snapshot else None


class Room:
    """Folders, a deliver, and senses on threads of their own."""

    def __init__(self, folder: Path) -> None:
        self.state, self.run_dir = folder / "state", folder / "run"
        self.folder = folder
        self.state.mkdir()
        self.run_dir.mkdir()
        self.deliver = Deliver(self.run_dir)
        self._running: list[tuple[threading.Event, threading.Thread]] = []

    def settings(self, more: str = "", interface: str = ABSENT) -> Settings:
        """Return settings that touch nothing of this host."""
        return parse(
            "sensor: {name: sensor.example.org}\n"
            f"capture: {{interfaces: [{interface}], buffer_mb: 4, workers: 1}}\n"
            f"trails: {{custom: [{self.folder}/own.txt]}}\n"
            "allow_list: {builtin: false, files: []}\n"
            "condense: {window: 1s}\n" + more,
            "config.yaml",
        )

    def start(self, settings: Settings | None = None) -> Sense:
        """Start a sense."""
        sense = Sense(settings or self.settings(), self.state, self.run_dir)
        stop = threading.Event()
        thread = threading.Thread(target=sense.run, args=(stop,), daemon=True)
        thread.start()
        self._running.append((stop, thread))
        return sense

    def stop(self) -> None:
        """Stop all senses and wait for their ends."""
        for stop, _ in self._running:
            stop.set()
        for _, thread in self._running:
            thread.join(20)
            assert not thread.is_alive()
        self._running.clear()

    def publish(self, rows: Rows) -> Path:
        """Build and publish a set; return the published file."""
        return publish(write_set(self.folder / "built.set", rows), self.state)

    def told(self, class_id: str, what: str = "") -> Event:
        """Wait for an event of that class whose info holds `what`; return it."""

        def found() -> list[Event]:
            return [event for event in self.deliver.of(class_id) if what in event.info]

        until(found, f"{class_id} {what}: {[e.info for e in self.deliver.events]}")
        return found()[0]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """Return a room in which what is due every few seconds is due at once."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    monkeypatch.setattr(sense_module, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(sense_module, "SET_SECONDS", 0.05)
    monkeypatch.setattr(sense_module, "SNAPSHOT_SECONDS", 0.05)
    monkeypatch.setattr(sense_module, "INTERFACES_SECONDS", 0.05)
    monkeypatch.setattr(worker_module, "REOPEN_SECONDS", 0.05)
    monkeypatch.setattr(uplink_module, "RETRY_SECONDS", 0.05)
    switch = sys.getswitchinterval()
    made = Room(tmp_path)
    try:
        yield made
    finally:
        made.stop()
        made.deliver.stop()
        sys.setswitchinterval(switch)


# --- without capture --------------------------------------------------------------------------


def test_a_start_without_a_set_is_told_and_not_ready(room: Room) -> None:
    """It runs with what it has, says what is missing and what to do."""
    room.start()

    degraded = room.told("agent-degraded")
    assert "no trail set is published" in degraded.info
    assert "run maltrail-agent update" in degraded.info
    assert (degraded.severity_id, degraded.set) == (6, "none")
    until(lambda: room.deliver.unready == "no trail set is published", "not ready")
    assert room.told("agent-start").sensor == "sensor.example.org"


def test_a_set_published_later_is_adopted_and_told(room: Room) -> None:
    """Within seconds, without a restart; events name it from then on."""
    room.start()
    room.told("agent-degraded")
    until(lambda: room.deliver.unready is not None, "the first counters")

    published = room.publish({"evil.org": "malware", "evil.net": "malware"})

    set_id = published.stem[:12]
    assert room.told("agent-reload", f"trail set {set_id}").set == set_id
    until(lambda: room.deliver.metric("trails_loaded") == 2, "the metric")
    until(lambda: room.deliver.unready != "no trail set is published", "the set is no reason now")
    missing = room.told("agent-degraded", "no trail set is published")
    mended = room.told("agent-degraded", "a trail set is in use; nothing is left to do")
    assert (missing.state, mended.state) == ("open", "closed")
    assert (mended.incident_id, mended.set) == (missing.incident_id, set_id)


def test_a_set_that_is_there_at_the_start_is_in_force_from_the_first_event(room: Room) -> None:
    """No moment without trails, and nothing to complain about."""
    set_id = room.publish({"evil.org": "malware"}).stem[:12]

    room.start()

    started = room.told("agent-start")
    assert (started.set, started.evidence["set"]) == (set_id, set_id)
    assert room.deliver.of("agent-degraded") == []


def test_a_damaged_set_is_refused_and_the_old_one_stays(room: Room) -> None:
    """Told once, with the file; a good one afterwards is adopted."""
    good = room.publish({"evil.org": "malware"})
    room.start()
    room.told("agent-start")
    bad = good.with_name("f" * 64 + ".set")
    content = bytearray(good.read_bytes())
    content[-9] ^= 0xFF
    bad.write_bytes(content)
    bad.chmod(0o444)
    link = good.with_name("new")
    link.symlink_to(bad.name)
    link.replace(good.with_name("current"))

    degraded = room.told("agent-degraded", bad.name)

    assert "the set in use stays" in degraded.info
    assert degraded.set == good.stem[:12]
    better = room.publish({"evil.org": "malware", "evil.net": "malware"})
    assert room.told("agent-reload", better.stem[:12])
    mended = room.told("agent-degraded", "a good trail set is in use")
    assert (mended.state, mended.incident_id) == ("closed", degraded.incident_id)
    assert len(room.deliver.of("agent-degraded")) == 2


def test_a_set_that_only_another_version_reads_is_replaced_under_its_name(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade the old set is refused; the update makes the same one again, readable."""
    with monkeypatch.context() as other:
        other.setattr(layout, "FORMAT_VERSION", layout.FORMAT_VERSION - 1)
        foreign = room.publish({"evil.org": "malware"})
    room.start()
    assert "build it again" in room.told("agent-degraded", "has format version").info

    good = room.publish({"evil.org": "malware"})

    assert good == foreign
    assert room.told("agent-reload", good.stem[:12])


def test_a_rollback_is_followed(room: Room) -> None:
    """The link decides, whichever way it goes."""
    first = room.publish({"evil.org": "malware"})
    second = room.publish({"evil.net": "malware"})
    room.start()
    assert room.told("agent-start").set == second.stem[:12]

    rollback(room.state)

    assert current_set(room.state) == first
    assert room.told("agent-reload", first.stem[:12])


def test_a_reload_puts_settings_in_force_and_says_what_waits(room: Room) -> None:
    """Own trails are read anew; what needs a restart is named."""
    sense = room.start()
    room.told("agent-start")
    (room.folder / "own.txt").write_text("evil.org\nevil.net\n")

    sense.reload(room.settings("limits: {tables_mb: 8}\n"))

    assert "limits change at a restart" in room.told("agent-reload", "settings").info
    until(lambda: room.deliver.metric("own_trails_loaded") == 2, "the own trails")


def test_suppressions_come_with_a_reload_and_their_end_is_told(room: Room) -> None:
    """One that has ended is told at once, and each is a metric from the start."""
    sense = room.start()
    room.told("agent-start")

    sense.reload(
        room.settings(
            "suppress:\n"
            "- {name: over, reason: pentest, info: x, until: 2020-01-01}\n"
            "- {name: lasting, reason: pentest, info: x}\n"
        )
    )

    ended = room.told("agent-suppress", "suppression over ended with 2020-01-01")
    assert ended.evidence["reason"] == "pentest"
    until(lambda: room.deliver.metric("suppressed_total") == 0, "the entries' metrics")
    assert len(room.deliver.of("agent-suppress")) == 1


def test_a_reload_of_what_cannot_be_read_keeps_the_old(room: Room) -> None:
    """An allow-list that is not there, a list that is no list: told, nothing changes."""
    (room.folder / "own.txt").write_text("evil.org\n")
    sense = room.start()
    until(lambda: room.deliver.metric("own_trails_loaded") == 1, "the own trail")
    (room.folder / "own.txt").unlink()
    (room.folder / "own.txt").mkdir()
    (room.folder / "own.txt" / "a.txt").mkdir()

    sense.reload(room.settings())

    degraded = room.told("agent-degraded", "reload refused: ")
    assert "a.txt: cannot" in degraded.info
    assert room.deliver.metric("own_trails_loaded") == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("detections: {port_scam: {enabled: true}}\n", "detections.port_scam: unknown behaviour"),
        ("severity: {rules: [{severity: 3, direction: [up]}]}\n", "severity.rules[0].direction"),
        ("allow_list: {entries: [{domain: 'a b'}]}\n", "allow_list.entries[0]"),
    ],
)
def test_a_reload_of_settings_that_make_no_sense_keeps_the_old(
    room: Room, wrong: str, said: str
) -> None:
    """What only the rooms themselves can judge is refused like the rest; sense goes on."""
    sense = room.start()
    room.told("agent-start")
    text = f"trails: {{custom: [{room.folder}/own.txt]}}\n{wrong}"

    sense.reload(parse(text, "config.yaml"))

    assert said in room.told("agent-degraded", "reload refused: ").info
    sense.reload(room.settings())
    assert room.told("agent-reload", "settings")


def test_a_start_with_lists_that_cannot_be_read_is_refused(room: Room) -> None:
    """One line that names the key, before anything runs."""
    (room.folder / "own.txt").mkdir()
    (room.folder / "own.txt" / "a.txt").mkdir()

    with pytest.raises(ConfigError, match=r"^trails\.custom: .*a\.txt: cannot be read"):
        Sense(room.settings(), room.state, room.run_dir)


def test_rows_of_own_lists_that_can_never_match_are_logged(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    """With the reason and a sample, so that a typing error is found."""
    (room.folder / "own.txt").write_text("evil.org\n300.1.1.1\n")

    Sense(room.settings(), room.state, room.run_dir)

    assert "1 row(s) can never match" in caplog.text
    assert "300.1.1.1" in caplog.text


def test_events_outlive_a_deliver_that_is_away(room: Room) -> None:
    """Sense starts first, is reloaded meanwhile, and tells all of it in order."""
    room.deliver.stop()
    sense = room.start()
    until(lambda: sense._uplink.waiting >= 3, "start, degraded and canary are kept")
    sense.reload(room.settings())
    until(lambda: sense._uplink.waiting >= 4, "the reload is kept")

    room.deliver.start()

    room.told("agent-reload")
    classes = [event.class_id for event in room.deliver.events]
    assert classes[3] == "agent-reload"
    assert classes[:3] == ["agent-start", "agent-degraded", "agent-canary"]
    until(lambda: sense._uplink.waiting == 0, "all are acknowledged")
    assert sense._uplink.lost == 0


def test_events_outlive_a_restart_of_deliver(room: Room) -> None:
    """What was told before is not told again, what happened meanwhile is not lost."""
    sense = room.start()
    room.told("agent-degraded")
    until(lambda: sense._uplink.waiting == 0, "all are acknowledged")
    room.deliver.stop()
    published = room.publish({"evil.org": "malware"})
    until(lambda: sense._uplink.waiting, "the reload is kept")

    room.deliver.start()

    room.told("agent-reload", published.stem[:12])
    assert [event.class_id for event in room.deliver.events] == [
        "agent-start",
        "agent-degraded",
        "agent-canary",
        "agent-degraded",  # and its end
        "agent-reload",
    ]


def test_losses_of_every_kind_are_told_by_place_and_reason(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counters that only move where something is lost; each is told once."""
    monkeypatch.setattr(uplink_module, "MAX_EVENTS", 1)
    room.deliver.stop()
    sense = room.start()
    until(lambda: sense._workers and sense._uplink.lost == 2, "a worker, a ring that is full")
    monkeypatch.setattr(uplink_module, "MAX_EVENTS", 10_000)
    (worker,) = sense._workers
    monkeypatch.setattr(worker._reader, "stats", lambda: Stats(1000, 7, 2))
    worker.dropped_parcels = 3
    earlier = [0] * stats.COUNTERS
    earlier[stats.SHED], earlier[stats.STREAMS_EVICTED] = 4, 5
    sense._totals.finished.scanned = earlier
    monkeypatch.setattr(sense._totals, "evicted", lambda: Counter(scans=6))
    room.deliver.start()

    capture = room.told("agent-loss", f"lost 9 packets in capture on {ABSENT}")
    assert (capture.evidence["kernel"], capture.evidence["interface"]) == (7, 2)
    scanner = room.told("agent-loss", "lost 12 sightings in the scanner")
    assert [scanner.evidence[key] for key in ("queue-full", "table-full", "streams")] == [3, 4, 5]
    assert room.told("agent-loss", "lost 6 keys in the counters of behaviours")
    ring = room.told("agent-loss", "lost 2 events in the way to deliver")
    assert ring.evidence["ring"] == 2


def test_an_interface_that_is_not_there_is_told(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason; readiness alone tells no SIEM."""
    monkeypatch.setattr(outages, "GRACE", 0.1)
    room.start()

    told = room.told("agent-degraded", f"nothing is captured on {ABSENT}: there is no such")

    assert (told.state, told.evidence["interface"]) == ("open", ABSENT)


def test_a_restart_of_sense_is_a_stop_and_a_start(room: Room) -> None:
    """The new run counts from one again and deliver takes it as such."""
    room.start()
    room.told("agent-start")
    room.stop()
    assert room.told("agent-stop")

    room.start()

    until(lambda: len(room.deliver.of("agent-start")) == 2, "the second start")
    assert room.deliver.server is not None
    assert room.deliver.server.duplicates == 0


def test_an_end_without_deliver_comes_soon_and_says_what_is_lost(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for ever; the log has the number."""
    room.deliver.stop()
    sense = room.start()
    until(lambda: sense._uplink.waiting >= 3, "events wait")

    room.stop()

    assert "4 events did not reach deliver" in caplog.text


def test_a_heartbeat_comes_soon_after_the_start_with_all_counters(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers by which a SIEM sees that a sensor works, not only that it runs."""
    monkeypatch.setattr(heartbeat, "FIRST_SECONDS", 0.1)
    (room.folder / "own.txt").write_text("ours.org\n")
    set_id = room.publish({"evil.org": "malware", "evil.net": "malware"}).stem[:12]

    room.start()

    evidence = room.told("agent-heartbeat").evidence
    assert (evidence["set"], evidence["trails"], evidence["own_trails"]) == (set_id, 2, 1)
    assert (evidence["process"], evidence["version"]) == ("sense", __version__)
    for counter in ("packets", "dropped_kernel", "dropped_interface", "hits", "incidents"):
        assert evidence[counter] == 0
    assert (evidence["uplink_lost"], evidence["uptime"]) == (0, 0)
    assert evidence["events"] == 2  # the start and the canary
    assert (evidence["canary_ok"], evidence["canary_age"]) == (1, 0)


def test_a_heartbeat_tells_what_was_read_and_lost_also_by_workers_that_ended(room: Room) -> None:
    """What the kernel shed was never read; what a worker lost stays lost when it ends."""
    sense = room.start()
    until(lambda: sense._workers, "a worker")
    sense._shed_packets.packets[ABSENT] = 5
    sense._totals.finished.dropped_parcels = 3

    told = sense._vital_signs(0.0)

    assert (told["packets"], told["sightings_lost"]) == (0, 3)


def test_the_canary_is_told_at_the_start_and_measured(room: Room) -> None:
    """Without a set, without own trails; it counts among neither."""
    room.start()

    assert room.told("agent-canary", "the canary was detected after").severity_id == 1
    until(lambda: room.deliver.metric("canary_success") == 1, "the metric")
    assert room.deliver.metric("canary_last_success_timestamp_seconds") > 1.7e9
    assert 0 < room.deliver.metric("canary_seconds") < 5
    assert room.deliver.metric("hits_total") == 0
    assert room.deliver.metric("own_trails_loaded") == 0


def test_the_canary_is_asked_again_after_every_change_of_sets(room: Room) -> None:
    """A new set and a reload: it goes through what is in force, and stays well."""
    sense = room.start()
    room.told("agent-canary")
    first = sense._canary.last_success_us

    room.publish({"evil.org": "malware"})
    room.told("agent-reload", "trail set")
    until(lambda: sense._canary.last_success_us > first, "asked of the new set")
    second = sense._canary.last_success_us
    sense.reload(room.settings())
    room.told("agent-reload", "settings")
    until(lambda: sense._canary.last_success_us > second, "asked after the reload")

    assert room.deliver.metric("canary_success") == 1
    assert len(room.deliver.of("agent-canary")) == 1


def test_what_there_may_be_much_of_displaces_no_other_metric(room: Room) -> None:
    """The page takes so many samples: those of interfaces come late, those of entries last."""
    entries = ", ".join(f"{{name: n{number}, reason: x, info: x}}" for number in range(100))
    room.start(room.settings(f"suppress: [{entries}]\n"))
    until(lambda: room.deliver.metric("capture_up") == 0, "a snapshot with an interface")
    assert room.deliver.server is not None
    assert room.deliver.server.sense.snapshot is not None

    samples = room.deliver.server.sense.snapshot.samples

    kinds = [
        "entry" if "entry" in one.labels else "interface" if "interface" in one.labels else ""
        for one in samples
    ]
    assert kinds == sorted(kinds, key=["", "interface", "entry"].index)
    assert kinds.count("entry") == 100
    assert kinds.count("interface") >= 5
    assert len(samples) < MAX_SAMPLES


def test_a_missing_interface_is_told_by_readiness(room: Room) -> None:
    """The set is there, capture is not."""
    room.publish({"evil.org": "malware"})

    room.start()

    until(lambda: room.deliver.unready == f"capture is not open on {ABSENT}", "the reason")
    assert room.deliver.metric("capture_up") == 0


def test_a_hangup_reloads_and_a_term_ends_the_process(room: Room) -> None:
    """As systemd does it, with the real process."""
    configured = room.folder / "config.yaml"
    configured.write_text(
        f"capture: {{interfaces: [{ABSENT}]}}\ntrails: {{custom: [{room.folder}/own.txt]}}\n"
    )
    command = [sys.executable, "-m", "agent", "sense", "-c", str(configured)]
    command += ["--state-dir", str(room.state), "--run-dir", str(room.run_dir)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as process:
        try:
            room.told("agent-start")
            configured.write_text(configured.read_text() + "nonsense: 1\n")
            process.send_signal(signal.SIGHUP)
            assert process.stderr
            refusal = b"reload refused, the old settings stay"
            assert any(refusal in line for line in process.stderr)
            configured.write_text(configured.read_text().replace("nonsense: 1\n", ""))
            process.send_signal(signal.SIGHUP)
            room.told("agent-reload", "settings")
            process.terminate()
            room.told("agent-stop")

            assert process.wait(20) == 0
        finally:
            process.kill()


# --- with capture -----------------------------------------------------------------------------

NEAR, FAR = "mts-near", "mts-far"
CLONE_NEWNET = 0x40000000


def ip(command: str) -> None:
    """Run a command that must succeed."""
    subprocess.run(command.split(), check=True, capture_output=True)


Send = Callable[..., bool]


@pytest.fixture
def wire() -> Iterator[Send]:
    """Enter a network namespace with a veth pair; get what sends frames from its far end."""
    name = f"mts-{os.getpid()}"
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open("rb") as home:
        ip(f"ip netns add {name}")
        try:
            ip(f"ip netns exec {name} sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
            with Path(f"/run/netns/{name}").open("rb") as away:
                assert libc.setns(away.fileno(), CLONE_NEWNET) == 0
            ip(f"ip link add {NEAR} type veth peer name {FAR}")
            ip(f"ip link set {NEAR} up")
            ip(f"ip link set {FAR} up")
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:

                def send(*frames: bytes) -> bool:
                    return all(raw.sendto(frame, (FAR, 0)) for frame in frames)

                yield send
        finally:
            assert libc.setns(home.fileno(), CLONE_NEWNET) == 0
            ip(f"ip netns delete {name}")


def query(name: str, port: int = 40000) -> bytes:
    """Return a question for a name; a copy of a packet is no other observation, a port makes it."""
    return packets.udp_frame("192.168.1.10", port, "192.0.2.53", 53, packets.dns_query(name))


@pytest.fixture
def capturing(wire: Send, room: Room) -> Iterator[Room]:
    """Return a room whose sense captures and is ready."""
    room.publish({"evil.org": "evil (malware)", "198.51.100.9": "c2 (malware)"})
    room.start(room.settings(interface=NEAR))
    until(lambda: room.deliver.unready == "", "ready")
    yield room
    room.stop()


@pytest.mark.root
def test_what_is_on_the_wire_is_told(capturing: Room, wire: Send) -> None:
    """From a frame to an event at deliver, in a moment, and counted."""
    wire(query("www.evil.org"))

    event = capturing.told("trail-domain")

    assert (event.trail, event.interface) == ("(www).evil.org", NEAR)
    assert (event.sensor, event.state, event.severity_id) == ("sensor.example.org", "open", 8)
    until(lambda: capturing.deliver.metric("hits_total") == 1, "the metric")
    assert capturing.deliver.metric("scan_errors_total") == 0
    assert capturing.deliver.metric("capture_packets_received_total") >= 1


@pytest.mark.root
def test_what_was_not_read_is_told_to_the_status_page(capturing: Room, wire: Send) -> None:
    """With every snapshot: how much of how much, and what it was."""
    wire(bytes(12) + b"\x89\x06" + bytes(60))

    def missed() -> list[str]:
        snapshot = capturing.deliver.server and capturing.deliver.server.sense.snapshot
        return [one.what for one in snapshot.coverage.missed] if snapshot else []

    until(lambda: "packets of EtherType 0x8906 (Fibre Channel)" in missed(), "what was missed")
    server = capturing.deliver.server
    assert server
    assert server.sense.snapshot
    coverage = server.sense.snapshot.coverage
    assert 0 <= coverage.read < coverage.packets


@pytest.mark.root
def test_a_scan_on_the_wire_is_told(capturing: Room, wire: Send) -> None:
    """Counted in the worker, judged in the main thread."""
    wire(*[packets.syn_frame("203.0.113.9", 6000, "192.168.1.20", port) for port in range(30)])

    assert capturing.told("behaviour-port_scan").trail == "203.0.113.9"


@pytest.mark.root
def test_a_set_published_while_capturing_is_in_force_when_it_is_told(
    capturing: Room, wire: Send
) -> None:
    """The same name before and after."""
    wire(query("later.org"))
    published = capturing.publish({"later.org": "malware", "evil.org": "malware"})
    capturing.told("agent-reload", published.stem[:12])

    until(lambda: wire(query("later.org")) and capturing.deliver.of("trail-domain"), "the hit")

    assert capturing.told("trail-domain").set == published.stem[:12]


@pytest.mark.root
def test_own_trails_are_in_force_after_a_reload(wire: Send, room: Room) -> None:
    """While no set is published, too."""
    sense = room.start(room.settings(interface=NEAR))
    until(lambda: room.deliver.metric("capture_up") == 1, "capture")
    (room.folder / "own.txt").write_text("ours.org\n")

    sense.reload(room.settings(interface=NEAR))
    room.told("agent-reload")
    until(lambda: wire(query("ours.org")) and room.deliver.of("trail-domain"), "the hit")

    event = room.told("trail-domain")
    assert (event.custom, event.info, event.set) == (True, "own", "none")
    room.stop()


@pytest.mark.root
def test_counters_never_go_back_at_a_reload(wire: Send, room: Room) -> None:
    """A rate over them would show a restart that never was."""
    room.publish({"evil.org": "evil (malware)"})
    sense = room.start(room.settings(interface=NEAR))
    until(lambda: room.deliver.unready == "", "ready")
    wire(query("evil.org"))
    until(lambda: room.deliver.metric("hits_total") == 1, "the hit")

    sense.reload(room.settings(interface=NEAR))
    room.told("agent-reload", "settings")
    wire(query("evil.org"))

    until(lambda: room.deliver.metric("hits_total") == 2, "both hits")
    assert room.deliver.metric("condense_events_total") == 2
    room.stop()


@pytest.mark.root
def test_no_observation_is_lost_while_deliver_is_away(capturing: Room, wire: Send) -> None:
    """Killed, traffic goes on, started again: the counts add up to what was sent."""
    wire(query("evil.org"))
    capturing.told("trail-domain")
    capturing.deliver.stop()
    for number in range(50):
        wire(query("evil.org", 41000 + number))
    wire(packets.syn_frame("192.168.1.10", 5000, "198.51.100.9", 443))

    capturing.deliver.start()
    capturing.told("trail-ip")
    capturing.stop()

    told = capturing.deliver.of("trail-domain")
    assert sum(event.count for event in told) == 51
    assert len({event.event_id for event in capturing.deliver.events}) == len(
        capturing.deliver.events
    )


@pytest.mark.root
def test_a_restart_of_sense_goes_on_capturing(capturing: Room, wire: Send) -> None:
    """Incidents of the old run are closed at its end, the new one has its own."""
    wire(query("evil.org"))
    first = capturing.told("trail-domain")
    capturing.stop()
    capturing.deliver.events.clear()

    capturing.start(capturing.settings(interface=NEAR))
    capturing.told("agent-start")
    until(lambda: wire(query("evil.org")) and capturing.deliver.of("trail-domain"), "the hit")

    assert capturing.told("trail-domain").incident_id != first.incident_id


@pytest.mark.root
def test_the_agents_own_deliveries_are_not_reported(capturing: Room, wire: Send) -> None:
    """A SIEM at a listed address: what deliver sends there is counted apart, others' is told."""
    assert capturing.deliver.server is not None
    capturing.deliver.server.tell_flows(
        Flows((Flow("udp", "192.168.1.2", 45000, "198.51.100.9", 514),))
    )
    ours = packets.udp_frame("192.168.1.2", 45000, "198.51.100.9", 514, b"<134>CEF:0|")
    until(
        lambda: wire(ours) and capturing.deliver.metric("own_traffic_total") > 0, "counted as own"
    )
    before = len(capturing.deliver.of("trail-ip"))

    for number in range(20):
        text = b"<134>CEF:0|%d" % number
        wire(packets.udp_frame("192.168.1.2", 45000, "198.51.100.9", 514, text))
    until(lambda: capturing.deliver.metric("own_traffic_total") >= 20, "all counted as own")
    assert len(capturing.deliver.of("trail-ip")) == before

    wire(packets.udp_frame("192.168.1.77", 45000, "198.51.100.9", 514, b"<134>CEF:0|"))
    until(
        lambda: any(e.source.address == "192.168.1.77" for e in capturing.deliver.of("trail-ip")),
        "another's is told",
    )


@pytest.mark.root
def test_an_interface_that_goes_and_comes_back_is_captured_again(
    capturing: Room, wire: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readiness follows, it is told as one incident, and so does detection."""
    monkeypatch.setattr(outages, "GRACE", 0.1)
    ip(f"ip link set {NEAR} down")
    until(lambda: capturing.deliver.unready, "not ready")
    down = capturing.told("agent-degraded", f"nothing is captured on {NEAR}: ")
    ip(f"ip link set {NEAR} up")
    until(lambda: capturing.deliver.unready == "", "ready again")
    up = capturing.told("agent-degraded", f"{NEAR} is captured again")
    assert (down.state, up.state, up.incident_id) == ("open", "closed", down.incident_id)

    until(lambda: wire(query("evil.org")) and capturing.deliver.of("trail-domain"), "the hit")


@pytest.mark.root
def test_an_interface_that_auto_leaves_out_while_it_is_down_is_told(
    room: Room, wire: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was captured and is still there; one that was taken away is no fault."""
    up, there = {NEAR}, {NEAR}  # sysfs shows another network namespace here
    monkeypatch.setattr(outages, "GRACE", 0.1)
    monkeypatch.setattr(sense_module, "wanted", lambda _: set(up))
    monkeypatch.setattr(sense_module, "is_missing", lambda name: name in there)
    room.start(room.settings(interface="auto"))
    until(lambda: room.deliver.metric("capture_up") == 1, "it is captured")
    up.clear()

    assert room.told("agent-degraded", f"nothing is captured on {NEAR}: it is not up")
    there.clear()

    assert room.told("agent-degraded", f"{NEAR} is gone")
    assert room.told("agent-degraded", "nothing is captured on any interface: there is none")
    room.stop()


@pytest.mark.root
def test_counters_never_go_back_when_an_interface_goes(
    room: Room, wire: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had counted stays, and goes on when it comes back."""
    counters = ("capture_packets_received_total", "scan_packets_total")
    up = {NEAR}
    monkeypatch.setattr(sense_module, "wanted", lambda _: set(up))
    room.publish({"evil.org": "evil (malware)"})
    sense = room.start(room.settings(interface="auto"))
    until(lambda: room.deliver.metric("capture_up") == 1, "it is captured")
    wire(query("evil.org"))
    room.told("trail-domain")

    up.clear()
    until(lambda: not sense._workers, "it goes")
    assert [_total(sense, name) for name in counters] == [1, 1]
    up.add(NEAR)
    until(lambda: [worker.is_open for worker in sense._workers] == [True], "it comes back")
    wire(query("evil.org"))

    until(lambda: [_total(sense, name) for name in counters] == [2, 2], "it goes on")
    room.stop()


def _total(sense: Sense, name: str) -> float:
    """Add up a metric of sense over its labels."""
    found = [one for one in sense.snapshot().samples if one.name == name]
    return sum(one.value for one in found if one.labels.get("reason") is None)


@pytest.mark.root
@pytest.mark.parametrize(("workers", "ports"), [(2, 60), (4, 60), (4, 12), (8, 12)])
def test_workers_share_the_traffic_and_find_a_scan_together(
    wire: Send, room: Room, workers: int, ports: int
) -> None:
    """The kernel spreads the flows of one scanner; the scan is told all the same."""
    room.publish({"evil.org": "malware"})
    room.start(parse(_with_workers(room, workers), "config.yaml"))
    until(lambda: room.deliver.unready == "", "ready")

    wire(
        *[
            packets.syn_frame("203.0.113.9", 6000 + port, "192.168.1.20", port)
            for port in range(ports)
        ]
    )

    room.told("behaviour-port_scan")
    room.stop()


def _with_workers(room: Room, workers: int) -> str:
    return (
        f"capture: {{interfaces: [{NEAR}], buffer_mb: 4, workers: {workers}}}\n"
        f"trails: {{custom: [{room.folder}/own.txt]}}\n"
        "allow_list: {builtin: false, files: []}\n"
    )
