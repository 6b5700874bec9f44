"""`maltrail-agent trails rollback`: go back one set."""

import argparse

from agent.commands._common import DONE, Commands, UserError
from agent.identity import become_owner


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add("rollback", run, "go back one set")


def run(options: argparse.Namespace) -> int:
    """Make the set before the current one current again."""
    from agent.published import FOLDER
    from agent.trails.publish import rollback

    become_owner(options.state_dir / FOLDER)
    try:
        print(f"{rollback(options.state_dir)} is current")
    except OSError as error:
        raise UserError(f"{options.state_dir}: {error}") from error
    return DONE
