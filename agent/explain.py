"""Explain a value: which trail of which list matches it and what was weighed, or why none does."""

import ipaddress
import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from agent.allow import AllowList, Entry
from agent.config import Suppression
from agent.match import CLAIMED, CLASSES, is_ignored
from agent.model import Source
from agent.names import ascii_name
from agent.scan import layout
from agent.scan.http import HttpReader
from agent.scan.lookup import TEXT_BYTES
from agent.shadows import as_hit
from agent.suppress import concerns
from agent.trails import keys
from agent.trails.find import IP_ADRESS, ONION, RULES, Found, Trails, is_exempt, parents
from agent.trails.set import TrailSet

MAX_PORT = 65535
MAX_PORTS = 10
"""Ports named in a note."""

Verdict = Literal["matches", "allowed", "spared", "quarantined", "left out", "inert", "not listed"]

LeftOut = Callable[[Collection[str]], Iterable[tuple[str, str]]]
"""Takes keys as users spell them; tells which lists name one, and why it is in no set."""


class Weighed(msgspec.Struct, frozen=True):
    """One key that was looked for: by which rule, in whose trails, and what came of it."""

    rule: str
    key: str
    trails: str
    result: str


class Allowance(msgspec.Struct, frozen=True, rename={"text": "entry"}):
    """The allow-list entry that keeps a value quiet."""

    text: str
    origin: str
    reason: str
    until: str


class Explanation(msgspec.Struct, kw_only=True):
    """What is known of one value. `verdict` is one word, `why` says it in a sentence.

    `rule` is of detection.md section 3. What describes a trail is empty where none was found.
    """

    value: str
    kind: str
    verdict: Verdict = "not listed"
    why: str = ""
    key: str = ""
    rule: str = ""
    class_id: str = msgspec.field(default="", name="class")
    trails: str = ""
    trail: str = ""
    info: str = ""
    reference: str = ""
    sources: tuple[Source, ...] = ()
    allowed_by: Allowance | None = None
    notes: list[str] = []
    weighed: list[Weighed] = []

    @property
    def is_told(self) -> bool:
        """Tell whether the value would be reported."""
        return self.verdict == "matches"


def _nothing_left_out(wanted: Collection[str]) -> Iterable[tuple[str, str]]:
    del wanted
    return ()


