"""Run the behaviours that judge what was said: sightings in, hits out.

The scanner shows only what a gate lets pass and what was not found harmless before. Here a budget
for each second of traffic bounds the work, verdicts are remembered, and what a rule told of a
client is not told again for as long as the rule says. All of that is counted.
"""

import hashlib
import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence

from agent.allow import AllowList
from agent.conversations import Ends
from agent.detections import Detection, Examiner, Finding, Seen
from agent.direction import Home
from agent.dns_details import details
from agent.match import Request, Urls, answers_addresses, is_ignored, wire_name
from agent.model import BEHAVIOUR_PREFIX, Dns, Hit, Http, Outcome, Sighting, Tls
from agent.protocols import label
from agent.scan.bank import Bank
from agent.scan.sketches import SAMPLE, Sketch, united
from agent.scan.wanted import Wanted, together
from agent.scopes import Judged
from agent.severity import SeverityTable
from agent.trails.find import Trails

REFERENCE = "(heuristic)"
ANY_KEY = "/"
"""A key that names no host, so that the allow-list weighs names alone."""
MAX_A_SECOND = 2_000
"""Sightings judged in one second of traffic: a tenth of a second of Python."""
MAX_VERDICTS = 4_096
"""Of what was judged lately: attackers send the same to many."""
MAX_MUTED = 65_536
"""Findings that were told and wait for `repeat`; the oldest may be told again early."""
MAX_HARMLESS = 8_192
"""Candidates found harmless that wait to be told to the scanners; beyond, they are shown again."""
REQUESTS = ("agent", "request")
QUESTIONS = ("long", "exhausting", "tunnelling")
ANSWERS = ("absent", "answer", "flooding")
COUNTED = ("exhausting", "tunnelling", "flooding", "pinging")
"""What is shown because of how much there was, under the key that is its token."""
FROM_SERVER = ("response", *ANSWERS)

Found = tuple[tuple[str, Finding], ...]


def examining(loaded: Mapping[str, Detection]) -> dict[str, Examiner]:
    """Return the behaviours that judge what was said."""
    return {name: one for name, one in loaded.items() if isinstance(one, Examiner)}


