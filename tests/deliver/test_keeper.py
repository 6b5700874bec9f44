"""Once a second each queue is tended, and what was written is brought to the disk."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.deliver import keeper
from agent.deliver.journal import Bounds, Journal
from agent.deliver.keeper import Keeper
from agent.deliver.queue import Queue
from tests.deliver.open_files import open_files
from tests.deliver.queued import event, put
from tests.deliver.waiting import until
from tests.outputs.samples import RUN_ID


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """Yield a queue with a journal; a second is short here."""
    monkeypatch.setattr(keeper, "EVERY", 0.005)
    made = Queue(RUN_ID, 1 << 20, lambda: Journal(tmp_path, Bounds(1 << 20, 1e12)))
    yield made
    made.close(0.0)


def test_what_was_written_is_synced_once(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record, the cursor and the folder; nothing while nothing is new."""
    synced: list[str] = []

    def note(fd: int) -> None:
        synced.append(Path(f"/proc/self/fd/{fd}").readlink().name)

    monkeypatch.setattr(os, "fdatasync", note)
    put(queue, event())
    keeps = Keeper(lambda: [queue])
    keeps.start()
    until(lambda: len(synced) >= 3, "all is synced")
    before = len(synced)
    until(lambda: queue.tend(0.0) == [], "a round without news")
    keeps.stop()

    assert len(synced) == before == 3
    assert [name.partition(".")[0] for name in synced[:2]] == ["medium", "cursor"]


def test_a_disk_that_refuses_is_counted_and_holds_up_nothing(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the log says so once."""

    def refuse(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", refuse)
    before = open_files(tmp_path).total()
    keeps = Keeper(lambda: [queue])
    keeps.start()
    put(queue, event())
    until(lambda: queue.sync_errors, "it was refused")
    first = queue.sync_errors
    put(queue, event())
    until(lambda: queue.sync_errors > first, "it was tried again")
    keeps.stop()

    assert queue.state().events == 2
    assert open_files(tmp_path).total() == before + 2  # to write, to read; not to sync
