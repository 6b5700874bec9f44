"""Web scan: one source asks one server for many things that are not there (rule H-6).

Counts first segments of paths, without queries, until they are found: a response of 2xx or 3xx.
Errs where only one direction passes the sensor, and on pages that miss many of their parts.
"""

from agent.detections import Counted, Finding, Table
from agent.detections._limits import MAX_MARKED, ROOM, Windowed, check


class Config(Windowed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.web_scan: alert above `paths` within `window` seconds.

    Or above `slow_paths` within `slow_window`; 0 leaves that out.
    """

    paths: int = 10
    slow_paths: int = 20

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing or everything would reach."""
        check("paths", self.paths, 1, MAX_MARKED)
        check("slow_paths", self.slow_paths, 1, MAX_MARKED)
        super().__post_init__()


class Detection:
    """Judges distinct first segments between two addresses."""

    def __init__(self, config: Config) -> None:
        self._config = config
        items = max(config.paths, config.slow_paths) + ROOM
        self.table = Table(
            "paths", config.window, config.paths, items, config.slow_window, config.slow_paths
        )

    def judge(self, row: Counted) -> Finding | None:
        """Return a finding when more segments than a threshold were not found in its window."""
        config = self._config
        for limit, window in (
            (config.paths, config.window),
            (config.slow_paths, config.slow_window),
        ):
            missed = len(row.failed(window))
            if window and missed > limit:
                return Finding(
                    type="PATH",
                    info="potential web scanning",
                    evidence={"paths": missed, "window_seconds": window},
                    trail="*",
                    slow=window != config.window,
                )
        return None
