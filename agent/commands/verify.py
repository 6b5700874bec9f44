"""`maltrail-agent verify`: which events of received lines are missing."""

import argparse
import json

from agent.commands._common import DONE, FINDING, Commands, UserError


def add(commands: Commands) -> None:
    """Add the command."""
    verify = commands.add("verify", run, "tell which events of received lines are missing")
    verify.add_argument(
        "files", nargs="+", metavar="FILE", help="received lines, plain or gzip; - for stdin"
    )


def run(options: argparse.Namespace) -> int:
    """Report gaps, duplicates and reorderings; 1 where there are any."""
    from agent.verify.report import Report, lines_of

    report = Report()
    for path in options.files:
        try:
            report.take(lines_of(path))
        except (OSError, EOFError) as error:
            raise UserError(f"{path}: cannot be read: {error}") from error
    if not report.runs.runs:
        raise UserError(
            f"{', '.join(options.files)}: no event of maltrail-agent with a number in "
            f"{report.lines} lines; every format but maltrail-line carries one"
        )
    if options.json:
        print(json.dumps(report.document()))
    else:
        for line in report.text():
            print(line)
    return DONE if report.is_clean else FINDING
