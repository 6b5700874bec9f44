"""The journal on disk: what it was given is there after a crash, and what is not is counted."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import ConfigError
from agent.deliver import journal_band, journal_segment
from agent.deliver.entry import BANDS
from agent.deliver.journal import (
    AGED,
    CORRUPT,
    FULL,
    TORN,
    Bounds,
    Journal,
    folder_name,
    left_behind,
)
from agent.deliver.journal_band import RECYCLE
from agent.deliver.queue import QUEUE_FULL, STOPPED, UNREADABLE, Queue
from tests.deliver.open_files import open_files
from tests.deliver.queued import event, put, seqs
from tests.outputs.samples import RUN_ID

LATER_RUN = "d" * 32
LARGE = Bounds(1 << 30, 1e9)


_open: list[Queue] = []


@pytest.fixture(autouse=True)
def close_all() -> Iterator[None]:
    """Let go of all files at the end, and leave none open."""
    before = open_files()
    yield
    while _open:
        _open.pop().close(0.0)
    assert not open_files() - before


def opened(folder: Path, run_id: str = RUN_ID, bounds: Bounds = LARGE) -> Queue:
    """Return a queue over the journal in a folder."""
    queue = Queue(run_id, 1 << 24, lambda: Journal(folder, bounds))
    _open.append(queue)
    return queue


def tend(queue: Queue, now: float = 0.0) -> None:
    """Let a second pass."""
    journal_band.sync(queue.tend(now))


def crash(queue: Queue) -> None:
    """Leave everything as kill -9 does: nothing is written any more, the lock is free."""
    journal = queue._journal
    if journal is not None:
        for band in journal.bands:
            band.close()
        journal._cursor.close()
        os.close(journal._lock)
        queue._journal = None


def segments(folder: Path) -> list[Path]:
    """Return the files of records."""
    return sorted(path for path in folder.iterdir() if path.name.split(".")[0] in BANDS)


def taken(queue: Queue, limit: int = 1000) -> list[tuple[str, int]]:
    """Take, and return run and number of what came."""
    return [(delivery.run_id[:1], delivery.seq) for delivery in queue.take(limit)]


def test_what_was_put_is_there_after_a_crash(tmp_path: Path) -> None:
    """With its run and number; what comes later has the new run and begins at one."""
    queue = opened(tmp_path)
    put(queue, event(1, "a"), event(6, "b"), event(10, "c"))
    crash(queue)

    queue = opened(tmp_path, LATER_RUN)
    put(queue, event(10, "d"))

    assert queue.state().events == 4
    deliveries = queue.take(10)
    assert [one.event.observed for one in deliveries] == ["a", "b", "c", "d"]
    assert [(one.run_id[:1], one.seq) for one in deliveries] == [
        ("c", 1),
        ("c", 2),
        ("c", 3),
        ("d", 1),
    ]
    assert not any(queue.dropped.values())


def test_what_was_settled_does_not_come_again(tmp_path: Path) -> None:
    """And what was only taken does."""
    queue = opened(tmp_path)
    put(queue, *[event()] * 10)
    queue.take(6)
    queue.settle(4)
    crash(queue)

    queue = opened(tmp_path)

    assert queue.state().events == 6
    assert seqs(queue) == [5, 6, 7, 8, 9, 10]


def test_what_was_put_between_two_crashes_is_there(tmp_path: Path) -> None:
    """All was settled before the first one, and the second comes before anything else is."""
    queue = opened(tmp_path)
    put(queue, *[event()] * 10)
    queue.take(10)
    queue.settle(10)
    crash(queue)
    queue = opened(tmp_path, LATER_RUN)
    put(queue, event())
    crash(queue)

    queue = opened(tmp_path)

    assert taken(queue) == [("d", 1)]
    assert not any(queue.dropped.values())


def test_a_closed_queue_goes_on_where_it_was(tmp_path: Path) -> None:
    """A restart loses nothing and drops nothing."""
    queue = opened(tmp_path)
    put(queue, *[event()] * 3)
    queue.take(1)

    assert queue.close(0.0) == 0
    assert queue.dropped[STOPPED] == 0
    assert seqs(opened(tmp_path)) == [1, 2, 3]


def test_a_torn_tail_costs_only_what_was_never_acknowledged(tmp_path: Path) -> None:
    """The last write cut at each of its bytes: all before it is there, the tear is counted."""
    queue = opened(tmp_path / "whole")
    put(queue, event(6, "a"), event(6, "b"))
    (path,) = segments(tmp_path / "whole")
    before = path.stat().st_size
    put(queue, event(6, "c"))
    after = path.stat().st_size
    crash(queue)

    for size in range(before, after):
        copy = tmp_path / "torn"
        shutil.copytree(tmp_path / "whole", copy)
        os.truncate(segments(copy)[0], size)

        queue = opened(copy, LATER_RUN)
        put(queue, event(6, "d"))

        assert taken(queue) == [("c", 1), ("c", 2), ("d", 1)]
        assert queue.dropped[TORN] == (size > before)
        queue.settle(3)
        assert queue.state().events == 0
        queue.close(0.0)
        shutil.rmtree(copy)


def test_a_crash_between_two_bands_leaves_no_gap(tmp_path: Path) -> None:
    """Of a batch that was written in part the first numbers are there, and none behind a hole.

    The batch was never acknowledged: its events come again, with numbers of the next run.
    """
    queue = opened(tmp_path / "whole")
    put(queue, *[event(severity) for severity in (10, 0, 6, 3, 8, 6, 0, 10)])
    files = [path for band in BANDS for path in (tmp_path / "whole").glob(f"{band}.*")]

    for count in range(len(files) + 1):
        crashed = tmp_path / str(count)
        shutil.copytree(tmp_path / "whole", crashed)
        for path in files[count:]:
            (crashed / path.name).unlink()
        found = seqs(opened(crashed, LATER_RUN))
        assert found == [*range(1, len(found) + 1)]
    assert len(found) == 8


def test_a_flipped_byte_costs_one_event_wherever_it_is(tmp_path: Path) -> None:
    """What is damaged is counted once, all others come in order, nothing hangs."""
    queue = opened(tmp_path / "whole")
    put(queue, *[event(6, label) for label in "abcd"])
    (path,) = segments(tmp_path / "whole")
    size = path.stat().st_size
    crash(queue)

    for at in range(0, size, 7):
        copy = tmp_path / "bad"
        shutil.copytree(tmp_path / "whole", copy)
        flip(segments(copy)[0], at)

        queue = opened(copy)
        found = seqs(queue)
        queue.settle(len(found))
        queue.take(1)

        whole = [seq for seq in range(1, 5) if seq != at * 4 // size + 1]
        assert found == whole
        assert queue.dropped[CORRUPT] + queue.dropped[TORN] == 1
        assert queue.state().events == 0
        queue.close(0.0)
        assert seqs(opened(copy)) == []
        shutil.rmtree(copy)


def flip(path: Path, at: int) -> None:
    """Turn over the bits of one byte."""
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)


def test_damage_in_a_sealed_file_is_counted_and_passed(tmp_path: Path) -> None:
    """Also where nothing of it can be read: its name says how much is lost."""
    queue = opened(tmp_path, bounds=Bounds(16 * 4000, 1e9))
    for _ in range(6):
        put(queue, *[event()] * 10)
    crash(queue)
    first, second, *_ = segments(tmp_path)
    lost = sum(int(path.name.rpartition(".")[2], 16) for path in (first, second))
    first.write_bytes(bytes(first.stat().st_size))
    second.unlink()
    second.touch()

    queue = opened(tmp_path)
    assert queue.state().events == 60

    found = seqs(queue)
    queue.settle(len(found))

    assert found == [*range(lost + 1, 61)]
    assert queue.dropped[CORRUPT] == lost
    assert queue.state().events == 0
    assert first not in segments(tmp_path)


def test_text_from_the_wire_never_passes_for_a_record(tmp_path: Path) -> None:
    """The checksum begins with a salt that a sender of packets cannot know."""
    queue = opened(tmp_path)
    put(queue, event())
    (path,) = segments(tmp_path)
    band, first, _, last = path.name.split(".")
    path.rename(tmp_path / f"{band}.{first}.12345678.{last}")
    (found,) = journal_segment.find(tmp_path)

    assert journal_segment.recover(found, 0, 0) == 1
    assert found.count == found.size == 0


def test_a_lost_cursor_means_duplicates_and_no_loss(tmp_path: Path) -> None:
    """Everything that is still on disk is sent again."""
    queue = opened(tmp_path)
    put(queue, *[event()] * 3)
    queue.take(2)
    queue.settle(2)
    crash(queue)
    (tmp_path / "cursor").write_bytes(os.urandom(1024))

    assert seqs(opened(tmp_path)) == [1, 2, 3]


@pytest.mark.parametrize("slot", [0, 512])
def test_a_torn_cursor_is_at_most_one_step_old(tmp_path: Path, slot: int) -> None:
    """Its two slots are written in turn."""
    queue = opened(tmp_path)
    put(queue, *[event()] * 3)
    for _ in range(2):
        queue.take(1)
        queue.settle(1)
    crash(queue)
    flip(tmp_path / "cursor", slot + 20)

    assert seqs(opened(tmp_path))[-2:] in ([2, 3], [3])


def test_a_full_journal_drops_the_oldest_of_the_least_severe(tmp_path: Path) -> None:
    """In portions of a sixteenth; the bound holds, each loss is counted."""
    queue = opened(tmp_path, bounds=Bounds(100_000, 1e9))
    for _ in range(20):
        put(queue, *[event(10)] * 3)
        put(queue, *[event(3)] * 30)

    state = queue.state()
    found = queue.take(10_000)

    assert state.journal_bytes <= 100_000
    assert [one.event.severity_id for one in found].count(10) == 60
    assert queue.dropped[FULL] == 660 - len(found)
    lows = [one.seq for one in found if one.event.severity_id == 3]
    assert lows == sorted(lows)
    assert lows[-1] == 660


def test_what_is_being_sent_is_not_dropped(tmp_path: Path) -> None:
    """It may have arrived already; the next oldest goes instead."""
    queue = opened(tmp_path, bounds=Bounds(64_000, 1e9))
    put(queue, *[event()] * 5)
    assert seqs(queue) == [1, 2, 3, 4, 5]
    for _ in range(30):
        put(queue, *[event()] * 10)

    queue.rewind()
    found = seqs(queue)

    assert found[:5] == [1, 2, 3, 4, 5]
    assert found == sorted(found)
    assert queue.dropped[FULL] == 305 - len(found)
    queue.settle(len(found))
    assert queue.dropped[CORRUPT] == 0
    assert queue.state().events == 0


def test_a_smaller_bound_of_the_journal_holds_at_once(tmp_path: Path) -> None:
    """After a reload."""
    queue = opened(tmp_path, bounds=Bounds(1 << 20, 1e9))
    for _ in range(100):
        put(queue, *[event()] * 10)

    queue.bound(Bounds(300_000, 1e9))

    assert queue.state().journal_bytes <= 300_000
    assert queue.dropped[FULL] == 1000 - queue.state().events


def test_what_waited_too_long_is_dropped_and_counted(tmp_path: Path) -> None:
    """Within a sixteenth of the age; what is younger stays."""
    queue = opened(tmp_path, bounds=Bounds(1 << 20, 160.0))
    for second in range(0, 300, 5):
        tend(queue, float(second))
        put(queue, event(), now=float(second))
    tend(queue, 300.0)

    found = seqs(queue)

    assert found == [*range(found[0], 61)]
    assert 140 / 5 <= 300 / 5 - found[0] <= 175 / 5
    assert queue.dropped[AGED] == 60 - len(found)


def test_what_is_empty_takes_no_room(tmp_path: Path) -> None:
    """A file of which everything is settled goes, also the one that is being written."""
    queue = opened(tmp_path)
    sent = 0
    for _ in range(40):
        put(queue, *[event()] * 100)
        sent += len(queue.take(100))
        queue.settle(100)

    assert sent == 4000
    assert sum(path.stat().st_size for path in segments(tmp_path)) <= 2 * RECYCLE
    queue.close(0.0)
    assert seqs(opened(tmp_path)) == []


def test_two_delivers_never_share_a_journal(tmp_path: Path) -> None:
    """Each event would be sent twice, or by neither."""
    queue = opened(tmp_path)

    with pytest.raises(ConfigError, match=r"another deliver uses this journal; stop it"):
        opened(tmp_path)

    queue.close(0.0)
    opened(tmp_path)


def test_names_become_folders_that_nothing_confuses() -> None:
    """Whatever a person calls an output."""
    names = ["siem", "a/b", "..", ".", "", "a.b", "ä", "x" * 300, "x" * 301, "A%2Fb"]

    folders = [folder_name(name) for name in names]

    assert folders[0] == "siem"
    assert len(set(folders)) == len(names)
    assert all("/" not in one and "." not in one and 0 < len(one) < 200 for one in folders)


def test_the_journal_of_an_output_that_is_gone_is_found(tmp_path: Path) -> None:
    """It is kept, and told."""
    for name in ("siem", "old", "empty"):
        queue = opened(tmp_path / folder_name(name))
        if name != "empty":
            put(queue, event())
        queue.close(0.0)

    left = left_behind(tmp_path, ["siem"])

    assert [path.name for path in left] == ["old"]
    assert left_behind(tmp_path / "none", []) == {}


Fault = Callable[[int], None]


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> Fault:
    """Yield what lets every write to a segment fail with an error, or work again with 0."""
    real = os.pwrite
    number = 0

    def pwrite(fd: int, data: bytes, at: int) -> int:
        if number:
            if len(data) > 10:
                real(fd, bytes(data)[:10], at)  # a full disk takes a part
            raise OSError(number, os.strerror(number))
        return real(fd, data, at)

    def set_fault(to: int) -> None:
        nonlocal number
        number = to

    monkeypatch.setattr(os, "pwrite", pwrite)
    return set_fault


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT])
def test_a_disk_that_takes_nothing_is_replaced_by_memory_until_it_does(
    tmp_path: Path, fault: Fault, number: int
) -> None:
    """Nothing is lost, the order stays, and it is said what is wrong."""
    queue = opened(tmp_path)
    put(queue, event(6, "a"), event(8, "b"))
    fault(number)
    put(queue, event(6, "c"), event(8, "d"))
    put(queue, event(6, "e"))

    assert os.strerror(number) in queue.trouble
    assert not queue.outlives_deliver
    assert queue.state().events == 5
    assert seqs(queue, 4) == [1, 2, 3, 4]
    queue.settle(1)
    queue.rewind()
    tend(queue)
    assert queue.trouble

    fault(0)
    tend(queue)
    put(queue, event(6, "f"))
    assert queue.trouble == ""
    assert queue.state().bytes == 0
    crash(queue)

    found = opened(tmp_path).take(10)
    assert [one.event.observed for one in found] == ["b", "c", "d", "e", "f"]


def test_memory_that_stands_in_is_bounded(tmp_path: Path, fault: Fault) -> None:
    """The least severe goes first, and that is counted."""
    queue = opened(tmp_path)
    fault(errno.ENOSPC)
    queue.resize(5000)
    put(queue, event(10))
    put(queue, *[event(3)] * 50)

    assert queue.state().bytes <= 5000
    assert queue.dropped[QUEUE_FULL] == 51 - queue.state().events
    assert seqs(queue)[0] == 1


def test_what_memory_still_held_at_the_end_is_counted(tmp_path: Path, fault: Fault) -> None:
    """The disk never came back."""
    queue = opened(tmp_path)
    put(queue, event())
    fault(errno.ENOSPC)
    put(queue, event(), event())

    assert queue.close(0.0) == 2
    assert queue.dropped[STOPPED] == 2
    fault(0)
    assert seqs(opened(tmp_path)) == [1]


def test_a_folder_that_cannot_be_made_is_tried_again(tmp_path: Path) -> None:
    """The state's file system comes late."""
    blocked = tmp_path / "state"
    blocked.write_text("a file", encoding="utf-8")
    queue = opened(blocked / "siem")
    put(queue, event(), event())
    assert "Not a directory" in queue.trouble

    blocked.unlink()
    tend(queue)

    assert queue.trouble == ""
    assert queue.state().journal_bytes > 0
    assert seqs(queue) == [1, 2]


