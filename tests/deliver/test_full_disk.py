"""A journal on a file system that is really full, and on one that is really read-only."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.deliver import journal_band
from agent.deliver.journal import Bounds, Journal
from agent.deliver.queue import Queue
from tests.deliver.queued import event, put, seqs
from tests.outputs.samples import RUN_ID

pytestmark = pytest.mark.root


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def queue(disk: Path) -> Iterator[Queue]:
    """Yield a queue whose journal may be larger than the disk."""
    made = opened(disk)
    yield made
    made.close(0.0)


def opened(disk: Path) -> Queue:
    """Return a queue whose journal is on the disk."""
    return Queue(RUN_ID, 1 << 24, lambda: Journal(disk / "siem", Bounds(1 << 30, 1e9)))


def remount(disk: Path, options: str) -> None:
    """Change the file system while files are open."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def test_a_full_disk_loses_nothing_and_comes_back(queue: Queue, disk: Path) -> None:
    """Memory takes what the disk does not, and gives it back when there is room."""
    for _ in range(300):
        put(queue, *[event()] * 10)

    assert "No space left on device" in queue.trouble
    assert queue.state().bytes > 0
    assert queue.state().events == 3000

    remount(disk, "size=16m")
    journal_band.sync(queue.tend(0.0))

    assert queue.trouble == ""
    assert queue.state().bytes == 0
    assert seqs(queue, 5000) == [*range(1, 3001)]
    assert not any(queue.dropped.values())


def test_a_full_disk_drains_and_is_used_again(queue: Queue) -> None:
    """What is settled makes the room."""
    for _ in range(300):
        put(queue, *[event()] * 10)
    found = []
    while batch := seqs(queue, 100):
        found += batch
        queue.settle(len(batch))
        journal_band.sync(queue.tend(0.0))
    put(queue, event())

    assert found == [*range(1, 3001)]
    assert queue.trouble == ""
    assert queue.state().journal_bytes > 0
    assert not any(queue.dropped.values())


def test_a_read_only_disk_loses_nothing_and_comes_back(disk: Path) -> None:
    """A host whose file system was not whole when it booted."""
    first = opened(disk)
    put(first, event(), event())
    first.close(0.0)
    remount(disk, "ro")

    second = opened(disk)
    put(second, event())
    assert "Read-only file system" in second.trouble
    assert seqs(second) == [1]
    second.rewind()

    remount(disk, "rw")
    journal_band.sync(second.tend(0.0))

    assert second.trouble == ""
    assert second.state().bytes == 0
    assert seqs(second) == [1, 2, 1]
    second.close(0.0)
