"""Tell in events that sense is not there, and when it is back."""

from collections.abc import Iterator

from agent.model import Event
from agent.notices import AgentNotices

GRACE = 60.0
"""Seconds without sense that need no event: a restart takes a few."""


class Presence:
    """Remembers since when sense is away and whether that was told. Times are monotonic seconds."""

    def __init__(self, notices: AgentNotices, now: float) -> None:
        """Take the moment from which sense is expected."""
        self._notices = notices
        self._seen = now
        self._told = False

    def tell(self, connected: bool, now: float, now_us: int) -> Iterator[Event]:
        """Yield an event when sense has been away too long, and one when it is back."""
        away = int(now - self._seen)
        if connected:
            self._seen = now
        if connected and self._told:
            self._told = False
            what, remedy = "sense is connected again", "nothing is left to do"
        elif not connected and not self._told and now - self._seen > GRACE:
            self._told = True
            what = f"sense has not been connected for {away} seconds: nothing is detected"
            remedy = "see systemctl status maltrail-agent"
        else:
            return
        yield self._notices.degraded(now_us, what, remedy, {"seconds": away})
