"""Port scan: one source tries many TCP ports of one host within a window (rules H-2 and H-3).

Counts connection attempts and NULL, FIN, XMAS and Maimon probes; within the long window only
those that nothing answered. Errs on hosts that really offer that many services to one client,
such as passive FTP servers.
"""

from agent.detections import Counted, Finding, Table
from agent.detections._limits import MAX_MARKED, ROOM, Windowed, check, sample


class Config(Windowed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.port_scan: alert above `ports` within `window` seconds.

    Or above `slow_ports` within `slow_window` that nothing answered; 0 leaves that out.
    """

    ports: int = 10
    slow_ports: int = 15

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing or everything would reach."""
        check("ports", self.ports, 1, 1024)
        check("slow_ports", self.slow_ports, 1, MAX_MARKED)
        super().__post_init__()


class Detection:
    """Judges distinct destination ports between two addresses."""

    def __init__(self, config: Config) -> None:
        self._config = config
        items = max(config.ports, config.slow_ports) + ROOM
        self.table = Table(
            "probes",
            config.window,
            config.ports,
            items,
            config.slow_window,
            config.slow_ports,
        )

    def judge(self, row: Counted) -> Finding | None:
        """Return a finding when more ports than a threshold lie within its window."""
        config = self._config
        ports = row.within(config.window)
        if len(ports) > config.ports:
            return _finding(ports, config.window, slow=False)
        failed = row.failed(config.slow_window) if config.slow_window else []
        if len(failed) > config.slow_ports:
            return _finding(failed, config.slow_window, slow=True)
        return None


def _finding(ports: list[int], window: int, *, slow: bool) -> Finding:
    return Finding(
        type="IP",
        info="potential port scanning",
        evidence={"ports": len(ports), "window_seconds": window, "sample_ports": sample(ports)},
        slow=slow,
    )
