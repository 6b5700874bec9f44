"""Stored lists: compression is undone within limits, pages instead of data are refused."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from feeds import _content

LIMIT = 1 << 20


def _zipped(data: bytes, *others: bytes) -> bytes:
    """Return a zip of one file, or of several."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, part in enumerate((data, *others)):
            archive.writestr(f"{number}.csv", part)
    return file.getvalue()


@pytest.mark.parametrize(
    "pack",
    [
        bytes,
        gzip.compress,
        lzma.compress,
        bz2.compress,
        _zipped,
        lambda data: gzip.compress(gzip.compress(data)),
    ],
)
def test_content_is_the_same_whatever_its_compression(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    """gzip, xz, bzip2, a zip of one file and gzip twice are told by content; all can seek."""
    path = tmp_path / "list"
    path.write_bytes(pack(b"a.example.org\n"))

    with _content.opened(path, LIMIT) as content:
        content.seek(2)
        assert content.read() == b"example.org\n"

    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress, _zipped])
def test_bomb_is_refused(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """A few kilobytes that expand beyond the limit are refused, not stored."""
    path = tmp_path / "list"
    path.write_bytes(pack(bytes(3 * LIMIT)))

    with pytest.raises(ValueError, match="more than 1 MB"), _content.opened(path, LIMIT):
        pass


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress, _zipped])
def test_cut_compression_is_refused(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """A file that breaks off is damaged, not a shorter list."""
    path = tmp_path / "list"
    path.write_bytes(pack(bytes(range(256)) * 40)[:-9])

    with pytest.raises(ValueError, match="damaged or truncated"), _content.opened(path, LIMIT):
        pass


def test_zip_of_several_files_is_left_to_its_format(tmp_path: Path) -> None:
    """An archive is not the first of its files."""
    path = tmp_path / "list"
    path.write_bytes(_zipped(b"a.example.org\n", b"b.example.org\n"))

    with _content.opened(path, LIMIT) as content:
        assert content.read(4) == b"PK\x03\x04"


def test_encrypted_zip_is_refused(tmp_path: Path) -> None:
    """Nobody gave us its password."""
    data = bytearray(_zipped(b"a.example.org\n"))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path = tmp_path / "list"
    path.write_bytes(data)

    with pytest.raises(ValueError, match="damaged"), _content.opened(path, LIMIT):
        pass


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_wide_text_is_named(encoding: str) -> None:
    """Said in words that lead somewhere, not as so many rejected rows."""
    page = "\ufeffa.example.org\n".encode(encoding)

    with pytest.raises(ValueError, match="UTF-16"):
        _content.refuse_foreign(io.BytesIO(page))


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><html>",
        b"\n\n <html lang='en'>",
        b"\xef\xbb\xbf<?xml version='1.0'?>",
        b"<!-- maintenance -->",
    ],
)
def test_page_instead_of_data_is_refused(page: bytes) -> None:
    """An error page, a portal or a feed of news is no list."""
    with pytest.raises(ValueError, match="HTML"):
        _content.refuse_foreign(io.BytesIO(page))


def test_data_passes_and_is_rewound() -> None:
    """What is no page is read from its start afterwards."""
    content = io.BytesIO(b"# list\n")

    _content.refuse_foreign(content)

    assert content.read() == b"# list\n"
