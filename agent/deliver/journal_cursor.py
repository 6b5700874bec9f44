"""Up to where each band is settled, in a file of two slots that are written in turn.

A slot that a crash tore does not pass its checksum, and the other one, older by one step, counts:
then a few entries are sent once more.
"""

import os
import struct
import zlib
from pathlib import Path

from agent.deliver.entry import BANDS
from agent.deliver.journal_segment import MODE

_SLOT = struct.Struct(f"<4sQ{2 * len(BANDS)}Q")
_CHECK = struct.Struct("<I")
_MAGIC = b"MTC1"
_STRIDE = 512
"""Bytes between the slots: what a disk writes in one piece."""

Position = tuple[int, int]
"""The ordinal of the first unsettled record of a band and its offset in its segment."""


class Cursor:
    """The file; `positions` holds what it says, one for each band."""

    def __init__(self, path: Path) -> None:
        """Open or make the file; raise OSError."""
        self.positions: tuple[Position, ...] = ((0, 0),) * len(BANDS)
        self._turn = 0
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
        try:
            self._load()
        except OSError:
            os.close(self._fd)
            raise

    def save(self, positions: tuple[Position, ...]) -> None:
        """Write the positions where they changed; raise OSError."""
        if positions == self.positions:
            return
        flat = [number for position in positions for number in position]
        slot = _SLOT.pack(_MAGIC, self._turn + 1, *flat)
        os.pwrite(self._fd, slot + _CHECK.pack(zlib.crc32(slot)), _STRIDE * (self._turn % 2))
        self._turn += 1
        self.positions = positions

    def written(self) -> int:
        """Return a descriptor for syncing, to be closed by the caller."""
        return os.dup(self._fd)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)

    def _load(self) -> None:
        data = os.pread(self._fd, 2 * _STRIDE, 0)
        if not data:
            os.pwrite(self._fd, bytes(2 * _STRIDE), 0)  # its room on the disk is taken now
        for begin in (0, _STRIDE):
            slot = data[begin : begin + _SLOT.size]
            check = data[begin + _SLOT.size : begin + _SLOT.size + _CHECK.size]
            if len(check) < _CHECK.size or _CHECK.unpack(check)[0] != zlib.crc32(slot):
                continue
            magic, turn, *flat = _SLOT.unpack(slot)
            if magic == _MAGIC and turn > self._turn:
                self._turn = turn
                self.positions = tuple(zip(flat[::2], flat[1::2], strict=True))
