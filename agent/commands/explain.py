"""`maltrail-agent explain`: what matches a value, and why."""

import argparse
import json
import logging
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent.commands._common import DONE, FINDING, Commands, UserError, settings_of
from agent.config import Settings
from agent.terminal import Cell, Terminal, Text, Tone, terminal_of

if TYPE_CHECKING:
    from agent.explain import Explanation, LeftOut
    from agent.model import Source

_log = logging.getLogger("agent.cli")

TONES: Mapping[str, Tone] = {
    "matches": Tone.BAD,
    "allowed": Tone.GOOD,
    "not listed": Tone.DIM,
    "spared": Tone.WARNING,
    "quarantined": Tone.WARNING,
    "left out": Tone.WARNING,
    "inert": Tone.WARNING,
}


def add(commands: Commands) -> None:
    """Add the command."""
    explain = commands.add("explain", run, "tell what matches a value and why, or why nothing does")
    explain.add_argument(
        "--trails",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="sets or lists, instead of the current set",
    )
    explain.add_argument(
        "values", nargs="+", metavar="VALUE", help="a name, address, URL, ua:AGENT or hash"
    )


def run(options: argparse.Namespace) -> int:
    """Explain the values; 1 where one is not told."""
    from agent.allow import AllowList
    from agent.explain import Explainer
    from agent.sets import open_sets
    from agent.suppress import in_force
    from agent.trails.find import Trails
    from agent.trails.set import SetError

    settings = settings_of(options)
    try:
        own, published = open_sets(settings, options.state_dir, options.trails)
    except SetError as error:
        raise UserError(str(error)) from error
    allow = AllowList.load(settings.allow_list, time.time_ns() // 1000)
    held = in_force(settings.suppress, time.time_ns() // 1000)
    explainer = Explainer(Trails(own, published), allow, _left_out(options, settings), held)
    told = [explainer.explain(value) for value in options.values]
    if options.json:
        print(json.dumps(msgspec.to_builtins(told)))
    else:
        terminal = terminal_of(sys.stdout)
        for explanation in told:
            for line in lines(explanation, terminal):
                print(line)
    return DONE if all(explanation.is_told for explanation in told) else FINDING


def lines(told: "Explanation", terminal: Terminal) -> Iterator[str]:
    """Yield an explanation for people: the verdict, what is known, what was weighed."""
    verdict = terminal.paint(told.verdict, TONES.get(told.verdict, Tone.PLAIN))
    yield f"{terminal.paint(told.value, Tone.STRONG)}: {verdict}"
    shown: list[tuple[str, str]] = [("what", told.kind), ("why", told.why)]
    if told.key:
        shown += [
            ("matches", f"{told.key} of the {told.trails} trails, rule {told.rule}"),
            ("told as", f"{told.class_id}, trail {told.trail}"),
            ("info", told.info),
            ("reference", told.reference),
        ]
    shown += [("list", _source(source)) for source in told.sources]
    shown += [("note", note) for note in told.notes]
    yield from terminal.notes([("", Text(head, Tone.DIM), text) for head, text in shown])
    weighed = [_weighed(w.rule, w.key, w.trails, w.result) for w in told.weighed]
    if weighed:
        yield from terminal.table(("  RULE", "KEY WEIGHED", "TRAILS", "RESULT"), weighed)


def _weighed(rule: str, key: str, trails: str, result: str) -> tuple[Cell, ...]:
    tone = Tone.DIM if result == "not listed" else Tone.PLAIN
    return (Text(f"  {rule}", tone), Text(key, tone), Text(trails, tone), Text(result, tone))


def _source(source: "Source") -> str:
    seen = f", first seen {source.first_seen}" if source.first_seen else ""
    last = f", last seen {source.last_seen}" if source.last_seen else ""
    return f"{source.name}{seen}{last}"


def _left_out(options: argparse.Namespace, settings: Settings) -> "LeftOut":
    """Return what tells which lists and own files name keys that no set holds."""
    from agent.trails import files
    from feeds._absence import absences

    def asked(wanted: Collection[str]) -> Iterator[tuple[str, str]]:
        named = options.trails or [Path(path) for path in settings.trails.custom]
        own = [file for path in named for file in files.find(path) if file.suffix != ".set"]
        for path, reason in files.inert(own, wanted):
            yield str(path), f"inert: {reason}"
        if options.trails:
            return  # they stand for the lists
        try:
            yield from absences(settings, options.state_dir, wanted, time.time())
        except (OSError, ValueError) as error:
            _log.warning("the lists' copies cannot be asked: %s", error)

    return asked
