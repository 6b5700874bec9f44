"""`maltrail-agent deliver`: the process that sends."""

import argparse

from agent.commands._common import Commands, UserError, named, settings_of
from agent.commands._processes import reloader, until_stopped
from agent.config import ConfigError

TELL_TO = "--tell-to"
"""The option by which `run` has deliver write to a pipe what its terminal shows."""


def add(commands: Commands) -> None:
    """Add the command."""
    deliver = commands.add("deliver", run, "send what sense reports to the configured outputs")
    deliver.add_argument(TELL_TO, type=int, metavar="FD", help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Deliver until told to end."""
    from agent.deliver.main import Deliver
    from agent.deliver.teller import Teller

    settings = settings_of(options)
    try:
        is_watched = options.tell_to is not None
        deliver = Deliver(settings, options.run_dir, options.state_dir, is_watched)
        deliver.start()
    except ConfigError as error:
        raise UserError(f"{named(options)}: {error}") from error
    if deliver.board and is_watched:
        Teller(deliver.board, options.tell_to).start()
    try:
        return until_stopped(deliver.run, reloader(options, deliver))
    finally:
        deliver.close()
