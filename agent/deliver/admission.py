"""Decide which events an output wants, and what of them it may see."""

from agent.config import Output
from agent.deliver.credentials import without_credentials
from agent.deliver.masking import masked
from agent.model import SEVERITIES, Event


class Admission:
    """The common keys of an output: min_severity, agent_events, mask_custom, cut_credentials."""

    def __init__(self, settings: Output) -> None:
        self._least = SEVERITIES[settings.min_severity]
        self._agent_events = settings.agent_events
        self._mask = settings.mask_custom
        self._cut = settings.cut_credentials

    def admit(self, event: Event) -> Event | None:
        """Return the event as this output may see it, or None where it does not want it."""
        if event.is_agent:
            return event if self._agent_events else None
        if event.severity_id < self._least:
            return None
        if self._mask and event.custom:
            return masked(event)
        return without_credentials(event) if self._cut else event
