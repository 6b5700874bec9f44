"""`maltrail-agent version`: which version, which build."""

import argparse
import json
import sys

from agent import __version__
from agent.commands._common import DONE, Commands


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add("version", run, "print the version and which build runs")


def run(options: argparse.Namespace) -> int:
    """Print them."""
    from agent.scan import is_compiled

    facts = {
        "version": __version__,
        "build": "compiled" if is_compiled() else "plain",
        "python": sys.version.split()[0],
    }
    if options.json:
        print(json.dumps(facts))
    else:
        print(f"maltrail-agent {__version__}, {facts['build']} scanner, Python {facts['python']}")
    return DONE
