"""Splunk's HTTP Event Collector, with indexer acknowledgement where the token has it.

Strategy: many events a request; each answer names an acknowledgement that is asked for until the
indexers have the events. Identifiers count up within our channel, so one that does not tells that
the collector has forgotten what it took, and everything unconfirmed is sent again.
Source: Splunk Enterprise, "HTTP Event Collector REST API endpoints" and "About HTTP Event
Collector Indexer Acknowledgment".
"""

import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from agent.link import Flow
from agent.model import Delivery
from outputs import Counts, Finding, Interrupted, Rate, Rejected, _formats, _http, _tls

EVENT_PATH = "/services/collector/event"
MAX_BODY = 768 * 1024
"""Bytes of one request: older collectors, and Splunk Cloud, take 1 MB."""

ACK_EVERY = 1.0
"""Seconds between questions for acknowledgements; an indexer needs seconds."""

ACK_TIMEOUT = 300.0
"""Seconds after which what is not acknowledged is sent again, as other senders do it."""

MAX_ASKED = 1_000
"""Acknowledgements asked for at once; the rest have their turn when these are there."""

_BAD_EVENT = frozenset({5, 6, 12, 13, 15})
"""Codes of an answer that blame one event: no data, format, no event, blank, bad fields."""

Clock = Callable[[], float]


