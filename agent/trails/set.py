"""Open a trail set: check it, map it, read rows of it.

A set is trusted with what is reported, so a file that others could have written is refused, and
so is one that is damaged; whoever asked keeps what it had.
"""

import contextlib
import hashlib
import mmap
import os
import pwd
import stat
from pathlib import Path
from typing import NamedTuple

import msgspec

from agent.model import Source
from agent.scan import layout
from agent.scan.lookup import TEXT_BYTES, Lookup
from agent.trails import keys
from agent.trails.build import SetInfo, day_text

UPDATE_USER = "maltrail-update"
READ_BYTES = 1 << 20


class SetError(Exception):
    """A file that is no usable trail set; the text is the one line a user reads."""


class Row(NamedTuple):
    """One trail of a set: `key` as users spell it, `raw` as it is stored."""

    kind: int
    raw: bytes
    flags: int
    key: str
    info: str
    reference: str
    sources: tuple[Source, ...]


class TrailSet:
    """A set open for look-ups by one thread; scanners take `buffer` and look up by themselves."""

    def __init__(self, buffer: layout.Buffer, name: str) -> None:
        self.name = name
        self.buffer = buffer
        try:
            self._header = layout.unpack_header(bytes(memoryview(buffer)[: layout.HEADER_BYTES]))
            if self._header.file_size != len(buffer):
                raise ValueError(
                    f"is cut off or grown: {len(buffer)} bytes, not {self._header.file_size}"
                )
            self._lookup = Lookup(buffer, bytearray(TEXT_BYTES))
            self.info = msgspec.json.decode(self._section(layout.SECTION_META), type=SetInfo)
        except (ValueError, msgspec.DecodeError) as error:
            raise SetError(f"{name}: {error}") from error
        self.seed = self._header.seed
        self._words = memoryview(buffer).cast("Q")

    @classmethod
    def open(cls, path: Path) -> "TrailSet":
        """Map a set file after checking owner, mode, header and bounds; raise SetError."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise SetError(f"{path}: cannot be opened: {error.strerror}") from error
        try:
            _check_trust(os.fstat(descriptor), path)
            if os.fstat(descriptor).st_size < layout.HEADER_BYTES:
                raise SetError(f"{path}: is empty or too short for a trail set")
            buffer = mmap.mmap(descriptor, 0, mmap.MAP_SHARED, mmap.PROT_READ)
        finally:
            os.close(descriptor)
        opened = cls(buffer, str(path))
        if opened.info.keys == 0:
            raise SetError(f"{path}: holds no trails; build it again")
        return opened

    @property
    def set_id(self) -> str:
        """Return what events call this set: the first 12 hex digits of its content hash."""
        return self.info.set_id[:12]

    def verify(self) -> None:
        """Read the whole content and compare its digest; raise SetError.

        Reads the file rather than the mapping, so that a disk error is an error and not a signal.
        """
        digest = hashlib.sha256()
        if isinstance(self.buffer, mmap.mmap):
            try:
                with Path(self.name).open("rb") as file:
                    file.seek(layout.HEADER_BYTES)
                    while chunk := file.read(READ_BYTES):
                        digest.update(chunk)
            except OSError as error:
                raise SetError(f"{self.name}: cannot be read: {error.strerror}") from error
        else:
            digest.update(memoryview(self.buffer)[layout.HEADER_BYTES :])
        if digest.digest() != self._header.body_digest:
            raise SetError(f"{self.name}: is damaged (its content does not match its digest)")

    def find(self, kind: int, key: bytes) -> int:
        """Return the row of a stored key, or -1."""
        return self._lookup.find(kind, key)

    def find_address(self, packed: bytes, port: int | None) -> int:
        """Return the row of a packed address, with its port before without, else of its network.

        The longest network; -1 where nothing explains it.
        """
        return self._lookup.address(packed, -1 if port is None else port)

    def find_network(self, packed: bytes) -> int:
        """Return the row of the longest network around a packed address, or -1."""
        return self._lookup.network(packed)

    def row(self, number: int) -> Row:
        """Return one row; raise IndexError where the file has none such."""
        if not 0 <= number < self._header.keys:
            raise IndexError(number)
        at = self._header.sections[layout.SECTION_ROWS][0] // 8 + number * layout.ROW_WORDS
        first, second = self._words[at], self._words[at + 1]
        kind, flags = (first >> 48) & 0xFF, first >> 56
        raw = self._slice(layout.SECTION_POOL, first & 0xFFFFFFFF, (first >> 32) & 0xFFFF)
        info, reference = self._label(second & 0xFFFFFFFF)
        spelled = keys.spell(kind, raw, flags)
        return Row(kind, raw, flags, spelled, info, reference, self.sources_at(second >> 32))

    @property
    def pool(self) -> memoryview:
        """Return all keys, end to end."""
        return self._view(layout.SECTION_POOL)

    @property
    def row_words(self) -> memoryview:
        """Return all rows, two words each, sorted by kind and key."""
        return self._view(layout.SECTION_ROWS).cast("Q")

    def rows(self, kind: int) -> range:
        """Return the rows of one kind, in the order of their keys."""
        return range(self._first_row(kind), self._first_row(kind + 1))

    def lines(self, section: int) -> tuple[str, ...]:
        """Return a section of text lines: quarantined keys with their reasons."""
        text = self._section(section).decode("utf-8", "replace")
        return tuple(text.split("\n")) if text else ()

    def close(self) -> None:
        """Let go of the mapping, as far as nothing else reads it."""
        self._words.release()

    def _first_row(self, kind: int) -> int:
        at = self._header.sections[layout.SECTION_ROWS][0] // 8
        low, high = 0, self._header.keys
        while low < high:
            middle = (low + high) // 2
            if (self._words[at + middle * layout.ROW_WORDS] >> 48) & 0xFF < kind:
                low = middle + 1
            else:
                high = middle
        return low

    def _section(self, section: int) -> bytes:
        return bytes(self._view(section))

    def _view(self, section: int) -> memoryview:
        offset, length = self._header.sections[section]
        return memoryview(self.buffer)[offset : offset + length]

    def _slice(self, section: int, start: int, size: int) -> bytes:
        offset, length = self._header.sections[section]
        if start + size > length:
            raise IndexError(start)
        return bytes(memoryview(self.buffer)[offset + start : offset + start + size])

    def _label(self, number: int) -> tuple[str, str]:
        at = self._header.sections[layout.SECTION_LABELS][0] // 8 + number * 2
        texts = []
        for place in (self._words[at], self._words[at + 1]):
            data = self._slice(layout.SECTION_STRINGS, place & 0xFFFFFFFF, place >> 32)
            texts.append(data.decode("utf-8", "backslashreplace"))
        return texts[0], texts[1]

    def sources_at(self, start: int) -> tuple[Source, ...]:
        """Return the sources that rows with this provenance have, by where these begin."""
        at = self._header.sections[layout.SECTION_PROVENANCE][0] // 8 + start
        found = []
        for word in self._words[at + 1 : at + 1 + self._words[at]]:
            name = self.info.sources[word >> 32]
            found.append(Source(name, day_text((word >> 16) & 0xFFFF), day_text(word & 0xFFFF)))
        return tuple(found)


def _check_trust(status: os.stat_result, path: Path) -> None:
    """Refuse what is no regular file, or what others than root and the updater may write."""
    if not stat.S_ISREG(status.st_mode):
        raise SetError(f"{path}: is not a regular file")
    if status.st_uid not in _trusted_owners():
        raise SetError(
            f"{path}: belongs to user {status.st_uid}; expected root, {UPDATE_USER} or the caller"
        )
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SetError(f"{path}: group or others may write it; run: chmod go-w {path}")


def _trusted_owners() -> set[int]:
    owners = {0, os.geteuid()}
    with contextlib.suppress(KeyError):  # not installed as a service
        owners.add(pwd.getpwnam(UPDATE_USER).pw_uid)
    return owners
