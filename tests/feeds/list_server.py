"""An HTTPS server, an HTTP server and a proxy on loopback, for tests of fetching."""

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What the server sends; `length` lies about the body's length where it is given."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None


@dataclass
class ListServer:
    """Serves `pages` by path: an answer, or a function of the request's headers."""

    url: str
    pages: dict[str, Answer | Callable[[Mapping[str, str]], Answer]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def serve(self, path: str, body: bytes, **headers: str) -> str:
        """Serve `body` at `path`; return its URL."""
        self.pages[path] = Answer(
            body, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        return self.url + path

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Note a request and return its answer."""
        self.requests.append((path, dict(headers)))
        page = self.pages.get(path, Answer(b"not here", 404))
        return page(headers) if callable(page) else page


def make_certificate(folder: Path) -> Path:
    """Make a certificate for 127.0.0.1 with its key in one file; return its path."""
    path = folder / "server.pem"
    key = folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-subj", "/CN=lists.test", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(path)),
        ],
        check=True,
        capture_output=True,
    )
    with path.open("ab") as file:
        file.write(key.read_bytes())
    return path


@contextmanager
def list_server(certificate: Path | None) -> Iterator[ListServer]:
    """Run a server until the block ends; without a certificate it speaks plain HTTP."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake belongs to the request: accepting must not stop at a client's refusal.
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
            scheme = "https"
        lists = ListServer(f"{scheme}://127.0.0.1:{server.server_port}")
        server.lists = lists  # type: ignore[attr-defined] # where handlers find it
        with _running(server):
            yield lists


@contextmanager
def connect_proxy() -> Iterator[tuple[str, list[str]]]:
    """Run a proxy for CONNECT; yield its URL and the lines and credentials it was asked with."""
    asked: list[str] = []
    with HTTPServer(("127.0.0.1", 0), _ProxyHandler) as server:
        server.asked = asked  # type: ignore[attr-defined] # where handlers find it
        with _running(server):
            yield f"127.0.0.1:{server.server_port}", asked


@contextmanager
def _running(server: HTTPServer) -> Iterator[None]:
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


class _Server(HTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that refuse the certificate or leave early: tests make them."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 5

    def do_GET(self) -> None:
        """Send the answer of the path asked for."""
        lists: ListServer = self.server.lists  # type: ignore[attr-defined]
        answer = lists.answer(self.path, dict(self.headers.items()))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        length = len(answer.body) if answer.length is None else answer.length
        if length >= 0 and answer.status != 304:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base
        """Say nothing."""


class _ProxyHandler(BaseHTTPRequestHandler):
    timeout = 5

    def do_CONNECT(self) -> None:
        """Pass bytes between the client and the named server until one of them ends."""
        asked: list[str] = self.server.asked  # type: ignore[attr-defined]
        asked += [self.path, self.headers.get("Proxy-Authorization", "")]
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=5) as upstream:
            self.send_response(200)
            self.end_headers()
            back = Thread(target=_pump, args=(upstream, self.connection))
            back.start()
            _pump(self.connection, upstream)
            back.join()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base
        """Say nothing."""


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # one side is gone, and so is what it had to say
