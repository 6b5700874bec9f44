"""What systemd is told, on a real datagram socket."""

import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import notify

WAIT = 10.0


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without systemd's variables."""
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["path", "abstract"])
def systemd(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """Yield a socket that listens as systemd does, in both kinds of address."""
    path = str(tmp_path / "notify")
    name, address = (path, path) if request.param == "path" else ("@" + path, "\0" + path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(WAIT)
        listener.bind(address)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listener


def test_ready_with_a_status(systemd: socket.socket) -> None:
    """One datagram, two assignments."""
    notify.ready("listening")

    assert systemd.recv(4096) == b"READY=1\nSTATUS=listening"


def test_reloading_tells_when(systemd: socket.socket) -> None:
    """The manager compares the time with its own monotonic clock."""
    before = time.monotonic_ns() // 1000
    notify.reloading()

    match = re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=(\d+)", systemd.recv(4096))
    assert match
    assert before <= int(match[1]) <= time.monotonic_ns() // 1000


def test_stopping_and_status(systemd: socket.socket) -> None:
    """Both are told as they are asked for."""
    notify.stopping()
    notify.status("one thing")

    assert systemd.recv(4096) == b"STOPPING=1"
    assert systemd.recv(4096) == b"STATUS=one thing"


def test_a_status_cannot_start_another_assignment(systemd: socket.socket) -> None:
    """A line break in the text would be an assignment of the text's choosing."""
    notify.status("x\nMAINPID=1\n")

    assert systemd.recv(4096) == b"STATUS=x MAINPID=1"


def test_the_watchdog_is_fed_only_where_one_watches(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere nothing is sent."""
    notify.watchdog()
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    notify.watchdog()

    assert systemd.recv(4096) == b"WATCHDOG=1"
    systemd.setblocking(False)
    with pytest.raises(BlockingIOError):
        systemd.recv(4096)


def test_the_time_of_the_watchdog_can_be_set_and_be_over(systemd: socket.socket) -> None:
    """In microseconds, as sd_notify(3) has it."""
    notify.limit_watchdog(1.5)
    notify.watchdog_expired()

    assert systemd.recv(4096) == b"WATCHDOG_USEC=1500000"
    assert systemd.recv(4096) == b"WATCHDOG=trigger"


@pytest.mark.parametrize(
    ("usec", "pid", "expected"),
    [
        ("2000000", "own", 2.0),
        ("2000000", "1", 0.0),
        ("0", "own", 0.0),
        ("soon", "own", 0.0),
        ("-5", "own", 0.0),
    ],
)
def test_the_watchdog_of_another_process_is_not_ours(
    monkeypatch: pytest.MonkeyPatch, usec: str, pid: str, expected: float
) -> None:
    """The variables are inherited; WATCHDOG_PID says whom they mean."""
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "own" else pid)

    assert notify.watchdog_limit() == expected


def test_without_systemd_nothing_happens() -> None:
    """Started by hand, the same code runs."""
    notify.ready("x")
    notify.watchdog()

    assert notify.watchdog_limit() == 0.0


def test_a_systemd_that_is_gone_is_logged_and_survived(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Telling is never a reason to fail."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))

    notify.ready()

    assert "systemd cannot be told READY" in caplog.text
