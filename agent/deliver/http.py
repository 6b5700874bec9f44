"""Serve a table of pages over HTTP, read-only, to few and hurried clients.

Strategy: the standard library's server with its gaps closed: TLS is negotiated by a connection's
own thread, a request has a bound, each wait and a connection's whole life have a limit (a client
that sends a byte a second would hold one for hours), and where all places are taken the oldest
connection that keeps us waiting gives way, so that idle clients cannot keep a scraper out.
"""

import http.client
import io
import logging
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from agent.config import ConfigError, Http
from agent.deliver.http_access import Access
from agent.deliver.http_host import is_ours
from outputs import _address

MAX_CONNECTIONS = 16
"""Scrapers, probes and a person: more is a fault, and each costs a thread."""

MAX_REQUEST = 16 << 10
"""Bytes of request line and headers; a scraper sends some hundred."""

WAIT = 5.0
LIFE = 15.0
"""Seconds for one read or write, and for a whole connection."""

PATIENCE = 1.0
"""Seconds after which a connection that has asked gives way too: a page takes milliseconds."""

POLL = 0.5
"""Seconds between two looks for connections that live too long, and for the end."""

TEXT = "text/plain; charset=utf-8"
NOTHING = "default-src 'none'"
"""The Content-Security-Policy of what is no page for people."""

_log = logging.getLogger("deliver.http")


class Answer(NamedTuple):
    """What a page says; `policy` is its Content-Security-Policy."""

    body: bytes
    kind: str = TEXT
    status: HTTPStatus = HTTPStatus.OK
    policy: str = NOTHING


class Page(NamedTuple):
    """What answers a path, on a connection's own thread.

    `is_open`: without the password its status is told too, but not its text. `is_for_people`:
    browsers read it, so that a request must name us where nothing else guards the page.
    """

    render: Callable[[], Answer]
    is_open: bool = False
    is_for_people: bool = False


@dataclass(slots=True)
class _Connection:
    since: float
    has_asked: bool = False
    is_ending: bool = False


class HttpServer(ThreadingHTTPServer):
    """Listens on `settings.address` when made, serves `pages` from `start` to `stop`."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = MAX_CONNECTIONS

    def __init__(self, settings: Http, pages: Mapping[str, Page]) -> None:
        """Listen; raise ConfigError where that is not possible."""
        self.pages = pages
        self.refused = 0
        self.access = Access(settings)
        self.address = settings.address
        self._failed: set[type[BaseException]] = set()
        self._live: dict[socket.socket, _Connection] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": POLL}, name="http", daemon=True
        )
        try:
            host, port = address_of(settings.address)
            family, *_, resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            self.address_family = family
            super().__init__((str(resolved[0]), int(resolved[1])), _Handler)
        except ValueError as error:
            raise ConfigError(f"http.{error}") from error
        except OSError as error:
            what = f"cannot listen on {settings.address}: {error.strerror or error}"
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

    def has_asked(self, request: socket.socket) -> None:
        """Note that a connection's request is complete: it no longer keeps us waiting."""
        with self._lock:
            if request in self._live:
                self._live[request].has_asked = True

    def server_bind(self) -> None:
        """Bind without the base class's look-up of the host's name, which may wait for DNS."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.port

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; its own thread negotiates TLS, as a silent client would hold us."""
        connection, address = super().get_request()
        if self.access.context is None:
            return connection, address
        secured = self.access.context.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        )
        return secured, address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Refuse a connection beyond the bound where no other gives way."""
        del client_address
        now = time.monotonic()
        with self._lock:
            if len(self._live) >= MAX_CONNECTIONS:
                self.refused += 1
                if not self._make_room(now):
                    return False
            self._live[request] = _Connection(now)
        return True

    def _make_room(self, now: float) -> bool:
        """Hang up on the oldest connection that keeps us waiting; tell whether there was one."""
        if len(self._live) >= 2 * MAX_CONNECTIONS:
            return False  # those that were hung up on have not ended yet
        for connection, known in self._live.items():  # the oldest first
            is_slow = not known.has_asked or now - known.since > PATIENCE
            if is_slow and not known.is_ending:
                known.is_ending = True
                _hang_up(connection)
                return True
        return False

    def shutdown_request(self, request: Any) -> None:
        """Forget and close a connection."""
        with self._lock:
            self._live.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End connections that live too long; called every POLL seconds."""
        now = time.monotonic()
        with self._lock:
            old = [one for one, known in self._live.items() if now - known.since > LIFE]
        for connection in old:
            _hang_up(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Note a failed connection; one scraper's trouble is nobody else's, a page's is ours."""
        del request, client_address
        error = sys.exception()
        if error is None or isinstance(error, OSError | http.client.HTTPException):
            _log.debug("a connection failed: %s", error)
        elif type(error) not in self._failed:
            self._failed.add(type(error))
            _log.error("a page failed; the next like it are not told", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: HttpServer
    timeout = WAIT

    def setup(self) -> None:
        """Negotiate TLS, and bound what may be read."""
        self.request.settimeout(WAIT)
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
        super().setup()
        self.rfile = io.BufferedReader(_Bounded(self.rfile, MAX_REQUEST))

    def do_GET(self) -> None:
        """Answer one of the known paths."""
        self.server.has_asked(self.request)
        page = self.server.pages.get(self.path.partition("?")[0])
        if page and page.is_for_people and not self._names_us():
            self._answer(_plain(HTTPStatus.MISDIRECTED_REQUEST))
        elif self.server.access.admits(self.headers.get("Authorization")):
            self._answer(page.render() if page else _plain(HTTPStatus.NOT_FOUND))
        elif page and page.is_open:
            self._answer(_plain(page.render().status))
        else:
            self._answer(_plain(HTTPStatus.UNAUTHORIZED))

    def do_HEAD(self) -> None:
        """Answer as GET does, without the body."""
        self.do_GET()

    def _names_us(self) -> bool:
        guarded = self.server.access.is_guarded
        return guarded or is_ours(self.headers.get("Host"), self.server.address)

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", answer.policy)
        if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        if answer.status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Basic realm="maltrail-agent"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a malformed request or another method, repeating nothing of it."""
        del message, explain
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:
            status = HTTPStatus.METHOD_NOT_ALLOWED
        self.close_connection = True
        self._answer(_plain(status))

    def version_string(self) -> str:
        """Name the program only; versions are for those who may read the metrics."""
        return "maltrail-agent"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - given
        """Log nothing: requests are hostile text, and there is one every few seconds."""


class _Bounded(io.RawIOBase):
    """A stream of which only so much is read; raise LineTooLong (431) beyond."""

    def __init__(self, inner: io.BufferedIOBase, most: int) -> None:
        self._inner = inner
        self._left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, at most what is left."""
        if not self._left:
            raise http.client.LineTooLong("request")
        data = self._inner.read1(min(len(buffer), self._left))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._inner.close()
        super().close()


def _plain(status: HTTPStatus) -> Answer:
    """Return a status in words."""
    return Answer(f"{status.phrase.lower()}\n".encode(), status=status)


def address_of(address: str) -> _address.Address:
    """Read the address; port 0 lets the system choose. Raise ValueError."""
    if address.endswith(":0"):
        return _address.parse(address.removesuffix("0") + "1")._replace(port=0)
    return _address.parse(address)


def _hang_up(connection: socket.socket) -> None:
    """Let the connection's thread see its end; it closes the socket itself.

    Not by the method of a TLS socket: it would have the thread write in clear for a moment.
    """
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError as error:
        _log.debug("was closed already: %s", error)
