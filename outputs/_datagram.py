"""One event is one UDP datagram on a connected socket.

Strategy: only a connected socket learns (by ICMP) that nobody listens, one send late. The error is
asked for after each batch too, so that a batch nobody took is kept. UDP promises nothing beyond.
"""

import errno
import os
import socket
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from agent.link import Flow
from agent.model import Delivery
from outputs import Counts, Interrupted, Rate, Rejected, _address
from outputs._fit import TooBig, fit

MAX_DATAGRAM = 65507
"""What UDP over IPv4 can carry."""

MIN_DATAGRAM = 1200
"""Below this an event without anything optional may not fit."""

SEND_TIMEOUT = 5.0
"""Seconds that a full socket buffer may hold up the output's thread."""

MAX_RATE = 1_000_000
"""Events a second: beyond it no pace is kept at all."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys that all datagram outputs share.

    A default receive buffer holds 92 datagrams of an event's size: a burst of 200 was lost in part
    by a busy rsyslogd, one of 50 leaves it time to wake up.
    """

    address: str
    transport: Literal["udp"] = "udp"
    max_bytes: int = 8192
    rate: float = 1000.0
    burst: int = 50

    def __post_init__(self) -> None:
        """Refuse what could never be sent."""
        if not MIN_DATAGRAM <= self.max_bytes <= MAX_DATAGRAM:
            raise ValueError(
                f"max_bytes: expected {MIN_DATAGRAM} to {MAX_DATAGRAM}, found {self.max_bytes}"
            )
        if not 1 <= self.rate <= MAX_RATE:
            raise ValueError(f"rate: expected 1 to {MAX_RATE} events/s, found {self.rate:g}")
        if not 1 <= self.burst <= MAX_RATE:
            raise ValueError(f"burst: expected 1 to {MAX_RATE} events, found {self.burst}")


class Datagrams:
    """Sends what `render` makes of each delivery to one address."""

    def __init__(
        self, config: Config, default_port: int | None, render: Callable[[Delivery], bytes]
    ) -> None:
        """Check the address; raise ValueError."""
        self.counts = Counts()
        self.rate: Rate | None = Rate(config.rate, config.burst)
        self.wants_journal = False
        self._address = _address.parse(config.address, default_port)
        self._limit = config.max_bytes
        self._render = render
        self._socket: socket.socket | None = None
        self._opened = 0

    def open(self) -> None:
        """Resolve and connect; each time another of the name's addresses. Raise OSError."""
        self.close()
        host, port = self._address
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        # `localhost` is often ::1 first while the receiver listens on 127.0.0.1 only, and the
        # refusal shows when sending: so the next attempt takes the next address.
        family, kind, protocol, _, address = found[self._opened % len(found)]
        self._opened += 1
        self._socket = socket.socket(family, kind, protocol)
        self._socket.settimeout(SEND_TIMEOUT)
        self._socket.connect(address)

    def write(self, deliveries: Sequence[Delivery]) -> None:
        """Send each delivery; raise Rejected, Interrupted or OSError."""
        if not deliveries:
            return
        if self._socket is None:
            raise ConnectionError("not open")
        too_big = [
            index
            for index, delivery in enumerate(deliveries)
            if not self._sent(self._socket, index, delivery)
        ]
        pending = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if pending:
            raise OSError(pending, os.strerror(pending))
        if too_big:
            raise Rejected(too_big, "too-big")

    def unconfirmed(self) -> int | None:
        """Return None: nobody acknowledges a datagram."""
        return None

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def flows(self) -> tuple[Flow, ...]:
        """Return the connected socket."""
        if self._socket is None:
            return ()
        local, remote = self._socket.getsockname(), self._socket.getpeername()
        return (Flow("udp", local[0], local[1], remote[0], remote[1]),)

    def _sent(self, connected: socket.socket, index: int, delivery: Delivery) -> bool:
        """Send one; return False where it never fits. Raise Interrupted, ConnectionRefusedError."""
        try:
            data, used = fit(delivery, self._render, self._limit)
            self.counts.bytes += connected.send(data)
        except TooBig:
            return False
        except ConnectionRefusedError:
            # Says that earlier ones went to nobody: nothing of this batch counts as taken.
            raise
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                return False
            raise Interrupted(index, str(error)) from error
        self.counts.truncated += used is not delivery
        return True
