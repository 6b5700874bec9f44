"""`maltrail-agent trails info`: what a set holds."""

import argparse
import json
from pathlib import Path

import msgspec

from agent.commands._common import DONE, Commands
from agent.commands._sets import open_set, shadowed, tell_set
from agent.visible import visible


def add(commands: Commands) -> None:
    """Add the command."""
    info = commands.add("info", run, "what a set holds, and what not")
    info.add_argument("set", type=Path, metavar="SET")
    info.add_argument("--quarantined", action="store_true", help="list what was kept out, and why")


def run(options: argparse.Namespace) -> int:
    """Tell the set, or what it keeps in quarantine."""
    from agent.scan import layout

    opened = open_set(options.set)
    if not options.quarantined:
        told = msgspec.to_builtins(opened.info)
        return tell_set(options, {**told, "shadowed": shadowed(options, options.set)})
    for line in opened.lines(layout.SECTION_QUARANTINED):
        parts = line.split("\t")
        if options.json:
            print(json.dumps(dict(zip(("key", "reason", "list"), parts, strict=False))))
        else:
            print("\t".join(map(visible, parts)))
    return DONE
