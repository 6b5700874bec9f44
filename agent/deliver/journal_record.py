"""How an entry stands in a journal's file, and how it is found again after damage.

A record is a frame (magic, length, CRC-32) and a body (number, ordinal, run, seq, time, severity,
event). The CRC starts from a salt that only the file's name tells: text from the wire that looks
like a record never passes for one. The magic begins with a byte that UTF-8 has no use for.
"""

import struct
import zlib
from enum import Enum

import msgspec

from agent.deliver.entry import Entry
from agent.link import MAX_FRAME

_MAGIC = b"\xf5MTJ"
_FRAME = struct.Struct("<4sII")
_BODY = struct.Struct("<QQ16sQdB")
_HEAD = struct.Struct("<4sIIQQ16sQdB")
_MAX_BODY = _BODY.size + MAX_FRAME

OVERHEAD = _HEAD.size
"""Bytes of a record besides its event."""


class Flaw(Enum):
    """Why no record could be read at a place."""

    SHORT = "the bytes end before the record does"
    BAD = "no record begins here, or it is damaged"


class Found(msgspec.Struct, frozen=True, gc=False):
    """A record: its entry, its place in the order of its band, and where it ends."""

    entry: Entry
    ordinal: int
    end: int


def pack(entry: Entry, ordinal: int, salt: int) -> bytes:
    """Return the record of an entry."""
    fields = (entry.number, ordinal, entry.run, entry.seq, entry.entered, entry.severity)
    body = _BODY.pack(*fields) + entry.data
    return _FRAME.pack(_MAGIC, len(body), zlib.crc32(body, salt)) + body


def read(buffer: bytes, at: int, salt: int) -> Found | Flaw:
    """Return the record that begins at `at`."""
    if len(buffer) - at < OVERHEAD:
        return Flaw.SHORT
    magic, length, checksum, number, ordinal, run, seq, entered, severity = _HEAD.unpack_from(
        buffer, at
    )
    if magic != _MAGIC or not _BODY.size <= length <= _MAX_BODY:
        return Flaw.BAD
    begin = at + _FRAME.size
    end = begin + length
    if end > len(buffer):
        return Flaw.SHORT
    if zlib.crc32(buffer[begin:end], salt) != checksum:
        return Flaw.BAD
    data = buffer[at + OVERHEAD : end]
    return Found(Entry(number, run, seq, entered, severity, data), ordinal, end)


def read_on(buffer: bytes, begin: int, at: int, salt: int, ordinals: range) -> list[Found]:
    """Return the whole records from `at` of the file on that have just these ordinals, in order.

    The buffer's first byte is the file's at `begin`; `end` of each record counts in the file.
    """
    found = []
    unpack, crc32, least = _HEAD.unpack_from, zlib.crc32, _BODY.size
    size, place = len(buffer), at - begin
    for expected in ordinals:
        if size - place < OVERHEAD:
            break
        magic, length, checksum, number, ordinal, run, seq, entered, severity = unpack(
            buffer, place
        )
        start = place + _FRAME.size
        end = start + length
        if magic != _MAGIC or ordinal != expected or length < least or end > size:
            break
        if crc32(buffer[start:end], salt) != checksum:
            break
        data = buffer[place + OVERHEAD : end]
        found.append(Found(Entry(number, run, seq, entered, severity, data), ordinal, begin + end))
        place = end
    return found


def count(data: bytes) -> int:
    """Return how many records seem to begin in bytes that hold no whole one; one at least."""
    return max(1, data.count(_MAGIC))


def resync(buffer: bytes, at: int) -> int:
    """Return where behind `at` the next record may begin; the end of the buffer where none does."""
    found = buffer.find(_MAGIC, at + 1)
    # The magic itself may be cut in two by the end of the buffer.
    return found if found >= 0 else max(at + 1, len(buffer) - len(_MAGIC) + 1)
