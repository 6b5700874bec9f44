"""What a flood costs a replay, and whether anything listed is missed: `python -m bench.flood`.

SYNs from random sources at one host, or with `--anywhere` at random ones, 200,000 a second by their
own clock; every five-hundredth packet is a question for a listed name. Reading alone, replay with
all behaviours and replay without any alternate.
"""

import argparse
import random
import resource
import struct
import tempfile
import time
from pathlib import Path

import pcapy

from agent.capture import BATCH_MAX
from agent.config import Options as Detections
from agent.config import Settings
from agent.replay import Options, Replay
from tests import packets

STEP_US = 5
EVERY = 500
NAME = "evil.example.org"
VICTIM = "192.168.1.20"
_RECORD = struct.Struct("<IIII")
_SOURCE, _DESTINATION, _PORT = slice(26, 30), slice(30, 34), slice(34, 36)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.flood", description=__doc__)
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--anywhere", action="store_true", help="at random hosts")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="maltrail-bench-") as folder:
        place = Path(folder)
        capture = write(place / "flood.pcap", options.packets, anywhere=options.anywhere)
        trails = place / "trails.txt"
        trails.write_text(f"{NAME}\n", encoding="utf-8")
        for _ in range(options.rounds):
            reading = _read(capture) / options.packets
            spent, told = _replay(capture, trails, {})
            without, _ = _replay(capture, trails, {"enabled": False})
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            asked = -(-options.packets // EVERY)
            print(
                f"reading {reading:.0f} ns a packet, "
                f"replay +{spent / options.packets - reading:.0f}, "
                f"without behaviours +{without / options.packets - reading:.0f}; "
                f"listed names told {told} of {asked}; at most {memory} MB resident"
            )


def write(path: Path, count: int, *, anywhere: bool) -> Path:
    """Write the flood."""
    rng = random.Random(1)  # noqa: S311 - reproducible on purpose
    syn = packets.syn_frame("198.51.100.1", 1, VICTIM, 443)
    query = packets.dns_query(f"www.{NAME}")
    question = packets.udp_frame("192.168.1.10", 40000, "192.0.2.53", 53, query)
    with path.open("wb") as file:
        file.write(packets.pcap_bytes([]))
        for number in range(count):
            frame = bytearray(syn if number % EVERY else question)
            if number % EVERY:
                frame[_SOURCE] = rng.randbytes(4)
                frame[_PORT] = rng.randbytes(2)
                if anywhere:
                    frame[_DESTINATION] = rng.randbytes(4)
            else:  # each is asked anew: copies of one packet are one observation
                frame[_PORT] = struct.pack("!H", 1024 + number // EVERY % 60_000)
            when = divmod(packets.START_US + number * STEP_US, 1_000_000)
            file.write(_RECORD.pack(*when, len(frame), len(frame)) + frame)
    return path


def _read(capture: Path) -> int:
    reader = pcapy.open_offline(str(capture))
    begin = time.process_time_ns()
    while reader.next_batch(BATCH_MAX)[1]:
        pass
    return time.process_time_ns() - begin


def _replay(capture: Path, trails: Path, detections: dict[str, bool]) -> tuple[int, int]:
    """Return the processor time in nanoseconds, and how often the listed name was told."""
    settings = Settings(detections=Detections(detections))
    replay = Replay(settings, trails.parent, Options(captures=(str(capture),), trails=(trails,)))
    begin = time.process_time_ns()
    told = sum(
        delivery.event.count
        for delivery in replay.deliveries()
        if delivery.event.class_id == "trail-domain"
    )
    return time.process_time_ns() - begin, told


if __name__ == "__main__":
    main()
