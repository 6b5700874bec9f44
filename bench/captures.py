"""Write the captures that benchmarks replay: `python -m bench.captures FOLDER`.

Strategy: frames are put together from templates with the variable parts left out, because building
each layer anew takes ten times as long. Checksums of such frames stay zero; nothing that captures
looks at them. The same seed gives the same bytes. Names and addresses are made up, so that trail
sets hold none of them, the one listed address aside.
"""

import argparse
import ipaddress
import itertools
import random
import struct
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from tests import packets

PACKETS = 200_000
SEED = 1
LISTED = "203.0.113.66"
STEP_US = 10
"""100,000 packets a second by the packets' own clock."""

_FLUSH = 10_000  # packets in memory at a time
_RECORD = struct.Struct("<IIII")
_PORT = struct.Struct("!H")
_PORTS = struct.Struct("!HH")

_TLDS = (
    *("com", "com", "com", "com", "net", "net", "org", "org", "de", "de", "info", "io", "fr"),
    *("nl", "eu", "it", "pl", "co.uk", "es", "ch", "at", "cz", "se", "app", "dev", "cloud"),
)
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwz", "aeiou"
_HOSTS = ("www", "api", "cdn", "static", "mail", "img", "login", "m", "assets", "edge", "news")
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Debian APT-HTTP/1.3 (2.6.1)",
)
_HTTP_HEADERS = (
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "en-US,en;q=0.5"),
    ("Accept-Encoding", "gzip, deflate"),
    ("Connection", "keep-alive"),
)

# Offsets in frames without VLAN tags and IP options.
_SOURCE, _PORTS_AT, _TCP_PAYLOAD, _UDP_PAYLOAD = 26, 34, 54, 42

# Shares of the mix, in thousandths, and the sizes of bulk segments: 866 bytes a packet on average.
_BULK, _SYN, _DNS, _HTTP = 600, 750, 850, 950
_SEGMENT, _LAST_SEGMENT, _FULL_SHARE = 1460, 300, 0.85
_FLOWS = 5_000
_SILENT = (11, 21, 22, 26, 28, 29, 30, 33, 55, 214, 215, 241, 243, 245, 247, 249, 251)
"""First octets of networks that are reserved or that hardly anybody hears from."""

_NAMES, _LISTED_CLIENTS = 1_000, 1_000
_RECORD_SHARE = 0.1  # a full TLS record of 16 kB begins in every tenth or so of its segments

Frames = Iterator[bytes]


def syn(rng: random.Random) -> Frames:
    """Yield SYNs between many addresses."""
    template = packets.ethernet(
        packets.ipv4("0.0.0.0", "0.0.0.0", packets.TCP, _syn_segment())  # noqa: S104 - replaced
    )
    return _connections(rng, template, (443, 443, 443, 80, 80, 22, 8080, 25, 993))


def dns_new(rng: random.Random) -> Frames:
    """Yield DNS queries, each for a name that was never asked before."""
    seen: set[str] = set()
    while True:
        name = f"{_label(rng)}.{_domain(rng)}"
        if name not in seen:
            seen.add(name)
            yield _dns_question(rng, name)


def dns_repeat(rng: random.Random) -> Frames:
    """Yield DNS queries for a pool of names, the first ones far more often than the last."""
    names = [f"{rng.choice(_HOSTS)}.{_domain(rng)}" for _ in range(_NAMES)]
    while True:
        yield _dns_question(rng, names[int(_NAMES * rng.random() ** 3)])


def http(rng: random.Random) -> Frames:
    """Yield HTTP requests of many clients, each to one host and for what is in one folder there.

    No response is among them, so that clients who ask for more than that would be web scanners.
    """
    heads = [packets.tcp_frame(_client(rng), 1, _server(rng), 80) for _ in range(_FLOWS)]
    requests = [_request(rng) for _ in range(_FLOWS)]
    while True:
        flow = rng.randrange(_FLOWS)
        before, after = requests[flow]
        frame = bytearray(_grow(heads[flow], len(before) + 8 + len(after)))
        _PORT.pack_into(frame, _PORTS_AT, _port(rng))
        yield bytes(frame) + before + b"%08x" % rng.getrandbits(32) + after


def tls(rng: random.Random) -> Frames:
    """Yield TLS ClientHellos with names from a large pool."""
    heads = [packets.tcp_frame(_client(rng), 1, _server(rng), 443) for _ in range(_FLOWS)]
    names = [f"{rng.choice(_HOSTS)}.{_domain(rng)}".encode() for _ in range(20 * _NAMES)]
    while True:
        name = rng.choice(names)
        before, after = _hello_around(len(name))
        hello = before[:11] + rng.randbytes(32) + before[43:] + name + after
        frame = bytearray(_grow(rng.choice(heads), len(hello)))
        _PORT.pack_into(frame, _PORTS_AT, _port(rng))
        yield bytes(frame) + hello


