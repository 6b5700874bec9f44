"""Sense that is away is told once, and once that it is back."""

from agent.deliver.presence import GRACE, Presence
from agent.ids import derived_ids
from agent.notices import AgentNotices

NOW_US = 1_700_000_000_000_000


def told(steps: list[tuple[float, bool]]) -> list[str]:
    """Return what is told while sense is there or not at those seconds."""
    notices = AgentNotices("fw1", "", (), derived_ids(b"run"))
    presence = Presence(notices, 0.0)
    return [
        event.info
        for now, connected in steps
        for event in presence.tell(connected, now, NOW_US + int(now * 1_000_000))
    ]


def test_a_restart_of_sense_is_not_told() -> None:
    """Nor is one that comes late at the first start."""
    assert told([(1, False), (59, True), (60, False), (100, False), (119, True)]) == []


def test_sense_that_stays_away_is_told_once_with_what_to_do() -> None:
    """However long it lasts."""
    first, *more = told([(1, True), (2 + GRACE, False), (200, False), (4000, False)])

    assert first.startswith("sense has not been connected for 61 seconds: nothing is detected; ")
    assert "systemctl status" in first
    assert more == []


def test_sense_that_never_came_is_told() -> None:
    """Counted from the start of deliver."""
    assert len(told([(GRACE, False), (GRACE + 1, False)])) == 1


def test_its_return_is_told_once_and_the_next_absence_again() -> None:
    """On change, never in between."""
    steps = [(61.0, False), (90.0, True), (91.0, True), (150.0, False), (152.0, False)]

    assert [info.partition(" for ")[0] for info in told(steps)] == [
        "sense has not been connected",
        "sense is connected again; nothing is left to do",
        "sense has not been connected",
    ]
