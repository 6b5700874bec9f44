"""How text looks on a terminal: colours by meaning, tables that fit, and nothing that steers it.

Every text goes through `visible`, so that no name from the wire moves the cursor or colours a line.
Colours are the sixteen that a terminal's theme defines, so that they are legible on dark and light.
Where output goes to a file or a pipe there is neither colour nor width: lines are whole.
"""

import os
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, TextIO

from agent.visible import visible

LEAST_COLUMN = 6
"""Columns that a table's cell keeps at least; where that does not fit, rows become records."""

LEAST_PROSE = 24
"""Columns that wrapped prose keeps beside short cells; where it has less, it goes below them."""

FALLBACK_COLUMNS = 80
"""Where a terminal does not say how wide it is."""


class Tone(StrEnum):
    """What a text means, as the parameters of `CSI m` (ECMA-48 section 8.3.117)."""

    PLAIN = ""
    DIM = "2"
    STRONG = "1"
    GOOD = "32"
    NOTE = "36"
    WARNING = "33"
    BAD = "31"
    WORST = "1;31"


class Text(NamedTuple):
    """A text and what it means."""

    text: str
    tone: Tone = Tone.PLAIN


Cell = str | Text


class Terminal(NamedTuple):
    """What a stream can show; `columns` is 0 where it is no terminal and lines may be long."""

    columns: int = 0
    colour: bool = False
    unicode: bool = True

    def paint(self, text: str, tone: Tone) -> str:
        """Return the text, harmless, in the colour of its meaning."""
        shown = self.safe(text)
        return f"\x1b[{tone}m{shown}\x1b[0m" if self.colour and tone and shown else shown

    def safe(self, text: str) -> str:
        """Return the text on one line, with nothing that steers a terminal."""
        shown = visible(text)
        return shown if self.unicode else shown.encode("ascii", "backslashreplace").decode()

    def cut(self, text: str, columns: int) -> str:
        """Return the text, harmless, in at most so many columns, with a mark where it was cut."""
        shown = self.safe(text)
        if width(shown) <= columns:
            return shown
        mark = "…" if self.unicode else "..."
        room = columns - len(mark)
        if room <= 0:
            return mark[: max(0, columns)]
        kept = []
        for character in shown:
            room -= width(character)
            if room < 0:
                break
            kept.append(character)
        return "".join(kept) + mark

    def line(self, *cells: Cell) -> str:
        """Return texts one behind the other, with a blank between them, cut to the terminal."""
        painted = []
        left = self.columns
        for cell in map(_text, cells):
            shown = self.cut(cell.text, left) if self.columns else self.safe(cell.text)
            if not shown:
                continue
            painted.append(self.paint(shown, cell.tone))
            left -= width(shown) + 1
            if self.columns and left <= 0:
                break
        return " ".join(painted)

    def bar(self, share: float, columns: int) -> str:
        """Return a share from 0 to 1 as a bar of so many columns, filled from the left."""
        filled = round(min(1.0, max(0.0, share)) * columns)
        full, empty = ("█", "░") if self.unicode else ("#", ".")
        return full * filled + empty * (columns - filled)

    def strip(self, shares: Iterable[float]) -> str:
        """Return shares from 0 to 1 as a strip, a column each; only what is whole is full."""
        marks = " ▁▂▃▄▅▆▇█" if self.unicode else ".:#"
        last = len(marks) - 1
        return "".join(
            marks[last if share >= 1 else min(last - 1, max(0, int(share * last)))]
            for share in shares
        )

    def table(
        self, heads: Sequence[str], rows: Iterable[Sequence[Cell]], right: Collection[int] = ()
    ) -> Iterator[str]:
        """Yield rows as aligned lines under their heads; columns in `right` end aligned.

        On a terminal the widest columns give way; where even that is too wide, each row becomes
        a record of `head  value` lines.
        """
        texts = [[_text(cell) for cell in row] for row in rows]
        shown = [heads, *([self.safe(cell.text) for cell in row] for row in texts)]
        widths = [max(map(width, column)) for column in zip(*shown, strict=True)]
        fitting = _fit(widths, self.columns) if self.columns else widths
        if not fitting:
            yield from self._records(heads, texts)
            return
        yield self._line([Text(head, Tone.DIM) for head in heads], fitting, right)
        for row in texts:
            yield self._line(row, fitting, right)

    def notes(self, rows: Iterable[Sequence[Cell]], gap: int = 2) -> Iterator[str]:
        """Yield rows of short cells and a last one of prose, which is wrapped beside them.

        Nothing is cut: where the terminal is too narrow, the prose has lines of its own. `gap` is
        how many blanks stand between cells.
        """
        texts = [[_text(cell) for cell in row] for row in rows]
        heads = [[self.safe(cell.text) for cell in row[:-1]] for row in texts]
        widths = [max(map(width, column)) for column in zip(*heads, strict=True)]
        indent = sum(widths) + gap * len(widths)
        is_below = bool(self.columns and indent + LEAST_PROSE > self.columns)
        if is_below:
            indent = LEAST_COLUMN
        for row in texts:
            *cells, prose = row
            lead = (" " * gap).join(
                self.paint(cell.text, cell.tone) + " " * (room - width(self.safe(cell.text)))
                for cell, room in zip(cells, widths, strict=True)
            )
            lines = self._wrapped(prose.text, self.columns - indent if self.columns else 0)
            told = [self.paint(line, prose.tone) for line in lines]
            if is_below:
                yield lead.rstrip()
            else:
                yield f"{lead}{' ' * gap}{told.pop(0)}".rstrip() if widths else told.pop(0)
            for line in told:
                yield f"{' ' * indent}{line}"

    def _wrapped(self, text: str, room: int) -> list[str]:
        """Break a text at blanks into lines of so many columns; 0 is one line."""
        lines = [""]
        for word in self.safe(text).split(" "):
            longer = f"{lines[-1]} {word}" if lines[-1] else word
            if not room or not lines[-1] or width(longer) <= room:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def _line(self, row: Sequence[Text], widths: Sequence[int], right: Collection[int]) -> str:
        painted = []
        last = len(row) - 1
        for index, (cell, room) in enumerate(zip(row, widths, strict=True)):
            shown = self.cut(cell.text, room)
            pad = " " * (room - width(shown))
            told = self.paint(shown, cell.tone)
            if index in right:
                painted.append(pad + told)
            else:
                painted.append(told if index == last else told + pad)
        return "  ".join(painted).rstrip()

    def _records(self, heads: Sequence[str], rows: Iterable[Sequence[Text]]) -> Iterator[str]:
        indent = max(map(width, heads), default=0)
        for number, row in enumerate(rows):
            if number:
                yield ""
            for head, cell in zip(heads, row, strict=True):
                name = self.paint(head, Tone.DIM) + " " * (indent - width(head))
                yield f"{name}  {self.paint(cell.text, cell.tone)}"


