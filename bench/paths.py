"""What a packet costs: reading it, scanning it, and the whole path as a replay goes it.

Strategy: runs alternate, reading, whole path, scanner, and the first round is dropped, as it warms
caches. Each run has sets and tables of its own, made before the clock starts. Tables are new memory
then, so the first use of their pages is part of what is measured. Processor time stands beside
the time on the clock: it tells how much of a number is other programs' doing.
"""

import gc
import time
from pathlib import Path
from typing import NamedTuple

import pcapy

from agent.capture import BATCH_MAX
from agent.config import Settings
from agent.model import PacketBatch
from agent.replay import Options, Replay
from bench.pairs import Spread, added, spread

ETHERNET = 1
NO_CLASS = 0
"""Admission mask of loop_filtered: every packet is classified in C, none becomes an object."""


class Spent(NamedTuple):
    """Nanoseconds on the clock, and of processor time."""

    clock: int
    cpu: int


class PathCost(NamedTuple):
    """Nanoseconds a packet of one capture, and what was found in it.

    `added` is whole - reading on the clock, `added_cpu` the same in processor time.
    """

    capture: str
    packets: int
    reading: Spread
    scan: Spread
    scan_cpu: Spread
    whole: Spread
    added: Spread
    added_cpu: Spread
    filtered: Spread
    hits: int
    events: int


class _Run(NamedTuple):
    spent: Spent
    packets: int
    hits: int
    events: int


def measure(capture: Path, trails: Path, pairs: int) -> PathCost:
    """Measure a capture against a set, `pairs` times after a first round that warms caches."""
    reading, whole, scan, filtered = [], [], [], []
    for _ in range(pairs + 1):
        reading.append(_read(capture))
        run = _replay(capture, trails)
        whole.append(run.spent)
        scan.append(_scan(capture, trails))
        filtered.append(_filter(capture))

    def clock(spent: list[Spent]) -> list[float]:
        return [one.clock / run.packets for one in spent[1:]]

    def cpu(spent: list[Spent]) -> list[float]:
        return [one.cpu / run.packets for one in spent[1:]]

    return PathCost(
        capture=capture.stem,
        packets=run.packets,
        reading=spread(clock(reading)),
        scan=spread(clock(scan)),
        scan_cpu=spread(cpu(scan)),
        whole=spread(clock(whole)),
        added=added(clock(reading), clock(whole)),
        added_cpu=added(cpu(reading), cpu(whole)),
        filtered=spread(clock(filtered)),
        hits=run.hits,
        events=run.events,
    )


def _now() -> Spent:
    return Spent(time.perf_counter_ns(), time.process_time_ns())


def _since(begin: Spent) -> Spent:
    return Spent(time.perf_counter_ns() - begin.clock, time.process_time_ns() - begin.cpu)


def _read(capture: Path) -> Spent:
    """Drain a capture as a replay does and drop what comes."""
    gc.collect()
    begin = _now()
    handle = pcapy.open_offline(str(capture))
    while True:
        _data, meta = handle.next_batch(BATCH_MAX)
        if not meta:
            break
    handle.close()
    return _since(begin)


def _replay(capture: Path, trails: Path) -> _Run:
    """Replay a capture and drop its events."""
    replay = _wired(capture, trails)
    events = 0
    begin = _now()
    for batch in replay.files.batches():
        for _event in replay.take(batch):
            events += 1
    for _event in replay.end():
        events += 1
    spent = _since(begin)
    found = replay.statistics()
    return _Run(spent, int(str(found["packets"])), int(str(found["hits"])), events)


def _scan(capture: Path, trails: Path) -> Spent:
    """Return the time inside the scanner alone."""
    replay = _wired(capture, trails)
    scanner = replay.scanners[0]
    clock = cpu = 0
    for batch in replay.files.batches():
        begin = _now()
        scanner.scan(batch)
        spent = _since(begin)
        clock += spent.clock
        cpu += spent.cpu
        scanner.drain(True, "")
    return Spent(clock, cpu)


def _filter(capture: Path) -> Spent:
    """Let pcapy classify a capture and admit nothing."""
    gc.collect()
    begin = _now()
    handle = pcapy.open_offline(str(capture))
    handle.loop_filtered(-1, lambda *_: None, NO_CLASS)
    handle.close()
    return _since(begin)


def _wired(capture: Path, trails: Path) -> Replay:
    """Return a replay that has its sets open and its tables made."""
    options = Options(captures=(str(capture),), trails=(trails,))
    replay = Replay(Settings(), Path("/nonexistent"), options)
    for _event in replay.take(PacketBatch(ETHERNET, b"", b"", "")):
        pass
    gc.collect()
    return replay
