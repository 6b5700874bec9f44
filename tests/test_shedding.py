"""Load shedding: bulk first, DNS and attempts last; each step is told, and it comes back."""

from pathlib import Path

import pytest

from agent.faults import Faults
from agent.ids import derived_ids
from agent.interface_loss import on_wire
from agent.kernel_filter import program
from agent.notices import AgentNotices
from agent.shedding import LEVELS, MAX_HOLD, Change, Shed, Shedding, Wire, highest
from tests import packets
from tests.kernel import kept

WORST = len(LEVELS) - 1

A, B, A6, B6 = "10.0.0.5", "198.51.100.7", "2001:db8::5", "2001:db8:1::7"

PAIRS = ((A, B), (A6, B6))


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
        ("dns", 5),
        ("dns-tcp", 5),
        ("attempt", 4),
        ("answer", 4),
        ("ping", 4),
        ("datagram", 4),
        ("end", 3),
        ("media", 3),
        ("hello", 2),
        ("request", 2),
        ("little", 2),
        ("bulk", 0),
    ],
)
def test_each_kind_is_kept_up_to_its_level(kind: str, last: int) -> None:
    """Bulk goes first, heads of streams next; DNS and what looks for listed addresses stay."""
    for number, level in enumerate(LEVELS):
        if number == WORST and last == WORST - 1:
            continue  # one of so many is kept
        written = [frame(kind, *pair) for pair in PAIRS]

        assert kept(program(level.keep, packets.ETHERNET, 2048), written) == [number <= last] * 2


def test_ring_use_decides_on_the_level() -> None:
    """The fuller, the more is given up, before anything is lost; at once, not step by step."""
    levels = []
    for use in (0.0, 0.1, 0.2, 0.34, 0.35, 0.5, 0.65, 1.0):
        shedding = Shedding()
        shedding.judge(100.0, 0, use)
        levels.append(shedding.level)

    assert levels == [0, 0, 1, 1, 2, 3, 4, 4]


def test_attempts_are_sampled_only_where_nothing_else_helps() -> None:
    """A ring that is full of what came before is read first, as long as it gets emptier."""
    emptier, fuller = Shedding(), Shedding()
    for tick in range(40):
        emptier.judge(100.0 + tick * 0.05, 0, 0.99 - tick * 0.001)
        fuller.judge(100.0 + tick * 0.05, 0, 0.8 + tick * 0.001)

    assert (emptier.level, fuller.level) == (WORST - 1, WORST)


def test_heads_are_passed_over_from_known_ones_to_all() -> None:
    """Heads of known-good flows go after bulk and before all other heads."""
    assert [level.skips for level in LEVELS] == [0, 0, 1, 2, 2, 2]
    assert LEVELS[2].keep is LEVELS[1].keep


