"""`maltrail-agent verify`: which events of received lines are missing."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from agent.commands._common import DONE, FINDING, Commands, UserError
from agent.terminal import Cell, Terminal, Text, Tone, terminal_of

if TYPE_CHECKING:
    from agent.verify.report import Report
    from agent.verify.runs import Run

STRIP = 60
"""Columns of the picture of a run, from its first number to its last, where there is room."""
SHOWN_GAPS = 20
SHOWN_RUN = 12
"""Characters of a run's identifier; --json has all of it."""

HEADS = ("SENSOR", "RUN", "FIRST", "LAST", "RECEIVED", "MISSING", "TWICE", "REORDERED", "END")
NUMBERS = (2, 3, 4, 5, 6, 7)


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
        for line in text(report, terminal_of(sys.stdout)):
            print(line)
    return DONE if report.is_clean else FINDING


def text(report: "Report", terminal: Terminal) -> Iterator[str]:
    """Yield the report for people: a row and a picture for each run, then what is wrong."""
    runs = report.runs.runs
    if runs:
        yield from terminal.table(HEADS, [_row(*item) for item in runs.items()], NUMBERS)
    for run_id, run in runs.items():
        if run.missing:
            yield _picture(run_id, run, terminal)
    yield from terminal.notes(_findings(report))
    if report.is_clean:
        yield terminal.paint("nothing is missing", Tone.GOOD)
    else:
        yield terminal.paint("not everything arrived", Tone.BAD)


def _row(run_id: str, run: "Run") -> tuple[Cell, ...]:
    return (
        run.sensor,
        run_id[:SHOWN_RUN],
        str(run.first),
        str(run.last),
        str(run.received),
        Text(str(run.missing), Tone.BAD if run.missing else Tone.PLAIN),
        str(run.duplicates),
        str(run.reordered),
        "stopped" if run.ended else "open",
    )


def _picture(run_id: str, run: "Run", terminal: Terminal) -> str:
    """Return the run as a strip: full where everything came, with blanks where nothing did."""
    name = terminal.safe(run_id[:SHOWN_RUN])
    columns = min(STRIP, terminal.columns - len(name) - 4) if terminal.columns else STRIP
    return f"{name}  |{terminal.paint(terminal.strip(run.arrived(max(8, columns))), Tone.BAD)}|"


def _findings(report: "Report") -> Iterator[tuple[Cell, ...]]:
    for run_id, run in report.runs.runs.items():
        for told, tone in _of_run(run):
            yield (Text(f"{run.sensor} {run_id[:SHOWN_RUN]}:", Tone.DIM), Text(told, tone))
    others = (
        (report.runs.beyond, "events of further runs are left out; verify fewer files"),
        (report.unnumbered, "lines in Maltrail's columns cannot be judged: no number"),
        (report.foreign, f"lines are not ours, such as: {report.sample}"),
    )
    for count, told in others:
        if count:
            yield (Text(f"{count}", Tone.WARNING), told)


def _of_run(run: "Run") -> Iterator[tuple[str, Tone]]:
    """Yield what is wrong with one run, or worth knowing."""
    for start, end in run.gaps[:SHOWN_GAPS]:
        yield f"missing {start}" + (f" to {end}" if end > start else ""), Tone.BAD
    if len(run.gaps) > SHOWN_GAPS:
        yield f"and {len(run.gaps) - SHOWN_GAPS} more gaps; --json tells all", Tone.BAD
    if run.first > 1:
        yield f"begins at {run.first}: what came before is not in these lines", Tone.WARNING
    if run.losses_told:
        yield f"{run.losses_told} agent-loss event(s) tell of losses by reason", Tone.WARNING
    if run.mixed:
        told = f"{run.mixed} numbers stand for two events each: more than one output's lines; "
        yield f"{told}verify the lines of each origin alone", Tone.BAD
    if run.beyond:
        yield "too many gaps to keep; verify a shorter stretch", Tone.BAD
