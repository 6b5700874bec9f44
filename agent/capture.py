"""Live capture: interfaces in, packet batches out.

Strategy: a handle never blocks, because libpcap's own blocking read waits for ever on a quiet
link; the caller polls. Batches are small while little happens, so that memory stays in the
allocator's cache, and grow under load, so that the cost of a call is shared by many packets.
A handle belongs to one thread; threads are the caller's.
"""

import contextlib
import logging
import os
import select
import socket
import struct
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Self

import pcapy

from agent.config import Capture
from agent.interface_loss import InterfaceLoss, on_wire
from agent.kernel_filter import Keep, KernelFilter
from agent.model import PacketBatch

BATCH_MIN = 64
"""Packets a read while idle: at 2 kB each they fit the allocator's cache."""

BATCH_MAX = 1024
"""Packets a read under load, and always from files: beyond it, the cost of a call is noise."""

BATCH_BYTES = 16 << 20
"""What one batch may hold at most, which matters where `capture.snaplen` is large."""

PACKET_COST = 82
"""Bytes of the ring that a packet takes beside its own: header, address and alignment."""

RETIRE_MS = 100
"""How long the kernel may hold back packets to fill a block: the delay on a quiet link."""

AUTO = "auto"
SYSFS = Path("/sys/class/net")

_IFF_UP, _IFF_LOOPBACK = 0x1, 0x8  # linux/if.h
_NOT_PACKETS = frozenset({280, 772, 804, 824, 826})  # linux/if_arp.h: CAN, loopback, monitors
_MASTERS = ("bridge", "bonding")  # folders in sysfs that only such interfaces have
_LOWER = "lower_"  # sysfs' links to what an interface stands on
_COUNTER_SPAN = 1 << 32  # pcap_stat counts in unsigned 32-bit numbers

_SOL_PACKET, _PACKET_FANOUT = 263, 18  # linux/socket.h, linux/if_packet.h
_FANOUT_UNIQUE_ID = 0x2000  # the kernel picks a group number that nobody uses

_NO_SUCH_DEVICE, _NO_PERMISSION, _NOT_UP, _NO_PROMISC_PERMISSION = -5, -8, -9, -11
_WARNINGS = {2: "no promiscuous mode here", 3: "no such kind of time stamp here"}
_EMPTY_CAPTURE = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)

_log = logging.getLogger("agent.capture")


class CaptureError(Exception):
    """A capture that cannot be had; the text is the one line a user reads."""


class InterfaceGone(CaptureError):  # noqa: N818 - a state of the world rather than a fault
    """An interface that is not there or not up: close, and open again when it is wanted."""


class Stats(NamedTuple):
    """Packets since the interface was first opened, over all its reopenings.

    `received` passed the filter and includes those in `dropped`, for which the ring had no room.
    `interface_dropped` is what the interface lost; each worker's handle tells it for the whole
    interface, so it must not be added up over workers.
    """

    received: int
    dropped: int
    interface_dropped: int


