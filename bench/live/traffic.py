"""Captures for loads: a mix in which every tenth packet hits one of 1,000 trails of a set.

Each trail has a client of its own, and so an incident that has an event a second where incidents
last that long: 1,000 a second, what an output sends over UDP by default. Which packets hit is not
trusted but asked: a replay of them has to find each exactly once.
"""

import ipaddress
import itertools
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from agent.scan import layout
from agent.trails.set import TrailSet
from bench import captures
from tests import packets

PACKETS = 100_000
TRAILS = 1_000
SHARE = 10
"""Every tenth packet hits."""
SEED = 2
SPARE = 2
"""How many times as many trails are tried as are needed: some are kept from matching."""
RESOLVER = "192.0.2.53"
HITS = "+hits"
"""Ends the name of a capture in which some packets hit."""
NAMES = ("mix", "mix+hits", "syn", "syn+hits")
_KINDS = {"mix": captures.mix, "syn": captures.syn}


class Traffic(NamedTuple):
    """A capture, its packets, and how many of them hit."""

    name: str
    path: Path
    packets: int
    hits: int


def write(folder: Path, name: str, trails: Path) -> Traffic:
    """Write one of NAMES; raise ValueError where the set has too few trails to hit."""
    draw = random.Random(SEED)  # noqa: S311 - reproducible on purpose
    frames = _KINDS[name.removesuffix(HITS)](draw)
    with_hits = name.endswith(HITS)
    path = folder / f"{name}.pcap"
    if with_hits:
        frames = _mixed(frames, hitting(folder, trails))
    packets.write_pcap(path, packets.timed(itertools.islice(frames, PACKETS), step_us=10))
    return Traffic(name, path, PACKETS, PACKETS // SHARE if with_hits else 0)


def hitting(folder: Path, trails: Path) -> list[bytes]:
    """Return frames that hit TRAILS different trails, each frame one of them.

    Raise ValueError where a replay finds too few of them.
    """
    tried = list(_frames(trails, SPARE * TRAILS))
    path = packets.write_pcap(folder / "hits.pcap", packets.timed(tried, step_us=10))
    command = [sys.executable, "-m", "agent", "replay", "--trails", str(trails), str(path)]
    command += ["--no-condense", "--no-allow-list"]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    times: Counter[str] = Counter()
    sources: dict[str, str] = {}
    for line in told.splitlines():
        event = json.loads(line)
        if event["class"].startswith("trail-"):
            times[event["src_ip"]] += event["count"]
            sources[event["indicator"]] = event["src_ip"]
    once = [source for source in sources.values() if times[source] == 1]
    if len(once) < TRAILS:
        raise ValueError(f"{trails}: only {len(once)} trails of {TRAILS} can be hit")
    chosen = set(once[:TRAILS])
    return [frame for number, frame in enumerate(tried) if client(number) in chosen]


def client(number: int) -> str:
    """Return the client of a frame that hits: each has its own, and so its own incident."""
    return str(ipaddress.IPv4Address((10 << 24) + (200 << 16) + number))


def _frames(trails: Path, count: int) -> Iterator[bytes]:
    """Yield attempts to reach listed addresses and questions for listed names, in turns."""
    opened = TrailSet.open(trails)
    addresses = _spread(opened, layout.IP4, count // 2)
    names = _spread(opened, layout.DOMAIN, count - count // 2)
    pairs = itertools.zip_longest(addresses, names)
    for number, key in enumerate(key for pair in pairs for key in pair if key):
        if key[0].isdigit() and key.replace(".", "").isdigit():
            yield packets.syn_frame(client(number), 40000, key, 443)
        else:
            question = packets.dns_query(key)
            yield packets.udp_frame(client(number), 40000, RESOLVER, 53, question)


def _spread(opened: TrailSet, kind: int, count: int) -> list[str]:
    """Return keys of a kind, evenly from all of the set."""
    rows = list(opened.rows(kind))
    step = max(1, len(rows) // max(1, count))
    return [opened.row(number).key for number in rows[::step][:count]]


def _mixed(frames: Iterable[bytes], hits: list[bytes]) -> Iterator[bytes]:
    """Yield a hit after every nine other packets, all of them equally often."""
    others, every = iter(frames), itertools.cycle(hits)
    while True:
        yield from itertools.islice(others, SHARE - 1)
        yield next(every)
