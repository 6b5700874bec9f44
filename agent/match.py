"""Sighting x trails x allow-list -> hits: the rules of detection.md section 3.

The scanner says what may be listed; here it is decided what is, how it is worded, and whether the
site wants to hear of it. What an allow-list entry keeps quiet is counted by the entry.
"""

import hashlib
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple
from urllib.parse import unquote

from msgspec.structs import replace

from agent import google_quic, hello, model
from agent.allow import AllowList, Entry
from agent.budget import Budget
from agent.conversations import Conversations, Ends
from agent.direction import Home
from agent.dns_details import addresses, details, updated
from agent.hello import Hello
from agent.model import (
    DESTINATION,
    SOURCE,
    Direction,
    Dns,
    Endpoint,
    Hit,
    Http,
    Outcome,
    Sighting,
    Tls,
)
from agent.protocols import label
from agent.quic import QuicHellos
from agent.scan import layout
from agent.scan.http import HttpReader
from agent.scan.lookup import TEXT_BYTES
from agent.scopes import Judged
from agent.severity import SeverityTable
from agent.trails.find import Found, Trails, Unjudged

UDP = 17
DNS_NAME_AT = 12  # behind the header
MESSAGES = ("question", "answer")
IGNORED_LABELS = frozenset(
    [
        "alienvault",
        "arpa",
        "corp",
        "example",
        "guest",
        "home",
        "internal",
        "intra",
        "intran",
        "intranet",
        "lan",
        "local",
        "localdomain",
        "localnet",
        "test",
        "url",
        "workgroup",
    ]
)
"""Last labels of questions that never leave a site, rule T-8.4."""
MAX_HARMLESS = 4_096
"""Candidates found harmless that wait to be told to the scanners; beyond, they are shown again."""
MAX_FORWARDED = 8
AGENT_CHARACTERS = 16_384
"""Characters of new User-Agents that patterns are tried on in a second: some 150 of a usual length,
at worst (1,500 patterns, agents made to be slow) a quarter of a second. What finds no room is
shown and tried again with its next request."""

SWAPPED = (0, DESTINATION, SOURCE, SOURCE | DESTINATION)
"""`Sighting.ends` where source and destination change places."""
MAX_WORDED = 4_096
"""Hits on addresses that are remembered, to be told of other packets."""

CLASSES = (
    model.TRAIL_DOMAIN,
    model.TRAIL_IP,
    model.TRAIL_IP_PORT,
    model.TRAIL_IP,
    model.TRAIL_IP_PORT,
    model.TRAIL_NETWORK,
    model.TRAIL_NETWORK,
    model.TRAIL_URL,
    model.TRAIL_PATH,
    model.TRAIL_USER_AGENT,
    model.TRAIL_CERTIFICATE,
    model.TRAIL_JA3,
    model.TRAIL_JA4,
    model.TRAIL_DOMAIN,
    model.TRAIL_USER_AGENT,
)
"""Class by kind of agent.scan.layout."""
CLAIMED = frozenset(
    {layout.PATH, layout.USER_AGENT, layout.USER_AGENT_PATTERN, layout.JA3, layout.JA4}
)
"""Kinds that name no host; which one it is the client alone tells (D-42)."""
TYPES = {
    model.TRAIL_DOMAIN: "DNS",
    model.TRAIL_IP: "IP",
    model.TRAIL_IP_PORT: "IPORT",
    model.TRAIL_NETWORK: "IP",
    model.TRAIL_URL: "URL",
    model.TRAIL_PATH: "URL",
    model.TRAIL_USER_AGENT: "UA",
    model.TRAIL_CERTIFICATE: "CERT",
    model.TRAIL_JA3: "JA3",
    model.TRAIL_JA4: "JA4",
}

_About = tuple[str, Endpoint, int, Outcome, int | None, bool, bool]
"""What a hit on an address depends on, beside the trails, the allow-list and the packet.

Where it stands, protocol, outcome, the listener's port; whether opener and listener are ours.
"""

