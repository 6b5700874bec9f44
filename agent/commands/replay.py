"""`maltrail-agent replay`: the events of captures, on standard output."""

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent.commands._common import DONE, FINDING, Commands, UserError, json_line, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.model import Event
    from agent.watching import Seen
    from outputs._formats import Name

FORMATS = ("maltrail", "maltrail-line", "ecs", "cef", "leef", "ocsf", "csv")

DEFAULT: "Name" = "maltrail"


def add(commands: Commands) -> None:
    """Add the command."""
    replay = commands.add("replay", run, "print the events of captures; touches nothing")
    replay.add_argument(
        "--trails",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a .set, .csv (trail,info,reference) or .txt; several list files are merged",
    )
    replay.add_argument(
        "--format",
        choices=FORMATS,
        help=f"of the events (default: {DEFAULT}; on a terminal a line for people)",
    )
    replay.add_argument(
        "--workers", type=_positive, default=1, metavar="N", help="threads (default: %(default)s)"
    )
    replay.add_argument("--no-condense", action="store_true", help="one event for every hit")
    replay.add_argument("--no-allow-list", action="store_true", help="report what is allowed, too")
    replay.add_argument(
        "--explain",
        action="store_true",
        help="what every value came to and why, on standard error; a table, or --json lines",
    )
    replay.add_argument("--expect", type=Path, metavar="FILE", help="texts that events must hold")
    replay.add_argument("--stats", action="store_true", help="counters as JSON on standard error")
    replay.add_argument("captures", nargs="+", metavar="CAPTURE", help="pcap, pcapng, .gz, or -")


def _positive(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 64:
        raise argparse.ArgumentTypeError(f"expected 1 to 64, found {value}")
    return value


def run(options: argparse.Namespace) -> int:
    """Replay the captures; 1 where --expect names what no event holds."""
    from agent.capture import CaptureError
    from agent.replay import Options, Replay
    from agent.trails.set import SetError
    from outputs import _formats

    logging.getLogger().setLevel((options.log_level or "warning").upper())
    asked = Options(
        captures=tuple(options.captures),
        trails=tuple(options.trails),
        workers=options.workers,
        fold=not options.no_condense,
        allow_list=not options.no_allow_list,
        explain=options.explain,
    )
    asked_format: Name = options.format or DEFAULT
    form = _formats.make(asked_format)
    shown = _shown(options)
    expected = _expected(options.expect)
    try:
        replay = Replay(settings_of(options), options.state_dir, asked)
        for told in replay.inert() if options.trails else ():
            print(f"maltrail-agent: {told}", file=sys.stderr)
        for delivery in replay.deliveries():
            line = form(delivery)
            expected = [text for text in expected if text not in line]
            print(shown(delivery.event) if shown else line)
    except (CaptureError, SetError) as error:
        raise UserError(str(error)) from error
    sys.stdout.flush()
    if options.explain:
        _tell_seen(options, replay.explanations())
    if options.stats:
        print(json.dumps(replay.statistics()), file=sys.stderr)
    for text in expected:
        print(f"maltrail-agent: --expect: no event holds {text!r}", file=sys.stderr)
    return FINDING if expected else DONE


def _shown(options: argparse.Namespace) -> "Callable[[Event], str] | None":
    """Return what makes a line for people, where a person looks and asked for no format."""
    from agent.deliver.status_events import told
    from agent.terminal import terminal_of
    from agent.tour import event_line

    if options.format or not sys.stdout.isatty():
        return None
    terminal = terminal_of(sys.stdout)
    return lambda event: event_line(told(event), terminal)


def _tell_seen(options: argparse.Namespace, seen: "list[Seen]") -> None:
    """Explain on standard error what every value came to; the events keep standard output."""
    from agent.commands._seen import table
    from agent.terminal import terminal_of

    told = table(seen, terminal_of(sys.stderr))
    for line in [json_line(row) for row in seen] if options.json else told:
        print(line, file=sys.stderr)


def _expected(path: Path | None) -> list[str]:
    """Return the lines of --expect FILE that are no comments."""
    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(f"--expect {path}: cannot be read: {error.strerror}") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