class Contents:
    """Judges sightings of all workers; belongs to one thread. `trails` may be replaced.

    `looked_at` are the sightings (agent.model.Sighting.what) that any behaviour judges.
    """

    def __init__(
        self,
        rules: Mapping[str, Examiner],
        trails: Trails,
        allow: AllowList,
        home: Home,
        severity: SeverityTable,
    ) -> None:
        self.trails = trails
        self.banks: Sequence[Bank] = ()
        self.allow = allow
        self.wanted: Wanted = together(rule.wanted for rule in rules.values())
        self._rules = rules
        self.looked_at = frozenset(rule.looks_at for rule in rules.values())
        self._urls = Urls()
        self._home = home
        self._severity = severity
        self._verdicts: OrderedDict[bytes, Found] = OrderedDict()
        self._muted: OrderedDict[tuple[str, str, str], int] = OrderedDict()
        self._harmless: dict[int, bytes | None] = {}  # with the agent that was found so
        self._counts: Counter[str] = Counter(judged=0, remembered=0, over_budget=0, muted=0)
        self._second = 0
        self._left = MAX_A_SECOND

    def examine(self, sighting: Sighting) -> list[Hit]:
        """Return what the behaviours tell of a sighting, those that are not muted."""
        if sighting.what not in self.looked_at or not self._is_affordable(sighting):
            return []
        if sighting.what == "agent" and self._is_harmless(sighting):
            self._counts["remembered"] += 1
            return []
        seen = self._see(sighting)
        found = self._judge(sighting, seen)
        if not found:
            is_candidate = sighting.token and sighting.what not in COUNTED
            if is_candidate and len(self._harmless) < MAX_HARMLESS:
                self._harmless[sighting.token] = sighting.fields.get("agent")
            return []
        return [hit for name, finding in found for hit in self._told(name, finding, sighting, seen)]

    def take_harmless(self) -> list[int]:
        """Return tokens of candidates that tell nothing, for scanners to learn."""
        harmless, self._harmless = self._harmless, {}
        return list(harmless)

    def counts(self) -> Mapping[str, int]:
        """Return how much was judged, remembered, muted, and what the budget left out."""
        return self._counts

    def _is_harmless(self, sighting: Sighting) -> bool:
        """Tell whether an agent was found harmless a moment ago, of another client as a rule."""
        agent = sighting.fields.get("agent")
        return agent is not None and self._harmless.get(sighting.token) == agent

    def _is_affordable(self, sighting: Sighting) -> bool:
        second = sighting.first_us // 1_000_000
        if second != self._second:
            self._second, self._left = second, MAX_A_SECOND
        if self._left == 0:
            self._counts["over_budget"] += sighting.count
            return False
        self._left -= 1
        return True

    def _see(self, sighting: Sighting) -> Seen:
        """Read what the rules are about."""
        what = sighting.what
        server = sighting.source if what in FROM_SERVER else sighting.destination
        leaves_home = not self._home.is_home(server.address)
        ends = (sighting.source, sighting.destination)
        if what in REQUESTS:
            request = Request(sighting)
            return Seen(
                source=ends[0],
                destination=ends[1],
                packet=sighting.packet,
                leaves_home=leaves_home,
                method=request.method,
                target=sighting.fields.get("target", b""),
                path=request.path,
                host=request.host,
                has_host="host" in sighting.fields or request.is_proxied,
                is_host_address=_is_address(request.name),
                agent=request.agent,
                body=request.body,
            )
        name, where = _name(sighting)
        counted = self._counted(sighting) if what in COUNTED else None
        times = SAMPLE if what == "exhausting" else 1
        return Seen(
            source=ends[0],
            destination=ends[1],
            packet=sighting.packet,
            leaves_home=leaves_home,
            name=name.rstrip("."),
            where=where,
            listed=tuple(self._listed(sighting, name)) if what == "answer" else (),
            distinct=times * counted.distinct if counted else 0,
            count=times * counted.things if counted else 0,
            amount=counted.amount if counted else 0,
            marked=counted.marked if counted else 0,
        )

    def _counted(self, sighting: Sighting) -> Sketch | None:
        """Return what all workers counted for a key; None where it gave way to another one."""
        found = [one for bank in self.banks if (one := bank.sketch(sighting.token))]
        return united(found) if found else None

    def _listed(self, sighting: Sighting, name: str) -> Iterator[tuple[str, str]]:
        """Yield the addresses of an answer that trails name, with their infos."""
        if answers_addresses(sighting.packet, self.trails):
            return
        for answer in details(sighting.packet, name).answers:
            if _is_address(answer):
                found = self.trails.address(answer, None)
                if found:
                    yield answer, found.row.info

    def _judge(self, sighting: Sighting, seen: Seen) -> Found:
        """Ask the rules, or remember what they said of the same."""
        if seen.name and sighting.what != "server" and is_ignored(seen.name):
            return ()
        key = _digest(sighting.what, seen)
        verdict = self._verdicts.get(key)
        if verdict is not None:
            self._counts["remembered"] += 1
            self._verdicts.move_to_end(key)
            return verdict
        self._counts["judged"] += 1
        found = tuple(
            (name, finding)
            for name, rule in self._rules.items()
            if rule.looks_at == sighting.what and (finding := rule.examine(seen))
        )
        self._verdicts[key] = found
        if len(self._verdicts) > MAX_VERDICTS:
            self._verdicts.popitem(last=False)
        return found

    def _told(self, name: str, finding: Finding, sighting: Sighting, seen: Seen) -> list[Hit]:
        """Word a hit unless it is muted or the site wants to hear nothing of it."""
        opener, listener, outcome = _ends(sighting)
        client = opener.address
        indicator = finding.indicator or client
        key = (name, indicator, "" if finding.for_all else client)
        if sighting.first_us < self._muted.get(key, 0):
            self._counts["muted"] += sighting.count
            return []
        if self.allow.allows_address(client, sighting.count):
            return []
        if finding.about and self.allow.allows(finding.about, ANY_KEY, sighting.count):
            return []
        if finding.unless_listed and self._is_listed(sighting, seen):
            return []
        class_id = BEHAVIOUR_PREFIX + name
        direction = self._home.direction(client, listener.address)
        hit = Hit(
            class_id=class_id,
            type=finding.type,
            trail=finding.trail or client,
            indicator=f"{indicator} from {client}" if finding.by_source else indicator,
            observed=finding.observed or indicator,
            where=finding.where,
            info=finding.info,
            reference=REFERENCE,
            source=sighting.source,
            destination=sighting.destination,
            protocol=label(sighting.protocol),
            first_us=sighting.first_us,
            last_us=sighting.last_us,
            count=sighting.count,
            direction=direction,
            outcome=outcome,
            severity_id=self._severity.judge(
                class_id, finding.info, False, direction, outcome, listener.port
            ),
            interface=sighting.interface,
            vlans=sighting.vlans,
            dns=_dns(sighting, seen),
            http=_http(sighting, seen),
            tls=Tls(server_name=seen.name) if seen.where == "tls.sni" else None,
            evidence=finding.evidence,
        )
        if self.allow.allows_hit(Judged(hit, opener, listener), finding.about or client):
            return []
        if self._rules[name].repeat:
            self._mute(key, sighting.last_us + self._rules[name].repeat * 1_000_000)
        return [hit]

    def _is_listed(self, sighting: Sighting, seen: Seen) -> bool:
        """Tell whether a trail explains the name or URL that a rule judged."""
        if seen.name:
            return self.trails.name(seen.name) is not None
        return self._urls.find(self.trails, Request(sighting)) is not None

    def _mute(self, key: tuple[str, str, str], until_us: int) -> None:
        self._muted.pop(key, None)
        self._muted[key] = until_us
        if len(self._muted) > MAX_MUTED:
            self._muted.popitem(last=False)


