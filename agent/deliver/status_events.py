"""The last events, for the status page: few, short, masked, newest first; and what lasts of them.

What does not work for a while is told by an event when it begins and one when it ended
(agent.faults); between the two it is a trouble.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Sequence

from agent.deliver.credentials import without_credentials
from agent.deliver.masking import masked
from agent.deliver.status_document import Told
from agent.model import AGENT_DEGRADED, AGENT_HEARTBEAT, AGENT_START, Endpoint, Event
from agent.visible import visible

MAX_EVENTS = 25
"""Of each kind: what a person looks over."""
MAX_TROUBLES = 50
"""More at a time say no more; the oldest give way."""
MAX_TEXT = 200
"""Characters of a text: enough to know a name again."""

_MARK = "[...]"


class RecentEvents:
    """Remembers the last events and what lasts; safe for several threads.

    `count` is how many there were on the wire.
    """

    def __init__(self, mask_custom: bool) -> None:
        self.count = 0
        self._mask = mask_custom
        self._lock = threading.Lock()
        self._detections: deque[Told] = deque(maxlen=MAX_EVENTS)
        self._notices: deque[Told] = deque(maxlen=MAX_EVENTS)
        self._troubles: OrderedDict[tuple[bool, str], Told] = OrderedDict()

    def note(self, events: Sequence[Event], of_sense: bool) -> None:
        """Take over events; `of_sense` tells whose they are."""
        detections = [event for event in events if not event.is_agent]
        notices = [event for event in events if event.is_agent]
        shown = [self._told(event) for event in detections[-MAX_EVENTS:]]
        with self._lock:
            self.count += len(detections)
            self._detections += shown
            for event in notices:
                self._note(event, of_sense)

    def detections(self) -> tuple[Told, ...]:
        """Return what was last seen on the wire, newest first."""
        with self._lock:
            return tuple(reversed(self._detections))

    def notices(self) -> tuple[Told, ...]:
        """Return what the agent last told of itself, newest first, without heartbeats."""
        with self._lock:
            return tuple(reversed(self._notices))

    def troubles(self) -> tuple[Told, ...]:
        """Return what does not work now, newest first."""
        with self._lock:
            return tuple(reversed(self._troubles.values()))

    def _note(self, event: Event, of_sense: bool) -> None:
        shown = self._told(event)
        if event.class_id != AGENT_HEARTBEAT:
            self._notices.append(shown)
        if event.class_id == AGENT_START and of_sense:
            # Whatever the sense before this one had begun, it can no longer end.
            for key in [key for key in self._troubles if key[0]]:
                del self._troubles[key]
        if event.class_id == AGENT_DEGRADED and event.state == "closed":
            self._troubles.pop((of_sense, event.incident_id), None)
        elif event.class_id == AGENT_DEGRADED and event.state == "open":
            self._troubles[of_sense, event.incident_id] = shown
            while len(self._troubles) > MAX_TROUBLES:
                self._troubles.popitem(last=False)

    def _told(self, event: Event) -> Told:
        return told(masked(event) if self._mask and event.custom else without_credentials(event))


def told(event: Event) -> Told:
    """Return what is shown of an event."""
    return Told(
        time=event.time_us / 1e6,
        severity_id=event.severity_id,
        class_id=short(event.class_id),
        info=short(event.info),
        trail="" if event.is_agent else short(event.trail),
        source=_side(event.source, event.source_name),
        destination=_side(event.destination, event.destination_name),
        protocol=short(event.protocol),
        direction="" if event.is_agent else event.direction,
        state=event.state,
        total=event.total,
    )


def short(text: str) -> str:
    """Return a text that can be shown: visible and of bounded length."""
    shown = visible(text[: 4 * MAX_TEXT])
    return shown if len(shown) <= MAX_TEXT else shown[: MAX_TEXT - len(_MARK)] + _MARK


def _side(side: Endpoint, name: str) -> str:
    if not side.address:
        return ""
    address = f"[{side.address}]" if ":" in side.address and side.port is not None else side.address
    shown = address if side.port is None else f"{address}:{side.port}"
    return short(f"{shown} {name}" if name else shown)
