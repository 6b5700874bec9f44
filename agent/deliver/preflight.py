"""What `check` finds on the delivering side: one finding a line, each with its remedy."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from agent.config import ConfigError, Settings
from agent.deliver.build import build
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
