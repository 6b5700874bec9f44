"""Our events in what a receiver stored, whatever it put around them.

The formats are those of CONTRACT section 4; only what proves delivery is read. A line may hold
several events (octet-counted dumps have no line ends).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

CEF = re.compile(r"CEF:0\|Maltrail\|maltrail-agent\|[^|]*\|([a-z0-9_-]+)\|")
EXTENSION = re.compile(r"(?:^|[| ])(deviceExternalId|externalId|flexString1|cn2)=(\S+)")
LEEF = re.compile(r"LEEF:2\.0\|Maltrail\|maltrail-agent\|[^|]*\|([a-z0-9_-]+)\|\^\|")
ATTRIBUTE = re.compile(r"(?:^|[|^])(sensor|externalId|runId|seq)=([^^]+)")
ROW = re.compile(
    r'"\d{4}-\d\d-\d\dT[0-9:.]+Z","((?:[^"]|"")*)","([0-9a-f]*)",(\d+),"([0-9a-f]*)","([a-z0-9_-]+)",'
)
"""The first columns of our CSV: time, sensor, run, number, event, class."""
COLUMNS = re.compile(r'(?:^|[ >])"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}" \S+ \S+ \S+ \S+ \S+ ')
TEXTS = ("message", "_raw")
DOCUMENTS = ("_source", "event", "result")
"""Where shippers, Splunk and Elasticsearch keep what they received: as a text, as a document."""
MAX_DEPTH = 3

_decoder = json.JSONDecoder()


class Received(NamedTuple):
    """One event as it arrived."""

    sensor: str
    run_id: str
    seq: int
    event_id: str
    class_id: str


def read(line: str) -> Iterator[Received]:
    """Yield the events of a line; none where it holds none that proves anything."""
    yield from _read(line, 0)


def _read(line: str, depth: int) -> Iterator[Received]:
    for header, reader in ((CEF, _cef), (LEEF, _leef), (ROW, _row)):
        starts = [found.start() for found in header.finditer(line)]
        if starts:
            for start, end in zip(starts, [*starts[1:], len(line)], strict=True):
                yield from reader(line[start:end])
            return
    yield from _documents(line, depth)


def is_unnumbered(line: str) -> bool:
    """Tell whether a line is one of Maltrail's own, which have no room for a number."""
    return COLUMNS.search(line) is not None


def _cef(text: str) -> Iterator[Received]:
    found = CEF.match(text)
    # A value's own equals sign is escaped, so that no value can pretend to be one of these.
    values: dict[str, str] = {}
    for key, value in EXTENSION.findall(text):
        values.setdefault(key, value)
    if found and values.get("cn2", "").isdecimal():
        yield Received(
            values.get("deviceExternalId", ""),
            values.get("flexString1", ""),
            int(values["cn2"]),
            values.get("externalId", ""),
            found[1],
        )


def _row(text: str) -> Iterator[Received]:
    found = ROW.match(text)
    if found:
        sensor = found[1].replace('""', '"').removeprefix("'")
        yield Received(sensor, found[2], int(found[3]), found[4], found[5])


def _leef(text: str) -> Iterator[Received]:
    found = LEEF.match(text)
    # The first of a name counts: ours stand before what the wire fills.
    values: dict[str, str] = {}
    for key, value in ATTRIBUTE.findall(text):
        values.setdefault(key, value)
    if found and values.get("seq", "").isdecimal():
        yield Received(
            values.get("sensor", ""),
            values.get("runId", ""),
            int(values["seq"]),
            values.get("externalId", ""),
            found[1],
        )


def _documents(line: str, depth: int) -> Iterator[Received]:
    at = line.find("{")
    while at >= 0:
        try:
            document, end = _decoder.raw_decode(line, at)
        except (ValueError, RecursionError):
            return
        yield from _document(document, depth)
        at = line.find("{", end)


def _document(document: object, depth: int) -> Iterator[Received]:
    if not isinstance(document, dict) or depth > MAX_DEPTH:
        return
    event, ours = _mapping(document, "event"), _mapping(document, "maltrail")
    unmapped = _mapping(_mapping(document, "unmapped"), "maltrail")
    if "run_id" in document:
        yield from _made(document, document, "sensor", "event_id", "class")
    elif "run_id" in ours:
        named = {**ours, "sensor": _mapping(document, "observer").get("name"), **event}
        yield from _made(named, ours, "sensor", "id", "code")
    elif "run_id" in unmapped:
        device, about = _mapping(document, "device"), _mapping(document, "metadata")
        named = {**about, "sensor": device.get("hostname")}
        yield from _made(named, unmapped, "sensor", "uid", "event_code")
    else:
        yield from _inner(document, depth + 1)


def _inner(document: Mapping[str, object], depth: int) -> Iterator[Received]:
    """Yield the event of the first place that holds one."""
    for text in (*map(document.get, TEXTS), _mapping(document, "event").get("original")):
        if isinstance(text, str) and _may_be_ours(text):
            for received in _read(text, depth):
                yield received
                return
    for key in DOCUMENTS:
        for received in _document(document.get(key), depth):
            yield received
            return


def _made(
    named: Mapping[str, object], ours: Mapping[str, object], sensor: str, event_id: str, code: str
) -> Iterator[Received]:
    seq = ours.get("seq")
    if isinstance(seq, int) and not isinstance(seq, bool) and seq > 0:
        yield Received(
            str(named.get(sensor, "")),
            str(ours.get("run_id", "")),
            seq,
            str(named.get(event_id, "")),
            str(named.get(code, "")),
        )


def _may_be_ours(text: str) -> bool:
    return any(mark in text for mark in ("run_id", "CEF:0|", "LEEF:2.0|")) or bool(ROW.search(text))


def _mapping(document: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}
