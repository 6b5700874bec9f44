"""An output's thread: nothing lost when it fails, nothing sent twice that was taken."""

import errno
import logging
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from agent.deliver import runner as runner_module
from agent.deliver import window
from agent.deliver.journal import Bounds, Journal
from agent.deliver.queue import Queue
from agent.deliver.runner import BACKOFF_LAST, Runner, backoff, error_type
from agent.link import Flow
from agent.model import Delivery
from outputs import Counts, Finding, Interrupted, Rate, Rejected, ignore
from tests.deliver.queued import put
from tests.deliver.waiting import DEADLINE, until
from tests.outputs.samples import EVENT, RUN_ID

FLOW = Flow("udp", "10.0.0.1", 1, "10.0.0.2", 514)


class FakeOutput:
    """An output that answers as it is told: `answers` are raised, one for each write, until none
    is left.
    """

    def __init__(self, *answers: Exception | None, rate: Rate | None = None) -> None:
        self.counts = Counts()
        self.rate = rate
        self.wants_journal = False
        self.files: tuple[Path, ...] = ()
        self.on_flows: Callable[[], None] = ignore
        self.answers = list(answers)
        self.written: list[list[int]] = []
        self.opened = 0
        self.is_open = False
        self.fails_to_open = 0

    def open(self) -> None:
        """Open, or fail as often as it was told."""
        self.opened += 1
        if self.fails_to_open:
            self.fails_to_open -= 1
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        self.is_open = True
        self.on_flows()

    def write(self, deliveries: Sequence[Delivery]) -> None:
        """Note what came, and answer."""
        assert self.is_open
        self.written.append([delivery.seq for delivery in deliveries])
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer

    def unconfirmed(self) -> int | None:
        """Return None: a write is all."""
        return None

    def close(self) -> None:
        """Close."""
        was_open, self.is_open = self.is_open, False
        if was_open:
            self.on_flows()

    def flows(self) -> tuple[Flow, ...]:
        """Return one flow while open."""
        return (FLOW,) if self.is_open else ()

    def inspect(self, now: datetime, connect: bool) -> Iterator[Finding]:
        """Yield nothing: there is nothing to check."""
        del now, connect
        yield from ()


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry at once; how long it really waits has a test of its own."""
    monkeypatch.setattr(runner_module, "BACKOFF_FIRST", 0.001)


@pytest.fixture
def queue() -> Queue:
    """Return a queue with three events."""
    made = Queue(RUN_ID, 1 << 24)
    fill(made, 3)
    return made


def fill(queue: Queue, count: int) -> None:
    """Put events into a queue."""
    for _ in range(count):
        put(queue, EVENT)


Start = Callable[..., Runner]


@pytest.fixture
def start() -> Iterator[Start]:
    """Yield what starts a runner; all are stopped at the end."""
    started: list[Runner] = []

    def start_one(
        output: FakeOutput, queue: Queue, changed: Callable[[], None] = lambda: None
    ) -> Runner:
        runner = Runner("siem", output, queue, changed=changed)
        started.append(runner)
        runner.start()
        return runner

    yield start_one
    for runner in started:
        runner.stop(time.monotonic())
        assert runner.join(time.monotonic() + DEADLINE)


def is_done(queue: Queue) -> Callable[[], bool]:
    """Return the condition that nothing waits any more."""
    return lambda: queue.state().events == 0


def test_what_is_queued_is_written_in_order(start: Start, queue: Queue) -> None:
    """One batch takes all that waits."""
    output = FakeOutput()
    runner = start(output, queue)

    until(is_done(queue), "all was taken")

    assert output.written == [[1, 2, 3]]
    assert runner.tally.sent == 3
    assert runner.tally.last_success > 0


def test_a_failed_batch_is_kept_and_tried_again(start: Start, queue: Queue) -> None:
    """With the same numbers; the output is closed and opened anew in between."""
    output = FakeOutput(ConnectionRefusedError("refused"), TimeoutError("slow"))
    runner = start(output, queue)

    until(is_done(queue), "all was taken in the end")

    assert output.written == [[1, 2, 3]] * 3
    assert output.opened == 3
    assert runner.tally.sent == 3
    assert runner.tally.errors["refused"] == 1
    assert runner.tally.errors["timeout"] == 1
    assert runner.tally.reconnects == 2


def test_an_output_that_cannot_be_opened_is_tried_again(start: Start, queue: Queue) -> None:
    """A host whose network comes up late."""
    output = FakeOutput()
    output.fails_to_open = 3
    runner = start(output, queue)

    until(is_done(queue), "all was taken in the end")

    assert output.opened == 4
    assert runner.tally.errors["unreachable"] == 3


def test_what_is_rejected_is_never_tried_again_and_counted(start: Start, queue: Queue) -> None:
    """The others of the batch were taken."""
    output = FakeOutput(Rejected([0, 2], "too-big"))
    runner = start(output, queue)

    until(is_done(queue), "all was settled")

    assert output.written == [[1, 2, 3]]
    assert runner.tally.sent == 1
    assert runner.tally.rejected == {"too-big": 2, "rejected": 0}


def test_a_reason_without_number_becomes_no_label(start: Start, queue: Queue) -> None:
    """Texts of a receiver would make endless metrics."""
    runner = start(FakeOutput(Rejected([0], "HTTP 400: bad field 'x17'")), queue)

    until(is_done(queue), "all was settled")

    assert runner.tally.rejected == {"too-big": 0, "rejected": 1}


def test_after_an_interruption_only_the_rest_is_sent(start: Start, queue: Queue) -> None:
    """What was taken is not sent twice."""
    output = FakeOutput(Interrupted(2, "broken pipe"))
    runner = start(output, queue)

    until(is_done(queue), "all was taken")

    assert output.written == [[1, 2, 3], [3]]
    assert runner.tally.sent == 3


def test_an_event_that_breaks_a_format_does_not_hold_up_the_others(
    start: Start, queue: Queue
) -> None:
    """A fault of ours costs one event, with a count and a line in the log, not the output."""
    output = FakeOutput(ValueError("whole batch"), None, ValueError("this one"), None)
    runner = start(output, queue)

    until(is_done(queue), "all was settled")

    assert output.written == [[1, 2, 3], [1], [2], [3]]
    assert runner.tally.sent == 2
    assert runner.tally.rejected["rejected"] == 1


class Connection(FakeOutput):
    """An output that acknowledges as it is told: so many `behind` what was written, or broken."""

    def __init__(self, *answers: Exception | None) -> None:
        super().__init__(*answers)
        self.behind: int | Exception = 0

    def unconfirmed(self) -> int | None:
        """Answer, or be broken until the next connection."""
        if isinstance(self.behind, Exception):
            raise self.behind
        return self.behind

    def close(self) -> None:
        """End what was broken."""
        super().close()
        if isinstance(self.behind, Exception):
            self.behind = 0


@pytest.fixture
def no_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settle what is acknowledged at once; the time that it is held has tests of its own."""
    monkeypatch.setattr(window, "HOLD", 0.0)


