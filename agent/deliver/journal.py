"""What one output has still to send, on disk: it outlives deliver, bounded by size and age.

Strategy: five bands of severity, each a line of segments. An append is one write a band, which
survives the end of the process; once a second everything is synced, which bounds what a loss of
power takes. Everything is called by the queue that owns the journal, under its lock, `flush` aside.
"""

import contextlib
import fcntl
import hashlib
import os
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from agent.config import ConfigError
from agent.deliver import journal_band, journal_segment
from agent.deliver.entry import BANDS, Entry, band
from agent.deliver.journal_band import Band
from agent.deliver.journal_cursor import Cursor
from agent.deliver.journal_segment import Segment

FULL = "journal-full"
AGED = "journal-age"
CORRUPT = "journal-corrupt"
TORN = "journal-torn"
REASONS = (FULL, AGED, CORRUPT, TORN)

SEGMENT_BYTES = 8 << 20
"""Size at which a segment is sealed: what is given up at once when there is no room."""

PARTS = 16
"""A segment holds at most this part of the bound and of the age: so exact are both."""

FOLDER_MODE = 0o700
MAX_NAME = 150
"""Characters of an output's name in its folder's name; file systems take 255 bytes."""


class Bounds(NamedTuple):
    """How many bytes a journal may hold, and for how many seconds."""

    bytes: int
    age: float


class Journal:
    """The folder of one output. `lost` counts by reason what was kept here and cannot be sent."""

    def __init__(self, folder: Path, bounds: Bounds) -> None:
        """Lock the folder and find what it holds; raise OSError, ConfigError where it is used."""
        self.lost = dict.fromkeys(REASONS, 0)
        self.trouble = ""
        self._folder = folder
        self._bounds = bounds
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self._lock = _lock(folder)
        try:
            self._cursor = Cursor(folder / "cursor")
            self.bands = self._open_bands()
        except OSError:
            os.close(self._lock)
            raise
        self._is_new = True

    @property
    def bytes(self) -> int:
        """How much room the segments take."""
        return sum(one.bytes for one in self.bands)

    @property
    def segments(self) -> int:
        """How many files there are."""
        return sum(len(one.segments) for one in self.bands)

    @property
    def last_number(self) -> int:
        """The highest number that was ever given to what is kept here, as far as is known."""
        return max(one.last_number for one in self.bands)

    def append(self, entries: Sequence[Entry], now: float) -> list[Entry]:
        """Keep the entries; return those that cannot be, and say in `trouble` why."""
        by_band: dict[int, list[Entry]] = {}
        for entry in entries:
            by_band.setdefault(band(entry.severity), []).append(entry)
        left: list[Entry] = []
        trouble = ""
        size = max(1, min(SEGMENT_BYTES, self._bounds.bytes // PARTS))
        for index, some in by_band.items():
            try:
                self.bands[index].append(some, now, size)
            except OSError as error:
                trouble = f"{self._folder}: {error.strerror or error}"
                left += some
        self.trouble = trouble
        self._make_room()
        return left

    def commit(self) -> None:
        """Note what was settled, and remove what holds nothing any more."""
        for one in self.bands:
            one.tidy()
            self.lost[CORRUPT] += one.corrupt
            one.corrupt = 0
        self._save()

    def bound(self, bounds: Bounds) -> None:
        """Change the bounds; what no longer fits is dropped."""
        self._bounds = bounds
        self._make_room()

    def retry(self) -> None:
        """Try again what gave trouble without an append."""
        self.trouble = ""
        self._save()

    def expire(self, now: float) -> None:
        """Drop what is older than the bound."""
        for one in self.bands:
            one.seal_older_than(now - self._bounds.age / PARTS)
            self.lost[AGED] += one.drop_older_than(now - self._bounds.age)
        self._save()

    def written(self) -> list[int]:
        """Return descriptors of what `flush` is to bring to the disk itself."""
        found = [fd for one in self.bands for fd in one.written()]
        if found or self._is_new:
            found += [self._cursor.written(), os.dup(self._lock)]
        self._is_new = False
        return found

    def close(self) -> None:
        """Let go of all files and of the lock."""
        self.commit()
        with contextlib.suppress(OSError):
            journal_band.sync(self.written())
        for one in self.bands:
            one.close()
        self._cursor.close()
        os.close(self._lock)

    def _open_bands(self) -> tuple[Band, ...]:
        found: dict[str, list[Segment]] = {name: [] for name in BANDS}
        settled = dict(zip(BANDS, self._cursor.positions, strict=True))
        for segment in journal_segment.find(self._folder):
            if not segment.is_sealed:
                self.lost[TORN] += journal_segment.recover(segment, *settled[segment.band])
            found[segment.band].append(segment)
        return tuple(
            Band(self._folder, name, found[name], *position) for name, position in settled.items()
        )

    def _make_room(self) -> None:
        """Drop the oldest of the least severe until the bound holds."""
        excess = self.bytes - self._bounds.bytes
        if excess <= 0:
            return
        for one in self.bands:
            while excess > 0:
                before = one.bytes
                self.lost[FULL] += one.drop_oldest()
                if one.bytes == before:
                    break
                excess -= before - one.bytes
        self._save()

    def _save(self) -> None:
        """Write the cursor, then remove what it has passed."""
        try:
            self._cursor.save(tuple(one.cursor for one in self.bands))
            for one in self.bands:
                while one.settled:
                    one.settled[-1].remove()
                    one.settled.pop()
        except OSError as error:
            self.trouble = f"{self._folder}: {error.strerror or error}"


def folder_name(output: str) -> str:
    """Return a name for an output's folder that no other output and no file system mistakes."""
    name = urllib.parse.quote(output, safe="").replace(".", "%2E")
    if 0 < len(name) <= MAX_NAME:
        return name
    return f"{name[:MAX_NAME]}%{hashlib.sha256(output.encode()).hexdigest()[:16]}"


def left_behind(root: Path, outputs: Iterable[str]) -> Mapping[Path, int]:
    """Return the folders that hold something for outputs that are not named, with their bytes."""
    named = {folder_name(output) for output in outputs}
    found = {}
    with contextlib.suppress(FileNotFoundError):
        for folder in root.iterdir():
            if folder.is_dir() and folder.name not in named:
                size = sum(one.size for one in journal_segment.find(folder))
                if size:
                    found[folder] = size
    return found


def _lock(folder: Path) -> int:
    """Return the folder's descriptor, which holds the lock; raise OSError, ConfigError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        raise ConfigError(f"{folder}: another deliver uses this journal; stop it first") from error
    return fd
