"""Explain a value: which trail of which list matches it and what was weighed, or why none does."""

import ipaddress
from collections.abc import Iterator

from agent.allow import AllowList
from agent.match import is_ignored
from agent.scan.http import HttpReader
from agent.scan.lookup import TEXT_BYTES
from agent.trails.find import Found, Trails, is_exempt, parents

MAX_PORT = 65535


class Explanation:
    """What is known of one value; `found` is None where nothing would be reported."""

    def __init__(self, value: str, trails: Trails, allow: AllowList) -> None:
        self.value = value.strip()
        self.found: Found | None = None
        self._trails = trails
        self._allow = allow
        self.lines = list(self._explain())

    def _explain(self) -> Iterator[str]:
        address, port = split_port(self.value)
        if address:
            yield from self._address(address, port)
        elif "/" in self.value:
            yield from self._url(self.value)
        else:
            yield from self._name(self.value.lower().partition(":")[0].rstrip("."))

    def _address(self, address: str, port: int | None) -> Iterator[str]:
        yield f"{self.value}: an address" + (f" with port {port}" if port is not None else "")
        self.found = self._trails.address(address, port)
        if self.found is None:
            yield "  no trail: neither with its port, nor bare, nor a network around it"
            return
        yield from _describe(self.found)
        entry = self._allow.address(address)
        if entry:
            yield from self._allowed(entry.text, entry.origin, entry.reason)

    def _name(self, name: str) -> Iterator[str]:
        yield f"{self.value}: a name"
        self.found = self._trails.name(name)
        for suffix in parents(name):
            yield from self._weigh(name, suffix)
        if is_ignored(name):
            yield "  in DNS questions its last label is ignored (rule T-8.4)"
        if self.found is None:
            yield "  no trail: no name above, no pattern, no onion gateway"
            return
        yield from _describe(self.found)
        entry = self._allow.domain(name)
        if entry and self._allow.allows_name(name, self.found.row.key, 0):
            yield from self._allowed(entry.text, entry.origin, entry.reason)

    def _weigh(self, name: str, suffix: str) -> Iterator[str]:
        for side, label in ((self._trails.own, "own"), (self._trails.published, "published")):
            number = side.find(0, suffix.encode())
            if number < 0:
                yield f"  {suffix}: not in the {label} trails"
                continue
            row = side.row(number)
            exempt = is_exempt(name, suffix, row.info)
            why = "; kept quiet by the exceptions of rule T-5.6" if exempt else ""
            yield f"  {suffix}: in the {label} trails, {row.info} {row.reference}{why}"

    def _url(self, value: str) -> Iterator[str]:
        rest = value.partition("://")[2] or value
        host, slash, path = rest.partition("/")
        path = (slash + path).lower()
        yield f"{self.value}: a request for {path} of {host or 'any host'}"
        candidates = HttpReader(bytearray(TEXT_BYTES)).candidates(path.encode(), b"")
        texts = [candidate.decode("utf-8", "backslashreplace") for candidate in candidates]
        yield "  candidates, alone and behind the host: " + ", ".join(texts or ["none"])
        self.found = self._trails.url(host.lower(), path, texts)
        if self.found:
            yield from _describe(self.found)
        elif host:
            yield "  no trail of that URL or path; its host:"
            yield from self._name(host.partition(":")[0].lower())

    def _allowed(self, text: str, origin: str, reason: str) -> Iterator[str]:
        yield f"  not reported: allow-list entry {text} ({origin}): {reason or 'no reason given'}"
        self.found = None


def _describe(found: Found) -> Iterator[str]:
    row = found.row
    side = "own" if found.custom else "published"
    yield f"  matches {row.key} of the {side} trails: {row.info} {row.reference}"
    yield f"  told as trail {found.trail}"
    for source in row.sources:
        seen = f", first seen {source.first_seen}" if source.first_seen else ""
        last = f", last seen {source.last_seen}" if source.last_seen else ""
        yield f"  source: {source.name}{seen}{last}"


def split_port(value: str) -> tuple[str, int | None]:
    """Return address and port of `a.b.c.d`, `a.b.c.d:port`, v6 or `[v6]:port`; else ("", None)."""
    bare = value.strip("[]")
    try:
        return str(ipaddress.ip_address(bare)), None
    except ValueError:
        host, _, port = value.rpartition(":")
    if not (port.isdecimal() and int(port[:6]) <= MAX_PORT):
        return "", None
    try:
        return str(ipaddress.ip_address(host.strip("[]"))), int(port)
    except ValueError:
        return "", None
