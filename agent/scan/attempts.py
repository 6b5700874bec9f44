"""Who tries to reach whom, and who answers: what sweeps, floods and scans are found by.

How often a destination was tried decides what else is counted of an attempt, and the lines that
tell are hardly ever in a near cache. So what a packet says is noted first, and the lines it needs
are asked for; once its group of packets is over, all is taken in, in the order of packets.
"""

try:
    import cython
except ImportError:
    from agent.scan import nocython as cython  # type: ignore[no-redef]

from array import array

from agent.scan import rates, stats
from agent.scan.bank import Bank
from agent.scan.conversations import Conversations
from agent.scan.counters import Distinct
from agent.scan.hashing import Keyed
from agent.scan.ip import Ip
from agent.scan.rates import Rates

if not cython.compiled:  # else the same from the .pxd
    NOTED = 64
    """Observations that wait: one of each packet of a group, and of packets inside them."""

    # Words of an observation.
    WORDS = 12
    WHAT = 0  # the tables it is added to, and what else is done with it
    NOW_US = 1
    SECOND = 2
    SOURCE = 3  # two words each
    DESTINATION = 5
    PORTS = 7  # with version and protocol, as agent.scan.counters has it
    ITEM = 8  # in tables that are not of hosts
    RATE = 9  # hash, 0 for none
    KIND = 10  # of the rate | service << 8
    FIRST = 10  # hash in the table of items, once the rate is counted
    SECOND_KEY = 11  # in that of hosts

    PROBES = 1
    UDP_PORTS = 2
    PATHS = 4
    HOSTS = 8
    INFECTED = 16
    STARTS = 32
    ANSWERED = 64  # ends and ports are those of the attempt that was answered
    TAKEN_BACK = 128  # it does not count as one of a flood

    ICMP_REQUEST = 8  # RFC 792
    ICMP_REPLY = 0
    ICMP6_REQUEST = 128  # RFC 4443
    ICMP6_REPLY = 129
    LOOPBACK4 = 0x7F000001
    MULTICAST4 = 0xE0000000
    MULTICAST6 = 0xFF
    DNS_PORT = 53
    EPHEMERAL = 32768
    """From here on clients take their ports, whatever their system."""
    MAX_NOTED = 256
    """Attempts at one host in a second that are counted by source: enough to find any scan, too few
    for a flood from random sources to push others out of the tables."""
    PORTS_SIX = 1 << 32
    PORTS_TCP = 6 << 33  # the protocol, as agent.scan.counters has it
    PORTS_UDP = 17 << 33
    PORTS_ICMP = 1 << 33
    CONVERSATION_SALT = 4000
    LOW16 = 0xFFFF
    LOW32 = 0xFFFFFFFF
    BYTE = 0xFF
    SYN_RATE = rates.SYN_RATE
    UDP_RATE = rates.UDP_RATE
    ICMP_RATE = rates.ICMP_RATE
    REFLECTED_RATE = rates.REFLECTED_RATE
    OPENED = 1  # what agent.scan.conversations tells of a datagram
    WAITS = 2
    ANSWER_CAME = 3
    S_UNNOTED = stats.PROBES_UNNOTED
TABLES = {
    "probes": PROBES,
    "udp_ports": UDP_PORTS,
    "paths": PATHS,
    "hosts": HOSTS,
    "infected": INFECTED,
    "starts": STARTS,
}
"""The bits of `what` by the names of tables."""


