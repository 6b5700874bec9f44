"""Publish a built trail set: content-addressed, read-only, switched in one step, three kept.

The folder `sets` below the state folder holds `<set id>.set` files, `current`, a relative link to
the one in use, and `history`, the ids in the order in which they were published, newest last.
A published file is never opened for writing again: sensors have it mapped.
"""

import logging
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from agent.published import CURRENT, FOLDER
from agent.trails.set import SetError, TrailSet

KEEP = 3
"""Sets kept: the current one, its predecessor for a rollback, and one more for a second look."""

_HISTORY = "history"
_SUFFIX = ".set"
_SET_ID = re.compile(r"[0-9a-f]{64}")
_READ_ONLY = 0o444

_log = logging.getLogger("trails.publish")


def publish(built: Path, state_dir: Path) -> Path:
    """Make the set in `built` the current one and return its published path.

    A file built inside the sets folder is moved, any other is copied. Content that is current
    already is not switched, which is logged; compare with `current_set` before. The same content
    in a format that this version does not read is replaced. Raise SetError where `built` is no
    set, OSError where it cannot be stored; the current set then stays.
    """
    folder = sets_folder(state_dir)
    set_id = _checked_id(TrailSet.open(built).info.set_id)
    target = folder / f"{set_id}{_SUFFIX}"
    if current_set(state_dir) == target and is_usable(target):
        _log.info("set %s is current already: unchanged", set_id[:12])
        if built.parent == folder and built != target:
            built.unlink()
        return target
    if built != target:
        _store(built, target)
    _remember(folder, set_id)
    _switch(folder, target.name)
    _prune(folder, set_id)
    _log.info("set %s is current", set_id[:12])
    return target


def rollback(state_dir: Path) -> Path:
    """Make the set published before the current one current; return its path.

    Raise FileNotFoundError where there is none. The set rolled back from stays on disk.
    """
    folder = sets_folder(state_dir)
    current = current_set(state_dir)
    ids = _history(folder)
    if current is not None and current.stem in ids:
        ids = ids[: ids.index(current.stem)]
    for set_id in reversed(ids):
        target = folder / f"{set_id}{_SUFFIX}"
        if target.is_file() and target != current:
            TrailSet.open(target)
            _switch(folder, target.name)
            _log.info("set %s is current again", set_id[:12])
            return target
    raise FileNotFoundError(f"{folder}: no earlier set to go back to")


def current_set(state_dir: Path) -> Path | None:
    """Return the path of the current set, None where none is published."""
    link = state_dir / FOLDER / CURRENT
    try:
        target = link.parent / link.readlink().name
    except OSError:
        return None
    return target if target.is_file() else None


def is_usable(path: Path) -> bool:
    """Tell whether this version opens the set: its id says nothing of the format of its file."""
    try:
        TrailSet.open(path).close()
    except SetError:
        return False
    return True


def sets_folder(state_dir: Path) -> Path:
    """Return the folder of the sets, made where it is missing."""
    folder = state_dir / FOLDER
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    return folder


def sync_file(path: Path) -> None:
    """Wait until the content of `path` is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Wait until the names in `folder` are on disk: a rename alone may be lost at a crash."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes, mode: int | None = None) -> None:
    """Replace the content of `path` so that a crash leaves the old or the new one, whole.

    `mode` is given to the file before it has its name; None leaves it to the umask.
    """
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(data)
    if mode is not None:
        fresh.chmod(mode)
    sync_file(fresh)
    fresh.replace(path)
    sync_folder(path.parent)


def _checked_id(set_id: str) -> str:
    """Refuse an id that is no hash: it becomes a file name."""
    if not _SET_ID.fullmatch(set_id):
        raise ValueError("expected a set id of 64 hexadecimal digits")
    return set_id


def _store(built: Path, target: Path) -> None:
    """Put a copy of `built` at `target`, read-only and on disk; an old file there is replaced."""
    fresh = target.with_name(f".{target.name}.new")
    if built.parent == target.parent:
        built.replace(fresh)
    else:
        # Never a hard link: whoever owns `built` could truncate what sensors have mapped.
        shutil.copyfile(built, fresh)
    fresh.chmod(_READ_ONLY)
    sync_file(fresh)
    fresh.replace(target)
    sync_folder(target.parent)


def _switch(folder: Path, name: str) -> None:
    """Point `current` at `name` in one step: there is no moment without a current set."""
    fresh = folder / f".{CURRENT}.new"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(name)
    fresh.replace(folder / CURRENT)
    sync_folder(folder)


def _history(folder: Path) -> list[str]:
    try:
        text = (folder / _HISTORY).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return []
    return [line for line in text.splitlines() if _SET_ID.fullmatch(line)]


def _remember(folder: Path, set_id: str) -> None:
    """Note `set_id` as published last; only ids whose file may still exist are remembered."""
    ids = [known for known in _history(folder) if known != set_id]
    ids = [known for known in ids if (folder / f"{known}{_SUFFIX}").is_file()]
    _write_history(folder, [*ids, set_id])


def _write_history(folder: Path, ids: Iterable[str]) -> None:
    text = "".join(f"{known}\n" for known in ids)
    write_atomically(folder / _HISTORY, text.encode("ascii"))


def _prune(folder: Path, current: str) -> None:
    """Remove all sets but the last KEEP; a sensor that still maps one keeps it until it lets go."""
    kept = {*_history(folder)[-KEEP:], current}
    for path in folder.glob(f"*{_SUFFIX}"):
        if _SET_ID.fullmatch(path.stem) and path.stem not in kept:
            path.unlink()
