"""Notices: events about the agent itself, each one sentence and the numbers behind it."""

from collections.abc import Mapping

from agent.ids import Ids
from agent.model import (
    AGENT_CANARY,
    AGENT_DEGRADED,
    AGENT_HEARTBEAT,
    AGENT_LIST,
    AGENT_LOSS,
    AGENT_RELOAD,
    AGENT_START,
    AGENT_STOP,
    AGENT_STORM,
    AGENT_SUPPRESS,
    NO_SET,
    Event,
    Evidence,
)
from agent.severity import SeverityTable, maltrail_word

TYPE = "AGENT"
REFERENCE = "(agent)"


class AgentNotices:
    """Builds agent events; `set_id` is what they say of the trail set and may be changed."""

    def __init__(
        self,
        sensor: str,
        site: str,
        tags: tuple[str, ...],
        ids: Ids,
        severity: SeverityTable | None = None,
    ) -> None:
        """Take who speaks and where identifiers come from."""
        self.set_id = NO_SET
        self._sensor = sensor
        self._site = site
        self._tags = tags
        self._ids = ids
        self._severity = severity or SeverityTable()

    def start(self, time_us: int, version: str, evidence: Evidence | None = None) -> Event:
        """Tell that the agent started, with what it runs on as evidence."""
        return self.notice(
            AGENT_START,
            time_us,
            f"maltrail-agent {version} started",
            {"version": version, **(evidence or {})},
        )

    def stop(self, time_us: int, reason: str, evidence: Evidence | None = None) -> Event:
        """Tell that the agent stops, and why; a crash tells nothing, the heartbeat ends."""
        return self.notice(
            AGENT_STOP,
            time_us,
            f"maltrail-agent stops: {reason}",
            {"reason": reason, **(evidence or {})},
        )

    def reload(self, time_us: int, what: str, evidence: Evidence | None = None) -> Event:
        """Tell that `what` was read anew and is in force, or why it is not."""
        return self.notice(
            AGENT_RELOAD, time_us, f"reloaded: {what}", {"what": what, **(evidence or {})}
        )

    def heartbeat(self, time_us: int, evidence: Evidence) -> Event:
        """Tell that the agent is alive; the numbers are the evidence."""
        return self.notice(AGENT_HEARTBEAT, time_us, "maltrail-agent is alive", evidence)

    def canary(self, time_us: int, seconds: float, evidence: Evidence | None = None) -> Event:
        """Tell that the canary went through scanner, set and condenser in `seconds`."""
        return self.notice(
            AGENT_CANARY,
            time_us,
            f"the canary was detected after {seconds:.3f} s",
            {"seconds": seconds, **(evidence or {})},
        )

    def trial(self, time_us: int, output: str, evidence: Evidence | None = None) -> Event:
        """Tell, in the canary's class, that somebody tries the named output."""
        return self.notice(
            AGENT_CANARY, time_us, f"test event for output {output}: nothing happened", evidence
        )

    def degraded(
        self, time_us: int, what: str, remedy: str, evidence: Evidence | None = None
    ) -> Event:
        """Tell what does not work while the agent carries on, and what a person can do."""
        return self.notice(
            AGENT_DEGRADED, time_us, f"{what}; {remedy}", {"what": what, **(evidence or {})}
        )

    def loss(
        self, time_us: int, where: str, lost: int, unit: str, evidence: Evidence | None = None
    ) -> Event:
        """Tell how many packets, sightings or events (`unit`) were lost, and where."""
        return self.notice(
            AGENT_LOSS,
            time_us,
            f"lost {lost} {unit} in {where}",
            {"where": where, "lost": lost, "unit": unit, **(evidence or {})},
        )

    def feed(
        self, time_us: int, name: str, trouble: str, evidence: Evidence | None = None
    ) -> Event:
        """Tell that a list could not be used as published (class agent-list), and why."""
        return self.notice(
            AGENT_LIST,
            time_us,
            f"list {name}: {trouble}",
            {"list": name, "trouble": trouble, **(evidence or {})},
        )

    def storm(
        self,
        time_us: int,
        *,
        events: int,
        observations: int,
        incidents: int,
        lost: int,
        by_class: Mapping[str, int],
    ) -> Event:
        """Tell what the storm breaker held back.

        `observations` may still be told by a later event of their incident; `lost` are those of
        incidents that ended meanwhile and are told nowhere else. `by_class` counts events.
        """
        evidence: dict[str, str | int | float] = {
            "events": events,
            "observations": observations,
            "incidents": incidents,
            "lost": lost,
        }
        evidence.update(sorted(by_class.items()))
        info = (
            f"storm: {events} events of {incidents} incidents with {observations} observations "
            f"held back, more than limits.events_per_minute allows"
        )
        return self.notice(AGENT_STORM, time_us, info, evidence)

    def suppression(
        self,
        time_us: int,
        name: str,
        reason: str,
        *,
        held: int,
        total: int,
        until: str,
        ended: bool,
    ) -> Event:
        """Tell what an entry of `suppress` held back since it was last told, or that it ended.

        `held` and `total` are observations, `total` since the agent started; `until` is the last
        day or empty.
        """
        evidence: dict[str, str | int | float] = {
            "suppression": name,
            "reason": reason,
            "held": held,
            "total": total,
            "ended": int(ended),
        }
        if until:
            evidence["until"] = until
        info = f"suppression {name} held back {held} observations, {total} since the start"
        if ended:
            info = f"suppression {name} ended with {until}: it held back {total} observations"
        return self.notice(AGENT_SUPPRESS, time_us, info, evidence)

    def notice(
        self, class_id: str, time_us: int, info: str, evidence: Evidence | None = None
    ) -> Event:
        """Build an event of any agent class from one sentence and its evidence."""
        event_id = self._ids()
        return Event(
            class_id=class_id,
            sensor=self._sensor,
            time_us=time_us,
            severity=maltrail_word(info),
            severity_id=self._severity.judge(class_id, info, False, "external", "unknown"),
            type=TYPE,
            trail=class_id,
            info=info,
            reference=REFERENCE,
            event_id=event_id,
            incident_id=event_id,
            first_us=time_us,
            last_us=time_us,
            set=self.set_id,
            evidence=dict(evidence or {}),
            site=self._site,
            tags=self._tags,
        )
