"""Finished: sums over workers that ended, by interface, bounded."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

from agent.capture import Stats
from agent.coverage import Unread
from agent.finished import MAX_INTERFACES, MAX_UNREAD, OTHERS, Finished
from agent.scan import stats
from agent.worker import Worker

UNREAD = (("EtherType", 0x0806, 4), ("EtherType", 0x88E5, 9))


def worker(
    received: int,
    dropped: int = 0,
    lost: int = 0,
    parcels: int = 0,
    unread: Sequence[Unread] = UNREAD,
) -> Worker:
    """Return what is read of a worker that ended, without a handle."""
    bank = SimpleNamespace(evictions=lambda: {"scans": 2}, saturations=lambda: {"scans": 1})
    scanner = SimpleNamespace(
        statistics=lambda: [received] * stats.COUNTERS,
        bank=bank,
        unread=SimpleNamespace(rows=lambda: unread),
    )
    made = SimpleNamespace(
        stats=Stats(received, dropped, lost), scanner=scanner, dropped_parcels=parcels
    )
    return cast(Worker, made)


def test_counts_of_what_ended_are_added_to_what_runs() -> None:
    """The same interface again goes on where it stood; another begins at nothing."""
    finished = Finished()
    finished.add("eth0", [worker(5, 1)])

    found = finished.with_running({"eth0": [worker(3, 2)], "eth1": [worker(4)]})

    assert found == {"eth0": Stats(8, 3, 0), "eth1": Stats(4, 0, 0)}
    assert finished.with_running({}) == {"eth0": Stats(5, 1, 0)}


def test_what_a_driver_lost_is_told_alike_by_all_its_workers() -> None:
    """It is added up over time, not over workers."""
    finished = Finished()
    for _ in range(2):
        finished.add("eth0", [worker(5, lost=7), worker(6, lost=7)])

    assert finished.with_running({}) == {"eth0": Stats(22, 0, 14)}


def test_scanners_and_losses_are_summed() -> None:
    """Whatever the interface."""
    finished = Finished()
    finished.add("eth0", [worker(5, parcels=1)])
    finished.add("eth1", [worker(6, parcels=2)])

    assert finished.scanned == [11] * stats.COUNTERS
    assert finished.dropped_parcels == 3
    assert finished.unread == {("EtherType", 0x0806): 8, ("EtherType", 0x88E5): 18}
    assert (finished.evicted, finished.saturated) == ({"scans": 4}, {"scans": 2})


def test_numbers_of_unread_protocols_are_bounded() -> None:
    """Those beyond the bound are one row, whatever the wire brings over the years."""
    finished = Finished()
    for number in range(MAX_UNREAD + 10):
        finished.add("eth0", [worker(1, unread=[("EtherType", number, 2)])])

    assert len(finished.unread) == MAX_UNREAD + 1
    assert finished.unread["", 0] == 20


def test_interfaces_that_come_and_go_are_bounded() -> None:
    """Those beyond the bound are one; nothing is lost of the sums."""
    finished = Finished()
    for number in range(MAX_INTERFACES + 10):
        finished.add(f"veth{number}", [worker(1)])

    found = finished.with_running({})

    assert len(found) == MAX_INTERFACES + 1
    assert found[OTHERS] == Stats(10, 0, 0)
