"""The rooms behind the scanner, wired from settings: what is told of sightings and counted keys."""

from datetime import date

import pytest

from agent import config
from agent.allow import AllowList
from agent.config import ConfigError, Settings
from agent.ids import derived_ids
from agent.link import Flow
from agent.model import Endpoint, Sighting
from agent.own_traffic import OwnTraffic
from agent.pipeline import Pipeline, sensor_name
from tests import packets
from tests.packets import CLIENT, SERVER, START_US
from tests.wired import Rows, allow_list, trails

OURS, THEIRS = Endpoint(CLIENT, 50000), Endpoint(SERVER, 443)
ROWS: Rows = {"evil.org": "evil (malware)", SERVER: "c2 (malware)"}


def pipeline(
    text: str = "",
    allow: AllowList | None = None,
    fold: bool = True,
    own: OwnTraffic | None = None,
) -> Pipeline:
    """Return a pipeline over ROWS."""
    settings = config.parse("sensor: {name: s1, site: lab, tags: [a]}\n" + text, "config.yaml")
    ids, allowed = derived_ids(b"test"), allow or allow_list()
    made = Pipeline(settings, trails(ROWS), allowed, ids, own=own, fold=fold)
    made.adopt(made.matcher.trails, "abc123")
    return made


def sighting(
    what: str = "syn",
    count: int = 1,
    source: Endpoint = OURS,
    destination: Endpoint = THEIRS,
    second: int = 0,
) -> Sighting:
    """Return a sighting of an address, by default of a connection to the listed one."""
    time_us = START_US + second * 1_000_000
    return Sighting(
        what=what,
        first_us=time_us,
        last_us=time_us,
        count=count,
        source=source,
        destination=destination,
        protocol=17 if what == "datagram" else 6,
        packet=b"",
        fields={},
        interface="test0",
    )


def named(what: str, name: str) -> Sighting:
    """Return the sighting of a question, or of its answer."""
    client, resolver = Endpoint(CLIENT, 40000), Endpoint("192.0.2.53", 53)
    asked = packets.dns_query(name)
    answered = packets.dns_response(name, [(packets.A, SERVER)])
    is_question = what == "question"
    return Sighting(
        what=what,
        first_us=START_US,
        last_us=START_US,
        count=1,
        source=client if is_question else resolver,
        destination=resolver if is_question else client,
        protocol=17,
        packet=asked if is_question else answered,
        fields={},
    )


def test_a_sighting_becomes_an_event_of_this_sensor() -> None:
    """Who, where, from which set; identifiers come from the given source."""
    (event,) = pipeline().sightings([sighting(count=3)])

    assert (event.sensor, event.site, event.tags, event.set) == ("s1", "lab", ("a",), "abc123")
    assert (event.class_id, event.count, event.state) == ("trail-ip", 3, "open")


def test_an_answer_folds_with_its_question() -> None:
    """One incident of the client's, told at once when the answer makes it worse."""
    made = pipeline()

    told = made.sightings([named("question", "evil.org"), named("answer", "evil.org")])
    events = [event for event in told if event.class_id == "trail-domain"]

    assert [(e.state, e.outcome, e.severity_id) for e in events] == [
        ("open", "unknown", 8),
        ("update", "answered", 10),
    ]
    assert len({event.incident_id for event in events}) == 1
    assert events[1].source == Endpoint(CLIENT, 40000)
    assert (events[1].count, events[1].total) == (1, 2)
    assert events[1].dns is not None
    assert events[1].dns.answers == (SERVER,)


def test_what_is_suppressed_is_counted_and_told_in_the_end() -> None:
    """It makes no incident; at the end of the run an event says how much it was."""
    entry = "{name: known, reason: ticket 1, classes: [trail-ip], destination_port: [443]}"
    made = pipeline(f"suppress: [{entry}]\n")
    other = Endpoint(SERVER, 80)

    events = made.sightings([sighting(count=3), sighting(destination=other, second=1)])
    (told,) = [event for event in made.flush() if event.is_agent]

    assert [event.destination for event in events] == [other]
    assert (told.class_id, told.set) == ("agent-suppress", "abc123")
    assert told.evidence["held"] == 3
    assert made.suppressions.counts() == {"known": 3}


