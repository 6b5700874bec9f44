"""Maltrail's lists: the repository's archive, one list file, or the merged `trails.csv`."""

import csv
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, Literal

import msgspec

from agent.model import Source, Trail
from feeds import Origin, Unused
from feeds._archive import Member, damage_told, is_archive, members
from feeds._lines import lines

MAX_KEY = 2048
"""The longest key in use has 575 characters."""

MAX_LABEL = 256
"""Labels are file names of a few words; a longer one is no label."""

STATIC_REFERENCE = "(static)"

_PATTERN = re.compile(r"[\].][*+]|\[[a-z0-9_.\-]+\]", re.IGNORECASE)
# Nine lines in ten: a name, an address, an address and port. No rule below changes them.
_SIMPLE = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.:-]{0,254}[0-9A-Za-z]")
_QUAD = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_UNUSABLE = re.compile("[\x00-\x20\x7f\ufffd]")
_MARKUP = re.compile(r"<\s*[a-zA-Z/!]")

# Later files replace labels of earlier ones. The history list, a snapshot of 2013, must fill
# gaps only; malware is the most specific class. Within one, by name, so that a label does not
# depend on the order in which a file system or an archiver lists files.
_CLASS_ORDER = {"malicious": 1, "suspicious": 2, "": 3, "malware": 4}


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`form` says what the content is; `auto` tells archives and CSV apart, never a list file.

    `folder` is where the list files are inside an archive, below its one top folder. `only` and
    `without` keep or drop list files by name, without the ending.
    """

    form: Literal["auto", "archive", "csv", "list"] = "auto"
    folder: str = "trails/static"
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


def parse(content: BinaryIO, config: Config, origin: Origin, unused: Unused) -> Iterator[Trail]:
    """Yield the trails, the least specific first; keys are in Maltrail's dialect."""
    form = config.form
    if form == "auto":
        form = "archive" if is_archive(content) else "csv"
    if form == "list":
        return _of_lines(content, _labelled(origin, origin.info), unused)
    if form == "csv":
        return _of_csv(content, origin, unused)
    return _of_archive(content, config, origin, unused)


def static_key(line: str) -> str:
    """Return the key of one line of a list file, empty for none; raise ValueError.

    Follows the line forms of Maltrail with three faults left out: a pattern passes through no
    rule for URLs (its `?` is not a query), a `#` inside a URL is a fragment and not a comment,
    and a fragment that alone tells a page of a shared host apart does not become the whole host.
    """
    text = line.strip()
    if _SIMPLE.fullmatch(text):
        return text
    if not text or text.startswith("#"):
        return ""
    text = re.split(r"\s#", text, maxsplit=1)[0].rstrip()
    if _is_pattern(text):
        return _usable(text)
    text, fragment = _cut_fragment(text)
    if "://" in text:
        text = text.split("://", 1)[1]
        if "/" not in text:
            text += "/"
    if not text.startswith("/"):
        text = text.split("?", 1)[0]
    text = text.replace("//", "/")
    if "/" not in text:
        return _usable(text if _QUAD.fullmatch(text) else text.strip("."))
    if text.count("/") > 1:
        text = text.rstrip("/") or "/"
    if fragment and text.count("/") == 1 and text.endswith("/"):
        raise ValueError("only a URL's fragment, never sent, tells it from its host")
    return _usable(text)


def _is_pattern(text: str) -> bool:
    """Tell a regular expression by its shape; brackets in paths are no patterns."""
    return "/" not in text and _PATTERN.search(text) is not None


def _cut_fragment(text: str) -> tuple[str, bool]:
    """Cut at `#`; tell whether it was a URL's fragment rather than a comment without a blank."""
    before, mark, _ = text.partition("#")
    return (before.rstrip(), bool(mark) and "/" in before)


def _usable(key: str) -> str:
    """Return the key; raise ValueError with a fixed reason where it cannot be one."""
    if _SIMPLE.fullmatch(key):
        return key
    if len(key) > MAX_KEY:
        raise ValueError("too long")
    if _UNUSABLE.search(key):
        raise ValueError("blanks or characters that no indicator holds")
    if key.startswith("<") or _MARKUP.search(key):
        raise ValueError("markup")
    return key


class _Labels(msgspec.Struct, frozen=True):
    """What all trails of one list file share."""

    info: str
    reference: str
    source: Source


def _labelled(origin: Origin, info: str) -> _Labels:
    return _Labels(info, origin.reference or STATIC_REFERENCE, origin.source)


def _of_lines(content: BinaryIO, labels: _Labels, unused: Unused) -> Iterator[Trail]:
    info, reference, source = labels.info, labels.reference, labels.source
    for line in lines(content):
        try:
            key = static_key(line)
        except ValueError as error:
            unused.reject(str(error), line)
            continue
        if key:
            yield Trail(key=key, info=info, reference=reference, source=source, dialect="maltrail")


def _of_csv(content: BinaryIO, origin: Origin, unused: Unused) -> Iterator[Trail]:
    source = origin.source
    rows = csv.reader(line + "\n" for line in lines(content))
    try:
        for row in rows:
            if not row:
                continue
            if len(row) != 3:
                unused.reject("not three columns", ",".join(row))
                continue
            key, info, reference = row
            try:
                key = _usable(key)
            except ValueError as error:
                unused.reject(str(error), key)
                continue
            if not (key and info) or len(info) > MAX_LABEL or len(reference) > MAX_KEY:
                unused.reject("an empty or oversized column", ",".join(row))
                continue
            if not (info.isprintable() and reference.isprintable()):
                unused.reject("characters that no label holds", ",".join(row))
                continue
            yield Trail(key=key, info=info, reference=reference, source=source, dialect="maltrail")
    except csv.Error as error:
        raise ValueError(f"not CSV: {error}") from error


def _of_archive(
    content: BinaryIO, config: Config, origin: Origin, unused: Unused
) -> Iterator[Trail]:
    with damage_told():
        listed = sorted(_wanted(members(content), config), key=_precedence)
        for member in listed:
            with member.open() as file:
                yield from _of_lines(file, _labelled(origin, _info(member.path)), unused)


def _wanted(members: Iterator[Member], config: Config) -> Iterator[Member]:
    """Keep the list files of the configured folder, their paths relative to it."""
    folder = tuple(part for part in config.folder.split("/") if part)
    for member in members:
        below = _below(member.path.parts, folder)
        if below is None or member.path.suffix != ".txt" or len(below) > 2:
            continue
        name = member.path.stem
        if name in config.without or (config.only and name not in config.only):
            continue
        yield Member(PurePosixPath(*below), member.open)


def _below(parts: tuple[str, ...], folder: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the path inside `folder`, with or without the archive's one top folder."""
    for top in (0, 1):
        if parts[top : top + len(folder)] == folder and len(parts) > top + len(folder):
            return parts[top + len(folder) :]
    return None


def _precedence(member: Member) -> tuple[int, str, str]:
    folder = member.path.parts[0] if len(member.path.parts) > 1 else ""
    rank = 0 if "history" in member.path.name else _CLASS_ORDER.get(folder, 1)
    return (rank, folder, member.path.name)


def _info(path: PurePosixPath) -> str:
    """Return the label: `malware/apt_x.txt` says `apt x (malware)`."""
    name = path.stem.replace("_", " ")
    return f"{name} ({path.parts[0]})" if len(path.parts) > 1 else name
