"""Packets: from bytes that somebody sends to hits, through every decoder and what reads contents.

The first byte says how the rest travels, the second the service's port; SPLIT parts it into
segments, datagrams or frames.
"""

import itertools
import struct
from collections.abc import Iterator
from typing import NamedTuple

from agent.allow import AllowList
from agent.behaviours import load
from agent.config import Networks, Options
from agent.contents import Contents, examining
from agent.direction import Home
from agent.match import Matcher
from agent.scan import stats
from agent.scan.scanner import Scanner
from agent.sets import merged_filters
from agent.severity import SeverityTable
from agent.trails.find import Trails
from tests import carried, http2_packets, packets, quic_packets
from tests.wired import trail_set

SPLIT = b"\xfe\xfe"
MAX_PARTS = 40
CLIENT, SERVER = "192.168.1.10", "203.0.113.80"
NAME = "evil.org"
PORTS = (53, 80, 443, 8080, 4789, 2152, 6081, 3544, 500)
CLIENT_STREAM, SERVER_STREAM, SHUFFLED, DATAGRAMS, ANSWERS, FRAMES, PACKETS = range(7)

PUBLISHED = {NAME: "malware", SERVER: "known attacker", "/submit/a": "x", f"{NAME}/x?y=": "x"}
OWN = {
    "198.51.100.0/24": "x",
    "2001:db8::/32": "x",
    "re:[a-z]+[0-9]x": "x",
    "ua:Evil/1": "x",
    "ua:re:masscan": "x",
    "a" * 32: "x",
    "b" * 40: "x",
}


class Answer(NamedTuple):
    """What is seen, what is told of it, and what is counted."""

    sightings: list[str]
    hits: list[str]
    counters: list[int]


class Target:
    """Sets and look-ups that all inputs share; each input has a scanner of its own."""

    def __init__(self) -> None:
        self._home, self._severity = Home(Networks().home), SeverityTable()
        self._examining = examining(load(Options()))
        own, published = trail_set(OWN, "own"), trail_set(PUBLISHED)
        self._sets = own, published
        self._trails = Trails(own, published)
        self._filters = merged_filters(own, published)

    def answer(self, data: bytes) -> Answer:
        """Return all that is seen and said of an input; raise where a parser missed a bound."""
        own, published = self._sets
        allow, home, severity = AllowList((), 0), self._home, self._severity
        matcher = Matcher(self._trails, allow, home, severity)
        contents = Contents(self._examining, self._trails, allow, home, severity)
        scanner = Scanner(own.buffer, published.buffer, self._filters, None, 0, 1, contents.wanted)
        datalink, frames = sent(data)
        scanner.scan(packets.batch(frames, datalink=datalink))
        scanner.finish()
        sightings = scanner.drain(True, "")
        hits = [
            hit for seen in sightings for hit in (*matcher.match(seen), *contents.examine(seen))
        ]
        counted = scanner.statistics()
        if counted[stats.ERRORS]:
            raise AssertionError("a parser missed a bound")
        return Answer([repr(seen) for seen in sightings], [repr(hit) for hit in hits], counted)


def sent(data: bytes) -> tuple[int, list[bytes]]:
    """Return the link type and the frames that an input means."""
    how, port = (data[0] % 7, PORTS[data[1] % len(PORTS)]) if len(data) >= 2 else (0, 53)
    parts = data[2:].split(SPLIT)[:MAX_PARTS]
    if how == FRAMES:
        return packets.ETHERNET, parts
    if how == PACKETS:
        return packets.RAW, parts
    if how in (DATAGRAMS, ANSWERS):
        ends = (CLIENT, 40000, SERVER, port) if how == DATAGRAMS else (SERVER, port, CLIENT, 40000)
        return packets.ETHERNET, [packets.udp_frame(*ends, part) for part in parts]
    return packets.ETHERNET, list(_segments(parts, port, how))


def _segments(parts: list[bytes], port: int, how: int) -> Iterator[bytes]:
    places = [0, *itertools.accumulate(map(len, parts))]
    order = range(len(parts))
    if how == SHUFFLED:
        order = range(len(parts) - 1, -1, -1)
    ends = (SERVER, port, CLIENT, 50000) if how == SERVER_STREAM else (CLIENT, 50000, SERVER, port)
    for index in order:
        yield packets.tcp_frame(
            *ends, parts[index], flags=0x18, sequence=(0xFFFFFF00 + places[index]) % 2**32
        )


