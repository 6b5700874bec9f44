"""Scans, sweeps and floods as nmap and its like send them, with what comes back.

Each generator yields packets in the order of their time, from START_US on. `seconds` is how long
it takes from the first probe to the last: two for a fast scan, six hundred for a slow one.
"""

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType

from tests import packets
from tests.packets import START_US, Timed

SCANNER, TARGET = "203.0.113.9", "192.168.1.20"
INSIDE, OUTSIDE = "192.168.1.66", "198.51.100.7"
SOURCE_PORT = 50321
SECOND = 1_000_000
ANSWER_US = 20_000
OPEN = (22, 80, 443)
"""What a target offers, of which a scan learns."""

FLAGS = MappingProxyType(
    {
        "syn": packets.SYN,
        "syn_ecn": packets.SYN | 0xC0,
        "null": 0,
        "fin": packets.FIN,
        "xmas": packets.FIN | packets.PSH | packets.URG,
        "maimon": packets.FIN | packets.ACK,
    }
)


def spread(count: int, seconds: float) -> list[int]:
    """Return times evenly over so many seconds."""
    step = seconds * SECOND / max(1, count - 1)
    return [START_US + round(number * step) for number in range(count)]


def by_time(*parts: Iterator[Timed]) -> list[Timed]:
    """Merge captures."""
    return sorted((timed for part in parts for timed in part), key=lambda timed: timed[0])


def tcp_ports(
    kind: str,
    ports: Sequence[int],
    seconds: float,
    *,
    source: str = SCANNER,
    target: str = TARGET,
    answers: bool = True,
) -> Iterator[Timed]:
    """Probe ports of one host; closed ones refuse, open ones answer a SYN."""
    flags = FLAGS[kind]
    for time_us, port in zip(spread(len(ports), seconds), ports, strict=True):
        yield time_us, packets.tcp_frame(source, SOURCE_PORT, target, port, flags=flags)
        if not answers:
            continue
        if flags & packets.SYN and port in OPEN:
            reply = packets.SYN | packets.ACK
        elif port in OPEN:
            continue
        else:
            reply = packets.RST | packets.ACK
        yield (
            time_us + ANSWER_US,
            packets.tcp_frame(target, port, source, SOURCE_PORT, flags=reply),
        )


def udp_ports(
    ports: Sequence[int],
    seconds: float,
    *,
    source: str = SCANNER,
    target: str = TARGET,
    open_ports: Sequence[int] = (),
) -> Iterator[Timed]:
    """Send an empty datagram to ports of one host; closed ones are told unreachable."""
    for time_us, port in zip(spread(len(ports), seconds), ports, strict=True):
        frame = packets.udp_frame(source, SOURCE_PORT, target, port)
        yield time_us, frame
        if port in open_ports:
            reply = packets.udp_frame(target, port, source, SOURCE_PORT, b"here")
        else:
            body = bytes(4) + frame[14:42]
            reply = packets.ethernet(
                packets.ipv4(target, source, packets.ICMP, packets.icmp(3, 3, body))
            )
        yield time_us + ANSWER_US, reply


def hosts(count: int, first: str = "192.168.7.1") -> list[str]:
    """Return neighbouring addresses."""
    start = ipaddress.ip_address(first)
    return [str(start + number) for number in range(count)]


def sweep(
    targets: Sequence[str],
    seconds: float,
    *,
    port: int | None = 22,
    source: str = SCANNER,
    protocol: str = "tcp",
    answering: Sequence[str] = (),
) -> Iterator[Timed]:
    """Ask many hosts for one port, or ping them; some answer."""
    for number, time_us in enumerate(spread(len(targets), seconds)):
        target = targets[number]
        if protocol == "icmp":
            frame = packets.icmp_frame(source, target)
            reply = packets.icmp_frame(target, source, 0)
        elif protocol == "udp":
            frame = packets.udp_frame(source, SOURCE_PORT, target, port or 0, b"hello")
            reply = packets.udp_frame(target, port or 0, source, SOURCE_PORT, b"here")
        else:
            frame = packets.syn_frame(source, SOURCE_PORT, target, port or 0)
            reply = packets.tcp_frame(
                target, port or 0, source, SOURCE_PORT, flags=packets.SYN | packets.ACK
            )
        yield time_us, frame
        if target in answering:
            yield time_us + ANSWER_US, reply


_SOURCE_AT = 26  # of the IPv4 source in a frame


