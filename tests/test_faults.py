"""What does not work for a while is told at its beginning and at its end, as one incident."""

from agent.faults import Faults
from agent.ids import derived_ids
from agent.notices import AgentNotices

NOW = 1_700_000_000_000_000
SECOND = 1_000_000


def faults() -> Faults:
    """Return faults of which none was told."""
    return Faults(AgentNotices("sensor1", "", (), derived_ids(b"x")))


def test_the_end_closes_the_incident_of_the_beginning() -> None:
    """A SIEM pairs them, and sees how long it lasted."""
    told = faults()

    (begin,) = told.begin("eth0", NOW, "eth0 is down", "mend it", {"interface": "eth0"})
    (end,) = told.end("eth0", NOW + 90 * SECOND, "eth0 is up", {"interface": "eth0"})

    assert {begin.class_id, end.class_id} == {"agent-degraded"}
    assert (begin.state, begin.info) == ("open", "eth0 is down; mend it")
    assert (end.state, end.info) == ("closed", "eth0 is up; nothing is left to do")
    assert begin.incident_id == end.incident_id
    assert begin.event_id != end.event_id
    assert (end.first_us, end.evidence["seconds"]) == (NOW, 90)
    assert (begin.evidence["ended"], end.evidence["ended"]) == (0, 1)
    assert end.evidence["interface"] == "eth0"


def test_what_lasts_is_told_once() -> None:
    """However often it is found."""
    told = faults()
    assert len([*told.begin("a", NOW, "x", "y")]) == 1

    assert [*told.begin("a", NOW, "x again", "y")] == []
    assert told.is_open("a")
    assert len([*told.begin("b", NOW, "x", "y")]) == 1


def test_the_end_of_what_was_never_told_is_no_news() -> None:
    """And it ends once."""
    told = faults()
    assert [*told.end("a", NOW, "fine")] == []
    assert len([*told.begin("a", NOW, "x", "y")]) == 1
    assert len([*told.end("a", NOW, "fine")]) == 1

    assert [*told.end("a", NOW, "fine")] == []
    assert len([*told.begin("a", NOW, "x", "y")]) == 1


def test_what_is_forgotten_is_told_anew_as_another() -> None:
    """A second refusal is not the first."""
    told = faults()
    (first,) = told.begin("a", NOW, "x", "y")
    told.forget("a")

    (second,) = told.begin("a", NOW, "x", "y")

    assert first.incident_id != second.incident_id


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    """Packet and wall clocks are set by others."""
    told = faults()
    assert [*told.begin("a", NOW, "x", "y")]

    (end,) = told.end("a", NOW - SECOND, "fine")

    assert end.evidence["seconds"] == 0