class Explainer:
    """Explains values by the trails and the allow-list in force.

    `left_out` is asked for what no set holds: what lists and own files say of it all the same.
    `suppress` are the entries in force.
    """

    def __init__(
        self,
        trails: Trails,
        allow: AllowList,
        left_out: LeftOut = _nothing_left_out,
        suppress: Sequence[Suppression] = (),
    ) -> None:
        self._suppress = suppress
        self._trails = trails
        self._allow = allow
        self._left_out = left_out
        self._http = HttpReader(bytearray(TEXT_BYTES))

    def explain(self, value: str) -> Explanation:
        """Return what is known of a value in any spelling that a list or an event may have."""
        text = value.strip().encode("utf-8", "backslashreplace").decode()
        address, port = split_port(text)
        if address:
            return self._address(text, address, port)
        special = _special(text)
        if special:
            return self._key(text, *special)
        if "/" in text:
            return self._url(text)
        return self._name(text)

    def _address(self, value: str, address: str, port: int | None) -> Explanation:
        told = Explanation(value=value, kind="address")
        packed = ipaddress.ip_address(address).packed
        bare, with_port = (
            (layout.IP4, layout.IP4_PORT) if len(packed) == 4 else (layout.IP6, layout.IP6_PORT)
        )
        if port is not None:
            told.kind = "address and port"
            self._weigh(told, "T-10", with_port, packed + port.to_bytes(2, "big"))
        self._weigh(told, "T-10", bare, packed)
        for side, whose in self._sides():
            ports = list(_ports(side, with_port, packed))
            if ports and port not in ports:
                told.notes.append(f"the {whose} trails list it with port {_named(ports)} only")
            number = side.find_network(packed)
            key = side.row(number).key if number >= 0 else "networks around it"
            result = _result(side, number)
            told.weighed.append(Weighed("T-4", key, whose, result))
        self._conclude(told, self._trails.address(address, port), address)
        return told

    def _name(self, value: str) -> Explanation:
        told = Explanation(value=value, kind="name")
        name = self._fold(told, value.partition(":")[0])
        self._weigh_name(told, name)
        self._conclude(told, self._trails.name(name), name)
        return told

    def _url(self, value: str) -> Explanation:
        """Explain a request: what its URL, its path or its host is listed as."""
        told = Explanation(value=value, kind="path" if value.startswith("/") else "URL")
        rest = value.partition("://")[2] or value
        host, slash, path = rest.partition("/")
        host = host.rpartition("@")[2].lower().removesuffix(":80").rstrip(".")
        name = self._fold(told, host.partition(":")[0]) if host else ""
        host = name + host[len(host.partition(":")[0]) :]
        path = re.sub("//+", "/", (slash + path).lower())
        found = self._candidates(told, host, path)
        if found is None and name:
            address, _ = split_port(name)
            if address:
                return self._address(value, address, None)
            self._weigh_name(told, name)
            found = self._trails.name(name)
        self._conclude(told, found, name)
        return told

    def _candidates(self, told: Explanation, host: str, path: str) -> Found | None:
        raw = path.encode("utf-8", "surrogateescape")
        texts = [
            candidate.decode("utf-8", "backslashreplace")
            for candidate in self._http.candidates(raw, b"")
        ]
        for text in texts:
            self._weigh(told, "T-13.9", layout.PATH, text.encode())
            if host:
                self._weigh(told, "T-13.9", layout.URL, (host + text).encode())
        if host:
            self._weigh(told, "T-13.10", layout.URL, f"{host}/".encode())
        return self._trails.url(host, path, texts)

    def _key(self, value: str, kind: int, raw: bytes) -> Explanation:
        """Explain what is spelled alike in lists and on the wire, or never on the wire at all."""
        told = Explanation(value=value, kind=layout.KIND_NAMES[kind])
        found: Found | None = None
        if kind == layout.USER_AGENT:
            found = self._trails.user_agent(raw.decode("utf-8", "surrogateescape"))
            self._weigh(told, "T-13.5", kind, raw)
            self._weigh_patterns(told, "T-13.5", layout.USER_AGENT_PATTERN, found)
        elif kind in (layout.CERTIFICATE, layout.JA3, layout.JA4):
            found = self._trails.digest(kind, raw.decode("ascii"))
            self._weigh(told, "T-16", kind, raw)
        else:
            rule = "T-4" if kind in layout.ADDRESS_BYTES else "T-7"
            rule = "T-13.5" if kind == layout.USER_AGENT_PATTERN else rule
            for side, whose in self._sides():
                number = next((n for n in side.rows(kind) if side.row(n).raw == raw), -1)
                told.weighed.append(Weighed(rule, value, whose, _result(side, number)))
                if number >= 0 and found is None:
                    row = side.row(number)
                    found = Found(row, whose == "own", row.key, rule)
        self._conclude(told, found, "")
        return told

    def _fold(self, told: Explanation, name: str) -> str:
        """Return a name as the wire spells it, and say so where that is another spelling."""
        try:
            folded = ascii_name(name)
        except ValueError as error:
            told.notes.append(f"no such name can be asked for: {error}")
            return name.lower()
        if not name.isascii():
            told.notes.append(f"on the wire: {folded}")
        return folded

    def _weigh_name(self, told: Explanation, name: str) -> None:
        if name.endswith(IP_ADRESS):
            subject = name.removesuffix(IP_ADRESS)
            self._weigh(told, "T-5.5", layout.DOMAIN, subject.encode())
        for suffix in parents(name):
            self._weigh(told, "T-5.6", layout.DOMAIN, suffix.encode(), name)
        self._weigh_patterns(told, "T-7", layout.PATTERN, self._trails.name(name))
        at = name.find(ONION)
        if at >= 0:
            service = name[: at + len(ONION) - 1]
            self._weigh(told, "T-5.9", layout.DOMAIN, service.encode())
        if is_ignored(name):
            told.notes.append(
                "in DNS questions and answers its last label is ignored (CONTRACT section 6, "
                "rule T-8.4); in HTTP, TLS and QUIC it is not"
            )

    def _weigh_patterns(self, told: Explanation, rule: str, kind: int, found: Found | None) -> None:
        for side, whose in self._sides():
            patterns = len(side.rows(kind))
            is_ours = found is not None and found.custom == (whose == "own")
            if found is not None and is_ours and found.row.kind == kind:
                told.weighed.append(Weighed(rule, found.row.key, whose, "in the trails"))
            elif patterns:
                told.weighed.append(Weighed(rule, f"{patterns} patterns", whose, "no match"))

    def _weigh(
        self, told: Explanation, rule: str, kind: int, raw: bytes, name: str | None = None
    ) -> None:
        for side, whose in self._sides():
            number = side.find(kind, raw)
            result = _result(side, number)
            if number >= 0 and name is not None:
                row, text = side.row(number), raw.decode()
                if row.flags & layout.BELOW_ONLY and text == name:
                    result += "; only for names below it"
                elif is_exempt(name, text, row.info):
                    result += "; kept quiet by the exceptions of rule T-5.6"
            told.weighed.append(Weighed(rule, keys.spell(kind, raw), whose, result))

    def _sides(self) -> tuple[tuple[TrailSet, str], tuple[TrailSet, str]]:
        return (self._trails.own, "own"), (self._trails.published, "published")

    def _conclude(self, told: Explanation, found: Found | None, about: str) -> None:
        if found is None:
            self._say_why_not(told)
            return
        _describe(told, found)
        claimed = found.row.kind in CLAIMED
        entry = self._allow.allows(about, found.row.key, 0, claimed=claimed)
        told.verdict, told.why = "matches", f"rule {found.rule}: {RULES[found.rule]}"
        if entry:
            told.verdict, told.allowed_by = "allowed", _allowance(entry)
            told.why = f"allow-list entry {entry.text} ({entry.origin}): {_reason(entry.reason)}"
        for other in self._allow.active():
            if other.tests and other.covers(about, found.row.key):
                told.notes.append(
                    f"allow-list entry {other.text} ({other.origin}) may keep it quiet: "
                    f"{_reason(other.reason)}"
                )

        for held in self._suppress:
            if concerns(held, as_hit(found.row)):
                told.notes.append(
                    f"suppress entry {held.name} may hold it back: {_reason(held.reason)}"
                )

    def _say_why_not(self, told: Explanation) -> None:
        """Find the reason why a value is not reported, the most telling first."""
        wanted = {weighed.key.lower() for weighed in told.weighed} | {told.value.lower()}
        spared = [weighed for weighed in told.weighed if ";" in weighed.result]
        quarantined = list(_quarantined(self._trails.published, wanted))
        left_out = [] if spared or quarantined else list(self._left_out(wanted))
        inert = _inert((self._trails.own, self._trails.published), told.value)
        if spared:
            told.verdict = "spared"
            told.why = f"{spared[0].key}: {spared[0].result}"
        elif quarantined:
            told.verdict = "quarantined"
            told.why = "; ".join(quarantined)
        elif left_out:
            told.verdict = "left out"
            told.why = "; ".join(f"{name}: {reason}" for name, reason in left_out)
        elif inert:
            told.verdict = "inert"
            told.why = f"a row that can never match: {inert}"
        else:
            told.why = "no list names it, nor what was weighed"


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


