"""`maltrail-agent feeds`: the known lists and their health."""

import argparse
import time

import msgspec

from agent.commands._common import DONE, Commands, settings_of


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add("feeds", run, "list the known lists and their health")


def run(options: argparse.Namespace) -> int:
    """List them."""
    from feeds._health import health, table

    rows = health(settings_of(options), options.state_dir, time.time())
    if options.json:
        print(msgspec.json.encode(rows).decode())
    else:
        for line in table(rows):
            print(line)
    return DONE
