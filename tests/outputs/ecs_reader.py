"""Read ECS as Elasticsearch maps it: every field known, of its type, nested and never dotted."""

import ipaddress
import re
from datetime import datetime

from tests.outputs import json_reader

KEYWORD, TEXT, LONG, FLOAT, IP, DATE = "keyword", "text", "long", "float", "ip", "date"

FIELDS = {
    "@timestamp": DATE,
    "message": TEXT,
    "tags": KEYWORD,
    "ecs.version": KEYWORD,
    "event.kind": KEYWORD,
    "event.category": KEYWORD,
    "event.type": KEYWORD,
    "event.module": KEYWORD,
    "event.provider": KEYWORD,
    "event.dataset": KEYWORD,
    "event.severity": LONG,
    "event.id": KEYWORD,
    "event.sequence": LONG,
    "event.code": KEYWORD,
    "event.action": KEYWORD,
    "event.outcome": KEYWORD,
    "event.start": DATE,
    "event.end": DATE,
    "event.reference": KEYWORD,
    "data_stream.type": KEYWORD,
    "data_stream.dataset": KEYWORD,
    "data_stream.namespace": KEYWORD,
    "rule.id": KEYWORD,
    "rule.name": KEYWORD,
    "rule.category": KEYWORD,
    "rule.ruleset": KEYWORD,
    "rule.reference": KEYWORD,
    "rule.version": KEYWORD,
    "threat.indicator.type": KEYWORD,
    "threat.indicator.name": KEYWORD,
    "threat.indicator.ip": IP,
    "threat.indicator.port": LONG,
    "threat.indicator.description": KEYWORD,
    "threat.indicator.reference": KEYWORD,
    "threat.indicator.provider": KEYWORD,
    "threat.indicator.first_seen": DATE,
    "threat.indicator.last_seen": DATE,
    "threat.indicator.url.original": KEYWORD,
    "threat.feed.name": KEYWORD,
    "network.transport": KEYWORD,
    "network.protocol": KEYWORD,
    "network.type": KEYWORD,
    "network.direction": KEYWORD,
    "network.community_id": KEYWORD,
    "network.vlan.id": KEYWORD,
    "network.inner.vlan.id": KEYWORD,
    "source.address": KEYWORD,
    "source.ip": IP,
    "source.port": LONG,
    "source.domain": KEYWORD,
    "destination.address": KEYWORD,
    "destination.ip": IP,
    "destination.port": LONG,
    "destination.domain": KEYWORD,
    "related.ip": IP,
    "related.hosts": KEYWORD,
    "related.hash": KEYWORD,
    "dns.type": KEYWORD,
    "dns.question.name": KEYWORD,
    "dns.question.type": KEYWORD,
    "dns.response_code": KEYWORD,
    "dns.resolved_ip": IP,
    "dns.answers.data": KEYWORD,
    "http.request.method": KEYWORD,
    "url.original": KEYWORD,
    "url.full": KEYWORD,
    "url.domain": KEYWORD,
    "url.port": LONG,
    "user_agent.original": KEYWORD,
    "tls.client.server_name": KEYWORD,
    "tls.client.ja3": KEYWORD,
    "tls.server.hash.sha1": KEYWORD,
    "tls.server.hash.sha256": KEYWORD,
    "observer.name": KEYWORD,
    "observer.hostname": KEYWORD,
    "observer.type": KEYWORD,
    "observer.vendor": KEYWORD,
    "observer.product": KEYWORD,
    "observer.version": KEYWORD,
    "observer.ingress.interface.name": KEYWORD,
    # Ours.
    "maltrail.trail": KEYWORD,
    "maltrail.info": KEYWORD,
    "maltrail.reference": KEYWORD,
    "maltrail.type": KEYWORD,
    "maltrail.severity": KEYWORD,
    "maltrail.indicator": KEYWORD,
    "maltrail.observed": KEYWORD,
    "maltrail.where": KEYWORD,
    "maltrail.incident_id": KEYWORD,
    "maltrail.count": LONG,
    "maltrail.total": LONG,
    "maltrail.state": KEYWORD,
    "maltrail.set": KEYWORD,
    "maltrail.site": KEYWORD,
    "maltrail.outcome": KEYWORD,
    "maltrail.sources.name": KEYWORD,
    "maltrail.sources.first_seen": DATE,
    "maltrail.sources.last_seen": DATE,
    "maltrail.run_id": KEYWORD,
    "maltrail.seq": LONG,
    "maltrail.tls_version": KEYWORD,
    "maltrail.ja4": KEYWORD,
    "maltrail.tunnel.type": KEYWORD,
    "maltrail.tunnel.id": KEYWORD,
    "maltrail.tunnel.source.ip": IP,
    "maltrail.tunnel.destination.ip": IP,
    "maltrail.samples": KEYWORD,
}
"""Every field that may be there, with its type in Elasticsearch."""