def _digest(what: str, seen: Seen) -> bytes:
    """Return what tells apart everything that a rule may judge differently."""
    digest = hashlib.blake2b(what.encode(), digest_size=16)
    if what == "agent":
        parts = [seen.agent.encode("utf-8", "backslashreplace")]
    elif what == "request":
        server = f"{seen.destination.address} {seen.destination.port} {seen.has_host}"
        parts = [seen.method.encode(), seen.target, seen.body, server.encode()]
        parts.append(seen.host.encode("utf-8", "backslashreplace"))
    elif what == "response":
        parts = [seen.packet, seen.source.address.encode()]
    else:
        said = (seen.name, seen.where, seen.leaves_home, seen.destination, seen.listed)
        parts = [repr((*said, seen.distinct, seen.count, seen.amount, seen.marked)).encode()]
    for part in parts:
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return digest.digest()


def _ends(sighting: Sighting) -> Ends:
    """Return who opened the conversation, who was to answer, and what came of it."""
    if sighting.what in FROM_SERVER:
        return (sighting.destination, sighting.source, "answered")
    is_question = sighting.what in QUESTIONS and not sighting.fields
    outcome: Outcome = "unknown" if is_question else "answered"
    return (sighting.source, sighting.destination, outcome)


def _name(sighting: Sighting) -> tuple[str, str]:
    """Return the name that a sighting is about, as it was written, and where it stands."""
    what, fields = sighting.what, sighting.fields
    if what in ANSWERS:
        return wire_name(sighting.packet), "dns.answer"
    if what not in (*QUESTIONS, "server"):
        return "", ""
    if what == "server" or "name" in fields:
        return fields.get("name", b"").decode("ascii", "backslashreplace").lower(), "tls.sni"
    if not fields:
        return wire_name(sighting.packet), "dns.question"
    request = Request(sighting)
    return request.name, "proxy.target" if request.is_proxied else "http.host"


def _dns(sighting: Sighting, seen: Seen) -> Dns | None:
    return details(sighting.packet, seen.name) if seen.where.startswith("dns.") else None


def _http(sighting: Sighting, seen: Seen) -> Http | None:
    if sighting.what not in REQUESTS and not seen.where.startswith(("http.", "proxy.")):
        return None
    request = Request(sighting)
    return Http(
        method=request.method,
        url=f"http://{request.host}{request.path}",
        host=request.host,
        user_agent=request.agent,
        forwarded=request.forwarded,
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