Verdict = Literal["told", "allowed", "ignored", "not listed", "suppressed", "over budget"]


class Look(NamedTuple):
    """What became of one value, seen so often; `key` is the trail's, `entry` the allow-list's."""

    where: str
    observed: str
    seen: int
    verdict: Verdict
    key: str = ""
    entry: Entry | None = None


def _place(hit: Hit) -> str:
    """Return where a value was seen, or which behaviour concluded it."""
    return hit.class_id if hit.class_id.startswith(model.BEHAVIOUR_PREFIX) else hit.where


Rule = Callable[[Sighting], list[Hit]]


def _listing(rule: Callable[[Sighting], Iterable[Hit]]) -> Rule:
    return lambda sighting: list(rule(sighting))


SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
FORWARDED = re.compile(rb"\r?\n(?:x-forwarded-for|x-real-ip|forwarded):([^\r\n]*)", re.IGNORECASE)
FORWARDED_ADDRESS = re.compile(r"(?:^|[\s,;=\"\[])([0-9a-fA-F:.]{3,45})")


class Request:
    """The parts of a request that trails are about, from the slices that the scanner found."""

    def __init__(self, sighting: Sighting) -> None:
        fields = {
            name: value.decode("utf-8", "backslashreplace")
            for name, value in sighting.fields.items()
        }
        self.method = fields.get("method", "")
        self.target = fields.get("target", "")
        self.agent = fields.get("agent", "")
        self.body = sighting.fields.get("body", b"")
        self.forwarded = forwarded(sighting.packet)
        host = fields.get("host", "")
        path = self.target
        scheme = SCHEME.match(path)
        self.is_proxied = bool(scheme) or (self.method == "CONNECT" and not path.startswith("/"))
        if self.is_proxied:
            rest = path[scheme.end() :] if scheme else path
            authority, slash, tail = rest.partition("/")
            host, path = authority, slash + tail
        host = host.rpartition("@")[2].lower().removesuffix(":80")
        self.name = _without_port(host).rstrip(".")
        self.host = host if host != self.name + "." else self.name
        self.host = self.host or sighting.destination.address
        self.path = re.sub("//+", "/", path.lower())

    def spellings(self) -> list[str]:
        """Return the path as it was sent, decoded, and up to a blank, each once."""
        decoded = re.sub("//+", "/", unquote(self.path, errors="backslashreplace").lower())
        cut = decoded.partition(" ")[0] if " " in self.path else self.path
        return list(dict.fromkeys((self.path, decoded, cut)))

    @property
    def url(self) -> str:
        """Return host and path as they were matched."""
        return self.host + self.path


class Urls:
    """Finds what explains a request's URL, by the scanner's own parser."""

    def __init__(self) -> None:
        self._http = HttpReader(bytearray(TEXT_BYTES))

    def find(self, trails: Trails, request: Request) -> Found | None:
        """Return the trail of the first candidate that has one: rules T-13.8 to T-13.10."""
        for path in request.spellings():
            parts = self._http.candidates(path.encode("utf-8", "surrogateescape"), request.body)
            candidates = [part.decode("utf-8", "backslashreplace") for part in parts]
            found = trails.url(request.host, path, candidates)
            if found:
                return found
        return None


