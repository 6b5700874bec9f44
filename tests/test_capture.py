"""Live capture: which interfaces and which filter; on real wires, what arrives and what is told."""

import ctypes
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.capture import (
    BATCH_MAX,
    BATCH_MIN,
    RETIRE_MS,
    CaptureError,
    Fanout,
    Interface,
    InterfaceGone,
    Stats,
    _step,
    check_filter,
    is_missing,
    wanted,
)
from agent.config import Capture
from tests import packets
from tests.deliver.waiting import until

NEAR, FAR = "mtc-near", "mtc-far"
UDP_FRAME = packets.udp_frame("192.0.2.1", 1024, "192.0.2.2", 9999, bytes(40))
CLONE_NEWNET = 0x40000000
PATIENCE = 5.0
"""Seconds after which a packet that should have come is a failure; it comes within 0.1."""


def add_interface(folder: Path, name: str, flags: int, kind: int = 1) -> None:
    """Write what the kernel shows of an interface in sysfs."""
    (folder / name).mkdir()
    (folder / name / "flags").write_text(f"{flags:#x}\n")
    (folder / name / "type").write_text(f"{kind}\n")


def test_auto_takes_what_is_up_and_carries_packets(tmp_path: Path) -> None:
    """Loopback, what is down, monitors and CAN are left out; so is a file that is no interface."""
    add_interface(tmp_path, "eth0", 0x1003)
    add_interface(tmp_path, "wg0", 0x1091, 65534)
    add_interface(tmp_path, "down0", 0x1002)
    add_interface(tmp_path, "lo", 0x9, 772)
    add_interface(tmp_path, "nlmon0", 0xC1, 824)
    add_interface(tmp_path, "can0", 0x1, 280)
    (tmp_path / "bonding_masters").write_text("bond0\n")

    assert wanted(["auto"], tmp_path) == {"eth0", "wg0"}


def test_auto_takes_what_comes_later(tmp_path: Path) -> None:
    """The answer is about now: an interface that appears is wanted at the next question."""
    add_interface(tmp_path, "eth0", 0x1003)
    before = wanted(["auto"], tmp_path)
    add_interface(tmp_path, "eth1", 0x1003)

    assert before == {"eth0"}
    assert wanted(["auto"], tmp_path) == {"eth0", "eth1"}


def enslave(folder: Path, name: str, master: str, kind: str) -> None:
    """Make an interface in sysfs a port or a member of another."""
    (folder / master / kind).mkdir(exist_ok=True)
    (folder / name / "master").symlink_to(folder / master)


@pytest.mark.parametrize("kind", ["bridge", "bonding"])
def test_auto_leaves_out_what_a_bridge_or_bond_delivers(tmp_path: Path, kind: str) -> None:
    """Each packet once; while the upper one is down its ports are taken themselves."""
    for name in ("upper0", "eth0", "eth1", "eth2"):
        add_interface(tmp_path, name, 0x1003)
    enslave(tmp_path, "eth0", "upper0", kind)
    enslave(tmp_path, "eth1", "upper0", kind)

    assert wanted(["auto"], tmp_path) == {"upper0", "eth2"}
    assert wanted(["auto", "eth1"], tmp_path) == {"upper0", "eth1", "eth2"}
    (tmp_path / "upper0" / "flags").write_text("0x1002\n")
    assert wanted(["auto"], tmp_path) == {"eth0", "eth1", "eth2"}


def test_auto_takes_members_of_what_is_no_bridge_and_no_bond(tmp_path: Path) -> None:
    """Of a routing domain (VRF) each member has packets of its own."""
    add_interface(tmp_path, "eth0", 0x1003)
    add_interface(tmp_path, "vrf0", 0x1003)
    enslave(tmp_path, "eth0", "vrf0", "statistics")

    assert wanted(["auto"], tmp_path) == {"eth0", "vrf0"}


