"""Read LEEF 2.0 as strictly as QRadar could, sharing no code with the writer.

Source: IBM Security QRadar, "Log Event Extended Format (LEEF) version 2", sections "LEEF event
components" and "Predefined LEEF event attributes".
"""

import re

PORTS = ("srcPort", "dstPort")
NUMBERS = ("devTime", "sev", "seq", "count", "total", "start", "end", *PORTS)
LIMIT = 4000

_HEADER = re.compile(r"LEEF:2\.0\|([^|]+)\|([^|]+)\|([^|]+)\|([^|]+)\|\^\|(.*)", re.DOTALL)
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9]*")


class LeefError(ValueError):
    """The line is no LEEF that QRadar reads as it was meant."""


def read(line: str) -> tuple[str, dict[str, str]]:
    """Return class and attributes; raise LeefError."""
    found = _HEADER.fullmatch(line)
    if found is None:
        raise LeefError("no LEEF 2.0 header with a caret as delimiter")
    if found[1] != "Maltrail" or found[2] != "maltrail-agent":
        raise LeefError(f"another product: {found[1]} {found[2]}")
    fields: dict[str, str] = {}
    for pair in found[5].split("^"):
        key, equals, value = pair.partition("=")
        if not equals or not _KEY.fullmatch(key):
            raise LeefError(f"no attribute: {pair!r}")
        if key in fields:
            raise LeefError(f"twice: {key}")
        if not value or len(value) > LIMIT or value != value.strip():
            raise LeefError(f"{key}: empty, too long or padded")
        fields[key] = value
    _check(fields)
    return found[4], fields


def _check(fields: dict[str, str]) -> None:
    for key in NUMBERS:
        if key in fields and not (fields[key].isascii() and fields[key].isdecimal()):
            raise LeefError(f"{key}: no number")
    if not 1 <= int(fields["sev"]) <= 10:
        raise LeefError("sev: not from 1 to 10")
    for key in PORTS:
        if int(fields.get(key, "0")) > 65535:
            raise LeefError(f"{key}: no port")
    if "devTime" not in fields:
        raise LeefError("no devTime")
