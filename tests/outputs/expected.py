"""What a reader must find in a line, said without the code that writes it."""

import ipaddress
import math
import unicodedata
from collections.abc import Callable, Mapping

import msgspec

from agent.model import Delivery, Event
from outputs import _words
from tests.outputs import (
    cef_reader,
    csv_reader,
    ecs_reader,
    leef_reader,
    maltrail_reader,
    ocsf_reader,
)

LIMIT = 4000
MARK = "[...]"

_BLANKS = "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"

_IGNORABLE = (
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
"""Unicode's Default_Ignorable_Code_Point, with the interlinear marks."""


def cleaned(text: str, limit: int = LIMIT) -> str:
    """Return what is told of a text: visible, on one line, within the limit."""
    out = "".join(_told(char) for char in text.replace("\r\n", "\n"))
    out = out.replace("CEF:", "CEF%3A")
    return out if len(out) <= limit else out[: limit - len(MARK)] + MARK


def _told(char: str) -> str:
    code = ord(char)
    if 0x20 <= code < 0x7F:
        return char
    if char in _BLANKS:
        return " "
    if unicodedata.category(char) == "Cs":
        return f"\\x{code & 0xFF:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"
    if unicodedata.category(char) == "Cc" or any(low <= code <= high for low, high in _IGNORABLE):
        return ""
    return char


def judge(name: str, line: str, delivery: Delivery) -> None:
    """Read a line of the format `name`, and raise AssertionError where it tells another event."""
    assert len(line.splitlines()) == 1, "more than one line"
    line.encode("utf-8")
    _JUDGES[name](line, delivery)


def _cef(line: str, delivery: Delivery) -> None:
    event = delivery.event
    header, fields = cef_reader.read(line)
    assert header[4] == event.class_id
    assert header[6] == str(event.severity_id)
    http, tls = event.http, event.tls
    texts = {
        "dvchost": [event.sensor],
        "deviceExternalId": [event.sensor],
        "deviceInboundInterface": [event.interface],
        "proto": [event.protocol],
        "cat": [event.type],
        "act": ["detected"],
        "externalId": [event.event_id],
        "cs1": [event.trail],
        "cs2": [event.info],
        "cs3": [event.reference],
        "cs4": [event.where],
        "cs5": [_words.evidence(event) if event.is_agent else event.indicator],
        "cs6": [event.incident_id],
        "flexString1": [delivery.run_id],
        "flexString2": [event.set],
        "request": [_words.url(http)] if http else [],
        "requestMethod": [http.method] if http else [],
        "requestClientApplication": [http.user_agent] if http else [],
        "shost": [event.source_name],
        "dhost": [
            *([tls.server_name] if tls else []),
            *([http.host] if http else []),
            event.destination_name,
        ],
        "fileHash": [tls.certificate_sha256 or tls.certificate_sha1] if tls else [],
        "msg": [_words.sentence(event)],
    }
    for key, candidates in texts.items():
        length = cef_reader.LENGTHS[key]
        told = [cleaned(text.strip(), length).strip() for text in candidates]
        wanted = next(filter(None, told), "")
        assert fields.get(key, "") == wanted, f"{key}: {fields.get(key)!r} is not {wanted!r}"
    numbers = {
        "rt": event.time_us // 1000,
        "start": (event.first_us or event.time_us) // 1000,
        "end": (event.last_us or event.time_us) // 1000,
        "cnt": min(event.count, cef_reader.MAX_INTEGER),
        "cn1": min(event.total, cef_reader.MAX_LONG),
        "cn2": delivery.seq,
    }
    assert {key: fields[key] for key in numbers} == {k: str(v) for k, v in numbers.items()}
    for side, keys, port in (
        (event.source, ("src", "c6a2"), "spt"),
        (event.destination, ("dst", "c6a3"), "dpt"),
    ):
        found = [ipaddress.ip_address(fields[key]) for key in keys if key in fields]
        assert found == _addresses(cleaned(side.address).strip())
        assert fields.get(port) == (None if side.port is None else str(side.port))


def _addresses(text: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return the address without its zone, where it is one."""
    try:
        return [ipaddress.ip_address(text.partition("%")[0])]
    except ValueError:
        return []


def _maltrail(line: str, delivery: Delivery) -> None:
    event = delivery.event
    document = maltrail_reader.read_json(line)
    expected: dict[str, object] = {
        "timestamp": event.time_us // 1_000_000,
        "severity": event.severity,
        "src_ip": event.source.address or "-",
        "src_port": "-" if event.source.port is None else event.source.port,
        "dst_ip": event.destination.address or "-",
        "dst_port": "-" if event.destination.port is None else event.destination.port,
        "proto": event.protocol or "-",
        "class": event.class_id,
        "run_id": delivery.run_id,
        "seq": delivery.seq,
        "sources": msgspec.to_builtins(event.sources),
        "count": min(event.count, 2**63 - 1),
        "total": min(event.total, 2**63 - 1),
    }
    for key in ("sensor", "type", "info", "reference", "severity_id", "indicator", "observed"):
        expected[key] = getattr(event, key)
    for key in ("where", "direction", "outcome", "event_id", "incident_id", "state", "set"):
        expected[key] = getattr(event, key)
    optional = {
        "vlan": event.vlans,
        "tunnel": event.tunnel,
        "src_name": event.source_name,
        "dst_name": event.destination_name,
        **{key: getattr(event, key) for key in ("dns", "http", "tls", "interface", "samples")},
        **{key: getattr(event, key) for key in ("evidence", "community_id", "site", "tags")},
    }
    expected |= {key: msgspec.to_builtins(value) for key, value in optional.items() if value}
    for key, value in expected.items():
        assert document[key] == _plain(value), key
    is_number = event.type == "PORT" and event.trail.isascii() and event.trail.isdecimal()
    assert document["trail"] == (int(event.trail[:5]) if is_number else cleaned(event.trail))
    assert {*document} - {*expected} == {"trail", "time", "first", "last"}


def _plain(value: object) -> object:
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, dict):
        return {cleaned(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int):
        return min(max(value, -(2**63) + 1), 2**63 - 1)
    return value


def _columns(line: str, delivery: Delivery) -> None:
    event = delivery.event
    columns = maltrail_reader.read_line(line)
    texts = (
        event.sensor,
        event.source.address,
        str(event.source.port or ""),
        event.destination.address,
        str(event.destination.port or ""),
        event.protocol,
        event.type,
        event.trail,
        event.info,
        event.reference,
    )
    assert columns[1:] == [cleaned(text) or "-" for text in texts]


def _ecs(line: str, delivery: Delivery) -> None:
    event = delivery.event
    fields = ecs_reader.read(line)
    texts = {
        "message": _words.sentence(event),
        "event.id": event.event_id,
        "event.code": event.class_id,
        "observer.name": event.sensor,
        "observer.ingress.interface.name": event.interface,
        "maltrail.incident_id": event.incident_id,
        "maltrail.run_id": delivery.run_id,
    }
    for key in ("trail", "info", "reference", "type", "indicator", "observed", "where", "site"):
        texts["maltrail." + key] = getattr(event, key)
    texts |= _ecs_protocols(event)
    for key, text in texts.items():
        assert fields.get(key, "") == cleaned(text), key
    assert fields["event.severity"] == event.severity_id
    assert fields["event.sequence"] == fields["maltrail.seq"] == delivery.seq
    assert fields["maltrail.count"] == min(event.count, 2**63 - 1)
    assert fields["maltrail.total"] == min(event.total, 2**63 - 1)
    assert fields.get("tags", []) == [cleaned(tag) for tag in event.tags]
    if not event.is_agent:
        for name, side in (("source", event.source), ("destination", event.destination)):
            assert fields.get(f"{name}.address", "") == cleaned(side.address)
            assert fields.get(f"{name}.port") == side.port
            if name == "source" or event.tls is None:
                alias = event.source_name if name == "source" else event.destination_name
                assert fields.get(f"{name}.domain", "") == cleaned(alias)
            found = fields.get(f"{name}.ip")
            told = [] if found is None else [ipaddress.ip_address(str(found))]
            assert told == _addresses(side.address)


def _ecs_protocols(event: Event) -> dict[str, str]:
    texts = {}
    if event.dns:
        texts["dns.question.name"] = event.dns.question
        texts["dns.question.type"] = event.dns.type
    if event.http:
        texts["http.request.method"] = event.http.method
        texts["url.original"] = event.http.url
        texts["url.full"] = _words.url(event.http)
        texts["user_agent.original"] = event.http.user_agent
    if event.tls:
        texts["tls.client.server_name"] = event.tls.server_name
        texts["tls.client.ja3"] = event.tls.ja3
        texts["tls.server.hash.sha1"] = event.tls.certificate_sha1.upper()
    return texts


def _leef(line: str, delivery: Delivery) -> None:
    event = delivery.event
    class_id, fields = leef_reader.read(line)
    assert class_id == event.class_id
    http, tls = event.http, event.tls
    texts = {
        "cat": event.type,
        "proto": event.protocol,
        "sensor": event.sensor,
        "interface": event.interface,
        "externalId": event.event_id,
        "incidentId": event.incident_id,
        "runId": delivery.run_id,
        "state": event.state,
        "matchedIn": event.where,
        "trailSet": event.set,
        "msg": _words.sentence(event),
        **{key: getattr(event, key) for key in ("trail", "info", "reference", "indicator")},
        "observed": event.observed,
        "evidence": _words.evidence(event) if event.is_agent else "",
    }
    if not event.is_agent:
        texts |= {"direction": event.direction, "outcome": event.outcome}
        texts["url"] = _words.url(http) if http else ""
        texts["userAgent"] = http.user_agent if http else ""
        texts["query"] = event.dns.question if event.dns else ""
        texts["serverName"] = tls.server_name if tls else ""
    for key, text in texts.items():
        wanted = cleaned(text.strip().replace("^", "%5E")).strip()
        assert fields.get(key, "") == wanted, f"{key}: {fields.get(key)!r} is not {wanted!r}"
    numbers = {
        "devTime": event.time_us // 1000,
        "start": (event.first_us or event.time_us) // 1000,
        "end": (event.last_us or event.time_us) // 1000,
        "seq": delivery.seq,
        "count": min(event.count, 2**63 - 1),
        "total": min(event.total, 2**63 - 1),
    }
    assert {key: int(fields[key]) for key in numbers} == numbers
    for side, key, port in (
        (event.source, "src", "srcPort"),
        (event.destination, "dst", "dstPort"),
    ):
        assert fields.get(key, "") == cleaned(side.address.partition("%")[0].strip()).strip()
        assert fields.get(port) == (None if side.port is None else str(side.port))


def _csv(line: str, delivery: Delivery) -> None:
    event = delivery.event
    fields = csv_reader.read(line)
    texts = {
        "sensor": event.sensor,
        "run_id": delivery.run_id,
        "event_id": event.event_id,
        "class": event.class_id,
        "severity": event.severity,
        "src_ip": event.source.address,
        "dst_ip": event.destination.address,
        "proto": event.protocol,
        "set": event.set,
    }
    for key in ("type", "trail", "info", "reference", "indicator", "observed", "where", "state"):
        texts[key] = getattr(event, key)
    for key in ("direction", "outcome", "incident_id", "interface"):
        texts[key] = getattr(event, key)
    for key, text in texts.items():
        assert fields[key] == cleaned(text), key
    assert fields["seq"] == str(delivery.seq)
    assert fields["severity_id"] == str(event.severity_id)
    for key, side in (("src_port", event.source), ("dst_port", event.destination)):
        assert fields[key] == ("" if side.port is None else str(side.port))
    assert int(fields["count"]) == min(event.count, 2**63 - 1)
    assert int(fields["total"]) == min(event.total, 2**63 - 1)


def _ocsf(line: str, delivery: Delivery) -> None:
    event = delivery.event
    document = ocsf_reader.read(line)
    texts = {
        "message": _words.sentence(event),
        "device.hostname": event.sensor,
        "metadata.uid": event.event_id,
        "metadata.event_code": event.class_id,
        "metadata.correlation_uid": event.incident_id,
        "unmapped.maltrail.run_id": delivery.run_id,
    }
    for key in ("trail", "info", "reference", "type", "indicator", "observed", "where", "site"):
        texts["unmapped.maltrail." + key] = getattr(event, key)
    if event.http and not event.is_agent:
        texts["evidences.0.url.url_string"] = _words.url(event.http)
        texts["evidences.0.http_request.user_agent"] = event.http.user_agent
    if event.dns and not event.is_agent:
        texts["evidences.0.query.hostname"] = event.dns.question
    if event.tls and not event.is_agent:
        texts["evidences.0.tls.sni"] = event.tls.server_name
    for key, text in texts.items():
        assert ocsf_reader.at(document, key) == cleaned(text), key
    ours = "unmapped.maltrail."
    if event.tunnel:
        for key in ("type", "id", "source", "destination"):
            told = ocsf_reader.at(document, f"{ours}tunnel.{key}")
            assert told == cleaned(getattr(event.tunnel, key))
    assert ocsf_reader.at(document, ours + "seq") == delivery.seq
    assert ocsf_reader.at(document, "metadata.sequence") == delivery.seq
    assert ocsf_reader.at(document, ours + "total") == min(event.total, 2**63 - 1)
    if not event.is_agent:
        for name, side in (("src_endpoint", event.source), ("dst_endpoint", event.destination)):
            found = ocsf_reader.at(document, f"evidences.0.{name}.ip")
            told = [ipaddress.ip_address(str(found))] if found else []
            assert told == _addresses(side.address)
            port = ocsf_reader.at(document, f"evidences.0.{name}.port")
            assert (port or None) == (side.port or None)


_JUDGES: Mapping[str, Callable[[str, Delivery], None]] = {
    "cef": _cef,
    "leef": _leef,
    "maltrail": _maltrail,
    "maltrail-line": _columns,
    "ecs": _ecs,
    "ocsf": _ocsf,
    "csv": _csv,
}