@pytest.mark.usefixtures("no_hold")
def test_what_is_not_acknowledged_stays_queued(start: Start, queue: Queue) -> None:
    """It is written once, and more is written meanwhile."""
    output = Connection()
    output.behind = 2
    start(output, queue)
    until(lambda: queue.state().events == 2, "the first is settled")

    fill(queue, 1)
    until(lambda: output.written[1:] == [[4]], "the next is written")
    output.behind = 0

    until(is_done(queue), "all is settled")
    assert output.written == [[1, 2, 3], [4]]


@pytest.mark.usefixtures("no_hold")
def test_a_broken_connection_gets_again_what_was_not_acknowledged(
    start: Start, queue: Queue
) -> None:
    """With the same numbers, once more, and counted."""
    output = Connection()
    output.behind = 2
    runner = start(output, queue)
    until(lambda: queue.state().events == 2, "the first is settled")

    output.behind = ConnectionResetError("gone")

    until(is_done(queue), "all is settled")
    assert output.written == [[1, 2, 3], [2, 3]]
    assert runner.tally.resent == 2
    assert runner.tally.errors["refused"] == 1


def test_what_was_acknowledged_just_now_is_sent_again_too(start: Start, queue: Queue) -> None:
    """The receiver that broke the connection may not have read it."""
    output = Connection()
    runner = start(output, queue)
    until(lambda: output.written == [[1, 2, 3]], "all is written")

    output.behind = ConnectionResetError("gone")

    until(is_done(queue), "all is settled")
    assert output.written == [[1, 2, 3], [1, 2, 3]]
    assert runner.tally.resent == 3


