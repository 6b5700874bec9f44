"""Which trail explains an observed value: rules T-5, T-7, T-10 and T-13 over two sets.

The site's own set is asked first and wins whole: what a site lists itself is never hidden by
what others list. `skipped` counts what the exceptions of rule T-5.6 kept quiet.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from socket import AF_INET, AF_INET6, inet_pton
from typing import Literal, NamedTuple

from agent.scan import layout
from agent.trails.patterns import PatternSet
from agent.trails.set import Row, TrailSet

NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9-]{1,63}")
INFRASTRUCTURE = re.compile(r"(?:[rd]?ns|nf|mx|nic)\d*\.")
IP_ADRESS = ".ip-adress.com"
ONION = ".onion."
MAX_ADDRESSES = 8_192
"""Addresses, with their ports, whose trail is remembered: a flood repeats both its sides."""
NETWORKS = (layout.NET4, layout.NET6)
MAX_VERDICTS = 4096
"""Texts whose verdict by patterns is remembered; one that repeats costs nothing."""


RULES = {
    "T-4": "the smallest network around the address",
    "T-5.5": "a page of ip-adress.com about a listed name",
    "T-5.6": "the name itself, else its nearest parent",
    "T-5.9": "a web gateway to a listed onion service",
    "T-7": "the leftmost match of a pattern",
    "T-10": "the address, with its port before without",
    "T-13.5": "the User-Agent, exact before patterns",
    "T-13.9": "the first candidate, alone or behind the host",
    "T-13.10": "every page of the host",
    "T-16": "a digest, exact",
}
"""Rules of detection.md section 3 by which trails are found, in a few words."""


class Unjudged(Exception):  # noqa: N818 - no failure: the verdict waits for another time
    """A text that no pattern was tried on, to bound what that costs."""


class Found(NamedTuple):
    """A trail that explains a value; `trail` has Maltrail's brackets (rule E-4).

    `rule` is one of RULES.
    """

    row: Row
    custom: bool
    trail: str
    rule: str


def _always(size: int) -> bool:
    del size
    return True


class Trails:
    """The own and the published set, for one thread.

    `edition` is another object than that of any other trails.
    """

    def __init__(self, own: TrailSet, published: TrailSet) -> None:
        self.own = own
        self.published = published
        self.skipped = 0
        self.edition = object()
        self._sides = (_Side(own, custom=True), _Side(published, custom=False))
        self._addresses: dict[tuple[str, int | None], Found | Literal[False]] = {}

    def name(self, name: str) -> Found | None:
        """Find what explains a name: itself, a parent, a pattern, a gateway to it (rule T-5)."""
        if not NAME.fullmatch(name) or name.replace(".", "").isdecimal():
            return None
        for side in self._sides:
            found = self._related(side, name) or self._parents(side, name)
            found = found or side.pattern(name) or self._gateway(side, name)
            if found:
                return found
        return None

    def address(self, address: str, port: int | None) -> Found | None:
        """Find what explains an address: with its port, bare, or the longest network.

        Raise ValueError for text that is no address.
        """
        asked = (address, port)
        found = self._addresses.get(asked)
        if found is None:
            if len(self._addresses) >= MAX_ADDRESSES:
                self._addresses.clear()
            found = self._addresses[asked] = self._find_address(address, port) or False
        return found or None

    def _find_address(self, address: str, port: int | None) -> Found | None:
        packed = _packed(address)
        for side in self._sides:
            if not side.has_addresses:
                continue
            row = side.address(packed, port)
            if row is None:
                continue
            if row.kind in NETWORKS:
                return Found(row, side.custom, f"{row.key} ({address})", "T-4")
            return Found(row, side.custom, row.key, "T-10")
        return None

    def url(self, host: str, path: str, candidates: Iterable[str]) -> Found | None:
        """Find what explains a request: the first candidate, alone or behind the host (T-13.9)."""
        url = host + path
        listed = list(candidates)
        for side in self._sides:
            for candidate in listed:
                row = side.find(layout.PATH, candidate.encode())
                row = row or side.find(layout.URL, (host + candidate).encode())
                if row:
                    return Found(row, side.custom, bracket(url, row.key), "T-13.9")
            row = side.find(layout.URL, f"{host}/".encode())
            if row:
                return Found(row, side.custom, row.key, "T-13.10")
        return None

    def user_agent(self, agent: str, may_judge: Callable[[int], bool] = _always) -> Found | None:
        """Find what explains a User-Agent: itself, or a pattern in any case (rule T-13.5, E-5).

        `may_judge` is asked before patterns are tried on so many characters for the first time;
        raise Unjudged where it refused and nothing exact was found.
        """
        refused = False
        for side in self._sides:
            row = side.find(layout.USER_AGENT, agent.encode("utf-8", "surrogateescape"))
            if row:
                return Found(row, side.custom, row.key, "T-13.5")
            patterns = side.agents
            if not patterns.knows(agent) and not may_judge(len(agent)):
                refused = True
                continue
            match = patterns.find(agent)
            if match:
                shown = _wrap(*(_escape(part) for part in match.parts))
                return Found(match.row, side.custom, shown, "T-13.5")
        if refused:
            raise Unjudged
        return None

    def digest(self, kind: int, value: str) -> Found | None:
        """Find a certificate's or hello's digest; `kind` is that of agent.scan.layout."""
        for side in self._sides:
            row = side.find(kind, value.encode())
            if row:
                return Found(row, side.custom, row.key, "T-16")
        return None

    def _related(self, side: "_Side", name: str) -> Found | None:
        """Rule T-5.5: a page of ip-adress.com that is about a listed name."""
        if not name.endswith(IP_ADRESS):
            return None
        subject = name.removesuffix(IP_ADRESS)
        row = side.find(layout.DOMAIN, subject.encode())
        return Found(row, side.custom, f"{subject}({IP_ADRESS})", "T-5.5") if row else None

    def _parents(self, side: "_Side", name: str) -> Found | None:
        """Rule T-5.6: the most specific of the name and its parents."""
        for suffix in parents(name):
            row = side.find(layout.DOMAIN, suffix.encode())
            if row is None or (row.flags & layout.BELOW_ONLY and suffix == name):
                continue
            if is_exempt(name, suffix, row.info):
                self.skipped += 1
                continue
            prefix = name.removesuffix(suffix).removesuffix(".")
            shown = f"({prefix}).{suffix}" if prefix else suffix
            return Found(row, side.custom, shown, "T-5.6")
        return None

    def _gateway(self, side: "_Side", name: str) -> Found | None:
        """Rule T-5.9: a web gateway to a listed onion service."""
        at = name.find(ONION)
        if at < 0:
            return None
        service, gateway = name[: at + len(ONION) - 1], name[at + len(ONION) - 1 :]
        row = side.find(layout.DOMAIN, service.encode())
        return Found(row, side.custom, f"{service}({gateway})", "T-5.9") if row else None


class _Match(NamedTuple):
    """The row of a pattern that matches; what is before, in and behind the match."""

    row: Row
    parts: tuple[str, str, str]


class _Patterns:
    """The patterns of one kind in a set, compiled, and their last verdicts."""

    def __init__(self, trails: TrailSet, kind: int, *, fold: bool) -> None:
        rows = [trails.row(number) for number in trails.rows(kind)]
        self._rows = rows
        self._verdicts: dict[str, _Match | None] = {}
        self._set = PatternSet(
            [
                (row.raw.decode("utf-8", "replace"), bool(row.flags & layout.ANCHORED))
                for row in rows
            ],
            fold=fold,
        )

    def knows(self, text: str) -> bool:
        """Tell whether the verdict on a text costs nothing."""
        return not self._rows or text in self._verdicts

    def find(self, text: str) -> _Match | None:
        """Find the leftmost match of any pattern; at equal places the first pattern's."""
        if not self._rows:
            return None
        if text not in self._verdicts:
            if len(self._verdicts) >= MAX_VERDICTS:
                self._verdicts.clear()
            self._verdicts[text] = self._search(text)
        return self._verdicts[text]

    def _search(self, text: str) -> _Match | None:
        best = self._set.leftmost(text)
        if best is None:
            return None
        start, end, number = best
        return _Match(self._rows[number], (text[:start], text[start:end], text[end:]))