class Config(_http.Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an output of type splunk_hec; `token_file` holds the token on one line."""

    token_file: str
    format: _formats.Name = "maltrail"
    index: str | None = None
    source: str = "maltrail-agent"
    sourcetype: str = "maltrail:alert"
    acknowledge: bool = True
    rate: float | None = None

    def __post_init__(self) -> None:
        """Refuse what could never be sent; raise ValueError."""
        self.check()
        if self.rate is not None and self.rate < 1:
            raise ValueError(f"rate: expected 1 event/s or more, found {self.rate:g}")


@dataclass(slots=True)
class _Request:
    """Deliveries that went in one go, what has to be acknowledged of them, and since when."""

    deliveries: int
    waiting: set[int]
    since: float


class Output:
    """Sends batches; belongs to one thread."""

    def __init__(self, config: Config, clock: Clock = time.monotonic) -> None:
        """Check the URL; raise ValueError."""
        per_second = config.rate
        self.counts = Counts()
        self.rate: Rate | None = Rate(per_second, int(per_second)) if per_second else None
        self.wants_journal = True
        self.files: tuple[Path, ...] = (*_tls.files(config), Path(config.token_file))
        self._config = config
        self._clock = clock
        self._format = _formats.make(config.format)
        self._client = _http.Client(config)
        path = self._client.path
        self._event_path = EVENT_PATH if path == "/" else path
        self._ack_path = self._event_path.partition("?")[0].removesuffix("/event") + "/ack"
        self._headers: dict[str, str] = {}
        self._requests: deque[_Request] = deque()
        self._last_ack = -1
        self._asked_at = 0.0

    def open(self) -> None:
        """Connect with a channel of its own; raise OSError."""
        self.close()
        token = _http.secret("token_file", self._config.token_file)
        channel = str(uuid.uuid4())
        self._headers = {
            "Authorization": f"Splunk {token}",
            "X-Splunk-Request-Channel": channel,
            "Content-Type": "application/json",
        }
        self._ack_query = f"{self._ack_path}?channel={channel}"
        self._client.open()

    def write(self, deliveries: Sequence[Delivery]) -> None:
        """Send all; raise Rejected, Interrupted or OSError."""
        events = [self._event(delivery) for delivery in deliveries]
        self.counts.format_errors = self._format.errors
        refused: list[int] = []
        reason = "rejected"
        done = 0
        for size in _parts(events):
            request = _Request(size, set(), self._clock())
            try:
                for index, why in self._send(events, range(done, done + size), request):
                    refused.append(index)
                    reason = why
            except OSError as error:
                if done and not refused:
                    raise Interrupted(done, str(error)) from error
                raise
            if request.waiting:
                self._requests.append(request)
            elif self._requests:  # all refused: over as soon as what stands before it is
                self._requests[-1].deliveries += size
            done += size
        if refused:
            raise Rejected(sorted(refused), reason)

    def unconfirmed(self) -> int | None:
        """Return how many of the newest are not in an index; ask for them; raise OSError."""
        if not self._config.acknowledge:
            return None
        now = self._clock()
        if self._requests and now - self._asked_at >= ACK_EVERY:
            self._asked_at = now
            self._ask()
            if self._requests and now - self._requests[0].since > ACK_TIMEOUT:
                raise TimeoutError(f"not indexed within {ACK_TIMEOUT:g} s; sent again")
        return sum(request.deliveries for request in self._requests)

    def close(self) -> None:
        """Close the connection and forget the channel."""
        self._requests.clear()
        self._last_ack = -1
        self._asked_at = 0.0
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
        """Yield what is right and wrong with token, certificate and receiver."""
        yield from _http.secret_findings("token_file", self._config.token_file)
        if not self._config.acknowledge:
            yield Finding("warning", "acknowledge: false, so what the collector loses is lost")
        yield from self._client.inspect(now, connect)

    def _event(self, delivery: Delivery) -> bytes:
        """Return one object as the collector takes them, end to end."""
        line = self._format(delivery)
        seconds, microseconds = divmod(delivery.event.time_us, 1_000_000)
        config = self._config
        about = {
            "host": delivery.event.sensor or "-",
            "source": config.source,
            "sourcetype": config.sourcetype,
        }
        if config.index:
            about["index"] = config.index
        event = line if line.startswith("{") else json.dumps(line)
        head = json.dumps(about)[1:-1]
        return f'{{"time":{seconds}.{microseconds:06d},{head},"event":{event}}}'.encode()

    def _send(
        self, events: Sequence[bytes], indexes: Sequence[int], request: _Request
    ) -> Iterator[tuple[int, str]]:
        """Send events; yield those that the collector never takes, and why. Raise OSError."""
        left = list(indexes)
        while left:
            body = b"".join(events[index] for index in left)
            answer = self._client.post(body, self._headers, self._event_path)
            if answer.status == 200:
                self.counts.bytes += len(body)
                self._note(answer, request)
                return
            if answer.status == 413 and len(left) > 1:
                middle = len(left) // 2
                yield from self._send(events, left[:middle], request)
                left = left[middle:]
                continue
            if answer.status == 413:
                yield left[0], "too-big"
                return
            bad = _bad_event(answer)
            if bad is None or (bad >= len(left) and len(left) > 1):
                raise _refusal(answer)
            yield left.pop(min(bad, len(left) - 1)), "rejected"

    def _note(self, answer: _http.Answer, request: _Request) -> None:
        """Remember what has to be acknowledged; raise OSError where nothing will be."""
        if not self._config.acknowledge:
            return
        ack = _document(answer).get("ackId")
        if not isinstance(ack, int):
            raise OSError(
                "no ackId in the answer; switch it on for the token, or acknowledge: false"
            )
        if ack <= self._last_ack:
            self._client.close()
            raise ConnectionResetError("the collector has restarted; what it had is sent again")
        self._last_ack = ack
        request.waiting.add(ack)

    def _ask(self) -> None:
        """Ask what has been indexed and forget it; raise OSError."""
        asked = [ack for request in self._requests for ack in request.waiting]
        body = json.dumps({"acks": list(islice(sorted(asked), MAX_ASKED))}).encode()
        answer = self._client.post(body, self._headers, self._ack_query)
        if answer.status != 200:
            raise _refusal(answer)
        acks = _document(answer).get("acks")
        told = acks if isinstance(acks, dict) else {}
        for request in self._requests:
            request.waiting -= {ack for ack in request.waiting if told.get(str(ack)) is True}
        while self._requests and not self._requests[0].waiting:
            self._requests.popleft()


def _parts(events: Sequence[bytes]) -> Iterator[int]:
    """Yield how many events go into each request, in order."""
    count = size = 0
    for event in events:
        if count and size + len(event) > MAX_BODY:
            yield count
            count = size = 0
        count += 1
        size += len(event)
    if count:
        yield count


def _document(answer: _http.Answer) -> dict[str, object]:
    """Return the answer's JSON object; an empty one where it is none."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _bad_event(answer: _http.Answer) -> int | None:
    """Return the number of the event that the collector complains of, or None."""
    if answer.status != 400:
        return None
    said = _document(answer)
    number = said.get("invalid-event-number", 0)
    return number if said.get("code") in _BAD_EVENT and isinstance(number, int) else None


def _refusal(answer: _http.Answer) -> OSError:
    """Return the error that says what to do about an answer that is no success."""
    if answer.status in (401, 403):
        return PermissionError(f"{answer.summary}; is the token in token_file right and enabled?")
    return OSError(answer.summary)
