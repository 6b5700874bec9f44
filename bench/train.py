"""Show the scanner ordinary traffic: a compiler that counts learns which way its branches go.

    python -m bench.train

The packets are made up from another seed than those that `make bench` measures, so that what is
learnt is the kind of traffic and not its bytes. All of it is the same each time.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from agent.config import Settings
from agent.replay import Options, Replay
from agent.scan import is_compiled
from agent.trails import files
from agent.trails.build import Builder
from bench import captures, sets
from tests import packets
from tests.office import Office

SEED = 2
PACKETS = {"mix": 100_000}
FEW = 10_000
"""Packets of every kind that PACKETS does not name."""
HOSTS = 25
TRAILS = 20_000


def traffic(folder: Path) -> Iterator[Path]:
    """Write the captures and yield their paths."""
    for kind in captures.KINDS:
        yield captures.write(folder, kind, count=PACKETS.get(kind, FEW), seed=SEED)
    office = folder / "office.pcap"
    packets.write_pcap(office, Office(HOSTS, SEED).day())
    yield office


def trail_set(folder: Path) -> Path:
    """Write a set that names the one address of the captures, and return its path."""
    rows, made = folder / "trails.csv", folder / "trails.set"
    sets.write_generated(rows, TRAILS)
    with rows.open("a", encoding="ascii") as file:
        file.write(f"{captures.LISTED},listed (malware),(bench)\n")
    builder = Builder(seed=0, built_us=packets.START_US)
    files.add_all(builder, [rows])
    builder.write(made)
    return made


def main() -> int:
    """Replay everything, drop what is told, say how much it was; return the exit status."""
    if not is_compiled():
        print("bench.train: the scanner is not compiled, nobody would learn", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="maltrail-train-") as name:
        folder = Path(name)
        trails = trail_set(folder)
        told = 0
        for capture in traffic(folder):
            options = Options(captures=(str(capture),), trails=(trails,))
            told += sum(1 for _ in Replay(Settings(), folder, options).deliveries())
            capture.unlink()
    print(f"bench.train: {told} events")
    return 0


if __name__ == "__main__":
    sys.exit(main())
