"""Try what a unit's sandbox is to forbid, and print what was permitted: run in place of the agent.

    python3 probe.py FILE...

Each FILE is tried to be read, or, with a `+` in front, to be written. One word a line.
"""

import ctypes
import mmap
import os
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

_FAMILIES = ("UNIX", "INET", "INET6", "PACKET", "NETLINK", "VSOCK", "BLUETOOTH")
_NEWUSER, _NEWNS = 0x10000000, 0x00020000  # linux/sched.h
_ATTACH = 16  # linux/ptrace.h
_LIBC = ctypes.CDLL(None, use_errno=True)


def _called(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _read(path: str) -> None:
    with Path(path).open("rb") as file:
        file.read(1)


def _write(path: str) -> None:
    tried = Path(path, "probe")
    tried.write_text("", encoding="ascii")
    tried.unlink()


def _write_and_execute() -> None:
    flags = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE, prot=flags).close()


def _open(family: str) -> None:
    kind = socket.SOCK_RAW if family in {"PACKET", "NETLINK"} else socket.SOCK_STREAM
    socket.socket(getattr(socket, f"AF_{family}"), kind).close()


def tries(paths: list[str]) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield what is tried, by name."""
    for family in _FAMILIES:
        yield f"AF_{family}", partial(_open, family)
    yield "setuid", lambda: os.setuid(0)
    yield "chown", lambda: os.chown("/tmp", 0, 0)
    yield "mount namespace", lambda: _called(_LIBC.unshare(_NEWNS))
    yield "user namespace", lambda: _called(_LIBC.unshare(_NEWUSER))
    yield "ptrace", lambda: _called(_LIBC.ptrace(_ATTACH, 1, None, None))
    yield "kill", lambda: os.kill(1, 0)
    yield "hostname", lambda: socket.sethostname("probe")
    yield "priority", lambda: os.nice(-5)
    yield "affinity", lambda: os.sched_setaffinity(0, os.sched_getaffinity(0))
    yield "real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    yield "W+X memory", _write_and_execute
    yield "kernel log", lambda: _read("/dev/kmsg")
    for path in paths:
        yield path, partial(_write if path[0] == "+" else _read, path.lstrip("+"))


def main() -> None:
    """Try all."""
    permitted = []
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(":\t")
        if key in {"CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"}:
            permitted.append(f"{key}={value}")
    for name, attempt in tries(sys.argv[1:]):
        try:
            attempt()
        except (OSError, ValueError, AttributeError):
            continue
        permitted.append(name)
    sys.stdout.write("\n".join([*permitted, "end\n"]))


if __name__ == "__main__":
    main()
