"""What `check` finds of interfaces: whether they carry packets, and what hides some of them."""

import time
from collections.abc import Iterator
from pathlib import Path

from agent import coverage, ethtool, survey
from agent.capture import SYSFS, CaptureError, wanted
from agent.config import Capture
from agent.finding import Finding

LONGEST_JOINED = 65535
"""Bytes of a packet that offloads may have put together."""

LINK_HEADER = 18
"""Bytes of an Ethernet header with a VLAN tag, which an MTU does not count."""

_UP = 0x1  # linux/if.h
_OTHERS = ("auto", "any")


def check_interfaces(settings: Capture, sysfs: Path = SYSFS) -> Iterator[Finding]:
    """Yield what is right and wrong with each interface that is to be captured."""
    for name in settings.interfaces:
        if name not in _OTHERS and not (sysfs / name).exists():
            what = f"capture.interfaces: {name} does not exist (yet)"
            yield Finding("warning", f"{what}; ip link shows which do")
    names = sorted(wanted(settings.interfaces, sysfs))
    if not names:
        said = "capture.interfaces: nothing at the moment; bring an interface up, or name one"
        yield Finding("warning", said)
        return
    yield Finding("ok", f"capture.interfaces: {', '.join(names)}")
    yield check_memory(len(names), settings, memory_mb())
    for name in names:
        if (sysfs / name).exists():
            yield from _of_link(name, sysfs / name)
            yield from _of_length(name, sysfs / name, settings.snaplen)
            yield from _of_ring(name, sysfs / name)


def check_memory(interfaces: int, settings: Capture, available_mb: int) -> Finding:
    """Return whether the kernel's rings fit into what memory is there."""
    rings = interfaces * settings.workers
    wanted_mb = rings * settings.buffer_mb
    what = (
        f"capture: {rings} rings of {settings.buffer_mb} MB, {available_mb} MB of memory are free"
    )
    if wanted_mb > available_mb / 2:
        return Finding("warning", f"{what}; lower capture.buffer_mb or capture.workers")
    return Finding("ok", what)


def memory_mb() -> int:
    """Return the memory that can be had without swapping (proc(5), meminfo)."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) >> 10
    return 0


def check_traffic(settings: Capture, seconds: float, sysfs: Path = SYSFS) -> Iterator[Finding]:
    """Look at live traffic for so long; yield what each interface saw, and what is wrong with it.

    Interfaces count for themselves, so that is told without privileges too.
    """
    names = [n for n in sorted(wanted(settings.interfaces, sysfs)) if (sysfs / n).exists()]
    before = {name: _received(sysfs / name) for name in names}
    troubles = list(_watch(settings, seconds))
    for name in names:
        count = _received(sysfs / name) - before[name]
        what = f"{name}: {count} packets received in {seconds:g} s"
        remedy = "see the cable, the mirror session, or whether anybody uses this network"
        yield Finding("ok", what) if count else Finding("warning", f"{what}; {remedy}")
    yield from troubles


def _watch(settings: Capture, seconds: float) -> Iterator[Finding]:
    """Capture for so long, or just wait where that is not allowed; yield what is wrong."""
    end = time.monotonic() + seconds
    try:
        counted = survey.of_interfaces(settings, seconds)
    except CaptureError as error:
        yield Finding("warning", f"{error}; run this check as root to see what is in the packets")
        time.sleep(max(0.0, end - time.monotonic()))
        return
    for trouble in coverage.troubles(counted.counters):
        yield Finding("warning", f"traffic: {trouble.what}; {trouble.remedy}")


def _of_link(name: str, entry: Path) -> Iterator[Finding]:
    """Yield whether an interface is up, with somebody at the other end."""
    if not int((entry / "flags").read_text(), 16) & _UP:
        yield Finding("warning", f"{name}: is down; ip link set {name} up")
        return
    try:
        has_carrier = (entry / "carrier").read_text().strip() == "1"
    except OSError:
        return  # it cannot tell
    if not has_carrier:
        yield Finding("warning", f"{name}: has no carrier; see the cable, or the other end")


def _of_length(name: str, entry: Path, snaplen: int) -> Iterator[Finding]:
    """Yield whether packets may be longer than what is kept of them."""
    mtu = int((entry / "mtu").read_text())
    try:
        joined = ethtool.joins_packets(name)
    except OSError:
        joined = []  # the driver cannot tell, or has nothing of the kind
    longest = LONGEST_JOINED if joined else mtu + LINK_HEADER
    if longest <= snaplen:
        yield Finding("ok", f"{name}: packets are whole, up to {longest} of {snaplen} bytes")
        return
    how = f"packets are put together ({', '.join(joined)})" if joined else f"its MTU is {mtu}"
    off = "".join(f" {word} off" for word in joined)
    mend = f"ethtool -K {name}{off}, or " if joined else ""
    yield Finding(
        "warning",
        f"{name}: {how}, and of each {snaplen} bytes are kept: certificates and bodies behind "
        f"are not seen; {mend}capture.snaplen: {longest}",
    )


def _of_ring(name: str, entry: Path) -> Iterator[Finding]:
    """Yield whether the card loses packets for want of room that it could have."""
    try:
        ring = ethtool.receive_ring(name)
    except OSError:
        return  # no ring, or none to tell of
    lost = _counter(entry, "rx_missed_errors") + _counter(entry, "rx_fifo_errors")
    what = f"{name}: receive ring of {ring.size}, at most {ring.most}, {lost} packets lost there"
    if not lost:
        yield Finding("ok", what)
    elif ring.size < ring.most:
        yield Finding("warning", f"{what}; ethtool -G {name} rx {ring.most}")
    else:
        yield Finding("warning", f"{what}; give its interrupts a processor of their own")


def _received(entry: Path) -> int:
    return _counter(entry, "rx_packets")


def _counter(entry: Path, name: str) -> int:
    """Return a statistic of an interface, 0 where there is none."""
    try:
        return int((entry / "statistics" / name).read_text())
    except (OSError, ValueError):
        return 0
