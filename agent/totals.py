"""What all capture workers counted since the start, those that ended included: sums and samples."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from agent.capture import Stats
from agent.coverage import Unread, derived
from agent.finished import Finished
from agent.link import Sample
from agent.scan import stats
from agent.scan.layers import LAYERS
from agent.shedding import Shed
from agent.worker import Worker

_SHED = {
    "table-full": (stats.SHED,),
    "patterns": (stats.SHED_PATTERNS,),
    "quic": (stats.SHED_QUIC,),
    "fingerprints": (stats.SHED_FINGERPRINTS,),
    "certificates": (stats.SHED_CERTIFICATES,),
    "agents": (stats.SHED_AGENTS, stats.SHED_WATCHED_AGENTS),
    "requests": (stats.SHED_REQUESTS,),
    "responses": (stats.SHED_RESPONSES,),
    "names": (stats.SHED_NAMES,),
    "streams": (stats.STREAMS_EVICTED,),
}
"""Why a scanner has no room, and the counters of that."""


class Totals:
    """Sums over `workers`, a list that its owner changes; `finished` takes those that end."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers
        self.finished = Finished()

    def by_interface(self) -> Iterator[tuple[str, list[Worker]]]:
        """Yield the workers that run, by interface."""
        for name in sorted({worker.interface for worker in self._workers}):
            yield name, [worker for worker in self._workers if worker.interface == name]

    def captured(self) -> Mapping[str, Stats]:
        """Return what was captured and lost, by interface."""
        return self.finished.with_running(dict(self.by_interface()))

    def scanned(self) -> list[int]:
        """Return the scanners' counters, in the order of agent.scan.stats."""
        running = (worker.scanner.statistics() for worker in self._workers)
        return [sum(column) for column in zip(self.finished.scanned, *running, strict=True)]

    def counters(self) -> dict[str, int]:
        """Return the scanners' counters by name, and those of coverage.DERIVED."""
        named = dict(zip(stats.NAMES, self.scanned(), strict=True))
        return {**named, **derived(self.unread())}

    def unread(self) -> list[Unread]:
        """Return what scanners met and nobody reads, a row for each layer and number."""
        found = Counter(self.finished.unread)
        for worker in self._workers:
            for layer, number, count in worker.scanner.unread.rows():
                found[layer, number] += count
        return [(layer, number, count) for (layer, number), count in found.items()]

    def shed(self) -> dict[str, int]:
        """Return what scanners had no room for, by what it was."""
        counted = self.scanned()
        return {reason: sum(counted[place] for place in places) for reason, places in _SHED.items()}

    def dropped_sightings(self) -> int:
        """Return what did not fit into the queues between workers and the main thread."""
        running = sum(worker.dropped_parcels for worker in self._workers)
        return self.finished.dropped_parcels + running

    def evicted(self) -> Counter[str]:
        """Return how often keys of behaviours gave way to others, by table."""
        found = Counter(self.finished.evicted)
        for worker in self._workers:
            found.update(worker.scanner.bank.evictions())
        return found

    def saturated(self) -> Counter[str]:
        """Return how often a key had to wait for its turn, by table."""
        found = Counter(self.finished.saturated)
        for worker in self._workers:
            found.update(worker.scanner.bank.saturations())
        return found

    def samples(self, shed: Shed) -> Iterator[Sample]:
        """Yield all as metrics, with what was shed."""
        yield from self._capture_samples(shed)
        yield from self._scan_samples()
        yield Sample("sightings_lost_total", self.dropped_sightings())
        for table, value in self.evicted().items():
            yield Sample("counter_evictions_total", value, {"table": table})
        for table, value in self.saturated().items():
            yield Sample("counter_saturated_total", value, {"table": table})

    def _capture_samples(self, shed: Shed) -> Iterator[Sample]:
        for name, workers in self.by_interface():
            label = {"interface": name}
            is_up = float(all(worker.is_open for worker in workers))
            yield Sample("capture_up", is_up, label)
            silent = time.monotonic() - min(worker.heartbeat for worker in workers)
            alive = time.time() - silent
            yield Sample("capture_worker_last_heartbeat_timestamp_seconds", alive, label)
            yield Sample("capture_shed_level", shed_level(workers), label)
            yield Sample("capture_shed_changes_total", shed.changes[name], label)
            yield Sample("capture_packets_shed_total", shed.packets[name], label)
        for name, (received, dropped, lost) in self.captured().items():
            label = {"interface": name}
            yield Sample("capture_packets_received_total", received, label)
            yield Sample("capture_packets_dropped_total", dropped, {**label, "reason": "kernel"})
            yield Sample("capture_packets_dropped_total", lost, {**label, "reason": "interface"})

    def _scan_samples(self) -> Iterator[Sample]:
        for name, value in zip(stats.NAMES, self.scanned(), strict=True):
            tunnel = name.removeprefix("tunnel_")
            if tunnel != name:
                yield Sample("scan_tunnel_packets_total", value, {"tunnel": tunnel})
            else:
                yield Sample(f"scan_{name}_total", value)
        unread = Counter(dict.fromkeys((*LAYERS[1:], "other"), 0))
        for layer, _, count in self.unread():
            unread[layer or "other"] += count
        for layer, value in unread.items():
            yield Sample("scan_unread_packets", value, {"layer": layer})


def shed_level(workers: Iterable[Worker]) -> int:
    """Return the level of shedding of an interface: its workers' highest."""
    return max(worker.shedding.level for worker in workers)
