"""A capture worker's life, with a capture that has no wire."""

import pytest

from agent import worker as worker_module
from agent.capture import Fanout, Stats
from agent.config import Capture, Settings
from agent.model import PacketBatch
from agent.scan.bank import Bank
from agent.scan.wanted import Wanted
from agent.sets import merged_filters
from agent.worker import BATCH_SECONDS, Sets, Worker
from tests import wired


class Silent:
    """An open capture to which nothing comes; notes how the worker looks when it is used."""

    seen: list[tuple[bool, float, float]]
    worker: Worker

    def __init__(self, name: str, settings: Capture, fanout: Fanout | None) -> None:
        del name, settings, fanout

    def open(self) -> None:
        """Succeed."""

    def close(self) -> None:
        """Succeed."""

    def read(self) -> PacketBatch | None:
        """Return nothing."""

    def ring_use(self) -> float:
        """Return nothing."""
        return 0.0

    def poll(self, timeout: float) -> bool:
        """End the worker."""
        del timeout
        self.stats()
        self.worker.ask_stop()
        return False

    def stats(self) -> Stats:
        """Note how the worker looks."""
        self.seen.append((self.worker.is_open, self.worker.limit, self.worker.heartbeat))
        return Stats(0, 0, 0)


def test_a_worker_that_opens_beats_before_its_limit_gets_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What opening and the pause before it took is not held against the first batch."""
    monkeypatch.setattr(worker_module, "Interface", Silent)
    trails = wired.trails({"evil.org": "malware"})
    sets = Sets(trails.own, trails.published, merged_filters(trails.own, trails.published))
    worker = Worker("eth0", Settings().capture, None, sets, Bank(), Wanted(), lambda: None)
    monkeypatch.setattr(Silent, "worker", worker, raising=False)
    monkeypatch.setattr(Silent, "seen", [], raising=False)
    worker.heartbeat = 0.0

    worker.run()

    while_open = [(limit, beat) for is_open, limit, beat in Silent.seen if is_open]
    assert {limit for limit, _ in while_open} == {BATCH_SECONDS}
    assert all(beat > 0.0 for _, beat in while_open)
