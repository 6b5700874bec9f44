"""IBM's Log Event Extended Format 2.0, as QRadar reads it without a parser of one's own.

Strategy: attributes are separated by carets. The format's default, a tab, is no choice: rsyslog
writes it as `#011` unless told otherwise. Nothing can be escaped, so that a caret in a value is
written `%5E`. Predefined keys carry what QRadar knows; ours keep the names that they have in CEF.
Source: IBM Security QRadar, "Log Event Extended Format (LEEF) version 2".
"""

from collections.abc import Iterator

from agent import __version__
from agent.model import Delivery, Endpoint, Event
from outputs import _words
from outputs._json import MAX_INTEGER
from outputs._text import clean

HEADER = f"LEEF:2.0|Maltrail|maltrail-agent|{__version__}|"
DELIMITER = "^"
_CLASS_LENGTH = 512

Field = tuple[str, str | int]


def render(delivery: Delivery) -> str:
    """Return one line of LEEF."""
    event = delivery.event
    class_id = clean(event.class_id, _CLASS_LENGTH).replace("|", "-")
    written = (f"{key}={text}" for key, text in map(_written, _fields(delivery)) if text)
    return f"{HEADER}{class_id}|{DELIMITER}|" + DELIMITER.join(written)


def _written(field: Field) -> tuple[str, str]:
    key, value = field
    if not isinstance(value, str):
        return key, str(value)
    return key, clean(value.strip().replace(DELIMITER, "%5E")).strip()


def _fields(delivery: Delivery) -> Iterator[Field]:
    """Yield predefined attributes, what proves delivery, and only then what the wire fills."""
    event = delivery.event
    yield "devTime", event.time_us // 1000
    yield "cat", event.type
    yield "sev", min(max(event.severity_id, 1), 10)
    yield from _side(event.source, "src", "srcPort")
    yield from _side(event.destination, "dst", "dstPort")
    yield "proto", event.protocol
    yield "name", _words.name(event.class_id)
    yield "sensor", event.sensor
    yield "interface", event.interface
    yield "externalId", event.event_id
    yield "incidentId", event.incident_id
    yield "runId", delivery.run_id
    yield "seq", delivery.seq
    yield "start", (event.first_us or event.time_us) // 1000
    yield "end", (event.last_us or event.time_us) // 1000
    yield "count", min(event.count, MAX_INTEGER)
    yield "total", min(event.total, MAX_INTEGER)
    yield "state", event.state
    yield "trail", event.trail
    yield "info", event.info
    yield "reference", event.reference
    yield "matchedIn", event.where
    yield "indicator", event.indicator
    yield "observed", event.observed
    yield "trailSet", event.set
    yield from _judged(event)
    yield "msg", _words.sentence(event)


def _judged(event: Event) -> Iterator[Field]:
    """Yield what only events about traffic have, or only those about the agent."""
    if event.is_agent:
        yield "evidence", _words.evidence(event)
        return
    yield "direction", event.direction
    yield "outcome", event.outcome
    if event.http:
        yield "url", _words.url(event.http)
        yield "method", event.http.method
        yield "userAgent", event.http.user_agent
    if event.dns:
        yield "query", event.dns.question
    if event.tls:
        yield "serverName", event.tls.server_name
        yield "certificateHash", event.tls.certificate_sha256 or event.tls.certificate_sha1


def _side(side: Endpoint, address: str, port: str) -> Iterator[Field]:
    """Yield one side of the packet, without the zone, which the format does not know."""
    yield address, side.address.partition("%")[0]
    if side.port is not None:
        yield port, side.port
