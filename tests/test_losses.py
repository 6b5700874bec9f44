"""Losses are told in events, not too often, and each of them once."""

from agent import ids
from agent.losses import EVERY, Losses, Place
from agent.model import AGENT_LOSS
from agent.notices import AgentNotices

MINUTE_US = int(EVERY * 1_000_000)
SIEM, A, B = (Place(f"output {name}", "events") for name in ("siem", "a", "b"))


def make() -> Losses:
    """Return losses of which nothing was told."""
    return Losses(AgentNotices("sensor1", "", (), ids.derived_ids(b"x")))


def test_a_drop_is_told_with_output_and_reason() -> None:
    """A person reads what was lost and where."""
    (event,) = make().tell({SIEM: {"queue-full": 3, "rejected": 0}}, MINUTE_US)

    assert event.class_id == AGENT_LOSS
    assert event.info == "lost 3 events in output siem"
    assert event.evidence["queue-full"] == 3
    assert "rejected" not in event.evidence


def test_without_drops_nothing_is_told() -> None:
    """Counters that stand still are no news."""
    losses = make()
    assert [*losses.tell({SIEM: {"queue-full": 0}}, MINUTE_US)] == []

    [*losses.tell({SIEM: {"queue-full": 3}}, MINUTE_US)]

    assert [*losses.tell({SIEM: {"queue-full": 3}}, 3 * MINUTE_US)] == []


def test_at_most_one_a_minute_and_nothing_forgotten() -> None:
    """What comes within the minute is told after it."""
    losses = make()
    [*losses.tell({SIEM: {"queue-full": 3}}, MINUTE_US)]

    within = [*losses.tell({SIEM: {"queue-full": 9}}, MINUTE_US + 1)]
    after = [*losses.tell({SIEM: {"queue-full": 10}}, 2 * MINUTE_US)]

    assert within == []
    assert [event.evidence["lost"] for event in after] == [7]


def test_outputs_are_told_each_on_its_own() -> None:
    """One output's losses do not silence those of another."""
    losses = make()
    [*losses.tell({A: {"queue-full": 1}, B: {"queue-full": 0}}, MINUTE_US)]

    told = [*losses.tell({A: {"queue-full": 2}, B: {"queue-full": 5}}, MINUTE_US + 1)]

    assert [event.info for event in told] == ["lost 5 events in output b"]


def test_an_output_that_went_away_is_forgotten() -> None:
    """One of the same name that comes later counts from the start."""
    losses = make()
    [*losses.tell({A: {"queue-full": 5}}, MINUTE_US)]
    [*losses.tell({}, 2 * MINUTE_US)]

    (event,) = losses.tell({A: {"queue-full": 1}}, 3 * MINUTE_US)

    assert event.evidence["lost"] == 1


def test_a_counter_that_began_anew_is_counted_from_there() -> None:
    """A worker that was started again counts from nothing."""
    losses = make()
    [*losses.tell({A: {"kernel": 100}}, MINUTE_US)]

    (event,) = losses.tell({A: {"kernel": 3}}, 2 * MINUTE_US)

    assert event.evidence["lost"] == 3


def test_the_unit_is_told() -> None:
    """Packets are no events."""
    (event,) = make().tell({Place("capture on eth0", "packets"): {"kernel": 7}}, MINUTE_US)

    assert event.info == "lost 7 packets in capture on eth0"
