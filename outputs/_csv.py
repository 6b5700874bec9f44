"""One line of comma-separated values an event (RFC 4180), for spreadsheets and simple importers."""

import csv
import io

from agent.model import Delivery
from outputs._json import number, rfc3339
from outputs._text import clean

COLUMNS = (
    *("time", "sensor", "run_id", "seq", "event_id", "class", "severity_id", "severity"),
    *("src_ip", "src_port", "dst_ip", "dst_port", "proto", "type", "trail", "info", "reference"),
    *("indicator", "observed", "where", "direction", "outcome", "count", "total", "state"),
    *("incident_id", "set", "interface"),
)
HEADER = ",".join(COLUMNS)
_MARKED = ("=", "+", "-", "@", "'")
"""What makes spreadsheets compute a value instead of showing it, and the mark against that."""

Value = str | int | None


def render(delivery: Delivery) -> str:
    """Return one line in the order of COLUMNS; what does not apply is empty."""
    event = delivery.event
    values: tuple[Value, ...] = (
        rfc3339(event.time_us),
        event.sensor,
        delivery.run_id,
        delivery.seq,
        event.event_id,
        event.class_id,
        event.severity_id,
        event.severity,
        event.source.address,
        event.source.port,
        event.destination.address,
        event.destination.port,
        event.protocol,
        event.type,
        event.trail,
        event.info,
        event.reference,
        event.indicator,
        event.observed,
        event.where,
        event.direction,
        event.outcome,
        number(event.count),
        number(event.total),
        event.state,
        event.incident_id,
        event.set,
        event.interface,
    )
    out = io.StringIO()
    # Quoted texts: a line that begins with a digit would be taken for an octet count over TCP.
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="")
    writer.writerow([_told(value) for value in values])
    return out.getvalue()


def _told(value: Value) -> str | int:
    if not isinstance(value, str):
        return "" if value is None else value
    text = clean(value)
    return f"'{text}" if text.lstrip().startswith(_MARKED) else text
