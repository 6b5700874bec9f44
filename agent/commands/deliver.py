"""`maltrail-agent deliver`: the process that sends."""

import argparse

from agent.commands._common import Commands, UserError, named, settings_of
from agent.commands._processes import reloader, until_stopped
from agent.config import ConfigError


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add("deliver", run, "send what sense reports to the configured outputs")


def run(options: argparse.Namespace) -> int:
    """Deliver until told to end."""
    from agent.deliver.main import Deliver

    settings = settings_of(options)
    try:
        deliver = Deliver(settings, options.run_dir, options.state_dir)
        deliver.start()
    except ConfigError as error:
        raise UserError(f"{named(options)}: {error}") from error
    try:
        return until_stopped(deliver.run, reloader(options, deliver))
    finally:
        deliver.close()
