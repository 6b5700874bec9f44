"""A proxy between an output and its receiver that loses, doubles, swaps, and breaks connections."""

import contextlib
import random
import re
import select
import socket
import struct
import threading
from collections.abc import Callable

NUMBER = re.compile(rb' cn2=(\d+) |"seq": (\d+)|"sequence":(\d+)')
CHUNK = 1 << 16
RESETS = 3
"""Connections broken: what was not confirmed comes again each time, and there is to be an end."""

Forward = Callable[[bytes], None]


class Proxy(threading.Thread):
    """Hands lines (without their ends) on to `forward`; `rate` is the part that it mistreats.

    `passed` are the numbers of all lines handed on, in order, as its own eyes read them.
    """

    def __init__(self, transport: str, forward: Forward, rate: float, seed: int) -> None:
        super().__init__(name="proxy", daemon=True)
        self.rate = rate
        self.passed: list[int] = []
        self.resets = 0
        self._forward = forward
        self._random = random.Random(seed)  # noqa: S311 - a test
        self._held: bytes | None = None
        self._lost: set[int] = set()
        self._ended = threading.Event()
        self._is_udp = transport == "udp"
        kind = socket.SOCK_DGRAM if self._is_udp else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(("127.0.0.1", 0))
        if not self._is_udp:
            self._socket.listen()
        self.port: int = self._socket.getsockname()[1]

    def run(self) -> None:
        """Serve until `close`."""
        while not self._ended.is_set():
            if not select.select([self._socket], [], [], 0.05)[0]:
                self._release()
            elif self._is_udp:
                self._mistreat(self._socket.recv(CHUNK))
            else:
                self._serve(self._socket.accept()[0])
        self._socket.close()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self.join(10)

    def _serve(self, connection: socket.socket) -> None:
        buffer = b""
        with connection, contextlib.suppress(ConnectionError):
            while not self._ended.is_set():
                if not select.select([connection], [], [], 0.05)[0]:
                    self._release()
                    continue
                data = connection.recv(CHUNK)
                if not data:
                    return
                *lines, buffer = (buffer + data).split(b"\n")
                for line in lines:
                    self._mistreat(line)
                if self._may_swallow():
                    self._swallow(connection)
                    return

    def _may_swallow(self) -> bool:
        """Tell whether to break the connection now: once for certain, a few times by chance."""
        is_due = self.resets == 0 or self._random.random() < self.rate
        return bool(self.rate) and is_due and self.resets < RESETS

    def _swallow(self, connection: socket.socket) -> None:
        """Break the connection: what the kernel had acknowledged and nobody read is gone."""
        self.resets += 1
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _mistreat(self, line: bytes) -> None:
        fate = self._random.random() / self.rate if self.rate else 1.0
        if fate < 0.5 or number(line) in self._lost:
            self._lost.add(number(line))  # also when it is sent again
            return
        if fate < 0.7 and self._held is None:
            self._held = line  # goes behind the next
            return
        self._hand_on(line)
        if 0.7 <= fate < 1.0:
            self._hand_on(line)
        self._release()

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._hand_on(held)

    def _hand_on(self, line: bytes) -> None:
        self.passed.append(number(line))
        self._forward(line)


def number(line: bytes) -> int:
    """Return the `seq` of a line in any format."""
    found = NUMBER.search(line)
    assert found, line
    return int(found[1] or found[2] or found[3])
