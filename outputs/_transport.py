"""The one way of lines to a receiver over the network.

Strategy: a type says only what a line is; how it travels is decided here. One receiver at a time
has all events: the first that works, and the first of all again after a while.
"""

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from agent.link import Flow
from agent.model import Delivery
from outputs import Counts, Finding, Rate, Rejected, _address, _inspect, _tls, ignore
from outputs._address import Address
from outputs._config import UDP_RATE, Config
from outputs._datagram import Datagrams
from outputs._fit import TooBig, fit
from outputs._route import RETURN_AFTER, Route, Target
from outputs._stream import Stream

OPEN_SECONDS = 45.0
"""How long one attempt may go through many receivers; those left have their turn in the next."""

Render = Callable[[Delivery], bytes]
Clock = Callable[[], float]


class _Link(Protocol):
    """A way to one receiver that is open."""

    def send(self, lines: Sequence[bytes | None]) -> Sequence[int]:
        """Send the lines in order, None being nothing; return which never fit. Raise."""

    def unconfirmed(self) -> int | None:
        """Return how many of the newest lines may not have arrived, None where nobody knows."""

    def flow(self) -> Flow:
        """Return both ends."""

    def close(self) -> None:
        """Let go."""


class Sender:
    """Sends what `render` makes of each delivery, as the settings say."""

    def __init__(
        self,
        config: Config,
        default_port: int | None,
        render: Render,
        clock: Clock = time.monotonic,
    ) -> None:
        """Check the addresses; raise ValueError."""
        is_udp = config.transport == "udp"
        per_second = config.rate or (UDP_RATE if is_udp else None)
        self.counts = Counts()
        self.rate: Rate | None = Rate(per_second, config.burst) if per_second else None
        self.wants_journal = not is_udp
        self.files: tuple[Path, ...] = _tls.files(config)
        self.on_flows: Callable[[], None] = ignore
        self._config = config
        self._render = render
        self._clock = clock
        texts = config.addresses or (config.address or "",)
        kind = socket.SOCK_DGRAM if is_udp else socket.SOCK_STREAM
        self._route = Route([_address.parse(text, default_port) for text in texts], kind)
        self._link: _Link | None = None
        self._target: Target | None = None
        self._return_at = 0.0
        self._flows: tuple[Flow, ...] = ()

    def open(self) -> None:
        """Connect to the best receiver that answers, with names and files read anew.

        Raise OSError.
        """
        self.close()
        context = self._context()
        until = self._clock() + OPEN_SECONDS
        refused: OSError | None = None
        for target in self._route.targets(self._clock()):
            try:
                link = self._connect(target, context)
            except OSError as error:
                self._route.failed(target, self._clock())
                refused = refused or _named(error, target.address)
            else:
                self._use(target, link)
                return
            if self._clock() > until:
                break
        raise refused or OSError("no address to connect to")

    def write(self, deliveries: Sequence[Delivery]) -> None:
        """Send each delivery; raise Rejected, Interrupted or OSError."""
        if not deliveries:
            return
        self._go_back()
        if self._link is None:
            raise ConnectionError("not open")
        lines = [self._line(delivery) for delivery in deliveries]
        with self._noting_failure():
            refused = set(self._link.send(lines))
        refused |= {index for index, line in enumerate(lines) if line is None}
        self.counts.bytes += sum([len(line) for line in lines if line])
        if refused:
            self.counts.bytes -= sum([len(lines[index] or b"") for index in refused])
            raise Rejected(sorted(refused), "too-big")

    def unconfirmed(self) -> int | None:
        """Return how many of the newest deliveries may not have arrived; raise OSError."""
        if self._link is None:
            return None if self._config.transport == "udp" else 0
        with self._noting_failure():
            return self._link.unconfirmed()

    def close(self) -> None:
        """Close the socket."""
        if self._link is not None:
            link, self._link = self._link, None
            link.close()
        self._show_flows()

    def flows(self) -> tuple[Flow, ...]:
        """Return the connected socket, and the one that is about to connect."""
        return self._flows

    def inspect(self, now: datetime, connect: bool) -> Iterator[Finding]:
        """Yield what can be said of the settings, and of every receiver where `connect`."""
        yield from _inspect.settings(self._config, self._route.addresses)
        if self.files:
            yield from _inspect.certificates(self._config, now)
        if connect:
            for rank, address in enumerate(self._route.addresses):
                yield self._reach(rank, address, now)

    def _context(self) -> ssl.SSLContext | None:
        return _tls.context(self._config) if self._config.transport == "tls" else None

    def _connect(self, target: Target, context: ssl.SSLContext | None) -> Datagrams | Stream:
        if self._config.transport == "udp":
            return Datagrams(target)
        name = self._config.server_name or target.address.host.partition("%")[0]
        try:
            return Stream(target, self._config.framing, context, name, self._show_flows)
        except BaseException:
            self._show_flows()
            raise

    def _show_flows(self, *more: Flow) -> None:
        """Tell of the socket in use and of `more` that are about to be."""
        flows = (*((self._link.flow(),) if self._link else ()), *more)
        if flows != self._flows:
            self._flows = flows
            self.on_flows()

    def _use(self, target: Target, link: _Link) -> None:
        self._link, self._target = link, target
        self._show_flows()
        self._return_at = self._clock() + RETURN_AFTER

    def _go_back(self) -> None:
        """Change to an earlier receiver that works again, where nothing is on its way."""
        if self._target is None or not self._target.rank or self._clock() < self._return_at:
            return
        if self.unconfirmed():
            return
        self._return_at = self._clock() + RETURN_AFTER
        with contextlib.suppress(OSError):  # the one in use works, whatever is wrong elsewhere
            self._change(self._target.rank, self._context())

    def _change(self, rank: int, context: ssl.SSLContext | None) -> None:
        """Connect to a receiver before `rank`, where one answers; raise OSError."""
        for target in self._route.targets(self._clock()):
            if target.rank >= rank:
                return
            try:
                better = self._connect(target, context)
            except OSError:
                self._route.failed(target, self._clock())
                continue
            self.close()
            self._use(target, better)
            return

    @contextlib.contextmanager
    def _noting_failure(self) -> Iterator[None]:
        """Let the next `open` try others before a receiver that fails while it is used."""
        try:
            yield
        except OSError as error:
            if self._target is None:
                raise
            self._route.failed(self._target, self._clock())
            raise _named(error, self._target.address) from error

    def _line(self, delivery: Delivery) -> bytes | None:
        """Return what is sent of a delivery; None where it never fits."""
        limit = self._config.max_bytes
        data = self._render(delivery)
        if len(data) <= limit:
            return data
        try:
            data, _ = fit(delivery, self._render, limit)
        except TooBig:
            return None
        self.counts.truncated += 1
        return data

    def _reach(self, rank: int, address: Address, now: datetime) -> Finding:
        """Try one receiver; nothing is sent to it."""
        failures = []
        try:
            context = self._context()
            targets = self._route.resolve(rank, address)
        except OSError as error:
            return Finding("failure", f"{error.strerror or error}")
        for target in targets:
            try:
                link = self._connect(target, context)
            except OSError as error:
                failures.append(f"{target.place[0]!s}: {_tls.explain(error)}")
            else:
                with contextlib.closing(link):
                    return _inspect.reached(address, target, link, now)
        return Finding("failure", f"{address}: cannot be reached: {'; '.join(failures)}")


def _named(error: OSError, address: Address) -> OSError:
    """Return the error with the receiver in its text; what it was stays in `__cause__`."""
    kind = type(error) if isinstance(error, ConnectionError | TimeoutError) else OSError
    named = kind(f"{address}: {_tls.explain(error)}")
    named.__cause__ = error
    return named
