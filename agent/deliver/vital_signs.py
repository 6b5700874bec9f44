"""What deliver adds to the heartbeat of sense: how far each output has come."""

from collections.abc import Iterable

import msgspec

from agent.deliver.lane import Lane
from agent.model import AGENT_HEARTBEAT, Event, Evidence


def with_outputs(event: Event, lanes: Iterable[Lane]) -> Event:
    """Return a heartbeat with the last `seq`, losses and backlog of each output, others as is.

    So one event shows the whole way. The numbers are those before the heartbeat itself.
    """
    if event.class_id != AGENT_HEARTBEAT:
        return event
    found: dict[str, str | int | float] = {**event.evidence}
    for lane in lanes:
        state = lane.state
        found[f"seq_{lane.name}"] = state.last_seq
        found[f"lost_{lane.name}"] = sum(lane.dropped.values())
        found[f"waiting_{lane.name}"] = state.events
    evidence: Evidence = found
    return msgspec.structs.replace(event, evidence=evidence)
