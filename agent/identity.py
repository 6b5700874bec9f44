"""Who writes into the state folder: root steps down to the owner, so that the service can go on."""

import os
import pwd
from pathlib import Path


def become_owner(folder: Path) -> None:
    """Where root runs and `folder` belongs to somebody else, become that user for good.

    What root wrote there the service could neither replace nor lock. Raise OSError.
    """
    if os.geteuid() != 0 or not folder.is_dir():
        return
    status = folder.stat()
    if status.st_uid == 0:
        return
    try:
        os.initgroups(pwd.getpwuid(status.st_uid).pw_name, status.st_gid)
    except KeyError:
        os.setgroups([])
    os.setgid(status.st_gid)
    os.setuid(status.st_uid)
    os.umask(0o027)
