"""The scanner: one pass over a batch, from frames to sightings, without the interpreter lock.

It decides what may be listed, never what is reported: a sighting is raised when any key that a
rule could use is in a set, and agent.match applies the rules to it. Missing one here would be
missing it for good, so every rule's keys are probed, in any order; a superfluous one only costs.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython

from array import array

from agent.model import PacketBatch, Sighting
from agent.scan import layout, stats
from agent.scan.counters import Distinct
from agent.scan.dns import DnsReader
from agent.scan.http import HttpReader
from agent.scan.ip import Ip
from agent.scan.link import Link
from agent.scan.lookup import TEXT_BYTES, Filters, Lookup, Sets
from agent.scan.sightings import Sightings
from agent.scan.tls import TlsReader

SYN_KIND = 0
DATAGRAM = 1
OTHER = 2
QUESTION = 3
ANSWER = 4
REQUEST = 5
HELLO = 6

NAME_FIELD = 0
TYPE_FIELD = 1
METHOD_FIELD = 2
TARGET_FIELD = 3
HOST_FIELD = 4
AGENT_FIELD = 5
VERSION_FIELD = 6

ICMP = 1
TCP = 6
UDP = 17
ICMP6 = 58
DNS_PORT = 53
ECHO_REQUEST = 8  # RFC 792
ECHO_REQUEST6 = 128  # RFC 4443
LOOPBACK4 = 0x7F000001
TOUCHED = 32  # packets whose headers are loaded ahead; as many loads as a core keeps under way
CACHE_LINE = 64
MICROSECONDS = 1000000
FOR_EVER = 0xFFFFFFFFFFFFFFFF
PORTS_SIX = 1 << 32
SIGHTING_SALT = 1000
FOLD_SALT = 2000
USER_AGENT = layout.USER_AGENT
HTTP_HOST_AT = 0
HTTP_SLASH_AT = 510
HTTP_AGENT_AT = 4608

S_PACKETS = stats.PACKETS
S_BYTES = stats.BYTES
S_TRUNCATED = stats.TRUNCATED
S_TCP = stats.TCP
S_UDP = stats.UDP
S_ICMP = stats.ICMP
S_OTHER = stats.OTHER_PROTOCOL
S_SYN = stats.SYN
S_QUERIES = stats.DNS_QUERIES
S_RESPONSES = stats.DNS_RESPONSES
S_DNS_MALFORMED = stats.DNS_MALFORMED
S_REQUESTS = stats.HTTP_REQUESTS
S_HELLOS = stats.TLS_HELLOS
S_NO_NAME = stats.TLS_NO_NAME
S_ERRORS = stats.ERRORS
S_PROBES = stats.PROBES


class Scanner:
    """Scans for one worker.

    `own` and `published` are set buffers under one seed, `filters` theirs. `probes` counts what
    port scans are found by, or is None. With `shards` above 1 only flows of `shard` are scanned.
    """

    def __init__(
        self,
        own: layout.Buffer,
        published: layout.Buffer,
        filters: Filters,
        probes: Distinct | None = None,
        shard: int = 0,
        shards: int = 1,
    ) -> None:
        self.counters = memoryview(array("Q", [0] * stats.COUNTERS))
        self.link = Link(self.counters)
        self.ip = Ip(self.counters)
        self.sightings = Sightings(self.counters)
        self.probes = probes if probes is not None else Distinct(0, 8, 1, 1, 1)
        self.count_probes = 1 if probes is not None else 0
        self.shard = shard
        self.shards = shards
        self.data = memoryview(b"")
        self.meta = memoryview(b"").cast("I")
        self.now_us = 0
        self.number = 0
        self.size = 0
        self.touched = 0
        self.until_us = 0
        self.ports = 0
        self.adopt(own, published, filters)

    def adopt(self, own: layout.Buffer, published: layout.Buffer, filters: Filters) -> None:
        """Use other sets from the next batch on; never called while scanning."""
        text = bytearray(TEXT_BYTES)
        self.sets = Sets(Lookup(own, text), Lookup(published, text), filters)
        self.keyed = self.sets.keyed
        self.dns = DnsReader(text)
        self.http = HttpReader(text)
        self.tls = TlsReader(text)
        self.http.want_agent = self.sets.agents

    def scan(self, batch: PacketBatch, number: int = 0, until_us: int = FOR_EVER) -> int:
        """Scan a batch from packet `number` to the first one at or after `until_us`.

        Return the number of the packet to go on with, the batch's size at its end. A packet that
        no parser survives is counted and skipped.
        """
        data = memoryview(batch.data)
        self.data = data
        self.size = len(batch.data)
        self.link.data = data
        self.ip.data = data
        self.dns.data = data
        self.http.data = data
        self.tls.data = data
        self.sightings.data = data
        self.meta = memoryview(batch.meta).cast("I")
        packets = len(batch.meta) // 16
        self.number = number
        self.until_us = until_us
        datalink = batch.datalink
        stop = 0
        while self.number < packets and stop == 0:
            try:
                with cython.nogil:
                    stop = self._scan(datalink, packets)
            except IndexError:  # the second net; a parser missed a bound
                self.counters[S_ERRORS] += 1
                self.number += 1
        self.probes.settle()
        return self.number

    def drain(self, full: bool, interface: str) -> list[Sighting]:
        """Return new sightings, with `full` also further counts of known ones."""
        return self.sightings.drain(full, interface)

    @property
    def full(self) -> bool:
        """Tell whether a replay should drain before the next batch."""
        return self.sightings.is_full()

    @property
    def pending(self) -> int:
        """Return how many new sightings wait."""
        return self.sightings.fresh

    def statistics(self) -> list[int]:
        """Return the counters in the order of agent.scan.stats.NAMES."""
        return list(self.counters)

    @property
    def time_us(self) -> int:
        """Return the time of the last packet."""
        return self.now_us

    def _scan(self, datalink: int, packets: int) -> int:
        """Scan packets; return 1 where time stopped it before the end."""
        while self.number < packets:
            if self.number % TOUCHED == 0:
                self._touch(packets)
            record = self.number * 4
            now_us = self.meta[record] * MICROSECONDS + self.meta[record + 1]
            if now_us >= self.until_us:
                return 1
            self.now_us = now_us
            self._packet(datalink, record)
            self.number += 1
        return 0

    def _touch(self, packets: int) -> None:
        """Load the headers of the next packets, so that their cache misses overlap."""
        number = self.number
        end = number + TOUCHED if number + TOUCHED < packets else packets
        seen = 0
        while number < end:
            start = self.meta[number * 4 + 2]
            size = self.meta[number * 4 + 3]
            if size > CACHE_LINE and start + size <= self.size:
                seen += self.data[start] + self.data[start + CACHE_LINE]
            number += 1
        self.touched = seen

    def _packet(self, datalink: int, record: int) -> int:
        start = self.meta[record + 2]
        end = start + self.meta[record + 3]
        self.counters[S_PACKETS] += 1
        self.counters[S_BYTES] += end - start
        at = self.link.decode(datalink, start, end)
        if at < 0 or self.ip.decode(at, end) == 0:
            return 0
        if self.shards > 1 and self._is_other_shard():
            return 0
        protocol = self.ip.protocol
        if protocol == TCP:
            return self._tcp(self.ip.start, self.ip.end)
        if protocol == UDP:
            return self._udp(self.ip.start, self.ip.end)
        return self._other(protocol, self.ip.start, self.ip.end)

    def _is_other_shard(self) -> int:
        """Tell whether another worker has this packet; both directions go to one."""
        low = self.ip.source_low ^ self.ip.destination_low
        high = self.ip.source_high ^ self.ip.destination_high
        h = self.keyed.numbers(TCP, high, low, 0)
        return 1 if h % self.shards != self.shard else 0

    def _tcp(self, start: int, end: int) -> int:
        if start + 14 > end:
            self.counters[S_TRUNCATED] += 1
            return 0
        self.counters[S_TCP] += 1
        flags = self.data[start + 13]
        self.ports = self._ports(start)
        if flags & 0x17 == 0x02:  # SYN without ACK, RST, FIN; ECN bits may be set (RFC 3168)
            self.counters[S_SYN] += 1
            self._addresses(SYN_KIND)
            return self._probe()
        if flags == 0 or flags == 0x01 or flags == 0x29:  # NULL, FIN, XMAS: rule H-3
            self.counters[S_PROBES] += 1
            return self._probe()
        payload = start + (self.data[start + 12] >> 4) * 4
        if payload < start + 20 or payload + 16 > end:
            return 0
        c = self.data[payload]
        if c == 22:
            return self._tls(payload, end)
        if 65 <= c <= 90:
            return self._http(payload, end)
        return 0

    def _udp(self, start: int, end: int) -> int:
        if start + 8 > end:
            self.counters[S_TRUNCATED] += 1
            return 0
        self.counters[S_UDP] += 1
        self.ports = self._ports(start)
        if self.ports >> 16 == DNS_PORT or self.ports & 0xFFFF == DNS_PORT:
            return self._dns(start, start + 8, end)
        return self._addresses(DATAGRAM)

    def _other(self, protocol: int, start: int, end: int) -> int:
        self.ports = 0
        if protocol == ICMP or protocol == ICMP6:
            self.counters[S_ICMP] += 1
            if start >= end:
                return 0
            wanted = ECHO_REQUEST if protocol == ICMP else ECHO_REQUEST6
            if self.data[start] != wanted:
                return 0
        else:
            self.counters[S_OTHER] += 1
        return self._addresses(OTHER)

    def _ports(self, start: int) -> int:
        return self.ip.word(start)

    def _listed(self, with_ports: int) -> int:
        """Tell whether either address is listed, bare, with its port, or by network."""
        source = self.ports >> 16 if with_ports else -1
        destination = self.ports & 0xFFFF if with_ports else -1
        if self.ip.version == 4:
            found = self.sets.address4(self.ip.source_low, source)
            return found | self.sets.address4(self.ip.destination_low, destination)
        found = self.sets.address6(self.ip.source_high, self.ip.source_low, source)
        return found | self.sets.address6(
            self.ip.destination_high, self.ip.destination_low, destination
        )

    def _addresses(self, what: int) -> int:
        """Sight a packet whose addresses are listed: rules T-10a, T-11 and T-12."""
        if self._listed(0 if what == OTHER else 1) == 0:
            return 0
        # The service's port tells repeats apart, the client's changes with every attempt.
        service = self.ports & 0xFFFF
        if what == DATAGRAM and self.ports >> 16 < service:
            service = self.ports >> 16
        self._sight(what, service, 1, self.ip.start, self.ip.start)
        return 0

    def _sight(self, what: int, value: int, exact: int, start: int, end: int) -> int:
        """Count a sighting of `value` between these addresses; return 1 for a new record."""
        h = self.keyed.numbers(
            what + SIGHTING_SALT, self.ip.source_high, self.ip.source_low, self.ip.protocol
        )
        h = self.keyed.numbers(h, self.ip.destination_high, self.ip.destination_low, value)
        fold = self.keyed.numbers(what + FOLD_SALT, self.sets.row, 0, exact)
        if self.sightings.add(h, fold, exact, self.now_us, start, end) == 0:
            return 0
        self.sightings.fill(
            what,
            self.ip.version,
            self.ip.protocol,
            self.ip.source_high,
            self.ip.source_low,
            self.ip.destination_high,
            self.ip.destination_low,
            self.ports,
            self.link.vlans,
        )
        return 1

    def _probe(self) -> int:
        """Count a connection attempt for port scans, rules H-2 and H-3."""
        if self.count_probes == 0:
            return 0
        if self.ip.version == 4:
            if self.ip.destination_low == LOOPBACK4:
                return 0
        elif self.ip.destination_high == 0 and self.ip.destination_low == 1:
            return 0
        six = 1 if self.ip.version == 6 else 0
        self.probes.note(
            self.now_us,
            self.ip.source_high,
            self.ip.source_low,
            self.ip.destination_high,
            self.ip.destination_low,
            self.ports | (six * PORTS_SIX),
            self.ports & 0xFFFF,
        )
        return 0

    def _dns(self, start: int, payload: int, end: int) -> int:
        """Look up a question's name and, for a query, its resolver: rules T-5 and T-8."""
        named = self.dns.read(payload, end)
        if named == 0:
            self.counters[S_DNS_MALFORMED] += 1
            return self._addresses(DATAGRAM)
        length = self.dns.length
        exact = self.sets.domain(0, length)
        what = QUESTION
        if self.dns.response:
            what = ANSWER
            self.counters[S_RESPONSES] += 1
        else:
            self.counters[S_QUERIES] += 1
            exact |= self._listed(1)
        if exact == 0 and self.sets.candidate == 0:
            return 0
        value = self.sets.published.hash_text(0, 0, length)
        self._sight(what, value, exact, start, end)
        return 0

    def _http(self, payload: int, end: int) -> int:
        """Look up host, address, agent and URL candidates of a request: rule T-13."""
        if self.http.read(payload, end) == 0:
            return 0
        self.counters[S_REQUESTS] += 1
        exact = self.sets.domain(HTTP_HOST_AT, HTTP_HOST_AT + self.http.name_size)
        exact |= self._listed(0)
        host = self.http.host_size
        if host == 0:
            host = self._write_destination()
        self.sets.begin_host(HTTP_HOST_AT, HTTP_HOST_AT + host)
        i = 0
        while i < self.http.count:
            exact |= self.sets.joined(self.http.starts[i], self.http.ends[i])
            i += 1
        exact |= self.sets.joined(HTTP_SLASH_AT, HTTP_SLASH_AT + 1)
        if self.sets.agents and self.http.agent_end:
            self.http.write_agent()
            exact |= self.sets.exact(
                USER_AGENT, HTTP_AGENT_AT, HTTP_AGENT_AT + self.http.agent_size
            )
        if exact == 0 and self.sets.candidate == 0:
            return 0
        value = self.sets.published.hash_text(1, 0, host)
        value ^= self.sets.published.hash_text(2, 512, 512 + self.http.path_size)
        if self._sight(REQUEST, value, exact, payload, end):
            self.http.find_agent(end)
            self.sightings.slice(METHOD_FIELD, payload, self.http.method_end)
            self.sightings.slice(TARGET_FIELD, self.http.target_at, self.http.target_end)
            self.sightings.slice(HOST_FIELD, self.http.host_at, self.http.host_end)
            self.sightings.slice(AGENT_FIELD, self.http.agent_at, self.http.agent_end)
        return 0

    def _write_destination(self) -> int:
        """Write the destination address as host, which a request without one stands for."""
        if self.ip.version != 4:
            return 0
        size = 0
        shift = 32
        while shift > 0:
            shift -= 8
            octet = (self.ip.destination_low >> shift) & 255
            if octet >= 100:
                self.sets.text[HTTP_HOST_AT + size] = 48 + octet // 100
                size += 1
            if octet >= 10:
                self.sets.text[HTTP_HOST_AT + size] = 48 + octet // 10 % 10
                size += 1
            self.sets.text[HTTP_HOST_AT + size] = 48 + octet % 10
            size += 1
            if shift > 0:
                self.sets.text[HTTP_HOST_AT + size] = 46
                size += 1
        return size

    def _tls(self, payload: int, end: int) -> int:
        """Look up a hello's server name: rule T-14."""
        kind = self.tls.read(payload, end)
        if kind == 0:
            return 0
        self.counters[S_HELLOS] += 1
        length = self.tls.length
        if kind == 1 or length == 0:
            self.counters[S_NO_NAME] += 1
            return 0
        exact = self.sets.domain(0, length)
        if exact == 0 and self.sets.candidate == 0:
            return 0
        value = self.sets.published.hash_text(0, 0, length)
        if self._sight(HELLO, value, exact, payload, end):
            self.sightings.slice(NAME_FIELD, self.tls.name_at, self.tls.name_at + length)
            self.sightings.slice(VERSION_FIELD, self.tls.version_at, self.tls.version_at + 2)
        return 0
