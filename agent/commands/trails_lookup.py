"""`maltrail-agent trails lookup`: values in a set."""

import argparse
import json
from pathlib import Path

import msgspec

from agent.commands._common import DONE, FINDING, Commands
from agent.commands._sets import open_set


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
    for told in () if options.json else found:
        names = ", ".join(source.name for source in told.sources)
        shown = f"{told.key}: {told.info} {told.reference} [{names}]"
        print(f"{told.value}: {shown if told.is_told else 'not found'}")
    return DONE if all(told.is_told for told in found) else FINDING
