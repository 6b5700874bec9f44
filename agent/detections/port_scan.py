"""Port scan: one source tries many TCP ports of one host within a window (rules H-2 and H-3).

Counts connection attempts and NULL, FIN and XMAS probes. Errs on hosts that really offer that
many services to one client, such as passive FTP servers.
"""

import msgspec

from agent.detections import Counted, Finding, Table

SAMPLES = 20


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.port_scan: alert above `ports` within `window` seconds."""

    enabled: bool = True
    ports: int = 10
    window: int = 30

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing or everything would reach."""
        if not 1 <= self.ports <= 1024:
            raise ValueError(f"ports: expected 1 to 1024, found {self.ports}")
        if not 1 <= self.window <= 3600:
            raise ValueError(f"window: expected 1 to 3600 seconds, found {self.window}")


class Detection:
    """Judges distinct destination ports between two addresses."""

    def __init__(self, config: Config) -> None:
        self._config = config
        # Room for some ports more than the threshold, so that evidence says how wide it was.
        self.table = Table("probes", config.window, config.ports, config.ports + 22)

    def judge(self, row: Counted) -> Finding | None:
        """Return a finding when more ports than the threshold lie within the window."""
        since = row.last_us // 1_000_000 - self._config.window
        ports = sorted(port for port, second in row.items.items() if second > since)
        if len(ports) <= self._config.ports:
            return None
        return Finding(
            type="IP",
            info="potential port scanning",
            evidence={
                "ports": len(ports),
                "window_seconds": self._config.window,
                "sample_ports": ",".join(map(str, ports[:SAMPLES])),
            },
        )
