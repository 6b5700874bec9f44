"""Losses are told in events, not too often, and each of them once."""

from agent import ids
from agent.deliver.losses import EVERY, Losses
from agent.model import AGENT_LOSS
from agent.notices import AgentNotices

MINUTE_US = int(EVERY * 1_000_000)


def make() -> Losses:
    """Return losses of which nothing was told."""
    return Losses(AgentNotices("sensor1", "", (), ids.derived_ids(b"x")))


def test_a_drop_is_told_with_output_and_reason() -> None:
    """A person reads what was lost and where."""
    (event,) = make().tell({"siem": {"queue-full": 3, "rejected": 0}}, MINUTE_US)

    assert event.class_id == AGENT_LOSS
    assert event.info == "lost 3 events in output siem"
    assert event.evidence["queue-full"] == 3
    assert "rejected" not in event.evidence


def test_without_drops_nothing_is_told() -> None:
    """Counters that stand still are no news."""
    losses = make()
    assert [*losses.tell({"siem": {"queue-full": 0}}, MINUTE_US)] == []

    [*losses.tell({"siem": {"queue-full": 3}}, MINUTE_US)]

    assert [*losses.tell({"siem": {"queue-full": 3}}, 3 * MINUTE_US)] == []


def test_at_most_one_a_minute_and_nothing_forgotten() -> None:
    """What comes within the minute is told after it."""
    losses = make()
    [*losses.tell({"siem": {"queue-full": 3}}, MINUTE_US)]

    within = [*losses.tell({"siem": {"queue-full": 9}}, MINUTE_US + 1)]
    after = [*losses.tell({"siem": {"queue-full": 10}}, 2 * MINUTE_US)]

    assert within == []
    assert [event.evidence["lost"] for event in after] == [7]


def test_outputs_are_told_each_on_its_own() -> None:
    """One output's losses do not silence those of another."""
    losses = make()
    [*losses.tell({"a": {"queue-full": 1}, "b": {"queue-full": 0}}, MINUTE_US)]

    told = [*losses.tell({"a": {"queue-full": 2}, "b": {"queue-full": 5}}, MINUTE_US + 1)]

    assert [event.info for event in told] == ["lost 5 events in output b"]


def test_an_output_that_went_away_is_forgotten() -> None:
    """One of the same name that comes later counts from the start."""
    losses = make()
    [*losses.tell({"a": {"queue-full": 5}}, MINUTE_US)]
    [*losses.tell({}, 2 * MINUTE_US)]

    (event,) = losses.tell({"a": {"queue-full": 1}}, 3 * MINUTE_US)

    assert event.evidence["lost"] == 1
