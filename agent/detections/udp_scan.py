"""UDP scan: one source tries many UDP ports of one host, and nothing answers (rule H-4).

Counts the datagrams that open a conversation; DNS does not count, nor do the ports that
traceroute goes through. Errs on peers behind one shared address, of which many are gone.
"""

from agent.detections import Counted, Finding, Table
from agent.detections._limits import MAX_MARKED, ROOM, Windowed, check, sample

TRACEROUTE = range(33434, 33534)


class Config(Windowed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.udp_scan: alert above `ports` within `window` seconds.

    Or above `slow_ports` within `slow_window`; 0 leaves that out.
    """

    ports: int = 10
    slow_ports: int = 15

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing or everything would reach."""
        check("ports", self.ports, 1, MAX_MARKED)
        check("slow_ports", self.slow_ports, 1, MAX_MARKED)
        super().__post_init__()


class Detection:
    """Judges distinct destination ports between two addresses."""

    def __init__(self, config: Config) -> None:
        self._config = config
        items = max(config.ports, config.slow_ports) + ROOM
        self.table = Table(
            "udp_ports",
            config.window,
            config.ports,
            items,
            config.slow_window,
            config.slow_ports,
        )

    def judge(self, row: Counted) -> Finding | None:
        """Return a finding when more unanswered ports than a threshold lie within its window."""
        config = self._config
        for limit, window in (
            (config.ports, config.window),
            (config.slow_ports, config.slow_window),
        ):
            ports = [port for port in row.failed(window) if port not in TRACEROUTE]
            if len(ports) > limit:
                return Finding(
                    type="IP",
                    info="potential udp scanning",
                    evidence={
                        "ports": len(ports),
                        "window_seconds": window,
                        "sample_ports": sample(ports),
                    },
                    slow=window != config.window,
                )
        return None
