"""What a line of each format costs beside the library that makes it, on the same content.

Strategy: the line of ours is read back, and the library is given exactly its fields, ready made:
one reused `CEFEvent(strict=True)` by full names, one `JsonFormatter([])` on a reused record. What
ours costs beyond it is building the fields from the event and cleaning them. Both run in turns,
and neighbours are divided before the median is taken.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
from cefevent import CEFEvent
from pythonjsonlogger.json import JsonFormatter

from agent.model import Delivery, Dns, Endpoint, Event, Http, Source, Tls
from bench.pairs import Spread, spread
from outputs import _formats

TARGET = 1.5
"""What a line may cost in units of the library's."""

ROUNDS = 200
"""Lines in one measurement: long against the clock, short against other programs."""

_DNS = Event(
    class_id="trail-domain",
    sensor="sensor1.example.org",
    time_us=1_700_000_001_000_007,
    severity="high",
    severity_id=10,
    type="DNS",
    trail="(www).evil.example",
    info="asyncrat (malware)",
    reference="https://urlhaus.example/browse/tag/asyncrat/",
    event_id="a" * 32,
    incident_id="b" * 32,
    source=Endpoint("10.0.0.5", 40000),
    destination=Endpoint("192.0.2.53", 53),
    protocol="UDP",
    indicator="evil.example",
    observed="www.evil.example",
    where="dns.question",
    sources=(Source("static"), Source("urlhaus", "2026-01-02", "2026-02-03")),
    direction="outbound",
    dns=Dns(question="www.evil.example", type="A"),
    interface="eth0",
    count=3,
    total=7,
    first_us=1_700_000_000_000_000,
    last_us=1_700_000_002_500_000,
    state="update",
    set="0123456789ab",
    community_id="1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
    site="berlin",
    tags=("dmz",),
)
_HTTP = Event(
    class_id="trail-url",
    sensor="sensor1.example.org",
    time_us=1_700_000_001_000_007,
    severity="medium",
    severity_id=6,
    type="URL",
    trail="evil.example(/gate.php)",
    info="phishing",
    reference="openphish.example",
    event_id="a" * 32,
    incident_id="b" * 32,
    source=Endpoint("2001:db8::5", 40000),
    destination=Endpoint("2001:db8:1::9", 80),
    protocol="TCP",
    indicator="evil.example/gate.php",
    observed="evil.example/gate.php?id=4711&user=ä",
    where="http.url",
    sources=(Source("openphish", "2026-01-02", "2026-02-03"),),
    direction="outbound",
    outcome="answered",
    http=Http(
        method="GET",
        url="evil.example/gate.php?id=4711&user=ä",
        host="evil.example",
        user_agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36",
    ),
    interface="eth0",
    first_us=1_700_000_001_000_007,
    last_us=1_700_000_001_000_007,
    state="open",
    set="0123456789ab",
    community_id="1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
)
_TLS = Event(
    class_id="trail-certificate",
    sensor="sensor1.example.org",
    time_us=1_700_000_001_000_007,
    severity="medium",
    severity_id=8,
    type="IP",
    trail="192.0.2.9",
    info="c2 cert",
    reference="sslbl.example",
    event_id="a" * 32,
    incident_id="b" * 32,
    source=Endpoint("192.0.2.9", 443),
    destination=Endpoint("10.0.0.5", 40000),
    protocol="TCP",
    indicator="ab" * 20,
    observed="ab" * 20,
    where="tls.certificate",
    sources=(Source("sslbl", "2026-01-02", "2026-02-03"),),
    direction="outbound",
    outcome="answered",
    tls=Tls(server_name="evil.example", version="1.2", certificate_sha1="ab" * 20),
    interface="eth0",
    first_us=1_700_000_001_000_007,
    last_us=1_700_000_001_000_007,
    state="open",
    set="0123456789ab",
    community_id="1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
)

_FLOOD = msgspec.structs.replace(
    _DNS,
    dns=Dns(
        question="www.evil.example",
        type="A",
        response_code="NOERROR",
        answers=tuple(f"192.0.2.{number}" for number in range(10)),
        response=True,
    ),
    samples=tuple(f"{number:040x}.{'a1b2c3d4' * 15}.evil.example" for number in range(10)),
    evidence={"names": 4711, "seconds": 60.5},
)