def _ports(side: TrailSet, kind: int, packed: bytes) -> Iterator[int]:
    """Yield the ports with which an address is listed."""
    rows = side.rows(kind)
    at = bisect_left(rows, packed, key=lambda number: side.row(number).raw)
    for number in rows[at:]:
        raw = side.row(number).raw
        if not raw.startswith(packed):
            return
        yield int.from_bytes(raw[-2:], "big")


def _named(ports: Sequence[int]) -> str:
    more = ", ..." if len(ports) > MAX_PORTS else ""
    return ", ".join(map(str, ports[:MAX_PORTS])) + more


def _special(value: str) -> tuple[int, bytes] | None:
    """Return kind and bytes of a value that is the same in lists and on the wire."""
    try:
        key = keys.parse(value)
    except keys.Inert:
        return None
    if key.kind in (layout.DOMAIN, layout.URL, layout.PATH):
        return None
    return key.kind, key.key


def _result(side: TrailSet, number: int) -> str:
    if number < 0:
        return "not listed"
    row = side.row(number)
    return f"in the trails, {row.info} {row.reference}"


def _describe(told: Explanation, found: Found) -> None:
    row = found.row
    told.key, told.rule, told.class_id = row.key, found.rule, CLASSES[row.kind]
    told.trails = "own" if found.custom else "published"
    told.trail, told.info, told.reference = found.trail, row.info, row.reference
    told.sources = row.sources


def _allowance(entry: Entry) -> Allowance:
    return Allowance(entry.text, entry.origin, entry.reason, str(entry.until or ""))


def _reason(text: str) -> str:
    return text or "no reason given"


def _quarantined(published: TrailSet, wanted: Collection[str]) -> Iterator[str]:
    for line in published.lines(layout.SECTION_QUARANTINED):
        key, _, reason = line.partition("\t")
        if key.lower() in wanted:
            yield f"{key}: {reason.replace(chr(9), ', list ')}"


def _inert(sides: Iterable[TrailSet], value: str) -> str:
    """Return why a value is a row that can never match, nothing where it is none."""
    for side in sides:
        for reason, refused in side.info.inert.items():
            if value in refused.samples:
                return reason
    return ""
