"""Who writes into the state folder: root steps down to the owner, so that the service can go on."""

import contextlib
import os
import pwd
from pathlib import Path


def become_owner(folder: Path, user: str = "") -> None:
    """Where root runs and `folder` belongs to somebody else, become that user for good.

    Without the folder become `user`, where this host has such a one. What root wrote in their
    place they could neither replace nor lock. Raise OSError.
    """
    if os.geteuid() != 0:
        return
    if folder.is_dir():
        status = folder.stat()
        _become(status.st_uid, status.st_gid)
    elif user:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(user)
            _become(entry.pw_uid, entry.pw_gid)


def _become(uid: int, gid: int) -> None:
    if uid == 0:
        return
    try:
        os.initgroups(pwd.getpwuid(uid).pw_name, gid)
    except KeyError:
        os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    os.umask(0o027)
