"""The watchdog: systemd hears of us while every loop runs, and at once of one that hangs."""

import itertools
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.watchdog import PARTS, PATIENCE_SECONDS, SILENCE, Loop, Watchdog

WAIT = 10.0
FAST = 0.1
"""Seconds of silence: as few as the agent accepts."""


class Turning:
    """A loop that turns on demand."""

    def __init__(self, limit: float = 1.0) -> None:
        self.beat = 0.0
        self.limit = limit

    def loops(self) -> list[Loop]:
        """Return the loop as the watchdog sees it."""
        return [Loop("the loop", self.beat, self.limit)]


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Yield a systemd whose unit gives 90 seconds and asks for FAST."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(WAIT)
        listener.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "90000000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        monkeypatch.setenv(SILENCE, str(FAST))
        yield listener


def heard(systemd: socket.socket, what: bytes) -> list[bytes]:
    """Return what systemd heard until `what`."""
    found: list[bytes] = []
    while not found or found[-1] != what:
        found.append(systemd.recv(4096))
    return found


def test_a_process_that_has_started_asks_for_less_time_than_its_unit(
    systemd: socket.socket,
) -> None:
    """From then on it speaks several times in that time."""
    watchdog = Watchdog(Turning(limit=1e9).loops, lambda _: None)
    watchdog.start()
    try:
        assert systemd.recv(4096) == b"WATCHDOG_USEC=100000"
        assert systemd.recv(4096) == b"WATCHDOG=1"
        assert systemd.recv(4096) == b"WATCHDOG=1"
    finally:
        watchdog.stop()


def test_a_loop_that_hangs_is_named_and_systemd_told_once(systemd: socket.socket) -> None:
    """It does not wait until systemd misses us; the name comes first."""
    named: list[str] = []
    watchdog = Watchdog(Turning(limit=2 * FAST / PARTS).loops, named.append)
    watchdog.start()

    said = heard(systemd, b"WATCHDOG=trigger")

    assert named == ["the loop"]
    assert b"WATCHDOG=1" in said
    systemd.settimeout(3 * FAST)
    with pytest.raises(TimeoutError):
        systemd.recv(4096)


def test_a_loop_hangs_when_its_beat_stays_for_its_limit(systemd: socket.socket) -> None:
    """Counted in checks: as many as fit into the limit."""
    turning = Turning(limit=1.0)
    watchdog = Watchdog(turning.loops, lambda _: None)
    checks = round(turning.limit / FAST * PARTS)

    quiet = [watchdog.check() for _ in range(checks)]
    turning.beat = 1.0
    again = [watchdog.check() for _ in range(checks)]
    over = [watchdog.check() for _ in range(2)]

    assert not any(quiet)
    assert not any(again)
    assert over == ["the loop", "the loop"]
    assert systemd


def test_a_loop_that_is_gone_does_not_hang(systemd: socket.socket) -> None:
    """A worker whose interface is no longer wanted; a new one of the same name begins anew."""
    there = [Loop("worker", 1.0, FAST)]
    watchdog = Watchdog(lambda: there, lambda _: None)
    watchdog.check()
    there.clear()
    watchdog.check()
    there.append(Loop("worker", 1.0, FAST))

    assert watchdog.check() == ""
    assert systemd


@pytest.mark.parametrize("hung", [0, 1, 2])
def test_a_loop_among_several_of_its_name_is_found(hung: int, systemd: socket.socket) -> None:
    """Workers that share an interface."""
    turns = itertools.count(1.0)
    watchdog = Watchdog(
        lambda: [
            Loop("worker", 0.0 if number == hung else next(turns), FAST) for number in range(3)
        ],
        lambda _: None,
    )

    found = [watchdog.check() for _ in range(PARTS + 1)]

    assert found == [""] * PARTS + ["worker"]
    assert systemd


def test_patience_is_asked_of_systemd_and_taken_back(systemd: socket.socket) -> None:
    """A reload may take long; a loop that hangs for longer than that is still found."""
    turning = Turning(limit=FAST)
    watchdog = Watchdog(turning.loops, lambda _: None)
    watchdog.start()
    heard(systemd, b"WATCHDOG_USEC=100000")
    with watchdog.patience():
        heard(systemd, b"WATCHDOG_USEC=90000000")
        for _ in range(3 * PARTS):
            assert watchdog.check() == ""
        turning.beat = 1.0
    heard(systemd, b"WATCHDOG_USEC=100000")
    watchdog.stop()
    assert PATIENCE_SECONDS > FAST


def test_what_took_long_by_right_is_not_held_against_a_loop_afterwards(
    systemd: socket.socket,
) -> None:
    """A loop ends its turn after the reload in it; from there on it has its limit again."""
    watchdog = Watchdog(Turning(limit=1.0).loops, lambda _: None)
    checks = round(1.0 / FAST * PARTS)
    watchdog._patient.set()
    long = [watchdog.check() for _ in range(3 * checks)]
    watchdog._patient.clear()

    after = [watchdog.check() for _ in range(checks)]

    assert not any(long + after)
    assert watchdog.check() == "the loop"
    assert systemd


@pytest.mark.parametrize("text", ["soon", "0", "-1", "1e9", "nan"])
def test_a_silence_that_is_none_is_told_and_not_used(
    text: str,
    systemd: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A drop-in with a slip of the pen does not take the watchdog away."""
    monkeypatch.setenv(SILENCE, text)
    watchdog = Watchdog(Turning(limit=1e9).loops, lambda _: None)
    watchdog.start()
    watchdog.stop()

    assert systemd.recv(4096) == b"WATCHDOG_USEC=1000000"
    assert SILENCE in caplog.text


def test_where_nobody_watches_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Started by hand there is no thread, and nothing to be patient for."""
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    watchdog = Watchdog(Turning().loops, lambda _: None)
    watchdog.start()
    with watchdog.patience():
        assert not [thread for thread in threading.enumerate() if thread.name == "watchdog"]
    watchdog.stop()
