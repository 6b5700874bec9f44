"""What the soak sends and what it lists: office days, floods, listed names, nonsense.

    python -m tests.lab.soak_traffic list GENERATION MINUTES    the list that update fetches
    python -m tests.lab.soak_traffic base FILE                  what is sent all the time
    python -m tests.lab.soak_traffic burst FILE MINUTE GENERATION

A minute's burst is never that of another: names, sources and nonsense are drawn anew, as what
comes again could hide a table that grows.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from tests import packets, scans
from tests.office import Office

LISTED = 5000
"""Names that a generation of the list has for itself."""
LASTING = 45_000
"""Names that every generation has."""
HITS, FLOOD, NONSENSE, CLIENTS = 300, 60_000, 2000, 40
"""Frames of a burst, but for clients: hosts that ask."""
RATE = 20_000
"""Frames a second of a flood."""
VICTIM = "198.51.100.99"
"""A listed address."""
RESOLVER = "10.0.0.53"
ZONE = "soak-trails.net"


def minute_name(minute: int) -> str:
    """Return the listed name that is asked for in this minute alone."""
    return f"minute-{minute}.{ZONE}"


def trails(generation: int, minutes: int) -> Iterator[str]:
    """Yield the lines of the list; from one generation to the next a tenth changes."""
    yield VICTIM
    yield from (minute_name(minute) for minute in range(minutes + 1))
    yield from (f"lasting-{number}.{ZONE}" for number in range(LASTING))
    yield from (f"n{number}.g{generation}.{ZONE}" for number in range(LISTED))


def base() -> Iterator[bytes]:
    """Yield the frames of an office day."""
    return (frame for _, frame in Office(25).day())


def burst(minute: int, generation: int) -> Iterator[bytes]:
    """Yield the frames of one minute: its name, hits, a scan, nonsense, and one of five floods."""
    draw = random.Random(minute)  # noqa: S311 - a load, not a secret
    yield _question(draw, minute_name(minute))
    yield from _hits(draw, generation)
    yield from _scan(draw)
    yield from _nonsense(draw)
    yield from _flood(draw, minute)


def _question(draw: random.Random, name: str) -> bytes:
    client = f"10.0.1.{draw.randrange(10, 10 + CLIENTS)}"
    query = packets.dns_query(name, identification=draw.randrange(1 << 16))
    return packets.udp_frame(client, draw.randrange(1024, 65_000), RESOLVER, 53, query)


def _hits(draw: random.Random, generation: int) -> Iterator[bytes]:
    for _ in range(HITS):
        listed = f"n{draw.randrange(LISTED)}.g{generation}.{ZONE}"
        yield _question(draw, draw.choice((listed, f"h{draw.randrange(1 << 32):x}.{listed}")))


def _scan(draw: random.Random) -> Iterator[bytes]:
    source, target = f"203.0.113.{draw.randrange(1, 255)}", f"10.0.1.{draw.randrange(1, 255)}"
    ports = draw.sample(range(1, 10_000), 400)
    yield from _frames(scans.tcp_ports("syn", ports, 2, source=source, target=target))
    yield from _frames(scans.sweep(scans.hosts(100, "10.0.2.1"), 2, source=source))


def _nonsense(draw: random.Random) -> Iterator[bytes]:
    """Yield frames of the demo's capture with bytes changed, or cut short."""
    sound = list(_demo())
    for _ in range(NONSENSE):
        frame = bytearray(draw.choice(sound))
        for _ in range(draw.randrange(1, 6)):
            frame[draw.randrange(14, len(frame))] = draw.randrange(256)
        yield bytes(frame[: draw.randrange(15, len(frame) + 1)])


def _demo() -> Iterator[bytes]:
    """Yield the frames of demo/demo.pcap (microseconds, this machine's order of bytes)."""
    raw = Path("demo/demo.pcap").read_bytes()
    place = 24
    while place < len(raw):
        size = int.from_bytes(raw[place + 8 : place + 12], sys.byteorder)
        yield raw[place + 16 : place + 16 + size]
        place += 16 + size


def _flood(draw: random.Random, minute: int) -> Iterator[bytes]:
    port = draw.randrange(1, 65_000)
    seconds = FLOOD // RATE
    kinds = (
        lambda: _frames(scans.flood(_syn(VICTIM, port), RATE, seconds, sources=1 << 16)),
        lambda: _frames(scans.flood(_syn("10.0.1.20", port), RATE, seconds, sources=1 << 14)),
        lambda: _frames(scans.udp_flood(RATE, seconds, sources=1 << 10)),
        lambda: _random_names(draw),
        lambda: (_syn(f"10.0.{draw.randrange(256)}.9", port) for _ in range(FLOOD // 3)),
    )
    return kinds[minute % len(kinds)]()


def _syn(victim: str, port: int) -> bytes:
    return packets.syn_frame("203.0.113.9", 50_321, victim, port)


def _random_names(draw: random.Random) -> Iterator[bytes]:
    """Yield questions and refusals for names that nobody has, below one zone."""
    for number in range(FLOOD // 6):
        name = f"{draw.randrange(1 << 40):x}.water-torture.org"
        client, port = f"10.0.1.{number % CLIENTS + 10}", 1024 + number % 60_000
        yield packets.udp_frame(client, port, RESOLVER, 53, packets.dns_query(name))
        answer = packets.dns_response(name, code=3)
        yield packets.udp_frame(RESOLVER, 53, client, port, answer)


def _frames(timed: Iterator[packets.Timed]) -> Iterator[bytes]:
    return (frame for _, frame in timed)


def main(what: str, *arguments: str) -> None:
    """Do what the module's text says."""
    if what == "list":
        generation, minutes = map(int, arguments)
        sys.stdout.writelines(f"{line}\n" for line in trails(generation, minutes))
    elif what == "base":
        packets.write_pcap(Path(arguments[0]), packets.timed(base()))
    else:
        frames = burst(int(arguments[1]), int(arguments[2]))
        packets.write_pcap(Path(arguments[0]), packets.timed(frames))


if __name__ == "__main__":
    main(*sys.argv[1:])