def listed(rng: random.Random, address: str) -> Frames:
    """Yield SYNs and datagrams from many clients to the one address that trails name."""
    inside = rng.sample(range(0x0A000000, 0x0A040000), _LISTED_CLIENTS)
    clients = [number.to_bytes(4, "big") for number in inside]
    templates = (
        packets.ethernet(packets.ipv4("10.0.0.1", address, packets.TCP, _syn_segment())),
        packets.udp_frame("10.0.0.1", 1, address, 5555, packets.noise(64)),
    )
    while True:
        frame = bytearray(templates[rng.getrandbits(1)])
        frame[_SOURCE : _SOURCE + 4] = rng.choice(clients)
        _PORT.pack_into(frame, _PORTS_AT, _port(rng))
        yield bytes(frame)


def mix(rng: random.Random) -> Frames:
    """Yield 60 % bulk TLS, 15 % SYN, 10 % DNS, 10 % HTTP requests, 5 % other."""
    kinds = (
        (_BULK, _bulk(rng)),
        (_SYN, syn(rng)),
        (_DNS, _dns_both_ways(rng)),
        (_HTTP, http(rng)),
        (1000, _other(rng)),
    )
    while True:
        share = rng.randrange(1000)
        yield next(next(frames for limit, frames in kinds if share < limit))


def write(
    folder: Path, kind: str, *, count: int = PACKETS, seed: int = SEED, address: str = LISTED
) -> Path:
    """Write `count` packets of a kind to `folder` and return the file's path."""
    rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
    frames = listed(rng, address) if kind == "listed" else _GENERATORS[kind](rng)
    path = folder / f"{kind}.pcap"
    with path.open("wb") as file:
        file.write(packets.pcap_bytes([]))
        for start in range(0, count, _FLUSH):
            parts = []
            chunk = itertools.islice(frames, min(_FLUSH, count - start))
            for index, frame in enumerate(chunk, start):
                time = divmod(packets.START_US + index * STEP_US, 1_000_000)
                parts += [_RECORD.pack(*time, len(frame), len(frame)), frame]
            file.write(b"".join(parts))
    return path


