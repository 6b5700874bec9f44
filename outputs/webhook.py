"""One HTTP request an event, in words that a template gives: chat rooms, ticket systems, scripts.

A person reads there, so the same incident is told once in a while only. What is held back for that
is counted; complete records are for outputs that number their events.
"""

import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from string import Template

from agent.link import Flow
from agent.model import Delivery
from outputs import Counts, Finding, Interrupted, Rate, Rejected, _formats, _http, _tls
from outputs._words import sentence

DEFAULT = '{"text": "$sensor: $info ($severity_id) $trail, $src_ip to $dst_ip $dst_port"}'
"""What Slack, Mattermost, Rocket.Chat and Teams' workflows take."""

MAX_REMEMBERED = 65_536
"""Incidents whose last telling is remembered; of the oldest one may be told again early."""

RATE, BURST = 1.0, 20
"""Events a second: what chat services take for long, and what a person can read at once."""

_REFUSED = frozenset({400, 413, 422})
"""Answers that blame the event itself."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_DURATION = re.compile(r"(\d+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

Clock = Callable[[], float]


class Config(_http.Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an output of type webhook.

    `template` is the body: `$name` stands for a key of format maltrail (`$message` for a whole
    sentence), escaped for JSON. `headers_file` holds `Name: value` lines that are secret.
    """

    template: str = DEFAULT
    content_type: str = "application/json"
    headers_file: str | None = None
    repeat: str = "1h"
    rate: float = RATE
    burst: int = BURST

    def __post_init__(self) -> None:
        """Refuse what could never be sent; raise ValueError."""
        self.check()
        if not self.rate > 0 or self.burst < 1:
            raise ValueError("rate, burst: expected more than 0 and at least 1")
        seconds(self.repeat)
        unknown = set(Template(self.template).get_identifiers()) - FIELDS
        if unknown or not Template(self.template).is_valid():
            named = ", ".join(f"${name}" for name in sorted(unknown)) or "a $ that is none"
            raise ValueError(f"template: {named}: expected {', '.join(sorted(FIELDS))}, or $$")


def seconds(text: str) -> int:
    """Return a duration such as 90s, 5m, 1h or 7d in seconds; raise ValueError."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"repeat: expected a duration such as 90s, 5m, 1h or 7d, found {text!r}")
    return int(found[1]) * _SECONDS[found[2]]


class Output:
    """Sends one by one; belongs to one thread."""

    def __init__(self, config: Config, clock: Clock = time.monotonic) -> None:
        """Check the URL; raise ValueError."""
        self.counts = Counts()
        self.rate: Rate | None = Rate(config.rate, config.burst)
        self.wants_journal = True
        headers = (Path(config.headers_file),) if config.headers_file else ()
        self.files: tuple[Path, ...] = (*_tls.files(config), *headers)
        self._config = config
        self._clock = clock
        self._repeat = seconds(config.repeat)
        self._template = Template(config.template)
        self._told: OrderedDict[str, float] = OrderedDict()
        self._headers: dict[str, str] = {}
        self._client = _http.Client(config)

    def open(self) -> None:
        """Connect, with the headers read anew; raise OSError."""
        self._headers = {"Content-Type": self._config.content_type}
        if self._config.headers_file:
            self._headers |= _headers(self._config.headers_file)
        self._client.open()

    def write(self, deliveries: Sequence[Delivery]) -> None:
        """Send each that was not told of late; raise Rejected, Interrupted or OSError."""
        refused: list[int] = []
        for index, delivery in enumerate(deliveries):
            if self._is_repeated(delivery):
                self.counts.repeated += 1
                continue
            try:
                is_taken = self._send(delivery)
            except OSError as error:
                if index and not refused:
                    raise Interrupted(index, str(error)) from error
                raise
            if is_taken:
                self._remember(delivery)
            else:
                refused.append(index)
        if refused:
            raise Rejected(refused, "rejected")

    def unconfirmed(self) -> int | None:
        """Return None: the answer is all that can be known."""
        return None

    def close(self) -> None:
        """Close the connection; what was told stays remembered."""
        self._client.close()

    @property
    def on_flows(self) -> Callable[[], None]:
        """The runner's, called whenever `flows` changes."""
        return self._client.on_flows

    @on_flows.setter
    def on_flows(self, call: Callable[[], None]) -> None:
        self._client.on_flows = call

    def flows(self) -> tuple[Flow, ...]:
        """Return the connected socket."""
        return self._client.flows()

    def inspect(self, now: datetime, connect: bool) -> Iterator[Finding]:
        """Yield what is right and wrong with headers, certificate and receiver."""
        if self._config.headers_file:
            yield from _header_findings(self._config.headers_file)
        yield from self._client.inspect(now, connect)

    def _send(self, delivery: Delivery) -> bool:
        """Send one; return whether it was taken; raise OSError where it may be later."""
        body = self._template.substitute(_fields(delivery)).encode()
        answer = self._client.post(body, self._headers)
        if 200 <= answer.status < 300:
            self.counts.bytes += len(body)
            return True
        if answer.status in _REFUSED:
            return False
        raise OSError(answer.summary)

    def _is_repeated(self, delivery: Delivery) -> bool:
        last = self._told.get(_key(delivery))
        return last is not None and self._clock() - last < self._repeat

    def _remember(self, delivery: Delivery) -> None:
        key = _key(delivery)
        self._told.pop(key, None)
        self._told[key] = self._clock()
        if len(self._told) > MAX_REMEMBERED:
            self._told.popitem(last=False)


FIELDS = frozenset(
    {
        *("timestamp", "sensor", "severity", "src_ip", "src_port", "dst_ip", "dst_port", "proto"),
        *("type", "trail", "info", "reference", "time", "class", "severity_id", "indicator"),
        *("observed", "where", "direction", "outcome", "event_id", "incident_id", "run_id", "seq"),
        *("count", "total", "first", "last", "state", "set", "message"),
    }
)
"""What a template may name."""


def _key(delivery: Delivery) -> str:
    """Return what a person takes for the same incident; the agent's own events by their class."""
    event = delivery.event
    if event.is_agent:
        return f"{event.class_id} {event.info}"
    return f"{event.class_id} {event.indicator} {event.source.address} {event.direction}"


def _fields(delivery: Delivery) -> Mapping[str, str]:
    """Return the values by name, each as it stands inside a JSON text."""
    document: dict[str, object] = json.loads(_formats.FORMATS["maltrail"](delivery))
    document["message"] = sentence(delivery.event)
    return {key: json.dumps(str(value))[1:-1] for key, value in document.items() if key in FIELDS}


def _headers(path: str) -> dict[str, str]:
    """Return the headers of a file; raise OSError naming it."""
    try:
        text = Path(path).read_bytes()[: _http.MAX_SECRET].decode("latin-1")
    except OSError as error:
        raise OSError(f"headers_file {path}: {error.strerror}") from error
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(name) or not value.isprintable():
            raise OSError(f"headers_file {path}: expected lines of the form Name: value")
        found[name] = value.strip()
    return found


def _header_findings(path: str) -> Iterator[Finding]:
    try:
        _headers(path)
    except OSError as error:
        yield Finding("failure", str(error))
        return
    yield from _http.mode_findings("headers_file", path)