def test_a_closed_queue_never_takes_the_journal_again(tmp_path: Path) -> None:
    """Its successor may want it."""
    blocked = tmp_path / "state"
    blocked.write_text("a file", encoding="utf-8")
    queue = opened(blocked / "siem")
    queue.close(0.0)
    blocked.unlink()

    tend(queue)

    assert not blocked.exists()


def test_an_event_of_a_later_version_is_passed_over(tmp_path: Path) -> None:
    """It is counted and holds up nothing."""
    queue = opened(tmp_path)
    put(queue, event())
    queue.put([(6, b"\x80"), (6, b"\xc1"), (10, b"")], 0.0)
    put(queue, event())

    assert seqs(queue) == [1, 5]
    queue.settle(2)

    assert queue.dropped[UNREADABLE] == 3
    assert queue.state().events == 0


def test_damage_with_nothing_behind_it_is_counted_once(tmp_path: Path) -> None:
    """Not again at each start."""
    queue = opened(tmp_path, bounds=Bounds(16 * 1000, 1e9))
    put(queue, event(), event())
    put(queue, event())
    crash(queue)
    sealed = next(path for path in segments(tmp_path) if not path.name.endswith(".open"))
    sealed.write_bytes(bytes(sealed.stat().st_size))

    queue = opened(tmp_path)
    found = seqs(queue)
    queue.settle(len(found))
    queue.take(1)
    first = queue.dropped[CORRUPT]
    queue.close(0.0)

    queue = opened(tmp_path)
    queue.take(1)
    assert first == 2
    assert queue.dropped[CORRUPT] == 0


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.lists(st.sampled_from([1, 3, 6, 8, 10]), max_size=12)),
        st.tuples(st.just("take"), st.integers(1, 20)),
        st.tuples(st.just("settle"), st.integers(1, 20)),
        st.tuples(st.just("rewind"), st.none()),
        st.tuples(st.just("crash"), st.none()),
        st.tuples(st.just("close"), st.none()),
        st.tuples(st.just("flip"), st.integers(0, 1 << 20)),
        st.tuples(st.just("fail"), st.booleans()),
        st.tuples(st.just("tend"), st.none()),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=150)
