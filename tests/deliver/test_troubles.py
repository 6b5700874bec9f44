"""A journal that does not work is told once, and so is that it works again."""

from agent.deliver.troubles import Troubles
from agent.ids import random_ids
from agent.notices import AgentNotices

NOW = 1_700_000_000_000_000


def troubles() -> Troubles:
    """Return what tells."""
    return Troubles(AgentNotices("sensor1", "", (), random_ids()))


def test_a_trouble_is_told_when_it_comes_and_when_it_goes() -> None:
    """Not each second, and not when its text changes."""
    tells = troubles()

    told = [
        event.info
        for trouble in ("", "No space left", "No space left", "Read-only", "", "")
        for event in tells.tell({"siem": trouble}, NOW)
    ]

    assert told == [
        (
            "the journal of output siem cannot be written: No space left; "
            "events are kept in memory; make room, or make the folder writable"
        ),
        "the journal of output siem is written again; nothing is left to do",
    ]


def test_an_output_that_is_gone_is_forgotten() -> None:
    """One of the same name later starts anew."""
    tells = troubles()
    assert [*tells.tell({"siem": "x"}, NOW)]

    assert not [*tells.tell({}, NOW)]

    assert [*tells.tell({"siem": "x"}, NOW)]


def test_what_is_left_behind_is_told_with_what_to_do() -> None:
    """Nothing is deleted silently."""
    (event,) = troubles().left_behind({"/state/journal/old": 1234}, NOW)

    assert event.class_id == "agent-degraded"
    assert event.info == (
        "/state/journal/old holds 1234 bytes of unsent events, and no output has this journal; "
        "name its output in the configuration again to send them, or delete the folder"
    )
    assert event.evidence["bytes"] == 1234