class Fanout:
    """A group of handles among which the kernel spreads one interface's packets by flow.

    The kernel chooses the group's number, so no other process can be in it by accident.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members = 0
        self._id = 0

    def join(self, handle: Any) -> None:
        """Add an active handle; raise pcapy.PcapError where the kernel refuses."""
        with self._lock:
            if self._members == 0:
                handle.set_fanout(0, pcapy.PACKET_FANOUT_HASH | _FANOUT_UNIQUE_ID)
                self._id = _fanout_id(handle.getfd())
            else:
                handle.set_fanout(self._id, pcapy.PACKET_FANOUT_HASH)
            self._members += 1

    def leave(self) -> None:
        """Take away a handle that was just closed."""
        with self._lock:
            self._members -= 1


class Interface:
    """One handle on one interface, for one worker; workers share a `Fanout`."""

    def __init__(self, name: str, settings: Capture, fanout: Fanout | None = None) -> None:
        self.name = name
        self._settings = settings
        self._fanout = fanout
        self._handle: Any = None
        self._poll = select.poll()
        self._datalink = 0
        self._most = max(BATCH_MIN, min(BATCH_MAX, BATCH_BYTES // settings.snaplen))
        self._size = BATCH_MIN
        self._read = 0
        self._mean = 0
        self._filter: KernelFilter | None = None
        self._filters = False
        self._loss: InterfaceLoss | None = None
        self._totals = Stats(0, 0, 0)
        self._last = Stats(0, 0, 0)

    def open(self) -> None:
        """Start capturing; raise InterfaceGone or CaptureError."""
        wire = on_wire(self.name)
        handle = _activate(self.name, self._settings)
        try:
            self._prepare(handle)
        except BaseException:
            handle.close()
            raise
        self._handle = handle
        self._filter = None
        self._filters = False
        self._datalink = handle.datalink()
        self._size = BATCH_MIN
        self._last = Stats(0, 0, 0)
        # A filter or other workers take packets, too, so that nobody can tell.
        alone = self._fanout is None and not self._settings.filter
        self._loss = InterfaceLoss(wire) if alone and wire is not None else None
        self._read = self._totals.received - self._totals.dropped  # what a ring held is gone
        self._poll = select.poll()
        self._poll.register(handle.getfd(), select.POLLIN)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable, for callers that poll several."""
        number: int = self._handle.getfd()
        return number

    def poll(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds; tell whether `read` has something to say."""
        return bool(self._poll.poll(timeout * 1000))

    def read(self) -> PacketBatch | None:
        """Return what the ring holds, at most a batch; None when empty. Raise InterfaceGone."""
        try:
            data, meta = self._handle.next_batch(self._size)
        except pcapy.PcapError as error:
            raise InterfaceGone(f"{self.name}: capture ended: {reason_of(error)}") from error
        count = len(meta) // 16
        self._read += count
        if count:
            self._mean = len(data) // count + PACKET_COST
        if count == self._size:
            self._size = min(self._size * 2, self._most)
        elif count < self._size // 2:
            self._size = max(self._size // 2, BATCH_MIN)
        return PacketBatch(self._datalink, data, meta, self.name) if count else None

    def ring_use(self) -> float:
        """Return the share of the ring that waits to be read, as of the last `stats`.

        Packets that arrived and were neither dropped nor read, at the size of those read last.
        """
        waiting = self._totals.received - self._totals.dropped - self._read
        return max(0, waiting) * self._mean / (self._settings.buffer_mb << 20)

    def keep(self, keep: Keep) -> None:
        """Have the kernel drop, behind the configured filter, what this does not take."""
        try:
            if self._filter is None:
                number = self._handle.getfd()
                self._filter = KernelFilter(number, self._datalink, self._settings.snaplen)
            self._filter.keep(keep)
            self._filters = keep is not Keep.ALL
        except OSError as error:
            # The scanner sheds all the same, only at a higher cost.
            _log.warning("%s: the kernel takes no filter: %s", self.name, error)

    def stats(self) -> Stats:
        """Return the counts so far; safe at any time, in the thread that reads."""
        if self._handle is not None:
            now = self._counted()
            counts = zip(self._totals, self._last, now, strict=True)
            self._totals = Stats(*(total + _step(old, new) for total, old, new in counts))
            self._last = now
        return self._totals

    def _counted(self) -> Stats:
        """Return what this handle counted; whether an interface lost what it dropped is judged."""
        wire = 0 if self._loss is None else on_wire(self.name)
        now = Stats(*self._handle.stats())
        if self._loss is None or wire is None:
            return now
        lost = self._loss.lost(now.interface_dropped, now.received, wire, filtered=self._filters)
        return now._replace(interface_dropped=lost)

    def close(self) -> None:
        """Stop capturing and keep the counts; harmless when closed already."""
        if self._handle is None:
            return
        with contextlib.suppress(pcapy.PcapError):  # an interface that is gone cannot be asked
            self.stats()
        self._handle.close()
        self._handle = None
        if self._fanout is not None:
            self._fanout.leave()

    def __enter__(self) -> Self:
        """Open."""
        self.open()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Close."""
        self.close()

    def _prepare(self, handle: Any) -> None:
        """Set what can only be set on an active handle; the fan-out last, as it must be left."""
        handle.setnonblock(1)
        if self._settings.filter:
            try:
                handle.setfilter(self._settings.filter)
            except pcapy.PcapError as error:
                raise _bad_filter(self._settings.filter, error, f" on {self.name}") from error
        if self._fanout is not None:
            try:
                self._fanout.join(handle)
            except (pcapy.PcapError, OSError) as error:
                # Seen when an interface was replaced while another worker still holds the old one.
                raise InterfaceGone(f"{self.name}: no fan-out group: {reason_of(error)}") from error


def wanted(interfaces: Iterable[str], sysfs: Path = SYSFS) -> set[str]:
    """Name the interfaces to capture on now; cheap and without privileges, so ask often.

    `auto` is every interface that is up and carries packets, loopback aside, and those aside whose
    packets another of them delivers as well. A name that is given explicitly is wanted whether it
    exists or not, and so is libpcap's `any`.
    """
    names = set(interfaces)
    if AUTO in names:
        names.remove(AUTO)
        usable = {entry.name for entry in sysfs.iterdir() if _is_usable(entry)}
        names.update(name for name in usable if _seen_by(sysfs / name) not in usable)
    return names


def is_missing(interface: str, sysfs: Path = SYSFS) -> bool:
    """Tell whether `auto` would take an interface of this host if it were up."""
    entry = sysfs / interface
    return entry.exists() and not _seen_by(entry)


def check_filter(text: str) -> None:
    """Compile a filter for Ethernet without privileges; raise CaptureError where it is wrong.

    A handle of another link type (`any`, a tunnel) may still refuse it: `ether` is no word there.
    """
    # Not pcapy.compile: it closes libpcap's handle before it asks that handle for the reason.
    handle = open_records()
    try:
        handle.setfilter(text)
    except pcapy.PcapError as error:
        raise _bad_filter(text, error) from error
    finally:
        handle.close()


def open_records(frames: Iterable[bytes] = ()) -> Any:
    """Return a handle that reads frames of Ethernet, the n-th of second n; a pipe holds 64 kB."""
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "wb") as file:
            file.write(_EMPTY_CAPTURE)
            for number, frame in enumerate(frames):
                file.write(struct.pack("=IIII", number, 0, len(frame), len(frame)) + frame)
        return pcapy.open_offline(f"/dev/fd/{reading}")
    finally:
        os.close(reading)


