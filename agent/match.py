"""Sighting x trails x allow-list -> hits: the rules of detection.md section 3.

The scanner says what may be listed; here it is decided what is, how it is worded, and whether the
site wants to hear of it. What an allow-list entry keeps quiet is counted by the entry.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator

from agent import model
from agent.allow import AllowList
from agent.direction import Home
from agent.dns_details import details
from agent.model import Direction, Dns, Hit, Http, Outcome, Sighting, Tls
from agent.protocols import label
from agent.scan import layout
from agent.scan.http import HttpReader
from agent.scan.lookup import TEXT_BYTES
from agent.severity import SeverityTable
from agent.trails.find import Found, Trails

DNS_NAME_AT = 20  # behind the UDP and the DNS header
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
TLS_VERSIONS = {b"\x03\x01": "1.0", b"\x03\x02": "1.1", b"\x03\x03": "1.2"}

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
TYPES = {
    model.TRAIL_DOMAIN: "DNS",
    model.TRAIL_IP: "IP",
    model.TRAIL_IP_PORT: "IPORT",
    model.TRAIL_NETWORK: "IP",
    model.TRAIL_URL: "URL",
    model.TRAIL_PATH: "URL",
    model.TRAIL_USER_AGENT: "UA",
    model.TRAIL_CERTIFICATE: "CERT",
}

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


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

    @property
    def url(self) -> str:
        """Return host and path as they were matched."""
        return self.host + self.path


class Matcher:
    """Applies the rules to sightings of one thread; `trails` may be replaced between them."""

    def __init__(
        self, trails: Trails, allow: AllowList, home: Home, severity: SeverityTable
    ) -> None:
        self.trails = trails
        self.allow = allow
        self._home = home
        self._severity = severity
        self._http = HttpReader(bytearray(TEXT_BYTES))
        self._rules: dict[str, Callable[[Sighting], Iterator[Hit]]] = {
            "syn": self._packet,
            "datagram": self._packet,
            "other": self._packet,
            "question": self._question,
            "answer": self._answer,
            "http": self._request,
            "tls": self._hello,
        }

    def match(self, sighting: Sighting) -> list[Hit]:
        """Return what the trails say of a sighting, most direct first."""
        return list(self._rules[sighting.what](sighting))

    def _packet(self, sighting: Sighting) -> Iterator[Hit]:
        """Rules T-10a, T-11 and T-12; both sides are told, each for itself."""
        for where in ("ip.dst", "ip.src"):
            endpoint = sighting.destination if where == "ip.dst" else sighting.source
            found = self.trails.address(*endpoint)
            if found and not self._is_allowed_address(endpoint.address, sighting.count):
                yield self._hit(sighting, found, where, endpoint.address)

    def _question(self, sighting: Sighting) -> Iterator[Hit]:
        """Rules T-8.6: the resolver's addresses, then the name."""
        name = wire_name(sighting.packet)
        if is_ignored(name):
            return
        dns = details(sighting.packet[8:], name)
        resolver = self.trails.address(*sighting.destination)
        if resolver and not self._is_allowed_address(sighting.destination.address, sighting.count):
            told = f"{sighting.destination.address} ({name})"
            yield self._hit(sighting, resolver._replace(trail=told), "ip.dst", name, dns=dns)
        client = self.trails.address(*sighting.source)
        told_already = client is None or resolver is not None
        if (
            client
            and not told_already
            and not self._is_allowed_address(sighting.source.address, sighting.count)
        ):
            yield self._hit(sighting, client, "ip.src", sighting.source.address, dns=dns)
        yield from self._named(sighting, name, "dns.question", dns=dns)

    def _answer(self, sighting: Sighting) -> Iterator[Hit]:
        """An answer for a listed name: the same incident as its question, now known answered."""
        name = wire_name(sighting.packet)
        if not is_ignored(name):
            dns = details(sighting.packet[8:], name)
            yield from self._named(sighting, name, "dns.answer", dns=dns)

    def _hello(self, sighting: Sighting) -> Iterator[Hit]:
        """Rule T-14."""
        name = sighting.fields.get("name", b"").decode("ascii", "backslashreplace").lower()
        version = TLS_VERSIONS.get(sighting.fields.get("version", b""), "")
        tls = Tls(server_name=name, version=version)
        yield from self._named(sighting, name, "tls.sni", tls=tls)

    def _request(self, sighting: Sighting) -> Iterator[Hit]:
        """Rule T-13: the destination, the host, the URL, the agent."""
        request = Request(sighting)
        http = Http(
            method=request.method,
            url=f"http://{request.host}{request.path}",
            host=request.host,
            user_agent=request.agent,
        )
        destination = sighting.destination.address
        found = self.trails.address(destination, None)
        if (
            found
            and request.name[:1].isalpha()
            and not self._is_allowed_address(destination, sighting.count)
        ):
            told = f"{destination} ({request.name})"
            yield self._hit(sighting, found._replace(trail=told), "ip.dst", destination, http=http)
        where = "proxy.target" if request.is_proxied else "http.host"
        yield from self._named(sighting, request.name, where, http=http)
        yield from self._url(sighting, request, http)
        found = self.trails.user_agent(request.agent) if request.agent else None
        if found and not self._is_allowed_host(request.name, found, sighting.count):
            yield self._hit(sighting, found, "http.user_agent", request.agent, http=http)

    def _url(self, sighting: Sighting, request: Request, http: Http) -> Iterator[Hit]:
        path = request.path.encode("utf-8", "surrogateescape")
        candidates = [
            part.decode("utf-8", "backslashreplace") for part in self._http.candidates(path)
        ]
        found = self.trails.url(request.host, request.path, candidates)
        if found and not self._is_allowed_host(request.name, found, sighting.count):
            where = "http.path" if found.row.kind == layout.PATH else "http.url"
            yield self._hit(sighting, found, where, request.url, http=http)

    def _named(
        self,
        sighting: Sighting,
        name: str,
        where: str,
        *,
        dns: Dns | None = None,
        http: Http | None = None,
        tls: Tls | None = None,
    ) -> Iterator[Hit]:
        """Rule T-5 on one name."""
        found = self.trails.name(name)
        if found and not self.allow.allows_name(name, found.row.key, sighting.count):
            yield self._hit(sighting, found, where, name, dns=dns, http=http, tls=tls)

    def _is_allowed_address(self, address: str, count: int) -> bool:
        return self.allow.allows_address(address, count) is not None

    def _is_allowed_host(self, name: str, found: Found, count: int) -> bool:
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return self.allow.allows_name(name, found.row.key, count) is not None
        return self._is_allowed_address(name, count)

    def _hit(
        self,
        sighting: Sighting,
        found: Found,
        where: str,
        observed: str,
        *,
        dns: Dns | None = None,
        http: Http | None = None,
        tls: Tls | None = None,
    ) -> Hit:
        """Word a hit: direction and outcome are those of the conversation, not of the packet."""
        row = found.row
        class_id = CLASSES[row.kind]
        answered = sighting.what == "answer"
        opener, listener = sighting.source, sighting.destination
        if answered:
            opener, listener = listener, opener
        direction: Direction = self._home.direction(opener.address, listener.address)
        outcome: Outcome = "answered" if answered else "unknown"
        return Hit(
            class_id=class_id,
            type=TYPES.get(class_id, "DNS"),
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
            dns=dns,
            http=http,
            tls=tls,
        )


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
