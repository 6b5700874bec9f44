"""No read of the scanner goes past a batch's bytes, whatever they hold."""

import signal
import subprocess
import sys


def test_nothing_is_read_behind_the_last_packet() -> None:
    """Neither a fault of the compiled build nor a bounds error of the plain one."""
    assert _run() == 0


def test_a_read_behind_the_last_packet_would_be_seen() -> None:
    """What the test above relies on."""
    assert _run("beyond") == -signal.SIGSEGV


def _run(*arguments: str) -> int:
    command = [sys.executable, "-m", "tests.scan.edge", *arguments]
    return subprocess.run(command, check=False).returncode
