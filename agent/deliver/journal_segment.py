"""One file of a band: appended to, then sealed; everything needed to judge it is in its name.

`BAND.FIRST.SALT.open` while records are appended, `BAND.FIRST.SALT.COUNT` once sealed: the ordinal
of the first record, the salt of the checksums, the number of records, in hexadecimal. So no file
has a header that could be damaged, and sealed files need not be read to be counted.
"""

import logging
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from agent.deliver import journal_record
from agent.deliver.entry import BANDS
from agent.deliver.journal_record import Flaw

MODE = 0o600
READ_BYTES = 1 << 18
"""Read at once: some hundred records."""

_log = logging.getLogger("deliver.journal")
_NAME = re.compile(
    rf"(?P<band>{'|'.join(BANDS)})\.(?P<first>[0-9a-f]{{16}})\.(?P<salt>[0-9a-f]{{8}})"
    r"\.(?P<count>open|[0-9a-f]{1,16})"
)


class Segment:
    """A file of records of one band.

    `first` is the ordinal of the first record, `end` that after the last; `size` counts the bytes
    that hold whole records; `newest` is when the last one was written (seconds since 1970).
    """

    def __init__(self, folder: Path, band: str, first: int, salt: int, count: int | None) -> None:
        self.band = band
        self.first = first
        self.salt = salt
        self.count = count or 0
        self.size = 0
        self.newest = 0.0
        self.last_number = 0
        self.is_sealed = count is not None
        self.is_spoilt = False
        self._folder = folder
        self._fd: int | None = None
        self._is_dirty = False

    @property
    def end(self) -> int:
        """The ordinal after the last record."""
        return self.first + self.count

    @property
    def path(self) -> Path:
        """Where the file is."""
        last = f"{self.count:x}" if self.is_sealed else "open"
        return self._folder / f"{self.band}.{self.first:016x}.{self.salt:08x}.{last}"

    def append(self, data: bytes, count: int, now: float) -> None:
        """Write `count` whole records; raise OSError with the file as it was before."""
        if self._fd is None:
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, MODE)
        try:
            _write_all(self._fd, data, self.size)
        except OSError:
            self.is_spoilt = True  # until what was written in part is cut off again
            os.ftruncate(self._fd, self.size)
            self.is_spoilt = False
            raise
        self.size += len(data)
        self.count += count
        self.newest = now
        self._is_dirty = True

    @property
    def takes_more(self) -> bool:
        """Whether records may be appended."""
        return not self.is_sealed and not self.is_spoilt

    def written(self) -> int | None:
        """Return a descriptor of what was written since the last call, to be synced and closed."""
        if not self._is_dirty or self._fd is None:
            return None
        self._is_dirty = False
        own = os.dup(self._fd)
        if not self.takes_more:
            self.close()
        return own

    def seal(self) -> None:
        """End appending; the file keeps its name where it cannot be given another."""
        old = self.path
        self.is_sealed = True
        try:
            old.rename(self.path)
        except OSError:
            self.is_sealed = False

    def remove(self) -> None:
        """Delete the file; raise OSError."""
        self.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def find(folder: Path) -> Iterator[Segment]:
    """Yield the segments in a folder, oldest first within a band; raise OSError."""
    for path in sorted(folder.iterdir()):
        match = _NAME.fullmatch(path.name)
        if match:
            count = None if match["count"] == "open" else int(match["count"], 16)
            first, salt = int(match["first"], 16), int(match["salt"], 16)
            segment = Segment(folder, match["band"], first, salt, count)
            about = path.stat()
            segment.size, segment.newest = about.st_size, about.st_mtime
            yield segment


def create(folder: Path, band: str, first: int) -> Segment:
    """Return a segment whose file is made by the first `append`."""
    return Segment(folder, band, first, secrets.randbits(32), None)


def recover(segment: Segment, ordinal: int, offset: int) -> int:
    """Count the records of a file that was never sealed, and cut off what is behind the last one.

    What lies before `offset`, where the record `ordinal` begins, is settled, where that is in this
    file at all. Return how many records seem to have been cut off. Raise OSError.
    """
    data = segment.path.read_bytes()
    at = whole = 0
    if ordinal > segment.first:
        at = whole = min(offset, len(data))
        segment.count = ordinal - segment.first
    while at < len(data):
        found = journal_record.read(data, at, segment.salt)
        if isinstance(found, Flaw):
            at = journal_record.resync(data, at)
            continue
        segment.count = max(segment.count, found.ordinal + 1 - segment.first)
        segment.last_number = max(segment.last_number, found.entry.number)
        at = whole = found.end
    segment.size = whole
    if whole == len(data):
        return 0
    _log.warning("%s: %d bytes at the end are no whole record", segment.path, len(data) - whole)
    os.truncate(segment.path, whole)
    return journal_record.count(data[whole:])


def _write_all(fd: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, at)
        view = view[written:]
        at += written
