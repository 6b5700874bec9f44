"""What `check` finds of the installed units, users and folders: whether they are those shipped."""

import grp
import pwd
import subprocess
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from agent.finding import Finding

UNITS = (
    "maltrail-agent.service",
    "maltrail-agent-deliver.service",
    "maltrail-agent-update.service",
    "maltrail-agent-update.timer",
)
_PLACES = ("etc/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system")
"""Where systemd looks, the first wins (systemd.unit(5)); /lib is /usr/lib everywhere we run."""

_SYSTEMCTL = "/usr/bin/systemctl"
_PATIENCE = 3.0
_AGAIN = "install this version's again; changes of your own belong into a drop-in"


class _Folder(NamedTuple):
    """A line of tmpfiles.d: a folder that is there, with its mode and owners."""

    path: str
    mode: int
    user: str
    group: str


def shipped() -> Path | None:
    """Return the folder of the units of this version: beside the package, or in a checkout."""
    for folder in (
        Path(sys.prefix) / "share" / "maltrail-agent" / "systemd",
        Path(__file__).resolve().parents[1] / "deploy" / "systemd",
    ):
        if folder.is_dir():
            return folder
    return None


def check_units(ours: Path | None, root: Path = Path("/")) -> Iterator[Finding]:
    """Yield how the units under `root` differ from `ours`; nothing where none is installed."""
    installed = {name: path for name in UNITS if (path := _installed(name, root))}
    if ours is None or not installed:
        return
    for name in UNITS:
        yield _of_unit(name, installed.get(name), ours / name)
        for path in _drop_ins(name, root):
            yield Finding("ok", f"units: {name} is changed by {path}")
    yield from _users(ours)
    yield from _folders(ours, root)
    if root == Path("/"):
        yield from _unread(tuple(installed))


def _of_unit(name: str, path: Path | None, ours: Path) -> Finding:
    if path is None:
        return Finding("warning", f"units: {name} is not installed; {_AGAIN}")
    if path.is_symlink() and path.resolve() == Path("/dev/null"):
        return Finding("warning", f"units: {name} is masked; systemctl unmask {name}")
    there, wanted = _lines(path), _lines(ours)
    if there == wanted:
        return Finding("ok", f"units: {name} is that of this version")
    first = next(
        theirs or expected for theirs, expected in zip_longest(there, wanted) if theirs != expected
    )
    return Finding("warning", f"units: {path} is not that of this version ({first!a}); {_AGAIN}")


def _lines(path: Path) -> list[str]:
    """Return the lines of a unit that mean something."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return [line for line in map(str.strip, text.splitlines()) if line and line[0] not in "#;"]


def _installed(name: str, root: Path) -> Path | None:
    paths = (root / place / name for place in _PLACES)
    return next((path for path in paths if path.is_symlink() or path.exists()), None)


def _drop_ins(name: str, root: Path) -> Iterator[Path]:
    for place in _PLACES:
        yield from sorted((root / place / f"{name}.d").glob("*.conf"))


def _users(ours: Path) -> Iterator[Finding]:
    """Yield which users and memberships of sysusers.d are missing."""
    for file in sorted((ours / "sysusers.d").glob("*.conf")):
        remedy = f"systemd-sysusers {file}"
        for line in _lines(file):
            kind, name, group = line.split()[:3]
            if kind == "u" and not _user(name):
                yield Finding("failure", f"users: there is no user {name}; {remedy}")
            elif kind == "m" and _user(name) and not _is_member(name, group):
                yield Finding("failure", f"users: {name} is not in group {group}; {remedy}")


def _user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _is_member(name: str, group: str) -> bool:
    try:
        return name in grp.getgrnam(group).gr_mem
    except KeyError:
        return False


def _folders(ours: Path, root: Path) -> Iterator[Finding]:
    """Yield which folders of tmpfiles.d are missing, or belong to somebody else."""
    fine = True
    for file in sorted((ours / "tmpfiles.d").glob("*.conf")):
        for folder in _wanted_folders(file):
            said = _of_folder(folder, root / folder.path.lstrip("/"))
            fine = fine and said == ""
            if said:
                yield Finding("failure", f"folders: {said}; systemd-tmpfiles --create {file}")
    if fine:
        yield Finding("ok", "folders: all are there, with their owners and modes")


def _wanted_folders(file: Path) -> Iterator[_Folder]:
    for line in _lines(file):
        kind, path, mode, user, group = line.split()[:5]
        if kind == "d":
            yield _Folder(path, int(mode, 8), user, group)


def _of_folder(wanted: _Folder, path: Path) -> str | None:
    """Return what is wrong with a folder, or nothing; None where that cannot be told."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return f"{wanted.path} is missing"
    except OSError:
        return None  # we may not look
    try:
        owners = pwd.getpwnam(wanted.user).pw_uid, grp.getgrnam(wanted.group).gr_gid
    except KeyError:
        return None  # told of already
    if (status.st_uid, status.st_gid) != owners:
        return f"{wanted.path} does not belong to {wanted.user}:{wanted.group}"
    if status.st_mode & 0o7777 != wanted.mode:
        return f"{wanted.path} has the mode {status.st_mode & 0o7777:04o}, not {wanted.mode:04o}"
    return ""


def _unread(names: tuple[str, ...]) -> Iterator[Finding]:
    """Yield which units systemd has not read since they were changed; nothing without systemd."""
    for name in names:
        try:
            asked = subprocess.run(  # noqa: S603 - a fixed command
                [_SYSTEMCTL, "show", "--property=NeedDaemonReload", "--value", name],
                capture_output=True,
                check=False,
                timeout=_PATIENCE,
            )
        except (OSError, subprocess.TimeoutExpired):
            return
        if asked.stdout.strip() == b"yes":
            what = f"units: {name} was changed since systemd read it"
            yield Finding("warning", f"{what}; systemctl daemon-reload, then restart it")