@pytest.mark.usefixtures("no_hold")
def test_a_receiver_that_acknowledges_nothing_gets_a_window_and_no_more(
    start: Start, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded, whatever is queued."""
    monkeypatch.setattr(runner_module, "LIMIT", 3)
    output = Connection()
    output.behind = 99
    start(output, queue)
    until(lambda: output.written == [[1, 2, 3]], "the window is full")

    fill(queue, 2)
    assert output.written == [[1, 2, 3]]
    output.behind = 0

    until(is_done(queue), "all is settled")
    assert output.written == [[1, 2, 3], [4, 5]]


@pytest.mark.usefixtures("no_hold")
def test_what_is_rejected_again_is_counted_and_set_aside_once(queue: Queue) -> None:
    """A poison event in the part that is sent again."""
    aside: list[int] = []
    output = Connection(Rejected([1], "too-big"), Rejected([1], "too-big"))
    output.behind = 3
    runner = Runner("siem", output, queue, set_aside=lambda one, _: aside.append(one.seq))
    runner.start()
    until(lambda: output.written, "all is written")

    output.behind = ConnectionResetError("gone")

    until(is_done(queue), "all is settled")
    assert output.written == [[1, 2, 3], [1, 2, 3]]
    assert aside == [2]
    assert runner.tally.rejected["too-big"] == 1
    runner.stop(time.monotonic())
    assert runner.join(time.monotonic() + DEADLINE)


def test_an_end_does_not_wait_for_a_receiver_that_is_away_where_there_is_a_journal(
    start: Start, tmp_path: Path
) -> None:
    """What waits is kept."""
    kept = Queue(RUN_ID, 1 << 24, lambda: Journal(tmp_path, Bounds(1 << 20, 1e9)))
    fill(kept, 3)
    runner = start(FakeOutput(*[ConnectionRefusedError("refused")] * 100_000), kept)
    until(lambda: runner.tally.errors["refused"], "it has failed")

    runner.stop(time.monotonic() + 3600)

    assert runner.join(time.monotonic() + DEADLINE)
    assert kept.close(0.0) == 0


def test_a_failure_is_told_once_and_its_end_too(
    start: Start, queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    """A receiver that is down for a day makes two lines, not thousands."""
    caplog.set_level(logging.INFO, "outputs")
    start(FakeOutput(*[ConnectionRefusedError("refused\nby host")] * 5), queue)

    until(lambda: "works again" in caplog.text, "the end is told")

    assert [record.getMessage() for record in caplog.records] == [
        "refused by host; events are kept and tried again",
        "works again after 5 failed attempts",
    ]
    assert {record.name for record in caplog.records} == {"outputs.siem"}


def test_stopping_sends_what_is_queued_first(start: Start) -> None:
    """As long as there is time."""
    queue, output = Queue(RUN_ID, 1 << 24), FakeOutput()
    runner = start(output, queue)
    until(lambda: runner.connected, "it is open")
    fill(queue, 250)

    runner.stop(time.monotonic() + DEADLINE)

    assert runner.join(time.monotonic() + DEADLINE)
    assert [seq for batch in output.written for seq in batch] == [*range(1, 251)]
    assert not output.is_open


def test_stopping_ends_in_time_when_the_output_is_dead(start: Start, queue: Queue) -> None:
    """What is left stays in the queue, to be counted."""
    runner = start(FakeOutput(*[ConnectionRefusedError("refused")] * 100_000), queue)
    until(lambda: runner.tally.errors["refused"], "it has failed")

    runner.stop(time.monotonic() + 0.3)

    assert runner.join(time.monotonic() + DEADLINE)
    assert queue.close(0.0) == 3


def test_the_pace_is_kept(start: Start) -> None:
    """A burst at once, then the rate: never more than both allow."""
    queue, output = Queue(RUN_ID, 1 << 24), FakeOutput(rate=Rate(200.0, 10))
    fill(queue, 50)
    began = time.monotonic()
    start(output, queue)

    until(is_done(queue), "all was sent")

    assert time.monotonic() - began >= (50 - 10) / 200
    assert max(map(len, output.written)) <= 10


def test_flows_are_told_when_they_change(start: Start, queue: Queue) -> None:
    """The sensor learns of the socket when it opens and when it closes."""
    changes: list[int] = []
    runner = start(FakeOutput(ConnectionRefusedError("x")), queue, lambda: changes.append(1))

    until(is_done(queue), "all was sent")

    assert runner.flows == (FLOW,)
    assert len(changes) == 3


def test_a_dead_output_holds_up_no_other(start: Start) -> None:
    """Each has its thread and its queue."""
    hanging = threading.Event()
    dead, alive = Queue(RUN_ID, 1 << 24), Queue(RUN_ID, 1 << 24)
    output = FakeOutput()
    output.open = hanging.wait  # type: ignore[method-assign, assignment]
    start(output, dead)
    start(FakeOutput(), alive)

    fill(dead, 5)
    fill(alive, 5)

    until(is_done(alive), "the other output was served")
    assert dead.state().events == 5
    hanging.set()


def test_a_thread_that_waits_shows_that_it_is_alive(
    start: Start, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver that is down is no reason to call deliver dead."""
    monkeypatch.setattr(runner_module, "BACKOFF_FIRST", 60.0)
    monkeypatch.setattr(runner_module, "IDLE", 0.01)
    monkeypatch.setattr(random, "uniform", lambda _, most: most)
    runner = start(FakeOutput(ConnectionRefusedError("x")), queue)
    until(lambda: runner.tally.errors["refused"], "it has failed")

    before = runner.heartbeat

    until(lambda: runner.heartbeat > before, "the heart beats during the pause")


def test_the_pause_doubles_up_to_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """From one second; a random part of it is waited."""
    monkeypatch.setattr(runner_module, "BACKOFF_FIRST", 1.0)

    assert [backoff(n) for n in (1, 2, 3, 6, 7)] == [1, 2, 4, 32, BACKOFF_LAST]
    assert backoff(100_000) == BACKOFF_LAST


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (socket.gaierror(-2, "unknown"), "resolve"),
        (ssl.SSLCertVerificationError(1, "x"), "tls"),
        (ConnectionRefusedError(), "refused"),
        (OSError(errno.ECONNREFUSED, "x"), "refused"),
        (TimeoutError(), "timeout"),
        (OSError(errno.EHOSTUNREACH, "x"), "unreachable"),
        (PermissionError(errno.EACCES, "x"), "permission"),
        (OSError(errno.ENOSPC, "x"), "space"),
        (ValueError("x"), "other"),
        (Interrupted(1, "x"), "other"),
    ],
)
def test_errors_have_few_names(error: Exception, expected: str) -> None:
    """Labels of a metric are a closed set."""
    assert error_type(error) == expected
