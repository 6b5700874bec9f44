"""What the status page is made from: counters where they are, last events, settings in force."""

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent import config, health
from agent.deliver.journal import Bounds
from agent.deliver.lane import Lane, Place
from agent.deliver.lists import Lists
from agent.deliver.queue import encode
from agent.deliver.server import Server
from agent.deliver.status import Board
from agent.deliver.status_events import MAX_EVENTS, MAX_TEXT, MAX_TROUBLES, RecentEvents
from agent.deliver.status_page import document, page
from agent.deliver.status_settings import HIDDEN, settings_shown
from agent.faults import Faults
from agent.health import ListHealth, UpdateHealth
from agent.ids import random_ids
from agent.link import Coverage, Missed, Sample, Snapshot
from agent.model import Event, Http
from agent.notices import AgentNotices
from tests.outputs.samples import AGENT, BAITS, EVENT, RUN_ID

CLOCK = 1_800_000_000.0
ALL_READ = Coverage()


class Room:
    """A board and everything that it reads."""

    def __init__(self, folder: Path) -> None:
        self.server = Server(folder / "events.sock", frozenset(), lambda _: None)
        options = config.Options(path=str(folder / "x.log"))
        output = config.Output(name="archive", type="file", options=options)
        place = Place(folder / "journal", Bounds(1 << 20, 60.0), 1_000_000)
        self.lane = Lane(output, place, RUN_ID, lambda: None)
        self.notices = AgentNotices("s", "", (), random_ids())
        self.lists = Lists(folder, self.notices)
        self.folder = folder
        self.board = Board(
            config.parse("sensor: {site: lab}", "x"),
            "sensor1",
            self.server,
            lambda: [self.lane],
            self.lists,
        )

    def tell(self, now: float, *samples: Sample, coverage: Coverage = ALL_READ) -> None:
        """Let sense have told these samples at this time."""
        self.server.sense.connected = True
        self.server.sense.snapshot = Snapshot(samples, ready=True, coverage=coverage)
        self.server.sense.snapshot_at = now
        self.board.tick(now)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Yield a board of which nothing is running."""
    made = Room(tmp_path)
    yield made
    made.server.stop()


def captured(packets: int, dropped: int = 0) -> tuple[Sample, ...]:
    """Return what sense says of its only interface."""
    label = {"interface": "eth0"}
    return (
        Sample("capture_up", 1.0, label),
        Sample("capture_packets_received_total", packets, label),
        Sample("capture_packets_dropped_total", dropped, {**label, "reason": "kernel"}),
        Sample("capture_packets_dropped_total", 2.0, {**label, "reason": "interface"}),
    )


def test_before_sense_has_spoken_everything_is_empty(room: Room) -> None:
    """And said to be so."""
    status = room.board.status(0.0, CLOCK)

    assert (status.sensor, status.site, status.level) == ("sensor1", "lab", "bad")
    assert not status.sense.is_connected
    assert status.traffic.interfaces == ()
    assert status.updates.ended == 0


def test_the_traffic_of_the_last_minute_is_told(room: Room) -> None:
    """Totals by interface, and what came and was lost in about a minute."""
    for second in range(0, 125, 5):
        room.tell(float(second), *captured(1000 + 10 * second, dropped=second))

    traffic = room.board.status(121.0, CLOCK).traffic

    assert (traffic.seconds, traffic.packets, traffic.dropped) == (60.0, 600, 60)
    (interface,) = traffic.interfaces
    assert (interface.name, interface.is_open, interface.packets) == ("eth0", True, 2200)
    assert (interface.dropped_kernel, interface.dropped_interface) == (120, 2)


def test_a_sense_that_began_anew_begins_the_minute_anew(room: Room) -> None:
    """Its counters do, and a difference would be negative."""
    room.tell(0.0, *captured(1000))
    room.tell(5.0, *captured(2000))
    room.tell(10.0, *captured(3))

    assert room.board.status(10.0, CLOCK).traffic.seconds == 0
    room.tell(15.0, *captured(8))
    assert room.board.status(15.0, CLOCK).traffic.packets == 5


def test_old_numbers_are_not_taken_for_the_last_minute(room: Room) -> None:
    """When sense has gone silent."""
    room.tell(0.0, *captured(1000))
    room.tell(5.0, *captured(2000))

    assert room.board.status(70.0, CLOCK).traffic.seconds == 0


def test_detection_set_and_coverage_are_those_of_sense(room: Room) -> None:
    """As its last snapshot says."""
    room.tell(
        5.0,
        Sample("canary_success", 1.0),
        Sample("canary_last_success_timestamp_seconds", CLOCK - 9),
        Sample("trails_built_timestamp_seconds", CLOCK - 60),
        Sample("trails_loaded", 9.0, {"kind": "domain"}),
        Sample("trails_loaded", 4.0, {"kind": "ip"}),
        Sample("hits_total", 3.0),
        coverage=Coverage(10, 9, (Missed("ESP", 1, 10, "none"),)),
    )

    status = room.board.status(6.0, CLOCK)

    assert status.sense.told == CLOCK - 1
    assert status.detection.canary_ok
    assert (status.detection.trails, status.detection.hits) == ({"domain": 9, "ip": 4}, 3)
    assert status.coverage == Coverage(10, 9, (Missed("ESP", 1, 10, "none"),))


def test_outputs_are_told_with_what_waits_and_where_it_goes(room: Room) -> None:
    """Without what its address may hold of secrets."""
    room.lane.put([(EVENT, encode(EVENT))], CLOCK - 50)
    room.lane.settings = msgspec.structs.replace(
        room.lane.settings, options=config.Options(url="https://u:p@hooks.example/secret?x=1")
    )

    (output,) = room.board.status(0.0, CLOCK).outputs

    assert (output.name, output.type, output.waiting, output.last_seq) == ("archive", "file", 1, 1)
    assert (output.oldest, output.journal) == (CLOCK - 50, "good")
    assert output.to == "https://hooks.example/(cut)"


def test_lists_are_told_as_update_left_them(room: Room) -> None:
    """The reason of one that fails with the URL cut."""
    told = UpdateHealth(
        time=CLOCK - 5,
        seconds=1.0,
        last_good=CLOCK - 5,
        status="published",
        why="",
        reason="",
        lists=(
            ListHealth(name="a", last_success=CLOCK - 5, trails=7),
            ListHealth(name="b", failing=CLOCK - 9, error="https://x.example/?key=s3 is down"),
        ),
    )
    path = room.folder / health.FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(msgspec.json.encode(told))
    room.lists.refresh()

    updates = room.board.status(0.0, CLOCK).updates

    assert (updates.ended, updates.status) == (CLOCK - 5, "published")
    assert [(one.name, one.trails, one.error) for one in updates.lists] == [
        ("a", 7, ""),
        ("b", 0, "https://x.example/(cut) is down"),
    ]


numbers = st.floats() | st.integers(-(2**63), 2**63).map(float) | st.just(math.nan)
names = st.sampled_from(["capture_up", "trails_loaded", "hits_total", "canary_success"])
samples = st.builds(
    Sample,
    names | st.text(max_size=5),
    numbers,
    st.dictionaries(
        st.sampled_from(["interface", "kind", "reason"]), st.sampled_from(BAITS), max_size=2
    ),
)


@settings(
    deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=st.lists(samples, max_size=10), text=st.sampled_from(BAITS))
def test_no_snapshot_breaks_page_or_document(room: Room, told: list[Sample], text: str) -> None:
    """Sense reads hostile bytes; what it says is checked."""
    room.tell(1.0, *told, coverage=Coverage(1, 2, (Missed(text, -1, 0, text),)))

    status = room.board.status(2.0, CLOCK)

    assert json.loads(document(status))["sensor"] == "sensor1"
    assert page(status).startswith(b"<!doctype html>")


# Events


def custom(**changes: object) -> Event:
    """Return an event of an own trail."""
    return msgspec.structs.replace(EVENT, custom=True, **changes)


def test_the_last_events_are_told_newest_first() -> None:
    """Those of the wire and those of the agent apart, heartbeats left out."""
    recent = RecentEvents(mask_custom=True)
    start = msgspec.structs.replace(AGENT, class_id="agent-start", info="started")
    recent.note([EVENT, AGENT, start, msgspec.structs.replace(EVENT, info="second")], of_sense=True)

    assert [told.info for told in recent.detections()] == ["second", "asyncrat (malware)"]
    assert [told.info for told in recent.notices()] == ["started"]
    told = recent.detections()[1]
    assert (told.source, told.destination) == ("10.0.0.5:40000", "8.8.8.8:53")
    assert (told.trail, told.severity_id) == ("(www).evil.biz", 10)


def test_only_so_many_events_are_kept_and_only_so_much_of_each() -> None:
    """A flood costs no memory."""
    recent = RecentEvents(mask_custom=True)
    long = msgspec.structs.replace(EVENT, info="x" * 100_000)
    for _ in range(3):
        recent.note([long] * MAX_EVENTS, of_sense=True)

    assert len(recent.detections()) == MAX_EVENTS
    assert len(recent.detections()[0].info) == MAX_TEXT


def test_own_trails_are_masked_unless_the_site_wants_them_shown() -> None:
    """What a site looks for is its secret."""
    for mask in (True, False):
        recent = RecentEvents(mask_custom=mask)
        recent.note([custom()], of_sense=True)
        assert ("evil.biz" in str(recent.detections())) is not mask


def test_credentials_of_the_wire_are_never_shown() -> None:
    """As in outputs."""
    recent = RecentEvents(mask_custom=False)
    url = "evil.biz/?password=hunter2"
    told = custom(where="http.url", trail=url, observed=url, http=Http(method="GET", url=url))
    recent.note([told], of_sense=True)

    assert "hunter2" not in str(recent.detections())


def test_what_does_not_work_is_told_until_it_does_again() -> None:
    """As the events of its beginning and its end say."""
    recent = RecentEvents(mask_custom=True)
    faults = Faults(AgentNotices("s", "", (), random_ids()))
    recent.note(
        [*faults.begin("a", 1, "a fails", "look"), *faults.begin("b", 2, "b fails", "look")], False
    )

    assert [told.info for told in recent.troubles()] == ["b fails; look", "a fails; look"]
    recent.note([*faults.end("a", 3, "a works")], of_sense=False)
    assert [told.info for told in recent.troubles()] == ["b fails; look"]


def test_the_troubles_of_a_sense_that_ended_end_when_the_next_one_starts() -> None:
    """Nobody else tells their end; those of deliver stay."""
    recent = RecentEvents(mask_custom=True)
    notices = AgentNotices("s", "", (), random_ids())
    recent.note([*Faults(notices).begin("a", 1, "sense fails", "look")], of_sense=True)
    recent.note([*Faults(notices).begin("b", 1, "output fails", "look")], of_sense=False)

    recent.note([notices.start(2, "1.0")], of_sense=True)

    assert [told.info for told in recent.troubles()] == ["output fails; look"]


def test_troubles_are_bounded() -> None:
    """The oldest give way."""
    recent = RecentEvents(mask_custom=True)
    faults = Faults(AgentNotices("s", "", (), random_ids()))
    for number in range(MAX_TROUBLES + 5):
        recent.note([*faults.begin(str(number), number, f"{number}", "look")], of_sense=True)

    assert len(recent.troubles()) == MAX_TROUBLES
    assert recent.troubles()[0].info == f"{MAX_TROUBLES + 4}; look"


# Settings

SECRETIVE = """
sensor: {name: s1, tags: [a, b]}
outputs:
  - {name: hook, type: webhook, url: "https://user:pa55@hooks.example/T000/pa55?x=pa55",
     headers_file: /etc/h, template: '{"token": "pa55", "text": "$info"}', password: pa55}
  - {name: hec, type: splunk_hec, url: "https://splunk.example:8088", token_file: /etc/t}
