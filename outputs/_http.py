"""Requests to one HTTP receiver over a connection that is kept, with TLS as all outputs have it.

Redirects are not followed: they would hand events to somebody whom the settings do not name.
"""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from agent.link import Flow
from outputs import Finding, _certificate, _inspect, _tls, ignore
from outputs._address import Address
from outputs._route import Route, Target
from outputs._stream import connected, secured

ANSWER_TIMEOUT = 30.0
"""Seconds for one answer: a receiver that says nothing is left, and tried again later."""

MAX_ANSWER = 65_536
"""Bytes of an answer that are read: all that a collector says fits ten times."""

MAX_SECRET = 4_096
"""Bytes of a token or header in a file: longer ones are some other file."""

_PORTS = {"http": 80, "https": 443}


class Keys(_tls.Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings that all outputs over HTTP share."""

    url: str

    def check(self) -> None:
        """Raise ValueError for a URL or keys that make no sense."""
        parts = urlsplit(self.url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"url: expected https://HOST[:PORT][/PATH], found {self.url!r}")
        if "@" in parts.netloc:
            raise ValueError("url: no user or password here; what is secret stands in a file")
        if parts.scheme == "http":
            for key in _tls.Keys.__struct_fields__:
                if getattr(self, key):
                    raise ValueError(f"{key}: only with a url that begins with https://")
        super().check()


class Answer(NamedTuple):
    """What the receiver said; `body` is cut at MAX_ANSWER."""

    status: int
    body: bytes

    @property
    def summary(self) -> str:
        """The status and the beginning of the text, on one line of printable characters."""
        text = " ".join(self.body[:200].decode("utf-8", "replace").split())
        shown = "".join(char if char.isprintable() else "?" for char in text)
        return f"HTTP {self.status}: {shown}" if shown else f"HTTP {self.status}"


class Client:
    """One kept connection; belongs to one thread."""

    def __init__(self, keys: Keys) -> None:
        """Read the URL; raise ValueError."""
        parts = urlsplit(keys.url)
        self.path = parts.path or "/"
        if parts.query:
            self.path += f"?{parts.query}"
        self._keys = keys
        self._secure = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self._address = Address(host, port)
        self._route = Route([self._address], socket.SOCK_STREAM)
        self._connection: http.client.HTTPConnection | None = None
        self._flows: tuple[Flow, ...] = ()
        self.on_flows: Callable[[], None] = ignore

    def open(self) -> None:
        """Connect, with names and files read anew; raise OSError."""
        self.close()
        context = _tls.context(self._keys) if self._secure else None
        refused: OSError | None = None
        for target in self._route.targets(0.0):
            try:
                self._use(self._connect(target, context))
            except OSError as error:
                refused = refused or error
            else:
                return
        raise _named(refused or OSError("no address to connect to"), self._address)

    def post(self, body: bytes, headers: Mapping[str, str], path: str = "") -> Answer:
        """Send one request and return its answer; raise OSError, with the connection closed.

        What the receiver has ended since the last answer is opened again first.
        """
        if self._is_over():
            self.open()
        if self._connection is None:
            raise ConnectionError("not open")
        try:
            self._connection.request("POST", path or self.path, body, dict(headers))
            with self._connection.getresponse() as response:
                answer = Answer(response.status, response.read(MAX_ANSWER))
                is_done = response.isclosed() and not response.will_close
        except http.client.HTTPException as error:
            self.close()
            said = f"{self._address}: no HTTP answer: {type(error).__name__} {error}"
            raise ConnectionError(said) from error
        except OSError as error:
            self.close()
            raise _named(error, self._address) from error
        if not is_done:
            self.close()
        return answer

    def flows(self) -> tuple[Flow, ...]:
        """Return the connected socket."""
        return self._flows

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()
        self._show_flows()

    def inspect(self, now: datetime, connect: bool) -> Iterator[Finding]:
        """Yield how events travel, and with `connect` whether the receiver is reached."""
        how = "encrypted" if self._secure else "neither encrypted nor verified"
        yield Finding("ok" if self._secure else "warning", f"to {self._keys.url}, {how}")
        if self._keys.accept_any_certificate:
            yield Finding("warning", _inspect.NOT_VERIFIED)
        if not connect:
            return
        try:
            self.open()
        except OSError as error:
            yield Finding("failure", f"cannot be reached: {error}")
            return
        with contextlib.closing(self):
            yield self._reached(now)

    def _reached(self, now: datetime) -> Finding:
        made = self._connection.sock if self._connection else None
        if isinstance(made, ssl.SSLSocket):
            shown = made.getpeercert(binary_form=True)
            if shown is not None:
                end = _certificate.end_of(shown)
                what = f"{self._address}: reached with {made.version()}, its certificate"
                return _inspect.validity(what, end, now)
        return Finding("ok", f"{self._address}: reached")

    def _connect(self, target: Target, context: ssl.SSLContext | None) -> socket.socket:
        try:
            made, _ = connected(target, self._show_flows)
            if context is not None:
                name = self._keys.server_name or self._address.host.partition("%")[0]
                made = secured(made, context, name)
        except BaseException:
            self._show_flows()
            raise
        return made

    def _show_flows(self, *flows: Flow) -> None:
        """Tell of the socket that is used, or about to be."""
        if flows != self._flows:
            self._flows = flows
            self.on_flows()

    def _use(self, made: socket.socket) -> None:
        made.settimeout(ANSWER_TIMEOUT)
        host = self._address.host
        connection = http.client.HTTPConnection(host, self._address.port, timeout=ANSWER_TIMEOUT)
        connection.auto_open = 0  # or it would go on without TLS
        connection.sock = made
        self._connection = connection

    def _is_over(self) -> bool:
        """Tell whether the receiver has ended the connection since the last answer."""
        made = self._connection.sock if self._connection else None
        if made is None:
            return True
        made.setblocking(False)
        try:
            made.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            return True
        else:
            return True  # the end, or something that nobody asked for
        finally:
            made.settimeout(ANSWER_TIMEOUT)


def secret(key: str, path: str) -> str:
    """Return the one line of a file that holds a secret; raise OSError naming key and file."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_SECRET + 1)
    except OSError as error:
        raise OSError(f"{key} {path}: {error.strerror}") from error
    text = data.decode("latin-1").strip()
    if len(data) > MAX_SECRET or not text or not text.isascii() or not text.isprintable():
        raise OSError(f"{key} {path}: expected one line of printable ASCII")
    return text


def secret_findings(key: str, path: str) -> Iterator[Finding]:
    """Yield whether a file with a secret can be used, and whether others may read it."""
    try:
        secret(key, path)
    except OSError as error:
        yield Finding("failure", str(error))
        return
    yield from mode_findings(key, path)


def mode_findings(key: str, path: str) -> Iterator[Finding]:
    """Yield a warning where everybody may read a file with a secret."""
    if Path(path).stat().st_mode & 0o007:
        yield Finding("warning", f"{key} {path}: everybody may read it; chmod o= {path}")


def _named(error: OSError, address: Address) -> OSError:
    """Return the error with the receiver in its text; what it was stays in `__cause__`."""
    kind = type(error) if isinstance(error, ConnectionError | TimeoutError) else OSError
    named = kind(f"{address}: {_tls.explain(error)}")
    named.__cause__ = error
    return named
