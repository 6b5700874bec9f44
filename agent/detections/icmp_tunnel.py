"""ICMP tunnelling: echo requests that carry other data each time, between two hosts.

Programs that ping send the same data again and again; only a time and a counter in front change.
Counts different data behind those within a minute. Errs on programs that ping with random data.
"""

import msgspec

from agent.detections import Finding, Seen
from agent.detections._limits import check
from agent.scan.wanted import Wanted


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.icmp_tunnel: alert above `requests` within a minute."""

    enabled: bool = True
    requests: int = 50
    repeat: int = 600

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing or everything would reach."""
        check("requests", self.requests, 5, 2000)
        check("repeat", self.repeat, 0, 604_800, "seconds")


class Detection:
    """Judges pairs of hosts whose echo requests differ."""

    looks_at = "pinging"

    def __init__(self, config: Config) -> None:
        self._config = config
        self.repeat = config.repeat
        self.wanted = Wanted(tunnel_pings=config.requests)

    def examine(self, seen: Seen) -> Finding | None:
        """Return a finding for more different requests than the threshold."""
        if seen.distinct <= self._config.requests:
            return None
        address = seen.destination.address
        return Finding(
            type="IP",
            info="potential icmp tunnelling (suspicious)",
            evidence={
                "different": seen.distinct,
                "requests": seen.count,
                "bytes": seen.amount,
                "window_seconds": 60,
            },
            trail=address,
            indicator=address,
        )