def main() -> None:
    """Write the captures that the command line asks for, and name them."""
    parser = argparse.ArgumentParser(prog="python -m bench.captures", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of: {', '.join(KINDS)}")
    parser.add_argument("--packets", type=int, default=PACKETS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--listed", default=LISTED, help="the address of the kind `listed`")
    options = parser.parse_args()
    if unknown := set(options.kinds) - set(KINDS):
        parser.error(f"no kind {', '.join(sorted(unknown))}; there are: {', '.join(KINDS)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    for kind in options.kinds or KINDS:
        path = write(
            options.folder,
            kind,
            count=options.packets,
            seed=options.seed,
            address=options.listed,
        )
        print(path)


def _connections(rng: random.Random, template: bytes, ports: tuple[int, ...]) -> Frames:
    """Yield the template with new addresses and ports each time."""
    before, after = template[:_SOURCE], template[_PORTS_AT + 4 :]
    while True:
        addresses = _client_bytes(rng) + _server_bytes(rng)
        yield before + addresses + _PORTS.pack(_port(rng), rng.choice(ports)) + after


def _bulk(rng: random.Random) -> Frames:
    """Yield segments of downloads: most are full, and begin in the middle of a TLS record."""
    flows = []
    for _ in range(_FLOWS):
        head = packets.tcp_frame(_server(rng), 443, _client(rng), _port(rng), flags=packets.ACK)
        flows.append((_grow(head, _SEGMENT), _grow(head, _LAST_SEGMENT)))
    payload = rng.randbytes(1 << 20)
    while True:
        full, last = rng.choice(flows)
        head, size = (full, _SEGMENT) if rng.random() < _FULL_SHARE else (last, _LAST_SEGMENT)
        at = rng.randrange(len(payload) - size)
        if rng.random() < _RECORD_SHARE:
            yield head + b"\x17\x03\x03\x40\x11" + payload[at + 5 : at + size]
        else:
            yield head + payload[at : at + size]


def _dns_both_ways(rng: random.Random) -> Frames:
    """Yield questions with their answers; a third of the names is new, as in an office."""
    new, known = dns_new(rng), dns_repeat(rng)
    while True:
        question = next(new) if rng.random() < 1 / 3 else next(known)
        yield question
        yield _dns_answer(rng, question)


def _other(rng: random.Random) -> Frames:
    """Yield what else there is: acknowledgements, time, pings, IPv6, ARP, VLANs."""
    while True:
        client, server = _client(rng), _server(rng)
        yield packets.tcp_frame(client, _port(rng), server, 443, flags=packets.ACK)
        yield packets.udp_frame(client, 123, server, 123, b"\x23" + bytes(47))
        yield packets.icmp_frame(client, server)
        yield packets.syn_frame(_client6(rng), _port(rng), _server6(rng), 443)
        yield packets.ethernet(bytes.fromhex("0001080006040001") + bytes(20), packets.ARP)
        yield packets.udp_frame(client, _port(rng), server, 443, b"\x40" + rng.randbytes(90))
        yield packets.tcp_frame(client, _port(rng), server, 443, flags=packets.ACK, vlans=(7,))


def _dns_question(rng: random.Random, name: str) -> bytes:
    message = packets.dns_name(name) + b"\0\x01\0\x01"
    frame = bytearray(_grow(_dns_head(rng.randrange(64)), 12 + len(message), udp=True))
    _PORT.pack_into(frame, _PORTS_AT, _port(rng))
    return bytes(frame) + struct.pack("!HHHHHH", rng.getrandbits(16), 256, 1, 0, 0, 0) + message


def _dns_answer(rng: random.Random, question: bytes) -> bytes:
    """Turn a question's frame into its answer, with one address."""
    message = question[_UDP_PAYLOAD:]
    counts = struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0)
    record = struct.pack("!HHHIH", 0xC00C, 1, 1, 300, 4) + _server_bytes(rng)
    head = _grow(question[:_UDP_PAYLOAD], len(message) + len(record), udp=True)
    source, destination = head[_SOURCE : _SOURCE + 4], head[_SOURCE + 4 : _SOURCE + 8]
    ports = head[_PORTS_AT + 2 : _PORTS_AT + 4] + head[_PORTS_AT : _PORTS_AT + 2]
    turned = head[:_SOURCE] + destination + source + ports + head[_PORTS_AT + 4 :]
    return turned + message[:2] + counts + message[12:] + record


@cache
def _dns_head(client: int) -> bytes:
    return packets.udp_frame(f"192.168.1.{client + 10}", 1, "192.168.1.1", 53)


@cache
def _hello_around(length: int) -> tuple[bytes, bytes]:
    """Return a ClientHello's record before and after a name of that length."""
    name = "n" * length
    before, _, after = packets.tls_record(packets.client_hello(name, padding=512)).partition(
        name.encode()
    )
    return before, after


def _request(rng: random.Random) -> tuple[bytes, bytes]:
    """Return a request before and after the eight digits that vary."""
    path = "/".join(_label(rng) for _ in range(rng.randint(2, 3)))
    ending = rng.choice((".css", ".js", ".png", ".jpg", ".woff2", "", "", "/"))
    host = f"{rng.choice(_HOSTS)}.{_domain(rng)}"
    request = packets.http_request(
        f"/{path}-@{ending}", host, user_agent=rng.choice(_AGENTS), headers=_HTTP_HEADERS
    )
    before, _, after = request.partition(b"@")
    return before, after


def _syn_segment() -> bytes:
    """Build a SYN with the options that Linux sends."""
    options = bytes.fromhex("020405b40402080a000000010000000001030307")
    return packets.tcp(1, 443, flags=packets.SYN, options=options)


def _grow(head: bytes, size: int, *, udp: bool = False) -> bytes:
    """Return the headers of a frame for a payload of `size` bytes."""
    frame = bytearray(head[: _UDP_PAYLOAD if udp else _TCP_PAYLOAD])
    _PORT.pack_into(frame, 16, len(frame) - 14 + size)
    frame[24:26] = b"\0\0"
    if udp:
        _PORTS.pack_into(frame, 38, 8 + size, 0)
    else:
        frame[50:52] = b"\0\0"
    return bytes(frame)


def _domain(rng: random.Random) -> str:
    """Make up a registrable domain: ten letters and more, so that hardly anybody owns it."""
    letters = (rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(rng.randint(5, 7)))
    return f"{''.join(letters)}.{rng.choice(_TLDS)}"


def _label(rng: random.Random) -> str:
    return "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(rng.randint(2, 4)))


def _client(rng: random.Random) -> str:
    return str(ipaddress.IPv4Address(_client_bytes(rng)))


def _server(rng: random.Random) -> str:
    return str(ipaddress.IPv4Address(_server_bytes(rng)))


def _client_bytes(rng: random.Random) -> bytes:
    """Make up an address inside: 10.0.0.0/14."""
    return (0x0A000000 | rng.getrandbits(18)).to_bytes(4, "big")


def _server_bytes(rng: random.Random) -> bytes:
    """Make up an address outside, where no list finds anything."""
    return bytes((rng.choice(_SILENT),)) + rng.getrandbits(24).to_bytes(3, "big")


def _client6(rng: random.Random) -> str:
    return f"fd00::{rng.getrandbits(16):x}:{rng.getrandbits(16):x}"


def _server6(rng: random.Random) -> str:
    return f"2001:db8:{rng.getrandbits(16):x}::{rng.getrandbits(16):x}"


def _port(rng: random.Random) -> int:
    return 0x8000 | rng.getrandbits(14)


_GENERATORS: dict[str, Callable[[random.Random], Frames]] = {
    "mix": mix,
    "syn": syn,
    "dns-new": dns_new,
    "dns-repeat": dns_repeat,
    "http": http,
    "tls": tls,
}
KINDS = (*_GENERATORS, "listed")

if __name__ == "__main__":
    main()