class Matcher:
    """Applies the rules to sightings of one thread; `trails` may be replaced between them.

    `watch`, where there is one, is told of every value that was looked up, for explanations.
    """

    def __init__(
        self, trails: Trails, allow: AllowList, home: Home, severity: SeverityTable
    ) -> None:
        self.trails = trails
        self.allow = allow
        self.watch: Callable[[Look], None] | None = None
        self._home = home
        self._severity = severity
        self._urls = Urls()
        self.quic = QuicHellos()
        self.agents = Budget(AGENT_CHARACTERS)
        self.harmless: list[int] = []
        self._conversations = Conversations()
        self._worded: dict[_About, Hit] = {}
        self._worded_by: tuple[object, object] = (None, None)
        self.rules: Mapping[str, Rule] = {
            "syn": self._packet,
            "accept": self._reply,
            "refuse": self._reply,
            "datagram": self._datagram,
            "other": self._datagram,
            "question": _listing(self._question),
            "answer": _listing(self._answer),
            "http": _listing(self._request),
            "tls": _listing(self._hello),
            "quic": _listing(self._initial),
            "fingerprint": _listing(self._fingerprinted),
            "certificate": _listing(self._certificate),
        }
        """What the trails say of a sighting, by what it is; behaviours look at others, too.

        Whoever asks many at once, rather than `match`, calls `refresh` before.
        """

    def match(self, sighting: Sighting) -> list[Hit]:
        """Return what the trails say of a sighting, most direct first."""
        self.refresh()
        rule = self.rules.get(sighting.what)
        return rule(sighting) if rule else []

    def refresh(self) -> None:
        """Forget what was worded by other trails or another allow-list; before rules are asked."""
        worded_by = (self.trails.edition, self.allow.edition)
        if worded_by != self._worded_by:
            self._worded.clear()
            self._worded_by = worded_by

    def note_suppressed(self, hit: Hit) -> None:
        """Tell the watch that a hit is held back after all."""
        self._look(_place(hit), hit.observed, 0, "suppressed", hit.indicator)

    def note_behaviour(self, hit: Hit) -> None:
        """Tell the watch what a behaviour concluded."""
        self._look(_place(hit), hit.observed, hit.count, "told", hit.indicator)

    def _look(
        self,
        where: str,
        observed: str,
        seen: int,
        verdict: Verdict,
        key: str = "",
        entry: Entry | None = None,
    ) -> None:
        """Tell the watch, where there is one, what became of a value."""
        if self.watch:
            self.watch(Look(where, observed, seen, verdict, key, entry))

    def take_harmless(self) -> list[int]:
        """Return tokens of candidates of which nothing is listed, for scanners to learn."""
        harmless, self.harmless = self.harmless, []
        return harmless

    def _packet(self, sighting: Sighting) -> list[Hit]:
        """Rules T-10a, T-11 and T-12; both sides are told, each for itself."""
        return self._sides(sighting, (sighting.source, sighting.destination, "unknown"))

    def _reply(self, sighting: Sighting) -> list[Hit]:
        """What came of an attempt: no observation of its own, but the attempt's outcome."""
        attempt = replace(
            sighting,
            source=sighting.destination,
            destination=sighting.source,
            ends=SWAPPED[sighting.ends],
            count=0,
        )
        outcome: Outcome = "answered" if sighting.what == "accept" else "refused"
        return self._sides(attempt, (attempt.source, attempt.destination, outcome))

    def _datagram(self, sighting: Sighting) -> list[Hit]:
        """Rules T-11 and T-12, for the conversation that the datagram belongs to."""
        return self._sides(sighting, self._conversations.datagram(sighting))

    def _sides(self, sighting: Sighting, ends: Ends) -> list[Hit]:
        """Judge the ends that the scanner found listed; the watch wants to know of both."""
        hits: list[Hit] = []
        listed = SOURCE | DESTINATION if self.watch else sighting.ends
        if listed & DESTINATION:
            hit = self._side(sighting, "ip.dst", sighting.destination, ends)
            if hit:
                hits.append(hit)
        if listed & SOURCE:
            hit = self._side(sighting, "ip.src", sighting.source, ends)
            if hit:
                if hits and hit.indicator == hits[0].indicator:
                    # Both ends inside one listed network are one observation of it.
                    hit = replace(hit, count=0)
                hits.append(hit)
        return hits

    def _side(self, sighting: Sighting, where: str, endpoint: Endpoint, ends: Ends) -> Hit | None:
        """Return the hit on one end of a packet; what depends on no packet is remembered."""
        opener, listener, outcome = ends
        is_home = self._home.is_home
        about = (
            where,
            endpoint,
            sighting.protocol,
            outcome,
            listener.port,
            is_home(opener.address),
            is_home(listener.address),
        )
        known = self._worded.get(about)
        if known is None:
            return self._word(sighting, about, ends)
        hit = replace(
            known,
            source=sighting.source,
            destination=sighting.destination,
            first_us=sighting.first_us,
            last_us=sighting.last_us,
            count=sighting.count,
            interface=sighting.interface,
            vlans=sighting.vlans,
            tunnel=sighting.tunnel,
        )
        if not self.allow.has_scopes and not self.watch:
            return hit
        return hit if self._is_told(hit, endpoint.address, ends) else None

    def _word(self, sighting: Sighting, about: _About, ends: Ends) -> Hit | None:
        """Return the hit on one end of a packet, and remember it."""
        where, (address, port), *_ = about
        found = self.trails.address(address, port)
        hits = self._judge(sighting, found, where, address, about=address, ends=ends)
        if not hits:
            return None
        if len(self._worded) >= MAX_WORDED:
            self._worded.clear()
        self._worded[about] = hits[0]
        return hits[0]

    def _question(self, sighting: Sighting) -> Iterator[Hit]:
        """Rules T-8.6: the resolver's addresses, then the name."""
        name = wire_name(sighting.packet)
        if self._ignores(sighting, name, "dns.question"):
            return
        server = sighting.destination.address
        resolver = self.trails.address(*sighting.destination)
        if resolver:
            shown = resolver._replace(trail=f"{server} ({name})")
            yield from self._judge(sighting, shown, "ip.dst", name, about=server)
        else:
            client = sighting.source.address
            found = self.trails.address(*sighting.source)
            yield from self._judge(sighting, found, "ip.src", client, about=client)
        yield from self._named(sighting, name, "dns.question", is_candidate=True)
        for one in updated(sighting.packet, name):
            yield from self._named(sighting, one, "dns.question")

    def _answer(self, sighting: Sighting) -> Iterator[Hit]:
        """An answer for a listed name, the same incident as its question; what it leads to."""
        name = wire_name(sighting.packet)
        if self._ignores(sighting, name, "dns.answer"):
            return
        ends: Ends = (sighting.destination, sighting.source, "answered")
        yield from self._named(sighting, name, "dns.answer", ends=ends, is_candidate=True)
        if not self.watch and answers_addresses(sighting.packet, self.trails):
            return
        told = {name}
        for answer in details(sighting.packet, name).answers:
            value = answer.rstrip(".").lower()
            if value in told:
                continue
            told.add(value)
            if is_address(value):
                found = self.trails.address(value, None)
                shown = found._replace(trail=f"{found.trail} ({name})") if found else None
                yield from self._judge(sighting, shown, "dns.answer", value, about=value, ends=ends)
            else:
                yield from self._named(sighting, value, "dns.cname", ends=ends)

    def _hello(self, sighting: Sighting) -> Iterator[Hit]:
        """Rule T-14."""
        name = sighting.fields.get("name", b"").decode("ascii", "backslashreplace").lower()
        parsed = hello.parse(hello.join_records(sighting.packet))
        transport = "d" if sighting.protocol == UDP else "t"
        tls = tls_details(parsed, transport) if parsed else Tls(server_name=name)
        name, ends = name.rstrip("."), _established(sighting)
        yield from self._literal(sighting, name, "tls.sni", tls=tls, ends=ends)
        yield from self._named(sighting, name, "tls.sni", tls=tls, ends=ends, is_candidate=True)

    def _initial(self, sighting: Sighting) -> Iterator[Hit]:
        """Rule T-15: what QUIC clients say before anything is secret."""
        if google_quic.is_google(sighting.packet):
            yield from self._google(sighting)
            return
        for part in self.quic.take(
            sighting.source, sighting.destination, sighting.packet, sighting.first_us
        ):
            parsed = hello.parse(part.hello)
            if parsed is None:
                continue
            is_encrypted = part.is_whole and parsed.is_encrypted
            self.quic.note(parsed.server_name, is_new=part.is_name_new, is_encrypted=is_encrypted)
            tls = tls_details(parsed, "q")
            if parsed.server_name and part.is_name_new:
                yield from self._named(sighting, parsed.server_name, "quic.sni", tls=tls)
            if part.is_whole and tls.ja4:
                yield from self._fingerprints(sighting, tls, (("quic.ja4", tls.ja4),))

    def _google(self, sighting: Sighting) -> Iterator[Hit]:
        """The name and the agent that a client of Google's own QUIC tells."""
        said = google_quic.read(sighting.packet)
        self.quic.note(said.server_name, is_new=True, is_encrypted=False)
        tls = Tls(server_name=said.server_name)
        yield from self._named(sighting, said.server_name, "quic.sni", tls=tls)
        if said.user_agent:
            http = Http(method="", url="", host=said.server_name, user_agent=said.user_agent)
            yield from self._agent(sighting, http, said.server_name, _established(sighting))

    def _fingerprinted(self, sighting: Sighting) -> Iterator[Hit]:
        """A client's fingerprints that were not judged yet, or are listed."""
        parsed = hello.parse(hello.join_records(sighting.packet))
        hits = []
        if parsed and parsed.is_whole:
            tls = tls_details(parsed, "t")
            told = (("tls.ja3", tls.ja3), ("tls.ja4", tls.ja4))
            hits = list(self._fingerprints(sighting, tls, told))
        if not hits:
            self._forget(sighting.token)
        yield from hits

    def _fingerprints(
        self, sighting: Sighting, tls: Tls, told: Iterable[tuple[str, str]]
    ) -> Iterator[Hit]:
        for where, value in told:
            found = self.trails.digest(layout.JA3 if where == "tls.ja3" else layout.JA4, value)
            yield from self._judge(
                sighting,
                found,
                where,
                value,
                about=tls.server_name,
                tls=tls,
                ends=_established(sighting),
            )

    def _certificate(self, sighting: Sighting) -> Iterator[Hit]:
        """Rule T-16: a certificate that a server showed."""
        sha1 = hashlib.sha1(sighting.packet, usedforsecurity=False).hexdigest()
        sha256 = hashlib.sha256(sighting.packet).hexdigest()
        tls = Tls(certificate_sha1=sha1, certificate_sha256=sha256)
        for value in (sha256, sha1):
            found = self.trails.digest(layout.CERTIFICATE, value)
            ends: Ends = (sighting.destination, sighting.source, "answered")
            server = sighting.source.address
            yield from self._judge(
                sighting, found, "tls.certificate", value, about=server, tls=tls, ends=ends
            )
            if found:
                return
        self._forget(sighting.token)

    def _forget(self, token: int) -> None:
        if len(self.harmless) < MAX_HARMLESS:
            self.harmless.append(token)

    def _request(self, sighting: Sighting) -> Iterator[Hit]:
        """Rule T-13: the destination, the host, the URL, the agent."""
        request = Request(sighting)
        http = Http(
            method=request.method,
            url=f"http://{request.host}{request.path}",
            host=request.host,
            user_agent=request.agent,
            forwarded=request.forwarded,
        )
        ends = _established(sighting)
        destination = sighting.destination.address
        found = self.trails.address(destination, None)
        if found and request.name[:1].isalpha():
            shown = found._replace(trail=f"{destination} ({request.name})")
            yield from self._judge(
                sighting, shown, "ip.dst", destination, about=destination, http=http, ends=ends
            )
        where = "proxy.target" if request.is_proxied else "http.host"
        yield from self._literal(sighting, request.name, where, http=http, ends=ends)
        yield from self._named(sighting, request.name, where, http=http, ends=ends)
        yield from self._url(sighting, request, http)
        if request.agent:
            yield from self._agent(sighting, http, request.name, ends)

    def _agent(self, sighting: Sighting, http: Http, name: str, ends: Ends) -> Iterator[Hit]:
        """Rule T-13.5; what patterns cost is bounded by the second."""
        now_us, agent = sighting.first_us, http.user_agent
        try:
            found = self.trails.user_agent(agent, lambda size: self.agents.take(size, now_us))
        except Unjudged:
            self._look("http.user_agent", agent, sighting.count, "over budget")
            return
        if found is None and sighting.token:
            self._forget(sighting.token)
        yield from self._judge(
            sighting,
            found,
            "http.user_agent",
            agent,
            about=name,
            http=http,
            ends=ends,
        )

    def _url(self, sighting: Sighting, request: Request, http: Http) -> Iterator[Hit]:
        found = self._urls.find(self.trails, request)
        where = "http.path" if found and found.row.kind == layout.PATH else "http.url"
        if found and "?" in found.row.key and "?" not in request.path:
            # Rule T-13.9: what made the difference stands in the body.
            where = "http.body"
            body = "".join(request.body.decode("utf-8", "backslashreplace").split())
            told = rf"{request.host}({request.path} \({request.method} {body}\))"
            found = found._replace(trail=told)
        yield from self._judge(
            sighting,
            found,
            where,
            request.url,
            about=request.name,
            http=http,
            ends=_established(sighting),
        )

    def _literal(
        self,
        sighting: Sighting,
        host: str,
        where: str,
        *,
        http: Http | None = None,
        tls: Tls | None = None,
        ends: Ends,
    ) -> Iterator[Hit]:
        """A host written as an address that the packet itself does not go to, as proxies get it."""
        if host != sighting.destination.address and is_address(host):
            found = self.trails.address(host, None)
            yield from self._judge(
                sighting, found, where, host, about=host, http=http, tls=tls, ends=ends
            )

    def _named(
        self,
        sighting: Sighting,
        name: str,
        where: str,
        *,
        http: Http | None = None,
        tls: Tls | None = None,
        ends: Ends | None = None,
        is_candidate: bool = False,
    ) -> Iterator[Hit]:
        """Rule T-5 on one name; a candidate, that nothing lists after all, is shown no more."""
        found = self.trails.name(name)
        if found is None and is_candidate and sighting.token and not self.watch:
            self._forget(sighting.token)
        yield from self._judge(
            sighting, found, where, name, about=name, http=http, tls=tls, ends=ends
        )

    def _ignores(self, sighting: Sighting, name: str, where: str) -> bool:
        """Rule T-8.4."""
        ignored = is_ignored(name)
        if ignored:
            self._look(where, name, sighting.count, "ignored")
        return ignored

    def _judge(
        self,
        sighting: Sighting,
        found: Found | None,
        where: str,
        observed: str,
        *,
        about: str,
        http: Http | None = None,
        tls: Tls | None = None,
        ends: Ends | None = None,
    ) -> Sequence[Hit]:
        """Return the hit of what was found, unless the site wants to hear nothing of it.

        `about` is the name or address for which the allow-list is asked.
        """
        if found is None:
            self._look(where, observed, sighting.count, "not listed")
            return ()
        key = found.row.key
        claimed = found.row.kind in CLAIMED
        entry = self.allow.allows(about, key, sighting.count, claimed=claimed)
        if entry:
            self._look(where, observed, sighting.count, "allowed", key, entry)
            return ()
        ends = ends or (sighting.source, sighting.destination, "unknown")
        hit = self._hit(sighting, found, where, observed, http=http, tls=tls, ends=ends)
        return (hit,) if self._is_told(hit, about, ends) else ()

    def _is_told(self, hit: Hit, about: str, ends: Ends) -> bool:
        """Tell whether no entry of the allow-list with more keys keeps a hit quiet."""
        if not self.allow.has_scopes and not self.watch:
            return True
        entry = self.allow.allows_hit(Judged(hit, ends[0], ends[1]), about)
        verdict: Verdict = "allowed" if entry else "told"
        self._look(hit.where, hit.observed, hit.count, verdict, hit.indicator, entry)
        return entry is None

    def _hit(
        self,
        sighting: Sighting,
        found: Found,
        where: str,
        observed: str,
        *,
        http: Http | None,
        tls: Tls | None,
        ends: Ends,
    ) -> Hit:
        """Word a hit: direction and outcome are those of the conversation, not of the packet."""
        row = found.row
        class_id = CLASSES[row.kind]
        opener, listener, outcome = ends
        direction: Direction = self._home.direction(opener.address, listener.address)
        kind = "HTTP" if where == "http.body" else TYPES.get(class_id, "DNS")
        return Hit(
            class_id=class_id,
            type=kind,
            trail=found.trail,
            indicator=row.key,
            observed=observed,
            where=where,
            info=row.info,
            reference=row.reference,
            source=sighting.source,
            destination=sighting.destination,
            protocol=label(sighting.protocol),
            first_us=sighting.first_us,
            last_us=sighting.last_us,
            count=sighting.count,
            direction=direction,
            outcome=outcome,
            severity_id=self._severity.judge(
                class_id, row.info, found.custom, direction, outcome, listener.port
            ),
            sources=row.sources,
            custom=found.custom,
            interface=sighting.interface,
            vlans=sighting.vlans,
            tunnel=sighting.tunnel,
            dns=_dns(sighting),
            http=http,
            tls=tls,
        )


