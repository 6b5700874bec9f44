"""Events on their way into a queue."""

import msgspec

from agent.deliver.queue import Queue, encode
from agent.model import Event
from tests.outputs.samples import EVENT


def event(severity: int = 6, label: str = "") -> Event:
    """Return an event of a severity."""
    return msgspec.structs.replace(EVENT, severity_id=severity, observed=label)


def put(queue: Queue, *events: Event, now: float = 0.0) -> None:
    """Put events into a queue, as one batch."""
    queue.put([(one.severity_id, encode(one)) for one in events], now)


def seqs(queue: Queue, limit: int = 1000) -> list[int]:
    """Take, and return the numbers of what came."""
    return [delivery.seq for delivery in queue.take(limit)]
