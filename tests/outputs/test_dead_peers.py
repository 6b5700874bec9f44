"""A receiver that vanishes without a word: noticed within the time that was set, by the kernel."""

import os
import subprocess
import time
from collections.abc import Iterator

import pytest

import outputs
from outputs import _stream
from tests.deliver.waiting import until
from tests.outputs.samples import delivery
from tests.outputs.test_shelf import make

pytestmark = pytest.mark.root

ADDRESS = "198.18.77.2"
SERVER = (
    "import socket; s = socket.create_server(('', 6514)); print('ready', flush=True); "
    "c, _ = s.accept(); c.recv(1 << 16); print('read', flush=True); s.accept()"
)


class Host:
    """A network namespace with a receiver, behind a wire that can be cut."""

    def __init__(self) -> None:
        self.name = f"mtt-{os.getpid()}"
        self.ours = f"mtt{os.getpid() % 100000}a"
        theirs = f"mtt{os.getpid() % 100000}b"
        _ip("netns", "add", self.name)
        _ip("link", "add", self.ours, "type", "veth", "peer", "name", theirs, "netns", self.name)
        _ip("addr", "add", "198.18.77.1/30", "dev", self.ours)
        _ip("link", "set", self.ours, "up")
        _ip("-n", self.name, "addr", "add", f"{ADDRESS}/30", "dev", theirs)
        _ip("-n", self.name, "link", "set", theirs, "up")
        self.theirs = theirs
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.name, "python3", "-c", SERVER],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.says() == "ready"

    def says(self) -> str:
        """Return the next line of the receiver."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def vanish(self) -> None:
        """Drop everything that comes or would go."""
        _ip("-n", self.name, "link", "set", self.theirs, "down")
        # Our side stays up, as a switch between the two would keep it.
        _ip("link", "set", self.ours, "up")

    def close(self) -> None:
        """End the receiver and take the wire away."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()
        _ip("link", "del", self.ours)
        _ip("netns", "del", self.name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def host() -> Iterator[Host]:
    """Yield a host with a receiver."""
    made = Host()
    yield made
    made.close()


@pytest.fixture
def siem(host: Host, monkeypatch: pytest.MonkeyPatch) -> Iterator[outputs.Output]:
    """Yield a connected output whose kernel gives up after two seconds."""
    monkeypatch.setattr(_stream, "USER_TIMEOUT", 2.0)
    monkeypatch.setattr(_stream, "KEEPALIVE_IDLE", 1)
    monkeypatch.setattr(_stream, "KEEPALIVE_EVERY", 1)
    output = make("syslog", address=f"{ADDRESS}:6514", transport="tcp")
    output.open()
    output.write([delivery()])
    assert host.says() == "read"
    yield output
    output.close()


def _noticed(output: outputs.Output) -> bool:
    try:
        output.unconfirmed()
    except OSError:
        return True
    return False


def test_what_stays_unacknowledged_breaks_the_connection(siem: outputs.Output, host: Host) -> None:
    """Bytes on their way to a host that is gone."""
    host.vanish()
    siem.write([delivery()])
    assert siem.unconfirmed() == 1
    began = time.monotonic()

    until(lambda: _noticed(siem), "the kernel gave the connection up")

    assert time.monotonic() - began < 10


def test_an_idle_connection_to_a_host_that_is_gone_breaks_too(
    siem: outputs.Output, host: Host
) -> None:
    """Keepalive asks, and nobody answers."""
    until(lambda: siem.unconfirmed() == 0, "everything is acknowledged")
    host.vanish()
    began = time.monotonic()

    until(lambda: _noticed(siem), "the kernel gave the connection up")

    assert time.monotonic() - began < 10
