"""CSV lists: columns by name or number, commented headers, rows filtered by what they say."""

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Literal

from agent.model import Trail
from feeds import Origin, Unused
from feeds._fields import FieldReader, Fields, Place
from feeds._lines import lines


class Config(Fields, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields are columns, by name or by number from 0.

    `header` says where the columns' names are: the first row (`first`), the last comment before
    it (`comment`), nowhere (`none`: `columns` names them, or they go by number).
    """

    header: Literal["first", "comment", "none"] = "first"
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    comments: tuple[str, ...] = ("#",)

    def __post_init__(self) -> None:
        """Refuse a delimiter that the csv reader would refuse later with a worse message."""
        super().__post_init__()
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
            raise ValueError(f"delimiter: expected one character, found {self.delimiter!r}")


def parse(content: BinaryIO, config: Config, origin: Origin, unused: Unused) -> Iterator[Trail]:
    """Yield a trail for each row that passes the filters and holds an indicator."""
    text = _Text(content, config.comments)
    rows = csv.reader(text, delimiter=config.delimiter, skipinitialspace=True)
    reader: FieldReader[Sequence[str]] | None = None
    try:
        for row in rows:
            if not any(row):
                continue
            if reader is None:
                names, is_header = _names(row, text.last_comment, config)
                reader = FieldReader(config, origin, _locator(names), unused)
                if is_header:
                    continue
            try:
                trail = reader.trail(row)
            except ValueError as error:
                unused.reject(str(error), config.delimiter.join(row))
                continue
            if trail is not None:
                yield trail
    except csv.Error as error:
        raise ValueError(f"not CSV: {error}") from error


class _Text:
    """The lines that are no comments; remembers the last comment for a commented header."""

    def __init__(self, content: BinaryIO, comments: tuple[str, ...]) -> None:
        self._lines = lines(content)
        self._comments = comments
        self.last_comment = ""

    def __iter__(self) -> "_Text":
        return self

    def __next__(self) -> str:
        """Return the next row's line; its end matters to a quoted field that goes on."""
        for line in self._lines:
            if line.startswith(self._comments):
                self.last_comment = line
            else:
                return line + "\n"
        raise StopIteration


def _names(row: Sequence[str], comment: str, config: Config) -> tuple[list[str], bool]:
    """Find the columns' names with the first row; tell whether that row is the header."""
    first = [_name(cell) for cell in row]
    if config.header == "first":
        return first, True
    if config.header == "comment":
        stripped = comment.lstrip("".join(config.comments) + " ")
        names = next(csv.reader([stripped], delimiter=config.delimiter, skipinitialspace=True), [])
        return [_name(name) for name in names], False
    names = [_name(name) for name in config.columns]
    return names, first == names


def _locator(names: Sequence[str]) -> Callable[[Place], Callable[[Sequence[str]], str]]:
    """Return what finds a column; that raises ValueError where the list has no such column."""

    def locate(column: Place) -> Callable[[Sequence[str]], str]:
        if isinstance(column, int):
            return _reader(column)
        try:
            return _reader(names.index(_name(column)))
        except ValueError:
            raise ValueError(f"the list has no column {column!r}") from None

    return locate


def _reader(at: int) -> Callable[[Sequence[str]], str]:
    def read(row: Sequence[str]) -> str:
        if not 0 <= at < len(row):
            raise ValueError("too few columns")
        return row[at].strip()

    return read


def _name(text: str) -> str:
    return text.strip().strip('"').lower()
