"""What a trail set costs: time and peak memory of its building, time of its opening.

Building happens in a process of its own, as `maltrail-agent update` does it:
`python -m bench.sets LIST SET` builds and prints one JSON object.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from agent.trails import files
from agent.trails.build import Builder
from agent.trails.set import TrailSet
from bench.pairs import Spread, spread

TRAILS = "data/trails-static.csv.xz"
"""A real list below MALTRAIL_SHARED."""
OPENINGS = 9
GENERATED = 1_500_000
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
_SCATTER = 2_654_435_761  # odd, hence one-to-one below 2^32: no row comes twice


class SetCost(NamedTuple):
    """Keys of the set, what its building took, and milliseconds of opening and verifying."""

    keys: int
    file_mb: float
    build_seconds: float
    build_mb: float
    open_ms: Spread
    verify_ms: Spread


def measure(source: Path, target: Path) -> SetCost:
    """Build `source` to `target` in a child process, then open and verify it repeatedly."""
    command = [sys.executable, "-m", "bench.sets", str(source), str(target)]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    opening, verifying = [], []
    for _ in range(OPENINGS):
        begin = time.perf_counter_ns()
        opened = TrailSet.open(target)
        middle = time.perf_counter_ns()
        opened.verify()
        opening.append((middle - begin) / 1e6)
        verifying.append((time.perf_counter_ns() - middle) / 1e6)
    return SetCost(
        keys=told["keys"],
        file_mb=target.stat().st_size / (1 << 20),
        build_seconds=told["seconds"],
        build_mb=told["mb"],
        open_ms=spread(opening),
        verify_ms=spread(verifying),
    )


def source(named: Path | None, folder: Path) -> Path:
    """Return the list that was named, or a real one where it is at hand, or one made up."""
    if named:
        return named
    shared = os.environ.get("MALTRAIL_SHARED")
    if shared and Path(shared, TRAILS).exists():
        return Path(shared, TRAILS)
    made_up = folder / "made-up.csv"
    write_generated(made_up)
    return made_up


def write_generated(path: Path, rows: int = GENERATED) -> None:
    """Write a list for machines without a real one: names, every eighth row an address."""
    with path.open("w", encoding="ascii") as file:
        for number in range(rows):
            h = number * _SCATTER % (1 << 32)
            if number % 8:
                key = f"{h:08x}.example{h % 97}.com"
            else:
                # In no network of bench.captures, so that only what shall hit hits.
                key = f"{60 + (h >> 24) % 150}.{h >> 16 & 255}.{h >> 8 & 255}.{h & 255}"
            file.write(f"{key},family {h % 500} (malware),(bench)\n")


def build(source: Path, target: Path) -> dict[str, float]:
    """Build a set in this process; return its keys, the seconds and the peak memory in MB."""
    begin = time.perf_counter()
    builder = Builder()
    files.add_all(builder, [source])
    info = builder.write(target)
    seconds = time.perf_counter() - begin
    # Not getrusage: its peak is that of whatever this process was before it became Python.
    found = _PEAK.search(Path("/proc/self/status").read_text(encoding="ascii"))
    peak = int(found[1]) / 1024 if found else 0.0
    return {"keys": info.keys, "seconds": seconds, "mb": peak}


if __name__ == "__main__":
    print(json.dumps(build(Path(sys.argv[1]), Path(sys.argv[2]))))
