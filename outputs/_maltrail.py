"""JSON whose first twelve keys are those of Maltrail, unchanged in type and order; ours follow."""

import msgspec

from agent.model import Delivery, Event
from outputs._json import plain, rfc3339, writer

_write = writer((", ", ": "))


def render(delivery: Delivery) -> str:
    """Return one line of JSON."""
    document = {**_theirs(delivery.event), **_ours(delivery)}
    return _write({key: plain(value) for key, value in document.items()})


def _theirs(event: Event) -> dict[str, object]:
    """Return the keys that a receiver of Maltrail's `LOGSTASH_SERVER` knows (rule O-7)."""
    return {
        "timestamp": event.time_us // 1_000_000,
        "sensor": event.sensor,
        "severity": event.severity,
        "src_ip": event.source.address or "-",
        "src_port": "-" if event.source.port is None else event.source.port,
        "dst_ip": event.destination.address or "-",
        "dst_port": "-" if event.destination.port is None else event.destination.port,
        "proto": event.protocol or "-",
        "type": event.type,
        "trail": _trail(event),
        "info": event.info,
        "reference": event.reference,
    }


def _ours(delivery: Delivery) -> dict[str, object]:
    event = delivery.event
    always: dict[str, object] = {
        "time": rfc3339(event.time_us),
        "class": event.class_id,
        "severity_id": event.severity_id,
        "indicator": event.indicator,
        "observed": event.observed,
        "where": event.where,
        "sources": msgspec.to_builtins(event.sources),
        "direction": event.direction,
        "outcome": event.outcome,
        "event_id": event.event_id,
        "incident_id": event.incident_id,
        "run_id": delivery.run_id,
        "seq": delivery.seq,
        "count": event.count,
        "total": event.total,
        "first": rfc3339(event.first_us or event.time_us),
        "last": rfc3339(event.last_us or event.time_us),
        "state": event.state,
        "set": event.set,
    }
    applicable = {
        "dns": msgspec.to_builtins(event.dns),
        "http": msgspec.to_builtins(event.http),
        "tls": msgspec.to_builtins(event.tls),
        "vlan": event.vlans,
        "interface": event.interface,
        "samples": event.samples,
        "evidence": event.evidence,
        "community_id": event.community_id,
        "site": event.site,
        "tags": event.tags,
    }
    return always | {key: value for key, value in applicable.items() if value}


def _trail(event: Event) -> str | int:
    """Return the trail, as a number for type `PORT`."""
    if event.type == "PORT" and event.trail.isascii() and event.trail.isdecimal():
        return int(event.trail[:5])
    return event.trail
