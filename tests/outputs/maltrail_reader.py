"""Read Maltrail's two spellings of an event: its JSON (rule O-7) and its log line (rule O-2)."""

import re
import unicodedata

from tests.outputs import json_reader

TWELVE = (
    "timestamp",
    "sensor",
    "severity",
    "src_ip",
    "src_port",
    "dst_ip",
    "dst_port",
    "proto",
    "type",
    "trail",
    "info",
    "reference",
)

OURS = {
    "time": str,
    "class": str,
    "severity_id": int,
    "indicator": str,
    "observed": str,
    "where": str,
    "sources": list,
    "direction": str,
    "outcome": str,
    "event_id": str,
    "incident_id": str,
    "run_id": str,
    "seq": int,
    "count": int,
    "total": int,
    "first": str,
    "last": str,
    "state": str,
    "set": str,
}
"""Keys that are always there, with their types."""

OPTIONAL = {
    "dns": dict,
    "http": dict,
    "tls": dict,
    "tunnel": dict,
    "vlan": list,
    "interface": str,
    "samples": list,
    "evidence": dict,
    "community_id": str,
    "src_name": str,
    "dst_name": str,
    "site": str,
    "tags": list,
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_ID = re.compile("[0-9a-f]{32}")


class MaltrailError(ValueError):
    """The line is not what a receiver of Maltrail reads."""


def read_json(line: str) -> dict[str, object]:
    """Return the document; raise MaltrailError where a key, its order or its type is another."""
    document = json_reader.read(line)
    if tuple(document)[:12] != TWELVE:
        raise MaltrailError(f"the first twelve keys are {[*document][:12]}")
    for key in TWELVE:
        _expect(document, key, int if key == "timestamp" else str)
    if document["severity"] not in ("low", "medium", "high"):
        raise MaltrailError(f"severity is {document['severity']!r}")
    for key, kind in OURS.items():
        _expect(document, key, kind)
    for key in {*document} - {*TWELVE, *OURS}:
        if key not in OPTIONAL:
            raise MaltrailError(f"{key} is no key of ours")
        _expect(document, key, OPTIONAL[key])
    for key in ("time", "first", "last"):
        if not TIME.fullmatch(str(document[key])):
            raise MaltrailError(f"{key} is {document[key]!r}")
    for key in ("event_id", "run_id"):
        if not _ID.fullmatch(str(document[key])):
            raise MaltrailError(f"{key} is {document[key]!r}")
    return document


def _expect(document: dict[str, object], key: str, kind: type) -> None:
    value = document.get(key)
    if key in ("src_port", "dst_port"):
        is_right = value == "-" or (type(value) is int and 0 <= value <= 65535)
    elif key == "trail" and document["type"] == "PORT":
        is_right = type(value) in (int, str)
    else:
        is_right = type(value) is kind
    if not is_right:
        raise MaltrailError(f"{key} is {value!r}")


def read_line(line: str) -> list[str]:
    """Return the eleven columns of a log line, as RFC 4180 with blanks in place of commas."""
    columns, rest = [], line
    while True:
        column, rest = _read_column(rest)
        columns.append(column)
        if not rest:
            break
        if rest[0] != " ":
            raise MaltrailError(f"no blank after a column: {rest[:20]!r}")
        rest = rest[1:]
    if len(columns) != 11:
        raise MaltrailError(f"{len(columns)} columns: {columns}")
    if not all(columns) or "CEF:" in line:
        raise MaltrailError(f"an empty column, or CEF: {line!r}")
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in line):
        raise MaltrailError(f"a control character: {line!r}")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", columns[0]):
        raise MaltrailError(f"the time is {columns[0]!r}")
    for port in (columns[3], columns[5]):
        if port != "-" and not (port.isdecimal() and 0 < int(port) <= 65535):
            raise MaltrailError(f"a port is {port!r}")
    return columns


def _read_column(text: str) -> tuple[str, str]:
    """Return the first column and what follows it."""
    if not text.startswith('"'):
        found = re.match(r'[^ "]*', text)
        end = found.end() if found else 0
        if text[end : end + 1] == '"':
            raise MaltrailError(f"a quote inside a bare column: {text[:40]!r}")
        return text[:end], text[end:]
    found = re.match(r'"((?:[^"]|"")*)"(?!")', text)
    if not found:
        raise MaltrailError(f"a quote that does not end: {text[:40]!r}")
    return found[1].replace('""', '"'), text[found.end() :]
