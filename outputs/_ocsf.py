"""Open Cybersecurity Schema Framework 1.3: detections as Detection Finding, ours as lifecycle.

What the schema has no place for stands under `unmapped.maltrail`, as it does in ECS under
`maltrail`. Source: schema.ocsf.io/1.3.0, classes detection_finding and application_lifecycle.
"""

import ipaddress
from collections.abc import Iterator

import msgspec

from agent import __version__, model
from agent.model import Delivery, Endpoint, Event
from outputs import _words
from outputs._json import compact_writer, evidence, number
from outputs._text import clean

OCSF_VERSION = "1.3.0"

Document = dict[str, object]

_write = compact_writer()
_FINDINGS, _DETECTION = 2, 2004
_APPLICATION, _LIFECYCLE = 6, 6002
_CREATE, _UPDATE, _CLOSE = 1, 2, 3
_ACTIVITIES = {"open": _CREATE, "single": _CREATE, "update": _UPDATE, "closed": _CLOSE}
_NAMES = {_CREATE: "Create", _UPDATE: "Update", _CLOSE: "Close"}
_STATUS = {"open": (1, "New"), "single": (1, "New"), "update": (2, "In Progress")}
_CLOSED = (4, "Resolved")
_LIFECYCLES = {
    model.AGENT_START: (3, "Start"),
    model.AGENT_STOP: (4, "Stop"),
    model.AGENT_RELOAD: (5, "Restart"),
}
_OTHER = 99
_FAULTS = {model.AGENT_DEGRADED, model.AGENT_LOSS, model.AGENT_LIST, model.AGENT_STORM}
_DIRECTIONS = {"inbound": 1, "outbound": 2, "internal": 3}
_DIRECTION_NAMES = {1: "Inbound", 2: "Outbound", 3: "Lateral"}
_RULE, _BEHAVIORAL = 1, 2
_IDS = 13
_HOSTNAME, _ADDRESS, _URL, _HASH, _AGENT = 1, 2, 6, 8, 16
_OURS = (
    *("trail", "info", "reference", "type", "indicator", "observed", "where", "direction"),
    *("outcome", "incident_id", "state", "set", "site", "custom"),
)


def render(delivery: Delivery) -> str:
    """Return one line of JSON."""
    event = delivery.event
    document = _lifecycle(event) if event.is_agent else _finding(event)
    severity, name = _severity(event.severity_id)
    document |= {
        "time": event.time_us // 1000,
        "severity_id": severity,
        "severity": name,
        "message": _words.sentence(event),
        "metadata": _metadata(delivery),
        "device": {"type_id": _IDS, "type": "IDS", "hostname": event.sensor, "name": event.sensor},
        "unmapped": {"maltrail": _ours(delivery)},
    }
    return _write(_filled(document))


def _finding(event: Event) -> Document:
    """Return the class of what was detected."""
    activity = _ACTIVITIES[event.state]
    status, word = _STATUS.get(event.state, _CLOSED)
    return {
        "category_uid": _FINDINGS,
        "category_name": "Findings",
        "class_uid": _DETECTION,
        "class_name": "Detection Finding",
        "activity_id": activity,
        "activity_name": _NAMES[activity],
        "type_uid": _DETECTION * 100 + activity,
        "type_name": f"Detection Finding: {_NAMES[activity]}",
        "status_id": status,
        "status": word,
        "count": number(event.count),
        "start_time": (event.first_us or event.time_us) // 1000,
        "end_time": (event.last_us or event.time_us) // 1000,
        "finding_info": _info(event),
        "evidences": [_evidence(event)],
        "observables": [
            {"name": name, "type_id": kind, "value": value}
            for name, kind, value in _observables(event)
            if clean(value)
        ],
    }


def _info(event: Event) -> Document:
    is_trail = event.class_id.startswith("trail-")
    return _filled(
        {
            "uid": event.incident_id,
            "title": _words.name(event.class_id),
            "desc": event.info,
            "types": [event.type],
            "src_url": event.reference if event.reference.startswith("https://") else "",
            "data_sources": [source.name for source in event.sources],
            "first_seen_time": (event.first_us or event.time_us) // 1000,
            "last_seen_time": (event.last_us or event.time_us) // 1000,
            "analytic": {
                "uid": event.class_id,
                "name": _words.name(event.class_id),
                "type_id": _RULE if is_trail else _BEHAVIORAL,
                "type": "Rule" if is_trail else "Behavioral",
            },
        }
    )


def _evidence(event: Event) -> Document:
    found: Document = {
        "src_endpoint": _endpoint(event.source),
        "dst_endpoint": _endpoint(event.destination),
        "connection_info": _connection(event),
    }
    if event.dns:
        found["query"] = _filled({"hostname": event.dns.question, "type": event.dns.type})
    if event.http:
        found["url"] = _filled({"url_string": _words.url(event.http), "hostname": event.http.host})
        found["http_request"] = _filled(
            {"http_method": event.http.method, "user_agent": event.http.user_agent}
        )
    if event.tls:
        found["tls"] = _tls(event.tls)
    return _filled(found)


