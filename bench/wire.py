"""A network namespace with a wire, for root; without root there is only loopback."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

NEAR, FAR = "bench-near", "bench-far"
PACKETS_A_SECOND = 50_000


class Wire(NamedTuple):
    """Where to capture, and what to put before a command so that it runs there."""

    interface: str
    prefix: tuple[str, ...]

    def send(self, captures: list[Path]) -> bool:
        """Send captures to the interface; tell whether that was possible."""
        if not self.prefix or not shutil.which("tcpreplay"):
            return False
        command = [*self.prefix, "tcpreplay", "-q", f"--pps={PACKETS_A_SECOND}", "-i", FAR]
        return _run([*command, *map(str, captures)])


@contextmanager
def wire() -> Iterator[Wire]:
    """Give a wire, and take it down at the end."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        yield Wire("lo", ())
        return
    name = f"maltrail-bench-{os.getpid()}"
    if not _run(["ip", "netns", "add", name]):
        yield Wire("lo", ())
        return
    prefix = ("ip", "netns", "exec", name)
    try:
        for command in (
            "sysctl -qw net.ipv6.conf.default.disable_ipv6=1",  # the host itself stays silent
            f"ip link add {NEAR} type veth peer name {FAR}",
            "ip link set lo up",
            f"ip link set {NEAR} up",
            f"ip link set {FAR} up",
        ):
            subprocess.run([*prefix, *command.split()], check=True, capture_output=True)
        yield Wire(NEAR, prefix)
    finally:
        _run(["ip", "netns", "delete", name])


def _run(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
