"""Write demo.pcap: half a minute in an office where `trails.csv` finds something.

Run as `python -m demo.make_capture` after a change. All names and addresses are reserved for
documentation (RFC 2606, 5737, 3849) or private; what `trails.csv` lists is named in `LISTED`.
"""

from collections.abc import Iterator
from pathlib import Path

from tests import packets
from tests.packets import ACK, FIN, PSH, SYN, Timed

FOLDER = Path(__file__).parent
CAPTURE = FOLDER / "demo.pcap"
TRAILS = FOLDER / "trails.csv"

LISTED = {
    "loader": "loader-demo.invalid",
    "beacon": "beacon-demo.invalid",
    "phishing": "login-demo.invalid",
    "command server": "198.51.100.23:4444",
    "command server over IPv6": "[2001:db8:bad::23]:443",
    "scanner": "203.0.113.99",
    "path": "/demo-gate.php",
    "dropper": "files-demo.invalid/update/agent.bin",
}

ANNA, BEN, PRINTER, SERVER = "192.168.1.10", "192.168.1.11", "192.168.1.30", "192.168.1.20"
ANNA6 = "fd00:1::10"
RESOLVER = "192.168.1.1"
WEB, NEWS, MAIL, SEIZED = "192.0.2.10", "192.0.2.20", "192.0.2.25", "192.0.2.66"
STRANGER = "203.0.113.45"

SECOND = 1_000_000
_ROUND_TRIP_US = 18_000
_FIRST_SEQUENCE = 1_000_000
_BROWSING_S = 28
_SCANNED_PORTS = (
    *(21, 22, 23, 25, 53, 80, 110, 111, 135, 139),
    *(143, 443, 445, 993, 1433, 3306, 3389, 5900, 8080, 8443),
)


def at(second: float) -> int:
    """Return the time of a moment of the demo."""
    return packets.START_US + round(second * SECOND)


def lookup(start: int, client: str, port: int, name: str, address: str | None) -> Iterator[Timed]:
    """Yield a DNS question and its answer: an address, or that there is no such name."""
    number = (port * 40503) & 0xFFFF
    question = packets.dns_query(name, identification=number)
    answer = packets.dns_response(
        name,
        [(packets.A, address)] if address else [],
        code=0 if address else 3,
        identification=number,
    )
    yield start, packets.udp_frame(client, port, RESOLVER, 53, question)
    yield start + _ROUND_TRIP_US // 3, packets.udp_frame(RESOLVER, 53, client, port, answer)


