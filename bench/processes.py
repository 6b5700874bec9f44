"""Memory of the real processes: sense with the set and after some traffic, and deliver."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from agent.trails.publish import publish
from bench import memory
from bench.memory import Memory
from bench.wire import wire

START_SECONDS = 30
STOP_SECONDS = 30
SETTLE_SECONDS = 2.0
"""Until what traffic left is matched and told: sense does that once a second."""

_CONFIG = """\
capture: {{interfaces: [{interface}]}}
trails: {{custom: []}}
outputs: [{{name: bench, type: file, path: {folder}/events.log, format: maltrail}}]
http: {{address: "127.0.0.1:0"}}
"""


class Used(NamedTuple):
    """Memory of a process."""

    process: str
    memory: Memory


class ProcessError(Exception):
    """A process that does not start; the text is the last line it said."""


def measure(trails: Path, captures: list[Path], folder: Path) -> tuple[list[Used], bool]:
    """Return the memory of both processes, and whether the captures reached sense.

    Raise ProcessError or OSError.
    """
    state, run = folder / "state", folder / "run"
    state.mkdir()
    run.mkdir()
    publish(trails, state)
    with wire() as place:
        config = folder / "config.yaml"
        config.write_text(
            _CONFIG.format(interface=place.interface, folder=folder), encoding="utf-8"
        )
        tail = ["-c", str(config), "--state-dir", str(state), "--run-dir", str(run)]

        def command(name: str) -> list[str]:
            return [*place.prefix, sys.executable, "-m", "agent", name, *tail]

        with (
            _started(command("deliver"), folder / "deliver.log") as deliver,
            _started(command("sense"), folder / "sense.log") as sense,
        ):
            _wait(sense, folder / "sense.log", lambda log: "capturing on" in log)
            sent = place.send(captures)
            time.sleep(SETTLE_SECONDS)
            used = [
                Used("sense", memory.of(sense.pid)),
                Used("deliver", memory.of(deliver.pid)),
            ]
    return used, sent


@contextmanager
def _started(command: list[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a process, and end it and nothing else."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", log: Path, is_up: Callable[[str], bool]) -> None:
    """Wait until a log says so; raise ProcessError."""
    deadline = time.monotonic() + START_SECONDS
    while not is_up(text := log.read_text(encoding="utf-8", errors="replace")):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ProcessError((text.splitlines() or ["it says nothing"])[-1])
        time.sleep(0.05)
