"""Read a band's records in order across its segments, passing over what is damaged."""

import logging
import os
from collections import deque
from collections.abc import Sequence

import msgspec

from agent.deliver import journal_record
from agent.deliver.journal_record import Flaw, Found
from agent.deliver.journal_segment import READ_BYTES, Segment

AHEAD = 256
"""Records taken from the buffer at once: about what one write to an output sends."""

_log = logging.getLogger("deliver.journal")


class Place(msgspec.Struct, frozen=True, gc=False):
    """Between two records: the ordinal is that of the next one."""

    segment: Segment
    offset: int
    ordinal: int


def after(segment: Segment, segments: Sequence[Segment]) -> Segment | None:
    """Return the next younger segment that is still there."""
    return next((one for one in segments if one.first > segment.first), None)


class Reader:
    """Keeps one file open and some hundred kB of it in memory."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._fd: int | None = None
        self._buffer = b""
        self._start = 0  # where in the file the buffer begins
        self._ahead: deque[Found] = deque()  # whole records behind `place`, `end` in the file

    def next(self, segments: Sequence[Segment]) -> Found | None:
        """Return the next record, with `place` behind it, or None at the end of all segments."""
        while not self._ahead:
            if self._look_ahead():
                continue
            segment = after(self.place.segment, segments)
            if segment is None:
                return None
            self._enter(Place(segment, 0, segment.first))
        found = self._ahead.popleft()
        self.place = Place(self.place.segment, found.end, found.ordinal + 1)
        return found

    def seek(self, place: Place) -> None:
        """Go on from another place."""
        self._ahead.clear()
        if place.segment is not self.place.segment:
            self._enter(place)
        elif place.offset < self._start:
            self._buffer, self._start = b"", place.offset
        self.place = place

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _enter(self, place: Place) -> None:
        self.close()
        self.place = place
        self._buffer, self._start = b"", place.offset

    def _look_ahead(self) -> bool:
        """Take the whole records that the buffer holds, or more of the file; tell whether any came.

        At the end of the segment `place` is behind everything, what is damaged included.
        """
        segment, offset, ordinal = self.place.segment, self.place.offset, self.place.ordinal
        last = segment.end
        while ordinal < last:
            # First what is expected, then what may stand behind damage.
            ordinals = range(ordinal, min(last, ordinal + AHEAD))
            ahead = journal_record.read_on(
                self._buffer, self._start, offset, segment.salt, ordinals
            )
            if ahead:
                self._ahead.extend(ahead)
                return True
            at = offset - self._start
            found = journal_record.read(self._buffer, at, segment.salt)
            if found is Flaw.SHORT and self._fill(offset):
                continue
            if isinstance(found, Found) and ordinal <= found.ordinal < last:
                ordinal = found.ordinal
                continue
            if at >= len(self._buffer):
                break
            offset = self._start + journal_record.resync(self._buffer, at)
        self.place = Place(segment, max(offset, segment.size), segment.end)
        return False

    def _fill(self, offset: int) -> bool:
        """Put more of the file behind what the buffer holds from `offset` on; tell whether."""
        segment = self.place.segment
        kept = self._buffer[offset - self._start :]
        begin = offset + len(kept)
        wanted = min(READ_BYTES, segment.size - begin)
        if wanted <= 0:
            return False
        try:
            if self._fd is None:
                self._fd = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
            more = os.pread(self._fd, wanted, begin)
        except OSError as error:
            _log.error("%s cannot be read: %s", segment.path, error.strerror)
            return False
        self._buffer, self._start = kept + more, offset
        return bool(more)