def _dns(sighting: Sighting) -> Dns | None:
    """Return what a DNS message says; only what is told is read by dnslib, which is slow."""
    if sighting.what not in MESSAGES:
        return None
    return details(sighting.packet, wire_name(sighting.packet))


def answers_addresses(message: bytes, trails: Trails) -> bool:
    """Tell whether a message answers with addresses alone, none of them listed: as most do.

    Nothing more has to be known of it then, and dnslib, which is slow, need not read it.
    """
    found = addresses(message)
    return found is not None and not any(trails.address(one, None) for one in found)


def forwarded(request: bytes) -> tuple[str, ...]:
    """Return the addresses that proxies say a request came from (RFC 7239 and its elders)."""
    head = request.partition(b"\r\n\r\n")[0]
    found: list[str] = []
    for line in FORWARDED.findall(head):
        for text in FORWARDED_ADDRESS.findall(line.decode("ascii", "replace")):
            address = text.partition(":")[0] if text.count(":") == 1 else text
            if is_address(address) and address not in found and len(found) < MAX_FORWARDED:
                found.append(address)
    return tuple(found)


def is_address(text: str) -> bool:
    """Tell whether a text is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def tls_details(parsed: Hello, transport: str) -> Tls:
    """Describe a hello; fingerprints only of one that is whole, JA3 only over TCP."""
    return Tls(
        server_name=parsed.server_name,
        version=parsed.version_name,
        ja3=parsed.ja3() if parsed.is_whole and transport == "t" else "",
        ja4=parsed.ja4(transport) if parsed.is_whole else "",
        encrypted_hello=parsed.is_encrypted,
    )


def _established(sighting: Sighting) -> Ends:
    """A client that speaks over TCP was answered: it has a connection."""
    return (sighting.source, sighting.destination, "answered")


def wire_name(packet: bytes) -> str:
    """Return the name of a question that the scanner has read: plain labels, no pointers."""
    labels = []
    at = DNS_NAME_AT
    while at < len(packet) and packet[at]:
        labels.append(packet[at + 1 : at + 1 + packet[at]].decode("ascii", "backslashreplace"))
        at += 1 + packet[at]
    return ".".join(labels).lower()


def is_ignored(name: str) -> bool:
    """Tell whether a question's name is one that never leaves a site, rule T-8.4."""
    return name.rpartition(".")[2] in IGNORED_LABELS or ".intranet." in name


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0].removeprefix("[")
    return host.partition(":")[0]
