"""What `check` finds on the delivering side: one finding a line, each with its remedy."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from agent.config import ConfigError, Output, Settings
from agent.deliver.build import build
from agent.deliver.journal import left_behind
from agent.deliver.lane import wants_journal
from outputs import Finding

USER = "maltrail-deliver"

_REMEDY = f"chgrp {USER} and chmod 0640 the file, its folders 0711"
_TEST = "/usr/bin/test"


def check(settings: Settings, connect: bool) -> Iterator[Finding]:
    """Yield what is right and wrong with each output; speak to receivers only where `connect`."""
    for output in settings.outputs:
        key = f"outputs.{output.name}"
        try:
            built = build(output)
        except ConfigError as error:
            yield Finding("failure", str(error))
            continue
        for finding in built.inspect(datetime.now(UTC), connect):
            yield Finding(finding.level, f"{key}: {output.type}: {finding.text}")
        for path in built.files:
            if not _is_missing(path) and not may_read(path):
                yield Finding("failure", f"{key}: {path}: {USER} cannot read it; {_REMEDY}")


def check_journals(settings: Settings, folder: Path) -> Iterator[Finding]:
    """Yield whether the disk has the room that journals may take, and which nobody sends from."""
    names = [output.name for output in settings.outputs if _has_journal(output)]
    wanted = len(names) * settings.journal.max_mb
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free >> 20
    said = f"journal: {len(names)} outputs may keep {wanted} MB, {place} has {free} MB free"
    if wanted > free:
        yield Finding("warning", f"{said}; make room, or lower journal.max_mb")
    elif names:
        yield Finding("ok", said)
    try:
        left = left_behind(folder, (output.name for output in settings.outputs))
    except PermissionError:
        return  # deliver's own, and it tells of them when it starts
    for path, size in left.items():
        what = f"journal: {path} holds {size} bytes of unsent events, and no output has its name"
        yield Finding("warning", f"{what}; name the output again to send them, or delete it")


def _has_journal(output: Output) -> bool:
    """Tell whether an output keeps a journal; one that cannot be built has been told of."""
    try:
        return wants_journal(output, build(output))
    except ConfigError:
        return False


def may_read(path: Path, user: str = USER) -> bool:
    """Tell whether deliver's user can read a file; asked of the kernel, so that ACLs count.

    Without root, or on a host without that user, it is asked for whoever asks.
    """
    if os.geteuid() != 0:
        return os.access(path, os.R_OK)
    try:
        known = pwd.getpwnam(user)
    except KeyError:
        return True
    asked = subprocess.run(  # noqa: S603 - a fixed command, with a path of the configuration
        [_TEST, "-r", str(path)],
        check=False,
        user=known.pw_uid,
        group=known.pw_gid,
        extra_groups=os.getgrouplist(user, known.pw_gid),
    )
    return asked.returncode == 0


def _is_missing(path: Path) -> bool:
    """Tell whether there is no such file; `inspect` has said so then."""
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False