def terminal_of(stream: TextIO, environment: Mapping[str, str] = os.environ) -> Terminal:
    """Return what a stream can show. NO_COLOR (no-color.org), TERM and COLUMNS are heeded."""
    is_unicode = (stream.encoding or "").lower().replace("-", "") == "utf8"
    if not stream.isatty():
        return Terminal(unicode=is_unicode)
    colour = not environment.get("NO_COLOR") and environment.get("TERM", "dumb") != "dumb"
    return Terminal(_columns(stream, environment), colour, is_unicode)


def severity_tone(severity_id: int) -> Tone:
    """Return the colour of a severity from 0 to 10."""
    for least, tone in ((9, Tone.WORST), (7, Tone.BAD), (5, Tone.WARNING), (2, Tone.NOTE)):
        if severity_id >= least:
            return tone
    return Tone.DIM


def width(text: str) -> int:
    """Return how many columns a text takes: wide East Asian characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character)
        else 2 if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )  # fmt: skip


def _columns(stream: TextIO, environment: Mapping[str, str]) -> int:
    asked = environment.get("COLUMNS", "")
    if asked.isdecimal() and int(asked[:6]) > 0:
        return int(asked[:6])
    try:
        return os.get_terminal_size(stream.fileno()).columns or FALLBACK_COLUMNS
    except OSError:
        return FALLBACK_COLUMNS


def _text(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)


def _fit(widths: Sequence[int], columns: int) -> list[int]:
    """Return widths that fit, the widest cut first, or nothing where they cannot."""
    fitting = list(widths)
    excess = sum(fitting) + 2 * (len(fitting) - 1) - columns
    while excess > 0:
        widest = max(fitting)
        if widest <= LEAST_COLUMN:
            return []
        fitting[fitting.index(widest)] -= 1
        excess -= 1
    return fitting
