"""Open a stored list: undo outer compression within a limit, refuse what is no list at all."""

import bz2
import gzip
import lzma
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

MAX_LAYERS = 2
"""A `.gz` file that the server compresses once more on the way; nobody means a third layer."""

_CHUNK = 1 << 16

_OPENERS: dict[bytes, Callable[[BinaryIO], BinaryIO]] = {
    b"\x1f\x8b": lambda file: cast("BinaryIO", gzip.GzipFile(fileobj=file)),
    b"\xfd7zXZ\x00": lambda file: cast("BinaryIO", lzma.LZMAFile(file)),  # noqa: SIM115
    b"BZh": lambda file: cast("BinaryIO", bz2.BZ2File(file)),
}

_HTML = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"<script", b"<!--")
"""What an error page, a portal or a maintenance notice starts with; no list format of ours does."""


@contextmanager
def opened(path: Path, limit: int) -> Iterator[BinaryIO]:
    """Open `path` without its outer compression as a file that can seek.

    Raise ValueError where it decompresses to more than `limit` bytes or is damaged. What is
    compressed is expanded next to it into a file without a name: /tmp may be memory.
    """
    with path.open("rb") as file:
        layers: list[BinaryIO] = [file]
        try:
            while len(layers) <= MAX_LAYERS and (opener := _opener(layers[-1])):
                layers.append(_expand(opener(layers[-1]), limit, path.parent))
            yield layers[-1]
        finally:
            for layer in layers[1:]:
                layer.close()


def refuse_markup(content: BinaryIO) -> None:
    """Raise ValueError for HTML or XML where data was expected; content is rewound."""
    content.seek(0)
    head = content.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    content.seek(0)
    if head.startswith(_HTML):
        raise ValueError("HTML instead of data")


def _opener(file: BinaryIO) -> Callable[[BinaryIO], BinaryIO] | None:
    head = file.read(6)
    file.seek(0)
    return next((opener for magic, opener in _OPENERS.items() if head.startswith(magic)), None)


def _expand(compressed: BinaryIO, limit: int, folder: Path) -> BinaryIO:
    """Copy to an unnamed file in `folder`, at most `limit` bytes; raise ValueError."""
    plain = cast("BinaryIO", tempfile.TemporaryFile(dir=folder))  # noqa: SIM115 - the caller closes it
    try:
        _copy(compressed, plain, limit)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        plain.close()
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk, not the list
        raise ValueError(f"damaged or truncated compression: {error}") from error
    except ValueError:
        plain.close()
        raise
    plain.seek(0)
    return plain


def _copy(source: BinaryIO, target: BinaryIO, limit: int) -> None:
    size = 0
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise ValueError(f"decompresses to more than {limit >> 20} MB")
        target.write(chunk)
