"""The scanner: one pass over a batch, from frames to sightings, without the interpreter lock.

It decides what may be listed, never what is reported: a sighting is raised when any key that a
rule could use is in a set, and agent.match applies the rules to it. Missing one here would be
missing it for good, so every rule's keys are probed, in any order; a superfluous one only costs.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array

from agent.model import PacketBatch, Sighting
from agent.scan import carried, layers, layout, octets, prefetch, rates, sketches, stats
from agent.scan.attempts import Attempts
from agent.scan.bank import Bank
from agent.scan.carriers import Carriers
from agent.scan.dns import DnsReader
from agent.scan.duplicates import Duplicates
from agent.scan.fragments import Fragments
from agent.scan.gates import Gates
from agent.scan.http import HttpReader
from agent.scan.http2 import Http2Reader
from agent.scan.ip import Ip
from agent.scan.known import Known
from agent.scan.link import Link
from agent.scan.lookup import TEXT_BYTES, Filters, Lookup, Sets
from agent.scan.sightings import Sightings
from agent.scan.streams import Streams
from agent.scan.tls import TlsReader
from agent.scan.tunnels import Tunnels
from agent.scan.unread import Unread
from agent.scan.wanted import Wanted
from agent.scan.written import WrittenAddress

if not cython.compiled:  # else the same from the .pxd
    SYN_KIND = 0
    DATAGRAM = 1
    OTHER = 2
    QUESTION = 3
    ANSWER = 4
    REQUEST = 5
    HELLO = 6
    ACCEPT = 7
    REFUSE = 8
    INITIAL = 9
    FINGERPRINT = 10
    CERTIFICATE = 11
    WATCHED_AGENT = 12
    WATCHED_REQUEST = 13
    RESPONSE = 14
    LONG = 15
    ABSENT = 16
    SERVER = 17
    EXHAUSTING = 18
    FLOODING = 19
    TUNNELLING = 20
    PINGING = 21

    # Kinds of candidates, as agent.scan.sightings counts them; -1 is what is listed for certain.
    LISTED = -1
    MAY_PATTERN = 0
    MAY_INITIAL = 1
    MAY_FINGERPRINT = 2
    MAY_CERTIFICATE = 3
    MAY_AGENT = 4
    MAY_WATCHED_AGENT = 5
    MAY_REQUEST = 6
    MAY_RESPONSE = 7
    MAY_NAME = 8

    NAME_FIELD = 0
    TYPE_FIELD = 1
    METHOD_FIELD = 2
    TARGET_FIELD = 3
    HOST_FIELD = 4
    AGENT_FIELD = 5
    VERSION_FIELD = 6
    BODY_FIELD = 7

    # Kinds of heads that wait for their next segment.
    HEAD_TLS = 1
    HEAD_NAMED_TLS = 2  # its name was looked up already
    HEAD_SERVER = 3
    HEAD_HTTP = 4
    HEAD_DNS = 5
    HEAD_HTTP2 = 6
    HEAD_CARRIER = 7

    DLT_ETHERNET = layers.DLT_ETHERNET
    PLAIN_BYTES = 34  # of headers of Ethernet and IPv4
    PLAIN = 0x080045
    """EtherType of IPv4, and its version with a header of five words."""
    MAX_PARTS = 64  # of an aggregate; radios make a dozen of full size
    PARTED = 0x3FFF  # of a fragment: more of them, or an offset

    SYN_FLAG = 2
    ICMP = 1
    TCP = 6
    UDP = 17
    ICMP6 = 58
    AUTHENTICATION = 51
    SCTP = 132
    DATA_CHUNK = 0  # RFC 9260 section 3.3.1
    I_DATA_CHUNK = 64  # RFC 8260 section 2.1
    MAX_CHUNKS = 64
    """Of one packet; as many as fit with a few bytes each."""
    COPIED = 40
    """Bytes behind the IP header that copies have in common: a TCP header with its options."""
    FRAGMENT_SALT = 5000
    FRAGMENT_BYTES = 16384  # words of a slot, as agent.scan.fragments has them
    FRAGMENT_LAST = 1
    FRAGMENT_VERSION = 4
    FRAGMENT_PROTOCOL = 5
    UNREAD_PROTOCOL = layers.IP_PROTOCOL
    TUNNEL_SALT = 4000
    DNS_PORT = 53
    DOT_PORT = 853
    DNS_WORD = 0x646E73
    DOH_WORD = 0x646F68
    MINUS_DNS_WORD = 0x2D646E73
    PREFACE = 0x50524920  # "PRI ", RFC 9113 section 3.4
    ECHO_REQUEST = 8  # RFC 792
    ECHO_REQUEST6 = 128  # RFC 4443
    LOOK_BACK = 32
    """Packets of a batch in which segments that overtook a head are looked for."""
    GROUP = (
        32  # packets that are loaded and looked up together; twice the loads a core keeps under way
    )
    CACHE_LINE = 64
    AHEAD = 8
    """Packets before one that its headers are asked for: a microsecond or so, while a near cache
    still keeps them."""
    MAX_TOUCHED = 512  # bytes of a request's first segment that are asked for
    MICROSECONDS = 1000000
    LATE_SECONDS = rates.LATE_SECONDS
    FOR_EVER = 0xFFFFFFFFFFFFFFFF
    SIGHTING_SALT = 1000
    FOLD_SALT = 2000
    USER_AGENT = layout.USER_AGENT
    HTTP_HOST_AT = 0
    HTTP_SLASH_AT = 510
    HTTP_PATH_AT = 512
    HTTP_AGENT_AT = 4608
    DNS_ANSWER_AT = 6000
    WORD = octets.WORD
    PRIME = layout.HASH_PRIME
    WORD_MASK = layout.WORD_MASK
    ONE = 1
    FOUND_MARK = 1 << 63
    FOUND_PLACES = 1024
    """Addresses, with their ports, that are known to be listed; another takes the place of one."""
    CLEAN = 8192
    """Candidates that are remembered as not listed: what a network's clients use in an hour."""
    WATCHED = 1 << 63
    """Marks tokens of requests and names, of which there are so many more that they have as much
    room again for themselves."""
    UNWATCHED = WATCHED - 1
    NOT_ZERO = 1 << 62
    """Makes a hash a key; a low bit would leave half of a table's places empty."""
    NAME_ERROR = 3  # RFC 1035 section 4.1.1
    HTTP_PORT = 80
    MIN_FRONT = 4
    MIN_TUNNEL = 16  # characters in front of a domain that may carry data
    NULL_TYPE = 10
    TXT_TYPE = 16
    PRIVATE_TYPE = 65399
    SAMPLE = sketches.SAMPLE
    SAMPLE_BITS = 2
    MINUTE = 60
    HOUR = 3600
    PING_DATA = 32  # the header, a time and a counter
    MIN_PING = 16
    MAX_PING = 64
    ASKED = 4096
    """Requests that wait for their response, one a connection; a later one takes its place."""
    SHORT_LABEL = 3  # the second label from the end in co.uk
    MAX_CERTIFICATES = carried.MAX_CERTIFICATES
    FIRST_BYTES = carried.FIRST_BYTES
    CARRIES_TLS = carried.TLS
    CARRIES_CERTIFICATES = carried.CERTIFICATES
    CARRIES_MORE = carried.MORE
    CARRIES_WRITTEN_TLS = carried.WRITTEN_TLS
    CARRIES_REQUEST = carried.WRITTEN_REQUEST
    CARRIES_GOOGLE = carried.GOOGLE
    CARRIES_OPENVPN = carried.OPENVPN
    CARRIES_CONTENT = carried.CONTENT
    MAX_CARRIED = carried.MAX_MESSAGE
    MAX_BLOCKS = carried.MAX_BLOCKS
    OPEN = carried.OPEN
    ADAT = carried.ADAT
    PROXY = carried.PROXY
    OPENVPN_BYTE = 32  # and seven behind it
    KNOWN_SALT = 6000
    OPENVPN_SALT = 7000
    DTLS_SALT = 7001
    IKE_PORT = 500
    IKE_NAT_PORT = 4500
    CLIENT_HELLO = 1
    CERTIFICATE_MESSAGE = 11
    DTLS_HEADER = 9  # of the record that a message is put into
    SLOT_BYTES = 16384
    STREAM_SALT = 3000
    STREAM_KIND = 1  # words of a slot, as agent.scan.streams has them
    STREAM_SEQUENCE = 2
    STREAM_FILLED = 3
    STREAM_VERSION = 9
    STREAM_PART = 24
    LOW32 = 0xFFFFFFFF
    LOW16 = 0xFFFF
    UPDATE = 5  # RFC 2136
    DECODE = 2
    DOT = 46
    STREAM_IDLE_US = 5000000
    ENDED_US = 0xFFFFFFFFFFFFFFFF
    QUIC_ID_AT = 5
    QUIC_SAMPLE = 64
    MIN_INITIAL = 48
    QUIC_2 = 0x6B3343CF
    QUIC_2_DRAFT = 0x709A50C4
    QUIC_DRAFTS = 0xFF0000
    QUIC_FORK = 0xFACEB001

    S_PACKETS = stats.PACKETS
    S_IPV4 = stats.IPV4
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
    S_INITIALS = stats.QUIC
    S_CERTIFICATES = stats.CERTIFICATES
    S_DNS_TCP = stats.DNS_TCP
    S_ENCRYPTED = stats.TLS_ENCRYPTED_HELLO
    S_TUNNELS = stats.TUNNELS
    S_TOO_DEEP = stats.TOO_DEEP
    S_SCTP = stats.SCTP
    S_ACCEPTS = stats.ACCEPTS
    S_REFUSALS = stats.REFUSALS
    S_HTTP2 = stats.HTTP2
    S_DOT = stats.DOT
    S_DOH = stats.DOH
    S_DUPLICATES = stats.DUPLICATES
    S_REASSEMBLED = stats.REASSEMBLED
    S_INCOMPLETE = stats.FRAGMENTS_INCOMPLETE
    S_REFUSED = stats.FRAGMENTS_REFUSED
    S_SKIPPED = stats.HEADS_SKIPPED
    S_FORGOTTEN = stats.SIGHTINGS_FORGOTTEN
    COPY = 1  # what agent.scan.duplicates answers
    DISPLACING = 2


