"""Run the behaviours that judge rates: hot seconds in, one hit for each second of a flood out.

A second is judged when it is over, over all workers of an interface. Where several interfaces saw
it, the one that saw most of it counts: a bridge and its members have the same packets. What is
normal for a host is a mean that forgets within minutes; it learns from every second that is not too
much, and while a flood lasts it learns nothing. What lasts for hours is taken for normal in the
end.
"""

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from agent.allow import AllowList
from agent.detections import RateDetection
from agent.direction import Home
from agent.model import BEHAVIOUR_PREFIX, Endpoint, Hit
from agent.protocols import label
from agent.scan.bank import Bank
from agent.scan.rates import RateKey, RateRow
from agent.severity import SeverityTable

SECOND_US = 1_000_000
MEMORY_SECONDS = 300
"""How fast a host's normal forgets."""
PAUSE_SECONDS = 10
"""A flood that pauses for so long is over."""
ACCEPT_SECONDS = 6 * 3600
"""What lasts so long is normal."""
MAX_HOSTS = 4_096
"""Hosts whose normal is known; beyond, the one that was quiet longest is forgotten."""
MAX_WAITING = 8_192
"""Hot seconds that wait for their end; a worker makes at most a thousand of them a drain."""
SOURCE_BITS = 64
MANY_SOURCES = round(SOURCE_BITS * math.log(SOURCE_BITS))
"""As many sources as can be told from 64 bits; more are told as so many."""
REFERENCE = "(heuristic)"
PROTOCOLS = {"syn": 6, "udp": 17, "reflected": 17}


class _Second(NamedTuple):
    """A host's second, over all workers."""

    row: RateRow
    packets: int
    sources: int


@dataclass(slots=True)
class _Host:
    """What is known of one host: its normal, and the flood that it has."""

    normal: float = 0.0
    learnt: int = 0
    began: int = 0
    last: int = 0
    run: int = 0
    untold: int = 0
    total: int = 0
    peak: int = 0
    sources: int = 0
    first_us: int = 0
    source: Endpoint = field(default_factory=lambda: Endpoint("", None))
    port: int | None = None

    def learn(self, second: int, packets: float) -> None:
        """Let the normal follow."""
        keep = 1 - 1 / MEMORY_SECONDS
        self.normal *= keep ** min(max(0, second - self.learnt), 100 * MEMORY_SECONDS)
        self.normal += packets / MEMORY_SECONDS
        self.learnt = second


