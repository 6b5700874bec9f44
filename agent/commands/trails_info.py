"""`maltrail-agent trails info`: what a set holds."""

import argparse
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
        print("\t".join(map(visible, line.split("\t"))))
    return DONE
