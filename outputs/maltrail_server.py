"""Events for an existing Maltrail server, as its own sensors send them (rule O-4).

One datagram an event, unconfirmed and unencrypted: keep it inside a trusted network.
"""

import time

from agent.model import Delivery
from outputs import _config, _maltrail_line, _transport

DEFAULT_PORT = 8337


class Config(_config.Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an output of type maltrail_server."""

    def __post_init__(self) -> None:
        """Refuse transports that the server does not know."""
        super().__post_init__()
        if self.transport != "udp":
            raise ValueError("transport: a Maltrail server takes udp only")


class Output(_transport.Sender):
    """One datagram an event: the second, then the line of Maltrail's own log."""

    def __init__(self, config: Config, clock: _transport.Clock = time.monotonic) -> None:
        super().__init__(config, DEFAULT_PORT, _datagram, clock)


def _datagram(delivery: Delivery) -> bytes:
    # The server files the event by the first number, and takes the rest as it is.
    line = _maltrail_line.render(delivery)
    return f"{delivery.event.time_us // 1_000_000} {line}\n".encode()
