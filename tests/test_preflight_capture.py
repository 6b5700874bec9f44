"""What `check` finds of interfaces and the filter: down, cut short, too small, hidden."""

import subprocess
from pathlib import Path

import pytest

from agent import ethtool, preflight_capture
from agent.config import Capture
from agent.finding import Finding
from agent.preflight_capture import check_interfaces, check_memory, check_traffic, memory_mb
from agent.preflight_filter import check_needs

HOME = ("192.168.0.0/16", "10.0.0.0/8", "fc00::/7")
NAME = "mtc0"
"""No interface of this host has the name, so that drivers have nothing to tell."""


class Sysfs:
    """A folder that looks as the kernel's; its files are what a test wants them to be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("flags", "0x1003")
        self.write("carrier", "1")
        self.write("mtu", "1500")
        self.write("type", "1")
        self.write("statistics/rx_packets", "7")

    def write(self, name: str, value: str) -> None:
        """Write a file of the interface."""
        path = self.folder / NAME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")

    def found(self, **keys: object) -> list[Finding]:
        """Return what is found with these settings."""
        settings = Capture(interfaces=(NAME,), **keys)  # type: ignore[arg-type]
        return list(check_interfaces(settings, self.folder))

    def warned(self, **keys: object) -> list[str]:
        """Return the warnings."""
        return [finding.text for finding in self.found(**keys) if finding.level == "warning"]


@pytest.fixture
def sysfs(tmp_path: Path) -> Sysfs:
    """Return an interface that is well."""
    return Sysfs(tmp_path)


def test_an_interface_that_is_well_is_fine(sysfs: Sysfs) -> None:
    """Nothing is warned of."""
    assert sysfs.warned() == []
    assert f"{NAME}: packets are whole, up to 1518 of 2048 bytes" in [f.text for f in sysfs.found()]


def test_an_interface_that_is_down_is_told(sysfs: Sysfs) -> None:
    """With the command that brings it up."""
    sysfs.write("flags", "0x1002")

    assert sysfs.warned() == [f"{NAME}: is down; ip link set {NAME} up"]


def test_an_interface_without_a_cable_is_told(sysfs: Sysfs) -> None:
    """Up, and nobody there."""
    sysfs.write("carrier", "0")

    assert sysfs.warned() == [f"{NAME}: has no carrier; see the cable, or the other end"]


def test_long_packets_are_told_where_they_are_cut(sysfs: Sysfs) -> None:
    """By a large MTU; a larger snaplen keeps them whole."""
    sysfs.write("mtu", "9000")

    (said,) = sysfs.warned()

    assert said.startswith(f"{NAME}: its MTU is 9000, and of each 2048 bytes are kept")
    assert said.endswith("; capture.snaplen: 9018")
    assert sysfs.warned(snaplen=9018) == []


def test_offloads_that_join_packets_are_told(sysfs: Sysfs, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that switches them off; where everything is kept they do no harm."""
    monkeypatch.setattr(ethtool, "joins_packets", lambda _: ["gro", "lro"])

    (said,) = sysfs.warned()

    assert "packets are put together (gro, lro), and of each 2048 bytes are kept" in said
    assert said.endswith(f"; ethtool -K {NAME} gro off lro off, or capture.snaplen: 65535")
    assert sysfs.warned(snaplen=65535) == []


@pytest.mark.parametrize(
    ("lost", "size", "remedy"),
    [(0, 256, ""), (5, 256, f"ethtool -G {NAME} rx 4096"), (5, 4096, "give its interrupts")],
)
def test_a_ring_that_lost_packets_is_told(
    sysfs: Sysfs, monkeypatch: pytest.MonkeyPatch, lost: int, size: int, remedy: str
) -> None:
    """And enlarged where the card has room; a small one that lost nothing is fine."""
    monkeypatch.setattr(ethtool, "receive_ring", lambda _: ethtool.Ring(size, 4096))
    sysfs.write("statistics/rx_missed_errors", str(lost))

    (found,) = [finding for finding in sysfs.found() if "receive ring" in finding.text]

    assert found.text.startswith(f"{NAME}: receive ring of {size}, at most 4096, {lost} packets")
    assert found.remedy.startswith(remedy)
    assert (found.level == "warning") == bool(lost)