def test_auto_leaves_out_vlans_whose_parent_it_takes(tmp_path: Path) -> None:
    """The parent has their packets with their tags; a tunnel's packets are others than those."""
    for name, kind in (("eth0.7", "vlan"), ("vxlan0", "vxlan")):
        add_interface(tmp_path, name, 0x1003)
        (tmp_path / name / "uevent").write_text(f"DEVTYPE={kind}\nINTERFACE={name}\n")
        (tmp_path / name / "lower_eth0").symlink_to(tmp_path / "eth0")
    add_interface(tmp_path, "eth0", 0x1002)
    assert wanted(["auto"], tmp_path) == {"eth0.7", "vxlan0"}

    (tmp_path / "eth0" / "flags").write_text("0x1003\n")

    assert wanted(["auto"], tmp_path) == {"eth0", "vxlan0"}


def test_what_another_delivers_is_not_missing(tmp_path: Path) -> None:
    """It is captured there; only what `auto` would take again is."""
    for name in ("br0", "eth0", "eth1"):
        add_interface(tmp_path, name, 0x1002)
    enslave(tmp_path, "eth0", "br0", "bridge")

    assert is_missing("eth1", tmp_path)
    assert not is_missing("eth0", tmp_path)
    assert not is_missing("eth9", tmp_path)


def test_named_interfaces_are_wanted_whether_they_exist_or_not(tmp_path: Path) -> None:
    """Names are taken as they stand, beside `auto` too; `any` comes only by name."""
    add_interface(tmp_path, "eth0", 0x1003)

    assert wanted(["eth7", "any"], tmp_path) == {"eth7", "any"}
    assert wanted(["auto", "lo"], tmp_path) == {"eth0", "lo"}


def test_real_interfaces_can_be_listed_by_anyone() -> None:
    """The kernel's own list never contains loopback."""
    assert "lo" not in wanted(["auto"])


@pytest.mark.parametrize("text", ["", "udp port 53", "not ip broadcast", "vlan and tcp[13] = 2"])
def test_a_good_filter_passes_the_check(text: str) -> None:
    """Whatever a live handle takes passes, without privileges."""
    check_filter(text)


def test_a_bad_filter_is_told_by_key_and_reason() -> None:
    """The line names the key, the text, and libpcap's reason."""
    with pytest.raises(CaptureError) as error:
        check_filter("port 99999")

    assert str(error.value).startswith("capture.filter: 'port 99999' cannot be used: illegal port")


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [(5, 9, 4), (9, 9, 0), ((1 << 32) - 2, 3, 5), (100, 0, 0), (0, (1 << 32) - 5, 0)],
)
def test_counters_outlive_thirty_two_bits(old: int, new: int, step: int) -> None:
    """A wrapped counter goes on counting; one that was reset counts nothing, rather than 2^32."""
    assert _step(old, new) == step


def test_closing_twice_or_unopened_is_harmless() -> None:
    """Whoever cleans up need not know how far opening came."""
    interface = Interface("mtc-none", Capture())

    interface.close()
    interface.close()

    assert interface.stats() == Stats(0, 0, 0)


# --- real wires -------------------------------------------------------------------------------


def run(command: str) -> None:
    """Run a command that must succeed."""
    subprocess.run(command.split(), check=True, capture_output=True)


def add_wire() -> None:
    """Connect NEAR and FAR in the namespace of the calling thread."""
    run(f"ip link add {NEAR} type veth peer name {FAR}")
    run(f"ip link set {NEAR} up")
    run(f"ip link set {FAR} up")


