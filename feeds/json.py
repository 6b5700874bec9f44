"""JSON documents: rows at a path, fields at paths inside a row."""

from collections.abc import Iterator
from typing import BinaryIO

from agent.model import Trail
from feeds import Origin, Unused
from feeds._json_path import steps
from feeds._json_text import MAX_VALUE, values
from feeds._objects import ObjectFields, Objects


class Config(ObjectFields, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`rows` is the path of the rows: `[*]`, `data[*]`, `relays[*].or_addresses[*]`, `*[*]`.

    A wildcard stands for every element of an array and every member of an object.
    """

    rows: str = "[*]"

    def __post_init__(self) -> None:
        """Refuse what is no path."""
        super().__post_init__()
        steps(self.rows)


def parse(content: BinaryIO, config: Config, origin: Origin, unused: Unused) -> Iterator[Trail]:
    """Yield a trail for each row that passes the filters and holds an indicator."""
    objects = Objects(config, origin, unused)
    for _, raw in values(content, {"row": steps(config.rows)}):
        if raw is None:
            unused.reject(f"longer than {MAX_VALUE >> 20} MB", "")
        elif trail := objects.trail(raw):
            yield trail
