"""Notices: events about the agent itself."""

import pytest

from agent import model
from agent.config import SeverityRule
from agent.ids import derived_ids, random_ids
from agent.model import Event
from agent.notices import AgentNotices
from agent.severity import SeverityTable

NOW_US = 1_700_000_000_123_456


def notices(severity: SeverityTable | None = None) -> AgentNotices:
    """Build notices of one sensor with derived identifiers."""
    return AgentNotices("fw1.example", "berlin", ("dmz",), derived_ids(b"run"), severity)


def one_of_each() -> list[Event]:
    """Build a notice of every class."""
    tell = notices()
    return [
        tell.start(NOW_US, "1.2.3", {"interfaces": "eth0"}),
        tell.stop(NOW_US, "asked to", {"packets": 7}),
        tell.reload(NOW_US, "trail set abc"),
        tell.heartbeat(NOW_US, {"packets": 7}),
        tell.canary(NOW_US, 0.25),
        tell.degraded(NOW_US, "no trail set", "run maltrail-agent update"),
        tell.loss(NOW_US, "the capture ring", 12, "packets", {"interface": "eth0"}),
        tell.feed(NOW_US, "urlhaus", "is empty", {"bytes": 0}),
        tell.storm(NOW_US, events=3, observations=9, incidents=2, lost=1, by_class={"trail-ip": 3}),
        tell.suppression(
            NOW_US, "pentest", "ticket 1", held=2, total=5, until="2027-01-01", ended=True
        ),
    ]


def test_every_agent_class_has_its_notice() -> None:
    """All classes can be told."""
    assert [event.class_id for event in one_of_each()] == [
        model.AGENT_START,
        model.AGENT_STOP,
        model.AGENT_RELOAD,
        model.AGENT_HEARTBEAT,
        model.AGENT_CANARY,
        model.AGENT_DEGRADED,
        model.AGENT_LOSS,
        model.AGENT_LIST,
        model.AGENT_STORM,
        model.AGENT_SUPPRESS,
    ]


@pytest.mark.parametrize("event", one_of_each(), ids=lambda event: str(event.class_id))
def test_a_notice_has_the_fields_of_an_event(event: Event) -> None:
    """Who, when, one sentence; the trail is the class, so that old dashboards group by it."""
    assert event.is_agent
    assert (event.sensor, event.site, event.tags) == ("fw1.example", "berlin", ("dmz",))
    assert event.time_us == event.first_us == event.last_us == NOW_US
    assert (event.type, event.trail, event.reference) == ("AGENT", event.class_id, "(agent)")
    assert (event.state, event.count, event.total) == ("single", 1, 1)
    assert event.info
    assert "\n" not in event.info
    assert event.severity in {"low", "medium", "high"}
    assert event.severity_id == SeverityTable().judge(
        event.class_id, event.info, False, "external", "unknown"
    )


def test_every_notice_has_its_own_identifier() -> None:
    """Two notices are never taken for one by a receiver that drops doubles."""
    events = one_of_each()

    assert len({event.event_id for event in events}) == len(events)
    assert all(len(event.event_id) == 32 for event in events)


def test_the_set_can_be_told_and_changed() -> None:
    """`none` until a set is published, then its name."""
    tell = notices()

    before = tell.heartbeat(NOW_US, {})
    tell.set_id = "0123456789ab"
    after = tell.heartbeat(NOW_US, {})

    assert (before.set, after.set) == ("none", "0123456789ab")


def test_the_sites_rules_judge_notices_that_they_name() -> None:
    """A site may raise a loss to high."""
    table = SeverityTable([SeverityRule(severity=8, classes=("agent-loss",))])

    assert notices(table).loss(NOW_US, "the ring", 1, "packets").severity_id == 8


def test_the_sentence_carries_the_numbers() -> None:
    """A person reads the sentence, a program the evidence."""
    event = notices().loss(NOW_US, "the capture ring", 12, "packets", {"interface": "eth0"})

    assert event.info == "lost 12 packets in the capture ring"
    assert event.evidence == {
        "where": "the capture ring",
        "lost": 12,
        "unit": "packets",
        "interface": "eth0",
    }


def test_derived_identifiers_depend_on_the_input_alone() -> None:
    """The same seed gives the same identifiers in the same order, another seed others."""
    first, again, other = derived_ids(b"a"), derived_ids(b"a"), derived_ids(b"b")
    drawn = [first() for _ in range(100)]

    assert drawn == [again() for _ in range(100)]
    assert len({*drawn, *(other() for _ in range(100))}) == 200


def test_random_identifiers_have_128_bits() -> None:
    """Live identifiers are 32 hexadecimal digits and differ."""
    draw = random_ids()
    drawn = {draw() for _ in range(100)}

    assert len(drawn) == 100
    assert all(len(bytes.fromhex(text)) == 16 for text in drawn)
