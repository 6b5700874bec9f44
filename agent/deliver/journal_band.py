"""The entries of one severity band on disk: append, read in order, settle, drop the oldest.

Two places tell everything: what lies before `confirmed` is settled, what lies before the reader's
place was popped. A record that could not be read is counted when `confirmed` passes it, so that
it is counted once, also across restarts.
"""

import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from agent.deliver import journal_record, journal_segment
from agent.deliver.entry import Entry
from agent.deliver.journal_reader import Place, Reader, after
from agent.deliver.journal_record import Found
from agent.deliver.journal_segment import Segment

RECYCLE = 1 << 20
"""An open segment of which everything is settled is dropped from this size on."""


class Band:
    """Segments of one band, oldest first; the last may be open."""

    def __init__(
        self, folder: Path, name: str, segments: Sequence[Segment], ordinal: int, offset: int
    ) -> None:
        """Go on at the record `ordinal`, which begins at `offset` of its segment."""
        self.name = name
        self.corrupt = 0
        self.segments = [one for one in segments if one.end > max(ordinal, one.first)]
        self.settled = [one for one in segments if one not in self.segments]
        """Segments that are to be removed."""
        self._folder = folder
        self._next = max([ordinal, *(one.end for one in segments)])
        self._open_since = 0.0
        self._popped: deque[Place] = deque()
        self._head: Found | None = None
        self._confirmed: Place | None = None
        self._reader: Reader | None = None
        if self.segments:
            first = self.segments[0]
            # An offset belongs to the segment that held what is settled: not to one begun after it.
            is_within = first.first < ordinal
            place = (offset, ordinal) if is_within else (0, first.first)
            self._begin(Place(first, *place))

    @property
    def events(self) -> int:
        """How many records are not settled, damaged ones included."""
        if self._confirmed is None or not self.segments:
            return 0
        last = self.segments[-1]
        return self._between(self._confirmed, Place(last, last.size, last.end))

    @property
    def bytes(self) -> int:
        """How much room the files take."""
        return sum(one.size for one in self.segments)

    @property
    def cursor(self) -> tuple[int, int]:
        """The ordinal of the first record that is not settled, and its offset in its segment."""
        if self._confirmed is None:
            return self._next, 0
        return self._confirmed.ordinal, self._confirmed.offset

    @property
    def last_number(self) -> int:
        """The highest number that is known, for going on behind it after a start."""
        return max((one.last_number for one in self.segments), default=0)

    @property
    def oldest(self) -> float | None:
        """When the first entry came that was not popped yet, or None."""
        head = self.head()
        return None if head is None else head.entered

    def append(self, entries: Sequence[Entry], now: float, segment_bytes: int) -> None:
        """Write all entries with one call of the system; raise OSError where none was written."""
        segment = self._open_segment(segment_bytes)
        salt, ordinal = segment.salt, self._next
        data = b"".join(
            [journal_record.pack(entry, ordinal + i, salt) for i, entry in enumerate(entries)]
        )
        is_new = not segment.count
        try:
            segment.append(data, len(entries), now)
        except OSError:
            if is_new:
                self.segments.remove(segment)
                self.settled.append(segment)
            raise
        self._next += len(entries)
        if is_new:
            self._open_since = now
        if self._confirmed is None:
            self._begin(Place(segment, 0, segment.first))

    def head(self) -> Entry | None:
        """Return the next entry, or None."""
        if self._head is None and self._reader is not None:
            self._head = self._reader.next(self.segments)
        return None if self._head is None else self._head.entry

    def pop(self) -> Entry:
        """Take the next entry; raise LookupError where there is none."""
        if self._head is None:
            self.head()
        if self._head is None or self._reader is None:
            raise LookupError(self.name)
        entry, self._head = self._head.entry, None
        self._popped.append(self._reader.place)
        return entry

    def settle(self) -> None:
        """Forget the first of what was popped, and what could not be read before it."""
        before, place = self._confirmed, self._popped.popleft()
        if before is not None and (
            place.ordinal != before.ordinal + 1 or place.segment is not before.segment
        ):
            self.corrupt += self._between(before, place) - 1
        self._confirmed = place

    def rewind(self) -> None:
        """Go back to the first entry that is not settled."""
        self._popped.clear()
        self._head = None
        if self._reader is not None and self._confirmed is not None:
            self._reader.seek(self._confirmed)

    def tidy(self) -> None:
        """Move to `settled` every segment that holds nothing any more."""
        if self._confirmed is None or self._reader is None:
            return
        if not self._popped and self._head is None:
            self.corrupt += self._between(self._confirmed, self._reader.place)
            self._confirmed = self._reader.place
        ordinal = self._confirmed.ordinal
        while self.segments and self.segments[0].end <= ordinal:
            first = self.segments[0]
            if not first.is_sealed and first.size < RECYCLE:
                break
            self.settled.append(self.segments.pop(0))
        if not self.segments:
            self._forget_places()
        elif self._confirmed.segment.first < self.segments[0].first:
            first = self.segments[0]
            self._confirmed = Place(first, 0, first.first)
            if self._reader.place.segment.first < first.first:
                self._reader.seek(self._confirmed)

    def drop_older_than(self, since: float) -> int:
        """Give up what was written before `since`; return how many records were not sent."""
        lost = 0
        while not self._popped and self.segments and self.segments[0].newest < since:
            lost += self.drop_oldest()
        return lost

    def drop_oldest(self) -> int:
        """Give up the oldest segment that nothing is being sent from; return its unsent records."""
        if self._popped:
            segment = after(self._reader.place.segment, self.segments) if self._reader else None
            if segment is None:
                return 0
            self.segments.remove(segment)
            self.settled.append(segment)
            return segment.count
        self.rewind()
        if not self.segments or self._confirmed is None:
            return 0
        segment = self.segments.pop(0)
        self.settled.append(segment)
        lost = self._between(self._confirmed, Place(segment, segment.size, segment.end))
        if self.segments:
            first = self.segments[0]
            self._begin(Place(first, 0, first.first))
        else:
            self._forget_places()
        return lost

    def seal_older_than(self, since: float) -> None:
        """Seal the open segment where its first record was written before `since`."""
        if self.segments and self.segments[-1].takes_more and self._open_since < since:
            self.segments[-1].seal()

    def written(self) -> list[int]:
        """Return descriptors of what is to be synced; the caller closes them."""
        return [fd for one in self.segments if (fd := one.written()) is not None]

    def close(self) -> None:
        """Let go of all files."""
        if self._reader is not None:
            self._reader.close()
        for one in (*self.segments, *self.settled):
            one.close()

    def _open_segment(self, segment_bytes: int) -> Segment:
        last = self.segments[-1] if self.segments else None
        if last is not None and last.takes_more:
            if last.size < segment_bytes:
                return last
            last.seal()
        made = journal_segment.create(self._folder, self.name, self._next)
        self.segments.append(made)
        return made

    def _begin(self, place: Place) -> None:
        """Set both places."""
        self._confirmed = place
        self._head = None
        if self._reader is None:
            self._reader = Reader(place)
        else:
            self._reader.seek(place)

    def _forget_places(self) -> None:
        self._confirmed = None
        self._head = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _between(self, begin: Place, end: Place) -> int:
        """Count the records between two places in segments that are still there."""
        if begin.segment is end.segment:
            return end.ordinal - begin.ordinal
        inner = sum(
            one.count
            for one in self.segments
            if begin.segment.first < one.first < end.segment.first
        )
        return begin.segment.end - begin.ordinal + inner + end.ordinal - end.segment.first


def sync(descriptors: Sequence[int]) -> None:
    """Bring what was written to the disk itself; raise OSError after having closed all."""
    trouble: OSError | None = None
    for fd in descriptors:
        try:
            os.fdatasync(fd)
        except OSError as error:
            trouble = error
        finally:
            os.close(fd)
    if trouble is not None:
        raise trouble
