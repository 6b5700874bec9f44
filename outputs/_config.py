"""The keys that all outputs over the network share."""

from typing import Literal

from outputs import _tls
from outputs._stream import Framing

MAX_BYTES = 65507
"""What UDP over IPv4 can carry; no receiver takes longer lines by default."""

MIN_BYTES = 1200
"""Below this an event without anything optional may not fit."""

MAX_RATE = 1_000_000
"""Events a second: beyond it no pace is kept at all."""

UDP_RATE, UDP_BURST = 1000.0, 50
"""A default receive buffer holds 92 datagrams of an event's size: a burst of 200 was lost in part
by a busy rsyslogd, one of 50 leaves it time to wake up."""


class Config(_tls.Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to, over what, how lines are told apart, whom to believe."""

    address: str | None = None
    addresses: tuple[str, ...] = ()
    mode: Literal["failover"] = "failover"
    transport: Literal["udp", "tcp", "tls"] = "udp"
    framing: Framing = "lf"
    max_bytes: int = 8192
    rate: float | None = None
    burst: int = UDP_BURST

    def __post_init__(self) -> None:
        """Refuse what could never be sent, and keys that would do nothing. Raise ValueError."""
        if (self.address is None) == (not self.addresses):
            raise ValueError("expected either address: HOST:PORT or addresses: [HOST:PORT, ...]")
        if not MIN_BYTES <= self.max_bytes <= MAX_BYTES:
            raise ValueError(
                f"max_bytes: expected {MIN_BYTES} to {MAX_BYTES}, found {self.max_bytes}"
            )
        if self.rate is not None and not 1 <= self.rate <= MAX_RATE:
            raise ValueError(f"rate: expected 1 to {MAX_RATE} events/s, found {self.rate:g}")
        if not 1 <= self.burst <= MAX_RATE:
            raise ValueError(f"burst: expected 1 to {MAX_RATE} events, found {self.burst}")
        if self.transport == "udp" and self.framing != "lf":
            raise ValueError("framing: only with transport: tcp or tls; a datagram is a line")
        if self.transport != "tls":
            for key in _tls.Keys.__struct_fields__:
                if getattr(self, key):
                    raise ValueError(f"{key}: only with transport: tls")
        self.check()
