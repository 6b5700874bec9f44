"""From a row with fields to a trail: what tables and objects have in common."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import msgspec

from agent.model import Source, Trail
from feeds import Origin, Unused
from feeds._indicator import KINDS, address_and_port, indicator
from feeds._label import Label, clean, day

Place = str | int
"""Where a field is: the name of a column or the path in an object, or a number from 0."""

Row = TypeVar("Row")


class Fields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the parts of a trail are in a row, and which rows count.

    `value` holds the indicator, `port` is added to an address. `kind` forces a kind for all rows;
    `type` is the field that tells the kind of each, by the words of `kinds`, and rows of other
    types are passed over. A row counts when every field of `where` has one of the values given,
    none of `unless` has, and every number of `at_least` is reached. `{field}` in the list's `info`
    becomes that field's text, lower-cased, without `drop_words`; `unnamed` stands in for nothing.
    `first_seen`, `last_seen` and `expires` (the last day on which the row counts) are dates.
    """

    value: Place
    port: Place | None = None
    kind: str = ""
    type: Place | None = None
    kinds: Mapping[str, str] = {}
    where: Mapping[str, tuple[str, ...]] = {}
    unless: Mapping[str, tuple[str, ...]] = {}
    at_least: Mapping[str, float] = {}
    drop_words: tuple[str, ...] = ()
    unnamed: str = "malware"
    first_seen: Place | None = None
    last_seen: Place | None = None
    expires: Place | None = None
    reference: Place | None = None

    def __post_init__(self) -> None:
        """Refuse kinds that do not exist, and half of a pair."""
        for kind in (self.kind, *self.kinds.values()):
            if kind not in KINDS:
                known = ", ".join(sorted(KINDS - {""}))
                raise ValueError(f"kind: {kind!r} is none of {known}")
        if (self.type is None) != (not self.kinds):
            raise ValueError("type, kinds: expected both or none")


class FieldReader(Generic[Row]):
    """Makes trails of rows. `locate` finds a field once; what it returns reads it from a row.

    A field that a row lacks reads as empty text, or raises ValueError where that is a fault.
    """

    def __init__(
        self,
        fields: Fields,
        origin: Origin,
        locate: Callable[[Place], Callable[[Row], str]],
        unused: Unused,
    ) -> None:
        self._fields = fields
        self._origin = origin
        self._unused = unused
        self._value = locate(fields.value)
        self._port = _maybe(fields.port, locate)
        self._type = _maybe(fields.type, locate)
        self._first = _maybe(fields.first_seen, locate)
        self._last = _maybe(fields.last_seen, locate)
        self._expires = _maybe(fields.expires, locate)
        self._reference = _maybe(fields.reference, locate)
        self._where = [(locate(_place(at)), frozenset(v)) for at, v in fields.where.items()]
        self._unless = [(locate(_place(at)), frozenset(v)) for at, v in fields.unless.items()]
        self._at_least = [(locate(_place(at)), least) for at, least in fields.at_least.items()]
        self._label = Label(origin.info, fields.drop_words, fields.unnamed)
        self._labels = {place: locate(_place(place)) for place in self._label.places}

    def trail(self, row: Row) -> Trail | None:
        """Return the trail of a row, None where it is passed over; raise ValueError."""
        if not self._counts(row):
            self._unused.skip("not wanted")
            return None
        kind = self._fields.kind
        if self._type is not None:
            named = self._fields.kinds.get(self._type(row))
            if named is None:
                self._unused.skip("of another type")
                return None
            kind = named
        return Trail(
            key=self._key(row, kind),
            info=self._label.fill(lambda place: self._labels[place](row)),
            reference=clean(_read(self._reference, row)) or self._origin.reference,
            source=self._source(row),
            kind=kind,
            expires=day(_read(self._expires, row)),
        )

    def _counts(self, row: Row) -> bool:
        return (
            all(read(row) in wanted for read, wanted in self._where)
            and not any(read(row) in unwanted for read, unwanted in self._unless)
            and all(_number(read(row)) >= least for read, least in self._at_least)
        )

    def _key(self, row: Row, kind: str) -> str:
        value = self._value(row)
        port = _read(self._port, row)
        if self._port is not None:
            return address_and_port(value, port)
        return indicator(value, kind)

    def _source(self, row: Row) -> Source:
        source = self._origin.source
        if self._first is None and self._last is None:
            return source
        first, last = day(_read(self._first, row)), day(_read(self._last, row))
        return Source(source.name, first or source.first_seen, last or source.last_seen)


def _maybe(
    place: Place | None, locate: Callable[[Place], Callable[[Row], str]]
) -> Callable[[Row], str] | None:
    return None if place is None else locate(place)


def _read(read: Callable[[Row], str] | None, row: Row) -> str:
    return "" if read is None else read(row)


def _place(text: str) -> Place:
    """Return a key of the settings as a place: YAML's keys of mappings are text here."""
    return int(text) if text.isdecimal() and text.isascii() else text


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("no number where `at_least` wants one") from None
