"""The sensing end of the link to deliver: a bounded ring of events that are not acknowledged yet.

Capture never waits for delivery: while deliver is away events are kept here, and what the ring
cannot hold is counted. After a reconnect everything unacknowledged is sent again; deliver drops
what it had already taken.
"""

import contextlib
import errno
import logging
import socket
from collections import deque
from pathlib import Path

from agent.link import (
    Ack,
    EventFrame,
    Flows,
    Hello,
    LinkError,
    Reader,
    Snapshot,
    encode,
)
from agent.model import Event
from agent.own_traffic import OwnTraffic

MAX_EVENTS = 10_000
"""Events kept for deliver: some minutes at the storm breaker's rate, about 20 MB."""
MAX_UNDERWAY = 50_000
"""Numbers of events that were sent and could not be kept, about 2 MB: more than deliver reads in
one go before it acknowledges."""
MAX_UNSENT = 4 << 20
"""Bytes handed to the socket layer at most; what does not fit stays in the ring."""
RETRY_SECONDS = 1.0
READ_BYTES = 65536

_log = logging.getLogger("agent.uplink")


class Uplink:
    """One connection at a time; no call blocks. Times are of the monotonic clock.

    `own` learns of each socket that deliver tells of, however shortly it lived.
    """

    def __init__(self, path: Path, run_id: str, version: str, own: OwnTraffic) -> None:
        self.lost = 0
        self.sent = 0
        self.reconnects = 0
        self.knows_flows = False
        self._own = own
        self._path = path
        self._hello = Hello(run_id, version)
        self._ring: deque[EventFrame] = deque()
        self._number = 0
        self._next = 0  # place in the ring of the first frame that this connection was not given
        self._underway: deque[int] = deque()  # given to this connection, and kept no longer
        self._unsent = bytearray()
        self._socket: socket.socket | None = None
        self._reader = Reader()
        self._retry_at = 0.0
        self._told = False

    @property
    def connected(self) -> bool:
        """Tell whether deliver is there."""
        return self._socket is not None

    @property
    def offered(self) -> int:
        """Return how many events were queued since the start."""
        return self._number

    @property
    def waiting(self) -> int:
        """Return how many events deliver has not acknowledged."""
        return len(self._ring)

    @property
    def has_room(self) -> bool:
        """Tell whether what is offered now is likely to be told."""
        return len(self._ring) <= MAX_EVENTS // 2

    def offer(self, event: Event) -> None:
        """Queue an event; when the ring is full the oldest goes, lost where it was not sent."""
        self._number += 1
        if len(self._ring) >= MAX_EVENTS:
            self._give_up(self._ring.popleft().number)
        self._ring.append(EventFrame(self._number, event))

    def snapshot(self, snapshot: Snapshot) -> None:
        """Send counters; they are not kept, the next ones say more."""
        if self._socket and len(self._unsent) < MAX_UNSENT:
            self._unsent += encode(snapshot)

    def step(self, now: float) -> None:
        """Connect where due, read acknowledgements, send what is queued."""
        if self._socket is None and not self._connect(now):
            return
        try:
            self._read(now)
            self._fill()
            self._write(now)
        except (OSError, LinkError, EOFError) as error:
            self._disconnect(now, str(error) or "closed by deliver")

    def receive(self, now: float) -> None:
        """Read what deliver has said so far, and do nothing else."""
        try:
            self._read(now)
        except (OSError, LinkError, EOFError) as error:
            self._disconnect(now, str(error) or "closed by deliver")

    def close(self) -> None:
        """Let go of the connection; the ring is lost."""
        if self._socket:
            self._socket.close()
            self._socket = None

    def _give_up(self, number: int) -> None:
        """Keep an event no longer; one that is under way may still be acknowledged."""
        if not self._next:
            self.lost += 1
            return
        self._next -= 1
        if len(self._underway) >= MAX_UNDERWAY:
            self._underway.popleft()
            self.lost += 1
        self._underway.append(number)

    def _connect(self, now: float) -> bool:
        if now < self._retry_at:
            return False
        self._retry_at = now + RETRY_SECONDS
        candidate = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            candidate.connect(str(self._path))
        except OSError as error:
            candidate.close()
            self._tell_once(f"no connection to deliver at {self._path}: {error.strerror}")
            return False
        candidate.setblocking(False)
        self._socket = candidate
        self._reader = Reader()
        self._unsent = bytearray(encode(self._hello))
        self._next = 0
        self.reconnects += 1
        self._told = False
        _log.info("connected to deliver, %d events wait", len(self._ring))
        return True

    def _tell_once(self, text: str) -> None:
        if not self._told:
            self._told = True
            _log.warning("%s; events are kept, up to %d", text, MAX_EVENTS)

    def _disconnect(self, now: float, reason: str) -> None:
        self.close()
        self.lost += len(self._underway)
        self._underway.clear()
        self._own.use((), now)
        self.knows_flows = False
        self._retry_at = now + RETRY_SECONDS
        self._tell_once(f"lost deliver: {reason}")

    def _read(self, now: float) -> None:
        while self._socket:
            try:
                data = self._socket.recv(READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                raise EOFError
            for message in self._reader.from_deliver(data):
                if isinstance(message, Ack):
                    self._acknowledge(message.number)
                elif isinstance(message, Flows):
                    self._own.use(message.flows, now)
                    self.knows_flows = True

    def _acknowledge(self, number: int) -> None:
        while self._underway and self._underway[0] <= number:
            self._underway.popleft()
            self.sent += 1
        while self._ring and self._ring[0].number <= number:
            self._ring.popleft()
            self._next = max(0, self._next - 1)
            self.sent += 1

    def _fill(self) -> None:
        while self._next < len(self._ring) and len(self._unsent) < MAX_UNSENT:
            self._unsent += encode(self._ring[self._next])
            self._next += 1

    def _write(self, now: float) -> None:
        while self._socket and self._unsent:
            try:
                size = self._socket.send(memoryview(self._unsent)[:READ_BYTES].tobytes())
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
                    return
                raise
            del self._unsent[:size]
            with contextlib.suppress(BlockingIOError):
                self._read(now)
            self._fill()
