"""Elastic Common Schema 8.17: nested documents that Elasticsearch maps without a pipeline."""

import re
import socket
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from agent import __version__, model
from agent.model import Delivery, Dns, Endpoint, Event, Http, Source, Tls, Tunnel
from outputs import _words
from outputs._json import compact_writer, evidence, number, rfc3339

ECS_VERSION = "8.17.0"
DATASET = "maltrail_agent.alert"

Document = dict[str, object]

_write = compact_writer()
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?Z?)?", re.ASCII)
_NO_KEY = re.compile(r"[^A-Za-z0-9_-]")
_KEY_LENGTH = 64
_PORT = re.compile(r":(\d{1,5})$", re.ASCII)
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
_TYPES = {model.AGENT_START: ["start"], model.AGENT_STOP: ["end"], model.AGENT_RELOAD: ["change"]}
_FAULTS = {model.AGENT_DEGRADED, model.AGENT_LOSS, model.AGENT_LIST, model.AGENT_STORM}


def render(delivery: Delivery) -> str:
    """Return one line of JSON."""
    event = delivery.event
    document: Document = {
        "@timestamp": rfc3339(event.time_us),
        "ecs": {"version": ECS_VERSION},
        "message": _words.sentence(event),
        "event": _event(delivery),
        "data_stream": {"type": "logs", "dataset": DATASET, "namespace": "default"},
        "observer": _observer(event.sensor, event.interface),
        "maltrail": _ours(delivery),
    }
    if event.tags:
        document["tags"] = event.tags
    if not event.is_agent:
        document["rule"] = _rule(event)
        document["network"] = _network(event)
        document["source"] = _side(event.source, event.source_name)
        document["destination"] = _destination(event)
        document["related"] = _related(event)
    if event.class_id.startswith("trail-"):
        document["threat"] = _threat(event)
    if event.dns:
        document["dns"] = _dns(event.dns)
    if event.http:
        _put_http(document, event.http)
    if event.tls:
        document["tls"] = _tls(event.tls)
    return _write(_filled(document))


def _filled(document: Document) -> Document:
    """Return the fields that hold something; zero is something."""
    return {key: value for key, value in document.items() if value or value == 0}


def _event(delivery: Delivery) -> Document:
    event = delivery.event
    is_agent = event.is_agent
    fields: Document = {
        "kind": "event" if is_agent else "alert",
        "category": ["host"] if is_agent else ["network", "intrusion_detection"],
        "type": _TYPES.get(event.class_id, ["info"]),
        "module": "maltrail_agent",
        "provider": "maltrail_agent",
        "dataset": DATASET,
        "severity": event.severity_id,
        "id": event.event_id,
        "sequence": delivery.seq,
        "code": event.class_id,
        "action": _action(event),
        "start": rfc3339(event.first_us or event.time_us),
        "end": rfc3339(event.last_us or event.time_us),
    }
    if event.class_id in _FAULTS:
        fields["outcome"] = "success" if event.state == "closed" else "failure"
    if event.reference.startswith(("http://", "https://")):
        fields["reference"] = event.reference
    return fields


def _action(event: Event) -> str:
    if event.is_agent:
        return event.class_id
    return "trail-match" if event.class_id.startswith("trail-") else "behaviour-match"


def _rule(event: Event) -> Document:
    return _filled(
        {
            "id": event.class_id,
            "name": event.info or _words.name(event.class_id),
            "category": event.type,
            "ruleset": event.sources[0].name if event.sources else "",
            "reference": event.reference,
            "version": event.set,
        }
    )


def _threat(event: Event) -> Document:
    host, port = _split_port(event)
    kind = _INDICATOR_TYPES.get(event.class_id)
    indicator: Document = {
        "type": kind or ("ipv6-addr" if ":" in host else "ipv4-addr"),
        "name": event.indicator,
        "ip": "" if kind else _ip(host),
        "port": port,
        "description": event.info,
        "reference": event.reference,
    }
    if event.class_id == model.TRAIL_URL and event.indicator:
        indicator["url"] = {"original": event.indicator}
    if not event.sources:
        return {"indicator": _filled(indicator)}
    first = event.sources[0]
    indicator["provider"] = first.name
    indicator["first_seen"] = _day(first.first_seen)
    indicator["last_seen"] = _day(first.last_seen)
    threat: Document = {"indicator": _filled(indicator)}
    if first.name:
        threat["feed"] = {"name": first.name}
    return threat


def _split_port(event: Event) -> tuple[str, int | None]:
    """Return address and port of an indicator; the port only for class trail-ip-port."""
    if event.class_id != model.TRAIL_IP_PORT:
        return event.indicator, None
    return _host_and_port(event.indicator)


def _host_and_port(text: str) -> tuple[str, int | None]:
    """Split `host:port` and `[v6]:port`; what has no port, or none that could be, stays whole."""
    found = _PORT.search(text)
    if found is None or int(found[1]) > 65535 or ":" in text[: found.start()].rpartition("]")[2]:
        return text.strip("[]"), None
    return text[: found.start()].strip("[]"), int(found[1])


def _network(event: Event) -> Document:
    fields: Document = {
        "transport": _TRANSPORTS.get(event.protocol) or event.protocol.lower(),
        "protocol": _words.application(event).lower(),
        "direction": event.direction,
        "community_id": event.community_id,
    }
    if event.source.address:
        fields["type"] = "ipv6" if ":" in event.source.address else "ipv4"
    if event.vlans:
        fields["vlan"] = {"id": str(event.vlans[0])}
        if len(event.vlans) > 1:
            fields["inner"] = {"vlan": {"id": str(event.vlans[1])}}
    return _filled(fields)


