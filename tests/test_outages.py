"""An interface that is not captured is told, after a while, and so is its return."""

from agent.faults import Faults
from agent.ids import derived_ids
from agent.model import Event
from agent.notices import AgentNotices
from agent.outages import GRACE, Outages

NOW_US = 1_700_000_000_000_000
DOWN = {"eth0": "is not up"}


def outages() -> Outages:
    """Return what tells."""
    return Outages(Faults(AgentNotices("sensor1", "", (), derived_ids(b"x"))))


def told(made: Outages, missing: dict[str, str], captured: set[str], now: float) -> list[Event]:
    """Return what is told at a second."""
    return [*made.tell(missing, captured, now, NOW_US + int(now * 1_000_000))]


def test_a_short_outage_is_not_told() -> None:
    """Networking restarts."""
    made = outages()

    assert told(made, DOWN, set(), 0) == []
    assert told(made, DOWN, set(), GRACE - 1) == []
    assert told(made, {}, {"eth0"}, GRACE) == []
    assert told(made, DOWN, set(), GRACE + 1) == []


def test_an_interface_that_stays_down_is_told_once_and_so_is_its_return() -> None:
    """With the reason; both are one incident."""
    made = outages()
    assert told(made, DOWN, {"eth1"}, 0) == []
    (down,) = told(made, DOWN, {"eth1"}, GRACE)
    assert told(made, DOWN, {"eth1"}, GRACE + 60) == []

    (up,) = told(made, {}, {"eth0", "eth1"}, GRACE + 90)

    assert down.info.startswith("nothing is captured on eth0: is not up; ")
    assert up.info == "eth0 is captured again; nothing is left to do"
    assert (down.state, up.state, up.incident_id) == ("open", "closed", down.incident_id)
    assert up.evidence["seconds"] == 90


def test_an_interface_that_was_taken_away_ends_its_outage() -> None:
    """No incident stays open for what is no longer there."""
    made = outages()
    told(made, DOWN, set(), 0)
    assert told(made, DOWN, set(), GRACE)

    (gone,) = told(made, {}, set(), GRACE + 1)

    assert gone.info == "eth0 is gone; nothing is left to do"
