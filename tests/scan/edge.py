"""Scan packets that end where readable memory ends: `python -m tests.scan.edge [beyond]`.

A read behind such a packet is no error that anybody could catch: it ends the process, which the
test that runs this sees. With `beyond` it does such a read itself.
"""

import ctypes
import mmap
import sys
from typing import cast

from agent.model import PacketBatch
from agent.scan import stats
from tests import packets
from tests.scan.scanning import count, full_bank, make, randomness, sized
from tests.scan.test_scanner import KEYS, PATTERNS, SAMPLES

ROOM = 4 * mmap.PAGESIZE
NO_ACCESS = 0


class Edge:
    """Memory whose end is followed by a page that nobody may read."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, ROOM + mmap.PAGESIZE)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory)) + ROOM
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mprotect(ctypes.c_void_p(self.address), mmap.PAGESIZE, NO_ACCESS):
            raise OSError(ctypes.get_errno(), "mprotect")

    def put(self, data: bytes) -> memoryview:
        """Return the bytes as they lie at the very end."""
        place = slice(ROOM - len(data), ROOM)
        self._memory[place] = data
        return memoryview(self._memory)[place]


def main() -> int:
    """Scan every beginning of every sample, as it is and with random bytes; return the errors."""
    edge = Edge()
    if sys.argv[1:] == ["beyond"]:
        return int(ctypes.c_ubyte.from_address(edge.address).value)
    draw = randomness(9)
    scanner = make(*KEYS, *PATTERNS, bank=full_bank())
    for datalink, frame in SAMPLES.values():
        for length in range(len(frame) + 1):
            for damage in range(sized(40, 4)):
                part = bytearray(frame[:length])
                for _ in range(damage if length else 0):
                    part[draw.randrange(length)] = draw.choice((0, 0xC0, 0xFF, draw.randrange(256)))
                batch = packets.batch([bytes(part)], datalink=datalink)
                scanner.scan(
                    PacketBatch(datalink, cast(bytes, edge.put(batch.data)), batch.meta, "")
                )
            scanner.drain(True, "")
    return min(count(scanner, stats.ERRORS), 99)


if __name__ == "__main__":
    sys.exit(main())