class Scanner:
    """Scans for one worker.

    `own` and `published` are set buffers under one seed, `filters` theirs. `bank` holds what
    behaviours need counted, or is None. With `shards` above 1 only flows of `shard` are scanned.
    `wanted` is what behaviours want to see.
    """

    def __init__(
        self,
        own: layout.Buffer,
        published: layout.Buffer,
        filters: Filters,
        bank: Bank | None = None,
        shard: int = 0,
        shards: int = 1,
        wanted: Wanted | None = None,
    ) -> None:
        self.counters = memoryview(array("Q", [0] * stats.COUNTERS))
        self.unread = Unread()
        self.link = Link(self.counters, self.unread)
        self.ip = Ip(self.counters)
        self.attempts = Attempts(self.counters, self.ip)
        self.tunnels = Tunnels(self.counters, self.link, self.ip)
        self.tunnel = 0
        self.sightings = Sightings(self.counters, self.tunnels.path)
        self.streams = Streams(self.counters, self.tunnels.path)
        self.fragments = Fragments(self.counters, self.tunnels.path)
        self.in_datagram = 0
        self.in_parts = 0
        self.duplicates = Duplicates()
        self.drops_copies = 0
        self.known = Known()
        self.heads = memoryview(array("Q", [0] * GROUP))
        self.clean = memoryview(array("Q", [0] * (2 * CLEAN)))
        self.agent_listed = 0
        self.early = 0
        self.has_found = 0
        self.found_rows = memoryview(array("Q", [0] * (2 * FOUND_PLACES)))
        self.gates = Gates(wanted or Wanted())
        self.domain_at = 0
        self.domain_hash = 0
        self.asked = memoryview(array("Q", bytes(8 * ASKED)))
        self.stream_key = 0
        self.in_stream = 0
        self.idle_us = 0
        self.use(bank or Bank())
        self.shard = shard
        self.shards = shards
        self.batch = memoryview(b"")
        self.data = self.batch
        self.meta = memoryview(b"").cast("I")
        self.now_us = 0
        self.second = 0
        self.number = 0
        self.counts = 1
        self.group = 0
        self.answered = 0
        self.size = 0
        self.until_us = 0
        self.ports = 0
        self.adopt(own, published, filters)

    def use(self, bank: Bank) -> None:
        """Count into this bank; the tables it lacks are counted nowhere."""
        self.bank = bank
        self.count_paths = int("paths" in bank.tables)
        self.attempts.use(bank)
        self.sketches = bank.sketches
        self.exhausting_level = self.sketches.level(self.gates.exhausting_names // SAMPLE)
        self.absent_level = self.sketches.level(self.gates.absent_names)
        self.tunnel_level = self.sketches.level(self.gates.tunnel_names)
        self.ping_level = self.sketches.level(self.gates.tunnel_pings)
        self.count_questions = int(self.exhausting_level > 0 or self.tunnel_level > 0)

    def adopt(self, own: layout.Buffer, published: layout.Buffer, filters: Filters) -> None:
        """Use other sets from the next batch on; never called while scanning."""
        text = bytearray(TEXT_BYTES)
        self.sets = Sets(Lookup(own, text), Lookup(published, text), filters)
        self.sets.literals = self.gates.plain_windows
        self.keyed = self.sets.keyed
        self.attempts.keyed = self.keyed
        self.dns = DnsReader(text)
        self.http = HttpReader(text)
        self.tls = TlsReader(text)
        self.written = WrittenAddress(text)
        self.http2 = Http2Reader()
        self.carriers = Carriers()
        self.known.clear()
        self.http.want_agent = self.sets.agents | self.gates.agents
        self.http.seed = self.keyed.begin(WATCHED_AGENT)
        self.dns.seed = self.keyed.begin(QUESTION)
        for place in range(2 * CLEAN):
            self.clean[place] = 0
        self.has_found = 0
        for place in range(2 * FOUND_PLACES):
            self.found_rows[place] = 0

    def scan(self, batch: PacketBatch, number: int = 0, until_us: int = FOR_EVER) -> int:
        """Scan a batch from packet `number` to the first one at or after `until_us`.

        Return the number of the packet to go on with, the batch's size at its end. A packet that
        no parser survives is counted and skipped.
        """
        self.batch = memoryview(batch.data)
        self.size = len(batch.data)
        self._read(self.batch)
        self.meta = memoryview(batch.meta).cast("I")
        packets = len(batch.meta) // 16
        waiting = self.streams.used + self.fragments.used
        if waiting and self.now_us >= self.idle_us:
            self.idle_us = self.now_us + MICROSECONDS
            if self.now_us > STREAM_IDLE_US:
                self._end_idle(self.now_us - STREAM_IDLE_US)
        self.ip.cut_at = 0
        self.number = number
        self.group = number
        self.answered = number
        self.until_us = until_us
        self._ask_from_now_on(1)
        datalink = batch.datalink
        stop = 0
        while self.answered < packets and stop == 0:
            try:
                with cython.nogil:
                    stop = self._scan(datalink, packets)
            except IndexError:  # the second net; a parser missed a bound, or a set is damaged
                self.counters[S_ERRORS] += 1
                self._read(self.batch)  # where it was in a stream or datagram
                self.in_datagram = 0
                self.in_parts = 0
                self.sets.asking = self.counts
                if self.counts:
                    self.number += 1
                else:
                    self.answered += 1
        self.settle()
        return self.number

    def compare(self, duplicates: Duplicates) -> None:
        """Count copies of a packet once, those that others who share the table saw included."""
        self.duplicates = duplicates
        self.drops_copies = 1

    def pass_over_known(self, learns: int, skips: int) -> None:
        """Learn which flows' heads match nothing, and pass such heads over, while overloaded."""
        if learns == 0:
            self.known.clear()
        self.known.learns = learns
        self.known.skips = skips

    def settle(self) -> None:
        """Take in what counters were told."""
        self.attempts.take_in()

    def finish(self) -> None:
        """Look at what nothing will complete any more, as at the end of a capture."""
        self._end_idle(ENDED_US)
        self.settle()

    def learn(self, token: int) -> None:
        """Remember that a candidate is not listed: it is not shown again, until sets change."""
        self.clean[(token & (CLEAN - 1)) + (token >> 63) * CLEAN] = token

    def drain(self, full: bool, interface: str) -> list[Sighting]:
        """Return new sightings, with `full` also further counts of known ones."""
        return self.sightings.drain(full, interface)

    @property
    def full(self) -> bool:
        """Tell whether a replay should drain before the next batch."""
        return self.sightings.is_full()

    @property
    def has_hot(self) -> bool:
        """Tell whether the bank has keys that went over a level since it was asked last."""
        return bool(self.attempts.has_hot())

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
        """Scan packets by groups, each in two rounds; return 1 where time stopped it early.

        Whatever raises an error in between leaves the numbers where they are to go on with.
        """
        stop = 0
        while self.answered < packets and stop == 0:
            if self.answered == self.number:
                self.group = self.number
                self.sets.begin_group()
                self.early = 0
            if self.counts:
                stop = self._ask(datalink, packets)
                self.attempts.take_in()
                self.sets.answer()
                self._ask_from_now_on(0)
            self._look_up(datalink)
            self._ask_from_now_on(1)
        return stop

    def _ask_from_now_on(self, asking: int) -> None:
        """Begin the first round (1), in which packets count, or the second (0)."""
        self.sets.asking = asking
        self.counts = asking
        self.link.counts = asking
        self.ip.counts = asking
        self.tunnels.counts = asking
        self.unread.adds = asking

    @cython.boundscheck(False)
    def _ask(self, datalink: int, packets: int) -> int:
        """Read the packets of a group and note what is to be looked up; return 1 at `until_us`.

        Reads of `meta`, which has `packets` records, are not checked one by one.
        """
        end = self.group + GROUP if self.group + GROUP < packets else packets
        while self.number < end:
            record = self.number * 4
            now_us = self.meta[record] * MICROSECONDS + self.meta[record + 1]
            if now_us >= self.until_us:
                return 1
            self.now_us = now_us
            if self.second != self.meta[record]:
                self._begin_second(self.meta[record])
            self.sets.packet = self.number - self.group
            if self.number + AHEAD < packets:
                self._touch(record + 4 * AHEAD)
            self._packet(datalink, record)
            self.number += 1
        return 0

    def _begin_second(self, second: int) -> int:
        """Count in another second from now on.

        What comes a little late counts as if it came now: processors and interfaces do not keep
        order, and counting in seconds that go back would forget what they hold.
        """
        if second < self.second:
            if self.second - second <= LATE_SECONDS:
                return 0
            self.idle_us = 0  # the clock was set back, or an older capture follows
        self.second = second
        return 0

    @cython.boundscheck(False)
    def _look_up(self, datalink: int) -> int:
        """Read those packets of the group once more that may hold something listed."""
        if self.sets.wanted == 0 and self.known.learns == 0:  # as with most groups
            self.answered = self.number
            return 0
        last_us = self.now_us
        while self.answered < self.number:
            if (self.sets.wanted >> (self.answered - self.group)) & 1:
                record = self.answered * 4
                self.now_us = self.meta[record] * MICROSECONDS + self.meta[record + 1]
                self._packet(datalink, record)
            elif self.known.learns and self.heads[self.answered - self.group]:
                self.known.learn(self.heads[self.answered - self.group])
            self.heads[self.answered - self.group] = 0
            self.answered += 1
        self.now_us = last_us
        return 0

    @cython.boundscheck(False)
    def _touch(self, record: int) -> int:
        """Ask for the headers of a packet to come."""
        start = self.meta[record + 2]
        prefetch.byte(self.batch, start)
        prefetch.byte(self.batch, start + CACHE_LINE)
        return 0

    @cython.boundscheck(False)
    def _packet(self, datalink: int, record: int) -> int:
        start = self.meta[record + 2]
        end = start + self.meta[record + 3]
        self.counters[S_PACKETS] += self.counts
        self.counters[S_BYTES] += self.counts * (end - start)
        if end > self.size:  # the one check of all that is read of a packet
            self.counters[S_ERRORS] += self.counts
            return 0
        if self.tunnels.depth:
            self.tunnels.leave()
            self.tunnel = 0
        if datalink == DLT_ETHERNET and start + PLAIN_BYTES <= end and self._plain(start, end):
            if self.shards > 1 and self._is_other_shard():
                return 0
            return self._transport()
        return self._linked(datalink, start, end)

    def _linked(self, datalink: int, start: int, end: int) -> int:
        """Look at a frame that is more than `_plain` knows."""
        at = self.link.decode(datalink, start, end)
        if self.link.media.next:
            return self._parts(at, end)
        return 0 if at < 0 else self._network(at, end)

    def _plain(self, start: int, end: int) -> int:
        """Decode what most packets are, as `link` and `ip` would, in one go; return 0 for others.

        That is Ethernet without tags, and IPv4 without options that is no fragment.
        """
        if octets.required(self.data, start + 12) >> 8 != PLAIN:
            return 0
        word = octets.required(self.data, start + 20)
        if word >> 16 & PARTED:
            return 0
        self.ip.protocol = word & 0xFF
        at = start + 14
        size = octets.required(self.data, start + 16) >> 16
        # Segmentation offload leaves the length 0 where the packet outgrew it.
        if at + size > end:
            self.ip.count_cut(end)
        elif size >= 20:
            end = at + size
        self.counters[S_IPV4] += self.counts
        self.link.vlans = 0
        self.ip.version = 4
        self.ip.source_high = 0
        self.ip.destination_high = 0
        self.ip.source_low = octets.required(self.data, start + 26)
        self.ip.destination_low = octets.required(self.data, start + 30)
        self.ip.start = at + 20
        self.ip.end = end
        return 1

    def _network(self, at: int, end: int) -> int:
        """Look at an IP packet, one that a tunnel carries included."""
        found = self.ip.decode(at, end)
        if found == 0:
            return 0
        # All that a tunnel carries goes where the tunnel goes.
        if self.shards > 1 and self.tunnels.depth == 0 and self._is_other_shard():
            return 0
        return self._transport() if found == 1 else self._fragment()

    def _parts(self, at: int, end: int) -> int:
        """Look at the parts of an aggregate; IP begins at `at` in the first, or nowhere (-1)."""
        vlans = self.link.vlans
        tunnel = self.tunnel
        found = self.has_found
        count = 0
        following = self.link.media.next
        if self.in_parts == 0:
            self.tunnels.keep()
        while following and self.in_parts == 0 and count < MAX_PARTS:
            self.in_parts = 1
            self.has_found = 0  # what is sighted in the first round is one of several
            if at >= 0:
                self._network(at, end)
            self.has_found |= found
            self.in_parts = 0
            self.tunnels.back()
            self.tunnel = tunnel
            self.link.vlans = vlans
            at = self.link.part(following, end)
            following = self.link.media.next
            count += 1
        if following:
            self.counters[S_TOO_DEEP] += self.counts
        return 0 if at < 0 else self._network(at, end)

    def _fragment(self) -> int:
        """Keep a fragment, and look at the datagram that it completes."""
        if self.counts == 0:  # it was kept in the first round
            return 0
        if self.in_datagram:
            self.counters[S_REFUSED] += 1
            return 0
        h = self.keyed.numbers(
            FRAGMENT_SALT, self.ip.source_high, self.ip.source_low, self.ip.identification
        )
        h = self.keyed.numbers(
            h,
            self.ip.destination_high,
            self.ip.destination_low,
            self.tunnel ^ (self.ip.protocol if self.ip.version == 4 else 0),
        )
        if self.fragments.find(h | NOT_ZERO, self.now_us) == 0:
            self.fragments.note(
                self.ip.version,
                self.ip.protocol,
                self.ip.source_high,
                self.ip.source_low,
                self.ip.destination_high,
                self.ip.destination_low,
                self.link.vlans,
                self.tunnel,
            )
        if self.fragments.add(
            self.ip.offset, self.ip.more, self.ip.protocol, self.ip.start, self.ip.end, self.now_us
        ):
            self.counters[S_REASSEMBLED] += 1
            self._put_together(1)
        if self.fragments.crowded():
            self.counters[S_INCOMPLETE] += 1
            self._put_together(0)
        return 0

    def _put_together(self, whole: int) -> None:
        """Look at the datagram that was put together, as far as it came, and let go of it.

        It is not there any more in the second round, so it is looked up at once.
        """
        asking = self.sets.asking
        self.sets.asking = 0
        self.in_datagram = 1
        self.ip.version = self.fragments.word(FRAGMENT_VERSION)
        self.ip.source_high = self.fragments.word(FRAGMENT_VERSION + 2)
        self.ip.source_low = self.fragments.word(FRAGMENT_VERSION + 3)
        self.ip.destination_high = self.fragments.word(FRAGMENT_VERSION + 4)
        self.ip.destination_low = self.fragments.word(FRAGMENT_VERSION + 5)
        self.link.vlans = self.fragments.word(FRAGMENT_VERSION + 6)
        self.tunnel = self.fragments.word(FRAGMENT_VERSION + 7)
        self.fragments.recall()
        self.tunnels.restore()
        start = self.fragments.slot * FRAGMENT_BYTES
        end = start + self.fragments.reach()
        self._read(self.fragments.readable)
        protocol = self.fragments.word(FRAGMENT_PROTOCOL)
        if whole:
            self.fragments.rest()
        else:
            self.fragments.close()
        if end > start and self.ip.resume(protocol, start, end) == 1:
            self._transport()
        self._read(self.batch)
        self.in_datagram = 0
        self.sets.asking = asking

    def _transport(self) -> int:
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
            self.counters[S_TRUNCATED] += self.counts
            return 0
        self.counters[S_TCP] += self.counts
        octets.require(self.data, start, 14)
        self.ports = octets.required(self.data, start)
        word = octets.required(self.data, start + 10)
        flags = word & 0xFF
        if flags & 0x17 != 0x10:  # more than ACK, as most that carry data have
            if flags & 0x16 == 0x12:  # SYN and ACK: a service answers
                self.counters[S_ACCEPTS] += self.counts
                if self.counts:
                    self.attempts.accepted(self.now_us, self.second, self.ports)
                self._addresses(ACCEPT)
            elif flags & 0x14 == 0x14:  # RST and ACK: nobody listens, where it answers a SYN
                self.counters[S_REFUSALS] += self.counts
                self._addresses(REFUSE)
                return 0
            elif flags & 0x17 == 0x02:  # SYN without ACK, RST, FIN; ECN bits may be set (RFC 3168)
                self.counters[S_SYN] += self.counts
                if self.counts:
                    self.attempts.attempt(self.now_us, self.second, self.ports)
                self._addresses(SYN_KIND)
            elif flags == 0 or flags == 0x01 or flags == 0x29:  # NULL, FIN, XMAS: rule H-3
                self.counters[S_PROBES] += self.counts
                if self.counts:
                    self.attempts.probe(self.now_us, self.second, self.ports)
                return 0
        payload = start + ((word >> 12) & 15) * 4
        if flags == 0x11 and payload >= end:  # FIN and ACK: Maimon, or the end of a connection
            if self.counts:
                self.attempts.maimon(self.now_us, self.second, self.ports)
            return 0
        if payload < start + 20 or payload >= end:
            return 0
        self.stream_key = 0
        if self.streams.used and self.counts and self._continue_head(start, payload, end):
            return 0
        return self._content(start, payload, end)

    def _content(self, start: int, payload: int, end: int) -> int:
        """Look at what a segment, or what a proxy put into one, begins with."""
        c = self.data[payload]
        if self.known.learns and self.counts and self._is_known(c):
            return 0
        if c == 22:
            return self._handshake(start, payload, end)
        if 65 <= c <= 90:
            return self._text(start, payload, end)
        if self.ports >> 16 == DNS_PORT or self.ports & 0xFFFF == DNS_PORT:
            return self._messages(start, payload, end)
        if c < 64 and (FIRST_BYTES >> c) & 1:
            return self._carried(start, payload, end)
        return 0

    def _is_known(self, c: int) -> int:
        """Tell whether a head that begins with `c` is passed over; else note that it is read."""
        place = self.number - self.group
        self.heads[place] = 0
        if self.in_datagram or (c != 22 and not (65 <= c <= 90)):
            return 0
        h = self._flow()
        if self.known.has(h):
            self.counters[S_SKIPPED] += 1
            return 1
        self.heads[place] = h
        return 0

    def _flow(self) -> int:
        """Return the hash of this direction of all connections to a service, never 0."""
        service = self.ports & LOW16
        if self.ports >> 16 < service:
            service = self.ports >> 16
        h = self.keyed.numbers(KNOWN_SALT, self.ip.source_high, self.ip.source_low, service)
        h = self.keyed.numbers(h, self.ip.destination_high, self.ip.destination_low, self.tunnel)
        return h | NOT_ZERO

    def _key(self) -> int:
        """Return the key of this direction of this connection, never 0."""
        if self.stream_key == 0:
            h = self.keyed.numbers(STREAM_SALT, self.ip.source_high, self.ip.source_low, self.ports)
            h = self.keyed.numbers(
                h, self.ip.destination_high, self.ip.destination_low, self.tunnel
            )
            self.stream_key = h | NOT_ZERO
        return self.stream_key

    def _continue_head(self, start: int, payload: int, end: int) -> int:
        """Add a segment to the head that it continues; return 0 where there is none."""
        if self.streams.find(self._key()) == 0:
            return 0
        filled = self.streams.add(octets.number(self.data, start + 4), payload, end, self.now_us)
        self._look(filled, 1 if filled >= SLOT_BYTES else 0)
        return 1

    def _open_head(self, kind: int, start: int, at: int, end: int) -> int:
        """Keep data[at:end], where a head begins that this segment does not end."""
        if self.counts == 0:  # it was kept in the first round
            return 0
        payload = start + (self.data[start + 12] >> 4) * 4
        sequence = (octets.number(self.data, start + 4) + (at - payload)) & LOW32
        if self.data[start + 13] & SYN_FLAG:  # Fast Open, RFC 7413: its data come behind it
            sequence = (sequence + 1) & LOW32
        self._open_slot(self._key(), kind, sequence)
        if self.known.learns:
            self.heads[self.number - self.group] = 0  # it is not read yet
        self.streams.add(sequence, at, end, self.now_us)
        if self.in_datagram == 0 and self._look_back(self.streams.word(STREAM_FILLED)):
            self._look(self.streams.word(STREAM_FILLED), 0)
        return 0

    def _look_back(self, filled: int) -> int:
        """Add segments that overtook the one in which a head begins, as far as the batch has them.

        Return whether the head, `filled` so far, goes on. Packets of one stream look alike up to
        their sequence numbers, so that they are found without reading the layers below again.
        """
        place = self.ip.start - self.meta[self.number * 4 + 2]
        header = 20 if self.ip.version == 4 else 40
        if place < header:
            return 0
        number = self.number
        last = number - LOOK_BACK if number > LOOK_BACK else 0
        while number > last:
            number -= 1
            start = self.meta[number * 4 + 2] + place
            end = self.meta[number * 4 + 2] + self.meta[number * 4 + 3]
            if start + 20 > end or end > self.size or octets.number(self.data, start) != self.ports:
                continue
            if self._is_same_stream(start, header) == 0:
                continue
            size = octets.number(self.data, start - 20) & LOW16 if header == 20 else 0
            if header == 40:
                size = header + (octets.number(self.data, start - 36) >> 16)
            payload = start + (self.data[start + 12] >> 4) * 4
            if start - header + size < end:
                end = start - header + size
            if payload >= start + 20 and payload < end:
                self.streams.add(octets.number(self.data, start + 4), payload, end, self.now_us)
        return 1 if self.streams.word(STREAM_FILLED) > filled else 0

    def _is_same_stream(self, start: int, header: int) -> int:
        """Tell whether a plain IP header with this packet's addresses and TCP stands there."""
        if self.data[start - header] >> 4 != self.ip.version:
            return 0
        if header == 20 and (self.data[start - 20] & 15 != 5 or self.data[start - 11] != TCP):
            return 0
        if header == 40 and self.data[start - 34] != TCP:
            return 0
        at = start - (8 if header == 20 else 32)
        ours = self.ip.start - (start - at)
        while at < start:
            if self.data[at] != self.data[ours]:
                return 0
            at += 1
            ours += 1
        return 1

    def _open_slot(self, key: int, kind: int, sequence: int) -> None:
        """Open a head between the ends of this packet; the oldest makes room."""
        if self.streams.open(key, kind, sequence, self.now_us) == 0:
            self.streams.close()
            self.streams.open(key, kind, sequence, self.now_us)
        self.streams.note(
            self.ip.version | (self.ip.protocol << 8),
            self.ip.source_high,
            self.ip.source_low,
            self.ip.destination_high,
            self.ip.destination_low,
            self.ports,
            self.link.vlans,
            self.tunnel,
        )

    def _look(self, filled: int, last: int) -> int:
        """Look at the head in the current slot; with `last` nothing more will come.

        A head is not there any more in the second round, so it is looked up at once.
        """
        asking = self.sets.asking
        self.sets.asking = 0
        kind = self.streams.word(STREAM_KIND)
        at = self.streams.slot * SLOT_BYTES
        end = at + filled
        seen = at
        self._read_streams()
        if kind == HEAD_HTTP and filled >= 4:
            kind = self._kind_of_text(self.dns.word(at))
        if kind == HEAD_HTTP:
            seen = self._requests(at, end, last)
        elif kind == HEAD_DNS:
            seen = self._messages_in(at, end)
        elif kind == HEAD_HTTP2:
            seen = self._http2(at, end, last)
        elif kind == HEAD_CARRIER:
            if self._carried_whole(at, end):
                seen = end
        elif kind == HEAD_SERVER:
            if self._server(at, end):
                seen = end
        elif self._client(at, end, 1 if kind == HEAD_NAMED_TLS else 0, last):
            seen = end
        self._read_packets()
        self.sets.asking = asking
        if last or seen >= end:
            self.streams.close()
        elif seen > at:
            self.streams.consume(seen - at)
        return 0

    def _kind_of_text(self, word: int) -> int:
        """Return what a head is that began with letters, now that four of them are there."""
        kind = HEAD_HTTP
        if word == PREFACE:
            kind = HEAD_HTTP2
        elif word == OPEN or word == ADAT:
            kind = HEAD_CARRIER
        return kind

    def _end_idle(self, before_us: int) -> None:
        """Look at heads and datagrams that wait in vain, as far as they came; let go of them."""
        slot = 0
        while self.streams.idle(slot, before_us):
            slot = self.streams.slot + 1
            self.ip.protocol = self.streams.word(STREAM_VERSION) >> 8
            self.ip.version = self.streams.word(STREAM_VERSION) & 255
            self.ip.source_high = self.streams.word(STREAM_VERSION + 1)
            self.ip.source_low = self.streams.word(STREAM_VERSION + 2)
            self.ip.destination_high = self.streams.word(STREAM_VERSION + 3)
            self.ip.destination_low = self.streams.word(STREAM_VERSION + 4)
            self.ports = self.streams.word(STREAM_VERSION + 5)
            self.link.vlans = self.streams.word(STREAM_VERSION + 6)
            self.tunnel = self.streams.recall()
            self.tunnels.restore()
            self._look(self.streams.word(STREAM_FILLED), 1)
        slot = 0
        now_us = self.now_us
        while self.fragments.idle(slot, before_us):
            slot = self.fragments.slot + 1
            self.now_us = self.fragments.word(FRAGMENT_LAST)  # it counts now, and is dated then
            self.counters[S_INCOMPLETE] += 1
            self._put_together(0)
        self.now_us = now_us

    def _read(self, data: memoryview) -> None:
        """Let all layers read packets that lie in `data`."""
        self.data = data
        self.link.read(data)
        self.ip.data = data
        self.tunnels.data = data
        self.fragments.data = data
        self._read_packets()

    def _read_packets(self) -> None:
        """Let the parsers read what packets lie in."""
        self.in_stream = 0
        self.dns.data = self.data
        self.http.data = self.data
        self.tls.data = self.data
        self.carriers.data = self.data
        self.sightings.data = self.data
        self.streams.data = self.data

    def _read_streams(self) -> None:
        """Let the parsers read heads that were put together."""
        self.in_stream = 1
        self.dns.data = self.streams.readable
        self.http.data = self.streams.readable
        self.tls.data = self.streams.readable
        self.http2.data = self.streams.readable
        self.carriers.data = self.streams.readable
        self.sightings.data = self.streams.readable

    def _read_joined(self) -> None:
        """Let the parsers read the flight whose records were joined."""
        self.tls.data = self.tls.readable
        self.sightings.data = self.tls.readable

    def _read_written(self) -> None:
        """Let the parsers read what was written out of a carrier."""
        self.http.data = self.carriers.readable
        self.tls.data = self.carriers.readable
        self.sightings.data = self.carriers.readable

    def _read_on(self) -> None:
        """Let the parsers read again what they read before what was joined or written."""
        if self.in_stream:
            self._read_streams()
        else:
            self._read_packets()

    def _udp(self, start: int, end: int) -> int:
        if start + 8 > end:
            self.counters[S_TRUNCATED] += self.counts
            return 0
        self.counters[S_UDP] += self.counts
        self.ports = self._ports(start)
        if self.counts:
            self.attempts.expect_datagram(self.ports)
        if self.ports >> 16 == DNS_PORT or self.ports & 0xFFFF == DNS_PORT:
            if self._dns(start + 8, end) == 0:
                self._addresses(DATAGRAM)
            return self._followed()
        if (
            start + 8 + MIN_INITIAL <= end
            and (self.data[start + 8] & 0xC0 == 0xC0 or self.data[start + 17] == 81)
            and self._initial(start + 8, end)
        ):
            pass
        elif self.dns.is_likely(start + 8, end):
            self._dns(start + 8, end)
        else:
            self._carried_datagram(start + 8, end)
        self._addresses(DATAGRAM)
        kind = self.tunnels.of_datagram(self.ports, start + 8, end)
        if kind == 0:
            return self._followed()
        return self._inside(kind, start + 8, end)

    def _followed(self) -> int:
        """Follow who asks whom, once the datagram was looked at."""
        if self.counts:
            self.attempts.datagram(self.now_us, self.second, self.ports)
        return 0

    def _initial(self, payload: int, end: int) -> int:
        """Show a QUIC long header that may carry a hello: rule T-15; return 0 where it is none."""
        google = self.data[payload + 9] == 81 and self.data[payload + 10] == 48  # Q0
        if google == 0:
            size = self.data[payload + QUIC_ID_AT]
            version = octets.number(self.data, payload + 1)
            if size < 8 or size > 20 or self.data[payload] & 0xC0 != 0xC0:
                return 0
            if version != 1 and self._is_rare_version(version) == 0:
                return 0
        self.counters[S_INITIALS] += self.counts
        return self._show_initial(payload, end)

    def _show_initial(self, payload: int, end: int) -> int:
        """Show what may carry a hello that only a slower look can read; return 1."""
        # The packet number's protection differs in every packet, so that only copies are equal.
        h = self.keyed.begin(STREAM_SALT)
        i = payload
        stop = payload + QUIC_SAMPLE if payload + QUIC_SAMPLE < end else end
        while i < stop:
            h = self.keyed.mix(h, self.data[i])
            i += 1
        self._sight(INITIAL, self.keyed.finish(h), MAY_INITIAL, payload, end)
        return 1

    def _is_rare_version(self, version: int) -> int:
        """Tell whether a QUIC version is 2, a draft or a fork that agent.quic knows."""
        if version == QUIC_2 or version == QUIC_2_DRAFT or version >> 8 == QUIC_DRAFTS:
            return 1
        return 1 if version == QUIC_FORK or version == QUIC_FORK + 1 else 0

    def _other(self, protocol: int, start: int, end: int) -> int:
        self.ports = 0
        if protocol == ICMP or protocol == ICMP6:
            self.counters[S_ICMP] += self.counts
            if start >= end:
                return 0
            if self.counts:
                self.attempts.echo(self.data[start], self.now_us, self.second)
            wanted = ECHO_REQUEST if protocol == ICMP else ECHO_REQUEST6
            if self.data[start] != wanted:
                return 0
            self._ping(start, end)
            return self._addresses(OTHER)
        if protocol == AUTHENTICATION and self.ip.authenticated():
            return self._transport()
        self.counters[S_OTHER] += self.counts
        self._addresses(OTHER)
        if protocol == SCTP:
            return self._sctp(start, end)
        kind = self.tunnels.of_protocol(protocol)
        if kind == 0:
            return self.unread.note(UNREAD_PROTOCOL, protocol)
        return self._inside(kind, start, end)

    def _sctp(self, start: int, end: int) -> int:
        """Look at what the data chunks of a packet begin with: RFC 9260 section 3."""
        if start + 12 > end:
            self.counters[S_TRUNCATED] += self.counts
            return 0
        self.counters[S_SCTP] += self.counts
        self.ports = self._ports(start)
        at = start + 12
        count = 0
        while at + 16 < end and count < MAX_CHUNKS:
            size = (self.data[at + 2] << 8) | self.data[at + 3]
            kind = self.data[at]
            payload = at + (20 if kind == I_DATA_CHUNK else 16)
            stop = at + size if at + size < end else end
            if (kind == DATA_CHUNK or kind == I_DATA_CHUNK) and payload < stop:
                self._message(payload, stop)
            if size < 4:
                return 0
            at += (size + 3) & 0x1FFFC
            count += 1
        return 0

    def _message(self, payload: int, end: int) -> None:
        """Look at a message that nothing continues."""
        c = self.data[payload]
        if c == 22:
            self._client(payload, end, 0, 1)
        elif 65 <= c <= 90:
            self._requests(payload, end, 1)

    def _inside(self, kind: int, start: int, end: int) -> int:
        """Look at what a tunnel carries; a packet that is none has kind 0."""
        if kind == 0:
            return 0
        self.link.media.next = 0
        at = self.tunnels.open(kind, start, end)
        if at < 0 and self.link.media.next == 0:
            return 0
        self.counters[S_TUNNELS] += self.counts
        path = self.tunnels.path
        self.tunnel = self.keyed.numbers(TUNNEL_SALT, path[0] & LOW32, path[1], path[2])
        return self._parts(at, end) if self.link.media.next else self._network(at, end)

    def _ports(self, start: int) -> int:
        """Return source port << 16 | destination port."""
        return octets.number(self.data, start)

    def _listed(self, with_ports: int) -> int:
        """Tell which ends are listed, bare, with their ports, or by network: `Sighting.ends`.

        While asking, whether one may be.
        """
        if self.sets.asking and self.ip.version == 4:
            return self.sets.ask4(self.ip.source_low, self.ip.destination_low)
        source = self.ports >> 16 if with_ports else -1
        destination = self.ports & 0xFFFF if with_ports else -1
        if self.ip.version == 4:
            ends = self._listed4(self.ip.source_low, source)
            return ends | self._listed4(self.ip.destination_low, destination) << 1
        ends = self.sets.address6(self.ip.source_high, self.ip.source_low, source)
        return (
            ends
            | self.sets.address6(self.ip.destination_high, self.ip.destination_low, destination)
            << 1
        )

    def _listed4(self, address: int, port: int) -> int:
        """Do as `Sets.address4`, remembering what is listed: what goes there goes there often."""
        if self._is_found(address, port):
            return 1
        if self.sets.address4(address, port) == 0:
            return 0
        self._remember(address, port)
        return 1

    @cython.boundscheck(False)
    def _is_found(self, address: int, port: int) -> int:
        """Tell whether an address is known to be listed; set `sets.row` then.

        Two words a place, `found_rows`: what was asked, and the row that was found.
        """
        asked = FOUND_MARK | (address << 17) | (port + 1)
        place = 2 * ((((asked * PRIME) & WORD_MASK) >> 32) & (FOUND_PLACES - 1))
        if self.found_rows[place] != asked:
            return 0
        self.sets.row = self.found_rows[place + 1]
        return 1

    @cython.boundscheck(False)
    def _remember(self, address: int, port: int) -> None:
        """Let `_is_found` know what `sets.row` lists."""
        asked = FOUND_MARK | (address << 17) | (port + 1)
        place = 2 * ((((asked * PRIME) & WORD_MASK) >> 32) & (FOUND_PLACES - 1))
        self.found_rows[place] = asked
        self.found_rows[place + 1] = self.sets.row
        self.has_found = 1

    def _addresses(self, what: int) -> int:
        """Look up the addresses of a packet, in the first round only where they are known."""
        if self.sets.asking:
            if self.has_found and self._is_known_listed(what):
                return self._sight_early(what)
            return self._sight_addresses(what)
        if self.counts == 0 and self.tunnels.depth == 0 and self._was_early():
            return 0
        return self._sight_addresses(what)

    def _is_known_listed(self, what: int) -> int:
        """Tell whether an end of this packet, which no tunnel carries, is known to be listed."""
        if self.ip.version != 4 or self.tunnels.depth:
            return 0
        source = -1 if what == OTHER else self.ports >> 16
        destination = -1 if what == OTHER else self.ports & 0xFFFF
        if self._is_found(self.ip.destination_low, destination):
            return 1
        return self._is_found(self.ip.source_low, source)

    def _sight_early(self, what: int) -> int:
        """Sight a packet in the first round, which spares it the second.

        Sightings are made in the order of packets, so no packet of the group may wait before it.
        """
        if self.sets.asked or self.sets.wanted or self.known.learns:
            self.sets.want()
            return 0
        self.early |= ONE << self.sets.packet
        self.sets.asking = 0
        self._sight_addresses(what)
        self.sets.asking = 1
        return 0

    def _was_early(self) -> int:
        """Tell whether the addresses of this packet were sighted in the first round."""
        return (self.early >> (self.answered - self.group)) & 1

    def _sight_addresses(self, what: int) -> int:
        """Sight a packet whose addresses are listed: rules T-10a, T-11 and T-12."""
        ends = self._listed(0 if what == OTHER else 1)
        if ends == 0:
            return 0
        # The service's port tells repeats apart, the client's changes with every attempt.
        service = self.ports & 0xFFFF
        if what == DATAGRAM and self.ports >> 16 < service:
            service = self.ports >> 16
        if what == ACCEPT or what == REFUSE:
            service = self.ports >> 16
        if self._sight(what, service, LISTED, self.ip.start, self.ip.start):
            self.sightings.mark_ends(ends)
        return 0

    def _sight(self, what: int, value: int, kind: int, start: int, end: int) -> int:
        """Count a sighting of `value` between these addresses; return 1 for a new record.

        `kind` is LISTED or what kind of candidate it is. In the first round it is only known that
        there may be one.
        """
        if self.sets.asking:
            self.sets.want()
            return 0
        if self.known.learns:
            self.known.forget(self._flow())
        h = self.keyed.numbers(
            what + SIGHTING_SALT, self.ip.source_high, self.ip.source_low, self.ip.protocol
        )
        value ^= self.tunnel
        h = self.keyed.numbers(h, self.ip.destination_high, self.ip.destination_low, value)
        if self.drops_copies and self._is_copy(h, start):
            return 0
        fold = 0
        if self.sightings.folds(kind):
            fold = self.keyed.numbers(what + FOLD_SALT, self.sets.row, 0, 1)
        if self.sightings.add(h, fold, kind, self.now_us, start, end) == 0:
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

    def _is_copy(self, h: int, start: int) -> int:
        """Tell whether this sighting, `h`, was made a moment ago of a copy of this packet."""
        if self.in_stream:
            place = self.streams.word(STREAM_SEQUENCE) + start - self.streams.slot * SLOT_BYTES
            d = self.keyed.numbers(h, place & LOW32, self.ports, 1)
            return self._note(d)
        end = self.ip.start + COPIED if self.ip.start + COPIED < self.ip.end else self.ip.end
        # Of what is sighted twice in a packet, the places differ.
        d = self._digest(h ^ ((start - self.ip.start) & LOW32), self.ip.start, end)
        return self._note(d)

    def _note(self, digest: int) -> int:
        """Remember a sighting; return 1 where it is one of a copy."""
        found = self.duplicates.note(digest, self.now_us)
        if found == COPY:
            self.counters[S_DUPLICATES] += 1
            return 1
        if found == DISPLACING:
            self.counters[S_FORGOTTEN] += 1
        return 0

    def _digest(self, h: int, start: int, end: int) -> int:
        """Return a hash of `h` and data[start:end], eight bytes at a time.

        A product carries a difference upwards only, so that each is folded down again. Who makes
        two packets with one hash gains what sending one packet twice would gain.
        """
        d = self.keyed.begin(h)
        while start + WORD <= end:
            d = ((d ^ octets.word(self.data, start)) * PRIME) & WORD_MASK
            d ^= d >> 32
            start += WORD
        while start < end:
            d = ((d ^ self.data[start]) * PRIME) & WORD_MASK
            start += 1
        return self.keyed.finish(d)

    def _dns(self, message: int, end: int) -> int:
        """Look up what a message names, and a query's resolver: rules T-5 and T-8.

        Return 0 where it is none.
        """
        if self.dns.read(message, end) == 0:
            if self.dns.is_nameless(message, end) == 0:
                self.counters[S_DNS_MALFORMED] += self.counts
            elif self.dns.response:
                self.counters[S_RESPONSES] += self.counts
            else:
                self.counters[S_QUERIES] += self.counts
            return 0
        length = self.dns.length
        self.sets.expect_name(self.dns.key)
        self.sets.candidate = 0
        what = QUESTION
        if self.dns.response:
            what = ANSWER
            self.counters[S_RESPONSES] += self.counts
            exact = self._answers(message, end)
        else:
            self.counters[S_QUERIES] += self.counts
            exact = self._listed(1)
            if self.dns.opcode == UPDATE:
                exact |= self._owners(message, end)
        candidate = self.sets.candidate
        row = self.sets.row
        named = self.sets.name(self.dns.key, 0, length)
        if exact:  # a record is told rather than the name
            self.sets.row = row
        exact |= named
        token = self.sets.name_hash | WATCHED
        if self.sets.candidate and self._is_harmless(token):
            self.sets.candidate = 0
        candidate |= self.sets.candidate
        if self.gates.names:
            self._watch_name(message, end)
        if self.count_questions and self.dns.response == 0:
            self._count_question(message, end)
        elif self.absent_level and self.dns.response and self._byte(message + 3) & 15 == NAME_ERROR:
            self._count_absent(message, end)
        if exact == 0 and candidate == 0:
            return 1
        value = self.sets.published.hash_text(0, 0, length)
        if self._sight(what, value, LISTED if exact else MAY_PATTERN, message, end) and exact == 0:
            self.sightings.mark(token)
        return 1

    def _watch_name(self, message: int, end: int) -> int:
        """Show a question with a long first label, and a name that does not exist."""
        if self.dns.response == 0:
            if self._is_long(self.dns.length):
                self._show_long(self.dns.length, message, end)
            return 0
        if self.gates.absent_label == 0 or self._byte(message + 3) & 15 != NAME_ERROR:
            return 0
        if self._registered_label() < self.gates.absent_label:
            return 0
        token = self.sets.published.hash_text(ABSENT, 0, self.dns.length) | WATCHED
        self._show(ABSENT, token, MAY_NAME, message, end)
        return 0

    def _is_long(self, end: int) -> int:
        """Tell whether the first label of the name text[:end] is longer than it should be."""
        limit = self.gates.long_label
        if limit == 0 or end <= limit:
            return 0
        i = 0
        while i <= limit:
            if self.sets.text[i] == DOT:
                return 0
            i += 1
        return 1

    def _show_long(self, size: int, start: int, end: int) -> int:
        """Show a request or hello for the name text[:size], whose first label is long."""
        token = self.sets.published.hash_text(LONG, 0, size) | WATCHED
        return self._show(LONG, token, MAY_NAME, start, end)

    def _count_question(self, message: int, end: int) -> int:
        """Count names below one domain: those all clients ask for, long ones of one client.

        Names of few characters in front, such as www, are of no use to either.
        """
        self._registered_label()
        front = self.domain_at - 1 if self.domain_at else 0
        if front < MIN_FRONT or self.counts == 0:
            return 0
        if self.exhausting_level and self.sets.name_hash & (SAMPLE - 1) == 0:
            key = self.keyed.numbers(EXHAUSTING, 0, self.domain_hash, 0)
            self._count(
                EXHAUSTING,
                key,
                self.sets.name_hash >> SAMPLE_BITS,
                self.exhausting_level,
                front,
                0,
                MINUTE,
                message,
                end,
            )
        if self.tunnel_level and front >= MIN_TUNNEL:
            kind = (self._byte(self.dns.type_at) << 8) | self._byte(self.dns.type_at + 1)
            mark = 1 if kind == NULL_TYPE or kind == TXT_TYPE or kind == PRIVATE_TYPE else 0
            key = self.keyed.numbers(
                TUNNELLING, self.ip.source_high, self.ip.source_low, self.domain_hash
            )
            self._count(
                TUNNELLING,
                key,
                self.sets.name_hash,
                self.tunnel_level,
                front,
                mark,
                MINUTE,
                message,
                end,
            )
        return 0

    def _count_absent(self, message: int, end: int) -> int:
        """Count names below one domain that do not exist, for one client.

        Hosts try names of elsewhere below the site's own domain (a search list); the label in
        front of the domain then is a top-level one.
        """
        self._registered_label()
        if self.domain_at == 0 or self.counts == 0:
            return 0
        front = self.domain_at - 1
        i = front
        while i > 0 and self.sets.text[i - 1] != DOT:
            i -= 1
        if i > 0 and front - i <= SHORT_LABEL:
            return 0
        key = self.keyed.numbers(
            FLOODING, self.ip.destination_high, self.ip.destination_low, self.domain_hash
        )
        return self._count(
            FLOODING, key, self.sets.name_hash, self.absent_level, front, 0, HOUR, message, end
        )

    def _count(
        self,
        what: int,
        key: int,
        item: int,
        level: int,
        amount: int,
        mark: int,
        window: int,
        start: int,
        end: int,
    ) -> int:
        """Count a thing of a key; show what is over the level."""
        bits = self.sketches.note(key, item, amount, mark, self.second, window)
        if bits < level:
            return 0
        # What counts in the first round is not counted in the second, so it is shown at once.
        asking = self.sets.asking
        self.sets.asking = 0
        if self._sight(what, key, MAY_NAME, start, end):
            self.sightings.mark(key)
        self.sets.asking = asking
        return 0

    def _ping(self, start: int, end: int) -> int:
        """Count echo requests that carry other data than before, between two hosts.

        Behind the times and counters that programs put in front the data of ping is always alike.
        """
        if self.counts == 0 or self.ping_level == 0 or end < start + PING_DATA + MIN_PING:
            return 0
        h = self.keyed.begin(PINGING)
        i = start + PING_DATA
        stop = i + MAX_PING if i + MAX_PING < end else end
        while i < stop:
            h = self.keyed.mix(h, self.data[i])
            i += 1
        item = self.keyed.finish(h)
        key = self.keyed.numbers(PINGING, self.ip.source_high, self.ip.source_low, 0)
        key = self.keyed.numbers(key, self.ip.destination_high, self.ip.destination_low, 0)
        return self._count(
            PINGING, key, item, self.ping_level, end - start, 0, MINUTE, start, start + PING_DATA
        )

    def _byte(self, at: int) -> int:
        """Return a byte of what the parsers read."""
        return self.dns.data[at]

    def _registered_label(self) -> int:
        """Return the length of the label that somebody registered: `example` in example.co.uk.

        `domain_at` then is where the domain begins, and `domain_hash` its hash; 0 for the whole
        name. Of the name that was looked up last.
        """
        self.domain_at = 0
        dots = self.sets.dots
        if dots == 0:
            return 0
        stop = self.sets.suffix_at[0] - 1
        if dots == 1:
            return stop
        if stop - self.sets.suffix_at[1] > SHORT_LABEL:
            return self._begin_domain(1, stop)
        stop = self.sets.suffix_at[1] - 1
        return stop if dots == 2 else self._begin_domain(2, stop)

    def _begin_domain(self, place: int, stop: int) -> int:
        self.domain_at = self.sets.suffix_at[place]
        self.domain_hash = self.sets.suffix_hash[place]
        return stop - self.domain_at

    def _show(self, what: int, token: int, kind: int, start: int, end: int) -> int:
        """Show a candidate unless it was found harmless before; return 1 for a new record."""
        if self._is_harmless(token) or self._sight(what, token, kind, start, end) == 0:
            return 0
        self.sightings.mark(token)
        return 1

    def _is_harmless(self, token: int) -> int:
        """Tell whether a candidate was found harmless before."""
        return 1 if self.clean[(token & (CLEAN - 1)) + (token >> 63) * CLEAN] == token else 0

    def _answers(self, message: int, end: int) -> int:
        """Tell whether an answer is listed: an address, or a name that the question leads to."""
        found = 0
        self.dns.begin_answers(message)
        kind = self.dns.next_answer(message, end)
        while kind != 0:
            at = self.dns.value_at
            if kind == 1:
                found |= self.sets.address4(self.dns.word(at), -1)
            elif kind == 2:
                high = self.dns.word(at)
                high = (high << 32) | self.dns.word(at + 4)
                low = self.dns.word(at + 8)
                low = (low << 32) | self.dns.word(at + 12)
                found |= self.sets.address6(high, low, -1)
            elif kind == 3:
                found |= self.sets.domain(DNS_ANSWER_AT, DNS_ANSWER_AT + self.dns.alias)
            kind = self.dns.next_answer(message, end)
        return found

    def _owners(self, message: int, end: int) -> int:
        """Tell whether a name that an update is about is listed, RFC 2136 section 3."""
        found = 0
        candidate = 0
        self.dns.begin_records(message)
        while self.dns.next_owner(message, end):
            if self.dns.alias:
                found |= self.sets.domain(DNS_ANSWER_AT, DNS_ANSWER_AT + self.dns.alias)
                candidate |= self.sets.candidate
        self.sets.candidate = candidate
        return found

    def _messages(self, start: int, payload: int, end: int) -> int:
        """Look at DNS over TCP: messages behind their lengths, RFC 7766 section 8."""
        at = self._messages_in(payload, end)
        if at < end:
            self._open_head(HEAD_DNS, start, at, end)
        return 0

    def _messages_in(self, at: int, end: int) -> int:
        """Look at all messages that are whole; return where the first other one begins."""
        while at + 2 <= end:
            size = (self.dns.data[at] << 8) | self.dns.data[at + 1]
            if at + 2 + size > end:
                return at
            self.counters[S_DNS_TCP] += self.counts
            self._dns(at + 2, at + 2 + size)
            at += 2 + size
        return at

    def _text(self, start: int, payload: int, end: int) -> int:
        """Look at HTTP requests; keep what this segment does not end."""
        at = payload + CACHE_LINE  # what is before was asked for already
        while at < end and at < payload + MAX_TOUCHED:
            prefetch.byte(self.data, at)
            at += CACHE_LINE
        if payload + 4 <= end:
            word = octets.number(self.data, payload)
            if word == PREFACE:
                self.counters[S_HTTP2] += self.counts
                self._open_head(HEAD_HTTP2, start, payload, end)
                return self._look_at_new()
            if word == OPEN or word == ADAT or word == PROXY:
                return self._carried(start, payload, end)
        at = self._requests(payload, end, 0)
        if at < end:
            self._open_head(HEAD_HTTP, start, at, end)
        return 0

    def _requests(self, at: int, end: int, last: int) -> int:
        """Look at all requests that are whole; return where the first other one begins.

        With `last` one that is not whole is looked at as far as it goes.
        """
        while at < end:
            if self.http.read(at, end) == 0:
                if (self.gates.responses or self.count_paths) and self._is_response(at, end):
                    return end
                return at if last == 0 and self.http.may_begin(at, end) else end
            if self.http.missing and last == 0 and self.http.has_what_counts() == 0:
                return at
            self._http(at, self.http.body_end)
            if self.http.missing:
                return end
            at = self.http.body_end
        return end

    def _is_response(self, at: int, end: int) -> int:
        """Tell whether a response begins here; show one that behaviours may want: rule H-12."""
        if at + 5 > end or self.http.data[at] != 72 or self.http.data[at + 4] != 47:  # H, /
            return 0
        if self.count_paths and self.counts and at + 12 < end:
            self._note_status(self.http.data[at + 9])
        if self.gates.responses and self.gates.is_wanted_response(self.http.data, at, end):
            self._sight(RESPONSE, self.ports, MAY_RESPONSE, at, end)
        return 1

    def _exchange(self) -> int:
        """Return the hash of a connection, the same for both directions."""
        return self.keyed.numbers(
            WATCHED_REQUEST,
            self.ip.source_high ^ self.ip.destination_high,
            self.ip.source_low ^ self.ip.destination_low,
            (self.ports >> 16) ^ (self.ports & LOW16),
        )

    def _note_path(self) -> int:
        """Count the first segment of a path, without a query, until it is found: rule H-6."""
        if self.http.path_size == 0 or self.sets.text[HTTP_PATH_AT] != 47:
            return 0
        item = self.sets.first_segment(HTTP_PATH_AT, HTTP_PATH_AT + self.http.path_size) & LOW32
        h = self._exchange()
        self.asked[h & (ASKED - 1)] = ((h >> 32) << 32) | item
        return self.attempts.path(self.now_us, self.second, self.ports, item)

    def _note_status(self, c: int) -> int:
        """Note that what was asked for last was found: a status of 2xx or 3xx."""
        if c != 50 and c != 51:
            return 0
        h = self._exchange()
        word = self.asked[h & (ASKED - 1)]
        if word >> 32 != h >> 32:
            return 0
        return self.attempts.found(self.now_us, self.second, self.ports, word & LOW32)

    def _watch_request(self, payload: int, end: int) -> int:
        """Show a request whose User-Agent is new, and one that a gate lets pass."""
        if self.gates.agents and self.http.agent_end > self.http.agent_at:
            token = self.keyed.finish(self.http.agent_hash) & UNWATCHED
            if self._show(WATCHED_AGENT, token, MAY_WATCHED_AGENT, payload, end):
                self._slices(payload, end)
        if self.gates.requests == 0 or self._may_matter(end) == 0:
            return 0
        h = self.keyed.begin(WATCHED_REQUEST)
        h = self._mix(h, self.http.target_at, self.http.target_end)
        h = self._mix(h, self.http.host_at, self.http.host_end)
        h = self._mix(h, self.http.body_at, self.http.body_end)
        h = self.keyed.numbers(
            h, self.ip.destination_high, self.ip.destination_low, self.ports & LOW16
        )
        if self._show(WATCHED_REQUEST, h | WATCHED, MAY_REQUEST, payload, end):
            self._slices(payload, end)
        return 0

    def _mix(self, h: int, at: int, end: int) -> int:
        h = self.keyed.mix(h, end - at)
        while at < end:
            h = self.keyed.mix(h, self.http.data[at])
            at += 1
        return h

    def _may_matter(self, end: int) -> int:
        """Tell whether a gate lets the request that was read pass."""
        path = HTTP_PATH_AT + self.http.path_size
        if self.gates.texts:
            if (
                self.http.spelling or self.sets.may_matter(HTTP_PATH_AT, path)
            ) and self.gates.may_matter(
                self.http.data, self.http.target_at, self.http.target_end, self.http.spelling
            ):
                return 1
            if self.http.body_end > self.http.body_at and self.gates.may_matter(
                self.http.data, self.http.body_at, self.http.body_end, DECODE
            ):
                return 1
        question = self.http.question
        if self.gates.files and self.gates.has_extension(
            self.sets.readable, HTTP_PATH_AT, question
        ):
            return 1
        if self.gates.by_address and question == path and self._is_host_numeric():
            return 1
        c = self.http.data[self.http.target_at]
        if self.gates.to_proxy and c != 47 and c != 42 and self.ports & LOW16 == HTTP_PORT:
            return 1
        if (
            self.gates.without_host
            and self.http.host_end == 0
            and self.http.missing == 0
            and c == 47
        ):
            return (
                1
                if self.http.target_end + 9 <= end
                and self.http.data[self.http.target_end + 8] == 49
                else 0
            )
        return 0

    def _is_host_numeric(self) -> int:
        """Tell whether the host that was written is an address."""
        size = self.http.name_size
        if size and self.sets.text[HTTP_HOST_AT] == 91:
            return 1
        i = 0
        while i < size:
            c = self.sets.text[HTTP_HOST_AT + i]
            if c != DOT and not (48 <= c <= 57):
                return 0
            i += 1
        return 1 if size else 0

    def _slices(self, payload: int, end: int) -> None:
        """Note where the parts of a request lie in what is kept of it."""
        self.http.find_agent(end)
        self.sightings.slice(METHOD_FIELD, payload, self.http.method_end)
        self.sightings.slice(TARGET_FIELD, self.http.target_at, self.http.target_end)
        self.sightings.slice(HOST_FIELD, self.http.host_at, self.http.host_end)
        self.sightings.slice(AGENT_FIELD, self.http.agent_at, self.http.agent_end)
        self.sightings.slice(BODY_FIELD, self.http.body_at, self.http.body_end)

    def _http(self, payload: int, end: int) -> int:
        """Look up host, address, agent and URL candidates of a request: rule T-13."""
        self.http.write_host()
        late = self.sets.asking and self.http.is_name
        if late:  # what is known of the host comes from afar; it is waited for at the end
            self.sets.expect_host(
                self.http.host_key, HTTP_HOST_AT, HTTP_HOST_AT + self.http.host_size
            )
        self.http.look()
        self.counters[S_REQUESTS] += self.counts
        host = self.http.host_size
        exact = 0
        if self.http.is_name == 0:
            exact = self.sets.domain(HTTP_HOST_AT, HTTP_HOST_AT + self.http.name_size)
        elif late == 0:
            exact = self.sets.host(HTTP_HOST_AT, HTTP_HOST_AT + host)
        exact |= self._listed(0)
        if self._is_long(self.http.name_size) and self._show_long(
            self.http.name_size, payload, end
        ):
            self._slices(payload, end)
        c = self.sets.text[HTTP_HOST_AT]
        if 48 <= c <= 57 or c == 91:
            exact |= self._literal(HTTP_HOST_AT, HTTP_HOST_AT + self.http.name_size)
        if self.http.is_name == 0:
            if host == 0:
                host = self._write_destination()
            self.sets.begin_host(HTTP_HOST_AT, HTTP_HOST_AT + host)
        self.sets.begin_path(HTTP_PATH_AT)
        if self.count_paths and self.counts:
            self._note_path()
        if self.gates.agents or self.gates.requests:
            self._watch_request(payload, end)
        i = 0
        while i < self.http.count:
            exact |= self.sets.path(self.http.starts[i], self.http.ends[i])
            i += 1
        exact |= self.sets.root(HTTP_SLASH_AT)
        if self.http.spelling == DECODE:
            exact |= self._other_spellings()
        agent = 0
        if self.sets.agents and self.http.agent_end:
            agent = self._agent(HTTP_AGENT_AT + self.http.write_agent())
            exact |= self.agent_listed
        if late:
            self.sets.ask_host(self.http.host_key, HTTP_HOST_AT, HTTP_HOST_AT + host)
        if exact == 0 and self.sets.candidate == 0 and agent == 0:
            return 0
        value = self.sets.published.hash_text(1, 0, host)
        value ^= self.sets.published.hash_text(2, HTTP_PATH_AT, HTTP_PATH_AT + self.http.path_size)
        if exact:
            value ^= self.sets.row  # the same path with another body may be listed otherwise
        kind = MAY_PATTERN if self.sets.candidate else MAY_AGENT
        if self._sight(REQUEST, value ^ agent, LISTED if exact else kind, payload, end):
            self.sightings.mark(agent)
            self._slices(payload, end)
        return 0

    def _other_spellings(self) -> int:
        """Look the URL up as it is meant: decoded, and up to a blank."""
        found = self._paths() if self.http.decode() else 0
        if self.http.has_blanks and self.http.cut():
            found |= self._paths()
        return found

    def _paths(self) -> int:
        """Look the candidates up, behind the host and alone."""
        self.sets.begin_path(HTTP_PATH_AT)
        found = 0
        i = 0
        while i < self.http.count:
            found |= self.sets.path(self.http.starts[i], self.http.ends[i])
            i += 1
        return found | self.sets.root(HTTP_SLASH_AT)

    def _literal(self, start: int, end: int) -> int:
        """Tell whether a host is written as a listed address that this packet does not go to."""
        version = self.written.read(start, end)
        if version == 0:
            return 0
        high = self.written.high
        low = self.written.low
        if high == self.ip.destination_high and low == self.ip.destination_low:
            return 0
        return self.sets.address4(low, -1) if version == 4 else self.sets.address6(high, low, -1)

    def _agent(self, end: int) -> int:
        """Look the agent in the text up; return its token where it is or may be listed, else 0.

        `agent_listed` tells whether it is for certain. One found harmless is none any more.
        """
        self.agent_listed = self.sets.exact(USER_AGENT, HTTP_AGENT_AT, end)
        if self.agent_listed == 0 and self.sets.may_be_agent(HTTP_AGENT_AT, end) == 0:
            return 0
        token = (
            self.sets.published.hash_text(USER_AGENT, HTTP_AGENT_AT, end) & UNWATCHED
        ) | NOT_ZERO
        if self.agent_listed == 0 and self.clean[token & (CLEAN - 1)] == token:
            return 0
        return token

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

    def _handshake(self, start: int, payload: int, end: int) -> int:
        """Look at a segment that begins with a handshake record."""
        found = self.tls.head(payload, end)
        if found == 0:
            if self.sets.certificates:
                self._flight(start, payload, end)
            return 0
        if found == 2:
            return self._client(payload, end, 0, 1)
        if found == 3:
            return self._client(payload, end, 0, 0)
        # The name mostly stands in the first segment; the fingerprint needs the whole.
        named = self._hello(payload, end)
        if named and self.sets.fingerprints == 0:
            return 0
        return self._open_head(HEAD_NAMED_TLS if named else HEAD_TLS, start, payload, end)

    def _client(self, at: int, end: int, named: int, last: int) -> int:
        """Look at a hello that may be whole; return 1 where it was, or `last` says so."""
        found = self.tls.head(at, end)
        if found == 1 and last == 0:
            return 0
        if found == 3:
            self.tls.join(at, end)
            self._read_joined()
            at = 0
            end = self.tls.joined_end
        if named == 0:
            self._hello(at, end)
        if found != 1 and found != 0 and self.sets.fingerprints:
            self._fingerprint(at, end)
        if found == 3:
            self._read_on()
        return 1

    def _hello(self, payload: int, end: int) -> int:
        """Look up a hello's server name: rule T-14. Return 1 where it has one."""
        kind = self.tls.read(payload, end)
        if kind == 0:
            return 0
        self.counters[S_HELLOS] += self.counts
        if self.tls.encrypted:
            self.counters[S_ENCRYPTED] += self.counts
        if self.ports & 0xFFFF == DOT_PORT:
            self.counters[S_DOT] += self.counts
        length = self.tls.length
        if kind == 1 or length == 0:
            self.counters[S_NO_NAME] += self.counts
            return 0
        if self._is_resolver(length):
            self.counters[S_DOH] += self.counts
        if self.gates.hellos and (
            self.ports & LOW16 == self.gates.server_port
            or self.gates.is_server(self.sets.text, 0, length)
        ):
            value = self.sets.published.hash_text(0, 0, length)
            if self._sight(SERVER, value, MAY_NAME, payload, end):
                self.sightings.slice(NAME_FIELD, self.tls.name_at, self.tls.name_at + length)
        exact = self.sets.domain(0, length)
        token = self.sets.name_hash | WATCHED
        if 48 <= self.sets.text[0] <= 57:
            exact |= self._literal(0, length)
        if self._is_long(length) and self._show_long(length, payload, end):
            self.sightings.slice(NAME_FIELD, self.tls.name_at, self.tls.name_at + length)
        if exact == 0 and (self.sets.candidate == 0 or self._is_harmless(token)):
            return 1
        value = self.sets.published.hash_text(0, 0, length)
        if self._sight(HELLO, value, LISTED if exact else MAY_PATTERN, payload, end):
            if exact == 0:
                self.sightings.mark(token)
            self.sightings.slice(NAME_FIELD, self.tls.name_at, self.tls.name_at + length)
            self.sightings.slice(VERSION_FIELD, self.tls.version_at, self.tls.version_at + 2)
        return 1

    def _is_resolver(self, length: int) -> int:
        """Tell whether a server's name is that of a resolver: a label `dns`, `doh` or `...-dns`."""
        i = 0
        size = 0
        word = 0
        while i <= length:
            c = self.sets.text[i] if i < length else 46
            if c == 46:
                if size == 3 and (word == DNS_WORD or word == DOH_WORD):
                    return 1
                if size > 3 and word == MINUS_DNS_WORD:
                    return 1
                size = 0
                word = 0
            else:
                size += 1
                word = ((word << 8) | c) & LOW32
            i += 1
        return 0

    def _fingerprint(self, at: int, end: int) -> int:
        """Show a hello whose fingerprint was not found harmless before."""
        token = self.tls.fingerprint(self.keyed.begin(FINGERPRINT), at, end)
        token = (token & UNWATCHED) | NOT_ZERO
        if self.clean[token & (CLEAN - 1)] == token:
            return 0
        if self._sight(FINGERPRINT, token, MAY_FINGERPRINT, at, end):
            self.sightings.mark(token)
        return 0

    def _flight(self, start: int, payload: int, end: int) -> int:
        """Look at what a server begins with; keep it until its certificates are there."""
        found = self.tls.flight(payload, end)
        if found == 1:
            return self._open_head(HEAD_SERVER, start, payload, end)
        if found == 2:
            self._certificates()
        return 0

    def _server(self, at: int, end: int) -> int:
        """Look at a server's flight that may have its certificates now; return 1 where done."""
        found = self.tls.flight(at, end)
        if found == 1:
            return 0
        if found == 2:
            self._certificates()
        return 1

    def _certificates(self) -> int:
        """Show the certificates that were not found harmless before: rule T-16."""
        at = self.tls.certificate_at
        count = 0
        self._read_joined()
        while count < MAX_CERTIFICATES:
            stop = self.tls.next_certificate(at)
            if stop == 0:
                break
            self._certificate(at + 3, stop)
            at = stop
            count += 1
        self._read_on()
        return 0

    def _certificate(self, start: int, end: int) -> int:
        """Show a certificate of what sightings are taken from, unless it was found harmless."""
        self.counters[S_CERTIFICATES] += self.counts
        h = self.keyed.begin(CERTIFICATE)
        i = start
        while i < end:
            h = self.keyed.mix(h, self.sightings.data[i])
            i += 1
        token = (self.keyed.finish(h) & UNWATCHED) | NOT_ZERO
        if self.clean[token & (CLEAN - 1)] != token and self._sight(
            CERTIFICATE, token, MAY_CERTIFICATE, start, end
        ):
            self.sightings.mark(token)
        return 0

    def _http2(self, at: int, end: int, last: int) -> int:
        """Look at the requests that came since the last time; return `end` where none will come.

        With `last` one that is cut is looked at as far as it goes.
        """
        count = self.http2.count(at, end) + last
        seen = self.streams.word(STREAM_PART)
        if count == seen:
            return at
        self.streams.mark(count)
        self.http.data = self.http2.readable
        self.sightings.data = self.http2.readable
        self.http2.begin(at)
        i = 0
        while i < count:
            size = self.http2.next_request(end, last)
            if size and i >= seen:
                self._requests(0, size, 1)
            i += 1
        return end if count >= MAX_BLOCKS else at

    def _look_at_new(self) -> int:
        """Look at the head that this segment just opened."""
        if self.counts and self.streams.find(self._key()):
            self._look(self.streams.word(STREAM_FILLED), 0)
        return 0

    def _carried(self, start: int, payload: int, end: int) -> int:
        """Look at what a segment carries besides TLS, HTTP and DNS."""
        found = self.carriers.segment(payload, end)
        if found == CARRIES_TLS:
            return self._handshake(start, self.carriers.at, end)
        if found == CARRIES_CONTENT:
            at = self.carriers.at
            c = self.data[at]
            if c == 22:
                return self._handshake(start, at, end)
            return self._text(start, at, end) if 65 <= c <= 90 and c != 80 else 0
        if found == CARRIES_MORE:
            return self._open_head(HEAD_CARRIER, start, payload, end)
        if found == CARRIES_OPENVPN:
            return self._openvpn(payload + 2, self.carriers.end)
        if found == CARRIES_GOOGLE:
            return self._show_initial(payload, end)
        return self._tell_carried(found)

    def _carried_whole(self, at: int, end: int) -> int:
        """Look at a message that may be whole now; return 1 where it was or is none."""
        found = self.carriers.segment(at, end)
        if found == CARRIES_MORE:
            return 0
        self._tell_carried(found)
        return 1

    def _tell_carried(self, found: int) -> int:
        """Look at certificates that were found, or at what was written."""
        if found == CARRIES_CERTIFICATES and self.sets.certificates:
            i = 0
            while i < self.carriers.count:
                self._certificate(self.carriers.starts[i], self.carriers.ends[i])
                i += 1
        elif found == CARRIES_REQUEST:
            self._read_written()
            self._requests(0, self.carriers.written_end, 1)
            self._read_on()
        elif found == CARRIES_WRITTEN_TLS:
            self._read_written()
            if self.tls.data[5] == CLIENT_HELLO:
                self._client(0, self.carriers.written_end, 0, 1)
            elif self.sets.certificates:
                self._server(0, self.carriers.written_end)
            self._read_on()
        return 0

    def _carried_datagram(self, payload: int, end: int) -> int:
        """Look at what a datagram carries besides DNS and QUIC."""
        if payload + 14 > end:
            return 0
        c = self.data[payload]
        if c == 22 and self.carriers.begin_dtls(payload, end):
            return self._dtls(end)
        if c >> 3 == OPENVPN_BYTE >> 3 and self._openvpn(payload, end):
            return 0
        source = self.ports >> 16
        port = self.ports & LOW16
        if port == IKE_PORT or source == IKE_PORT or port == IKE_NAT_PORT or source == IKE_NAT_PORT:
            return self._tell_carried(self.carriers.ike(payload, end))
        return 0

    def _dtls(self, end: int) -> int:
        """Look at the name of a hello; put certificates together from their parts."""
        while self.carriers.next_message(end):
            if self.carriers.kind == CLIENT_HELLO:
                size = self.carriers.write_hello()
                if size:
                    self._read_written()
                    self._hello(0, size)
                    self._read_on()
            elif self.carriers.kind == CERTIFICATE_MESSAGE and self.sets.certificates:
                self._dtls_part()
        return 0

    def _dtls_part(self) -> int:
        """Add a part of a certificate message to its head, and look at it once it is whole."""
        if self.counts == 0 or self.carriers.length > MAX_CARRIED - DTLS_HEADER - 4:
            return 0
        self.stream_key = 0
        key = self.keyed.numbers(DTLS_SALT, self._key(), self.carriers.number, 0) | NOT_ZERO
        self.stream_key = 0
        if self.streams.find(key) == 0:
            self._open_slot(key, HEAD_SERVER, 0)
            self.streams.data = self.carriers.readable
            self.streams.add(0, 0, self.carriers.write_header(), self.now_us)
            self.streams.data = self.data
        filled = self.streams.add(
            DTLS_HEADER + self.carriers.offset, self.carriers.at, self.carriers.end, self.now_us
        )
        return self._look(filled, 0)

    def _openvpn(self, payload: int, end: int) -> int:
        """Put TLS of OpenVPN's control channel together; return 1 where it was a part of it."""
        if self.counts == 0:
            return 0
        self.stream_key = 0
        key = self.keyed.numbers(OPENVPN_SALT, self._key(), 0, 0) | NOT_ZERO
        self.stream_key = 0
        expected = 0
        if self.streams.find(key):
            expected = self.streams.word(STREAM_PART) + 1
        if self.carriers.openvpn(payload, end, expected) == 0:
            return 0
        if expected == 0:
            hello = self.data[self.carriers.at + 5] == CLIENT_HELLO
            self._open_slot(key, HEAD_TLS if hello else HEAD_SERVER, 0)
        self.streams.mark(self.carriers.part)
        filled = self.streams.word(STREAM_FILLED)
        filled = self.streams.add(filled, self.carriers.at, self.carriers.end, self.now_us)
        self._look(filled, 1 if filled >= SLOT_BYTES else 0)
        return 1
