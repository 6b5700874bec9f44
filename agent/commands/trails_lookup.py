"""`maltrail-agent trails lookup`: values in a set."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent.commands._common import DONE, FINDING, Commands
from agent.commands._sets import open_set
from agent.terminal import Cell, Terminal, Text, Tone, terminal_of

if TYPE_CHECKING:
    from agent.explain import Explanation


def add(commands: Commands) -> None:
    """Add the command."""
    lookup = commands.add("lookup", run, "look values up in a set")
    lookup.add_argument("set", type=Path, metavar="SET")
    lookup.add_argument("values", nargs="+", metavar="VALUE")


def run(options: argparse.Namespace) -> int:
    """Look the values up; 1 where one is not found."""
    from agent.allow import AllowList
    from agent.explain import Explainer
    from agent.sets import empty_set
    from agent.trails.find import Trails

    opened = open_set(options.set)
    explainer = Explainer(Trails(empty_set(opened.seed), opened), AllowList((), 0))
    found = [explainer.explain(value) for value in options.values]
    if options.json:
        print(json.dumps(msgspec.to_builtins(found)))
    else:
        for line in table(found, terminal_of(sys.stdout)):
            print(line)
    return DONE if all(told.is_told for told in found) else FINDING


def table(found: "Iterable[Explanation]", terminal: Terminal) -> Iterator[str]:
    """Yield a row for each value."""
    return terminal.table(("VALUE", "KEY", "INFO", "REFERENCE", "LISTS"), map(_cells, found))


def _cells(told: "Explanation") -> tuple[Cell, ...]:
    if not told.is_told:
        return (told.value, Text("not found", Tone.DIM), "", "", "")
    names = ", ".join(source.name for source in told.sources)
    return (told.value, Text(told.key, Tone.BAD), told.info, told.reference, names)
