"""Open a stored list: undo outer compression within a limit, refuse what is no list at all."""

import bz2
import gzip
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from feeds._trouble import Unfit

MAX_LAYERS = 2
"""A `.gz` file that the server compresses once more on the way; nobody means a third layer."""

_CHUNK = 1 << 16
_ZIP = b"PK\x03\x04"

_OPENERS: dict[bytes, Callable[[BinaryIO], BinaryIO]] = {
    b"\x1f\x8b": lambda file: cast("BinaryIO", gzip.GzipFile(fileobj=file)),
    b"\xfd7zXZ\x00": lambda file: cast("BinaryIO", lzma.LZMAFile(file)),  # noqa: SIM115
    b"BZh": lambda file: cast("BinaryIO", bz2.BZ2File(file)),
}

_HTML = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"<script", b"<!--")
"""What an error page, a portal or a maintenance notice starts with; no list format of ours does."""

_DAMAGE = (
    *(OSError, EOFError, zlib.error, lzma.LZMAError),
    *(zipfile.BadZipFile, NotImplementedError, RuntimeError),
)
"""What reading damaged compression raises; RuntimeError is an encrypted zip."""


@contextmanager
def opened(path: Path, limit: int) -> Iterator[BinaryIO]:
    """Open `path` without its outer compression as a file that can seek.

    Raise Unfit where it decompresses to more than `limit` bytes or is damaged. What is compressed
    is expanded next to it into a file without a name: /tmp may be memory. A zip of one file is
    that file, a zip of several is an archive, which is its format's to read.
    """
    with path.open("rb") as file:
        layers: list[BinaryIO] = [file]
        try:
            while len(layers) <= MAX_LAYERS and (opener := _opener(layers[-1])):
                layers.append(_expand(partial(opener, layers[-1]), limit, path.parent))
            yield layers[-1]
        finally:
            for layer in layers[1:]:
                layer.close()


def refuse_foreign(content: BinaryIO) -> None:
    """Raise Unfit for HTML, XML or UTF-16 where data was expected; content is rewound."""
    content.seek(0)
    head = content.read(1024)
    content.seek(0)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unfit("encoding", "UTF-16 text, expected UTF-8")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_HTML):
        raise Unfit("html", "HTML instead of data")


def _opener(file: BinaryIO) -> Callable[[BinaryIO], BinaryIO] | None:
    head = file.read(6)
    file.seek(0)
    if head.startswith(_ZIP):
        return _only_member if _is_one_file(file) else None
    return next((opener for magic, opener in _OPENERS.items() if head.startswith(magic)), None)


def _is_one_file(file: BinaryIO) -> bool:
    try:
        members = zipfile.ZipFile(file).infolist()
    # The module documents no closed list of what hostile input raises.
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise Unfit("truncated", f"a damaged or truncated zip: {error}") from error
    finally:
        file.seek(0)
    return len(members) == 1 and not members[0].is_dir()


def _only_member(file: BinaryIO) -> BinaryIO:
    archive = zipfile.ZipFile(file)
    return cast("BinaryIO", archive.open(archive.infolist()[0]))


def _expand(open_: Callable[[], BinaryIO], limit: int, folder: Path) -> BinaryIO:
    """Copy to an unnamed file in `folder`, at most `limit` bytes; raise Unfit."""
    plain = cast("BinaryIO", tempfile.TemporaryFile(dir=folder))  # noqa: SIM115 - the caller closes it
    try:
        _copy(open_(), plain, limit)
    except Unfit:
        plain.close()
        raise
    except _DAMAGE as error:
        plain.close()
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk, not the list
        raise Unfit("truncated", f"damaged or truncated compression: {error}") from error
    plain.seek(0)
    return plain


def _copy(source: BinaryIO, target: BinaryIO, limit: int) -> None:
    size = 0
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise Unfit("too-large", f"decompresses to more than {limit >> 20} MB")
        target.write(chunk)