def _side(side: Endpoint, name: str) -> Document:
    where: Document = {"address": side.address, "ip": _ip(side.address), "port": side.port}
    return _filled({**where, "domain": name})


def _destination(event: Event) -> Document:
    fields = _side(event.destination, event.destination_name)
    if event.tls and event.tls.server_name and not event.where.startswith("tls.certificate"):
        # A certificate comes from the server, which is the source then (rule E-3).
        fields["domain"] = event.tls.server_name
    return fields


def _dns(dns: Dns) -> Document:
    return _filled(
        {
            "type": "answer" if dns.response else "query",
            "question": _filled({"name": dns.question, "type": dns.type}),
            "response_code": dns.response_code,
            "resolved_ip": _ips(dns.answers),
            "answers": [{"data": answer} for answer in dns.answers],
        }
    )


def _put_http(document: Document, http: Http) -> None:
    host, port = _host_and_port(http.host)
    url: Document = {
        "original": http.url,
        "full": _words.url(http),
        "domain": host,
        "port": port,
    }
    document["url"] = _filled(url)
    if http.method:
        document["http"] = {"request": {"method": http.method}}
    if http.user_agent:
        document["user_agent"] = {"original": http.user_agent}


def _tls(tls: Tls) -> Document:
    hashes = {"sha1": tls.certificate_sha1.upper(), "sha256": tls.certificate_sha256.upper()}
    server = _filled({"hash": _filled({**hashes})})
    client = _filled({"server_name": tls.server_name, "ja3": tls.ja3})
    return _filled({"client": client, "server": server})


@lru_cache(maxsize=64)
def _observer(sensor: str, interface: str) -> Document:
    fields: Document = {
        "name": sensor,
        "hostname": sensor,
        "type": "ids",
        "vendor": "Maltrail",
        "product": "maltrail-agent",
        "version": __version__,
    }
    if interface:
        fields["ingress"] = {"interface": {"name": interface}}
    return _filled(fields)


def _related(event: Event) -> Document:
    addresses = [event.source.address, event.destination.address]
    if event.tunnel:
        addresses += [event.tunnel.source, event.tunnel.destination]
    hosts: list[str] = []
    hashes: list[str] = []
    if event.dns:
        addresses += event.dns.answers
        hosts.append(event.dns.question)
    if event.http:
        hosts.append(_host_and_port(event.http.host)[0])
    if event.tls:
        hosts.append(event.tls.server_name)
        hashes += [event.tls.certificate_sha1.upper(), event.tls.certificate_sha256.upper()]
        hashes.append(event.tls.ja3)
    return _filled(
        {
            "ip": list(dict.fromkeys(_ips(addresses))),
            "hosts": list(dict.fromkeys(filter(None, hosts))),
            "hash": list(dict.fromkeys(filter(None, hashes))),
        }
    )


def _ours(delivery: Delivery) -> Document:
    event, tls = delivery.event, delivery.event.tls
    return _filled(
        {
            "trail": event.trail,
            "info": event.info,
            "reference": event.reference,
            "type": event.type,
            "severity": event.severity,
            "indicator": event.indicator,
            "observed": event.observed,
            "where": event.where,
            "incident_id": event.incident_id,
            "count": number(event.count),
            "total": number(event.total),
            "state": event.state,
            "set": event.set,
            "site": event.site,
            "outcome": "" if event.is_agent else event.outcome,
            "sources": [_source(source) for source in event.sources],
            "run_id": delivery.run_id,
            "seq": delivery.seq,
            "tls_version": tls.version if tls else "",
            "ja4": tls.ja4 if tls else "",
            "tunnel": _tunnel(event.tunnel) if event.tunnel else None,
            "samples": event.samples,
            "evidence": {_key(key): value for key, value in evidence(event).items()},
        }
    )


def _tunnel(tunnel: Tunnel) -> Document:
    """Return the tunnels around the packet; the schema has no fields for them."""
    return _filled(
        {
            "type": tunnel.type,
            "id": tunnel.id,
            "source": _filled({"ip": _ip(tunnel.source)}),
            "destination": _filled({"ip": _ip(tunnel.destination)}),
        }
    )


def _key(text: str) -> str:
    """Return the name of a field; a dot would make an object of the part before it."""
    return _NO_KEY.sub("_", text)[:_KEY_LENGTH] or "_"


@lru_cache(maxsize=1024)
def _source(source: Source) -> dict[str, str]:
    """Return a list's name and days; an empty day would make the mapping refuse the document."""
    days = {"first_seen": _day(source.first_seen), "last_seen": _day(source.last_seen)}
    return {"name": source.name} | {key: day for key, day in days.items() if day}


def _ip(text: str) -> str:
    """Return `text` where it is an address: Elasticsearch refuses a document with another."""
    address = text.partition("%")[0]
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except (OSError, ValueError):
        return ""
    return address


def _ips(texts: Iterable[str]) -> list[str]:
    return [address for address in map(_ip, texts) if address]


@lru_cache(maxsize=1024)
def _day(text: str) -> str:
    """Return `text` where it is a date: Elasticsearch refuses a document with another."""
    if not _DAY.fullmatch(text):
        return ""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return ""
    return text