class _Side:
    """One set, and its patterns compiled."""

    def __init__(self, trails: TrailSet, custom: bool) -> None:
        self.custom = custom
        self._set = trails
        self._kinds = frozenset(kind for kind in range(layout.TABLES) if trails.rows(kind))
        self.has_addresses = not self._kinds.isdisjoint(layout.ADDRESS_BYTES)
        self._names = _Patterns(trails, layout.PATTERN, fold=False)
        self.agents = _Patterns(trails, layout.USER_AGENT_PATTERN, fold=True)

    def find(self, kind: int, key: bytes) -> Row | None:
        number = self._set.find(kind, key) if kind in self._kinds else -1
        return self._set.row(number) if number >= 0 else None

    def address(self, packed: bytes, port: int | None) -> Row | None:
        """Return the row of an address, with its port before without, or of its network."""
        number = self._set.find_address(packed, port)
        return self._set.row(number) if number >= 0 else None

    def pattern(self, name: str) -> Found | None:
        """Rule T-7."""
        match = self._names.find(name)
        if match is None:
            return None
        return Found(match.row, self.custom, _wrap(*match.parts).replace(".)", ")."), "T-7")


def _wrap(before: str, match: str, after: str) -> str:
    """Wrap what is not the match (rule E-4)."""
    return (f"({before})" if before else "") + match + (f"({after})" if after else "")


def _escape(text: str) -> str:
    """Escape parentheses that are not ours (rule E-5)."""
    return text.replace("(", "\\(").replace(")", "\\)")


def _packed(address: str) -> bytes:
    try:
        return inet_pton(AF_INET6 if ":" in address else AF_INET, address)
    except OSError as error:
        raise ValueError(f"{address} is no address") from error


def parents(name: str) -> Iterator[str]:
    """Yield the name, then each parent down to the last label."""
    while True:
        yield name
        _, dot, name = name.partition(".")
        if not dot:
            return


def is_exempt(name: str, key: str, info: str) -> bool:
    """Tell whether rule T-5.6 keeps a match quiet: servers' own names, providers' front pages."""
    if INFRASTRUCTURE.match(name) and ("suspicious" in info or "sinkhole" in info):
        return True
    front = name in (key, f"www.{key}") or name.startswith("www.")
    return front and ("dynamic" in info or "free web" in info)


def bracket(url: str, key: str) -> str:
    """Wrap what of `url` is not the key; where the key is no part of it, put it in front."""
    if key not in url:
        return f"{key} ({url})"
    return key.join(f"({part})" if part else "" for part in url.split(key))
