"""JSON whose first twelve keys are those of Maltrail, unchanged in type and order; ours follow."""

import msgspec

from agent.model import Delivery, Event
from outputs._json import evidence, number, rfc3339, writer

_write = writer((", ", ": "))


def render(delivery: Delivery) -> str:
    """Return one line of JSON."""
    event = delivery.event
    source, destination = event.source, event.destination
    document: dict[str, object] = {
        # What a receiver of Maltrail's `LOGSTASH_SERVER` knows (rule O-7).
        "timestamp": event.time_us // 1_000_000,
        "sensor": event.sensor,
        "severity": event.severity,
        "src_ip": source.address or "-",
        "src_port": "-" if source.port is None else source.port,
        "dst_ip": destination.address or "-",
        "dst_port": "-" if destination.port is None else destination.port,
        "proto": event.protocol or "-",
        "type": event.type,
        "trail": _trail(event),
        "info": event.info,
        "reference": event.reference,
        # Ours.
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
        "count": number(event.count),
        "total": number(event.total),
        "first": rfc3339(event.first_us or event.time_us),
        "last": rfc3339(event.last_us or event.time_us),
        "state": event.state,
        "set": event.set,
    }
    for key, value in (
        ("dns", event.dns),
        ("http", event.http),
        ("tls", event.tls),
        ("tunnel", event.tunnel),
        ("vlan", event.vlans),
        ("interface", event.interface),
        ("samples", event.samples),
        ("evidence", evidence(event)),
        ("community_id", event.community_id),
        ("src_name", event.source_name),
        ("dst_name", event.destination_name),
        ("site", event.site),
        ("tags", event.tags),
    ):
        if value:
            document[key] = msgspec.to_builtins(value)
    return _write(document)


def _trail(event: Event) -> str | int:
    """Return the trail, as a number for type `PORT`."""
    if event.type == "PORT" and event.trail.isascii() and event.trail.isdecimal():
        return int(event.trail[:5])
    return event.trail
