"""A receiver of HTTP requests for tests: it keeps them, and answers as it is told."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, cast


class Request(NamedTuple):
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


class HttpServer:
    """Listens on loopback; `answers` are given first, then 200."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.answers: list[int] = []
        self.keeps = True
        handler = cast(type[_Handler], type("Handler", (_Handler,), {"owner": self}))
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: HttpServer

    def do_POST(self) -> None:
        """Keep the request, answer, and end the connection where it is not kept."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.owner.requests.append(Request(self.path, dict(self.headers), body))
        status = self.owner.answers.pop(0) if self.owner.answers else 200
        self.send_response(status)
        self.send_header("Content-Length", "2")
        if not self.owner.keeps:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
