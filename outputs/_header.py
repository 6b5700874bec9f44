"""The syslog header of an event: RFC 5424, RFC 3164 or none."""

import ipaddress
import os
import re
from functools import lru_cache
from typing import Literal

from agent.model import Event
from outputs._json import rfc3339
from outputs._text import clean

APP_NAME = "maltrail-agent"

Style = Literal["rfc5424", "rfc3164", "bare"]
Facility = Literal[
    "user",
    "daemon",
    "auth",
    "authpriv",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
]

_FACILITIES = {"user": 1, "daemon": 3, "auth": 4, "authpriv": 10} | {
    f"local{n}": 16 + n for n in range(8)
}
_PROCESS = os.getpid()
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
# A blank ends the field, `|` and `CEF:` end the header for the CEF codecs of Logstash and Elastic.
_UNFIT = re.compile(r"[^A-Za-z0-9._:%-]")


def header(event: Event, style: Style, facility: Facility) -> str:
    """Return what stands before the message, with the blank at its end; nothing for `bare`.

    Times are UTC. RFC 3164 has no field for a zone, year or fraction: prefer RFC 5424.
    """
    if style == "bare":
        return ""
    before, behind = _around(event.sensor, event.class_id, event.severity_id, style, facility)
    time = rfc3339(event.time_us)
    if style == "rfc3164":
        start, day = 3 * (int(time[5:7]) - 1), int(time[8:10])
        time = f"{_MONTHS[start : start + 3]} {day:2d} {time[11:19]}"
    return f"{before}{time}{behind}"


@lru_cache(maxsize=256)  # sensors, classes and severities come again and again
def _around(
    sensor: str, class_id: str, severity_id: int, style: Style, facility: Facility
) -> tuple[str, str]:
    """Return what stands before the time and behind it."""
    priority = _FACILITIES[facility] * 8 + severity(severity_id)
    host = _host(sensor)
    if style == "rfc5424":
        message_id = _field(class_id, 32)
        return f"<{priority}>1 ", f" {host} {APP_NAME} {_PROCESS} {message_id} - "
    return f"<{priority}>", f" {host} {APP_NAME}[{_PROCESS}]: "


def severity(severity_id: int) -> int:
    """Return syslog's severity for ours; never `emerg`, which would be told to every terminal."""
    if severity_id >= 9:
        return 2
    if severity_id >= 7:
        return 3
    if severity_id >= 4:
        return 4
    return 5 if severity_id == 3 else 6


def _host(sensor: str) -> str:
    """Return a name or an address; syslog-ng refuses the line for a colon in any other word."""
    host = _field(sensor.rstrip("."), 255)
    if ":" not in host:
        return host
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.replace(":", "-")


def _field(text: str, length: int) -> str:
    """Return printable ASCII without what ends a field, or the nil value."""
    return _UNFIT.sub("-", clean(text, length))[:length] or "-"
