"""JSON lines: a row a line, fields at paths inside it. A bad line costs one row."""

from collections.abc import Iterator
from typing import BinaryIO

from agent.model import Trail
from feeds import Origin, Unused
from feeds._lines import lines
from feeds._objects import ObjectFields, Objects


class Config(ObjectFields, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields of a row; there is nothing else to say of JSON lines."""


def parse(content: BinaryIO, config: Config, origin: Origin, unused: Unused) -> Iterator[Trail]:
    """Yield a trail for each line that passes the filters and holds an indicator."""
    objects = Objects(config, origin, unused)
    for line in lines(content):
        if line.strip() and (trail := objects.trail(line.encode("utf-8", "replace"))):
            yield trail
