"""`maltrail-agent sense`: the process that captures and detects."""

import argparse

from agent.commands._common import Commands, UserError, settings_of
from agent.commands._processes import reloader, until_stopped


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add("sense", run, "capture and detect; events go to deliver's socket")


def run(options: argparse.Namespace) -> int:
    """Capture until told to end."""
    from agent.capture import CaptureError
    from agent.sense import Sense

    settings = settings_of(options)
    try:
        sense = Sense(settings, options.state_dir, options.run_dir)
        return until_stopped(sense.run, reloader(options, sense))
    except CaptureError as error:
        raise UserError(str(error)) from error