@pytest.fixture
def wire() -> Iterator[Callable[[bytes], None]]:
    """Enter a network namespace with a silent veth pair; get what sends a frame from FAR."""
    name = f"mtc-{os.getpid()}"
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as home:  # noqa: PTH123 - its descriptor
        run(f"ip netns add {name}")
        try:
            # Without it, IPv6 would send its own packets into every test.
            run(f"ip netns exec {name} sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
            with open(f"/run/netns/{name}", "rb") as away:  # noqa: PTH123 - its descriptor
                assert libc.setns(away.fileno(), CLONE_NEWNET) == 0
            add_wire()

            # Not bound, because tests replace the interface under it.
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:

                def send(frame: bytes) -> None:
                    raw.sendto(frame, (FAR, 0))

                yield send
        finally:
            assert libc.setns(home.fileno(), CLONE_NEWNET) == 0
            run(f"ip netns delete {name}")


Send = Callable[[bytes], None]


def receive(interface: Interface, count: int) -> list[bytes]:
    """Read until `count` packets have come, or none for too long."""
    found: list[bytes] = []
    while len(found) < count and interface.poll(PATIENCE):
        batch = interface.read()
        if batch:
            found += [packet for _, packet in packets.packets_of(batch)]
    return found


def drain(interface: Interface) -> list[bytes]:
    """Read until nothing comes for three times as long as the kernel may hold packets back."""
    found: list[bytes] = []
    while interface.poll(3 * RETIRE_MS / 1000):
        batch = interface.read()
        if batch:
            found += [packet for _, packet in packets.packets_of(batch)]
    return found


def read_to_the_end(interface: Interface) -> None:
    """Read until the interface says that it is gone."""
    while True:
        interface.read()


def numbered(count: int) -> list[bytes]:
    """Build frames of as many flows, all different."""
    return [packets.syn_frame("192.0.2.1", 1024 + n, "192.0.2.2", 443) for n in range(count)]


@pytest.mark.root
def test_packets_arrive_with_their_interface_and_link_type(wire: Send) -> None:
    """What is sent at one end is read at the other, byte for byte."""
    with Interface(NEAR, Capture()) as interface:
        wire(UDP_FRAME)
        assert interface.poll(PATIENCE)
        batch = interface.read()

    assert batch is not None
    assert (batch.datalink, batch.interface) == (packets.ETHERNET, NEAR)
    assert [packet for _, packet in packets.packets_of(batch)] == [UDP_FRAME]


@pytest.mark.root
def test_a_quiet_link_blocks_nobody(wire: Send) -> None:
    """Without packets a poll ends at its timeout, and a read at once with nothing."""
    with Interface(NEAR, Capture()) as interface:
        assert not interface.poll(0.01)
        assert interface.read() is None


@pytest.mark.root
def test_packets_are_cut_to_the_snap_length(wire: Send) -> None:
    """No more is captured than was asked for."""
    with Interface(NEAR, Capture(snaplen=68)) as interface:
        wire(UDP_FRAME)

        assert receive(interface, 1) == [UDP_FRAME[:68]]


@pytest.mark.root
def test_vlan_tags_are_kept(wire: Send) -> None:
    """The kernel takes the tag out of the frame; the scanner gets it back in place."""
    tagged = packets.udp_frame("192.0.2.1", 1, "192.0.2.2", 2, bytes(40), vlans=(7,))
    with Interface(NEAR, Capture()) as interface:
        wire(tagged)

        assert receive(interface, 1) == [tagged]


@pytest.mark.root
def test_a_filter_lets_through_only_what_it_names(wire: Send) -> None:
    """The kernel filters, so what is refused is not counted either."""
    with Interface(NEAR, Capture(filter="udp")) as interface:
        wire(numbered(1)[0])
        wire(UDP_FRAME)

        assert receive(interface, 1) == [UDP_FRAME]
        assert interface.stats().received == 1


@pytest.mark.root
def test_a_filter_that_the_link_refuses_is_told_with_key_and_interface(wire: Send) -> None:
    """A wrong filter stops the start, with one line."""
    with pytest.raises(CaptureError, match=rf"capture\.filter: 'frobnicate' .* on {NEAR}: "):
        Interface(NEAR, Capture(filter="frobnicate")).open()


@pytest.mark.root
def test_batches_grow_under_load_and_shrink_again(wire: Send) -> None:
    """A backlog is read in ever larger batches up to the limit; trickles go back to small ones."""
    with Interface(NEAR, Capture()) as interface:
        for frame in numbered(4000):
            wire(frame)
        sizes: list[int] = []
        while sum(sizes) < 4000 and interface.poll(PATIENCE):
            batch = interface.read()
            sizes.append(len(batch.meta) // 16 if batch else 0)
        while interface.read() is None and interface._size > BATCH_MIN:
            pass

        assert sizes[:5] == [BATCH_MIN, 128, 256, 512, BATCH_MAX]
        assert max(sizes) == BATCH_MAX
        assert interface._size == BATCH_MIN


@pytest.mark.root
def test_a_batch_is_bounded_where_packets_may_be_long(wire: Send) -> None:
    """With the largest snap length a batch holds few packets, so that memory stays bounded."""
    with Interface(NEAR, Capture(snaplen=262_144)) as interface:
        assert interface._most == BATCH_MIN


@pytest.mark.root
def test_a_bridge_delivers_what_it_forwards_once(wire: Send) -> None:
    """Two ports and a bridge: `auto` takes the bridge, which has every packet once."""
    run("ip link add mtc-br type bridge mcast_snooping 0")  # or it would speak itself
    run("ip link add mtc-near2 type veth peer name mtc-far2")
    for name in ("mtc-near", "mtc-near2"):
        run(f"ip link set {name} master mtc-br")
    for name in ("mtc-near2", "mtc-far2", "mtc-br"):
        run(f"ip link set {name} up")

    assert _automatic() == {"mtc-br", FAR, "mtc-far2"}
    until(lambda: _forwards("mtc-near") and _forwards("mtc-near2"), "both ports forward")
    with Interface("mtc-br", Capture()) as bridge, Interface("mtc-far2", Capture()) as other:
        wire(UDP_FRAME)
        assert drain(bridge) == [UDP_FRAME]
        assert drain(other) == [UDP_FRAME]


def _automatic() -> set[str]:
    """Ask for what `auto` takes in this thread's namespace, which has a sysfs of its own."""
    program = "from agent.capture import wanted; print(*wanted(['auto']))"
    name = f"mtc-{os.getpid()}"
    command = ["ip", "netns", "exec", name, sys.executable, "-c", program]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def _forwards(port: str) -> bool:
    """Tell whether a bridge's port is past listening and learning."""
    command = ["ip", "-d", "link", "show", port]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return "state forwarding" in told


@pytest.mark.root
def test_workers_of_a_group_see_each_packet_once(wire: Send) -> None:
    """Two handles in a fan-out group share the flows; none is lost, none is doubled."""
    group = Fanout()
    sent = numbered(400)
    with (
        Interface(NEAR, Capture(workers=2), group) as first,
        Interface(NEAR, Capture(workers=2), group) as second,
    ):
        for frame in sent:
            wire(frame)
        seen = drain(first), drain(second)

    assert all(len(found) > 100 for found in seen)
    assert sorted(seen[0] + seen[1]) == sorted(sent)


@pytest.mark.root
def test_both_directions_of_a_flow_reach_the_same_worker(wire: Send) -> None:
    """Answers are seen where the questions were."""
    group = Fanout()
    there = [packets.syn_frame("192.0.2.1", 1024 + n, "192.0.2.2", 443) for n in range(20)]
    back = [packets.syn_frame("192.0.2.2", 443, "192.0.2.1", 1024 + n) for n in range(20)]
    with (
        Interface(NEAR, Capture(workers=2), group) as first,
        Interface(NEAR, Capture(workers=2), group) as second,
    ):
        for frame in there + back:
            wire(frame)
        seen = set(drain(first))
        assert drain(second)

    assert {there.index(f) for f in seen & set(there)} == {back.index(f) for f in seen & set(back)}


@pytest.mark.root
def test_groups_do_not_take_packets_from_each_other(wire: Send) -> None:
    """Another process that captures in a group of its own sees everything as well."""
    sent = numbered(50)
    with (
        Interface(NEAR, Capture(workers=2), Fanout()) as first,
        Interface(NEAR, Capture(workers=2), Fanout()) as second,
    ):
        for frame in sent:
            wire(frame)

        assert receive(first, 50) == sent
        assert receive(second, 50) == sent


@pytest.mark.root
def test_a_group_can_be_opened_again(wire: Send) -> None:
    """After all members have left, the next one founds the group anew."""
    group = Fanout()
    interface = Interface(NEAR, Capture(workers=2), group)
    for _ in range(2):
        with interface:
            wire(UDP_FRAME)

            assert receive(interface, 1) == [UDP_FRAME]


@pytest.mark.root
def test_what_the_ring_cannot_hold_is_counted(wire: Send) -> None:
    """Drops are told, and the counts go on over reopening."""
    interface = Interface(NEAR, Capture(buffer_mb=1))
    frame = packets.udp_frame("192.0.2.1", 1, "192.0.2.2", 2, bytes(1400))
    with interface:
        for _ in range(5000):
            wire(frame)
        full = interface.stats()
        kept = len(receive(interface, full.received - full.dropped))
    with interface:
        wire(frame)
        receive(interface, 1)
        after = interface.stats()

    assert full.received == 5000
    assert full.dropped == 5000 - kept > 0
    assert after == Stats(5001, full.dropped, 0)
    assert interface.stats() == after


@pytest.mark.root
def test_an_interface_may_come_go_and_come_back(wire: Send) -> None:
    """Hot plug: each absence is told as such, and the same object is opened again."""
    interface = Interface(NEAR, Capture())
    run(f"ip link delete {NEAR}")
    with pytest.raises(InterfaceGone, match="there is no such interface"):
        interface.open()

    for total in (1, 2):
        add_wire()
        with interface:
            wire(UDP_FRAME)
            assert receive(interface, 1) == [UDP_FRAME]
            run(f"ip link delete {NEAR}")

            assert interface.poll(PATIENCE)
            with pytest.raises(InterfaceGone, match=f"{NEAR}: capture ended: The interface"):
                read_to_the_end(interface)
        assert interface.stats().received == total


@pytest.mark.root
def test_an_interface_that_goes_down_is_gone_until_it_is_up(wire: Send) -> None:
    """A link that is switched off ends the capture, and says so when opened too early."""
    with Interface(NEAR, Capture()) as interface:
        run(f"ip link set {NEAR} down")

        assert interface.poll(PATIENCE)
        with pytest.raises(InterfaceGone):
            interface.read()
    with pytest.raises(InterfaceGone, match="is not up"):
        interface.open()
    run(f"ip link set {NEAR} up")
    with interface:
        wire(UDP_FRAME)

        assert receive(interface, 1) == [UDP_FRAME]


@pytest.mark.root
def test_a_group_survives_the_replacement_of_its_interface(wire: Send) -> None:
    """Until the last old handle is closed a new one is refused as gone, and then taken."""
    group = Fanout()
    first, second = (Interface(NEAR, Capture(workers=2), group) for _ in range(2))
    with second:
        with first:
            run(f"ip link delete {NEAR}")
            add_wire()
        with pytest.raises(InterfaceGone, match="no fan-out group"):
            first.open()

    with first, second:
        wire(UDP_FRAME)

        assert receive(first, 1) or receive(second, 1)


@pytest.mark.root
def test_any_is_cooked(wire: Send) -> None:
    """`any` delivers all interfaces with the cooked header of version 1."""
    with Interface("any", Capture()) as interface:
        wire(UDP_FRAME)
        assert interface.poll(PATIENCE)
        batch = interface.read()

    assert batch is not None
    assert batch.datalink == packets.SLL


@pytest.mark.root
def test_without_the_capability_the_remedy_is_named() -> None:
    """An unprivileged start ends with one line: which capability, and how to get it."""
    program = (
        "from agent.capture import *; from agent.config import Capture\n"
        "try: Interface('lo', Capture()).open()\n"
        "except CaptureError as error: print(error)"
    )
    command = ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", program]

    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert said.startswith("lo: capture is not permitted: it needs CAP_NET_RAW; ")
    assert said.count("\n") == 1
