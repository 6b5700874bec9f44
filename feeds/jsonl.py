"""JSON lines: one object a line, the indicator at a path of keys."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from agent.model import Trail
from feeds import Origin, Reject
from feeds._indicator import indicator
from feeds._lines import lines


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`value` is the dotted path of the indicator; objects that have the key `skip` are no rows."""

    value: str = "value"
    skip: str = ""


def parse(content: BinaryIO, config: Config, origin: Origin, reject: Reject) -> Iterator[Trail]:
    """Yield a trail for each object that holds an indicator."""
    path = config.value.split(".")
    decoder = msgspec.json.Decoder(dict[str, Any])
    for line in lines(content):
        if not line.strip():
            continue
        try:
            row = decoder.decode(line)
        except (msgspec.DecodeError, RecursionError):
            reject("not a JSON object")
            continue
        if config.skip and config.skip in row:
            continue
        try:
            key = indicator(_at(row, path))
        except ValueError as error:
            reject(str(error))
            continue
        yield Trail(key=key, info=origin.info, reference=origin.reference, source=origin.source)


def _at(row: dict[str, Any], path: list[str]) -> str:
    """Return the text at `path`; raise ValueError where there is none."""
    found: Any = row
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, str):
        raise ValueError("no text at the path of the value")  # noqa: TRY004 - a bad row
    return found
