"""Two network namespaces joined by a wire: traffic comes from outside, the agent is inside."""

import ctypes
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

NEAR, FAR = "live-near", "live-far"
"""The wire's ends: the agent captures on the one, traffic is sent from the other."""
INSIDE, OUTSIDE = "10.99.0.2", "10.99.0.1"
_CLONE_NEWNET = 0x40000000  # linux/sched.h
_LIBC = ctypes.CDLL(None, use_errno=True)


class Namespace(NamedTuple):
    """A network namespace by its name."""

    name: str

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs `arguments` here."""
        return ["ip", "netns", "exec", self.name, *arguments]

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Let the calling thread be here: its new sockets are, and stay so. Raise OSError."""
        with (
            Path("/proc/thread-self/ns/net").open("rb") as home,
            Path(f"/run/netns/{self.name}").open("rb") as here,
        ):
            _enter(here.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())


class Dropped(NamedTuple):
    """Packets that an end of the wire dropped on their way in and on their way out."""

    received: int
    sent: int


class Place(NamedTuple):
    """Both sides of the wire."""

    inside: Namespace
    outside: Namespace

    def dropped(self) -> int:
        """Return how many packets both ends of the wire have dropped so far."""
        ends = _dropped(self.inside, NEAR), _dropped(self.outside, FAR)
        return sum(end.received + end.sent for end in ends)


@contextmanager
def place() -> Iterator[Place]:
    """Make both namespaces and the wire, and remove them; raise CalledProcessError."""
    made = Place(*(Namespace(f"live-{side}-{os.getpid()}") for side in ("in", "out")))
    for old in made:  # of a run that was killed, under the same number
        _run(["ip", "netns", "delete", old.name], check=False)
    try:
        for side in made:
            _run(["ip", "netns", "add", side.name])
            # Without it IPv6 would send packets of its own.
            _run(side.command("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"))
            _run(side.command("ip", "link", "set", "lo", "up"))
        inside, outside = made
        peer = f"type veth peer name {NEAR} netns {inside.name}"
        _run(outside.command(*f"ip link add {FAR} {peer}".split()))
        for side, end, address in ((inside, NEAR, INSIDE), (outside, FAR, OUTSIDE)):
            _run(side.command("ip", "address", "add", f"{address}/24", "dev", end))
            _run(side.command("ip", "link", "set", end, "up"))
        yield made
    finally:
        for side in made:
            _run(["ip", "netns", "delete", side.name], check=False)


def _dropped(side: Namespace, interface: str) -> Dropped:
    command = side.command("ip", "-s", "-j", "link", "show", interface)
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    counts = json.loads(told)[0]["stats64"]
    return Dropped(counts["rx"]["dropped"], counts["tx"]["dropped"])


def _enter(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _run(command: Sequence[str], *, check: bool = True) -> None:
    subprocess.run(command, check=check, capture_output=True)
