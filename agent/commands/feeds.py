"""`maltrail-agent feeds`: the known lists and their health."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from agent.commands._common import DONE, Commands, settings_of
from agent.terminal import Cell, Terminal, Text, Tone, terminal_of

if TYPE_CHECKING:
    from feeds._health import ListHealth

HEADS = ("LIST", "STATE", "SUCCESS", "AGE", "ROWS", "TRAILS", "REJECTED", "KB", "TOOK", "NOTE")
NUMBERS = (2, 3, 4, 5, 6, 7, 8)

_TONES: Mapping[str, Tone] = {
    "good": Tone.GOOD,
    "failing": Tone.WARNING,
    "overdue": Tone.BAD,
    "never": Tone.NOTE,
}


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add("feeds", run, "list the known lists and their health")


def run(options: argparse.Namespace) -> int:
    """List them."""
    from feeds._health import health

    rows = health(settings_of(options), options.state_dir, time.time())
    if options.json:
        print(msgspec.json.encode(rows).decode())
    else:
        for line in table(rows, terminal_of(sys.stdout)):
            print(line)
    return DONE


def table(rows: "Sequence[ListHealth]", terminal: Terminal) -> Iterator[str]:
    """Yield lists in use with what was wrong in them, then the others and why they are off."""
    used = [row for row in rows if row.in_use]
    others = [row for row in rows if not row.in_use]
    yield from terminal.table(HEADS, map(_cells, used), NUMBERS)
    rejected = [
        (
            Text(f"{found.count} rejected", Tone.WARNING),
            row.name,
            f"{reason}: {', '.join(map(repr, found.samples))}",
        )
        for row in used
        for reason, found in row.reasons.items()
    ]
    if rejected:
        yield ""
        yield from terminal.notes(rejected)
    if others:
        yield ""
        yield from terminal.notes(
            (row.name, Text(row.condition, Tone.DIM), row.reason) for row in others
        )
    yield ""
    yield terminal.safe(_summed(used, others))


def _cells(row: "ListHealth") -> tuple[Cell, ...]:
    return (
        row.name,
        Text(row.condition, _TONES.get(row.condition, Tone.PLAIN)),
        _ago(row.success_age),
        _ago(row.age),
        str(row.rows),
        str(row.trails),
        Text(str(row.rejected), Tone.WARNING if row.rejected else Tone.PLAIN),
        str(row.size >> 10),
        f"{row.seconds:.1f}s",
        Text(row.error, Tone.WARNING),
    )


def _summed(used: "Sequence[ListHealth]", others: "Sequence[ListHealth]") -> str:
    counts = Counter(row.condition for row in used)
    told = ", ".join(f"{number} {condition}" for condition, number in counts.most_common())
    return f"{len(used)} lists in use{f': {told}' if told else ''}; {len(others)} known and off"


def _ago(seconds: float | None) -> str:
    """Return a time span in its largest fitting unit."""
    if seconds is None:
        return "-"
    for unit, size in (("d", 86400), ("h", 3600)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds / 60:.0f}m"