@pytest.mark.parametrize("count", [0, 12])
def test_traffic_is_counted_by_the_interface_itself(
    sysfs: Sysfs, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Also where this process may not capture."""

    def watch(settings: Capture, seconds: float) -> list[Finding]:
        sysfs.write("statistics/rx_packets", str(7 + count))
        return [Finding("warning", "x; y")]

    monkeypatch.setattr(preflight_capture, "_watch", watch)

    found = list(check_traffic(Capture(interfaces=(NAME,)), 10, sysfs.folder))

    assert found[0].text.startswith(f"{NAME}: {count} packets received in 10 s")
    assert (found[0].level, found[-1].text) == ("ok" if count else "warning", "x; y")


@pytest.mark.parametrize(("available", "level"), [(1024, "ok"), (500, "warning")])
def test_rings_that_take_half_of_the_memory_are_told(available: int, level: str) -> None:
    """Of all interfaces and workers together."""
    found = check_memory(2, Capture(buffer_mb=64, workers=3), available)

    assert (found.level, bool(found.remedy)) == (level, level != "ok")
    assert found.text.startswith(f"capture: 6 rings of 64 MB, {available} MB of memory are free")


def test_the_memory_of_this_host_is_read() -> None:
    """Where tests run, there is some."""
    assert memory_mb() > 10


def test_no_privileges_are_told_with_what_to_do(sysfs: Sysfs) -> None:
    """Here: no such interface; both are the capture's own words."""
    found = list(check_traffic(Capture(interfaces=(NAME,)), 0, sysfs.folder))

    assert found[-1].remedy


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("", []),
        ("not host 10.1.2.3", []),
        ("net 10.0.0.0/8 or ip6", []),
        ("ip", ["IPv6"]),
        ("not port 443", ["TLS names", "TLS certificates", "QUIC"]),
        ("not icmp and not proto gre", ["ICMP", "tunnels"]),
        ("not udp port 53", ["DNS questions", "DNS answers", "IPv6"]),
        ("not tcp port 53", ["DNS over TCP"]),
        ("not src port 53", ["DNS answers"]),
        ("not (tcp[tcpflags] & tcp-syn != 0)", ["attempts to connect", "answers to attempts"]),
        ("ip[6:2] & 0x1fff = 0 or ip6", ["fragments"]),
    ],
)
def test_a_filter_that_hides_what_rules_need_is_told(text: str, hidden: list[str]) -> None:
    """By name; libpcap itself is asked."""
    found = check_needs(text, HOME)

    told = found.text.partition("hides ")[2].partition(";")[0]
    assert told.split(", ") == (hidden or [""])
    assert (found.level == "ok") == (not hidden)


def test_a_filter_for_one_host_is_not_said_to_hide_all() -> None:
    """No sample can know its address."""
    found = check_needs("host 172.31.9.9", HOME)

    assert found.text.startswith("capture.filter passes none of the packets that rules need")
    assert found.remedy


@pytest.mark.root
def test_drivers_answer_as_ethtool_says() -> None:
    """The same question by two programs, before and after a change."""
    for words in (["add", NAME, "type", "veth", "peer", "name", "mtc1"], ["set", NAME, "up"]):
        subprocess.run(["ip", "link", *words], check=True)
    try:
        for state in ("on", "off"):
            subprocess.run(["ethtool", "-K", NAME, "gro", state], check=True)
            told = subprocess.run(
                ["ethtool", "-k", NAME], capture_output=True, text=True, check=True
            ).stdout
            assert f"generic-receive-offload: {state}" in told
            assert ethtool.joins_packets(NAME) == (["gro"] if state == "on" else [])
    finally:
        subprocess.run(["ip", "link", "del", NAME], check=True)


def test_a_card_that_is_not_there_is_an_error() -> None:
    """Which `check` takes for nothing to tell."""
    with pytest.raises(OSError, match="No such device"):
        ethtool.joins_packets(NAME)
    with pytest.raises(OSError, match="No such device"):
        ethtool.receive_ring(NAME)
