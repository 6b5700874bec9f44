"""`maltrail-agent trails use`: make a set the current one."""

import argparse
from pathlib import Path

from agent.commands._common import DONE, Commands, UserError
from agent.commands._sets import open_set
from agent.identity import become_owner


def add(commands: Commands) -> None:
    """Add the command."""
    use = commands.add("use", run, "make a set the current one here")
    use.add_argument("set", type=Path, metavar="SET")


def run(options: argparse.Namespace) -> int:
    """Publish the set on this host."""
    from agent.published import FOLDER
    from agent.trails.publish import publish
    from agent.trails.set import SetError

    opened = open_set(options.set)
    become_owner(options.state_dir / FOLDER)
    try:
        path = publish(options.set, options.state_dir)
    except SetError as error:
        raise UserError(str(error)) from error  # the owner of the sets may read less than root
    except OSError as error:
        raise UserError(f"{options.state_dir}: cannot be written: {error.strerror}") from error
    print(f"{path}: {opened.set_id} is current")
    return DONE
