"""`maltrail-agent trails diff`: what a new set changes."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent.commands._common import DONE, Commands
from agent.commands._sets import open_set
from agent.terminal import Cell, Terminal, Text, Tone, terminal_of
from agent.visible import visible

if TYPE_CHECKING:
    from agent.trails.diff import Change


def add(commands: Commands) -> None:
    """Add the command."""
    diff = commands.add("diff", run, "count what a new set adds and removes")
    diff.add_argument("old", type=Path, metavar="OLD")
    diff.add_argument("new", type=Path, metavar="NEW")
    diff.add_argument("--keys", action="store_true", help="every key rather than counts")


def run(options: argparse.Namespace) -> int:
    """Tell what the new set adds and removes."""
    from agent.trails.diff import counted_changes, diff

    old, new = open_set(options.old), open_set(options.new)
    if options.keys:
        for one in diff(old, new):
            print(json.dumps(one._asdict()) if options.json else visible(" ".join(one)))
        return DONE
    changes = counted_changes(old, new)
    if options.json:
        print(json.dumps([change._asdict() for change in changes]))
        return DONE
    for line in table(changes, terminal_of(sys.stdout)):
        print(line)
    return DONE


def table(changes: "Sequence[Change]", terminal: Terminal) -> Iterator[str]:
    """Yield a row for each kind of each list, and one for all keys."""
    return terminal.table(("LIST", "KIND", "CAME", "WENT"), map(_cells, changes), right=(2, 3))


def _cells(change: "Change") -> tuple[Cell, ...]:
    return (
        change.name or "all",
        change.kind or "keys",
        Text(f"+{change.came}", Tone.GOOD if change.came else Tone.DIM),
        Text(f"-{change.went}", Tone.WARNING if change.went else Tone.DIM),
    )