def seeds() -> Iterator[bytes]:
    """Yield inputs that reach every decoder."""
    hello = packets.client_hello(NAME)
    record, der = packets.tls_record(hello), packets.noise(900, b"fuzz")
    flight = packets.tls_record(packets.server_hello()) + packets.tls_record(
        packets.certificate(der)
    )
    post = packets.http_request("/submit/a?b=c", NAME, method="POST", body=b"q=%31&x=2")
    query = packets.dns_query(f"www.{NAME}", edns=True)
    reply = packets.dns_response(
        "www.good.org", [(packets.CNAME, f"cdn.{NAME}"), (packets.A, "198.51.100.9")]
    )
    inner = packets.ipv4(CLIENT, "192.0.2.53", packets.UDP, packets.udp(4000, 53, query))
    yield from (
        bytes([how, port]) + payload
        for how, port, payload in (
            (CLIENT_STREAM, 2, record),
            (CLIENT_STREAM, 2, record[:60] + SPLIT + record[60:]),
            (SHUFFLED, 2, record[:200] + SPLIT + record[200:]),
            (SERVER_STREAM, 2, flight),
            (SERVER_STREAM, 2, flight[:300] + SPLIT + flight[300:]),
            (CLIENT_STREAM, 1, post),
            (CLIENT_STREAM, 1, packets.http_request("/x?y=1", NAME, user_agent="masscan/1") * 2),
            (CLIENT_STREAM, 1, b"GET / HTTP/1.1\nhost:\n evil.org\n\n"),
            (CLIENT_STREAM, 1, b"CONNECT evil.org:443 HTTP/1.1\r\n\r\n"),
            (CLIENT_STREAM, 0, packets.dns_over_tcp(query) * 2),
            (DATAGRAMS, 0, query),
            (ANSWERS, 0, reply),
            (DATAGRAMS, 2, quic_packets.initial([quic_packets.crypto(0, hello)])),
            *_carried(record, flight, der),
            (FRAMES, 0, packets.syn_frame(CLIENT, 1, SERVER, 443)),
            (FRAMES, 0, packets.ethernet(inner, vlans=[7, 9])),
            (FRAMES, 0, packets.ethernet(packets.pppoe(inner))),
            (
                FRAMES,
                0,
                packets.ethernet(packets.ipv4("192.0.2.1", "192.0.2.2", 47, packets.gre(inner))),
            ),
            (
                FRAMES,
                0,
                packets.udp_frame(
                    "192.0.2.1", 4000, "192.0.2.2", 4789, packets.vxlan(packets.ethernet(inner))
                ),
            ),
            (FRAMES, 0, packets.icmp_frame(CLIENT, SERVER)),
            (PACKETS, 0, inner),
            (
                PACKETS,
                0,
                packets.ipv6("fd00::1", "2001:db8::1", packets.UDP, packets.udp(9, 53, query)),
            ),
        )
    )


def _carried(record: bytes, flight: bytes, der: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield what other carriers than TLS over TCP begin with."""
    cert = carried.der(300)
    request = http2_packets.request("/x?y=1", NAME)
    yield CLIENT_STREAM, 1, http2_packets.says(request, request)
    yield CLIENT_STREAM, 1, http2_packets.says(request, client=http2_packets.Client(coded=False))
    for payload in (carried.tds(record), carried.proxy(record), carried.proxy(record, 2)):
        yield CLIENT_STREAM, 3, payload
    for payload in (carried.socks4(NAME), carried.socks5(NAME), carried.socks5("198.51.100.9")):
        yield CLIENT_STREAM, 3, payload
    yield CLIENT_STREAM, 3, carried.adat(record, reply=False)
    yield CLIENT_STREAM, 1, b"GET /submit/a\r\n"
    yield CLIENT_STREAM, 1, packets.http_request("http://198.51.100.9/%41%2f", NAME)
    for payload in (carried.rdp([cert]), carried.opc(cert), carried.adat(flight, reply=True)):
        yield SERVER_STREAM, 3, payload
        yield SERVER_STREAM, 3, payload[:60] + SPLIT + payload[60:]
    yield DATAGRAMS, 2, carried.dtls_hello_datagram(NAME, b"cookie")
    message = packets.certificate(der)
    parts = [carried.dtls_message(message, offset=at, size=300) for at in (0, 300, 600)]
    yield ANSWERS, 2, SPLIT.join(map(carried.dtls_record, parts))
    yield DATAGRAMS, 3, carried.openvpn(record, 1, signature=20)
    halves = (flight[:400], flight[400:])
    yield ANSWERS, 3, SPLIT.join(carried.openvpn(half, n) for n, half in enumerate(halves, 1))
    yield DATAGRAMS, 8, carried.ike([cert])
    update = struct.pack("!HHHHHH", 7, 0x2800, 1, 0, 1, 0) + packets.dns_name("x.org")
    update += b"\0\6\0\1" + packets.dns_name(NAME) + b"\0\1\0\xff" + bytes(6)
    yield DATAGRAMS, 0, update
