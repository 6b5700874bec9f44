"""What a support bundle tells of the host: versions, units, logs, network cards."""

import importlib.metadata
import os
import platform
import ssl
import subprocess
import sys
from pathlib import Path

from agent import __version__, ethtool
from agent.capture import SYSFS
from agent.preflight_units import UNITS
from agent.scan import is_compiled

MAX_LINES = 20_000
PATIENCE = 30.0
"""Seconds that a command of the host may take."""

_SHOWN = (
    *("ActiveState", "SubState", "Result", "ExecMainStatus", "ExecMainStartTimestamp", "NRestarts"),
    *("MemoryCurrent", "MemoryPeak", "MemoryMax", "CPUUsageNSec", "TasksCurrent", "StatusText"),
    *("NeedDaemonReload", "UnitFileState", "FragmentPath", "DropInPaths"),
)
_STATISTICS = ("rx_packets", "rx_bytes", "rx_dropped", "rx_missed_errors", "rx_fifo_errors")


def versions() -> dict[str, object]:
    """Return which versions run, and on what."""
    return {
        "agent": __version__,
        "build": "compiled" if is_compiled() else "plain",
        "python": sys.version,
        "openssl": ssl.OPENSSL_VERSION,
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "distribution": _distribution(),
        "libc": " ".join(platform.libc_ver()),
        "processors": os.cpu_count(),
        "memory_kb": _memory_kb(),
        "packages": {one.name: one.version for one in importlib.metadata.distributions()},
    }


def units() -> str:
    """Return what systemd knows of our units; raise OSError, TimeoutExpired."""
    return _told(["systemctl", "show", "--no-pager", f"--property=Id,{','.join(_SHOWN)}", *UNITS])


def logs(since: float) -> str:
    """Return the last lines of our units, so many seconds back; raise OSError, TimeoutExpired."""
    named = [f"--unit={unit}" for unit in UNITS]
    bounds = [f"--lines={MAX_LINES}", f"--since=-{since:.0f}s"]
    form = ["--output=short-iso-precise", "--utc", "--no-pager", "--quiet", "--no-hostname"]
    return _told(["journalctl", *named, *bounds, *form])


def interfaces(sysfs: Path = SYSFS) -> dict[str, object]:
    """Return state, counters and offloads of every interface; no address is told."""
    return {entry.name: _interface(entry) for entry in sorted(sysfs.iterdir())}


def _interface(entry: Path) -> dict[str, object]:
    told: dict[str, object] = {
        name: value
        for name in ("flags", "mtu", "operstate", "carrier", "speed", "type")
        if (value := _line(entry / name))
    }
    told |= {name: _line(entry / "statistics" / name) for name in _STATISTICS}
    try:
        told["joins_packets"] = ethtool.joins_packets(entry.name)
        told["receive_ring"] = ethtool.receive_ring(entry.name)._asdict()
    except OSError as error:
        told["ethtool"] = error.strerror
    return told


def _line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _told(command: list[str]) -> str:
    """Return what a command says, its complaints included; raise OSError, TimeoutExpired."""
    asked = subprocess.run(  # noqa: S603 - fixed commands
        command,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
    )
    return asked.stdout.decode("utf-8", "backslashreplace")


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def _memory_kb() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1])
    return 0
