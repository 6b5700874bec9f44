"""Elastic Common Schema 8.17: nested documents that Elasticsearch maps without a pipeline."""

import ipaddress
import re
from collections.abc import Iterable

from agent import __version__, model
from agent.model import Delivery, Endpoint, Event, Source
from outputs import _words
from outputs._json import plain, rfc3339, writer

ECS_VERSION = "8.17.0"
DATASET = "maltrail_agent.alert"

_write = writer((",", ":"))
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(T[0-9:.]+Z?)?")
_TRANSPORTS = {"ICMPV6": "ipv6-icmp"}
_INDICATOR_TYPES = {
    model.TRAIL_DOMAIN: "domain-name",
    model.TRAIL_URL: "url",
    model.TRAIL_PATH: "url",
    model.TRAIL_USER_AGENT: "software",
    model.TRAIL_CERTIFICATE: "x509-certificate",
    model.TRAIL_JA3: "software",
    model.TRAIL_JA4: "software",
}
_FAULTS = {model.AGENT_DEGRADED, model.AGENT_LOSS, model.AGENT_LIST, model.AGENT_STORM}


def render(delivery: Delivery) -> str:
    """Return one line of JSON."""
    document = _Document()
    event = delivery.event
    document.put("@timestamp", rfc3339(event.time_us))
    document.put("ecs.version", ECS_VERSION)
    document.put("message", _words.sentence(event))
    document.put("tags", event.tags)
    _put_event(document, delivery)
    _put_rule(document, event)
    _put_indicator(document, event)
    _put_network(document, event)
    _put_protocols(document, event)
    _put_observer(document, event)
    _put_related(document, event)
    _put_ours(document, delivery)
    return _write({key: plain(value) for key, value in document.root.items()})


class _Document:
    """A nested document that is filled by dotted names; nothing empty gets in."""

    def __init__(self) -> None:
        self.root: dict[str, object] = {}

    def put(self, path: str, value: object) -> None:
        """Set the field `path` unless `value` is none or empty."""
        if value is None or value in ("", (), [], {}):
            return
        node = self.root
        *parents, leaf = path.split(".")
        for parent in parents:
            below = node.setdefault(parent, {})
            if not isinstance(below, dict):
                raise TypeError(f"{path}: {parent} is a value, not an object")
            node = below
        node[leaf] = value


def _put_event(document: _Document, delivery: Delivery) -> None:
    event = delivery.event
    document.put("event.kind", "event" if event.is_agent else "alert")
    document.put("event.category", _categories(event))
    document.put("event.type", ["error"] if event.class_id in _FAULTS else ["info"])
    document.put("event.module", "maltrail_agent")
    document.put("event.provider", "maltrail_agent")
    document.put("event.dataset", DATASET)
    document.put("event.severity", event.severity_id)
    document.put("event.id", event.event_id)
    document.put("event.sequence", delivery.seq)
    document.put("event.code", event.class_id)
    document.put("event.action", _action(event))
    document.put("event.start", rfc3339(event.first_us or event.time_us))
    document.put("event.end", rfc3339(event.last_us or event.time_us))
    if event.reference.startswith(("http://", "https://")):
        document.put("event.reference", event.reference)
    document.put("data_stream.type", "logs")
    document.put("data_stream.dataset", DATASET)
    document.put("data_stream.namespace", "default")


def _categories(event: Event) -> list[str]:
    if event.is_agent:
        return ["host"]
    return ["network", "intrusion_detection"]


def _action(event: Event) -> str:
    if event.is_agent:
        return event.class_id
    return "trail-match" if event.class_id.startswith("trail-") else "behaviour-match"


def _put_rule(document: _Document, event: Event) -> None:
    if event.is_agent:
        return
    document.put("rule.id", event.class_id)
    document.put("rule.name", event.info or _words.name(event.class_id))
    document.put("rule.category", event.type)
    document.put("rule.ruleset", event.sources[0].name if event.sources else "")
    document.put("rule.reference", event.reference)
    document.put("rule.version", event.set)


def _put_indicator(document: _Document, event: Event) -> None:
    if not event.class_id.startswith("trail-"):
        return
    host, port = _split_port(event)
    address = _ip(host)
    kind = _INDICATOR_TYPES.get(event.class_id)
    if kind is None:
        kind = "ipv6-addr" if ":" in host else "ipv4-addr"
    document.put("threat.indicator.type", kind)
    document.put("threat.indicator.name", event.indicator)
    document.put("threat.indicator.ip", address)
    document.put("threat.indicator.port", port)
    document.put("threat.indicator.description", event.info)
    document.put("threat.indicator.reference", event.reference)
    if event.class_id == model.TRAIL_URL:
        document.put("threat.indicator.url.original", event.indicator)
    if event.sources:
        first = event.sources[0]
        document.put("threat.indicator.provider", first.name)
        document.put("threat.indicator.first_seen", _day(first.first_seen))
        document.put("threat.indicator.last_seen", _day(first.last_seen))
        document.put("threat.feed.name", first.name)


