"""Faults: what does not work for a while, told once when it begins and once when it has ended.

Both events are of one incident: the same `incident_id`, `state` open and closed.
"""

from collections.abc import Iterator

import msgspec

from agent.model import Event, Evidence
from agent.notices import AgentNotices

MENDED = "nothing is left to do"
"""The remedy of what has ended."""


class Faults:
    """Remembers by key what was told and lasts. Time is an argument."""

    def __init__(self, notices: AgentNotices) -> None:
        self._notices = notices
        self._open: dict[str, Event] = {}

    def is_open(self, key: str) -> bool:
        """Tell whether this was told and has not ended."""
        return key in self._open

    def begin(
        self, key: str, time_us: int, what: str, remedy: str, evidence: Evidence | None = None
    ) -> Iterator[Event]:
        """Yield the event that `what` does not work, unless that was told already."""
        if key not in self._open:
            told = self._notices.degraded(time_us, what, remedy, {"ended": 0, **(evidence or {})})
            self._open[key] = msgspec.structs.replace(told, state="open")
            yield self._open[key]

    def change(
        self, key: str, time_us: int, what: str, remedy: str, evidence: Evidence | None = None
    ) -> Iterator[Event]:
        """Yield the event that what does not work is another thing now; it must have been told."""
        told = self._open[key]
        yield msgspec.structs.replace(
            self._notices.degraded(time_us, what, remedy, {"ended": 0, **(evidence or {})}),
            state="update",
            incident_id=told.incident_id,
            first_us=told.time_us,
        )

    def end(
        self, key: str, time_us: int, what: str, evidence: Evidence | None = None
    ) -> Iterator[Event]:
        """Yield the event that all is well again, where the fault was told."""
        told = self._open.pop(key, None)
        if told is not None:
            seconds = max(0, time_us - told.time_us) // 1_000_000
            more: Evidence = {"ended": 1, "seconds": seconds, **(evidence or {})}
            yield msgspec.structs.replace(
                self._notices.degraded(time_us, what, MENDED, more),
                state="closed",
                incident_id=told.incident_id,
                first_us=told.time_us,
            )

    def forget(self, key: str) -> None:
        """Let the next `begin` tell again; nothing is told now."""
        self._open.pop(key, None)
