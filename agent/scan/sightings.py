"""Sightings under construction: repeats are counted here, before Python sees them.

A sighting is a record of WORDS words, found by a hash of what makes it the same one. New ones
are handed out at the next drain, further counts at the next full drain. When records run short
new endpoints are folded into one record a trail; what finds no room at all is counted as shed.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array
from socket import AF_INET6, inet_ntop

from agent.model import DESTINATION, SOURCE, Endpoint, Sighting, Tunnel
from agent.scan import layers, octets, pieces, stats
from agent.scan.memory import pages

if not cython.compiled:  # else the same from the .pxd
    WORDS = 32
    RECORDS = 8192
    """Between two full drains, a second apart: what Python can match in a tenth of that second."""
    FOLD_FROM = 7168
    """From here on endpoints are no longer told apart, so that a flood from random addresses to
    listed ones cannot push out other sightings."""
    PATTERN, QUIC, FINGERPRINT, CERTIFICATE, AGENT = 0, 1, 2, 3, 4
    """Kinds of candidates: what is not known to be listed, but only a slower look can tell."""
    WATCHED_AGENT, REQUEST, RESPONSE, NAME = 5, 6, 7, 8
    """What behaviours look at; as many as a twentieth of a second of Python judges."""
    FULL_EXACT = 2048
    SLOTS = 16384
    MAX_PACKET = 2048
    """Bytes kept of a packet; what lies behind cannot be shown, but was scanned."""
    LONG_PACKET = 8192
    """Bytes kept where all records still to come keep their room: what servers take as a head."""
    ARENA = RECORDS * MAX_PACKET + (1 << 20)
    TEXTS = 2048
    """Addresses whose texts are remembered, of each IP version: hosts are seen again."""
    MIX_HIGH = 0x9E3779B97F4A7C15
    MIX_LOW = 0xC2B2AE3D27D4EB4F

    # Words of a record.
    HASH = 0
    FIRST = 1
    LAST = 2
    COUNT = 3
    WHAT = 4  # what | version << 8 | protocol << 16 | fresh << 24 | folded << 25 | ends << 26
    PORTS = 5  # source << 16 | destination
    SOURCE_HIGH = 6
    SOURCE_LOW = 7
    DESTINATION_HIGH = 8
    DESTINATION_LOW = 9
    VLANS = 10
    PACKET = 11  # offset in the arena | length << 32
    FIELDS = 12  # up to eleven slices of the packet: offset | length << 32, 0 for none
    TOKEN = 23  # what the scanner knows a candidate by
    PATH = 24  # of the tunnels around the packet, see agent.scan.layers
    PATH_WORDS = layers.PATH_WORDS
    FIELD_COUNT = 8

    FRESH = 1 << 24
    FOLDED = 1 << 25
    ENDS = 26
    BOTH_ENDS = SOURCE | DESTINATION
    LOW32 = 0xFFFFFFFF

    STAT_SIGHTINGS = stats.SIGHTINGS
    STAT_FOLDED = stats.FOLDED
    STAT_SHED = stats.SHED
    STAT_SHED_PATTERNS = stats.SHED_PATTERNS
    STAT_SHED_CANDIDATES = stats.SHED_QUIC
    STAT_SHED_AGENTS = stats.SHED_AGENTS
    STAT_SHED_WATCHED = stats.SHED_WATCHED_AGENTS
CANDIDATE_RECORDS = (1536, 512, 512, 256, 256, 512, 1536, 256, 512)
"""Records for each kind of candidates; exact matches are never pushed out by them."""
CANDIDATE_BYTES = (2048, 2048, 4096, 8192, 2048, 2048, 2048, 2048, 2048)
"""What is kept of each: a hello or a certificate is of use only whole."""
EXACT = -1
FULL_CANDIDATES = tuple(max(room - 1024, room // 4) for room in CANDIDATE_RECORDS)
"""Who may drain at any time, as a replay, does so here: a batch of 1,024 names or requests more
still fits."""
NAMES = (
    "syn",
    "datagram",
    "other",
    "question",
    "answer",
    "http",
    "tls",
    "accept",
    "refuse",
    "quic",
    "fingerprint",
    "certificate",
    "agent",
    "request",
    "response",
    "long",
    "absent",
    "server",
    "exhausting",
    "flooding",
    "tunnelling",
    "pinging",
)
NO_FIELDS: dict[str, bytes] = {}
"""One for all packets of which nothing is kept."""
FIELD_NAMES = ("name", "type", "method", "target", "host", "agent", "version", "body")


class Sightings:
    """A fixed number of records, their index and the bytes of their packets."""

    def __init__(self, counters: memoryview, path: memoryview) -> None:
        self.data = memoryview(b"")
        self.counters = counters
        self.path = path
        self.records = pages(8 * WORDS * RECORDS).cast("Q")
        self.slots = memoryview(bytearray(4 * SLOTS)).cast("I")
        self.arena = pages(ARENA)
        self.used = 0
        self.fresh = 0
        self.spent = memoryview(array("Q", [0] * len(CANDIDATE_RECORDS)))
        self.room = memoryview(array("Q", CANDIDATE_RECORDS))
        self.enough = memoryview(array("Q", FULL_CANDIDATES))
        self.keep = memoryview(array("Q", CANDIDATE_BYTES))
        self.arena_used = 0
        self.at = 0
        self.slot = 0
        self.begin = 0
        self.texts = [""] * (2 * TEXTS)
        self.text_of = memoryview(bytearray(8 * 2 * 2 * TEXTS)).cast("Q")

    def folds(self, kind: int) -> int:
        """Tell whether room is short: a new record of this kind is folded."""
        return 1 if kind < 0 and self.used >= FOLD_FROM else 0

    def add(self, h: int, fold: int, kind: int, now_us: int, start: int, end: int) -> int:
        """Count an observation with hash `h`; return 1 where the caller has to fill record `at`.

        `fold` is the hash to use where it `folds`, `kind` EXACT or what kind of candidate it
        is; data[start:end] is kept with a new record.
        """
        self.counters[STAT_SIGHTINGS] += 1
        folded = 0
        if self._find(h):
            return self._again(now_us)
        limit = LONG_PACKET
        if self.arena_used + LONG_PACKET + (RECORDS - self.used) * MAX_PACKET > ARENA:
            limit = MAX_PACKET
        if kind >= 0:
            limit = self.keep[kind]
            if self.used >= FOLD_FROM or self.spent[kind] >= self.room[kind]:
                return self._shed(kind)
        elif self.used >= FOLD_FROM:
            self.counters[STAT_FOLDED] += 1
            folded = 1
            h = fold
            if self._find(h):
                return self._again(now_us)
        size = end - start
        if size > limit:
            size = limit
        if self.used >= RECORDS or self.arena_used + size > ARENA:
            self.counters[STAT_SHED] += 1
            return 0
        self._open(h, folded, now_us, start, size)
        if kind >= 0:
            self.spent[kind] += 1
        return 1

    def _shed(self, kind: int) -> int:
        if kind == 0:
            self.counters[STAT_SHED_PATTERNS] += 1
        elif kind == AGENT:
            self.counters[STAT_SHED_AGENTS] += 1
        elif kind > AGENT:
            self.counters[STAT_SHED_WATCHED + kind - AGENT - 1] += 1
        else:
            self.counters[STAT_SHED_CANDIDATES + kind - 1] += 1
        return 0

    def _again(self, now_us: int) -> int:
        # A head that ends in a packet is looked at before the packets of its group.
        if self.records[self.at + COUNT] == 0 or now_us < self.records[self.at + FIRST]:
            self.records[self.at + FIRST] = now_us
        if self.records[self.at + COUNT] == 0 or now_us > self.records[self.at + LAST]:
            self.records[self.at + LAST] = now_us
        self.records[self.at + COUNT] += 1
        return 0

    def _find(self, h: int) -> int:
        """Set `at` to the record with hash `h` and return 1, or return 0 with `slot` free."""
        slot = h & (SLOTS - 1)
        while self.slots[slot] != 0:
            self.at = (self.slots[slot] - 1) * WORDS
            if self.records[self.at] == h:
                return 1
            slot = (slot + 1) & (SLOTS - 1)
        self.slot = slot
        return 0

    def _open(self, h: int, folded: int, now_us: int, start: int, size: int) -> None:
        self.slots[self.slot] = self.used + 1
        self.at = self.used * WORDS
        self.begin = start
        self.used += 1
        self.fresh += 1
        i = 0
        while i < WORDS:
            self.records[self.at + i] = 0
            i += 1
        self.records[self.at] = h
        self.records[self.at + FIRST] = now_us
        self.records[self.at + LAST] = now_us
        self.records[self.at + COUNT] = 1
        self.records[self.at + WHAT] = FRESH | (FOLDED if folded else 0)
        self.records[self.at + PACKET] = self.arena_used | (size << 32)
        i = 0
        while i < size:
            self.arena[self.arena_used + i] = self.data[start + i]
            i += 1
        self.arena_used += size

    def is_full(self) -> bool:
        """Tell whether it is time to drain for whoever does not drain by the clock."""
        for kind in range(len(self.spent)):
            if self.spent[kind] >= self.enough[kind]:
                return True
        return bool(self.used >= FULL_EXACT)

    def fill(
        self,
        what: int,
        version: int,
        protocol: int,
        source_high: int,
        source_low: int,
        destination_high: int,
        destination_low: int,
        ports: int,
        vlans: int,
    ) -> None:
        """Write what every sighting has into record `at`; ports are source << 16 | destination."""
        at = self.at
        self.records[at + WHAT] |= what | (version << 8) | (protocol << 16)
        self.records[at + SOURCE_HIGH] = source_high
        self.records[at + SOURCE_LOW] = source_low
        self.records[at + DESTINATION_HIGH] = destination_high
        self.records[at + DESTINATION_LOW] = destination_low
        self.records[at + PORTS] = ports
        self.records[at + VLANS] = vlans
        if self.path[0]:
            i = 0
            while i < PATH_WORDS:
                self.records[at + PATH + i] = self.path[i]
                i += 1

    def mark(self, token: int) -> None:
        """Note what the scanner knows record `at` by."""
        self.records[self.at + TOKEN] = token

    def mark_ends(self, ends: int) -> None:
        """Note which ends of record `at` are listed, see `Sighting.ends`."""
        self.records[self.at + WHAT] |= ends << ENDS

    def slice(self, field: int, start: int, end: int) -> None:
        """Note that data[start:end] is a field of record `at`'s packet, cut to what was kept."""
        size = self.records[self.at + PACKET] >> 32
        first = start - self.begin
        last = end - self.begin
        if last > size:
            last = size
        if first < last:
            self.records[self.at + FIELDS + field] = first | ((last - first) << 32)

    def drain(self, full: bool, interface: str) -> list[Sighting]:
        """Return new sightings, and with `full` all that counted since, and empty the table."""
        found = []
        for number in range(self.used):
            at = number * WORDS
            if self.records[at + COUNT] and (full or self.records[at + WHAT] & FRESH):
                found.append(self._sighting(at, interface))
                self.records[at + COUNT] = 0
                self.records[at + WHAT] &= ~FRESH
        self.fresh = 0
        if full:
            for slot in range(SLOTS):
                self.slots[slot] = 0
            self.used = 0
            for kind in range(len(self.spent)):
                self.spent[kind] = 0
            self.arena_used = 0
        return found

    def _sighting(self, at: int, interface: str) -> Sighting:
        what, ports = self.records[at + WHAT], self.records[at + PORTS]
        six = (what >> 8) & 0xFF == 6
        protocol = (what >> 16) & 0xFF
        has_ports = protocol == 6 or protocol == 17 or protocol == 132
        place = self.records[at + PACKET]
        begin, size = place & LOW32, place >> 32
        packet, fields = b"", NO_FIELDS
        if size:
            packet = pieces.copied(self.arena, begin, size)
            fields = {}
            for number in range(FIELD_COUNT):
                place = self.records[at + FIELDS + number]
                if place:
                    fields[FIELD_NAMES[number]] = pieces.copied(
                        self.arena, begin + (place & LOW32), place >> 32
                    )
        vlans = self.records[at + VLANS]
        tunnel = None
        if self.records[at + PATH]:
            tunnel = _tunnel([self.records[at + PATH + word] for word in range(PATH_WORDS)])
        return Sighting(
            what=NAMES[what & 0xFF],
            first_us=self.records[at + FIRST],
            last_us=self.records[at + LAST],
            count=self.records[at + COUNT],
            source=_endpoint(
                self._text(self.records[at + SOURCE_HIGH], self.records[at + SOURCE_LOW], six),
                (ports >> 16) & 0xFFFF if has_ports else None,
            ),
            destination=_endpoint(
                self._text(
                    self.records[at + DESTINATION_HIGH], self.records[at + DESTINATION_LOW], six
                ),
                ports & 0xFFFF if has_ports else None,
            ),
            protocol=protocol,
            packet=packet,
            fields=fields,
            token=self.records[at + TOKEN],
            vlans=_tags(vlans) if vlans else (),
            tunnel=tunnel,
            interface=interface,
            folded=bool(what & FOLDED),
            ends=(what >> ENDS) & BOTH_ENDS or BOTH_ENDS,
        )

    def _text(self, high: int, low: int, six: bool) -> str:
        """Return the text of an address; one that is remembered is the same object again."""
        place = octets.fold(high ^ MIX_HIGH, low ^ MIX_LOW) & (TEXTS - 1)
        if six:
            place += TEXTS
        text = self.texts[place]
        if not text or self.text_of[2 * place] != high or self.text_of[2 * place + 1] != low:
            text = self.texts[place] = _address(high, low, six)
            self.text_of[2 * place] = high
            self.text_of[2 * place + 1] = low
        return text


