"""The eleven columns of Maltrail's own log (rule O-2), with times in UTC."""

from agent.model import Delivery
from outputs._json import rfc3339
from outputs._text import clean


def render(delivery: Delivery) -> str:
    """Return one line, its columns separated by blanks and quoted as CSV where they need it."""
    event = delivery.event
    time = rfc3339(event.time_us).replace("T", " ").removesuffix("Z")
    columns = (
        time,
        event.sensor,
        event.source.address,
        event.source.port,
        event.destination.address,
        event.destination.port,
        event.protocol,
        event.type,
        event.trail,
        event.info,
        event.reference,
    )
    return " ".join(_column(column) for column in columns)


def _column(value: str | int | None) -> str:
    """Return one column: nothing and port 0 as `-`, quoted where a blank or a quote is in it."""
    text = clean(str(value)) if value else "-"
    if " " in text or '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return text or "-"
