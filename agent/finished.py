"""What capture workers that ended had counted, so that no counter goes back when one does."""

from collections import Counter
from collections.abc import Mapping, Sequence

from agent.capture import Stats
from agent.scan import stats
from agent.worker import Worker

MAX_INTERFACES = 64
"""Interfaces told one by one: those of containers come and go under ever new names."""
MAX_UNREAD = 64
"""Numbers of unread protocols told one by one, as of one scanner."""
OTHERS = "gone interfaces"
"""Stands for the rest; no interface has a name with a blank."""


class Finished:
    """Sums over workers that ended: packets by interface, scanners' counters, what was lost."""

    def __init__(self) -> None:
        self.scanned = [0] * stats.COUNTERS
        self.unread: Counter[tuple[str, int]] = Counter()
        self.dropped_parcels = 0
        self.evicted: Counter[str] = Counter()
        self.saturated: Counter[str] = Counter()
        self._captured: dict[str, Stats] = {}

    def add(self, interface: str, workers: Sequence[Worker]) -> None:
        """Take over the counts of an interface's workers, all of which have ended."""
        for worker in workers:
            counted = worker.scanner.statistics()
            self.scanned = [sum(pair) for pair in zip(self.scanned, counted, strict=True)]
            for layer, number, count in worker.scanner.unread.rows():
                key = layer, number
                is_room = key in self.unread or len(self.unread) < MAX_UNREAD
                self.unread[key if is_room else ("", 0)] += count
            self.dropped_parcels += worker.dropped_parcels
            self.evicted.update(worker.scanner.bank.evictions())
            self.saturated.update(worker.scanner.bank.saturations())
        is_told = interface in self._captured or len(self._captured) < MAX_INTERFACES
        name = interface if is_told else OTHERS
        self._captured[name] = _sum(self._captured.get(name, _NONE), captured(workers))

    def with_running(self, running: Mapping[str, Sequence[Worker]]) -> Mapping[str, Stats]:
        """Return the packets by interface, those of workers that still run included."""
        found = dict(self._captured)
        for name, workers in running.items():
            found[name] = _sum(found.get(name, _NONE), captured(workers))
        return found


def captured(workers: Sequence[Worker]) -> Stats:
    """Add up one interface's packets; what its driver lost is told alike by each worker."""
    return Stats(
        sum(worker.stats.received for worker in workers),
        sum(worker.stats.dropped for worker in workers),
        max(worker.stats.interface_dropped for worker in workers),
    )


_NONE = Stats(0, 0, 0)


def _sum(one: Stats, other: Stats) -> Stats:
    return Stats(*(sum(pair) for pair in zip(one, other, strict=True)))
