"""Read text lines of hostile content with bounded memory."""

from collections.abc import Iterator
from typing import BinaryIO

MAX_LINE = 65_536
"""Longest indicator in use is 575 characters; one line of megabytes is no list (minified HTML)."""

_BOM = b"\xef\xbb\xbf"


def lines(content: BinaryIO) -> Iterator[str]:
    """Yield lines without their ends; bad UTF-8 becomes U+FFFD, so that one byte costs one row.

    Raise ValueError for a line longer than MAX_LINE.
    """
    first = True
    while line := content.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise ValueError(f"a line is longer than {MAX_LINE} bytes")
        if first:
            first = False
            line = line.removeprefix(_BOM)
        yield line.decode("utf-8", "replace").rstrip("\r\n")
