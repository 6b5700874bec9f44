"""Trail files: `.txt`, one key a line, and `.csv` with Maltrail's three columns.

Either may be compressed (.gz, .xz). They are a site's own lists and what `trails build` reads.
"""

import bz2
import csv
import gzip
import lzma
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import IO

from agent.model import Source, Trail
from agent.trails import keys
from agent.trails.build import Builder

OPENERS: dict[str, Callable[..., IO[str]]] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
SUFFIXES = (".txt", ".csv")
CUSTOM = "(custom)"
MAX_LINE = 1 << 16
"""A field longer than this is no trail but a file that is not what its name says."""


class TrailFileError(Exception):
    """A trail file that cannot be read; the text is the one line a user reads."""


def find(path: Path) -> list[Path]:
    """Return the trail files of a file or folder, by name; a folder may be missing or empty."""
    if path.is_dir():
        return sorted(file for file in path.iterdir() if _plain_suffix(file) in SUFFIXES)
    return [path] if path.exists() else []


def add_all(builder: Builder, paths: list[Path]) -> None:
    """Add every trail of the files; the builder counts what can never match.

    Raise TrailFileError.
    """
    for path in paths:
        for trail in read(path):
            builder.add(trail)


def inert(paths: Iterable[Path], wanted: Collection[str]) -> Iterator[tuple[Path, str]]:
    """Yield the files that name one of these keys in a row that can never match, and why not.

    Raise TrailFileError.
    """
    for path in paths:
        for trail in read(path):
            if trail.key.strip().lower() in wanted:
                try:
                    keys.parse(trail.key, trail.dialect, trail.kind)
                except keys.Inert as error:
                    yield path, str(error)


def read(path: Path) -> Iterator[Trail]:
    """Yield the trails of one file; raise TrailFileError."""
    try:
        opener = OPENERS.get(path.suffix, open)
        with opener(
            path, mode="rt", encoding="utf-8-sig", errors="backslashreplace", newline=""
        ) as file:
            if _plain_suffix(path) == ".csv":
                yield from _rows(file, path)
            else:
                yield from _lines(file, path)
    except (OSError, EOFError, lzma.LZMAError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise TrailFileError(f"{path}: cannot be read as a trail file: {reason}") from error


def _plain_suffix(path: Path) -> str:
    return Path(path.stem).suffix if path.suffix in OPENERS else path.suffix


def _rows(file: IO[str], path: Path) -> Iterator[Trail]:
    """Read `trail,info,reference`; info and reference may be missing (rule T-2)."""
    source = Source(_label(path))
    for row in csv.reader(file):
        if not row or row[0].startswith("#"):
            continue
        info = row[1].strip() if len(row) > 1 and row[1].strip() else _label(path)
        reference = row[2].strip() if len(row) > 2 and row[2].strip() else CUSTOM
        yield Trail(key=row[0], info=info, reference=reference, source=source, dialect="maltrail")


def _lines(file: IO[str], path: Path) -> Iterator[Trail]:
    """Read one key a line; `#` begins a comment at the start of a line or behind a blank."""
    source = Source(_label(path))
    for line in file:
        key = line.strip()
        if key.startswith("#"):
            continue
        key = key.partition(" #")[0].partition("\t#")[0].strip()
        if key:
            yield Trail(key=key, info=_label(path), reference=CUSTOM, source=source)


def _label(path: Path) -> str:
    """Return what a file's name says of its trails: `my_list.txt` -> `my list`."""
    stem = path.stem if path.suffix not in OPENERS else Path(path.stem).stem
    return stem.replace("_", " ")
