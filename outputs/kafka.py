"""Apache Kafka: each event is a record that all in-sync replicas have acknowledged.

Needs the extra `kafka` (kafka-python). Strategy: the client batches, retries and orders; what it
has not acknowledged yet is counted here, oldest first, and written again after a failure.
"""

import contextlib
import importlib
import logging
import selectors
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, cast

from agent.link import Flow
from agent.model import Delivery
from outputs import (
    Counts,
    Finding,
    Rate,
    Rejected,
    _address,
    _formats,
    _http,
    _inspect,
    _tls,
    ignore,
)
from outputs._route import Route
from outputs._stream import connected

PORT = 9092
MAX_BLOCK_MS = 10_000
"""Milliseconds that one event may wait for the cluster's answer about the topic."""

DELIVERY_MS = 60_000
"""Milliseconds after which a record that was not acknowledged is given back to us."""

BOOTSTRAP_MS = 5_000
"""Milliseconds for the first answer of any broker; the runner tries again later."""

CLOSE_SECONDS = 2.0
"""Seconds that closing may take; what is open then is written again."""

MAX_RECORD = 1_000_000
"""Bytes: brokers take 1 MiB by default, headers included."""


class Config(_tls.Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an output of type kafka: brokers to ask first, topic, who we are."""

    addresses: tuple[str, ...]
    topic: str
    format: _formats.Name = "ecs"
    transport: Literal["tcp", "tls"] = "tls"
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str | None = None
    password_file: str | None = None
    rate: float | None = None

    def __post_init__(self) -> None:
        """Refuse what could never be sent; raise ValueError."""
        if not self.addresses:
            raise ValueError("addresses: expected at least one HOST:PORT")
        if not 0 < len(self.topic) <= 249:
            raise ValueError(f"topic: expected 1 to 249 characters, found {self.topic!r}")
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username, password_file: expected both or neither")
        if self.transport == "tcp":
            for key in _tls.Keys.__struct_fields__:
                if getattr(self, key):
                    raise ValueError(f"{key}: only with transport: tls")
        if self.rate is not None and self.rate < 1:
            raise ValueError(f"rate: expected 1 event/s or more, found {self.rate:g}")
        self.check()


class _Future(Protocol):
    """What the client says of one record, now or later."""

    exception: BaseException | None

    def succeeded(self) -> bool:
        """Tell whether all replicas have it."""

    def failed(self) -> bool:
        """Tell whether it was given up."""


class _Producer(Protocol):
    """What is used of kafka.KafkaProducer."""

    def send(self, topic: str, value: bytes, key: bytes) -> _Future:
        """Queue a record."""

    def partitions_for(self, topic: str) -> set[int] | None:
        """Ask for the topic."""

    def close(self, timeout: float) -> None:
        """End."""


class Output:
    """Sends records; belongs to one thread, beside which the client runs its own."""

    def __init__(self, config: Config) -> None:
        """Check addresses and the extra; raise ValueError."""
        addresses = [_address.parse(text, PORT) for text in config.addresses]
        self._addresses = [str(address) for address in addresses]
        self._route = Route(addresses, socket.SOCK_STREAM)
        self._make = _maker()
        self.counts = Counts()
        self.rate: Rate | None = Rate(config.rate, int(config.rate)) if config.rate else None
        self.wants_journal = True
        passwords = (Path(config.password_file),) if config.password_file else ()
        self.files: tuple[Path, ...] = (*_tls.files(config), *passwords)
        self.on_flows: Callable[[], None] = ignore
        self._config = config
        self._format = _formats.make(config.format)
        self._producer: _Producer | None = None
        self._selector = selectors.DefaultSelector()
        self._open: deque[_Future | None] = deque()

    def open(self) -> None:
        """Connect to the cluster and ask for the topic; raise OSError."""
        self.close()
        options = self._options()
        self._reach()
        with _as_oserror():
            self._producer = self._make(**options)
            if not self._producer.partitions_for(self._config.topic):
                raise OSError(f"topic {self._config.topic}: the cluster does not know it")
        self.on_flows()  # the client makes its sockets itself, so that they are told late

    def write(self, deliveries: Sequence[Delivery]) -> None:
        """Queue all records; raise Rejected, OSError."""
        if self._producer is None:
            raise ConnectionError("not open")
        refused = []
        for index, delivery in enumerate(deliveries):
            line = self._format(delivery).encode()
            if len(line) > MAX_RECORD:
                refused.append(index)
                self._open.append(None)
                continue
            with _as_oserror():
                # One partition a sensor keeps its events in order.
                key = delivery.event.sensor.encode()
                self._open.append(self._producer.send(self._config.topic, value=line, key=key))
            self.counts.bytes += len(line)
        self.counts.format_errors = self._format.errors
        if refused:
            raise Rejected(refused, "too-big")

    def unconfirmed(self) -> int | None:
        """Return how many of the newest are not on all replicas; raise OSError."""
        while self._open:
            first = self._open[0]
            if first is not None and first.failed():
                raise OSError(f"not acknowledged: {first.exception}")
            if first is not None and not first.succeeded():
                break
            self._open.popleft()
        return len(self._open)

    def close(self) -> None:
        """End the client; what was not acknowledged is written again after the next `open`."""
        self._open.clear()
        if self._producer is not None:
            producer, self._producer = self._producer, None
            with contextlib.suppress(OSError), _as_oserror():
                producer.close(timeout=CLOSE_SECONDS)
        self._selector = selectors.DefaultSelector()

    def flows(self) -> tuple[Flow, ...]:
        """Return the sockets that the client has connected."""
        if self._producer is None:
            return ()
        try:
            watched = list(self._selector.get_map().values())
        except (RuntimeError, AttributeError):  # the client's thread changed it, or has ended
            return ()
        flows = []
        for key in watched:
            made = key.fileobj
            if isinstance(made, socket.socket) and made.family != socket.AF_UNIX:
                with contextlib.suppress(OSError):
                    local, remote = made.getsockname(), made.getpeername()
                    flows.append(Flow("tcp", local[0], local[1], remote[0], remote[1]))
        return tuple(flows)

    def inspect(self, now: datetime, connect: bool) -> Iterator[Finding]:
        """Yield how events travel, and with `connect` whether the cluster knows the topic."""
        del now
        where = ", ".join(self._addresses)
        secure = self._config.transport == "tls"
        how = "encrypted" if secure else "neither encrypted nor verified"
        what = f"to topic {self._config.topic} at {where}, {how}"
        yield Finding("ok" if secure else "warning", what)
        if self._config.accept_any_certificate:
            yield Finding("warning", _inspect.NOT_VERIFIED)
        if self._config.password_file:
            yield from _http.secret_findings("password_file", self._config.password_file)
        if connect:
            try:
                self.open()
            except OSError as error:
                yield Finding("failure", f"cannot be reached: {error}")
            else:
                yield Finding("ok", f"topic {self._config.topic}: found")
            finally:
                self.close()

    def _reach(self) -> None:
        """Raise OSError where no broker listens: the client needs longer to find that out."""
        refused: OSError | None = None
        for target in self._route.targets(0.0):
            try:
                connected(target)[0].close()
            except OSError as error:
                refused = refused or OSError(f"{target.address}: {_tls.explain(error)}")
            else:
                return
        raise refused or OSError("no address to connect to")

    def _options(self) -> dict[str, object]:
        """Return the client's settings, files read anew; raise OSError."""
        config = self._config
        self._selector = selectors.DefaultSelector()
        options: dict[str, object] = {
            "bootstrap_servers": self._addresses,
            "client_id": "maltrail-agent",
            "acks": "all",
            "enable_idempotence": True,
            "linger_ms": 20,
            "compression_type": "gzip",
            "bootstrap_timeout_ms": BOOTSTRAP_MS,
            "max_block_ms": MAX_BLOCK_MS,
            "delivery_timeout_ms": DELIVERY_MS,
            "max_request_size": MAX_RECORD + 1024,
            "selector": lambda: self._selector,
            "metrics_enabled": False,
        }
        protocol = "SSL" if config.transport == "tls" else "PLAINTEXT"
        if config.transport == "tls":
            options["ssl_context"] = _tls.context(config)
        if config.username and config.password_file:
            protocol = f"SASL_{protocol}"
            options["sasl_mechanism"] = config.mechanism
            options["sasl_plain_username"] = config.username
            options["sasl_plain_password"] = _http.secret("password_file", config.password_file)
        options["security_protocol"] = protocol
        return options


@contextlib.contextmanager
def _as_oserror() -> Iterator[None]:
    """Turn what the client raises into the error that runners take for a failed output."""
    errors = importlib.import_module("kafka.errors")
    try:
        yield
    except errors.KafkaError as error:
        raise OSError(" ".join(f"{type(error).__name__}: {error}".split())) from error


def _maker() -> Callable[..., _Producer]:
    """Return the client's class; raise ValueError where the extra is missing."""
    try:
        module = importlib.import_module("kafka")
    except ImportError as error:
        raise ValueError(
            "type: kafka needs the extra: pip install 'maltrail-agent[kafka]'"
        ) from error
    # It speaks of every attempt; what matters comes back as an error.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    return cast(Callable[..., _Producer], module.KafkaProducer)
