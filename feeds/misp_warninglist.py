"""MISP warninglists, their `list.json`: what is known to be harmless or shared.

Its values are what other lists must not name: use it with `use: protect`.
"""

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from agent.model import Trail
from feeds import Origin, Unused
from feeds._indicator import indicator, kind_of
from feeds._json_path import steps
from feeds._json_text import decoded, excerpt, values

HARMLESS = True
"""What this format lists is nothing to alert on."""

_PATHS = {"type": steps("type"), "value": steps("list[*]")}
_TYPES = frozenset({"string", "hostname", "cidr"})
_KINDS = frozenset({"domain", "ip", "network"})
_TEXT = msgspec.json.Decoder(str)


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A warninglist says all of itself."""


def parse(content: BinaryIO, config: Config, origin: Origin, unused: Unused) -> Iterator[Trail]:
    """Yield a trail for each name, address and network; hashes of files are passed over.

    A host's leading dot goes: the name is meant with all below it. Lists of type `substring` and
    `regex` raise ValueError: they compare in a way that keys do not.
    """
    del config
    _check_type(content)
    content.seek(0)
    for name, raw in values(content, _PATHS):
        if name == "value":
            try:
                text = decoded(_TEXT, raw or b"")
                key = indicator(text.strip().strip("."))
            except ValueError as error:
                unused.reject(str(error), excerpt(raw or b""))
                continue
            if kind_of(key) not in _KINDS:
                unused.skip("not a name, address or network")
                continue
            yield Trail(key=key, info=origin.info, reference=origin.reference, source=origin.source)


def _check_type(content: BinaryIO) -> None:
    """Raise ValueError for a list that does not compare whole values; the key may come last."""
    for name, raw in values(content, _PATHS):
        if name == "type":
            if decoded(_TEXT, raw or b"") not in _TYPES:
                raise ValueError("compares by parts of values, which keys do not")
            return
