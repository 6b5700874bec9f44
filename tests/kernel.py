"""The kernel's own filters, asked without privileges, through a pair of sockets."""

import socket
from collections.abc import Iterable, Sequence

from agent.kernel_filter import attach

MAX_FRAME = 1 << 16


def kept(program: Iterable[tuple[int, int, int, int]], frames: Sequence[bytes]) -> list[bool]:
    """Return which frames pass a program."""
    writing, reading = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with writing, reading:
        reading.setblocking(False)
        attach(reading.fileno(), program)
        return [_passes(writing, reading, frame) for frame in frames]


def _passes(writing: socket.socket, reading: socket.socket, frame: bytes) -> bool:
    writing.send(frame)
    try:
        return bool(reading.recv(MAX_FRAME))
    except BlockingIOError:
        return False
