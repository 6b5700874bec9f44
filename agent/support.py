"""A support bundle: one archive of what somebody else needs to see what is wrong here.

A part that cannot be made is there with the reason: a bundle without it is better than none.
"""

import io
import json
import os
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

MAX_PART = 8 << 20
"""Bytes of a part; of a longer one the end is kept, as logs end with what happened last."""

MODE = 0o600
MANIFEST = "MANIFEST.txt"
_CUT = b"[the beginning is left out]\n"


class Part(NamedTuple):
    """A file of the bundle: its name, what it is for, and what makes its text or its document."""

    name: str
    what: str
    make: Callable[[], object]


class Made(NamedTuple):
    """A part as it is in the bundle; `error` is why it could not be made, or nothing."""

    name: str
    what: str
    data: bytes
    error: str = ""


def make(part: Part, scrub: Callable[[str], str]) -> Made:
    """Make a part, or tell why not; either goes through `scrub`."""
    try:
        data = _text(part.make(), scrub).encode("utf-8", "backslashreplace")
    except Exception as error:  # noqa: BLE001 - a part may fail in any way, the others go on
        said = scrub(" ".join(str(error).split()) or type(error).__name__)
        return Made(part.name, part.what, f"could not be made: {said}\n".encode(), said)
    if len(data) > MAX_PART:
        data = _CUT + data[-MAX_PART:]
    return Made(part.name, part.what, data)


def _text(made: object, scrub: Callable[[str], str]) -> str:
    """Return a text, or a document as JSON, whose texts went through `scrub`."""
    if isinstance(made, str):
        return scrub(made) + "\n"
    return json.dumps(_scrubbed(made, scrub), indent=1) + "\n"


def _scrubbed(value: object, scrub: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {name: _scrubbed(inner, scrub) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_scrubbed(inner, scrub) for inner in value]
    return value


def manifest(made: Sequence[Made]) -> list[str]:
    """Return what a bundle holds, a line a part."""
    return [
        f"{one.name:<16} {len(one.data):>8} bytes  {one.what}"
        + (f" (could not be made: {one.error})" if one.error else "")
        for one in made
    ]


def write(path: Path, made: Sequence[Made], now: float) -> None:
    """Write the archive, readable by its owner only; raise OSError, also where the file exists."""
    folder = path.name.removesuffix(".tar.gz")
    held = "\n".join(manifest(made)) + "\n"
    first = Made(MANIFEST, "", held.encode("utf-8", "backslashreplace"))
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
    with os.fdopen(fd, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
        for one in (first, *made):
            entry = tarfile.TarInfo(f"{folder}/{one.name}")
            entry.size, entry.mtime, entry.mode = len(one.data), int(now), MODE
            archive.addfile(entry, io.BytesIO(one.data))
