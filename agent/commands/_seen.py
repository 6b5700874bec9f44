"""What a replay's values came to, as a table for people."""

from collections.abc import Iterable, Iterator

from agent.commands.explain import TONES
from agent.terminal import Cell, Terminal, Text, Tone
from agent.watching import Seen

MAX_SHOWN = 60
"""Characters of a value in the table; JSON has all of it."""

HEADS = ("WHERE", "VALUE", "SEEN", "VERDICT", "KEY", "RULE", "TRAILS", "LISTS", "WHY")
NOTE = (
    "every name, URL, agent, hello and certificate above; of addresses only the listed ones are "
    "shown: for others ask maltrail-agent explain ADDRESS"
)


def table(rows: Iterable[Seen], terminal: Terminal) -> Iterator[str]:
    """Yield what was seen, in the order of the first look."""
    yield from terminal.table(HEADS, map(_cells, rows), right=(2,))
    yield NOTE


def _cells(row: Seen) -> tuple[Cell, ...]:
    told = row.explanation
    return (
        row.where,
        row.value if len(row.value) <= MAX_SHOWN else f"{row.value[:MAX_SHOWN]}...",
        str(row.seen),
        Text(row.became, Tone.BAD if row.became == "told" else TONES.get(row.became, Tone.DIM)),
        told.key or "-",
        told.rule or "-",
        told.trails or "-",
        ", ".join(source.name for source in told.sources) or "-",
        row.why,
    )
