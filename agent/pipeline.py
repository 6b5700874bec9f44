"""From sightings and counted keys to events: match, detect, condense, in one thread.

Live capture, a replayed file and a test go this same way.
"""

import socket
from collections.abc import Iterable, Mapping, Sequence

from agent import canary
from agent.allow import AllowList
from agent.behaviours import Behaviours, key_detections, load, rate_detections
from agent.condense import Condenser
from agent.config import Settings
from agent.contents import Contents, examining
from agent.detections import Detection
from agent.direction import Home
from agent.floods import Floods
from agent.ids import Ids
from agent.match import Matcher
from agent.model import BEHAVIOUR_PREFIX, Event, Hit, Sighting
from agent.notices import AgentNotices
from agent.own_traffic import OwnTraffic
from agent.scan.bank import Bank, Hot
from agent.scopes import Judged
from agent.severity import SeverityTable
from agent.suppress import Suppressions
from agent.trails.find import Trails


def sensor_name(settings: Settings) -> str:
    """Return the configured name, or the host's fully qualified one."""
    return settings.sensor.name or socket.getfqdn()


class Pipeline:
    """The rooms behind the scanner, wired from settings. Raise ConfigError."""

    def __init__(
        self,
        settings: Settings,
        trails: Trails,
        allow: AllowList,
        ids: Ids,
        *,
        own: OwnTraffic | None = None,
        fold: bool = True,
    ) -> None:
        """Take what the rooms need; what `own` holds is counted and not matched."""
        home = Home(settings.networks.home)
        severity = SeverityTable(settings.severity.rules)
        self.detections: Mapping[str, Detection] = load(settings.detections)
        self.matcher = Matcher(trails, allow, home, severity)
        self.behaviours = Behaviours(key_detections(self.detections), allow, home, severity)
        self.floods = Floods(rate_detections(self.detections), allow, home, severity)
        self.contents = Contents(examining(self.detections), trails, allow, home, severity)
        sensor, site, tags = sensor_name(settings), settings.sensor.site or "", settings.sensor.tags
        self._notices = AgentNotices(sensor, site, tags, ids, severity)
        self.suppressions = Suppressions(settings.suppress, self._notices)
        self.condenser = Condenser(
            settings.condense,
            settings.limits,
            sensor,
            site,
            tags,
            ids,
            home,
            severity=severity,
            fold=fold,
            aliases=settings.networks.aliases,
        )
        self.own_traffic = 0
        self.canary_traffic = 0
        self.hits = 0
        self._own = own or OwnTraffic()

    def adopt(self, trails: Trails, set_id: str) -> None:
        """Use other trails from now on; events say `set_id`."""
        self.matcher.trails = trails
        self.contents.trails = trails
        self.condenser.set_id = set_id
        self._notices.set_id = set_id

    def use_banks(self, banks: Sequence[Bank]) -> None:
        """Name the workers' counters, so that keys are merged over all of them."""
        self.behaviours.banks = banks
        self.floods.banks = banks
        self.contents.banks = banks

    def sightings(self, sightings: Iterable[Sighting]) -> list[Event]:
        """Return what is to be told of sightings."""
        events: list[Event] = []
        self.matcher.refresh()
        rule_of, take = self.matcher.rules.get, self._take
        examine, looked_at = self.contents.examine, self.contents.looked_at
        own = None if self._own.is_empty else self._own
        for sighting in sightings:
            if own is not None and own.holds(sighting):
                self.own_traffic += sighting.count
                continue
            rule = rule_of(sighting.what)
            if rule is not None:
                for hit in rule(sighting):
                    events += take(hit)
            if sighting.what in looked_at:
                for hit in examine(sighting):
                    events += take(hit)
        return events

    def take_harmless(self) -> list[int]:
        """Return tokens of candidates of which nothing is to be told, for scanners to learn."""
        return self.matcher.take_harmless() + self.contents.take_harmless()

    def hot(self, hot: Hot, interface: str = "") -> None:
        """Take over what went over a level, to be judged next."""
        self.behaviours.take(hot.keys, interface)
        self.floods.take(hot.rates, interface)

    def judge(self, until_us: int) -> list[Event]:
        """Return what is to be told of counted keys; everything before `until_us` was seen."""
        return self._take_counted([*self.behaviours.judge(until_us), *self.floods.judge(until_us)])

    def judge_last(self, until_us: int) -> list[Event]:
        """Return what is to be told of counted keys at the end of the input."""
        return self._take_counted([*self.behaviours.end(until_us), *self.floods.judge(until_us)])

    def tick(self, now_us: int) -> list[Event]:
        """Move the clock on a quiet wire."""
        self.matcher.allow.expire(now_us)
        return self.condenser.tick(now_us) + self.suppressions.tick(now_us)

    def flush(self) -> list[Event]:
        """End all incidents; tell what was held back."""
        return self.condenser.flush() + self.suppressions.flush()

    def _is_allowed(self, hit: Hit) -> bool:
        """Tell whether an entry of the allow-list with more keys keeps what was counted quiet."""
        judged = Judged(hit, hit.source, hit.destination)
        return self.matcher.allow.allows_hit(judged, hit.source.address) is not None

    def _take_counted(self, hits: Iterable[Hit]) -> list[Event]:
        return [event for hit in hits if not self._is_allowed(hit) for event in self._take(hit)]

    def _take(self, hit: Hit) -> Sequence[Event]:
        if hit.indicator == canary.NAME:  # somebody on the wire asks for it
            self.canary_traffic += hit.count
            return ()
        if hit.count:  # what came of an attempt is no hit of its own
            self.hits += 1
        if self.matcher.watch and hit.class_id.startswith(BEHAVIOUR_PREFIX):
            self.matcher.note_behaviour(hit)
        if not self.suppressions.is_empty and self.suppressions.holds_back(hit):
            self.matcher.note_suppressed(hit)
            return ()
        return self.condenser.take(hit)