def _activate(name: str, settings: Capture) -> Any:
    """Return an active handle; raise InterfaceGone or CaptureError."""
    handle = pcapy.create(name)
    handle.set_snaplen(settings.snaplen)
    handle.set_promisc(settings.promiscuous)
    handle.set_timeout(RETIRE_MS)
    handle.set_buffer_size(settings.buffer_mb << 20)
    status = handle.activate()
    if status >= 0:
        if status > 0:
            _log.warning("%s: libpcap warns: %s", name, _WARNINGS.get(status, status))
        return handle
    handle.close()
    if status in (_NO_PERMISSION, _NO_PROMISC_PERMISSION):
        raise CaptureError(
            f"{name}: capture is not permitted: it needs CAP_NET_RAW; start the systemd unit, "
            "run as root, or `setcap cap_net_raw+ep` the Python of the virtual environment"
        )
    if status == _NO_SUCH_DEVICE:
        raise InterfaceGone(f"{name}: there is no such interface; `ip link` lists those there are")
    if status == _NOT_UP:
        raise InterfaceGone(f"{name}: is not up; `ip link set {name} up` brings it up")
    raise CaptureError(
        f"{name}: libpcap cannot capture here (status {status}); a common cause is "
        f"capture.buffer_mb {settings.buffer_mb} beyond the memory that is left"
    )


def _is_usable(entry: Path) -> bool:
    """Tell whether `auto` takes the interface that this sysfs folder is about."""
    try:
        flags = int((entry / "flags").read_text(), 16)
        kind = int((entry / "type").read_text())
    except (OSError, ValueError):
        return False  # gone between listing and reading, or `bonding_masters`, which is a file
    return bool(flags & _IFF_UP) and not flags & _IFF_LOOPBACK and kind not in _NOT_PACKETS


def _seen_by(entry: Path) -> str:
    """Name the interface on which this one's packets are captured as well, or nothing.

    A bridge that is captured in promiscuous mode gets what it forwards, a bond what comes through
    its members, and the parent of a VLAN its packets with their tags.
    """
    master = entry / "master"
    if any((master / kind).is_dir() for kind in _MASTERS):
        return master.resolve().name
    try:
        is_vlan = "DEVTYPE=vlan" in (entry / "uevent").read_text().splitlines()
    except OSError:
        return ""  # gone, or no interface
    parents = [below.name.removeprefix(_LOWER) for below in entry.glob(f"{_LOWER}*")]
    return parents[0] if is_vlan and parents else ""


def _fanout_id(descriptor: int) -> int:
    """Ask the kernel for the group number it chose for a capture socket."""
    with socket.socket(fileno=os.dup(descriptor)) as duplicate:
        value = duplicate.getsockopt(_SOL_PACKET, _PACKET_FANOUT)
    return value & 0xFFFF


def _step(old: int, new: int) -> int:
    """Count on from a 32-bit counter that may have wrapped, or gone back because it was reset."""
    step = (new - old) % _COUNTER_SPAN
    return step if step < _COUNTER_SPAN // 2 else 0


def _bad_filter(text: str, error: Exception, where: str = "") -> CaptureError:
    return CaptureError(
        f"capture.filter: {text!r} cannot be used{where}: {reason_of(error)}; "
        "expected a filter as in `man pcap-filter`, or none"
    )


def reason_of(error: Exception) -> str:
    """Return libpcap's words on one line."""
    return " ".join(str(part) for part in error.args).strip() or type(error).__name__
