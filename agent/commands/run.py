"""`maltrail-agent run`: sense and deliver together in the foreground."""

import argparse
import signal
import subprocess
import sys
import threading

from agent.commands._common import Commands, settings_of


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add("run", run, "capture and deliver in the foreground, as two processes")


def run(options: argparse.Namespace) -> int:
    """Run sense and deliver as two processes in the foreground; either's end ends both."""
    settings_of(options)
    options.run_dir.mkdir(parents=True, exist_ok=True)
    base = [sys.executable, "-m", "agent"]
    tail = ["--state-dir", str(options.state_dir), "--run-dir", str(options.run_dir)]
    if options.config:
        tail += ["-c", str(options.config)]
    if options.log_level:
        tail += ["--log-level", options.log_level]
    # In sessions of their own, so that Ctrl-C ends them in our order rather than all at once.
    processes = [
        subprocess.Popen([*base, name, *tail], start_new_session=True)  # noqa: S603
        for name in ("deliver", "sense")
    ]
    stop = threading.Event()

    def reload(*_: object) -> None:
        for process in processes:
            process.send_signal(signal.SIGHUP)

    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, reload)
    while not stop.wait(0.2) and all(process.poll() is None for process in processes):
        pass
    return _end_both(processes)


def _end_both(processes: list["subprocess.Popen[bytes]"]) -> int:
    """End sense first, so that deliver takes its last events; return the worse status."""
    statuses = []
    for process in reversed(processes):
        if process.poll() is None:
            process.terminate()
        statuses.append(process.wait(30))
    return max(max(status, 0) for status in statuses)
