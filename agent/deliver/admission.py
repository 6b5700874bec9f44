"""Decide which events an output wants, and what of them it may see."""

from agent.classes import check, is_one_of
from agent.config import Output
from agent.deliver.credentials import without_credentials
from agent.deliver.masking import masked
from agent.model import SEVERITIES, Event

_AGENT = "agent-"


class Admission:
    """The common keys of an output.

    `min_severity` and `classes` judge traffic. An event about the agent itself passes unless
    `agent_events` is off, `exclude_classes` names it, or `classes` names other agent classes: a
    receiver that wants one kind of traffic still learns of silence and loss.
    """

    def __init__(self, settings: Output) -> None:
        """Raise ConfigError for a pattern that no class can ever match."""
        key = f"outputs.{settings.name}"
        check(settings.classes, f"{key}.classes")
        check(settings.exclude_classes, f"{key}.exclude_classes")
        self._classes = tuple(p for p in settings.classes if not p.startswith(_AGENT))
        self._agent_classes = tuple(p for p in settings.classes if p.startswith(_AGENT))
        self._only_agent = bool(self._agent_classes) and not self._classes
        self._excluded = settings.exclude_classes
        self._least = SEVERITIES[settings.min_severity]
        self._agent_events = settings.agent_events
        self._mask = settings.mask_custom
        self._cut = settings.cut_credentials

    def admit(self, event: Event) -> Event | None:
        """Return the event as this output may see it, or None where it does not want it."""
        if is_one_of(event.class_id, self._excluded):
            return None
        if event.is_agent:
            wanted = not self._agent_classes or is_one_of(event.class_id, self._agent_classes)
            return event if self._agent_events and wanted else None
        if event.severity_id < self._least or self._only_agent:
            return None
        if self._classes and not is_one_of(event.class_id, self._classes):
            return None
        if self._mask and event.custom:
            return masked(event)
        return without_credentials(event) if self._cut else event
