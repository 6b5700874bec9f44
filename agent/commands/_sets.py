"""Sets that a command names: opened, and told to a person or a program."""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.commands._common import DONE, UserError, settings_of
from agent.terminal import Cell, Terminal, Text, Tone, terminal_of

if TYPE_CHECKING:
    from agent.trails.set import TrailSet

BAR = 30
"""Columns of a bar."""


def open_set(path: Path) -> "TrailSet":
    """Return a set that is whole; raise UserError."""
    from agent.trails.set import SetError, TrailSet

    try:
        opened = TrailSet.open(path)
        opened.verify()
    except SetError as error:
        raise UserError(str(error)) from error
    return opened


def shadowed(options: argparse.Namespace, path: Path) -> dict[str, object]:
    """Return what the allow-list of this host silences in a set, by entry."""
    from agent.allow import AllowList
    from agent.shadows import shadows

    allow = AllowList.load(settings_of(options).allow_list, time.time_ns() // 1000)
    return {
        f"{shadow.entry.text} ({shadow.entry.origin})": {
            "count": shadow.size,
            "samples": shadow.samples,
        }
        for shadow in shadows(open_set(path), allow)
    }


def tell_set(options: argparse.Namespace, info: Mapping[str, Any]) -> int:
    """Tell what a set holds, to a person or a program."""
    if options.json:
        print(json.dumps(info))
        return DONE
    for line in about(info, terminal_of(sys.stdout)):
        print(line)
    return DONE


def about(info: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    """Yield what a set holds: facts, kinds with their shares, what can never match or report."""
    facts = {
        "set_id": info["set_id"],
        "built": _day(info["built_us"]),
        "keys": str(info["keys"]),
        "sources": ", ".join(info["sources"]),
        "quarantined": str(info["quarantined"]),
        "ungated": f"{info['ungated']} patterns, {info['ungated_agents']} of agents",
    }
    for name, told in facts.items():
        yield f"{terminal.paint(name, Tone.DIM)}: {terminal.safe(told)}"
    if info["counts"]:
        yield ""
        yield from terminal.table(("KIND", "KEYS", "SHARE"), _kinds(info, terminal), right=(1,))
    for name in ("inert", "repeats", "shadowed"):
        if info[name]:
            yield ""
            yield f"{terminal.paint(name, Tone.STRONG)}: {_MEANINGS[name]}"
            rows = [
                (Text(f"  {_count(told)}", Tone.WARNING), _such(key, told))
                for key, told in info[name].items()
            ]
            yield from terminal.notes(rows)


_MEANINGS = {
    "inert": "rows that can never match, by the reason",
    "repeats": "rows that a later one of the same key replaced, by kind",
    "shadowed": "keys that never report, by the allow-list entry that silences them",
}


def _kinds(info: Mapping[str, Any], terminal: Terminal) -> Iterator[tuple[Cell, ...]]:
    keys = max(1, info["keys"])
    for kind, count in sorted(info["counts"].items(), key=lambda pair: -pair[1]):
        yield (kind, str(count), f"{terminal.bar(count / keys, BAR)} {100 * count / keys:.1f} %")


def _day(built_us: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(built_us / 1e6))


def _count(value: object) -> object:
    return value["count"] if isinstance(value, dict) else value


def _such(key: str, value: object) -> str:
    if isinstance(value, dict):
        return f"{key} (such as {', '.join(value['samples'])})"
    return key


def counted(value: object) -> str:
    """Return a count with its samples as one text, for a line of the log."""
    return _such(str(_count(value)), value)
