"""Write a capture with one DNS query for each name: python tests/lab/capture.py FILE NAME..."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests import packets

CLIENT, RESOLVER = "192.168.1.10", "192.168.1.1"


def main(path: str, *names: str) -> None:
    """Write the capture; every query comes from a port of its own."""
    frames = [
        packets.udp_frame(CLIENT, 40_000 + number, RESOLVER, 53, packets.dns_query(name))
        for number, name in enumerate(names)
    ]
    packets.write_pcap(Path(path), packets.timed(frames))


if __name__ == "__main__":
    main(*sys.argv[1:])
