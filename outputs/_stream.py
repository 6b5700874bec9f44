"""Lines over one TCP connection, plain or inside TLS, and what of them the peer's kernel has.

Strategy: the kernel knows how many of the bytes it took are not acknowledged (tcp(7), SIOCOUTQ);
a line has arrived when no fewer bytes than those were sent after it. TLS only ever adds bytes, so
counting plain ones errs on the safe side there, batch by batch, as a record holds several lines.
"""

import contextlib
import fcntl
import select
import socket
import ssl
import struct
import termios
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Literal

from agent.link import Flow
from outputs._route import Target

Framing = Literal["lf", "octet"]

CONNECT_TIMEOUT = 10.0
"""Seconds for a connection, and as many again for its TLS handshake."""

WRITE_TIMEOUT = 30.0
"""Seconds for one batch: a receiver that reads nothing is left, and tried again later."""

MIN_TIMEOUT = 0.001
"""Seconds; none at all would mean not to wait for a socket that is ready."""

USER_TIMEOUT = 30.0
"""Seconds that sent bytes may stay unacknowledged before the kernel gives the connection up."""

KEEPALIVE_IDLE, KEEPALIVE_EVERY, KEEPALIVE_PROBES = 30, 10, 3
"""When nothing is sent, a peer that vanished is noticed within a minute."""

SETTLE = 1.0
"""Seconds to wait for a TLS 1.3 server's first word: it may refuse us after our side is done."""

CHATTER = 16
"""Reads of 4 kB at once of what a receiver may say; all of it is ignored."""


def _ignore(_flow: Flow) -> None:
    """Tell nobody."""


class Stream:
    """A connection; `context` and `server_name` put TLS on it.

    `announce` is called with both ends before anything is sent.
    """

    def __init__(
        self,
        target: Target,
        framing: Framing,
        context: ssl.SSLContext | None = None,
        server_name: str = "",
        announce: Callable[[Flow], None] = _ignore,
    ) -> None:
        """Connect; raise OSError."""
        self._framing = framing
        self._sent = 0
        self._ends: deque[int] = deque()  # of each open line, in bytes since the connection began
        self._socket, self._flow = connected(target, announce)
        self._by_batch = context is not None
        try:
            if context is not None:
                self._socket = secured(self._socket, context, server_name)
                self._refused_late()
        except BaseException:
            self._socket.close()
            raise

    def send(self, lines: Sequence[bytes | None]) -> Sequence[int]:
        """Send all lines; raise OSError where that fails, in part or in whole."""
        self.check()
        data, ends = framed(lines, self._framing)
        # Before anything is sent: it may be sent in part.
        if self._by_batch:
            ends = [len(data)] * len(lines)
        self._ends.extend([self._sent + end for end in ends])
        view = memoryview(data)
        deadline = time.monotonic() + WRITE_TIMEOUT
        while view:
            self._socket.settimeout(max(deadline - time.monotonic(), MIN_TIMEOUT))
            try:
                size = self._socket.send(view)
            except TimeoutError as error:
                said = f"the receiver did not take a batch within {WRITE_TIMEOUT:g} s"
                raise TimeoutError(said) from error
            self._sent += size
            view = view[size:]
        return ()

    def unconfirmed(self) -> int:
        """Return how many lines the peer's kernel has not acknowledged; raise OSError."""
        self.check()
        answer = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, bytes(4))
        queued: int = struct.unpack("i", answer)[0]
        arrived = self._sent - queued
        while self._ends and self._ends[0] <= arrived:
            self._ends.popleft()
        return len(self._ends)

    def check(self) -> None:
        """Raise OSError where the peer has closed or reset the connection; never wait."""
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            for _ in range(CHATTER):
                if not self._socket.recv(4096):
                    raise ConnectionResetError("the receiver closed the connection")

    def flow(self) -> Flow:
        """Return both ends."""
        return self._flow

    def close(self) -> None:
        """Say good-bye where that needs no waiting, and close."""
        with contextlib.suppress(OSError):
            # What is left unread would make the kernel reset instead of ending, and lose the tail.
            self.check()
            if isinstance(self._socket, ssl.SSLSocket):
                self._socket.unwrap()
        self._socket.close()

    @property
    def version(self) -> str:
        """Which TLS is spoken, or nothing."""
        return (self._socket.version() or "") if isinstance(self._socket, ssl.SSLSocket) else ""

    @property
    def certificate(self) -> bytes | None:
        """The peer's certificate (DER)."""
        if isinstance(self._socket, ssl.SSLSocket):
            return self._socket.getpeercert(binary_form=True)
        return None

    def _refused_late(self) -> None:
        """Raise OSError where a TLS 1.3 server refuses us, for our certificate or the lack of one.

        Our side of that handshake is done before the server has judged. Most servers then send a
        session ticket or an alert at once.
        """
        if self.version == "TLSv1.3":
            select.select([self._socket], [], [], SETTLE)
            self.check()


