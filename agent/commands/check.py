"""`maltrail-agent check`: this host and its configuration."""

import argparse
import json

from agent import config
from agent.commands._common import DONE, FINDING, Commands, settings_of


def add(commands: Commands) -> None:
    """Add the command."""
    check = commands.add("check", run, "check the configuration and this host, with remedies")
    check.add_argument(
        "--connect", action="store_true", help="connect to every receiver too; sends no event"
    )
    check.add_argument(
        "--seconds",
        type=config.duration,
        metavar="TIME",
        help="look at live traffic for so long too, for example 10s",
    )
    check.add_argument(
        "--settings", action="store_true", help="only whether the configuration can be read; quick"
    )


def run(options: argparse.Namespace) -> int:
    """Tell every finding; 1 where one is a failure."""
    settings = settings_of(options)
    if options.settings:
        return DONE
    from agent.commands._findings import findings
    from agent.preflight_capture import check_traffic

    found = [*findings(settings, options.state_dir, connect=options.connect)]
    if options.seconds is not None:
        found += check_traffic(settings.capture, options.seconds)
    if options.json:
        print(json.dumps([finding.document() for finding in found]))
    else:
        marks = {"ok": "[o]", "warning": "[!]", "failure": "[x]"}
        for finding in found:
            print(f"{marks[finding.level]} {finding.text}")
    return FINDING if any(finding.level == "failure" for finding in found) else DONE
