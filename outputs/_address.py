"""Read `host`, `host:port`, `[v6]`, `[v6]:port` and `[v6%zone]:port` as users write them."""

import re
from typing import NamedTuple

_ADDRESS = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?P<host>[^\s:\[\]/@]+))(?::(?P<port>\d+))?"
)
_BARE_V6 = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?")


class Address(NamedTuple):
    """Where to send: a name or an address, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        """Write it as it is read."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(text: str, default_port: int | None = None) -> Address:
    """Read an address; raise ValueError that tells what was expected."""
    if _BARE_V6.fullmatch(text) and default_port is not None:
        return Address(text, default_port)
    match = _ADDRESS.fullmatch(text)
    port = int(match["port"][:6]) if match and match["port"] else default_port
    if not match or port is None or not 0 < port <= 65535:
        raise ValueError(f"address: expected host:port or [IPv6]:port, found {text!r}")
    return Address(match["v6"] or match["host"], port)
