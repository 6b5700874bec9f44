"""ArcSight Common Event Format, through cefevent, with its silent drops made impossible.

Strategy: cefevent drops an over-long value whole, takes 0 for nothing under a short key, lets
control characters through and knows no IPv6 for src and dst. So every value is cleaned and cut to
the field's length here, set under the field's full name, and IPv6 goes to c6a2 and c6a3.
"""

import ipaddress
from collections.abc import Iterator

from cefevent import CEFEvent

from agent import __version__
from agent.model import Delivery, Endpoint, Event
from outputs import _words
from outputs._text import LIMIT, clean

MAX_COUNT = 2**31 - 1
"""The largest `cnt` that the format takes."""

_KEYS = """
    rt start end cnt dvchost deviceExternalId deviceInboundInterface src spt dst dpt
    c6a2 c6a2Label c6a3 c6a3Label proto app cat act externalId cs1 cs1Label cs2 cs2Label
    cs3 cs3Label cs4 cs4Label cs5 cs5Label cs6 cs6Label cn1 cn1Label cn2 cn2Label
    flexString1 flexString1Label flexString2 flexString2Label deviceDirection request
    requestMethod requestClientApplication dhost fileHash msg
"""
_known = CEFEvent()
_FULL: dict[str, str] = {key: _known.get_field_metadata(key, "full_name") for key in _KEYS.split()}
_LENGTH: dict[str, int] = {key: _known.get_field_metadata(key, "length") for key in _KEYS.split()}
_NAME_LENGTH = 512
_DIRECTIONS = {"inbound": "0", "outbound": "1"}

Field = tuple[str, str | int]


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
        event = delivery.event
        self._cef.extensions = {}
        self._cef.set_prefix("signatureId", clean(event.class_id, _NAME_LENGTH))
        self._cef.set_prefix("name", clean(_words.name(event.class_id), _NAME_LENGTH))
        self._cef.set_prefix("severity", min(max(event.severity_id, 0), 10))
        for key, value in _fields(delivery):
            self._set(key, value)
        line: str = self._cef.build_cef()
        return line

    def _set(self, key: str, value: str | int) -> None:
        if key.endswith("Label") and _FULL[key.removesuffix("Label")] not in self._cef.extensions:
            return
        if isinstance(value, str):
            value = clean(value.strip(), _LENGTH[key] or LIMIT).strip()
            if not value:
                return
        try:
            self._cef.set_field(_FULL[key], value)
        except ValueError:
            self.errors += 1


def _fields(delivery: Delivery) -> Iterator[Field]:
    """Yield the extension's keys and values in the order of CONTRACT section 4."""
    event = delivery.event
    yield "rt", event.time_us // 1000
    yield "start", (event.first_us or event.time_us) // 1000
    yield "end", (event.last_us or event.time_us) // 1000
    yield "cnt", min(event.count, MAX_COUNT)
    yield "dvchost", event.sensor
    yield "deviceExternalId", event.sensor
    yield "deviceInboundInterface", event.interface
    yield from _side(event.source, "src", "spt", "c6a2", "Source IPv6 Address")
    yield from _side(event.destination, "dst", "dpt", "c6a3", "Destination IPv6 Address")
    yield "proto", event.protocol
    yield "app", _words.application(event)
    yield "cat", event.type
    yield "act", "detected"
    yield "externalId", event.event_id
    yield from _labelled("cs1", "trail", event.trail)
    yield from _labelled("cs2", "info", event.info)
    yield from _labelled("cs3", "reference", event.reference)
    yield from _labelled("cs4", "matchedIn", event.where)
    yield from _labelled("cs5", "indicator", event.indicator)
    yield from _labelled("cs6", "incidentId", event.incident_id)
    yield from _labelled("cn1", "total", event.total)
    yield from _labelled("cn2", "seq", delivery.seq)
    yield from _labelled("flexString1", "runId", delivery.run_id)
    yield from _labelled("flexString2", "trailSet", event.set)
    yield "deviceDirection", "" if event.is_agent else _DIRECTIONS.get(event.direction, "")
    yield from _decoded(event)
    yield "msg", _words.sentence(event)


def _side(side: Endpoint, address: str, port: str, custom: str, label: str) -> Iterator[Field]:
    """Yield one side of the packet; src and dst are IPv4 only in the format."""
    if _is_ipv6(side.address):
        yield from _labelled(custom, label, side.address)
    else:
        yield address, side.address
    if side.port is not None:
        yield port, side.port


def _is_ipv6(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).version == 6
    except ValueError:
        return ":" in address


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


def _labelled(key: str, label: str, value: str | int) -> Iterator[Field]:
    """Yield a custom field and then its label, which is only set where the value was."""
    yield key, value
    yield key + "Label", label
