"""Below names: link types, tunnels, IP, fragments, and what is counted of flows.

The first byte chooses the link type, the second how the rest becomes frames: as it is, or as
fragments or segments between two hosts; SPLIT parts it. A third byte says how far apart in time
they are. What a copy of the frames adds shows what the table of copies lets pass.
"""

import itertools
import struct
from collections.abc import Iterator
from typing import NamedTuple

from agent.scan import stats
from agent.scan.duplicates import Duplicates
from tests import layered, packets
from tests.scan.scanning import EVIL, EVIL6, A, full_bank, make

SPLIT = b"\xfe\xfe"
MAX_PARTS = 40
NAME = "evil.org"
OTHERS = {medium.datalink for medium in layered.MEDIA.values()} | {0, 108, 113, 228, 229, 276}
DATALINKS = (packets.ETHERNET, packets.RAW, *sorted(OTHERS))
FRAMES, FRAGMENTS, FRAGMENTS6, SEGMENTS = range(4)
STEPS_US = (1, 700, 300_000, 6_000_000, -900_000)


class Answer(NamedTuple):
    """What is seen, what went over a level, what could not be read, and what is counted."""

    sightings: list[str]
    hot: str
    unread: list[tuple[str, int, int]]
    counters: list[int]


class Target:
    """A scanner for each input, with every table that counts and one that compares copies."""

    def answer(self, data: bytes) -> Answer:
        """Return all that is seen of an input; raise where a parser missed a bound."""
        bank = full_bank(2)
        scanner = make(EVIL, EVIL6, f"{EVIL}:443", NAME, "10.0.0.0/8", bank=bank)
        scanner.compare(Duplicates())
        datalink, step_us, frames = sent(data)
        for again in range(2):
            start_us = packets.START_US + again
            scanner.scan(
                packets.batch(frames, datalink=datalink, start_us=start_us, step_us=step_us)
            )
        scanner.finish()
        counted = scanner.statistics()
        if counted[stats.ERRORS]:
            raise AssertionError("a parser missed a bound")
        shown = [repr(seen) for seen in scanner.drain(True, "")]
        return Answer(shown, repr(bank.hot()), scanner.unread.rows(), counted)


def sent(data: bytes) -> tuple[int, int, list[bytes]]:
    """Return the link type, the time between frames and the frames that an input means."""
    if len(data) < 3:
        return packets.ETHERNET, 1, []
    datalink = DATALINKS[data[0] % len(DATALINKS)]
    step_us = STEPS_US[data[2] % len(STEPS_US)]
    parts = data[3:].split(SPLIT)[:MAX_PARTS]
    how = data[1] % 4
    if how == FRAMES:
        return datalink, step_us, parts
    if how == SEGMENTS:
        return packets.ETHERNET, step_us, [_segment(part) for part in parts]
    fragments = _fragments(parts, six=how == FRAGMENTS6)
    return packets.ETHERNET, step_us, list(fragments)


def _segment(part: bytes) -> bytes:
    """Make a frame of what stands for ports, protocol and flags, and the bytes behind."""
    source_port, port, protocol, flags = struct.unpack("!HHBB", part[:6].ljust(6, b"\0"))
    source, destination = (A, EVIL) if flags & 0x40 else (EVIL, A)
    payload = part[6:]
    if protocol & 1:
        return packets.tcp_frame(
            source, source_port, destination, port, payload, flags=flags & 0x3F
        )
    if protocol & 2:
        return packets.udp_frame(source, source_port, destination, port, payload)
    message = bytes([flags & 0x3F]) + payload
    return packets.ethernet(packets.ipv4(source, destination, packets.ICMP, message))


def _fragments(parts: list[bytes], *, six: bool) -> Iterator[bytes]:
    """Make fragments one behind the other, moved by what the first byte of each says."""
    places = [0, *itertools.accumulate((max(len(part) - 1, 0) + 7) // 8 * 8 for part in parts)]
    for number, part in enumerate(parts):
        how, piece = (part[0], part[1:]) if part else (0, b"")
        offset = max(0, places[number] + (how >> 4) * 8 - 64 * (how & 1)) % 65_528
        more = not how & 2 and number + 1 < len(parts)
        if six:
            word = struct.pack("!HI", offset | more, how & 4)
            packet = packets.ipv6(
                "2001:db8::66", EVIL6, packets.UDP, piece, extensions=[(packets.FRAGMENT, word)]
            )
        else:
            packet = packets.ipv4(
                A,
                EVIL,
                packets.UDP,
                piece,
                identification=how & 4,
                fragment_offset=offset,
                more_fragments=more,
            )
        yield packets.ethernet(packet)


def seeds() -> Iterator[bytes]:
    """Yield every tunnel and every medium, fragments of a question, and flows of three kinds."""
    segment = packets.tcp(50000, 443, flags=packets.SYN)
    four = packets.ip(A, EVIL, packets.TCP, segment)
    six = packets.ip("2001:db8::66", EVIL6, packets.TCP, segment)
    for name, tunnel in layered.TUNNELS.items():
        yield bytes([0, FRAMES, 0]) + tunnel.wrap(six if name in layered.ONLY_SIX else four)
    for medium in layered.MEDIA.values():
        for packet in (four, six):
            yield bytes([DATALINKS.index(medium.datalink), FRAMES, 1]) + medium.wrap(packet)
    question = packets.udp(50000, 53, packets.dns_query(NAME))
    pieces = [b"\0" + question[at : at + 16] for at in range(0, len(question), 16)]
    yield bytes([0, FRAGMENTS, 1]) + SPLIT.join(pieces)
    yield bytes([0, FRAGMENTS6, 1]) + SPLIT.join(pieces[::-1])
    yield bytes([0, FRAGMENTS, 3]) + SPLIT.join([pieces[0], b"\x11" + pieces[1][1:], pieces[0]])
    for protocol, flags in ((1, 0x42), (1, 0x12), (1, 0x14), (1, 0x29), (2, 0x40), (0, 8)):
        ports = [struct.pack("!HHBB", 50000, 400 + n, protocol, flags) for n in range(12)]
        yield bytes([0, SEGMENTS, 2]) + SPLIT.join(port + bytes(9) for port in ports)
