"""Floods that several interfaces see: a bridge and its members have the same packets."""

from collections.abc import Mapping

import pytest

from agent.behaviours import bank, load, rate_detections
from agent.config import Options
from agent.direction import Home
from agent.floods import Floods
from agent.scan.bank import Bank
from agent.scan.scanner import Scanner
from agent.sets import merged_filters
from agent.severity import SeverityTable
from tests import packets, wired

VICTIM = "192.168.1.20"
RATE, SECONDS, STEP_US = 2000, 8, 100
DETECTIONS = load(Options({}))


def counting(interface: str) -> tuple[Bank, Scanner]:
    """Return the counters of an interface's worker, and what fills them."""
    made = bank(DETECTIONS, 64, 1, 7, interface)
    trails = wired.trails({})
    filters = merged_filters(trails.own, trails.published)
    return made, Scanner(trails.own.buffer, trails.published.buffer, filters, made)


def told(shares: Mapping[str, float], order: int = 1) -> int:
    """Return how many packets are told of a flood of which interfaces see these shares."""
    counted = {name: counting(name) for name in shares}
    floods = Floods(rate_detections(DETECTIONS), wired.allow_list(), Home(()), SeverityTable())
    floods.banks = [each for each, _ in counted.values()]
    packets_told = 0
    for second in range(SECONDS):
        start_us = packets.START_US + second * 1_000_000
        for name, share in list(shares.items())[::order]:
            frames = [
                packets.syn_frame("203.0.113.9", 1024 + number, VICTIM, 443)
                for number in range(int(RATE * share))
            ]
            made, scanner = counted[name]
            scanner.scan(packets.batch(frames, start_us=start_us, step_us=STEP_US))
            floods.take(made.hot().rates, name)
        hits = floods.judge(start_us + 1_000_000)
        packets_told += sum(hit.count for hit in hits)
    return packets_told


@pytest.mark.parametrize("order", [1, -1])
def test_a_flood_is_counted_where_most_of_it_was_seen(order: int) -> None:
    """Whoever is asked first; copies on other interfaces are the same packets."""
    alone = told({"br0": 1.0})

    assert alone > RATE * 4
    assert told({"br0": 1.0, "eth0": 0.9, "eth1": 1.0}, order) == alone


def test_a_second_that_another_interface_tells_late_is_no_second_of_its_own() -> None:
    """Its worker was behind: what was judged is not judged again."""
    counted = {name: counting(name) for name in ("br0", "eth0")}
    floods = Floods(rate_detections(DETECTIONS), wired.allow_list(), Home(()), SeverityTable())
    floods.banks = [each for each, _ in counted.values()]
    frames = [
        packets.syn_frame("203.0.113.9", 1024 + number, VICTIM, 443) for number in range(RATE)
    ]
    seconds: list[int] = []
    for second in range(SECONDS):
        start_us = packets.START_US + second * 1_000_000
        for name, (made, scanner) in counted.items():
            scanner.scan(packets.batch(frames, start_us=start_us, step_us=STEP_US))
            floods.take(made.hot().rates, name)
            hits = floods.judge(start_us + 1_000_000)
            seconds += [int(hit.evidence["packets"]) for hit in hits]

    assert seconds == sorted(set(seconds))
    assert seconds[-1] == SECONDS * RATE
