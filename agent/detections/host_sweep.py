"""Host sweep: one source tries many hosts on one port, or pings them, and they do not answer.

On ports that clients use with many hosts anyway only hosts of one network of 256 count. Ports of
worms, tried by our own hosts, are left to infection_scan. Errs on clients whose way out is down,
on peers of file sharing, and where only one direction of the traffic is seen.
"""

from agent.detections import Counted, Finding, Table
from agent.detections._hosts import ICMP, LABELS, WORM_PORTS, densest, sample
from agent.detections._limits import MAX_MARKED, ROOM, Windowed, check

CROWDED = frozenset({53, 80, 123, 443})


class Config(Windowed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.host_sweep: alert above `hosts` within `window` seconds.

    Or above `slow_hosts` within `slow_window`; 0 leaves that out.
    """

    hosts: int = 32
    slow_hosts: int = 40

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing or everything would reach."""
        check("hosts", self.hosts, 1, MAX_MARKED)
        check("slow_hosts", self.slow_hosts, 1, MAX_MARKED)
        super().__post_init__()


class Detection:
    """Judges distinct hosts that one source asked in vain on one port."""

    def __init__(self, config: Config) -> None:
        self._config = config
        items = max(config.hosts, config.slow_hosts) + ROOM
        self.table = Table(
            "hosts", config.window, config.hosts, items, config.slow_window, config.slow_hosts
        )

    def judge(self, row: Counted) -> Finding | None:
        """Return a finding when more hosts than a threshold did not answer within its window."""
        config = self._config
        if row.from_home and row.port in WORM_PORTS and row.protocol == 6:
            return None
        for limit, window in (
            (config.hosts, config.window),
            (config.slow_hosts, config.slow_window),
        ):
            hosts = row.failed(window)
            if row.port in CROWDED:
                hosts = densest(hosts) if row.version == 4 else []
            if len(hosts) > limit:
                return self._finding(row, hosts, window)
        return None

    def _finding(self, row: Counted, hosts: list[int], window: int) -> Finding:
        kept = self.table.items
        shown = sample(hosts, kept, row.version)
        return Finding(
            type="IP",
            info="potential host sweep",
            evidence={
                "protocol": LABELS.get(row.protocol, str(row.protocol)),
                **({} if row.protocol == ICMP else {"port": row.port}),
                "hosts": min(len(hosts), kept),
                "window_seconds": window,
                **({"sample_hosts": shown} if shown else {}),
            },
            slow=window != self._config.window,
        )