def _connection(event: Event) -> Document:
    direction = _DIRECTIONS.get(event.direction, 0)
    return _filled(
        {
            "protocol_name": event.protocol.lower(),
            "direction_id": direction,
            "direction": _DIRECTION_NAMES.get(direction, "Unknown"),
            "community_uid": event.community_id,
        }
    )


def _tls(tls: model.Tls) -> Document:
    hashes = [(tls.certificate_sha1, 2, "SHA-1"), (tls.certificate_sha256, 3, "SHA-256")]
    prints = [
        {"algorithm_id": number_, "algorithm": name, "value": value}
        for value, number_, name in hashes
        if value
    ]
    ja3 = {"algorithm_id": 1, "algorithm": "MD5", "value": tls.ja3} if tls.ja3 else {}
    return _filled(
        {
            "sni": tls.server_name,
            "version": tls.version or "unknown",
            "ja3_hash": ja3,
            "certificate": {"fingerprints": prints} if prints else {},
        }
    )


def _endpoint(side: Endpoint) -> Document:
    address = side.address.partition("%")[0]
    known = _filled({"ip": address if _is_address(address) else "", "port": side.port})
    if address and "ip" not in known:
        known["hostname"] = side.address
    return known


def _observables(event: Event) -> Iterator[tuple[str, int, str]]:
    for path, side in (
        ("evidences.src_endpoint.ip", event.source),
        ("evidences.dst_endpoint.ip", event.destination),
    ):
        address = side.address.partition("%")[0]
        if _is_address(address):
            yield path, _ADDRESS, address
    if event.dns and event.dns.question:
        yield "evidences.query.hostname", _HOSTNAME, event.dns.question
    if event.http:
        if url := _words.url(event.http):
            yield "evidences.url.url_string", _URL, url
        if event.http.user_agent:
            yield "evidences.http_request.user_agent", _AGENT, event.http.user_agent
    if event.tls:
        if event.tls.server_name:
            yield "evidences.tls.sni", _HOSTNAME, event.tls.server_name
        shown = event.tls.certificate_sha256 or event.tls.certificate_sha1
        if shown:
            yield "evidences.tls.certificate.fingerprints.value", _HASH, shown


def _lifecycle(event: Event) -> Document:
    """Return the class of what the agent says of itself."""
    activity, name = _LIFECYCLES.get(event.class_id, (_OTHER, event.class_id))
    is_fault = event.class_id in _FAULTS
    return {
        "category_uid": _APPLICATION,
        "category_name": "Application Activity",
        "class_uid": _LIFECYCLE,
        "class_name": "Application Lifecycle",
        "activity_id": activity,
        "activity_name": name,
        "type_uid": _LIFECYCLE * 100 + activity,
        "type_name": f"Application Lifecycle: {name}",
        "status_id": 2 if is_fault else 1,
        "status": "Failure" if is_fault else "Success",
        "app": _product(),
    }


def _metadata(delivery: Delivery) -> Document:
    event = delivery.event
    return _filled(
        {
            "version": OCSF_VERSION,
            "product": _product(),
            "uid": event.event_id,
            "correlation_uid": event.incident_id,
            "event_code": event.class_id,
            "sequence": delivery.seq,
            "profiles": ["host"],
            "labels": list(event.tags),
        }
    )


def _product() -> Document:
    return {"name": "maltrail-agent", "vendor_name": "Maltrail", "version": __version__}


def _ours(delivery: Delivery) -> Document:
    event = delivery.event
    document = {key: getattr(event, key) for key in _OURS}
    document |= {
        "run_id": delivery.run_id,
        "seq": delivery.seq,
        "count": number(event.count),
        "total": number(event.total),
        "severity_id": event.severity_id,
        "sources": msgspec.to_builtins(event.sources),
        "samples": list(event.samples),
        "evidence": evidence(event),
        "interface": event.interface,
        "tunnel": msgspec.to_builtins(event.tunnel),
        "vlan": list(event.vlans),
    }
    return _filled(document)


def _severity(severity_id: int) -> tuple[int, str]:
    """Return the schema's severity for ours; Fatal is for what no sensor can tell."""
    if severity_id >= 9:
        return 5, "Critical"
    if severity_id >= 7:
        return 4, "High"
    if severity_id >= 4:
        return 3, "Medium"
    return (2, "Low") if severity_id == 3 else (1, "Informational")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _filled(document: Document) -> Document:
    """Return the fields that hold something; zero is something."""
    return {
        key: value
        for key, value in document.items()
        if value or (value == 0 and not isinstance(value, bool))
    }
