"""Hosts files: a sink address, then the names that it stands for."""

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from agent.model import Trail
from feeds import Origin, Unused
from feeds._indicator import indicator
from feeds._lines import lines

_OWN_ADDRESSES = ("255.255.255.255", "fe80::", "ff00::", "ff02::")
_OWN_NAMES = frozenset({"localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0"})  # noqa: S104


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`sinks` are the addresses that mean "blocked"; a line with another one names a real host."""

    sinks: tuple[str, ...] = ("0.0.0.0", "127.0.0.1", "::", "::1")  # noqa: S104 - nothing is bound


def parse(content: BinaryIO, config: Config, origin: Origin, unused: Unused) -> Iterator[Trail]:
    """Yield a trail for each name that a sink address stands for."""
    for line in lines(content):
        fields = line.split("#", 1)[0].split()
        if not fields or fields[0].startswith(_OWN_ADDRESSES):
            continue
        if fields[0] not in config.sinks:
            unused.reject("no sink address before the names", line)
            continue
        for name in fields[1:]:
            if name in _OWN_NAMES or name.startswith("ip6-"):
                continue
            try:
                key = _name(name)
            except ValueError as error:
                unused.reject(str(error), line)
                continue
            yield Trail(key=key, info=origin.info, reference=origin.reference, source=origin.source)


def _name(text: str) -> str:
    """Return a name as key; raise ValueError for an address or URL, which a hosts file lacks."""
    key = indicator(text)
    if ":" in key or "/" in key or "." not in key or key.rsplit(".", 1)[-1].isdecimal():
        raise ValueError("not a name")
    return key
