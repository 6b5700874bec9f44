"""Trails from JSON objects: what documents and JSON lines have in common."""

from collections.abc import Callable
from typing import Any

import msgspec

from agent.model import Trail
from feeds import Origin, Unused
from feeds._fields import FieldReader, Fields, Place
from feeds._json_path import Step, steps, text_at
from feeds._json_text import decoded, excerpt


class ObjectFields(Fields, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields are paths inside a row, such as `ioc.value` or `tags[0]`; `$` is the row itself.

    Objects that have the key `skip` are no rows: what some publishers say of the list itself.
    """

    value: Place = "value"
    skip: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no path, and paths to more than one place."""
        super().__post_init__()
        places = (self.value, self.port, self.type, self.first_seen, self.last_seen)
        more = (self.expires, self.reference, *self.where, *self.unless, *self.at_least)
        for place in (*places, *more):
            if isinstance(place, str) and None in steps(place):
                raise ValueError(f"{place!r} names more than one field")


class Objects:
    """Makes trails of the values of one list."""

    def __init__(self, config: ObjectFields, origin: Origin, unused: Unused) -> None:
        self._skip = config.skip
        self._unused = unused
        self._reader: FieldReader[object] = FieldReader(config, origin, _locate, unused)
        self._decoder = msgspec.json.Decoder()

    def trail(self, raw: bytes) -> Trail | None:
        """Return the trail of a row, None where it gives none."""
        try:
            row = decoded(self._decoder, raw)
            if self._skip and isinstance(row, dict) and self._skip in row:
                return None
            return self._reader.trail(row)
        except ValueError as error:
            self._unused.reject(str(error), excerpt(raw))
            return None


def _locate(place: Place) -> Callable[[Any], str]:
    path: tuple[Step, ...] = (place,) if isinstance(place, int) else steps(place)
    return lambda row: text_at(row, path)
