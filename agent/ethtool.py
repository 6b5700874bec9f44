"""What a network card does with packets before they are captured: ethtool's questions, by ioctl.

Each asks, none changes, and none needs privileges (linux/ethtool.h, linux/sockios.h). The socket
is of the family AF_UNIX: any will do, and sense may open no internet socket.
"""

import array
import fcntl
import socket
import struct
from typing import NamedTuple

_SIOCETHTOOL = 0x8946
_GET_RING = 0x10
_GET_FLAGS = 0x25
_GET_GRO = 0x2B
_FLAG_LRO = 1 << 15
_NAME_BYTES = 15


class Ring(NamedTuple):
    """Places for packets that the driver has not taken yet: used, and what the card offers."""

    size: int
    most: int


def joins_packets(name: str) -> list[str]:
    """Return which offloads put received packets together: `gro`, `lro`; raise OSError."""
    (gro,) = _ask(name, _GET_GRO, "I")
    (flags,) = _ask(name, _GET_FLAGS, "I")
    return [word for word, is_on in (("gro", gro), ("lro", flags & _FLAG_LRO)) if is_on]


def receive_ring(name: str) -> Ring:
    """Return the receive ring; raise OSError where the driver has none to tell of."""
    most, _, _, _, size, *_ = _ask(name, _GET_RING, "8I")
    return Ring(size, most)


def _ask(name: str, command: int, answer: str) -> tuple[int, ...]:
    """Return the numbers that follow the command in the driver's answer; raise OSError."""
    layout = struct.Struct(f"=I{answer}")
    buffer = array.array("B", layout.pack(command, *[0] * (layout.size // 4 - 1)))
    address, _ = buffer.buffer_info()
    request = struct.pack("16sP", name.encode()[:_NAME_BYTES], address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asked:
        fcntl.ioctl(asked, _SIOCETHTOOL, request.ljust(40, b"\0"))
    return tuple(layout.unpack(buffer)[1:])
