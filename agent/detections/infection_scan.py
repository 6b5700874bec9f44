"""Infection: one of our hosts tries many others on a port that worms spread by (rule H-5).

Ours are the home networks of the configuration (instead of the prefix that rule H-22 guesses);
the long window counts hosts that did not answer. Errs on what manages, backs up or scans many
hosts over these ports.
"""

from agent.detections import Counted, Finding, Table
from agent.detections._hosts import sample
from agent.detections._limits import MAX_MARKED, ROOM, Windowed, check


class Config(Windowed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.infection_scan: alert above `hosts` within `window` seconds.

    Or above `slow_hosts` within `slow_window` that did not answer; 0 leaves that out.
    """

    hosts: int = 32
    slow_hosts: int = 32

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing or everything would reach."""
        check("hosts", self.hosts, 1, 1024)
        check("slow_hosts", self.slow_hosts, 1, MAX_MARKED)
        super().__post_init__()


class Detection:
    """Judges distinct hosts that one source tried on one port."""

    def __init__(self, config: Config) -> None:
        self._config = config
        items = max(config.hosts, config.slow_hosts) + ROOM
        self.table = Table(
            "infected",
            config.window,
            config.hosts,
            items,
            config.slow_window,
            config.slow_hosts,
        )

    def judge(self, row: Counted) -> Finding | None:
        """Return a finding when one of ours tried more hosts than a threshold in its window."""
        config = self._config
        if not row.from_home:
            return None
        hosts = row.within(config.window)
        if len(hosts) > config.hosts:
            return self._finding(row, hosts, config.window)
        hosts = row.failed(config.slow_window) if config.slow_window else []
        if len(hosts) > config.slow_hosts:
            return self._finding(row, hosts, config.slow_window)
        return None

    def _finding(self, row: Counted, hosts: list[int], window: int) -> Finding:
        kept = self.table.items
        shown = sample(hosts, kept, row.version)
        return Finding(
            type="PORT",
            info="potential infection",
            evidence={
                "port": row.port,
                "hosts": min(len(hosts), kept),
                "window_seconds": window,
                **({"sample_hosts": shown} if shown else {}),
            },
            trail=str(row.port),
            slow=window != self._config.window,
        )
