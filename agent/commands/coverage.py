"""`maltrail-agent coverage`: what of traffic is not read."""

import argparse
import json

from agent import config
from agent.commands._common import DONE, FINDING, Commands, UserError, settings_of


def add(commands: Commands) -> None:
    """Add the command."""
    coverage = commands.add("coverage", run, "tell what of captures or live traffic is not read")
    coverage.add_argument("--live", action="store_true", help="the configured interfaces, now")
    coverage.add_argument(
        "--seconds",
        type=config.duration,
        default=30.0,
        metavar="TIME",
        help="how long to look at live traffic, for example 5m (default: 30s)",
    )
    coverage.add_argument("captures", nargs="*", metavar="CAPTURE", help="pcap, pcapng, .gz, or -")


def run(options: argparse.Namespace) -> int:
    """Report what of captures, or of live traffic, is read; 1 where most of it is not."""
    from agent import coverage, survey
    from agent.capture import CaptureError

    if bool(options.captures) == options.live:
        raise UserError("coverage: expected captures or --live; name one of both")
    try:
        if options.live:
            counted = survey.of_interfaces(settings_of(options).capture, options.seconds)
        else:
            counted = survey.of_files(options.captures)
    except CaptureError as error:
        raise UserError(str(error)) from error
    if options.json:
        print(json.dumps(coverage.document(counted)))
    else:
        for line in coverage.text(counted):
            print(line)
    return FINDING if any(coverage.troubles(counted.counters)) else DONE
