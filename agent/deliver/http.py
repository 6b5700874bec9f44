"""Serve `/metrics`, `/healthz` and `/readyz`, and nothing else, to few and patient clients.

Strategy: the standard library's server with its gaps closed: a bound on connections, a limit on
each wait and on a connection's whole life (a client that sends a byte a second would hold one
for hours), fixed texts for every error.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from agent.config import ConfigError
from outputs import _address

MAX_CONNECTIONS = 16
"""Scrapers, probes and a person: more is a fault, and each costs a thread."""

WAIT = 5.0
LIFE = 15.0
"""Seconds for one read or write, and for a whole connection."""

POLL = 0.5
"""Seconds between two looks for connections that live too long, and for the end."""

_log = logging.getLogger("deliver.http")

Render = Callable[[], bytes]
Ailment = Callable[[], str]
"""Returns what is wrong, or nothing where all is well."""


class StatusServer(ThreadingHTTPServer):
    """Listens on `address` when made, serves from `start` to `stop`."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = MAX_CONNECTIONS

    def __init__(
        self, address: str, metrics: Render | None, healthy: Ailment, ready: Ailment
    ) -> None:
        """Listen; raise ConfigError where that is not possible."""
        self.metrics = metrics
        self.healthy = healthy
        self.ready = ready
        self.refused = 0
        self._live: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": POLL}, name="http", daemon=True
        )
        try:
            host, port = _parse(address)
            family, *_, resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            self.address_family = family
            super().__init__((str(resolved[0]), int(resolved[1])), _Handler)
        except ValueError as error:
            raise ConfigError(f"http.{error}") from error
        except OSError as error:
            what = f"cannot listen on {address}: {error.strerror or error}"
            raise ConfigError(f"http.address: {what}; name another or free it") from error

    @property
    def port(self) -> int:
        """The port that is listened on, also where 0 was asked for."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Start serving."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and close all connections."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        self.server_close()
        with self._lock:
            live = tuple(self._live)
        for connection in live:
            _hang_up(connection)

    def server_bind(self) -> None:
        """Bind without the base class's look-up of the host's name, which may wait for DNS."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.port

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Refuse a connection beyond the bound."""
        del client_address
        with self._lock:
            if len(self._live) >= MAX_CONNECTIONS:
                self.refused += 1
                return False
            self._live[request] = time.monotonic()
        return True

    def shutdown_request(self, request: Any) -> None:
        """Forget and close a connection."""
        with self._lock:
            self._live.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End connections that live too long; called every POLL seconds."""
        now = time.monotonic()
        with self._lock:
            old = [one for one, since in self._live.items() if now - since > LIFE]
        for connection in old:
            _hang_up(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Note a failed connection; one scraper's trouble is nobody else's."""
        del request, client_address
        _log.debug("a connection failed", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: StatusServer
    timeout = WAIT

    def do_GET(self) -> None:
        """Answer one of the known paths."""
        path = self.path.partition("?")[0]
        if path == "/metrics" and self.server.metrics:
            self._answer_metrics(self.server.metrics)
        elif path == "/healthz":
            self._answer_state(self.server.healthy())
        elif path == "/readyz":
            self._answer_state(self.server.ready())
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"not found\n")

    def do_HEAD(self) -> None:
        """Answer as GET does, without the body."""
        self.do_GET()

    def _answer_metrics(self, render: Render) -> None:
        self._answer(HTTPStatus.OK, render(), "text/plain; version=0.0.4; charset=utf-8")

    def _answer_state(self, ailment: str) -> None:
        status = HTTPStatus.SERVICE_UNAVAILABLE if ailment else HTTPStatus.OK
        self._answer(status, f"{ailment or 'ok'}\n".encode())

    def _answer(
        self, status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8"
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "default-src 'none'")
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a malformed request or another method, repeating nothing of it."""
        del message, explain
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:
            status = HTTPStatus.METHOD_NOT_ALLOWED
        self.close_connection = True
        self._answer(status, f"{status.phrase.lower()}\n".encode())

    def version_string(self) -> str:
        """Name the program only; versions are for those who may read the metrics."""
        return "maltrail-agent"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - given
        """Log nothing: requests are hostile text, and there is one every few seconds."""


def _parse(address: str) -> _address.Address:
    """Read the address; port 0 lets the system choose. Raise ValueError."""
    if address.endswith(":0"):
        return _address.parse(address.removesuffix("0") + "1")._replace(port=0)
    return _address.parse(address)


def _hang_up(connection: socket.socket) -> None:
    """Let the connection's thread see its end; it closes the socket itself."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        _log.debug("was closed already: %s", error)
