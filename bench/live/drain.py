"""A raw socket that is drained and nothing else: what this machine's wire delivers at best.

`python -m bench.live.drain INTERFACE` says `ready`, drains until it is asked to end, then prints
one JSON object. The kernel fills a ring of blocks (packet(7), PACKET_RX_RING, version 3); a block
is given back unread, so that the cost is the kernel's alone.
"""

import json
import mmap
import select
import signal
import socket
import struct
import sys
from typing import NamedTuple

BLOCK_BYTES, BLOCKS = 1 << 20, 64
"""The same 64 MB that sense has by default."""
FRAME_BYTES = 2048
RETIRE_MS = 100
POLL_MS = 100

_SOL_PACKET, _VERSION, _RX_RING, _STATISTICS = 263, 10, 5, 6  # linux/if_packet.h
_TPACKET_V3 = 2
_ALL = 3  # linux/if_ether.h: ETH_P_ALL
_STATUS_AT = 8  # struct tpacket_block_desc: block_status
_USER = 1
_WORD = struct.Struct("=I")
_STATS = struct.Struct("=III")


class Drained(NamedTuple):
    """Packets that the kernel put into the ring, and those for which there was no room."""

    received: int
    dropped: int


class Drain:
    """An open ring on an interface."""

    def __init__(self, interface: str) -> None:
        """Open it; raise OSError."""
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
        self._socket.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V3)
        frames = BLOCK_BYTES // FRAME_BYTES * BLOCKS
        ring = struct.pack("=7I", BLOCK_BYTES, BLOCKS, FRAME_BYTES, frames, RETIRE_MS, 0, 0)
        self._socket.setsockopt(_SOL_PACKET, _RX_RING, ring)
        self._ring = mmap.mmap(self._socket.fileno(), BLOCK_BYTES * BLOCKS)
        self._socket.bind((interface, 0))
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._block = 0
        self._received = self._dropped = 0
        self._statistics()  # what came before the socket was bound is not this interface's
        self._received = self._dropped = 0

    def step(self) -> None:
        """Wait a moment for full blocks, and give all of them back."""
        self._poll.poll(POLL_MS)
        for _ in range(BLOCKS):
            at = self._block * BLOCK_BYTES + _STATUS_AT
            if not _WORD.unpack_from(self._ring, at)[0] & _USER:
                return
            _WORD.pack_into(self._ring, at, 0)
            self._block = (self._block + 1) % BLOCKS

    def drained(self) -> Drained:
        """Return the counts since the opening."""
        self._statistics()
        return Drained(self._received - self._dropped, self._dropped)

    def _statistics(self) -> None:
        """Add what the kernel counted since it was last asked; its packets include its drops."""
        raw = self._socket.getsockopt(_SOL_PACKET, _STATISTICS, _STATS.size)
        packets, drops, _ = _STATS.unpack(raw)
        self._received += packets
        self._dropped += drops


def main() -> None:
    """Drain the interface that the command line names."""
    drain = Drain(sys.argv[1])
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    print("ready", flush=True)
    while not ended:
        drain.step()
    print(json.dumps(drain.drained()._asdict()), flush=True)


if __name__ == "__main__":
    main()
