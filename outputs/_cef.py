"""ArcSight Common Event Format, through cefevent, with its silent drops made impossible.

Strategy: cefevent drops an over-long value whole, takes 0 for nothing under a short key, lets
control characters through and knows no IPv6 for src and dst. So every value is cleaned and cut to
the field's length here, set under the field's full name, and IPv6 goes to c6a2 and c6a3. What is
always the same, the labels of custom fields, is checked by the library once.
"""

from collections.abc import Iterator
from typing import NamedTuple

from cefevent import CEFEvent

from agent import __version__
from agent.model import Delivery, Endpoint, Event
from outputs import _words
from outputs._json import MAX_INTEGER
from outputs._text import LIMIT, clean

MAX_COUNT = 2**31 - 1
"""The largest `cnt` that the format takes."""

EVIDENCE = "evidence"
"""The label of `cs5` in events about the agent."""

_KEYS = """
    rt start end cnt dvchost deviceExternalId deviceInboundInterface src spt shost dst dpt c6a2 c6a3
    proto app cat act externalId cs1 cs2 cs3 cs4 cs5 cs6 cn1 cn2 flexString1 flexString2
    deviceDirection request requestMethod requestClientApplication dhost fileHash msg
"""
_LABELS = {
    "c6a2": "Source IPv6 Address",
    "c6a3": "Destination IPv6 Address",
    "cs1": "trail",
    "cs2": "info",
    "cs3": "reference",
    "cs4": "matchedIn",
    "cs5": "indicator",
    "cs6": "incidentId",
    "cn1": "total",
    "cn2": "seq",
    "flexString1": "runId",
    "flexString2": "trailSet",
}
_NAME_LENGTH = 512
_DIRECTIONS = {"inbound": "0", "outbound": "1"}

Field = tuple[str, str | int]


class _Spec(NamedTuple):
    """A field of the extension: its full name, its length, and its label where it has one."""

    full: str
    length: int
    label: tuple[str, str] | None


def _specs() -> dict[str, _Spec]:
    cef = CEFEvent(strict=True)

    def spec(key: str) -> _Spec:
        label = None
        if key in _LABELS:
            name: str = cef.get_field_metadata(key + "Label", "full_name")
            label = name, str(cef.set_field(name, _LABELS[key]))
        full: str = cef.get_field_metadata(key, "full_name")
        return _Spec(full, cef.get_field_metadata(key, "length") or LIMIT, label)

    specs = {key: spec(key) for key in _KEYS.split()}
    full, length, _ = specs["cs5"]
    label: str = cef.get_field_metadata("cs5Label", "full_name")
    # An event about the agent has no indicator, and more numbers than `msg` has room for.
    return {**specs, EVIDENCE: _Spec(full, length, (label, EVIDENCE))}


_SPECS = _specs()


class Cef:
    """Turns deliveries into lines; for one thread, because it reuses one CEFEvent.

    `errors` counts the fields that cefevent refused and that were therefore left out.
    """

    def __init__(self) -> None:
        self.errors = 0
        self._cef = CEFEvent(strict=True)
        self._cef.set_prefix("deviceVendor", "Maltrail")
        self._cef.set_prefix("deviceProduct", "maltrail-agent")
        self._cef.set_prefix("deviceVersion", __version__)

    def __call__(self, delivery: Delivery) -> str:
        """Return one line of CEF."""
        event, cef = delivery.event, self._cef
        cef.extensions = {}
        cef.set_prefix("signatureId", clean(event.class_id, _NAME_LENGTH))
        cef.set_prefix("name", clean(_words.name(event.class_id), _NAME_LENGTH))
        cef.set_prefix("severity", min(max(event.severity_id, 0), 10))
        for key, value in _fields(delivery):
            self._set(_SPECS[key], value)
        line: str = cef.build_cef()
        return line

    def _set(self, spec: _Spec, value: str | int) -> None:
        """Set a field and its label; nothing where the value is empty or refused."""
        if isinstance(value, str):
            value = clean(value.strip(), spec.length).strip()
            if not value:
                return
        try:
            self._cef.set_field(spec.full, value)
        except ValueError:
            self.errors += 1
            return
        if spec.label:
            label, text = spec.label
            self._cef.extensions[label] = text


def _fields(delivery: Delivery) -> list[Field]:
    """Return the extension's keys and values in the order of CONTRACT section 4."""
    event = delivery.event
    return [
        ("rt", event.time_us // 1000),
        ("start", (event.first_us or event.time_us) // 1000),
        ("end", (event.last_us or event.time_us) // 1000),
        ("cnt", min(event.count, MAX_COUNT)),
        ("dvchost", event.sensor),
        ("deviceExternalId", event.sensor),
        ("deviceInboundInterface", event.interface),
        *_side(event.source, "src", "spt", "c6a2"),
        ("shost", event.source_name),
        *_side(event.destination, "dst", "dpt", "c6a3"),
        ("dhost", event.destination_name),  # what the client calls it, where it does, comes later
        ("proto", event.protocol),
        ("app", _words.application(event)),
        ("cat", event.type),
        ("act", "detected"),
        ("externalId", event.event_id),
        ("cs1", event.trail),
        ("cs2", event.info),
        ("cs3", event.reference),
        ("cs4", event.where),
        (EVIDENCE, _words.evidence(event)) if event.is_agent else ("cs5", event.indicator),
        ("cs6", event.incident_id),
        ("cn1", min(event.total, MAX_INTEGER)),
        ("cn2", delivery.seq),
        ("flexString1", delivery.run_id),
        ("flexString2", event.set),
        ("deviceDirection", "" if event.is_agent else _DIRECTIONS.get(event.direction, "")),
        *_decoded(event),
        ("msg", _words.sentence(event)),
    ]


def _side(side: Endpoint, address: str, port: str, custom: str) -> Iterator[Field]:
    """Yield one side of the packet; src and dst are IPv4 only in the format, without zones."""
    if ":" in side.address:
        yield custom, side.address.partition("%")[0]
    else:
        yield address, side.address
    if side.port is not None:
        yield port, side.port


def _decoded(event: Event) -> Iterator[Field]:
    """Yield what the protocols' parsers found."""
    if event.http:
        yield "request", _words.url(event.http)
        yield "requestMethod", event.http.method
        yield "requestClientApplication", event.http.user_agent
        yield "dhost", event.http.host
    if event.tls:
        yield "dhost", event.tls.server_name
        yield "fileHash", event.tls.certificate_sha256 or event.tls.certificate_sha1
