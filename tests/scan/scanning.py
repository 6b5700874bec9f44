"""Scanners over small sets, for tests: keys and frames in, sightings out."""

import random
from collections.abc import Iterable, Sequence

from agent.model import PacketBatch, Sighting, Source, Trail
from agent.scan import is_compiled, stats
from agent.scan.bank import Bank
from agent.scan.counters import Distinct
from agent.scan.lookup import TEXT_BYTES, Filters, Lookup
from agent.scan.rates import NAMES as RATES
from agent.scan.rates import Rates
from agent.scan.scanner import Scanner
from agent.trails.build import Builder
from tests import packets

SEED = 0x5EED

A, B = "10.0.0.66", "198.51.100.7"
"""A client and a server that no test lists unless it says so."""
A6, B6 = "2001:db8::66", "2001:db8:1::7"

EVIL, EVIL6 = "66.66.66.66", "dead::beef"


def sized(compiled: int, plain: int) -> int:
    """Return how much work a test does, by the build that runs."""
    return compiled if is_compiled() else plain


def randomness(seed: int) -> random.Random:
    """Return draws that are the same in every run."""
    return random.Random(seed)  # noqa: S311 - nobody attacks a test


def set_bytes(keys: Iterable[str], seed: int = SEED) -> bytes:
    """Build a set of our own dialect; a key that can never match is the test's mistake."""
    builder = Builder(seed)
    for key in keys:
        reason = builder.add(
            Trail(key=key, info="malware", reference="test", source=Source("test"))
        )
        assert reason is None, f"{key}: {reason}"
    return builder.to_bytes()


def make(
    *published: str,
    own: Sequence[str] = (),
    bank: Bank | None = None,
    shard: int = 0,
    shards: int = 1,
) -> Scanner:
    """Make a scanner of these keys."""
    return Scanner(*buffers(published, own), bank, shard, shards)


TABLES = ("probes", "udp_ports", "hosts", "infected", "paths", "names")


def full_bank(level: int = 0, *, items: int = 8, window: int = 30) -> Bank:
    """Make a bank with every table there is, small, and all rates."""
    by_port = ("hosts", "infected")
    return Bank(
        {
            name: Distinct(SEED, 64, items, window, level, name=name, by_port=name in by_port)
            for name in TABLES
        },
        Rates(SEED, dict.fromkeys(RATES, level)),
        follow_udp=True,
    )


def buffers(published: Iterable[str], own: Iterable[str] = ()) -> tuple[bytes, bytes, Filters]:
    """Build what scanners share: the own set, the published one, their filters."""
    first, second = set_bytes(own), set_bytes(published)
    text = bytearray(TEXT_BYTES)
    return first, second, Filters(Lookup(first, text), Lookup(second, text))


def scan(
    keys: Iterable[str], frames: Iterable[bytes], *, datalink: int = packets.ETHERNET
) -> list[Sighting]:
    """Scan frames a millisecond apart and return all that was seen."""
    scanner = make(*keys)
    scanner.scan(packets.batch(frames, datalink=datalink))
    scanner.finish()
    assert count(scanner, stats.ERRORS) == 0
    return scanner.drain(True, "")


def seen(
    keys: Iterable[str], frames: Iterable[bytes], *, datalink: int = packets.ETHERNET
) -> list[str]:
    """Return what kinds of sightings the frames yield."""
    return [sighting.what for sighting in scan(keys, frames, datalink=datalink)]


def count(scanner: Scanner, place: int) -> int:
    """Return one of a scanner's counters."""
    return scanner.statistics()[place]


def cut(frame: bytes, length: int, datalink: int = packets.ETHERNET) -> PacketBatch:
    """Return a batch whose only packet is the frame's beginning, with the rest lying behind it."""
    whole = packets.batch([frame], datalink=datalink)
    return whole._replace(meta=whole.meta[:12] + length.to_bytes(4, "little"))