def flood(
    frame: bytes, per_second: int, seconds: int, *, sources: int = 1, start_us: int = START_US
) -> Iterator[Timed]:
    """Repeat a frame so often in each second; with several sources their addresses go round."""
    for number in range(per_second * seconds):
        changed = frame
        if sources > 1:
            address = (0xC6000000 + number * 2_654_435_761 % sources).to_bytes(4, "big")
            changed = frame[:_SOURCE_AT] + address + frame[_SOURCE_AT + 4 :]
        yield start_us + number * SECOND // per_second, changed


def syn_flood(per_second: int, seconds: int, *, sources: int = 1) -> Iterator[Timed]:
    """Ask one host for connections."""
    frame = packets.syn_frame(SCANNER, SOURCE_PORT, TARGET, 443)
    return flood(frame, per_second, seconds, sources=sources)


def udp_flood(per_second: int, seconds: int, *, sources: int = 1) -> Iterator[Timed]:
    """Send one host datagrams that it does not answer."""
    frame = packets.udp_frame(SCANNER, SOURCE_PORT, TARGET, 9999, bytes(64))
    return flood(frame, per_second, seconds, sources=sources)


def icmp_flood(per_second: int, seconds: int, *, sources: int = 1) -> Iterator[Timed]:
    """Ping one host."""
    return flood(packets.icmp_frame(SCANNER, TARGET), per_second, seconds, sources=sources)


def reflected(
    per_second: int, seconds: int, *, port: int = 123, sources: int = 200
) -> Iterator[Timed]:
    """Answer what one host never asked."""
    frame = packets.udp_frame(SCANNER, port, TARGET, 53211, bytes(440))
    return flood(frame, per_second, seconds, sources=sources)


def beacon(
    times_us: Sequence[int], *, source: str = INSIDE, target: str = OUTSIDE, answers: bool = True
) -> Iterator[Timed]:
    """Connect to one service at these times, from ports that follow one another."""
    for number, time_us in enumerate(times_us):
        port = 40_000 + number
        yield time_us, packets.syn_frame(source, port, target, 443)
        if answers:
            reply = packets.SYN | packets.ACK
            yield time_us + ANSWER_US, packets.tcp_frame(target, 443, source, port, flags=reply)
            continue
        for late in (1, 3, 7, 15):  # as Linux tries again
            yield time_us + late * SECOND, packets.syn_frame(source, port, target, 443)


FAST, SLOW = 2.0, 600.0
WIDE = tuple(range(1, 1001))

CAPTURES: MappingProxyType[str, Callable[[], Iterator[Timed]]] = MappingProxyType(
    {
        **{
            f"{kind}_{pace}": (
                lambda kind=kind, seconds=seconds: tcp_ports(kind, WIDE[:100], seconds)  # type: ignore[misc]
            )
            for kind in FLAGS
            for pace, seconds in (("fast", FAST), ("slow", SLOW))
        },
        "udp_fast": lambda: udp_ports(WIDE[:100], FAST, open_ports=(67, 69)),
        "udp_slow": lambda: udp_ports(WIDE[:100], SLOW, open_ports=(67, 69)),
        "sweep_fast": lambda: sweep(hosts(254), FAST, answering=hosts(3)),
        "sweep_slow": lambda: sweep(hosts(254), SLOW, answering=hosts(3)),
        "ping_fast": lambda: sweep(hosts(254), FAST, protocol="icmp", answering=hosts(3)),
        "ping_slow": lambda: sweep(hosts(254), SLOW, protocol="icmp", answering=hosts(3)),
        "snmp_fast": lambda: sweep(hosts(254), FAST, protocol="udp", port=161),
        "snmp_slow": lambda: sweep(hosts(254), SLOW, protocol="udp", port=161),
        "web_sweep_fast": lambda: sweep(hosts(254), FAST, port=443),
        "web_sweep_slow": lambda: sweep(hosts(254), SLOW, port=443),
        "infection_fast": lambda: sweep(hosts(254), FAST, port=445, source=INSIDE),
        "infection_slow": lambda: sweep(hosts(254), SLOW, port=445, source=INSIDE),
        "syn_flood": lambda: syn_flood(2000, 5, sources=1 << 24),
        "syn_flood_one": lambda: syn_flood(2000, 5),
        "udp_flood": lambda: udp_flood(6000, 4, sources=1 << 24),
        "icmp_flood": lambda: icmp_flood(1000, 5, sources=1 << 24),
        "reflection": lambda: reflected(1000, 5),
    }
)
"""What must be found, by a name that tells what it is and how fast."""


def write(folder: Path, name: str) -> Path:
    """Write one of CAPTURES and return its path."""
    return packets.write_pcap(folder / f"{name}.pcap", by_time(CAPTURES[name]()))
