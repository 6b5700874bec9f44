"""CSV lists: columns by name or number, commented headers, rows filtered by equality."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, Literal

import msgspec

from agent.model import Source, Trail
from feeds import Origin, Reject
from feeds._indicator import indicator
from feeds._lines import lines

_PLACE = re.compile(r"\{([^{}]*)\}")
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_DAY_FIRST = re.compile(r"(\d\d)[-./](\d\d)[-./](\d{4})")
_LABEL_NOISE = re.compile(r"[\x00-\x1f\x7f\ufffd]+")

MAX_LABEL = 128
"""A label from a row is cut here: it becomes part of every event of the trail."""

Column = str | int


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the columns are and what they mean.

    `header` says where the columns' names are: the first row (`first`), the last comment before
    it (`comment`), nowhere (`none`: `columns` names them, or they go by number from 0). `value`
    holds the indicator, `port` is added to an address. `{column}` in the list's `info` is
    replaced by that column's text, lower-cased, without the words of `drop_words`; where that
    leaves nothing, `unnamed` stands in. A row counts when every column of `where` has one of the
    values given. Dates become days.
    """

    value: Column
    port: Column | None = None
    header: Literal["first", "comment", "none"] = "first"
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    comments: tuple[str, ...] = ("#",)
    where: Mapping[str, tuple[str, ...]] = {}
    drop_words: tuple[str, ...] = ()
    unnamed: str = "malware"
    first_seen: Column | None = None
    last_seen: Column | None = None
    reference: Column | None = None
    kind: str = ""

    def __post_init__(self) -> None:
        """Refuse a delimiter that the csv reader would refuse later with a worse message."""
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
            raise ValueError(f"delimiter: expected one character, found {self.delimiter!r}")


def parse(content: BinaryIO, config: Config, origin: Origin, reject: Reject) -> Iterator[Trail]:
    """Yield a trail for each row that passes the filter and holds an indicator."""
    text = _Text(content, config.comments)
    rows = csv.reader(text, delimiter=config.delimiter, skipinitialspace=True)
    table: _Table | None = None
    try:
        for row in rows:
            if not any(row):
                continue
            if table is None:
                table, is_header = _table(row, text.last_comment, config, origin.info)
                if is_header:
                    continue
            try:
                trail = table.trail(row, origin)
            except ValueError as error:
                reject(str(error))
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


class _Table:
    """The columns of one list, found once."""

    def __init__(self, names: Sequence[str], config: Config, info: str) -> None:
        self._config = config
        self._names = [_name(name) for name in names]
        self._value = self._at(config.value)
        self._port = self._maybe(config.port)
        self._first = self._maybe(config.first_seen)
        self._last = self._maybe(config.last_seen)
        self._reference = self._maybe(config.reference)
        self._where = [(self._at(column), frozenset(v)) for column, v in config.where.items()]
        self._info = info
        self._places = {place: self._at(_column(place)) for place in _PLACE.findall(info)}

    def trail(self, row: Sequence[str], origin: Origin) -> Trail | None:
        """Return the trail of a row, None where the filter says no; raise ValueError."""
        if any(_cell(row, at) not in wanted for at, wanted in self._where):
            return None
        key = indicator(_cell(row, self._value))
        if self._port is not None:
            key = _with_port(key, _cell(row, self._port))
        reference = _cell(row, self._reference) if self._reference is not None else ""
        return Trail(
            key=key,
            info=_PLACE.sub(lambda place: self._label(row, place[1]), self._info),
            reference=_clean(reference) or origin.reference,
            source=self._source(row, origin.source),
            kind=self._config.kind,
        )

    def _source(self, row: Sequence[str], source: Source) -> Source:
        if self._first is None and self._last is None:
            return source
        first = _day(_cell(row, self._first)) if self._first is not None else ""
        last = _day(_cell(row, self._last)) if self._last is not None else ""
        return Source(source.name, first or source.first_seen, last or source.last_seen)

    def _label(self, row: Sequence[str], place: str) -> str:
        label = _clean(_cell(row, self._places[place])).lower()
        for word in self._config.drop_words:
            label = label.replace(word.lower(), "")
        return " ".join(label.split()) or self._config.unnamed

    def _maybe(self, column: Column | None) -> int | None:
        return None if column is None else self._at(column)

    def _at(self, column: Column) -> int:
        """Return a column's number; raise ValueError where the list has no such column."""
        if isinstance(column, int):
            return column
        try:
            return self._names.index(_name(column))
        except ValueError:
            raise ValueError(f"the list has no column {column!r}") from None


def _table(row: Sequence[str], comment: str, config: Config, info: str) -> tuple[_Table, bool]:
    """Find the columns with the first row; tell whether that row is the header."""
    first = [_name(cell) for cell in row]
    if config.header == "first":
        return _Table(row, config, info), True
    if config.header == "comment":
        marks = "".join(config.comments)
        stripped = comment.lstrip(marks + " ")
        names = next(csv.reader([stripped], delimiter=config.delimiter, skipinitialspace=True), [])
        return _Table(names, config, info), False
    return _Table(config.columns, config, info), first == [_name(n) for n in config.columns]


def _column(place: str) -> Column:
    return int(place) if place.isdecimal() and place.isascii() else place


def _name(text: str) -> str:
    return text.strip().strip('"').lower()


def _cell(row: Sequence[str], at: int) -> str:
    if not 0 <= at < len(row):
        raise ValueError("too few columns")
    return row[at].strip()


def _clean(text: str) -> str:
    return _LABEL_NOISE.sub(" ", text)[:MAX_LABEL].strip()


def _day(text: str) -> str:
    """Return the day of a date as ISO text, empty where there is none."""
    match = _DAY.match(text)
    if match:
        return match[0]
    match = _DAY_FIRST.match(text)
    return f"{match[3]}-{match[2]}-{match[1]}" if match else ""


def _with_port(address: str, port: str) -> str:
    """Return `address:port`; raise ValueError for what is no port."""
    if not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) <= 65_535):
        raise ValueError("not a port")
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
