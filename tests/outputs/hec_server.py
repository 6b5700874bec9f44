"""An HTTP Event Collector for tests: it indexes when told to, forgets at a restart, refuses.

Strict where Splunk is: token, channel, objects end to end, `event` present and not blank.
"""

import json
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, cast
from urllib.parse import parse_qs, urlsplit

TOKEN = "11111111-2222-3333-4444-555555555555"  # noqa: S105 - of a server of our own


class Collector:
    """What the server knows; survives `restart` only as far as it was indexed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.indexed: list[dict[str, object]] = []
        self.is_indexing = True
        self.has_acknowledgement = True
        self.answers: list[tuple[int, dict[str, object]]] = []
        self.max_content = 1 << 20
        self.requests = 0
        self._taken: dict[str, list[list[dict[str, object]]]] = defaultdict(list)
        self._done: dict[str, int] = defaultdict(int)

    def restart(self) -> None:
        """Forget what was taken and not indexed, and every acknowledgement."""
        with self.lock:
            self._taken.clear()
            self._done.clear()

    def index(self, store: Callable[[list[dict[str, object]]], object] | None = None) -> None:
        """Index all that was taken, by default in memory; only then is it acknowledged."""
        with self.lock:
            for channel, batches in self._taken.items():
                for number in range(self._done[channel], len(batches)):
                    (store or self.indexed.extend)(batches[number])
                    batches[number] = []
                self._done[channel] = len(batches)

    def take(self, channel: str, events: list[dict[str, object]]) -> int:
        """Take a request; return its acknowledgement."""
        with self.lock:
            self._taken[channel].append(events)
            number = len(self._taken[channel]) - 1
        if self.is_indexing:
            self.index()
        return number

    def acks(self, channel: str, asked: list[int]) -> dict[str, bool]:
        """Tell which requests are indexed."""
        with self.lock:
            return {str(ack): ack < self._done.get(channel, 0) for ack in asked}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    collector: ClassVar[Collector]

    def do_POST(self) -> None:
        """Answer as `/services/collector/event` and `/ack` do."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.collector.requests += 1
        parts = urlsplit(self.path)
        if self.collector.answers:
            self._answer(*self.collector.answers.pop(0))
        elif self.headers["Authorization"] != f"Splunk {TOKEN}":
            self._answer(403, {"text": "Invalid token", "code": 4})
        elif parts.path == "/services/collector/ack":
            channel = parse_qs(parts.query)["channel"][0]
            acks = self.collector.acks(channel, json.loads(body)["acks"])
            self._answer(200, {"acks": acks})
        elif parts.path == "/services/collector/event":
            self._events(body, self.headers.get("X-Splunk-Request-Channel", ""))
        else:
            self._answer(404, {"text": "The requested URL was not found", "code": 404})

    def _events(self, body: bytes, channel: str) -> None:
        if len(body) > self.collector.max_content:
            self._answer(413, {"text": "Content-Length too large", "code": 27})
            return
        if not channel:
            self._answer(400, {"text": "Data channel is missing", "code": 10})
            return
        events: list[dict[str, object]] = []
        text, decoder = body.decode("ascii"), json.JSONDecoder()
        at = 0
        while at < len(text):
            try:
                found, at = decoder.raw_decode(text, at)
            except ValueError:
                self._bad(6, "Invalid data format", len(events))
                return
            if not found.get("event"):
                self._bad(12, "Event field is required", len(events))
                return
            events.append(found)
        answer: dict[str, object] = {"text": "Success", "code": 0}
        number = self.collector.take(channel, events)
        if self.collector.has_acknowledgement:
            answer["ackId"] = number
        self._answer(200, answer)

    def _bad(self, code: int, text: str, number: int) -> None:
        self._answer(400, {"text": text, "code": code, "invalid-event-number": number})

    def _answer(self, status: int, document: dict[str, object]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class HecServer:
    """The collector behind a port, with TLS where a context is given."""

    def __init__(
        self, collector: Collector, context: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        handler = cast(type[_Handler], type("Handler", (_Handler,), {"collector": collector}))
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening; connections that are open end with their next request."""
        self._server.shutdown()
        self._server.server_close()
