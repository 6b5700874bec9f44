"""Time that goes back: packets a little late, a clock that is set back, captures in any order."""

import socket
from collections import Counter
from pathlib import Path

import pytest

from agent.scan import stats
from tests import packets, scans
from tests.commands import run
from tests.packets import START_US, Timed
from tests.scan.scanning import A, B, count, full_bank, make

SECOND = 1_000_000
LATER_US = START_US + 90_000 * SECOND
HOUR_US = 3_600 * SECOND
IDLE_US = 6 * SECOND


def told(tmp_path: Path, *captures: list[Timed]) -> Counter[tuple[str, str, int]]:
    """Return how often what was told of a class, a trail, and so many observations, of captures."""
    trails = tmp_path / "list.csv"
    trails.write_text("evil.org,evil (malware),(test)\n", encoding="utf-8")
    paths = [
        packets.write_pcap(tmp_path / f"{number}.pcap", capture)
        for number, capture in enumerate(captures)
    ]
    events = run("replay", "--trails", trails, *paths).events
    return Counter((event["class"], event["trail"], event["total"]) for event in events)


CAPTURES = {
    "flood": list(scans.syn_flood(3_000, 6)),
    "scan": list(scans.tcp_ports("syn", range(1, 60), 20)),
    "sweep": list(scans.sweep(scans.hosts(60), 20)),
    "quiet": list(scans.syn_flood(20, 60)),
}


@pytest.mark.parametrize("name", CAPTURES)
def test_a_capture_tells_the_same_behind_a_later_one(tmp_path: Path, name: str) -> None:
    """Whatever the later one counted of the same hosts."""
    before = [(time_us - START_US + LATER_US, frame) for time_us, frame in CAPTURES[name][:9]]

    assert told(tmp_path, before, CAPTURES[name]) == told(tmp_path, CAPTURES[name])


@pytest.mark.parametrize("name", CAPTURES)
def test_what_was_told_is_told_again_of_an_hour_before(tmp_path: Path, name: str) -> None:
    """Nothing is muted by what a later capture told."""
    once = told(tmp_path, CAPTURES[name])
    before = [(time_us - HOUR_US, frame) for time_us, frame in CAPTURES[name]]

    assert told(tmp_path, CAPTURES[name], before) == once + once


@pytest.mark.parametrize("name", CAPTURES)
def test_packets_that_come_late_change_nothing(tmp_path: Path, name: str) -> None:
    """Two processors write into one ring, and neither waits for the other."""
    late = list(CAPTURES[name])
    for at in range(0, len(late) - 7, 7):
        late[at], late[at + 6] = late[at + 6], late[at]

    assert {one[:2] for one in told(tmp_path, late)} == {
        one[:2] for one in told(tmp_path, CAPTURES[name])
    }


def test_an_answer_dated_before_its_question_is_an_answer() -> None:
    """Around the turn of a second, too: the server is no scanner."""
    bank = full_bank(items=8)
    scanner = make(bank=bank)
    turn_us = START_US // SECOND * SECOND + SECOND
    for number in range(5):
        question = packets.udp_frame(A, 40_000 + number, B, 161, bytes(20))
        answer = packets.udp_frame(B, 161, A, 40_000 + number, bytes(20))
        scanner.scan(packets.batch_of([(turn_us + 5, question), (turn_us - 5, answer)]))

    assert {row.source for row in bank.tables["udp_ports"].hot()} == {socket.inet_aton(A)}


def test_a_datagram_that_never_came_whole_is_counted_when_it_is_given_up() -> None:
    """With the host that it went to, whatever the time is by then."""
    bank = full_bank()
    scanner = make(bank=bank)
    whole = packets.udp(50_000, 999, bytes(64))
    for number, host in enumerate(("10.0.0.8", "10.0.0.9")):
        first = packets.ipv4(A, host, packets.UDP, whole[:32], more_fragments=True)
        scanner.scan(packets.batch([packets.ethernet(first)], start_us=START_US + number))
    for later in (1, 2):
        start_us = START_US + later * IDLE_US
        scanner.scan(packets.batch([packets.syn_frame(B, 1, A, 2)], start_us=start_us))
    rows = [row for row in bank.tables["hosts"].hot() if row.protocol == packets.UDP]

    assert count(scanner, stats.FRAGMENTS_INCOMPLETE) == 2
    assert [sorted(row.items) for row in rows] == [[0x0A000008, 0x0A000009]]


def test_a_datagram_that_is_given_up_makes_nothing_forgotten() -> None:
    """Whoever scans might send one first."""
    bank = full_bank(level=4)
    scanner = make(bank=bank)
    piece = packets.ipv4(
        A, B, packets.UDP, packets.udp(50_000, 99, bytes(64))[:32], more_fragments=True
    )
    probes = [packets.udp_frame(A, 50_000, B, 100 + port, b"") for port in range(4)]
    scanner.scan(packets.batch([packets.ethernet(piece)]))
    scanner.scan(packets.batch(probes, start_us=START_US + IDLE_US))
    scanner.scan(packets.batch([packets.syn_frame(B, 1, A, 2)], start_us=START_US + 2 * IDLE_US))
    (row,) = bank.tables["udp_ports"].hot()

    assert sorted(row.items) == [99, 100, 101, 102, 103]