def test_drops_raise_the_level_as_long_as_it_does_not_help() -> None:
    """Whatever the ring seems to hold; each level has a quarter of a second."""
    shedding = Shedding()

    levels = []
    for tick in range(24):
        shedding.judge(100.0 + tick * 0.0625, 10, 0.0)
        levels.append(shedding.level)

    assert levels == [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [5] * 8


def test_full_ring_that_is_read_again_keeps_its_level() -> None:
    """What waits has to be read first."""
    shedding = Shedding()
    shedding.judge(100.0, 0, 0.7)

    changed = [shedding.judge(100.0 + tick, 0, 0.15) for tick in range(1, 5)]

    assert (changed, shedding.level) == ([False] * 4, WORST - 1)


def test_everything_is_back_within_five_seconds() -> None:
    """A step each 0.4 seconds, once it is calm."""
    shedding = Shedding()
    shedding.judge(99.0, 10, 0.9)
    shedding.judge(100.0, 10, 0.9)

    levels = []
    for tick in range(1, 80):
        shedding.judge(100.0 + tick * 0.05, 0, 0.0)
        levels.append(shedding.level)

    assert levels[-1] == 0
    assert sorted(levels, reverse=True) == levels
    assert [change.after for change in shedding.take_changes()] == [4, 5, 4, 3, 2, 1, 0]
    assert shedding.take_changes() == []


def test_an_interface_sheds_what_its_busiest_worker_sheds() -> None:
    """Changes of its workers in their order, as far as they change that."""
    one = [Change(1.0, 0, 2), Change(4.0, 2, 0)]
    other = [Change(2.0, 0, 1), Change(3.0, 1, 4), Change(5.0, 4, 3)]

    assert list(highest([one, other, []], [0, 3, 1])) == [
        Change(1.0, 1, 2),
        Change(3.0, 2, 4),
        Change(5.0, 4, 3),
    ]


def test_step_back_that_was_too_early_is_taken_back_before_anything_is_lost() -> None:
    """However little the ring holds by then: what helped before helps again."""
    shedding = Shedding()
    shedding.judge(100.0, 0, 0.7)
    shedding.judge(100.1, 0, 0.0)
    shedding.judge(100.7, 0, 0.0)
    before = shedding.level

    shedding.judge(101.0, 0, 0.2)

    assert (before, shedding.level) == (WORST - 2, WORST - 1)


def test_level_that_is_left_too_early_is_kept_longer() -> None:
    """An overload that lasts is not asked about every second."""
    shedding = Shedding()
    now, changes = 100.0, 0
    for _ in range(600):
        overloaded = shedding.level == 0
        changes += shedding.judge(now, 0, 0.3 if overloaded else 0.0)
        now += 1.0

    assert changes < 2 * 600 / MAX_HOLD + 20


def test_overload_that_is_over_is_noticed_in_spite_of_a_long_wait() -> None:
    """Where next to nothing is shed any more, the wait that an overload earned is not kept."""
    shedding = Shedding()
    now = 100.0
    for _ in range(60):
        shedding.judge(now, 0, 0.3 if shedding.level == 0 else 0.0)
        now += 1.0
    shedding.judge(now, 1, 0.0)
    before = shedding.level

    for second in range(4):
        shedding.judge(now + 1 + second, 0, 0.0, sheds_little=True)

    assert before > 0
    assert shedding.level == 0


@pytest.mark.parametrize(
    ("wire", "read", "little"), [(900, 0, True), (50_000, 46_000, True), (50_000, 44_000, False)]
)
def test_little_is_shed_where_a_worker_can_read_it(
    wire: int, read: int, little: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left after a storm, such as the agent's own deliveries, or a tenth of the traffic."""
    seen = [10_000, 10_000 + wire]
    monkeypatch.setattr("agent.shedding.on_wire", lambda _name: seen.pop(0))
    interface = Wire("eth0")
    interface.sheds_little(7_000)

    assert interface.sheds_little(7_000 + read) is little


def shed() -> Shed:
    """Make what tells levels."""
    return Shed(Faults(AgentNotices("sensor", "", (), derived_ids(b"x" * 16))))


def test_each_change_is_an_event() -> None:
    """With what is not seen meanwhile, and the end of it."""
    told = shed()

    events = [list(told.tell("eth0", level, 1_000_000)) for level in (0, 1, 1, 2, 1, 0, 0)]

    assert [len(found) for found in events] == [0, 1, 0, 1, 1, 1, 0]
    assert [found[0].state for found in events if found] == ["open", "update", "update", "closed"]
    assert len({found[0].incident_id for found in events if found}) == 1
    assert told.changes["eth0"] == 4
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
    told.count("gone", 1, on_wire("gone", tmp_path), 10)

    assert dict(told.packets) == {"eth0": 900}


def test_all_interfaces_have_what_each_has(tmp_path: Path) -> None:
    """The name `any` has no counter of its own."""
    for name, count in (("eth0", 7), ("eth1", 5)):
        folder = tmp_path / name / "statistics"
        folder.mkdir(parents=True)
        (folder / "rx_packets").write_text(f"{count}\n")
        (folder / "tx_packets").write_text("0\n")
    (tmp_path / "bonding_masters").write_text("\n")

    assert on_wire("any", tmp_path) == 12