def _split_port(event: Event) -> tuple[str, int | None]:
    """Return address and port of an indicator; the port only for class trail-ip-port."""
    if event.class_id != model.TRAIL_IP_PORT:
        return event.indicator, None
    host, _, port = event.indicator.rpartition(":")
    is_port = port.isascii() and port.isdecimal() and int(port[:6]) <= 65535
    return host.strip("[]"), int(port[:6]) if is_port else None


def _put_network(document: _Document, event: Event) -> None:
    _put_side(document, "source", event.source)
    _put_side(document, "destination", event.destination)
    transport = _TRANSPORTS.get(event.protocol, event.protocol.lower())
    document.put("network.transport", transport)
    document.put("network.protocol", _words.application(event).lower())
    if event.source.address:
        document.put("network.type", "ipv6" if ":" in event.source.address else "ipv4")
    if not event.is_agent:
        document.put("network.direction", event.direction)
    document.put("network.community_id", event.community_id)
    for path, vlan in zip(("network.vlan.id", "network.inner.vlan.id"), event.vlans, strict=False):
        document.put(path, str(vlan))


def _put_side(document: _Document, name: str, side: Endpoint) -> None:
    document.put(f"{name}.address", side.address)
    document.put(f"{name}.ip", _ip(side.address))
    document.put(f"{name}.port", side.port)


def _put_protocols(document: _Document, event: Event) -> None:
    dns, http, tls = event.dns, event.http, event.tls
    if dns:
        document.put("dns.type", "answer" if dns.response else "query")
        document.put("dns.question.name", dns.question)
        document.put("dns.question.type", dns.type)
        document.put("dns.response_code", dns.response_code)
        document.put("dns.resolved_ip", _ips(dns.answers))
        document.put("dns.answers", [{"data": answer} for answer in dns.answers])
    if http:
        document.put("http.request.method", http.method)
        document.put("url.original", http.url)
        document.put("url.full", _words.url(http))
        document.put("url.domain", http.host)
        document.put("user_agent.original", http.user_agent)
    if tls:
        document.put("tls.client.server_name", tls.server_name)
        document.put("tls.client.ja3", tls.ja3)
        document.put("tls.server.hash.sha1", tls.certificate_sha1.upper())
        document.put("tls.server.hash.sha256", tls.certificate_sha256.upper())
        if not event.where.startswith("tls.certificate"):
            # A certificate comes from the server, which is the source then (rule E-3).
            document.put("destination.domain", tls.server_name)


def _put_observer(document: _Document, event: Event) -> None:
    document.put("observer.name", event.sensor)
    document.put("observer.hostname", event.sensor)
    document.put("observer.type", "ids")
    document.put("observer.vendor", "Maltrail")
    document.put("observer.product", "maltrail-agent")
    document.put("observer.version", __version__)
    document.put("observer.ingress.interface.name", event.interface)


def _put_related(document: _Document, event: Event) -> None:
    addresses = [event.source.address, event.destination.address]
    hosts: list[str] = []
    hashes: list[str] = []
    if event.dns:
        addresses += event.dns.answers
        hosts.append(event.dns.question)
    if event.http:
        hosts.append(event.http.host)
    if event.tls:
        hosts.append(event.tls.server_name)
        hashes += [event.tls.certificate_sha1.upper(), event.tls.certificate_sha256.upper()]
        hashes.append(event.tls.ja3)
    document.put("related.ip", list(dict.fromkeys(_ips(addresses))))
    document.put("related.hosts", list(dict.fromkeys(filter(None, hosts))))
    document.put("related.hash", list(dict.fromkeys(filter(None, hashes))))


def _put_ours(document: _Document, delivery: Delivery) -> None:
    event = delivery.event
    for name in ("trail", "info", "reference", "type", "severity", "indicator", "observed"):
        document.put(f"maltrail.{name}", getattr(event, name))
    for name in ("where", "incident_id", "count", "total", "state", "set", "site"):
        document.put(f"maltrail.{name}", getattr(event, name))
    document.put("maltrail.outcome", "" if event.is_agent else event.outcome)
    document.put("maltrail.sources", [_source(source) for source in event.sources])
    document.put("maltrail.run_id", delivery.run_id)
    document.put("maltrail.seq", delivery.seq)
    document.put("maltrail.tls_version", event.tls.version if event.tls else "")
    document.put("maltrail.ja4", event.tls.ja4 if event.tls else "")
    document.put("maltrail.samples", event.samples)
    document.put("maltrail.evidence", event.evidence)


def _source(source: Source) -> dict[str, str]:
    """Return a list's name and days; an empty day would make the mapping refuse the document."""
    days = {"first_seen": _day(source.first_seen), "last_seen": _day(source.last_seen)}
    return {"name": source.name} | {key: day for key, day in days.items() if day}


def _ip(text: str) -> str:
    """Return `text` where it is an address: Elasticsearch refuses a document with another."""
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""


def _ips(texts: Iterable[str]) -> list[str]:
    return [address for address in map(_ip, texts) if address]


def _day(text: str) -> str:
    """Return `text` where it is a date: Elasticsearch refuses a document with another."""
    return text if _DAY.fullmatch(text) else ""
