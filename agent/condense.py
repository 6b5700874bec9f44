"""Condense: hits become events, repeats become counts, and nothing is lost unseen.

Strategy: an incident is one class, one indicator, one address of ours and one direction. Its
first hit is an event at once. While it goes on, a hit that comes a whole window after the last
event makes an update; a hit that raises the severity makes one at once, where this window had
none yet. Without a hit for a whole window it ends: with a `closed` event, or silently where the
first event told everything; that it was answered, which raised nothing, is told at the end at the
latest. Incidents stand in the order of their last activity, so ending them
costs what is due and evicting one costs nothing.

Time is the latest that hits and ticks told (the clock); packet times are only reported. A clock
that falls back by more than jitter was set back, or another capture began: all incidents end, as
no window can be measured across that.

The storm breaker bounds events per minute. What it holds back is counted, told by one
`agent-storm` event when the minute is over, and stays pending: the next event of the incident
carries it. Severe ones go first then, so that a flood of scans cannot hide a command server for
longer than that minute. Only what ended meanwhile is lost, and told as lost.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import MappingProxyType

from msgspec.structs import replace

from agent import config
from agent.community import community_id
from agent.direction import Home
from agent.ids import Ids
from agent.model import NO_SET, SEVERITIES, Dns, Event, Evidence, Hit, Http, Outcome, State, Tls
from agent.notices import AgentNotices
from agent.severity import SeverityTable, maltrail_word

MAX_SAMPLES = 10

_MINUTE_US = 60_000_000
_JITTER_US = 10 * _MINUTE_US  # workers drain within seconds; a starved one may lag by minutes
_LONG_AGO = -(1 << 62)
_SEVERE = SEVERITIES["high"]
_STRENGTH: Mapping[Outcome, int] = {"unknown": 0, "unanswered": 1, "refused": 2, "answered": 3}
_ANSWERS = frozenset({"dns.answer", "dns.cname", "tls.certificate"})

_Key = tuple[str, str, str, str]


@dataclass(slots=True, eq=False)
class _Incident:
    """What is known of one incident; `pending` observations no event has told yet."""

    incident_id: str
    hit: Hit
    severity_id: int
    outcome: Outcome
    dns: Dns | None
    http: Http | None
    tls: Tls | None
    evidence: Evidence
    first_us: int
    last_us: int
    active_us: int
    pending: int
    total: int
    told_us: int = _LONG_AGO
    told_outcome: Outcome = "unknown"
    updated_us: int = _LONG_AGO
    opened: bool = False
    ended: bool = False
    samples: tuple[str, ...] = ()
    community_id: str | None = None
    held: int = 0
    held_minute: int | None = None
    held_state: State | None = None

    @classmethod
    def begin(cls, incident_id: str, hit: Hit, now_us: int) -> "_Incident":
        """Start an incident with its first hit."""
        return cls(
            incident_id,
            hit,
            hit.severity_id,
            hit.outcome,
            hit.dns,
            hit.http,
            hit.tls,
            hit.evidence,
            hit.first_us,
            hit.last_us,
            now_us,
            hit.count,
            hit.count,
        )

    def add(self, hit: Hit, now_us: int) -> bool:
        """Fold another hit in; tell whether it made things worse."""
        self.active_us = now_us
        if hit.first_us < self.first_us:
            self.first_us = hit.first_us
        if hit.last_us > self.last_us:
            self.last_us = hit.last_us
        self.pending += hit.count
        self.total += hit.count
        if (
            hit.observed != self.hit.observed
            and len(self.samples) < MAX_SAMPLES
            and hit.observed not in self.samples
        ):
            self.samples += (hit.observed,)
        if hit.evidence:
            self.evidence = hit.evidence
        if hit.outcome != self.outcome and _STRENGTH[hit.outcome] > _STRENGTH[self.outcome]:
            # An answer is where the details are: keep what it shows.
            self.outcome = hit.outcome
            self.dns = hit.dns or self.dns
            self.http = hit.http or self.http
            self.tls = hit.tls or self.tls
        raised = hit.severity_id > self.severity_id
        if raised:
            self.severity_id = hit.severity_id
        return raised

    @property
    def is_told(self) -> bool:
        """Tell whether the first event said everything there is to say.

        That something was answered after all is worth an event, also where it raised nothing; that
        it was refused is not: inbound scans would tell everything twice.
        """
        if self.outcome == "answered" and self.told_outcome != "answered":
            return False
        return self.opened and self.pending == 0 and self.updated_us == _LONG_AGO


@dataclass(slots=True)
class _Storm:
    """What the storm breaker held back in this minute."""

    events: int = 0
    observations: int = 0
    incidents: int = 0
    lost: int = 0
    by_class: dict[str, int] = field(default_factory=dict)


class Condenser:
    """Turns hits into events; belongs to one thread. `set_id` is what events say of the set."""

    def __init__(
        self,
        settings: config.Condense,
        limits: config.Limits,
        sensor: str,
        site: str,
        tags: tuple[str, ...],
        ids: Ids,
        home: Home,
        *,
        severity: SeverityTable | None = None,
        fold: bool = True,
        aliases: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Take who reports and what bounds it; without `fold` every hit is one event.

        `aliases` are the site's names for addresses, in any spelling.
        """
        self.set_id = NO_SET
        self._window_us = int(settings.window * 1_000_000)
        self._max_incidents = settings.max_incidents
        self._per_minute = limits.events_per_minute or math.inf  # 0: the storm breaker is off
        self._ids = ids
        self._is_home = home.is_home
        self._notices = AgentNotices(sensor, site, tags, ids, severity)
        self._fold = fold
        self._blank = Event(
            class_id="",
            sensor=sensor,
            time_us=0,
            severity="",
            severity_id=0,
            type="",
            trail="",
            info="",
            reference="",
            event_id="",
            incident_id="",
            set=self.set_id,
            site=site,
            tags=tags,
            evidence={},
        )
        """What all events have in common."""
        self._aliases = {str(ip_address(text)): name for text, name in aliases.items()}
        self._incidents: OrderedDict[_Key, _Incident] = OrderedDict()
        self._held: dict[str, _Incident] = {}
        self._storm = _Storm()
        self._set_back_us = max(_JITTER_US, self._window_us)
        self._now_us = _LONG_AGO
        self._due_us = _LONG_AGO  # nothing ends and no minute is over before
        self._minute = _LONG_AGO
        self._left = self._per_minute
        self._counts = {"events": 0, "suppressed": 0, "lost": 0, "evicted": 0}

    def take(self, hit: Hit) -> list[Event]:
        """Fold one hit in; return what is to be told now, in order."""
        if not self._fold:
            return [self._single(hit)] if hit.count else []
        events: list[Event] = []
        time_us = hit.last_us
        if time_us > self._now_us:
            if time_us < self._due_us:
                self._now_us = time_us
            else:
                events = self._advance(time_us)
        elif time_us < self._now_us - self._set_back_us:
            events = self._advance(time_us)
        key = (hit.class_id, hit.indicator, self._our_side(hit), hit.direction)
        incident = self._incidents.get(key)
        if incident is None:
            if hit.count == 0:  # what came of something that nobody saw
                return events
            if len(self._incidents) >= self._max_incidents:
                _, oldest = self._incidents.popitem(last=False)
                self._counts["evicted"] += 1
                events += self._end(oldest)
            incident = _Incident.begin(self._ids(), hit, self._now_us)
            self._incidents[key] = incident
            events += self._emit(incident, "open")
            return events
        self._incidents.move_to_end(key)
        raised = incident.add(hit, self._now_us)
        last = incident.updated_us if raised else incident.told_us
        if not incident.opened:
            events += self._emit(incident, "open")
        elif self._now_us - last >= self._window_us:
            events += self._emit(incident, "update")
        return events

    def tick(self, now_us: int) -> list[Event]:
        """Move the clock on a quiet wire; return what became due."""
        return self._advance(now_us) if self._fold else []

    def flush(self) -> list[Event]:
        """End all incidents, as at the end of a run; return what was left to tell."""
        events = self._end_all()
        self._now_us = self._minute = self._due_us = _LONG_AGO
        return events

    def counts(self) -> Mapping[str, int]:
        """Return totals for metrics, and how many incidents are open.

        `suppressed` are events that the storm breaker held back, `lost` observations that no
        event told.
        """
        return {**self._counts, "incidents": len(self._incidents)}

    def _our_side(self, hit: Hit) -> str:
        """Return the address of ours that the hit is about; the source where none is."""
        opener, other = hit.source, hit.destination
        if hit.where in _ANSWERS or (hit.dns is not None and hit.dns.response):
            # An answer: both sides may be ours (an own resolver), and the client is the one
            # that an analyst looks for, so that it must not share the resolver's incident.
            opener, other = other, opener
        address, is_home = opener.address, self._is_home
        if is_home(address):
            return address
        return other.address if is_home(other.address) else hit.source.address

    def _advance(self, time_us: int) -> list[Event]:
        """Move the clock; end what was silent for a window, begin a new minute."""
        events: list[Event] = []
        if time_us < self._now_us - self._set_back_us:
            events += self.flush()
        if time_us > self._now_us:
            self._now_us = time_us
        if self._now_us < self._due_us:
            return events
        minute = self._now_us // _MINUTE_US
        if minute != self._minute:
            events += self._tell_storm()
            self._minute = minute
            self._left = self._per_minute
            events += self._release()
        self._due_us = (minute + 1) * _MINUTE_US
        while self._incidents:
            key, oldest = next(iter(self._incidents.items()))
            if self._now_us - oldest.active_us < self._window_us:
                self._due_us = min(self._due_us, oldest.active_us + self._window_us)
                break
            del self._incidents[key]
            events += self._end(oldest)
        else:
            self._due_us = min(self._due_us, self._now_us + self._window_us)
        return events

    def _end(self, incident: _Incident) -> list[Event]:
        """Tell what is left of an incident that is no longer kept."""
        incident.ended = True
        if incident.is_told:
            self._held.pop(incident.incident_id, None)
            return []
        return self._emit(incident, "closed")

    def _end_all(self) -> list[Event]:
        ending = [incident for incident in self._held.values() if incident.ended]
        ending += self._incidents.values()
        self._incidents.clear()
        self._held.clear()
        if len(ending) > self._left:
            ending.sort(key=_by_severity)
        events = [event for incident in ending for event in self._end(incident)]
        for incident in self._held.values():
            self._lose(incident)
        self._held.clear()
        return events + self._tell_storm()

    def _emit(self, incident: _Incident, state: State) -> list[Event]:
        """Make the event that tells what is pending, unless this minute has had its share."""
        if self._left <= 0:
            self._hold(incident, state)
            return []
        self._left -= 1
        self._counts["events"] += 1
        if self._held:
            self._held.pop(incident.incident_id, None)
        event = self._event(incident, state)
        incident.pending = 0
        incident.held = 0
        incident.opened = True
        incident.told_us = self._now_us
        incident.told_outcome = incident.outcome
        if state == "update":
            incident.updated_us = self._now_us
        return [event]

    def _hold(self, incident: _Incident, state: State) -> None:
        """Count an event that is not made; its observations stay pending where they can."""
        storm = self._storm
        if incident.held_minute != self._minute:
            incident.held_minute = self._minute
            incident.held_state = None
            storm.incidents += 1
        if incident.held_state != state:
            incident.held_state = state
            storm.events += 1
            self._counts["suppressed"] += 1
            class_id = incident.hit.class_id
            storm.by_class[class_id] = storm.by_class.get(class_id, 0) + 1
        storm.observations += incident.pending - incident.held
        incident.held = incident.pending
        is_kept = incident.incident_id in self._held
        if incident.severity_id >= _SEVERE and (is_kept or len(self._held) < self._max_incidents):
            self._held[incident.incident_id] = incident
        elif incident.ended:
            self._lose(incident)

    def _lose(self, incident: _Incident) -> None:
        self._storm.lost += incident.pending
        self._counts["lost"] += incident.pending
        incident.pending = 0

    def _release(self) -> list[Event]:
        """Tell the severe incidents that the last minute held back, the worst first."""
        events = []
        worst = sorted(self._held.values(), key=_by_severity)
        for incident in worst[: int(min(self._left, len(worst)))]:
            state: State = "update" if incident.opened else "open"
            events += self._emit(incident, "closed" if incident.ended else state)
        return events

    def _tell_storm(self) -> list[Event]:
        storm = self._storm
        if not storm.events and not storm.lost:
            return []
        self._storm = _Storm()
        self._notices.set_id = self.set_id
        return [
            self._notices.storm(
                min(self._now_us, (self._minute + 1) * _MINUTE_US),
                events=storm.events,
                observations=storm.observations,
                incidents=storm.incidents,
                lost=storm.lost,
                by_class=storm.by_class,
            )
        ]

    def _single(self, hit: Hit) -> Event:
        self._counts["events"] += 1
        incident = _Incident.begin(self._ids(), hit, hit.last_us)
        return self._event(incident, "single")

    def _event(self, incident: _Incident, state: State) -> Event:
        """Build the event that tells what is pending; the first hit gives the addresses."""
        hit = incident.hit
        if incident.community_id is None:
            incident.community_id = community_id(hit.source, hit.destination, hit.protocol)
        if self._blank.set != self.set_id:
            self._blank = replace(self._blank, set=self.set_id)
        # With more than fourteen keywords a call builds a dict first, which costs as much as the
        # rest; so an event is made in steps, the last only where there is something to tell.
        event = replace(
            self._blank,
            class_id=hit.class_id,
            time_us=incident.first_us if state in {"open", "single"} else incident.last_us,
            severity=maltrail_word(hit.info),
            severity_id=incident.severity_id,
            type=hit.type,
            trail=hit.trail,
            info=hit.info,
            reference=hit.reference,
            event_id=self._ids(),
            incident_id=incident.incident_id,
            indicator=hit.indicator,
            observed=hit.observed,
            where=hit.where,
            sources=hit.sources,
        )
        event = replace(
            event,
            source=hit.source,
            destination=hit.destination,
            protocol=hit.protocol,
            direction=hit.direction,
            outcome=incident.outcome,
            count=incident.pending,
            total=incident.total,
            first_us=incident.first_us,
            last_us=incident.last_us,
            state=state,
            interface=hit.interface,
            custom=hit.custom,
            community_id=incident.community_id,
        )
        if incident.dns or incident.http or incident.tls or incident.samples or incident.evidence:
            event = replace(
                event,
                dns=incident.dns,
                http=incident.http,
                tls=incident.tls,
                samples=incident.samples,
                evidence=incident.evidence,
            )
        if hit.vlans or hit.tunnel or self._aliases:
            event = replace(
                event,
                vlans=hit.vlans,
                tunnel=hit.tunnel,
                source_name=self._aliases.get(hit.source.address, ""),
                destination_name=self._aliases.get(hit.destination.address, ""),
            )
        return event


def _by_severity(incident: _Incident) -> int:
    """Sort key: the worst first, else the order in which they stand."""
    return -incident.severity_id
