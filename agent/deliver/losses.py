"""Tell losses in events: what an output dropped, at most once a minute for each."""

from collections.abc import Iterator, Mapping

from agent.model import Event
from agent.notices import AgentNotices

EVERY = 60.0
"""Seconds between two events about one output: a full queue drops on and on."""


class Losses:
    """Remembers what was told already. Time is an argument."""

    def __init__(self, notices: AgentNotices) -> None:
        self._notices = notices
        self._told: dict[str, Mapping[str, int]] = {}
        self._told_at: dict[str, float] = {}

    def tell(self, dropped: Mapping[str, Mapping[str, int]], now_us: int) -> Iterator[Event]:
        """Yield an event for each output whose drops (by reason) grew since they were told."""
        now = now_us / 1_000_000
        for name, reasons in dropped.items():
            told = self._told.get(name, {})
            new = {reason: count - told.get(reason, 0) for reason, count in reasons.items()}
            new = {reason: count for reason, count in new.items() if count > 0}
            if not new or now - self._told_at.get(name, -EVERY) < EVERY:
                continue
            self._told[name] = dict(reasons)
            self._told_at[name] = now
            yield self._notices.loss(now_us, f"output {name}", sum(new.values()), "events", new)
        for gone in self._told.keys() - dropped.keys():
            del self._told[gone], self._told_at[gone]
