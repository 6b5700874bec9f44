"""Read tar and zip archives of hostile origin: files only, within bounds, ValueError for damage."""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO

import msgspec

MAX_MEMBERS = 50_000
"""Maltrail's archive has some 3,700 files, MISP's largest public feed 2,000; each costs memory
while it is listed."""

MAX_UNZIPPED = 512 << 20
"""The largest archive of lists is 120 MB; reading stops at the sizes a zip declares."""

_ZIP = b"PK\x03\x04"

# The archive modules document no closed list of what hostile input raises.
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    LookupError,
    struct.error,
    NotImplementedError,
    OverflowError,
    RuntimeError,
)


class Member(msgspec.Struct, frozen=True):
    """One file of an archive: where it is, and how to open it."""

    path: PurePosixPath
    open: Callable[[], BinaryIO]


def is_archive(content: BinaryIO) -> bool:
    """Tell an archive by its signature; content is rewound."""
    content.seek(0)
    head = content.read(512)
    content.seek(0)
    return head[257:262] == b"ustar" or head.startswith(_ZIP)


def members(content: BinaryIO) -> Iterator[Member]:
    """Yield the files of an archive; to be used within `damage_told`."""
    content.seek(0)
    is_zip = content.read(4) == _ZIP
    content.seek(0)
    return _of_zip(content) if is_zip else _of_tar(content)


def files(content: BinaryIO, suffix: str) -> Iterator[BinaryIO]:
    """Yield the files that end in `suffix`, opened, by name; content itself where it is no archive.

    Raise ValueError for a damaged archive.
    """
    if not is_archive(content):
        yield content
        return
    with damage_told():
        wanted = (member for member in members(content) if member.path.suffix == suffix)
        for member in sorted(wanted, key=lambda member: member.path):
            with member.open() as file:
                yield file


@contextmanager
def damage_told() -> Iterator[None]:
    """Raise ValueError for what a damaged archive makes its module raise."""
    try:
        yield
    except _DAMAGE as error:
        raise ValueError(f"a damaged archive: {error}") from error


def _of_tar(content: BinaryIO) -> Iterator[Member]:
    # Not closed here: members are opened later, and the file below belongs to the caller.
    archive = tarfile.open(fileobj=content, mode="r:")  # noqa: SIM115
    for count, info in enumerate(archive):
        if count >= MAX_MEMBERS:
            raise ValueError(f"more than {MAX_MEMBERS} files in the archive")
        # A sparse member of a few bytes may read as terabytes of zeros.
        if info.isreg() and not info.issparse():
            yield Member(PurePosixPath(info.name), _tar_opener(archive, info))


def _tar_opener(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        file = archive.extractfile(info)
        if file is None:
            raise ValueError("a damaged archive: a file without content")
        return file  # type: ignore[return-value] # IO[bytes] is what BinaryIO means

    return opened


def _of_zip(content: BinaryIO) -> Iterator[Member]:
    archive = zipfile.ZipFile(content)
    if len(archive.infolist()) > MAX_MEMBERS:
        raise ValueError(f"more than {MAX_MEMBERS} files in the archive")
    if sum(info.file_size for info in archive.infolist()) > MAX_UNZIPPED:
        raise ValueError(f"unzips to more than {MAX_UNZIPPED >> 20} MB")
    for info in archive.infolist():
        if not info.is_dir():
            yield Member(PurePosixPath(info.filename), _zip_opener(archive, info))


def _zip_opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        return archive.open(info)  # type: ignore[return-value] # as above

    return opened