EVENTS: Mapping[str, Event] = {"dns": _DNS, "http": _HTTP, "certificate": _TLS, "flood": _FLOOD}

NAMES: tuple[_formats.Name, ...] = ("cef", "maltrail", "ecs")

_KEY = re.compile(r"(?:^| )([A-Za-z0-9]+)=((?:[^=\\]|\\.)*)(?= [A-Za-z0-9]+=|$)")
_ESCAPED = re.compile(r"\\(.)")


class FormatCost(NamedTuple):
    """Microseconds a line, ours and the library's, and the one in units of the other."""

    format: str
    event: str
    bytes: int
    ours_us: Spread
    library_us: Spread
    ratio: Spread


def measure(pairs: int) -> list[FormatCost]:
    """Measure every format with a library behind it on every kind of event."""
    return [_cost(name, kind, event, pairs) for name in NAMES for kind, event in EVENTS.items()]


def to_json(costs: list[FormatCost]) -> str:
    """Return one JSON object."""
    rows = [
        {key: value._asdict() if isinstance(value, Spread) else value for key, value in row.items()}
        for row in (cost._asdict() for cost in costs)
    ]
    return json.dumps({"formats": rows, "target_ratio": TARGET})


def to_text(costs: list[FormatCost]) -> str:
    """Return a table for people."""
    head = ("ours", "library", "ratio", "least", "most", "target")
    lines = [
        "microseconds a line; library = cefevent or python-json-logger alone on the same fields",
        f"{'format':10}{'event':13}{'bytes':>7}" + "".join(f"{name:>9}" for name in head),
    ]
    lines += [
        f"{cost.format:10}{cost.event:13}{cost.bytes:7}{cost.ours_us.median:9.1f}"
        f"{cost.library_us.median:9.1f}{cost.ratio.median:9.2f}{cost.ratio.least:9.2f}"
        f"{cost.ratio.most:9.2f}{TARGET:9.1f}"
        for cost in costs
    ]
    return "\n".join(lines)


def _cost(name: _formats.Name, kind: str, event: Event, pairs: int) -> FormatCost:
    render = _formats.make(name)
    delivery = Delivery(event=event, run_id="c" * 32, seq=1)
    line = render(delivery)
    library = _cef(line) if name == "cef" else _json(line)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(pairs):
        ours.append(_time(lambda: render(delivery)))
        theirs.append(_time(library))
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    size = len(line.encode())
    return FormatCost(name, kind, size, spread(ours), spread(theirs), spread(ratios))


def _time(call: Callable[[], object]) -> float:
    """Return microseconds of processor time a call."""
    started = time.thread_time_ns()
    for _ in range(ROUNDS):
        call()
    return (time.thread_time_ns() - started) / ROUNDS / 1000


def _cef(line: str) -> Callable[[], str]:
    """Return what makes the fields of `line` into a line again with cefevent alone."""
    cef = CEFEvent(strict=True)
    *header, extension = line.split("|", 7)
    fields: list[tuple[str, str | int]] = []
    for match in _KEY.finditer(extension):
        text = _ESCAPED.sub(r"\1", match[2])
        types = cef.get_field_metadata(match[1], "data_type")
        value: str | int = int(text) if "String" not in types and text.isdecimal() else text
        fields.append((cef.get_field_metadata(match[1], "full_name"), value))
    for prefix, text in zip(
        ("deviceVendor", "deviceProduct", "deviceVersion"), header[1:4], strict=True
    ):
        cef.set_prefix(prefix, text)

    def build() -> str:
        cef.extensions = {}
        cef.set_prefix("signatureId", header[4])
        cef.set_prefix("name", header[5])
        cef.set_prefix("severity", header[6])
        for key, value in fields:
            cef.set_field(key, value)
        built: str = cef.build_cef()
        return built

    if build() != line:
        raise ValueError(f"the library makes another line of the fields: {build()} and not {line}")
    return build


def _json(line: str) -> Callable[[], str]:
    """Return what writes the document of `line` with python-json-logger alone."""
    formatter = JsonFormatter([])
    record = logging.makeLogRecord({"msg": json.loads(line)})
    return lambda: formatter.format(record)
