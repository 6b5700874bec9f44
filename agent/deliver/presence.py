"""Tell in events that sense is not there, and when it is back."""

from collections.abc import Iterator

from agent.faults import Faults
from agent.model import Event
from agent.notices import AgentNotices

GRACE = 60.0
"""Seconds without sense that need no event: a restart takes a few."""

_SENSE = "sense"


class Presence:
    """Remembers since when sense is away and whether that was told. Times are monotonic seconds."""

    def __init__(self, notices: AgentNotices, now: float) -> None:
        """Take the moment from which sense is expected."""
        self._faults = Faults(notices)
        self._seen = now

    def tell(self, connected: bool, now: float, now_us: int) -> Iterator[Event]:
        """Yield an event when sense has been away too long, and one when it is back."""
        away = int(now - self._seen)
        if connected:
            self._seen = now
            what = "sense is connected again"
            yield from self._faults.end(_SENSE, now_us, what, {"seconds": away})
        elif now - self._seen > GRACE:
            what = f"sense has not been connected for {away} seconds: nothing is detected"
            remedy = "see systemctl status maltrail-agent"
            yield from self._faults.begin(_SENSE, now_us, what, remedy, {"seconds": away})
