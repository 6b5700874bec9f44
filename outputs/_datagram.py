"""One line is one UDP datagram on a connected socket.

Strategy: only a connected socket learns (by ICMP) that nobody listens, one send late. The error is
asked for after each batch too, so that a batch nobody took is kept. UDP promises nothing beyond.
"""

import errno
import os
import socket
from collections.abc import Sequence

from agent.link import Flow
from outputs import Interrupted
from outputs._route import Target

SEND_TIMEOUT = 5.0
"""Seconds that a full socket buffer may hold up the output's thread."""


class Datagrams:
    """A connected socket."""

    def __init__(self, target: Target) -> None:
        """Connect, which sends nothing; raise OSError."""
        self._socket = socket.socket(target.family, socket.SOCK_DGRAM)
        try:
            self._socket.settimeout(SEND_TIMEOUT)
            self._socket.connect(target.place)
        except OSError:
            self._socket.close()
            raise

    def send(self, lines: Sequence[bytes | None]) -> Sequence[int]:
        """Send each line; return those longer than the way takes. Raise Interrupted, OSError."""
        too_big = [
            index
            for index, line in enumerate(lines)
            if line is not None and not self._sent(index, line)
        ]
        pending = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if pending:
            raise OSError(pending, os.strerror(pending))
        return too_big

    def unconfirmed(self) -> int | None:
        """Return None: nobody acknowledges a datagram."""
        return None

    def flow(self) -> Flow:
        """Return the connected socket."""
        local, remote = self._socket.getsockname(), self._socket.getpeername()
        return Flow("udp", local[0], local[1], remote[0], remote[1])

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _sent(self, index: int, line: bytes) -> bool:
        """Send one; return False where it never fits. Raise Interrupted, ConnectionRefusedError."""
        try:
            self._socket.send(line)
        except ConnectionRefusedError:
            # Says that earlier ones went to nobody: nothing of this batch counts as taken.
            raise
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                return False
            raise Interrupted(index, str(error)) from error
        return True