def session(
    start: int, client: str, port: int, server: str, server_port: int, request: bytes, reply: bytes
) -> Iterator[Timed]:
    """Yield a TCP connection that carries one request and one reply."""
    there = (client, port, server, server_port)
    back = (server, server_port, client, port)
    times = (start + step * _ROUND_TRIP_US // 2 for step in range(8))
    ours, theirs = _FIRST_SEQUENCE, _FIRST_SEQUENCE + port
    for ends, flags, payload in (
        (there, SYN, b""),
        (back, SYN | ACK, b""),
        (there, ACK, b""),
        (there, PSH | ACK, request),
        (back, PSH | ACK, reply),
        (there, FIN | ACK, b""),
        (back, FIN | ACK, b""),
        (there, ACK, b""),
    ):
        sequence, acknowledged = (ours, theirs) if ends is there else (theirs, ours)
        yield (
            next(times),
            packets.tcp_frame(
                *ends,
                payload,
                flags=flags,
                sequence=sequence,
                acknowledgement=acknowledged if flags & ACK else 0,
            ),
        )
        taken = len(payload) + bool(flags & (SYN | FIN))
        ours, theirs = (ours + taken, theirs) if ends is there else (ours, theirs + taken)


def browse(start: int, client: str, port: int, host: str, server: str) -> Iterator[Timed]:
    """Yield what opening a page over TLS takes: a lookup, a hello, data."""
    yield from lookup(start, client, port, host, server)
    hello = packets.tls_record(packets.client_hello(host, padding=512, seed=host.encode()))
    greeting = packets.tls_record(packets.server_hello(seed=host.encode()), version=0x0303)
    page = packets.tls_record(packets.noise(900, host.encode()), kind=23, version=0x0303)
    yield from session(start + 30_000, client, port, server, 443, hello, greeting + page)


def fetch(
    start: int, client: str, port: int, host: str, server: str, target: str, agent: str
) -> Iterator[Timed]:
    """Yield a lookup and a request over plain HTTP."""
    yield from lookup(start, client, port, host, server)
    request = packets.http_request(target, host, user_agent=agent)
    reply = packets.http_response(b"<html><title>demo</title></html>")
    yield from session(start + 30_000, client, port, server, 80, request, reply)


def knock(start: int, source: str, port: int, destination: str, to: int) -> Iterator[Timed]:
    """Yield a SYN that nobody answers."""
    yield start, packets.syn_frame(source, port, destination, to)


def clean_traffic() -> Iterator[Timed]:
    """Yield what an office does anyway."""
    for second in range(0, _BROWSING_S, 2):
        client = (ANNA, BEN)[second // 2 % 2]
        host = ("www.example.com", "news.example.org", "mail.example.net")[second // 2 % 3]
        server = (WEB, NEWS, MAIL)[second // 2 % 3]
        yield from browse(at(second + 0.2), client, 50_000 + second, host, server)
    for second in (3, 11, 19):
        yield from fetch(
            at(second), PRINTER, 41_000 + second, "firmware.example.com", WEB, "/version.txt",
            "Printer/4.1",
        )  # fmt: skip
    for second in range(1, _BROWSING_S, 5):
        question, answer = b"\x23" + bytes(47), b"\x24\x01" + bytes(46)
        yield at(second), packets.udp_frame(SERVER, 123, WEB, 123, question)
        yield at(second + 0.02), packets.udp_frame(WEB, 123, SERVER, 123, answer)
        yield at(second + 0.4), packets.icmp_frame(SERVER, RESOLVER)
        yield at(second + 0.401), packets.icmp_frame(RESOLVER, SERVER, 0)


def listed_traffic() -> Iterator[Timed]:
    """Yield what the sample trails name, and one behaviour: a port scan."""
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    yield from lookup(at(4.0), BEN, 52_001, f"cdn.{LISTED['loader']}", SEIZED)
    yield from session(at(6.5), BEN, 52_002, "198.51.100.23", 4444, b"\x01hello", b"\x02ok")
    yield from knock(at(7.1), STRANGER, 61_000, SERVER, 443)  # not listed: silence
    yield from knock(at(8.3), LISTED["scanner"], 60_001, SERVER, 22)
    yield from fetch(
        at(10.1), BEN, 52_003, "shop.example.org", NEWS, f"{LISTED['path']}?id=7", agent
    )
    host, _, path = LISTED["dropper"].partition("/")
    yield from fetch(at(12.4), BEN, 52_004, host, SEIZED, f"/{path}", agent)
    phishing = f"webmail.{LISTED['phishing']}"
    hello = packets.tls_record(packets.client_hello(phishing, padding=512))
    reply = packets.tls_record(packets.server_hello(), version=0x0303)
    yield from session(at(14.2), ANNA, 52_005, SEIZED, 443, hello, reply)
    yield at(15.0), packets.syn_frame(ANNA6, 52_006, "2001:db8:bad::23", 443)
    for number, port in enumerate(_SCANNED_PORTS):
        yield from knock(at(16 + number / 4), STRANGER, 61_001, SERVER, port)
    for number in range(10):
        yield from lookup(at(5 + 2.3 * number), PRINTER, 42_000 + number, LISTED["beacon"], None)


def make() -> list[Timed]:
    """Return the packets of the demo in the order of their times."""
    return sorted([*clean_traffic(), *listed_traffic()])


if __name__ == "__main__":
    packets.write_pcap(CAPTURE, make())
