"""Receivers for the tests of outputs: real UDP and TCP sockets, TLS servers, closed ports."""

import contextlib
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from tests.outputs.authority import Certificate

WAIT = 10.0
"""Seconds after which something that should have come has not: for slow machines."""


class UdpReceiver:
    """A UDP socket on loopback that takes what is sent."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((host, port))
        self.socket.settimeout(WAIT)
        self.port = int(self.socket.getsockname()[1])
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    def next(self) -> bytes:
        """Return the next datagram; raise TimeoutError when none comes."""
        return self.socket.recv(1 << 16)

    def is_empty(self) -> bool:
        """Tell whether nothing has come that was not read."""
        self.socket.setblocking(False)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(WAIT)
        return False

    def close(self) -> None:
        """Close the port."""
        self.socket.close()


class Peer:
    """The receiver's end of one connection."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.socket.settimeout(WAIT)
        self._buffer = b""

    def read(self, count: int) -> bytes:
        """Return exactly so many bytes; raise TimeoutError, EOFError."""
        while len(self._buffer) < count:
            self._more()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def line(self) -> bytes:
        """Return what comes before the next LF; raise TimeoutError, EOFError."""
        while b"\n" not in self._buffer:
            self._more()
        taken, _, self._buffer = self._buffer.partition(b"\n")
        return taken

    def counted(self) -> bytes:
        """Return the next octet-counted message (RFC 6587, 3.4.1)."""
        digits = b""
        while not digits.endswith(b" "):
            digits += self.read(1)
        return self.read(int(digits))

    def rest(self) -> bytes:
        """Return everything up to the end of the connection."""
        with contextlib.suppress(EOFError):
            while True:
                self._more()
        taken, self._buffer = self._buffer, b""
        return taken

    def has_data(self) -> bool:
        """Tell whether something has come that was not read."""
        self.socket.setblocking(False)
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        finally:
            self.socket.settimeout(WAIT)

    def reset(self) -> None:
        """Break the connection instead of ending it."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        """End the connection."""
        self.socket.close()

    def _more(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError
        self._buffer += data


class TcpReceiver:
    """A TCP socket on loopback; connections wait until they are accepted."""

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, context: ssl.SSLContext | None = None
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, port), family=family)
        self.socket.settimeout(WAIT)
        self.port = int(self.socket.getsockname()[1])
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.context = context
        self.greeting = b""
        self._peers: list[Peer] = []

    def accept(self) -> Peer:
        """Return the next connection, after its TLS handshake where that is spoken."""
        connected, _ = self.socket.accept()
        connected.settimeout(WAIT)
        connected.sendall(self.greeting)
        if self.context is not None:
            try:
                connected = self.context.wrap_socket(connected, server_side=True)
            except OSError:
                connected.close()
                raise
        self._peers.append(Peer(connected))
        return self._peers[-1]

    @contextlib.contextmanager
    def accepting(self) -> Iterator[Callable[[], Peer]]:
        """Accept one connection meanwhile; yield what returns it, or raises why there is none."""
        with ThreadPoolExecutor(1) as pool:
            future: Future[Peer] = pool.submit(self.accept)
            yield lambda: future.result(WAIT)

    def has_data(self) -> bool:
        """Tell whether anything has come that was not read, on any connection."""
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.accept()
        self.socket.settimeout(WAIT)
        return any(peer.has_data() for peer in self._peers)

    def close(self) -> None:
        """Close the port and all connections."""
        for peer in self._peers:
            peer.close()
        self.socket.close()


def server_context(
    shown: Certificate, client_ca: str | None = None, **versions: ssl.TLSVersion
) -> ssl.SSLContext:
    """Return what a TLS server needs; with `client_ca` it demands a certificate of the client."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(shown.certificate, shown.key)
    if client_ca:
        made.load_verify_locations(client_ca)
        made.verify_mode = ssl.CERT_REQUIRED
    for name, version in versions.items():
        setattr(made, name, version)
    return made


def closed_port(
    host: str = "127.0.0.1", kind: type[UdpReceiver | TcpReceiver] = UdpReceiver
) -> int:
    """Return a port where nobody listens."""
    receiver = kind(host)
    receiver.close()
    return receiver.port