@given(steps, st.sampled_from([3_000, 40_000, 1 << 24]))
def test_nothing_is_lost_unseen(steps: list[tuple[str, object]], size: int) -> None:
    """Any life of a journal: each event is settled, there, or counted as lost; order holds."""
    Life(size).run(steps)


class Life:
    """A queue in a folder of its own, what happened to it, and what must be true of it."""

    def __init__(self, size: int) -> None:
        self.bounds = Bounds(size, 1e9)
        self.runs = 0
        self.entered = 0
        self.settled: set[tuple[str, int]] = set()
        self.lost = 0
        self.spoilt = 0
        self.taken: list[tuple[str, int]] = []
        self.last: dict[int, tuple[str, int]] = {}
        self.is_failing = False
        self.ever_failed = False
        self.is_damaged = False

    def run(self, steps: list[tuple[str, object]]) -> None:
        """Live through the steps, then drain."""
        real = os.pwrite

        def pwrite(fd: int, data: bytes, at: int) -> int:
            if self.is_failing:
                raise OSError(errno.ENOSPC, "full")
            return real(fd, data, at)

        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "pwrite", pwrite)
            self.folder = Path(folder)
            self.open()
            for step, value in steps:
                getattr(self, step)(value)
            self.is_failing = False
            self.drain()

    def open(self) -> None:
        """Begin another run."""
        was, self.is_failing = self.is_failing, False
        self.queue = opened(self.folder, f"{self.runs:032x}", self.bounds)
        self.is_failing = was
        self.runs += 1
        self.taken, self.last = [], {}

    def put(self, severities: object) -> None:
        """Let events enter."""
        assert isinstance(severities, list)
        put(self.queue, *[event(severity) for severity in severities])
        self.entered += len(severities)

    def take(self, limit: object) -> None:
        """Take some: in order within each severity."""
        assert isinstance(limit, int)
        for one in self.queue.take(limit):
            now = (one.run_id, one.seq)
            before = self.last.get(one.event.severity_id, ("", 0))
            assert before < now or self.ever_failed
            self.last[one.event.severity_id] = now
            self.taken.append(now)

    def settle(self, count: object) -> None:
        """Settle some of what was taken."""
        assert isinstance(count, int)
        count = min(count, len(self.taken))
        self.queue.settle(count)
        self.settled.update(self.taken[:count])
        del self.taken[:count]

    def rewind(self, _: object) -> None:
        """Begin again."""
        self.queue.rewind()
        self.taken, self.last = [], {}

    def crash(self, _: object) -> None:
        """End without a word; what memory held is gone, and nobody can count it."""
        self.lost += sum(line.events for line in self.queue._memory)
        self.count_lost()
        crash(self.queue)
        self.open()

    def close(self, _: object) -> None:
        """End in order."""
        self.queue.close(0.0)
        self.count_lost()
        self.open()

    def flip(self, at: object) -> None:
        """Damage a byte while nobody has the file open."""
        assert isinstance(at, int)
        self.queue.close(0.0)
        self.count_lost()
        files = [path for path in segments(self.folder) if path.stat().st_size]
        # How much two tears at one end took is not known exactly.
        if files and not self.is_damaged:
            self.is_damaged = True
            path = files[at % len(files)]
            flip(path, at % path.stat().st_size)
        self.open()

    def fail(self, how: object) -> None:
        """Fill the disk, or make room."""
        self.is_failing = bool(how)
        self.ever_failed |= self.is_failing

    def tend(self, _: object) -> None:
        """Let a second pass."""
        tend(self.queue)

    def drain(self) -> None:
        """Send all that is there and judge."""
        self.rewind(None)
        while True:
            self.take(7)
            if not self.taken:
                break
            self.settle(7)
        assert self.queue.state().events == 0
        self.count_lost()
        self.queue.close(0.0)

        # A cursor that a full disk kept old brings back what was settled: more is counted then.
        assert len(self.settled) + self.lost >= self.entered
        assert len(self.settled) + self.lost == self.entered or self.ever_failed
        assert not self.spoilt or self.is_damaged or self.ever_failed

    def count_lost(self) -> None:
        """Note what this run says that it lost."""
        self.lost += sum(self.queue.dropped.values())
        self.spoilt += self.queue.dropped.get(CORRUPT, 0) + self.queue.dropped.get(TORN, 0)
