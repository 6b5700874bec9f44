"""Which keys no public list may name: reserved and shared addresses, popular names.

Such a row is a mistake, or an attack on the list: it would flag a whole site or half the web. It
is kept out of matching, counted and listed in the set. A trusted list is believed all the same.
"""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources

from agent.config import ConfigError
from agent.names import ascii_name
from agent.scan import layout
from agent.trails.keys import Key

RESERVED = "a private or reserved address"
SHARED = "an address of a content delivery network"
POPULAR = "a popular name"
ABOVE = "a name above popular ones"
PROTECTED = "named in trails.protect"
LISTED = "named by the list {}"
HUGE = "a network too large to be meant"

_WIDEST = {layout.NET4: 7, layout.NET6: 16}
"""A network of more than a hundredth of the IPv4 Internet is a mistake or an attack on the list."""

# IANA's special-purpose registries (RFC 6890), multicast and the rest of class E. Networks for
# documentation are not here: nobody is harmed by them, and examples are made of them.
_RESERVED = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/3",
    "::/127",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
)

# Answers with these addresses are looked for: sinkholes and parking sites do answer privately.
_MEANT = ("sinkhole", "parking")

# Of providers only names below theirs alert: that theirs is popular does not matter.
_PROVIDERS = ("dynamic domain", "free web hosting")

_ADDRESSES = frozenset({layout.IP4, layout.IP4_PORT, layout.IP6, layout.IP6_PORT})
_NETWORKS = frozenset({layout.NET4, layout.NET6})


class Quarantine:
    """Judges keys; `protect` are the site's own names and networks. Raise ConfigError.

    `listed` are keys of lists that protect, each with the list's name.
    """

    def __init__(self, protect: Iterable[str] = (), listed: Iterable[tuple[Key, str]] = ()) -> None:
        names, networks = _split(protect)
        self._names, listed_ranges = _listed(listed)
        self._names |= dict.fromkeys(popular_names(), POPULAR) | dict.fromkeys(names, PROTECTED)
        above = {parent for name in self._names for parent in _above(name)}
        self._names = dict.fromkeys(above, ABOVE) | self._names
        ranges = [(ipaddress.ip_network(text), RESERVED) for text in _RESERVED]
        ranges += [(ipaddress.ip_network(text), SHARED) for text in _lines("cdn.txt")]
        ranges += [(network, PROTECTED) for network in networks]
        ranges += listed_ranges
        self._v4 = _Ranges(entry for entry in ranges if entry[0].version == 4)
        self._v6 = _Ranges(entry for entry in ranges if entry[0].version == 6)

    def reason(self, key: Key, info: str) -> str:
        """Return why no public list may name `key`, nothing where it may."""
        kind, raw = key.kind, key.key
        if kind == layout.DOMAIN:
            if is_provider(info):
                return ""
            return self._name(raw.decode("ascii", "replace"))
        if kind in _ADDRESSES:
            width = 4 if kind in (layout.IP4, layout.IP4_PORT) else 16
            return self._address(raw[:width], info)
        if kind in _NETWORKS:
            return self._network(kind, raw)
        if kind == layout.URL:
            host, _, path = raw.decode("utf-8", "replace").partition("/")
            return self._url(host, path, info)
        return ""

    def _name(self, name: str) -> str:
        return self._names.get(name) or self._names.get(name.removeprefix("www."), "")

    def _url(self, host: str, path: str, info: str) -> str:
        """Judge a URL: without a path it means every request to its host."""
        bare = host.rpartition(":")[0] if host.count(":") == 1 else host
        try:
            packed = ipaddress.ip_address(bare.strip("[]")).packed
        except ValueError:
            return "" if path else self._name(bare)
        reason = self._address(packed, info)
        return "" if path and reason == SHARED else reason

    def _address(self, packed: bytes, info: str) -> str:
        if any(word in info for word in _MEANT):
            return ""
        ranges = self._v4 if len(packed) == 4 else self._v6
        number = int.from_bytes(packed, "big")
        return ranges.overlap(number, number)

    def _network(self, kind: int, raw: bytes) -> str:
        length = raw[-1]
        if length < _WIDEST[kind]:
            return HUGE
        first = int.from_bytes(raw[:-1], "big")
        ranges, bits = (self._v4, 32) if kind == layout.NET4 else (self._v6, 128)
        return ranges.overlap(first, first + (1 << (bits - length)) - 1)


def _listed(
    listed: Iterable[tuple[Key, str]],
) -> tuple[dict[str, str], list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str]]]:
    """Return names and networks of lists that protect, with their reasons."""
    names: dict[str, str] = {}
    ranges: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str]] = []
    for key, name in listed:
        reason = LISTED.format(name)
        if key.kind == layout.DOMAIN:
            names.setdefault(key.key.decode("ascii", "replace"), reason)
        elif key.kind in (layout.IP4, layout.IP6):
            ranges.append((ipaddress.ip_network(key.key), reason))
        elif key.kind in _NETWORKS:
            ranges.append((ipaddress.ip_network((key.key[:-1], key.key[-1])), reason))
    return names, ranges


class _Ranges:
    """Disjoint ranges of addresses as numbers, each with a reason; an inner one is left out."""

    def __init__(
        self, entries: Iterable[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str]]
    ) -> None:
        spans = sorted(
            (int(network.network_address), -int(network.broadcast_address), reason)
            for network, reason in entries
        )
        self._first: list[int] = []
        self._last: list[int] = []
        self._reason: list[str] = []
        for first, minus_last, reason in spans:
            if not self._last or first > self._last[-1]:
                self._first.append(first)
                self._last.append(-minus_last)
                self._reason.append(reason)

    def overlap(self, first: int, last: int) -> str:
        """Return the reason of a range that shares an address with this one, or nothing."""
        at = bisect_right(self._first, last) - 1
        return self._reason[at] if at >= 0 and self._last[at] >= first else ""


def is_provider(info: str) -> bool:
    """Tell whether a name with this label alerts only for names below it."""
    return any(word in info for word in _PROVIDERS)


def popular_names() -> tuple[str, ...]:
    """Return the names everybody uses."""
    return _lines("popular.txt")


def _above(name: str) -> Iterator[str]:
    while name := name.partition(".")[2]:
        yield name


@cache
def _lines(file: str) -> tuple[str, ...]:
    """Read a data file of ours."""
    text = resources.files("feeds").joinpath(file).read_text(encoding="utf-8")
    return tuple(line for line in text.split("\n") if line and not line.startswith("#"))


def _split(
    protect: Iterable[str],
) -> tuple[list[str], list[ipaddress.IPv4Network | ipaddress.IPv6Network]]:
    """Tell names from networks; raise ConfigError for what is neither."""
    names, networks = [], []
    for text in protect:
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError:
            try:
                name = ascii_name(text).strip(".")
            except ValueError:
                name = ""
            if not name or "/" in name or not all(c.isalnum() or c in "-._" for c in name):
                raise ConfigError(
                    f"trails.protect: {text!r} is neither a name nor a network"
                ) from None
            names.append(name)
    return names, networks
