"""Decide which events an output wants, and what of them it may see."""

import msgspec

from agent.config import Output
from agent.model import SEVERITIES, Event

MASK = "(masked)"


class Admission:
    """The common keys of an output: min_severity, agent_events, mask_custom."""

    def __init__(self, settings: Output) -> None:
        self._least = SEVERITIES[settings.min_severity]
        self._agent_events = settings.agent_events
        self._mask = settings.mask_custom

    def admit(self, event: Event) -> Event | None:
        """Return the event as this output may see it, or None where it does not want it."""
        if event.is_agent:
            return event if self._agent_events else None
        if event.severity_id < self._least:
            return None
        return masked(event) if self._mask and event.custom else event


def masked(event: Event) -> Event:
    """Return the event without the site's own indicator and what would give it away.

    The packet's addresses stay: without them a SIEM could do nothing with the event.
    """
    return msgspec.structs.replace(
        event,
        trail=MASK,
        indicator=MASK,
        observed=MASK,
        dns=None,
        http=None,
        tls=None,
        samples=(),
        evidence={},
    )