def framed(lines: Sequence[bytes | None], framing: Framing) -> tuple[bytes, list[int]]:
    """Return lines as they go over a stream (RFC 6587, 3.4.2 and 3.4.1), and where each ends.

    Lines hold no LF; None takes no room.
    """
    whole = [line for line in lines if line is not None]
    if framing == "lf" and len(whole) == len(lines):  # one copy of each line, not two
        ends = accumulate([len(line) + 1 for line in whole])
        return b"\n".join((*whole, b"")), [*ends]
    parts = [b"" if line is None else _frame(line, framing) for line in lines]
    return b"".join(parts), [*accumulate(map(len, parts))]


def _frame(line: bytes, framing: Framing) -> bytes:
    return line + b"\n" if framing == "lf" else b"%d %s" % (len(line), line)


def connected(
    target: Target, announce: Callable[[Flow], None] = _ignore
) -> tuple[socket.socket, Flow]:
    """Return a connection and both its ends, announced before they speak; raise OSError."""
    made = socket.socket(target.family, socket.SOCK_STREAM)
    try:
        made.settimeout(CONNECT_TIMEOUT)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            (socket.TCP_NODELAY, 1),
            (socket.TCP_KEEPIDLE, KEEPALIVE_IDLE),
            (socket.TCP_KEEPINTVL, KEEPALIVE_EVERY),
            (socket.TCP_KEEPCNT, KEEPALIVE_PROBES),
            (socket.TCP_USER_TIMEOUT, int(USER_TIMEOUT * 1000)),
        ):
            made.setsockopt(socket.IPPROTO_TCP, option, value)
        local, remote = _ends(target)
        made.bind((local[0], 0, *local[2:]))
        flow = Flow("tcp", local[0], made.getsockname()[1], remote[0], remote[1])
        announce(flow)
        made.connect(target.place)
    except OSError:
        made.close()
        raise
    return made, flow


def _ends(target: Target) -> tuple[Any, Any]:
    """Return our address on the way to a receiver, and its own, both as the kernel words them.

    A datagram socket that connects asks the routes and sends nothing. Raise OSError.
    """
    with socket.socket(target.family, socket.SOCK_DGRAM) as probe:
        probe.connect(target.place)
        return probe.getsockname(), probe.getpeername()


def secured(plain: socket.socket, context: ssl.SSLContext, server_name: str) -> ssl.SSLSocket:
    """Do the handshake; raise OSError, with `plain` closed."""
    made = context.wrap_socket(plain, server_hostname=server_name, do_handshake_on_connect=False)
    try:
        made.settimeout(CONNECT_TIMEOUT)
        made.do_handshake()
    except TimeoutError as error:
        made.close()
        said = f"no TLS handshake within {CONNECT_TIMEOUT:g} s; does the receiver speak TLS here?"
        raise TimeoutError(said) from error
    except BaseException:
        made.close()
        raise
    return made
