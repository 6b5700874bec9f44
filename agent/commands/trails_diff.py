"""`maltrail-agent trails diff`: what a new set changes."""

import argparse
from pathlib import Path

from agent.commands._common import DONE, Commands
from agent.commands._sets import open_set


def add(commands: Commands) -> None:
    """Add the command."""
    diff = commands.add("diff", run, "count what a new set adds and removes")
    diff.add_argument("old", type=Path, metavar="OLD")
    diff.add_argument("new", type=Path, metavar="NEW")
    diff.add_argument("--keys", action="store_true", help="every key rather than counts")


def run(options: argparse.Namespace) -> int:
    """Tell what the new set adds and removes."""
    from agent.trails.diff import changes, diff

    tell = diff if options.keys else changes
    for line in tell(open_set(options.old), open_set(options.new)):
        print(line)
    return DONE
