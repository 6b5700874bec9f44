"""Load shedding: bulk first, DNS and attempts last; each step is told, and it comes back."""

from collections.abc import Sequence
from pathlib import Path

import pcapy
import pytest

from agent.capture import check_filter
from agent.faults import Faults
from agent.ids import derived_ids
from agent.model import PacketBatch
from agent.notices import AgentNotices
from agent.shedding import LEVELS, MAX_HOLD, Shed, Shedding, on_wire
from tests import packets

WORST = len(LEVELS) - 1

A, B, A6, B6 = "10.0.0.5", "198.51.100.7", "2001:db8::5", "2001:db8:1::7"

PAIRS = ((A, B), (A6, B6))


def kept(level: int, written: Sequence[bytes], folder: Path) -> list[bool]:
    """Return which frames pass a level's filter."""
    path = packets.write_pcap(folder / "c.pcap", packets.timed(written))
    handle = pcapy.open_offline(str(path))
    handle.setfilter(LEVELS[level].keep)
    data, meta = handle.next_batch(len(written) + 1)
    passed = {bytes(one) for _, one in packets.packets_of(PacketBatch(1, data, meta, ""))}
    return [one in passed for one in written]


def frame(kind: str, a: str, b: str) -> bytes:
    """Build a frame of a kind from `a` to `b`, or the answer."""
    hello = packets.tls_record(packets.client_hello("www.example.com", padding=1300))
    made = {
        "dns": packets.udp_frame(a, 50000, b, 53, packets.dns_query("a.example.com")),
        "dns-tcp": packets.tcp_frame(a, 50000, b, 53, bytes(1200)),
        "attempt": packets.syn_frame(a, 50000, b, 443),
        "answer": packets.tcp_frame(b, 443, a, 50000, flags=0x12),
        "ping": packets.icmp_frame(a, b),
        "datagram": packets.udp_frame(a, 50000, b, 999, b"x"),
        "end": packets.tcp_frame(a, 50000, b, 443, flags=0x11),
        "hello": packets.tcp_frame(a, 50000, b, 443, hello),
        "request": packets.tcp_frame(a, 50000, b, 80, packets.http_request("/" + "a" * 1200)),
        "little": packets.tcp_frame(a, 50000, b, 443, b"\x17" * 300),
        "media": packets.udp_frame(a, 50000, b, 999, bytes(1200)),
        "bulk": packets.tcp_frame(a, 50000, b, 443, b"\x17" * 1200),
    }
    return made[kind]


@pytest.mark.parametrize(
    ("kind", "last"),
    [
        ("dns", 3),
        ("dns-tcp", 3),
        ("attempt", 3),
        ("answer", 3),
        ("ping", 3),
        ("datagram", 3),
        ("end", 2),
        ("media", 2),
        ("hello", 1),
        ("request", 1),
        ("little", 1),
        ("bulk", 0),
    ],
)
def test_each_kind_is_kept_up_to_its_level(kind: str, last: int, tmp_path: Path) -> None:
    """Bulk goes first, heads of streams next; DNS and what looks for listed addresses stay."""
    for level in range(1, WORST + 1):
        written = [frame(kind, *pair) for pair in PAIRS]

        assert kept(level, written, tmp_path) == [level <= last] * 2, level


def test_every_level_is_a_filter_also_beside_one_of_the_site() -> None:
    """Both have to be fulfilled."""
    for level in LEVELS[1:]:
        check_filter(f"(not port 22) and ({level.keep})")


def test_drops_raise_the_level_second_by_second() -> None:
    """Up to the worst, and no further."""
    shedding = Shedding()

    levels = []
    for second in range(5):
        shedding.judge(100.0 + second, 10, is_behind=True)
        levels.append(shedding.level)

    assert levels == [1, 2, 3, 3, 3]


def test_worker_that_is_behind_without_loss_gives_up_bulk_only() -> None:
    """The ring still has room."""
    shedding = Shedding()

    changed = [shedding.judge(100.0 + second, 0, is_behind=True) for second in range(4)]

    assert (changed, shedding.level) == ([True, False, False, False], 1)


def test_everything_is_back_within_five_seconds() -> None:
    """A step each second, once it is calm."""
    shedding = Shedding()
    for second in range(3):
        shedding.judge(100.0 + second, 10, is_behind=True)

    levels = []
    for second in range(5):
        shedding.judge(103.0 + second, 0, is_behind=False)
        levels.append(shedding.level)

    assert levels[-1] == 0


def test_level_that_is_left_too_early_is_kept_longer() -> None:
    """An overload that lasts is not asked about every second."""
    shedding = Shedding()
    now, changes = 100.0, 0
    for _ in range(600):
        overloaded = shedding.level == 0
        changes += shedding.judge(now, int(overloaded), is_behind=False)
        now += 1.0

    assert changes < 2 * 600 / MAX_HOLD + 20


def test_overload_that_is_over_is_noticed_in_spite_of_a_long_wait() -> None:
    """Where next to nothing is shed any more, the wait that an overload earned is not kept."""
    shedding = Shedding()
    now = 100.0
    for _ in range(60):
        shedding.judge(now, int(shedding.level == 0), is_behind=False)
        now += 1.0
    shedding.judge(now, 1, is_behind=False)
    before = shedding.level

    for second in range(4):
        shedding.judge(now + 1 + second, 0, is_behind=False, sheds_little=True)

    assert before > 0
    assert shedding.level == 0


def shed() -> Shed:
    """Make what tells levels."""
    return Shed(Faults(AgentNotices("sensor", "", (), derived_ids(b"x" * 16))))


def test_each_change_is_an_event() -> None:
    """With what is not seen meanwhile, and the end of it."""
    told = shed()

    events = [list(told.tell("eth0", level, 1_000_000)) for level in (0, 1, 1, 2, 1, 0, 0)]

    assert [len(found) for found in events] == [0, 1, 0, 1, 1, 1, 0]
    assert [found[0].state for found in events if found] == ["open", "open", "open", "closed"]
    assert "bulk data of TCP streams" in events[1][0].info
    assert events[3][0].evidence["level"] == 2
    assert {found[0].class_id for found in events if found} == {"agent-degraded"}


def test_what_was_shed_is_counted_from_the_interface(tmp_path: Path) -> None:
    """Only while something is shed; nothing where the interface does not count."""
    folder = tmp_path / "eth0" / "statistics"
    folder.mkdir(parents=True)
    (folder / "rx_packets").write_text("70\n")
    (folder / "tx_packets").write_text("30\n")
    told = shed()

    told.count("eth0", 0, on_wire("eth0", tmp_path), 90)
    told.count("eth0", 1, 1100, 190)
    told.count("eth0", 0, 2000, 290)
    told.count("any", 1, on_wire("any", tmp_path), 10)

    assert dict(told.packets) == {"eth0": 900}
