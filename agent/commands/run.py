"""`maltrail-agent run`: sense and deliver together in the foreground, with a live view of both."""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from agent.commands._common import DONE, FINDING, Commands, settings_of
from agent.commands.deliver import TELL_TO

if TYPE_CHECKING:
    from agent.tour_screen import Screen

STEP = 0.2
"""Seconds between two looks at the processes."""

END_SECONDS = 30.0
"""How long a process may take to end, before it is killed."""

Process = subprocess.Popen[bytes]
Pause = Callable[[float], object]


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add("run", run, "capture and deliver in the foreground, as two processes")


def run(options: argparse.Namespace) -> int:
    """Run sense and deliver as two processes in the foreground; either's end ends both.

    On a terminal their logs and events go above a live view; else they print as they are.
    """
    settings_of(options)
    options.run_dir.mkdir(parents=True, exist_ok=True)
    screen = _screen()
    processes = [_start_deliver(options, screen), _start_sense(options, screen)]
    stop = threading.Event()

    def reload(*_: object) -> None:
        for process in processes:
            process.send_signal(signal.SIGHUP)

    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, reload)
    pause: Pause = screen.step if screen else stop.wait
    try:
        with screen or nullcontext():
            while not stop.is_set() and all(process.poll() is None for process in processes):
                pause(STEP)
                if screen and screen.is_lost:
                    stop.set()
            if screen:
                screen.end()
            return _end_both(processes, screen.step if screen else time.sleep)
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()


def _screen() -> "Screen | None":
    """Return a live view where our output goes to a terminal."""
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        return None
    from agent.tour_screen import Screen, can_show

    return Screen(sys.stdout) if can_show((sys.stdout, sys.stderr)) else None


def _start_deliver(options: argparse.Namespace, screen: "Screen | None") -> Process:
    if screen is None:
        return _start(options, "deliver")
    frames, log, output = screen.add_frames(), screen.add_log(), screen.add_output()
    return _start(options, "deliver", (TELL_TO, str(frames)), (frames,), output, log)


def _start_sense(options: argparse.Namespace, screen: "Screen | None") -> Process:
    return _start(options, "sense", errors=screen.add_log() if screen else None)


def _start(
    options: argparse.Namespace,
    name: str,
    more: Sequence[str] = (),
    passed: Sequence[int] = (),
    output: int | None = None,
    errors: int | None = None,
) -> Process:
    """Start a process of ours; the descriptors are its own from then on.

    In a session of its own, so that Ctrl-C ends both in our order rather than at once.
    """
    command = [sys.executable, "-m", "agent", name, *more]
    command += ["--state-dir", str(options.state_dir), "--run-dir", str(options.run_dir)]
    if options.config:
        command += ["-c", str(options.config)]
    if options.log_level:
        command += ["--log-level", options.log_level]
    started = subprocess.Popen(  # noqa: S603
        command, start_new_session=True, pass_fds=passed, stdout=output, stderr=errors
    )
    for descriptor in (*passed, output, errors):
        if descriptor is not None:
            os.close(descriptor)
    return started


def _end_both(processes: Sequence[Process], pause: Pause) -> int:
    """End sense first, so that deliver takes its last events; return the worse status."""
    statuses = []
    for process in reversed(processes):
        if process.poll() is None:
            process.terminate()
        deadline = time.monotonic() + END_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            pause(STEP / 4)
        if process.poll() is None:
            process.kill()
        statuses.append(_status(process.wait()))
    return max(statuses)


def _status(returned: int) -> int:
    """Return the exit status of a process, 1 where another signal than our own ended it."""
    if returned >= 0:
        return returned
    return DONE if returned == -signal.SIGTERM else FINDING