class Floods:
    """Judges seconds; belongs to one thread."""

    def __init__(
        self,
        detections: Mapping[str, RateDetection],
        allow: AllowList,
        home: Home,
        severity: SeverityTable,
    ) -> None:
        self.banks: Sequence[Bank] = ()
        self._allow = allow
        self._home = home
        self._severity = severity
        self._by_kind = {
            detection.rate.kind: (name, detection) for name, detection in detections.items()
        }
        self._waiting: dict[tuple[str, RateKey], None] = {}
        self._hosts: OrderedDict[int, _Host] = OrderedDict()

    def take(self, keys: Iterable[RateKey], interface: str = "") -> None:
        """Remember hot seconds, to be judged when they are over."""
        for key in keys:
            if len(self._waiting) < MAX_WAITING:
                self._waiting[interface, key] = None

    def judge(self, now_us: int) -> list[Hit]:
        """Return a hit for each second of a flood that is over; all before `now_us` was seen."""
        due = [each for each in self._waiting if (each[1].second + 1) * SECOND_US <= now_us]
        most: dict[RateKey, tuple[str, _Second]] = {}
        for interface, key in due:
            del self._waiting[interface, key]
            second = self._merge(interface, key)
            if second and (key not in most or second.packets > most[key][1].packets):
                most[key] = interface, second
        seconds = sorted(most.values(), key=lambda each: (each[1].row.second, each[1].row.key))
        return [hit for interface, second in seconds for hit in self._judge(interface, second)]

    def _merge(self, interface: str, key: RateKey) -> _Second | None:
        """Add up what the workers of an interface counted."""
        found = [
            row
            for bank in self.banks
            if bank.interface == interface and (row := bank.rate(key)) and row.packets
        ]
        if not found:
            return None
        bits = 0
        for row in found:
            bits |= row.bits
        first = min(found, key=lambda row: (row.first_us, row.source, row.source_port))
        return _Second(first, sum(row.packets for row in found), _sources(bits))

    def _judge(self, interface: str, second: _Second) -> list[Hit]:
        row = second.row
        if row.kind not in self._by_kind:
            return []
        name, detection = self._by_kind[row.kind]
        if second.packets <= detection.rate.level:
            return []
        host = self._host(row.key)
        if row.second in (host.last, host.learnt):
            return []  # another interface told of it before
        if host.run and not 0 < row.second - host.last <= PAUSE_SECONDS:
            host.run = 0
        if host.run and row.second - host.began > ACCEPT_SECONDS:
            host.run = 0
            host.normal = second.packets
        if second.packets <= detection.limit(host.normal):
            host.learn(row.second, second.packets)
            return []
        if host.run == 0 or (host.run < detection.seconds and row.second != host.last + 1):
            _begin(host, row)
        host.run += 1
        host.last = row.second
        host.untold += second.packets
        host.total += second.packets
        host.peak = max(host.peak, second.packets)
        host.sources = max(host.sources, second.sources)
        if host.run < detection.seconds:
            return []
        hit = self._hit(name, detection, host, second, interface)
        host.untold = 0
        return [] if self._is_allowed(host) else [hit]

    def _host(self, key: int) -> _Host:
        host = self._hosts.setdefault(key, _Host())
        self._hosts.move_to_end(key)
        if len(self._hosts) > MAX_HOSTS:
            self._hosts.popitem(last=False)
        return host

    def _is_allowed(self, host: _Host) -> bool:
        """Tell whether all of it comes from a source that may do that."""
        return host.sources == 1 and bool(self._allow.allows_address(host.source.address))

    def _hit(
        self,
        name: str,
        detection: RateDetection,
        host: _Host,
        second: _Second,
        interface: str,
    ) -> Hit:
        class_id = BEHAVIOUR_PREFIX + name
        attacked = str(ipaddress.ip_address(second.row.destination))
        direction = self._home.direction(host.source.address, attacked)
        info = detection.info(second.row.service)
        six = len(second.row.destination) != 4
        protocol = PROTOCOLS.get(second.row.kind, 58 if six else 1)
        return Hit(
            class_id=class_id,
            type="IP",
            trail=attacked,
            indicator=attacked,
            observed=attacked,
            where="behaviour",
            info=info,
            reference=REFERENCE,
            source=host.source,
            destination=Endpoint(attacked, host.port),
            protocol=label(protocol),
            first_us=host.first_us,
            last_us=second.row.second * SECOND_US + SECOND_US - 1,
            count=host.untold,
            direction=direction,
            outcome="unknown",
            severity_id=self._severity.judge(
                class_id, info, False, direction, "unknown", host.port
            ),
            interface=interface,
            evidence={
                "packets_per_second": second.packets,
                "peak_packets_per_second": host.peak,
                "packets": host.total,
                "seconds": host.last - host.began + 1,
                "normal_packets_per_second": round(host.normal),
                "sources": host.sources,
            },
        )


def _begin(host: _Host, row: RateRow) -> None:
    """Begin a flood with its first second."""
    has_ports = row.kind != "icmp"
    host.began = row.second
    host.run = host.untold = host.total = host.peak = host.sources = 0
    host.first_us = row.first_us
    host.source = Endpoint(
        str(ipaddress.ip_address(row.source)), row.source_port if has_ports else None
    )
    host.port = row.destination_port if has_ports else None


def _sources(bits: int) -> int:
    """Estimate how many sources set these bits: linear counting (Whang et al., 1990)."""
    free = SOURCE_BITS - bits.bit_count()
    return round(-SOURCE_BITS * math.log(free / SOURCE_BITS)) if free else MANY_SOURCES
