"""What a packet costs: reading it, scanning it, and the whole path as a replay goes it.

Strategy: runs alternate, reading, whole path, scanner, and the first round is dropped, as it warms
caches. Each run has sets and tables of its own, made before the clock starts. Tables are new memory
then, so the first use of their pages is part of what is measured.
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


class PathCost(NamedTuple):
    """Nanoseconds a packet of one capture, and what was found in it."""

    capture: str
    packets: int
    reading: Spread
    scan: Spread
    whole: Spread
    added: Spread
    filtered: Spread
    hits: int
    events: int


class _Run(NamedTuple):
    spent: int
    packets: int
    hits: int
    events: int


def measure(capture: Path, trails: Path, pairs: int) -> PathCost:
    """Measure a capture against a set, `pairs` times after a first round that warms caches."""
    reading, whole, scan, filtered = [], [], [], []
    for _ in range(pairs + 1):
        packets, spent = _read(capture)
        reading.append(spent / packets)
        run = _replay(capture, trails)
        whole.append(run.spent / packets)
        scan.append(_scan(capture, trails) / packets)
        filtered.append(_filter(capture) / packets)
    return PathCost(
        capture=capture.stem,
        packets=run.packets,
        reading=spread(reading[1:]),
        scan=spread(scan[1:]),
        whole=spread(whole[1:]),
        added=added(reading[1:], whole[1:]),
        filtered=spread(filtered[1:]),
        hits=run.hits,
        events=run.events,
    )


def _read(capture: Path) -> tuple[int, int]:
    """Drain a capture as a replay does and drop what comes; return packets and nanoseconds."""
    gc.collect()
    packets = 0
    begin = time.perf_counter_ns()
    handle = pcapy.open_offline(str(capture))
    while True:
        _data, meta = handle.next_batch(BATCH_MAX)
        if not meta:
            break
        packets += len(meta) // 16
    handle.close()
    return packets, time.perf_counter_ns() - begin


def _replay(capture: Path, trails: Path) -> _Run:
    """Replay a capture and drop its events."""
    replay = _wired(capture, trails)
    events = 0
    begin = time.perf_counter_ns()
    for batch in replay.files.batches():
        for _event in replay.take(batch):
            events += 1
    for _event in replay.end():
        events += 1
    spent = time.perf_counter_ns() - begin
    found = replay.statistics()
    return _Run(spent, int(str(found["packets"])), int(str(found["hits"])), events)


def _scan(capture: Path, trails: Path) -> int:
    """Return the nanoseconds inside the scanner alone."""
    replay = _wired(capture, trails)
    scanner = replay.scanners[0]
    spent = 0
    for batch in replay.files.batches():
        begin = time.perf_counter_ns()
        scanner.scan(batch)
        spent += time.perf_counter_ns() - begin
        scanner.drain(True, "")
    return spent


def _filter(capture: Path) -> int:
    """Return the nanoseconds that pcapy takes to classify a capture, admitting nothing."""
    gc.collect()
    begin = time.perf_counter_ns()
    handle = pcapy.open_offline(str(capture))
    handle.loop_filtered(-1, lambda *_: None, NO_CLASS)
    handle.close()
    return time.perf_counter_ns() - begin


def _wired(capture: Path, trails: Path) -> Replay:
    """Return a replay that has its sets open and its tables made."""
    options = Options(captures=(str(capture),), trails=(trails,))
    replay = Replay(Settings(), Path("/nonexistent"), options)
    for _event in replay.take(PacketBatch(ETHERNET, b"", b"", "")):
        pass
    gc.collect()
    return replay
