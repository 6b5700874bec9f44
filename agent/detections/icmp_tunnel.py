"""ICMP tunnelling: echo requests that carry other data each time, between two hosts.

Programs that ping send the same data again and again; only a time and a counter in front change.
Counts different data behind those within a minute. Errs on programs that ping with random data.
"""

from agent.detections import Finding, Seen
from agent.detections._limits import Repeating, check
from agent.scan.wanted import Wanted


class Config(Repeating, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.icmp_tunnel: alert above `requests` within a minute."""

    requests: int = 50
    repeat: int = 600

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing or everything would reach."""
        check("requests", self.requests, 5, 2000)
        super().__post_init__()


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
