"""The canary: a question for a reserved name, which shows once a minute that detection works.

It goes through a scanner, the sets in force and the matcher as packets do, but never touches the
wire; what it leads to is no hit and no incident.
"""

import struct
import time
from collections.abc import Iterator

from agent.faults import Faults
from agent.link import Sample
from agent.match import Matcher
from agent.model import CANARY, Event, Evidence, PacketBatch, Source, Trail
from agent.notices import AgentNotices
from agent.scan.lookup import Filters
from agent.scan.scanner import Scanner
from agent.trails.set import TrailSet

NAME = CANARY
"""Below `invalid` (RFC 2606, section 2), so that it is nobody's; rule T-8.4 does not ignore it."""
TRAIL = Trail(key=NAME, info="canary", reference="(agent)", source=Source("(agent)"))

EVERY_SECONDS = 60.0
TELL_US = 3600 * 1_000_000
"""An event an hour; the metrics say more."""

_RAW = 101  # DLT_RAW: a packet without a link header
_UDP = 17
_CLIENT = bytes([192, 0, 2, 1])  # RFC 5737, section 3
_RESOLVER = bytes([192, 0, 2, 53])


class Canary:
    """Asks for the name through a scanner of its own, and remembers what came of it."""

    def __init__(
        self,
        own: TrailSet,
        published: TrailSet,
        filters: Filters,
        notices: AgentNotices,
    ) -> None:
        """Take the sets in force; `own` holds TRAIL."""
        self.is_well = False
        self.seconds = 0.0
        self.last_success_us = 0
        self._notices = notices
        self._held = (own, published)  # the mappings must outlive the scanner's views of them
        self._scanner = Scanner(own.buffer, published.buffer, filters)
        self._faults = Faults(notices)
        self._told_us: int | None = None

    def adopt(self, own: TrailSet, published: TrailSet, filters: Filters) -> None:
        """Use other sets from the next check on."""
        self._scanner.adopt(own.buffer, published.buffer, filters)
        self._held = (own, published)

    def check(self, matcher: Matcher, now_us: int) -> Iterator[Event]:
        """Ask; yield an event when detection broke, works again, or an hour has passed."""
        before = time.perf_counter()
        trouble = self._ask(matcher, now_us)
        self.seconds = time.perf_counter() - before
        self.is_well = not trouble
        if trouble:
            what = f"nothing may be detected: {trouble}"
            remedy = "restart maltrail-agent; if that does not help, publish another trail set"
            yield from self._faults.begin("canary", now_us, what, remedy, {"canary": NAME})
            return
        what = "the canary is detected again"
        yield from self._faults.end("canary", now_us, what, {"canary": NAME})
        self.last_success_us = now_us
        if self._told_us is None or abs(now_us - self._told_us) >= TELL_US:
            self._told_us = now_us
            yield self._notices.canary(now_us, self.seconds, {"canary": NAME})

    def samples(self) -> Iterator[Sample]:
        """Yield the metrics."""
        yield Sample("canary_success", float(self.is_well))
        yield Sample("canary_seconds", self.seconds)
        yield Sample("canary_last_success_timestamp_seconds", self.last_success_us / 1e6)

    def evidence(self, now_us: int) -> Evidence:
        """Return what a heartbeat tells; `canary_age` is -1 where it never went well."""
        age = (now_us - self.last_success_us) // 1_000_000 if self.last_success_us else -1
        return {
            "canary_ok": int(self.is_well),
            "canary_seconds": round(self.seconds, 6),
            "canary_age": age,
        }

    def _ask(self, matcher: Matcher, now_us: int) -> str:
        """Return nothing, or where the canary was lost."""
        self._scanner.scan(question(now_us))
        sightings = self._scanner.drain(True, "")
        if not sightings:
            return "the scanner did not see the canary"
        hits = [hit for sighting in sightings for hit in matcher.match(sighting)]
        if not any(hit.indicator == NAME for hit in hits):
            return "the canary was seen but not matched"
        return ""


def question(now_us: int) -> PacketBatch:
    """Return a batch of one packet: IPv4, UDP, and a DNS question for the address of NAME."""
    labels = [label.encode("ascii") for label in NAME.split(".")]
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    dns = struct.pack("!6H", 0, 0x0100, 1, 0, 0, 0) + name + struct.pack("!2H", 1, 1)
    # Checksums are zero, as on a host whose network card fills them in.
    udp = struct.pack("!4H", 53053, 53, 8 + len(dns), 0) + dns
    ip = struct.pack("!2B3H2BH", 0x45, 0, 20 + len(udp), 0, 0, 64, _UDP, 0)
    packet = ip + _CLIENT + _RESOLVER + udp
    meta = struct.pack("=4I", *divmod(now_us, 1_000_000), 0, len(packet))
    return PacketBatch(_RAW, packet, meta, "")