def test_without_folding_every_hit_is_an_event() -> None:
    """For those who count themselves."""
    events = pipeline(fold=False).sightings([sighting(), sighting(second=1)])

    assert [event.state for event in events] == ["single", "single"]


def test_hits_are_counted() -> None:
    """Told or folded."""
    made = pipeline()

    made.sightings([sighting(), sighting(second=1), named("question", "good.org")])

    assert made.hits == 2


def test_the_agents_own_traffic_is_counted_and_not_told() -> None:
    """What a socket carries that deliver sends from; another socket's is told."""
    own = OwnTraffic()
    own.use([Flow("udp", CLIENT, 45000, SERVER, 514)], 0.0)
    made = pipeline(own=own)
    ours, other = Endpoint(CLIENT, 45000), Endpoint(CLIENT, 45001)

    assert made.sightings([sighting("datagram", 7, ours, Endpoint(SERVER, 514))]) == []
    assert len(made.sightings([sighting("datagram", 1, other, Endpoint(SERVER, 514))])) == 1
    assert made.own_traffic == 7


def test_other_trails_are_in_force_at_once() -> None:
    """No cache of verdicts outlives a set (D-57)."""
    made = pipeline()
    assert made.sightings([named("question", "later.org")]) == []

    made.adopt(trails({"later.org": "malware"}), "def456")
    (event,) = made.sightings([named("question", "later.org")])

    assert (event.trail, event.set) == ("later.org", "def456")
    assert made.sightings([named("question", "evil.org")]) == []


def test_time_ends_incidents_on_a_quiet_wire() -> None:
    """A tick closes what was silent for a window; the rest is told at the end."""
    made = pipeline("condense: {window: 10s}\n")
    made.sightings([sighting(), sighting(second=1)])

    assert made.tick(START_US + 9_000_000) == []
    (closed,) = made.tick(START_US + 12_000_000)

    assert (closed.state, closed.count, closed.total) == ("closed", 1, 2)
    assert made.flush() == []


def test_an_allow_list_entry_ends_with_its_day() -> None:
    """Ticks tell it the time."""
    entry = config.Allowed(network=config.Network(f"{SERVER}/32"), until=date(2023, 11, 14))
    settings = config.AllowList(builtin=False, files=(), entries=(entry,))
    made = pipeline(allow=AllowList.load(settings, START_US))
    assert made.sightings([sighting()]) == []

    made.tick(START_US + 86_400_000_000)

    assert len(made.sightings([sighting(second=86_400)])) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("detections: {port_scam: {}}\n", "detections.port_scam: unknown behaviour"),
        ("detections: {port_scan: {ports: 0}}\n", "detections.port_scan: ports: expected 1"),
        ("severity: {rules: [{severity: 3, outcome: [maybe]}]}\n", "severity.rules[0].outcome"),
    ],
)
def test_settings_that_make_no_sense_are_refused(text: str, said: str) -> None:
    """Before anything runs, by their key."""
    with pytest.raises(ConfigError) as error:
        pipeline(text)

    assert said in str(error.value)


def test_severity_rules_of_the_site_come_first() -> None:
    """What a site sets is what events carry."""
    rules = "severity: {rules: [{severity: 1, classes: [trail-ip]}]}\n"

    (event,) = pipeline(rules).sightings([sighting()])

    assert event.severity_id == 1


def test_a_sensor_without_a_name_is_called_as_its_host() -> None:
    """Never an empty name."""
    assert sensor_name(Settings())
    assert sensor_name(config.parse("sensor: {name: s1}", "c")) == "s1"
