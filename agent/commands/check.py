"""`maltrail-agent check`: this host and its configuration."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from agent import config
from agent.commands._common import DONE, FINDING, Commands, settings_of
from agent.finding import Finding
from agent.terminal import Terminal, Text, Tone, terminal_of

MARKS: Mapping[str, Text] = {
    "ok": Text("[o]", Tone.GOOD),
    "warning": Text("[!]", Tone.WARNING),
    "failure": Text("[x]", Tone.BAD),
}


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
        for line in table(found, terminal_of(sys.stdout)):
            print(line)
    return FINDING if any(finding.level == "failure" for finding in found) else DONE


def table(found: Sequence[Finding], terminal: Terminal) -> Iterator[str]:
    """Yield a mark and a text for each finding, and how many there are of each."""
    yield from terminal.notes([(MARKS[one.level], one.text) for one in found], gap=1)
    counts = Counter(finding.level for finding in found)
    told = (
        (f"{counts['ok']} ok", Tone.GOOD),
        (f"{counts['warning']} to look at", Tone.WARNING if counts["warning"] else Tone.DIM),
        (f"{counts['failure']} wrong", Tone.BAD if counts["failure"] else Tone.DIM),
    )
    yield ", ".join(terminal.paint(text, tone) for text, tone in told)
