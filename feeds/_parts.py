"""Fetch a list that is an index and files beside it into one archive; only what changed is asked.

The copy of such a list is a tar of its files, each with its version as time. What there is no
time for, and what fails, comes with the next update: until then the index counts as unread.
"""

import io
import tarfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from hashlib import file_digest
from pathlib import Path
from urllib.parse import urljoin

import msgspec

from agent.config import Duration
from feeds import Part, _content
from feeds._catalog import Feed
from feeds._fetch import Fetched, Fetcher, FetchError, Validators

MAX_FAILURES = 5
"""Files that may fail one after the other: the server is down, and the others would fail too."""

MAX_PART = 32 << 20
"""Bytes of one file, which is held while it is packed."""

LEFT = 5.0
"""Seconds of a list's time that are kept for packing what came."""


def collect(
    fetcher: Fetcher,
    feed: Feed,
    index: Fetched,
    parts: Sequence[Part],
    paths: tuple[Path, Path],
    until: float,
) -> Fetched:
    """Put the files that an index names into its place, by `until` on the fetcher's clock.

    `paths` are where the index is, which the archive replaces, and the last good copy. Parts are
    asked in their order. Raise FetchError where none could be had.
    """
    target, copy = paths
    packing = target.with_name(f".{feed.name}.parts.new")
    collecting = _Collecting(fetcher, feed, target, until)
    with ExitStack() as stack:
        before = _known(copy, stack)
        with packing.open("wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
            for part in parts:
                collecting.add(part, before.get(part.name), archive)
    if not collecting.had:
        packing.unlink()
        raise collecting.error or FetchError("empty", "its index names no files")
    packing.replace(target)
    with target.open("rb") as packed:
        digest = file_digest(packed, "sha256").hexdigest()
    validators = index.validators if collecting.is_whole else Validators()
    return Fetched(digest, target.stat().st_size, validators)


class _Known(msgspec.Struct, frozen=True):
    """A file of the last good copy."""

    version: int
    read: Callable[[], bytes]


class _Collecting:
    """Adds one file after the other to the archive."""

    def __init__(self, fetcher: Fetcher, feed: Feed, target: Path, until: float) -> None:
        self._fetcher = fetcher
        self._feed = feed
        self._part = target.with_name(f".{feed.name}.part.new")
        self._until = until
        self._room = feed.max_mb << 20
        self._failures = 0
        self.had = 0
        self.is_whole = True
        self.error: FetchError | None = None

    def add(self, part: Part, known: _Known | None, archive: tarfile.TarFile) -> None:
        """Add a file as it is now, else as it was, else not."""
        data = None
        if known is None or known.version != part.version:
            data = self._fetched(part)
            if data is None:
                self.is_whole = False
        version = part.version
        if data is None and known is not None:
            data, version = known.read(), known.version
        if data is None:
            return
        self._room -= len(data)
        if self._room < 0:
            raise FetchError("too-large", f"is larger than {self._feed.max_mb} MB (max_mb)")
        info = tarfile.TarInfo(part.name)
        info.size, info.mtime = len(data), version
        archive.addfile(info, io.BytesIO(data))
        self.had += 1

    def _fetched(self, part: Part) -> bytes | None:
        left = self._until - LEFT - self._fetcher.clock()
        if left <= 0 or self._failures >= MAX_FAILURES:
            return None
        feed = msgspec.structs.replace(
            self._feed,
            url=urljoin(self._feed.url, part.name),
            timeout=Duration(min(left, self._feed.timeout)),
        )
        try:
            self._fetcher.fetch(feed, self._part, Validators())
            with _content.opened(self._part, MAX_PART) as content:
                data = content.read()
        except FetchError as error:
            self._failures += 1
            self.error = error
            return None
        except ValueError as error:
            self._failures += 1
            self.error = FetchError("format", f"{part.name}: {error}")
            return None
        finally:
            self._part.unlink(missing_ok=True)
        self._failures = 0
        return data


def _known(copy: Path, stack: ExitStack) -> Mapping[str, _Known]:
    """Return the files of the last good copy by name, none where it is no archive."""
    try:
        archive = stack.enter_context(tarfile.open(copy, mode="r:"))  # noqa: SIM115
        return {
            info.name: _Known(int(info.mtime), partial(_read, archive, info))
            for info in archive
            if info.isreg()
        }
    except (FileNotFoundError, tarfile.TarError, EOFError, ValueError):
        return {}


def _read(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(info)
    return file.read() if file is not None else b""
