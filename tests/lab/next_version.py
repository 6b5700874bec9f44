"""Make a wheelhouse of the next version: python tests/lab/next_version.py FROM TO VERSION.

The agent's wheel is packed anew under VERSION, with the next format of trail sets; everything
else is copied. What is compiled stays as it is: neither number is compiled in.
"""

import base64
import hashlib
import re
import shutil
import sys
import zipfile
from pathlib import Path

VERSION = re.compile(rb'(?m)^__version__ = ".*"')
FORMAT = re.compile(rb"(?m)^FORMAT_VERSION = (\d+)")
METADATA = re.compile(rb"(?m)^Version: .*")


def renewed(name: str, data: bytes, version: str) -> bytes:
    """Return a file of the wheel as the next version has it."""
    if name == "agent/__init__.py":
        return VERSION.sub(f'__version__ = "{version}"'.encode(), data)
    if name == "agent/scan/layout.py":
        return FORMAT.sub(lambda found: b"FORMAT_VERSION = %d" % (int(found[1]) + 1), data)
    return (
        METADATA.sub(f"Version: {version}".encode(), data, 1)
        if name.endswith("/METADATA")
        else data
    )


def repack(wheel: Path, folder: Path, version: str) -> Path:
    """Write the wheel under its next version into `folder`."""
    name, old, rest = wheel.name.split("-", 2)
    target = folder / f"{name}-{version}-{rest}"
    record = []
    with (
        zipfile.ZipFile(wheel) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out,
    ):
        for item in source.infolist():
            path = item.filename.replace(f"{name}-{old}.", f"{name}-{version}.", 1)
            if path.endswith("/RECORD"):
                continue
            data = renewed(path, source.read(item), version)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(data)}")
            out.writestr(path, data)
        path = f"{name}-{version}.dist-info/RECORD"
        out.writestr(path, "\n".join([*record, f"{path},,", ""]))
    return target


def main(source: str, target: str, version: str) -> None:
    """Make every folder of the wheelhouse anew."""
    shutil.copytree(source, target)
    for pins in Path(target).glob("*/requirements.txt"):
        (wheel,) = pins.parent.glob("maltrail_agent-*.whl")
        fresh = repack(wheel, pins.parent, version)
        wheel.unlink()
        digest = hashlib.sha256(fresh.read_bytes()).hexdigest()
        line = f"maltrail-agent=={version} --hash=sha256:{digest}"
        pins.write_text(re.sub(r"(?m)^maltrail-agent==.*$", line, pins.read_text()))


if __name__ == "__main__":
    main(*sys.argv[1:])
