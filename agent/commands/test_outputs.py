"""`maltrail-agent test-outputs`: one event through each output."""

import argparse
import contextlib
import sys
import time
from typing import TYPE_CHECKING

import msgspec

from agent import __version__
from agent.commands._common import DONE, FINDING, Commands, UserError, named, settings_of
from agent.commands.check import MARKS
from agent.identity import become_owner
from agent.terminal import Cell, terminal_of

if TYPE_CHECKING:
    from agent.deliver.trial import Trial


def add(commands: Commands) -> None:
    """Add the command."""
    test = commands.add("test-outputs", run, "send one event through each output")
    test.add_argument("names", nargs="*", metavar="NAME", help="only these outputs")


def run(options: argparse.Namespace) -> int:
    """Send one event through each output, as deliver's user, so that files stay its own.

    With --json standard output is the report's alone: an output of type stdout has the other.
    """
    from agent.deliver.main import notices, sensor_name
    from agent.deliver.preflight import USER
    from agent.deliver.trial import attempt

    settings = settings_of(options)
    known = [output.name for output in settings.outputs]
    unknown = sorted(set(options.names) - set(known))
    if unknown or not known:
        said = f"no output is named {', '.join(unknown)}" if unknown else "outputs: none"
        raise UserError(f"{named(options)}: {said}; known: {', '.join(known) or 'none'}")
    become_owner(options.state_dir / "journal", USER)
    tell = notices(settings, sensor_name(settings))
    trials = []
    for output in settings.outputs:
        if not options.names or output.name in options.names:
            evidence = {"output": output.name, "version": __version__}
            event = tell.trial(time.time_ns() // 1000, output.name, evidence)
            with contextlib.redirect_stdout(sys.stderr if options.json else sys.stdout):
                trials.append(attempt(output, event))
    if options.json:
        print(msgspec.json.encode(trials).decode())
    else:
        for line in terminal_of(sys.stdout).notes(map(_cells, trials), gap=1):
            print(line)
    return DONE if all(trial.ok for trial in trials) else FINDING


def _cells(trial: "Trial") -> tuple[Cell, ...]:
    """Return the row of one output: whether it worked, and what was said."""
    where = f" to {trial.address}" if trial.address else ""
    told = f"{trial.type}{where}, {trial.bytes} bytes: {trial.text}"
    return (MARKS["ok" if trial.ok else "failure"], f"{trial.name}: {told}")