REQUIRED = ("@timestamp", "ecs.version", "event.kind", "event.category", "event.type")

ALLOWED = {
    "event.kind": {"alert", "event"},
    "event.category": {"network", "intrusion_detection", "host"},
    "event.type": {"info", "start", "end", "change"},
    "event.outcome": {"failure", "success"},
    "network.direction": {"inbound", "outbound", "internal", "external"},
    "network.type": {"ipv4", "ipv6"},
    "dns.type": {"query", "answer"},
}
"""Fields whose values the schema enumerates; types that every category here allows."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?")


class EcsError(ValueError):
    """Elasticsearch would refuse the document, or map it in another way."""


def read(line: str) -> dict[str, object]:
    """Return the fields by dotted names; raise EcsError."""
    fields: dict[str, list[object]] = {}
    _flatten(json_reader.read(line), "", fields)
    for name, values in fields.items():
        if not name.startswith("maltrail.evidence."):
            for value in values:
                _check(name, value)
    missing = [name for name in REQUIRED if name not in fields]
    if missing:
        raise EcsError(f"{missing} missing")
    if fields["event.dataset"] != fields["data_stream.dataset"]:
        raise EcsError("event.dataset is not data_stream.dataset")
    lists = ("tags", "event.category", "event.type", "related.ip", "related.hosts", "dns.answers")
    return {
        name: values if len(values) != 1 or name in lists else values[0]
        for name, values in fields.items()
    }


def _flatten(value: object, path: str, fields: dict[str, list[object]]) -> None:
    """Collect the leaves; a list of objects is what Elasticsearch makes of it: lists of leaves."""
    if isinstance(value, dict):
        if not value:
            raise EcsError(f"{path} is empty")
        for key, item in value.items():
            if "." in key:
                raise EcsError(f"{path}: the key {key!r} has a dot")
            _flatten(item, f"{path}.{key}" if path else key, fields)
    elif isinstance(value, list):
        if not value:
            raise EcsError(f"{path} is empty")
        for item in value:
            _flatten(item, path, fields)
    else:
        fields.setdefault(path, []).append(value)


def _check(name: str, value: object) -> None:
    kind = FIELDS.get(name)
    if kind is None:
        raise EcsError(f"{name} is no field of the schema or ours")
    if value is None:
        raise EcsError(f"{name} is null")
    if kind in (KEYWORD, TEXT) and not isinstance(value, str):
        raise EcsError(f"{name} is {value!r}, no text")
    if kind == LONG and (type(value) is not int or (name.endswith("port") and value > 65535)):
        raise EcsError(f"{name} is {value!r}, no such number")
    if kind == IP:
        _check_address(name, value)
    if kind == DATE:
        _check_date(name, value)
    if name in ALLOWED and value not in ALLOWED[name]:
        raise EcsError(f"{name} is {value!r}, none of {sorted(ALLOWED[name])}")


def _check_address(name: str, value: object) -> None:
    try:
        address = ipaddress.ip_address(str(value))
    except ValueError as error:
        raise EcsError(f"{name}: {error}") from error
    if getattr(address, "scope_id", None):
        raise EcsError(f"{name} has a zone: {value}")


def _check_date(name: str, value: object) -> None:
    """Check `strict_date_optional_time`."""
    if not _DATE.fullmatch(str(value)):
        raise EcsError(f"{name} is {value!r}, no date")
    try:
        datetime.fromisoformat(str(value))
    except ValueError as error:
        raise EcsError(f"{name}: {error}") from error
