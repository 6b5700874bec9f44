"""A sense that only talks: events at a rate over the socket of deliver, kept until acknowledged."""

import contextlib
import selectors
import socket
import threading
import time
from collections import deque
from pathlib import Path

import msgspec

from agent import link
from agent.link import Ack, EventFrame, Hello, LinkError
from agent.model import TRAIL_DOMAIN, Dns, Endpoint, Event, Source

STEP = 0.005
"""Seconds between two portions."""

RETRY = 0.05
MAX_UNSENT = 1 << 20

_SAMPLE = Event(
    class_id=TRAIL_DOMAIN,
    sensor="sensor1.example.org",
    time_us=1_700_000_001_000_007,
    severity="high",
    severity_id=10,
    type="DNS",
    trail="(www).evil.example.biz",
    info="asyncrat (malware)",
    reference="(static)",
    event_id="a" * 32,
    incident_id="b" * 32,
    source=Endpoint("10.0.0.5", 40000),
    destination=Endpoint("8.8.8.8", 53),
    protocol="UDP",
    indicator="evil.example.biz",
    observed="www.evil.example.biz",
    where="dns.question",
    sources=(Source("static"), Source("urlhaus", "2026-01-02", "2026-02-03")),
    direction="outbound",
    dns=Dns(question="www.evil.example.biz", type="A"),
    interface="eth0",
)
SEVERITIES = (3, 6, 8, 10)


def event(number: int) -> Event:
    """Return an event of an incident of its own; its identifier is its number."""
    return msgspec.structs.replace(
        _SAMPLE,
        event_id=f"{number:032x}",
        incident_id=f"{number:032x}",
        severity_id=SEVERITIES[number % len(SEVERITIES)],
        observed=f"www{number}.evil.example.biz",
        time_us=_SAMPLE.time_us + number,
    )


class Sense(threading.Thread):
    """Tells `count` events at `rate` a second; `most_waiting` is what its ring would have held."""

    def __init__(self, path: Path, count: int, rate: float) -> None:
        super().__init__(name="sense", daemon=True)
        self.told = 0
        self.acknowledged = 0
        self.most_waiting = 0
        self.seconds = 0.0
        self._path = path
        self._count = count
        self._rate = rate
        self._ring: deque[tuple[int, bytes]] = deque()
        self._next = 0

    @property
    def is_done(self) -> bool:
        """Whether everything was told and acknowledged."""
        return self.acknowledged >= self._count

    def run(self) -> None:
        """Tell everything, and reconnect as often as it takes."""
        began = time.monotonic()
        while not self.is_done:
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                    connection.connect(str(self._path))
                    connection.setblocking(False)
                    self._talk(connection, began)
            except (OSError, EOFError, LinkError):
                self._grow(began)
                time.sleep(RETRY)
        self.seconds = time.monotonic() - began

    def _grow(self, began: float) -> None:
        """Let happen what is due."""
        due = min(self._count, int((time.monotonic() - began) * self._rate))
        while self.told < due:
            self.told += 1
            self._ring.append((self.told, link.encode(EventFrame(self.told, event(self.told)))))
        self.most_waiting = max(self.most_waiting, len(self._ring))

    def _talk(self, connection: socket.socket, began: float) -> None:
        reader = link.Reader()
        unsent = bytearray(link.encode(Hello("5" * 32, "bench")))
        self._next = 0
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            while not self.is_done:
                self._grow(began)
                while self._next < len(self._ring) and len(unsent) < MAX_UNSENT:
                    unsent += self._ring[self._next][1]
                    self._next += 1
                if unsent:
                    with contextlib.suppress(BlockingIOError):
                        del unsent[: connection.send(unsent)]
                if selector.select(STEP):
                    data = connection.recv(1 << 16)
                    if not data:
                        raise EOFError
                    for message in reader.from_deliver(data):
                        if isinstance(message, Ack):
                            self._acknowledge(message.number)

    def _acknowledge(self, number: int) -> None:
        while self._ring and self._ring[0][0] <= number:
            self._ring.popleft()
            self._next -= 1
        self.acknowledged = max(self.acknowledged, number)
