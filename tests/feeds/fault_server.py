"""An HTTPS server that misbehaves on purpose, and an authority that signs what it should not.

The server speaks bytes, not HTTP: every fault is a function that gets the connection after the
request's head and does with it what it likes.
"""

import contextlib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from socket import socket
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Condition, Event, Thread

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
MAX_HEAD = 65_536
WAIT = 5.0
"""Seconds after which a forgotten connection ends by itself."""


class Authority:
    """Signs certificates for addresses, good ones and others."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._folder = folder
        self._key = generate_private_key(SECP256R1())
        self._name = _named(f"test authority {name}")
        self.file = folder / f"{name}.pem"
        certificate = (
            _builder(self._name, self._name, self._key, DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, SHA256())
        )
        self.file.write_bytes(certificate.public_bytes(Encoding.PEM))

    def issue(self, name: str, address: str = "127.0.0.1", valid: timedelta = DAY) -> Path:
        """Return a file with a certificate for `address` and its key; `valid` counts from now."""
        key = generate_private_key(SECP256R1())
        certificate = (
            _builder(_named(name), self._name, key, valid)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False
            )
            .add_extension(_usage(signs=False), critical=True)
            # Python 3.13 and later refuse a certificate that does not say who signed it.
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, SHA256())
        )
        path = self._folder / f"{name}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
        return path


@dataclass(frozen=True)
class Line:
    """One connection after its request's head was read."""

    path: str
    headers: Mapping[str, str]
    send: Callable[[bytes], None]
    is_over: Event

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Send a whole answer, as a good server does."""
        self.head(status, Content_Length=str(len(body)), **headers)
        self.send(body)

    def head(self, status: int = 200, **headers: str) -> None:
        """Send a head only."""
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([f"HTTP/1.1 {status} -", *lines, "", ""]).encode())

    def hang(self) -> None:
        """Say nothing until the test is over."""
        self.is_over.wait(WAIT)

    def trickle(self, data: bytes, pause: float) -> None:
        """Send byte after byte, with pauses, until the test is over."""
        for byte in data:
            self.send(bytes([byte]))
            if self.is_over.wait(pause):
                return


Fault = Callable[[Line], None]


@dataclass
class FaultServer:
    """Serves `pages` by path; counts what it was asked and what it sent."""

    url: str
    pages: dict[str, Fault] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    sent: int = 0
    is_over: Event = field(default_factory=Event)
    is_asked: Condition = field(default_factory=Condition)

    def wait_until_asked(self) -> None:
        """Return when a request has come since `asked` was cleared; fail where none comes."""
        with self.is_asked:
            assert self.is_asked.wait_for(lambda: self.asked, 6 * WAIT), "nobody asked"

    def serve(self, path: str, body: bytes) -> str:
        """Serve `body` properly at `path`; return its URL."""
        self.pages[path] = lambda line: line.answer(body)
        return self.url + path


@contextmanager
def fault_server(certificate: Path | None) -> Iterator[FaultServer]:
    """Run a server until the block ends; without a certificate it speaks plain HTTP."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        scheme = "https" if certificate else "http"
        faults = FaultServer(f"{scheme}://127.0.0.1:{server.server_address[1]}")
        server.faults = faults
        if certificate is not None:
            server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.context.load_cert_chain(certificate)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield faults
        finally:
            faults.is_over.set()
            server.shutdown()
            thread.join()


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    faults: FaultServer
    context: ssl.SSLContext | None = None


class _Handler(BaseRequestHandler):
    server: _Server
    request: socket

    def handle(self) -> None:
        """Play the fault of the path that is asked for."""
        self.request.settimeout(WAIT)
        # Clients refuse certificates and leave in the middle: that is what tests are after.
        with contextlib.suppress(OSError, ValueError):
            if self.server.context is None:
                self._play(self.request)
                return
            with self.server.context.wrap_socket(self.request, server_side=True) as secured:
                self._play(secured)

    def _play(self, connection: socket) -> None:
        faults = self.server.faults
        head = b""
        while b"\r\n\r\n" not in head and len(head) < MAX_HEAD:
            data = connection.recv(4096)
            if not data:
                return
            head += data
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        path = first.split(" ")[1]
        headers = dict(line.split(": ", 1) for line in lines)
        with faults.is_asked:
            faults.asked.append((path, headers))
            faults.is_asked.notify_all()

        def send(data: bytes) -> None:
            connection.sendall(data)
            faults.sent += len(data)

        page = faults.pages.get(path, _not_here)
        page(Line(path, headers, send, faults.is_over))


def _not_here(line: Line) -> None:
    line.answer(b"not here", 404)


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, valid: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 30 * DAY)
        .not_valid_after(now + valid)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