class Attempts:
    """What `ip` has of a packet is noted; `ports` are source << 16 | destination.

    Addresses of 128 bits count by a hash under `keyed`.
    """

    def __init__(self, counters: memoryview, ip: Ip) -> None:
        self.counters = counters
        self.ip = ip
        self.keyed = Keyed(0)
        self.queue = memoryview(array("Q", bytes(8 * WORDS * NOTED)))
        self.waiting = 0  # words of it
        self.conversation = 0
        self.forward = 0

    def use(self, bank: Bank) -> None:
        """Count into this bank; the tables it lacks are counted nowhere."""
        idle = Distinct(0, 8, 1, 1, 1)
        self.probes = bank.tables.get("probes", idle)
        self.udp_ports = bank.tables.get("udp_ports", idle)
        self.paths = bank.tables.get("paths", idle)
        self.hosts = bank.tables.get("hosts", idle)
        self.infected = bank.tables.get("infected", idle)
        self.starts = bank.tables.get("starts", idle)
        self.tables = sum(bit for name, bit in TABLES.items() if name in bank.tables)
        self.count_rates = int(bank.rates is not None)
        self.counts = int(bool(bank.tables) or bank.rates is not None)
        self.follow_udp = int(bank.follow_udp)
        self.rates = bank.rates or Rates(0, {})
        self.conversations = Conversations()

    def has_hot(self) -> int:
        """Tell whether keys went over a level since the bank was asked last."""
        return (
            1
            if self.rates.hot_count
            or self.probes.hot_count
            or self.udp_ports.hot_count
            or self.hosts.hot_count
            or self.infected.hot_count
            or self.starts.hot_count
            or self.paths.hot_count
            else 0
        )

    def attempt(self, now_us: int, second: int, ports: int) -> int:
        """Note a connection attempt: rules H-2 and H-5, sweeps and floods."""
        if self.counts == 0 or self._is_loopback():
            return 0
        what = PROBES | HOSTS | STARTS
        if self._is_infection_port(ports & LOW16):
            what |= INFECTED
        kind = SYN_RATE if self.count_rates else 0
        return self._note(what, now_us, second, ports | PORTS_TCP, ports & LOW16, kind)

    def accepted(self, now_us: int, second: int, ports: int) -> int:
        """Note that an attempt was answered."""
        what = PROBES | HOSTS
        if self._is_infection_port(ports >> 16):
            what |= INFECTED
        return self._note_answer(what, now_us, second, ports | PORTS_TCP, ports >> 16)

    def probe(self, now_us: int, second: int, ports: int) -> int:
        """Note what is no attempt but asks for a port all the same: rule H-3."""
        if self.tables & PROBES == 0 or self._is_loopback():
            return 0
        return self._note(PROBES, now_us, second, ports | PORTS_TCP, ports & LOW16, 0)

    def maimon(self, now_us: int, second: int, ports: int) -> int:
        """Note what may be a Maimon probe.

        Connections end alike. What clients send so is no new port, as they tried it before; what
        services send goes to a port above their own, or to one from which clients ask.
        """
        source = ports >> 16
        if source < EPHEMERAL or source < ports & LOW16:
            return 0
        return self.probe(now_us, second, ports)

    def expect_datagram(self, ports: int) -> int:
        """Set which conversation `datagram` will look up, and from which end; ask for its line."""
        if self.follow_udp == 0:
            return 0
        source = ports >> 16
        port = ports & LOW16
        forward = 1
        if self.ip.source_high != self.ip.destination_high:
            forward = 1 if self.ip.source_high < self.ip.destination_high else 0
        elif self.ip.source_low != self.ip.destination_low:
            forward = 1 if self.ip.source_low < self.ip.destination_low else 0
        else:
            forward = 1 if source < port else 0
        ends = ports if forward else port << 16 | source
        if self.ip.version == 4:
            addresses = self.ip.source_low << 32 | self.ip.destination_low
            if forward == 0:
                addresses = self.ip.destination_low << 32 | self.ip.source_low
            h = self.keyed.numbers(CONVERSATION_SALT, 0, addresses, ends)
        elif forward:
            h = self.keyed.numbers(CONVERSATION_SALT, self.ip.source_high, self.ip.source_low, ends)
            h = self.keyed.numbers(h, self.ip.destination_high, self.ip.destination_low, 0)
        else:
            h = self.keyed.numbers(
                CONVERSATION_SALT, self.ip.destination_high, self.ip.destination_low, ends
            )
            h = self.keyed.numbers(h, self.ip.source_high, self.ip.source_low, 0)
        self.conversation = h
        self.forward = forward
        self.conversations.expect(h)
        return 0

    def datagram(self, now_us: int, second: int, ports: int) -> int:
        """Follow who asks whom over UDP: rule H-4, sweeps, floods, answers nobody asked for."""
        if self.follow_udp == 0 or self._is_multicast() or self._is_loopback():
            return 0
        state = self.conversations.see(self.conversation, second, self.forward)
        if state == ANSWER_CAME:
            return self._note_answer(
                UDP_PORTS | HOSTS | TAKEN_BACK, now_us, second, ports | PORTS_UDP, ports >> 16
            )
        if state != OPENED and state != WAITS:
            return 0
        source = ports >> 16
        port = ports & LOW16
        what = UDP_PORTS | HOSTS
        if state == WAITS or port == DNS_PORT or source == DNS_PORT:
            what = 0
        kind = self._kind(source) if self.count_rates else 0
        return self._note(what, now_us, second, ports | PORTS_UDP, port, kind)

    def echo(self, kind: int, now_us: int, second: int) -> int:
        """Note an ICMP message of this type: floods, and echo requests that go round."""
        if self.counts == 0 or self._is_loopback() or self._is_multicast():
            return 0
        if kind == ICMP_REPLY or kind == ICMP6_REPLY:
            self._note_answer(HOSTS, now_us, second, PORTS_ICMP, 0)
        what = HOSTS if kind == ICMP_REQUEST or kind == ICMP6_REQUEST else 0
        rate = ICMP_RATE if self.count_rates else 0
        return self._note(what, now_us, second, PORTS_ICMP, 0, rate)

    def path(self, now_us: int, second: int, ports: int, item: int) -> int:
        """Note what a request asks for: rule H-6."""
        return self._note(PATHS, now_us, second, ports | PORTS_TCP, item, 0)

    def found(self, now_us: int, second: int, ports: int, item: int) -> int:
        """Note that what was asked for is there; `ports` are those of the response."""
        return self._note_answer(PATHS, now_us, second, ports | PORTS_TCP, item)

    @cython.boundscheck(False)
    def take_in(self) -> int:
        """Take in what was noted, in order.

        How often a destination was tried decides what else is counted. All lines that this needs
        are asked for before the first of them is used.
        """
        at = 0
        while at < self.waiting:
            self._approach(at)
            at += WORDS
        at = 0
        while at < self.waiting:
            self._take(at)
            at += WORDS
        self.waiting = 0
        return 0

    @cython.boundscheck(False)
    def _note(self, what: int, now_us: int, second: int, ports: int, item: int, kind: int) -> int:
        """Note what this packet says; `kind` is that of its rate, 0 where it has none."""
        what &= self.tables
        if what == 0 and kind == 0:
            return 0
        at = self._place()
        self.queue[at + WHAT] = what
        self.queue[at + NOW_US] = now_us
        self.queue[at + SECOND] = second
        self.queue[at + SOURCE] = self.ip.source_high
        self.queue[at + SOURCE + 1] = self.ip.source_low
        self.queue[at + DESTINATION] = self.ip.destination_high
        self.queue[at + DESTINATION + 1] = self.ip.destination_low
        self.queue[at + PORTS] = ports | (PORTS_SIX if self.ip.version == 6 else 0)
        self.queue[at + ITEM] = item
        self.queue[at + KIND] = kind
        self.queue[at + RATE] = 0
        if kind:
            self.queue[at + RATE] = self.rates.expect(
                kind & BYTE, kind >> 8, self.ip.destination_high, self.ip.destination_low
            )
        return 0

    @cython.boundscheck(False)
    def _note_answer(self, what: int, now_us: int, second: int, ports: int, item: int) -> int:
        """Note that what this packet answers was answered: ends and ports change places."""
        what &= self.tables | TAKEN_BACK
        if what == 0:
            return 0
        at = self._place()
        self.queue[at + WHAT] = what | ANSWERED
        self.queue[at + NOW_US] = now_us
        self.queue[at + SECOND] = second
        self.queue[at + SOURCE] = self.ip.destination_high
        self.queue[at + SOURCE + 1] = self.ip.destination_low
        self.queue[at + DESTINATION] = self.ip.source_high
        self.queue[at + DESTINATION + 1] = self.ip.source_low
        self.queue[at + PORTS] = (
            ports >> 32 << 32
            | (ports & LOW16) << 16
            | ((ports >> 16) & LOW16)
            | (PORTS_SIX if self.ip.version == 6 else 0)
        )
        self.queue[at + ITEM] = item
        self.queue[at + RATE] = 0
        return 0

    def _place(self) -> int:
        """Return where the next observation has its words."""
        if self.waiting == WORDS * NOTED:
            self.take_in()
        at = self.waiting
        self.waiting = at + WORDS
        return at

    @cython.boundscheck(False)
    def _approach(self, at: int) -> int:
        """Count the rate of an observation; ask for the lines of what else is counted of it."""
        what = self.queue[at + WHAT]
        if self.queue[at + RATE] and self._is_too_many(at):
            what = 0
            self.queue[at + WHAT] = 0
        if what & TAKEN_BACK and self.count_rates:
            self._take_back(at)
        if what & PROBES:
            self.queue[at + FIRST] = self._expect(self.probes, at)
        elif what & UDP_PORTS:
            self.queue[at + FIRST] = self._expect(self.udp_ports, at)
        elif what & PATHS:
            self.queue[at + FIRST] = self._expect(self.paths, at)
        if what & HOSTS:
            self.queue[at + SECOND_KEY] = self._expect(self.hosts, at)
        return 0

    @cython.boundscheck(False)
    def _take(self, at: int) -> int:
        """Take in an observation."""
        what = self.queue[at + WHAT]
        if what & PROBES:
            self._tell(self.probes, at, self.queue[at + FIRST], self.queue[at + ITEM])
        elif what & UDP_PORTS:
            self._tell(self.udp_ports, at, self.queue[at + FIRST], self.queue[at + ITEM])
        elif what & PATHS:
            self._tell(self.paths, at, self.queue[at + FIRST], self.queue[at + ITEM])
        if what & HOSTS:
            self._tell(self.hosts, at, self.queue[at + SECOND_KEY], self._host(at))
        if what & INFECTED:
            self._tell(self.infected, at, self._expect(self.infected, at), self._host(at))
        if what & STARTS:
            source_port = (self.queue[at + PORTS] >> 16) & LOW16
            self._tell(self.starts, at, self._expect(self.starts, at), source_port)
        return 0

    @cython.boundscheck(False)
    def _is_too_many(self, at: int) -> int:
        """Count a packet to a destination; tell whether there were too many in this second."""
        count = self.rates.count(
            self.queue[at + RATE],
            self.queue[at + NOW_US],
            self.queue[at + SECOND],
            self.queue[at + KIND] & BYTE,
            self.queue[at + KIND] >> 8,
            self.queue[at + DESTINATION],
            self.queue[at + DESTINATION + 1],
            self.queue[at + SOURCE],
            self.queue[at + SOURCE + 1],
            self.queue[at + PORTS],
        )
        if count <= MAX_NOTED:
            return 0
        self.counters[S_UNNOTED] += 1
        return 1

    @cython.boundscheck(False)
    def _take_back(self, at: int) -> int:
        """Count a datagram no longer that was answered."""
        kind = self._kind((self.queue[at + PORTS] >> 16) & LOW16)
        return self.rates.take_back(
            self.queue[at + SECOND],
            kind & BYTE,
            kind >> 8,
            self.queue[at + DESTINATION],
            self.queue[at + DESTINATION + 1],
        )

    @cython.boundscheck(False)
    def _expect(self, table: Distinct, at: int) -> int:
        """Return the hash of an observation's key in a table; its lines are asked for."""
        return table.approach(
            self.queue[at + SOURCE],
            self.queue[at + SOURCE + 1],
            self.queue[at + DESTINATION],
            self.queue[at + DESTINATION + 1],
            self.queue[at + PORTS],
        )

    @cython.boundscheck(False)
    def _tell(self, table: Distinct, at: int, h: int, item: int) -> int:
        """Tell a table of an item of the key with hash `h`."""
        if self.queue[at + WHAT] & ANSWERED:
            return table.answer(h, item)
        return table.add(
            h,
            self.queue[at + NOW_US],
            self.queue[at + SECOND],
            self.queue[at + SOURCE],
            self.queue[at + SOURCE + 1],
            self.queue[at + DESTINATION],
            self.queue[at + DESTINATION + 1],
            self.queue[at + PORTS],
            item,
        )

    @cython.boundscheck(False)
    def _host(self, at: int) -> int:
        """Return the destination in 32 bits: an IPv4 address as it is, else its hash."""
        if self.queue[at + PORTS] & PORTS_SIX == 0:
            return self.queue[at + DESTINATION + 1]
        return LOW32 & self.keyed.numbers(
            CONVERSATION_SALT, self.queue[at + DESTINATION], self.queue[at + DESTINATION + 1], 0
        )

    def _kind(self, source: int) -> int:
        """Return under what a datagram from this port is counted, with its service << 8."""
        return REFLECTED_RATE | source << 8 if self._is_reflector(source) else UDP_RATE

    def _is_loopback(self) -> int:
        """Tell whether a host talks to itself."""
        if self.ip.version == 4:
            return 1 if self.ip.destination_low == LOOPBACK4 else 0
        return 1 if self.ip.destination_high == 0 and self.ip.destination_low == 1 else 0

    def _is_multicast(self) -> int:
        """Tell whether the destination is a group, or every host of a network."""
        if self.ip.version == 4:
            return 1 if self.ip.destination_low >= MULTICAST4 else 0
        return 1 if self.ip.destination_high >> 56 == MULTICAST6 else 0

    def _is_infection_port(self, port: int) -> int:
        """Tell whether worms use a port: rule H-5."""
        if port == 445 or port == 135 or port == 139 or port == 3389 or port == 1433:
            return 1
        return 1 if port == 6379 or port == 6892 or port == 6893 or port == 6901 else 0

    def _is_reflector(self, port: int) -> int:
        """Tell whether a service is misused to answer victims: CISA alert TA14-017A, and later.

        DNS, NTP, SSDP, memcached, CLDAP, SNMP, chargen, QOTD, portmap, NetBIOS, RIP, ARD,
        WS-Discovery, mDNS, Ubiquiti discovery, Steam.
        """
        if port > 27015:
            return 0
        if port == 53 or port == 123 or port == 1900 or port == 11211 or port == 389:
            return 1
        if port == 161 or port == 19 or port == 17 or port == 111 or port == 137 or port == 520:
            return 1
        if port == 3283 or port == 3702 or port == 5353 or port == 10001 or port == 27015:
            return 1
        return 0