def _endpoint(address: str, port: int | None) -> Endpoint:
    """Return an Endpoint without its constructor, which is a Python function."""
    return pieces.pair(Endpoint, address, port)


def _address(high: int, low: int, six: bool) -> str:
    if six:
        return inet_ntop(AF_INET6, high.to_bytes(8, "big") + low.to_bytes(8, "big"))
    return f"{low >> 24}.{(low >> 16) & 255}.{(low >> 8) & 255}.{low & 255}"


def _tags(vlans: int) -> tuple[int, ...]:
    """Return VLAN identifiers, outermost first; see agent.scan.link.Link.vlans."""
    tags = []
    while vlans:
        tags.append(vlans & 0xFFF)
        vlans >>= 16
    return tuple(reversed(tags))


def _tunnel(path: list[int]) -> Tunnel:
    """Return the tunnels around a packet; see agent.scan.layers."""
    kinds, numbers = [], []
    for layer in range(layers.MAX_TUNNELS):
        kind = (path[0] >> (8 * layer)) & 0xFF
        if kind:
            kinds.append(layers.TUNNELS[kind & ~layers.WITH_ID])
            number = (path[1 + (layer >> 1)] >> (32 * (layer & 1))) & LOW32
            numbers.append(str(number) if kind & layers.WITH_ID else "-")
    six = path[0] >> 56 == 6
    return Tunnel(
        type="/".join(kinds),
        id="/".join(numbers),
        source=_address(path[3], path[4], six),
        destination=_address(path[5], path[6], six),
    )
