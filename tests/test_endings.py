"""How a run ended that was not asked to: read from what systemd leaves, told once."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import endings
from agent.endings import HUNG, MAX_BYTES, Ending, Endings
from agent.ids import derived_ids
from agent.notices import AgentNotices


@pytest.fixture
def states(tmp_path: Path) -> Path:
    """Return a folder of all states."""
    for process in ("sense", "deliver", "update"):
        (tmp_path / process).mkdir()
    return tmp_path


def leave(states: Path, line: str, when: float = 1000.0, process: str = "sense") -> None:
    """Leave a file as ExecStopPost= does."""
    file = states / f"ended-{process}"
    file.write_text(line + "\n", encoding="utf-8")
    os.utime(file, (when, when))


def news(states: Path) -> Ending | None:
    """Return what a sense that starts has to tell."""
    return Endings(states, "sense", "sense").news()


def notices() -> AgentNotices:
    """Return who tells."""
    return AgentNotices("sensor", "", (), derived_ids(b"x" * 16))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("signal killed KILL", "ended by signal KILL"),
        ("core-dump dumped SEGV", "ended by signal SEGV"),
        ("watchdog killed ABRT", "ended by the watchdog"),
        ("oom-kill killed KILL", "ended for want of memory"),
        ("timeout killed TERM", "ended for taking too long"),
        ("exit-code exited 1", "ended with status 1"),
    ],
)
def test_each_result_of_systemd_has_words(line: str, words: str, states: Path) -> None:
    """The words of systemd.exec(5), as a person reads them."""
    leave(states, line)

    assert str(news(states)) == words


def test_an_ending_is_told_once_over_restarts(states: Path) -> None:
    """The next start does not tell it again, and tells the next one."""
    leave(states, "signal killed KILL", 1000.0)
    running = Endings(states, "sense", "sense")

    assert running.news()
    assert running.news() is None
    assert news(states) is None
    leave(states, "timeout killed TERM", 2000.0)
    assert str(news(states)) == "ended for taking too long"


def test_one_process_may_tell_of_another(states: Path) -> None:
    """Deliver of update, which has nobody to tell."""
    leave(states, "signal killed KILL", process="update")

    assert Endings(states, "update", "deliver").news()
    assert Endings(states, "update", "deliver").news() is None
    assert news(states) is None


def test_the_loop_that_hung_is_named(states: Path) -> None:
    """It was noted before systemd ended the process; a later ending is not its."""
    endings.note_hang(states / "sense", "the capture worker on eth0")
    leave(states, "watchdog killed ABRT")
    ending = news(states)
    assert ending

    event = endings.told(ending, "sense", notices())

    assert "the capture worker on eth0 hung" in event.info
    assert event.evidence["hung"] == "the capture worker on eth0"
    leave(states, "watchdog killed ABRT", 2000.0)
    assert str(news(states)) == "ended by the watchdog"


def test_the_event_says_what_was_missing_and_for_how_long(states: Path) -> None:
    """From the end of the one run to the start of the next."""
    leave(states, "signal killed KILL")
    ending = news(states)
    assert ending

    event = endings.told(ending, "sense", notices(), "nothing was captured")

    assert event.class_id == "agent-degraded"
    assert event.info.startswith("sense was ended by signal KILL; nothing was captured for ")
    assert event.evidence["process"] == "sense"
    assert float(event.evidence["seconds"]) > 1000.0


@given(st.binary(max_size=2 * MAX_BYTES))
def test_what_systemd_did_not_write_is_no_ending(data: bytes) -> None:
    """Whatever is in the files: an ending of three words, or none, and never an error."""
    with tempfile.TemporaryDirectory() as name:
        states = Path(name)
        (states / "sense").mkdir()
        (states / "ended-sense").write_bytes(data)
        (states / "sense" / HUNG).write_bytes(data)

        found = news(states)

    assert found is None or len(f"{found.result} {found.code} {found.status}".split()) == 3


def test_a_folder_that_is_not_there_is_no_ending(tmp_path: Path) -> None:
    """A first start, or one by hand."""
    assert news(tmp_path / "none") is None
    endings.note_hang(tmp_path / "none", "the main loop")