update:
  proxy: http://me:pa55@proxy.example:3128
  lists:
    - {name: paid, url: "https://lists.example/pa55/all.txt", key_file: /etc/k, apikey: pa55}
  from: {url: "https://t.example/pa55/", keys: ["ed25519:abc"]}
"""


def shown(text: str) -> dict[str, tuple[str, bool]]:
    """Return the settings by key."""
    return {one.key: (one.value, one.is_default) for one in settings_shown(config.parse(text, "x"))}


def test_settings_are_shown_without_secrets() -> None:
    """Files that hold them are named; of URLs the server stays."""
    told = shown(SECRETIVE)

    assert "pa55" not in str(told)
    assert told["outputs.hook.url"] == ("https://hooks.example/(cut)", False)
    assert told["outputs.hook.password"] == (HIDDEN, False)
    assert told["outputs.hec.token_file"] == ("/etc/t", False)
    assert told["outputs.hec.url"] == ("https://splunk.example:8088", False)
    assert told["update.proxy"] == ("http://proxy.example:3128", False)
    assert told["update.lists.paid.key_file"] == ("/etc/k", False)
    assert told["update.from.keys"] == ("ed25519:abc", False)


def test_settings_that_a_site_changed_are_told_apart() -> None:
    """Every key is there, in the order of the file."""
    told = shown("log: {level: debug}\ncondense: {window: 60s}")

    assert told["log.level"] == ("debug", False)
    assert told["condense.window"] == ("60", True)
    assert told["outputs"] == ("none", True)
    assert next(iter(told)) == "sensor.name"


def test_a_page_is_made_in_milliseconds(room: Room) -> None:
    """It is rendered with the interpreter held, beside deliveries."""
    room.board.note([EVENT] * MAX_EVENTS, of_sense=True)
    began = time.perf_counter()
    page(room.board.status(0.0, CLOCK))

    assert time.perf_counter() - began < 0.5
