"""Feed one output from its queue, on one thread: open, write, retry, count, say what is wrong.

Strategy: nothing that an output does reaches another. A failure closes it and opens it again
after a random time below a bound that doubles from one second to a minute (full jitter), so that
hundreds of agents do not come back at once; what was written and is not known to have arrived is
then written again. Failures are told when they begin and when they end.
"""

import errno
import logging
import random
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agent.deliver.pace import Pace
from agent.deliver.queue import Queue
from agent.deliver.window import LIMIT, Window
from agent.link import Flow
from agent.model import Delivery
from outputs import Interrupted, Output, Rejected

BATCH = 250
"""Deliveries in one write: enough to save system calls, little to repeat after a failure."""

BACKOFF_FIRST = 1.0
BACKOFF_LAST = 60.0
POLL = 0.05
"""Seconds between two questions whether what was written has arrived."""

IDLE = 1.0
"""Seconds after which a thread with nothing to do shows that it is alive."""

ERROR_TYPES = (
    "resolve",
    "refused",
    "unreachable",
    "timeout",
    "tls",
    "permission",
    "space",
    "other",
)
"""Labels of `output_errors_total`: closed, because error texts would be without number."""

REJECTION_REASONS = ("too-big", "rejected")
"""Why an output never takes an event; any other reason counts as `rejected`."""

_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}
_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}


@dataclass(slots=True)
class Tally:
    """What became of an output's events; it outlives the runner when the output changes."""

    sent: int = 0
    resent: int = 0
    reconnects: int = 0
    last_success: float = 0.0
    last_error: str = ""
    seconds: float = 0.0
    errors: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(ERROR_TYPES, 0)))
    rejected: Counter[str] = field(
        default_factory=lambda: Counter(dict.fromkeys(REJECTION_REASONS, 0))
    )


class Runner:
    """Runs one output until `stop`; what it writes for others to read are plain attributes."""

    def __init__(
        self,
        name: str,
        output: Output,
        queue: Queue,
        tally: Tally | None = None,
        changed: Callable[[], None] = lambda: None,
        set_aside: Callable[[Delivery, str], None] = lambda _delivery, _reason: None,
    ) -> None:
        self.tally = tally or Tally()
        self.connected = False
        self.heartbeat = time.monotonic()
        self.output = output
        self.flows: tuple[Flow, ...] = ()
        self._queue = queue
        self._changed = changed
        output.on_flows = self._show_flows
        self._set_aside = set_aside
        self._window = Window()
        self._refused: set[tuple[str, int]] = set()  # in the window: counted once, however often
        self._pace = Pace(output.rate, time.monotonic()) if output.rate else None
        self._failures = 0
        self._stopping = threading.Event()
        self._deadline = float("inf")
        self._log = logging.getLogger(f"outputs.{name}")
        self._thread = threading.Thread(target=self._run, name=f"output-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, deadline: float) -> None:
        """Ask the thread to end when the queue is empty, at the latest at `deadline`."""
        self._deadline = deadline
        self._stopping.set()
        self._queue.wake()

    def join(self, deadline: float) -> bool:
        """Wait for the thread's end until `deadline`; tell whether it came, or never began."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))
        return not self._thread.is_alive()

    def detach(self) -> None:
        """Cut a thread that did not end off its queue, so that a successor may have it."""
        self._queue = Queue("", 0)

    def _run(self) -> None:
        self._queue.rewind()  # what a predecessor wrote and never saw arrive
        while not self._finished():
            self.heartbeat = time.monotonic()
            try:
                self._step()
            except Exception as error:  # noqa: BLE001 - an output may fail in any way
                self._fail(error)
        self._close()

    def _finished(self) -> bool:
        if not self._stopping.is_set():
            return False
        if time.monotonic() >= self._deadline or not self._queue.state().events:
            return True
        return self._queue.outlives_deliver and not self.connected

    def _step(self) -> None:
        """Open the output, or send one batch, or wait a while. Raise what the output raises."""
        if not self.connected:
            self.output.open()
            self.connected = True
            return
        batch = self._next()
        if batch:
            self._write(batch)
        self._settle()

    def _next(self) -> Sequence[Delivery]:
        """Return what may be sent now; nothing after having waited for it."""
        if self._window.open >= LIMIT:
            time.sleep(POLL)
            return ()
        if self._pace is None:
            batch: Sequence[Delivery] = self._queue.take(BATCH)
        else:
            allowed = self._pace.allow(time.monotonic(), BATCH)
            if not allowed:
                time.sleep(min(self._pace.delay(), IDLE))
                return ()
            batch = self._queue.take(allowed)
            self._pace.give_back(allowed - len(batch))
        if not batch:
            self._queue.wait(POLL if self._window.open else IDLE)
        return batch

    def _write(self, batch: Sequence[Delivery]) -> None:
        """Write, and note what the output took or never will. Raise what it raises."""
        started = time.monotonic()
        try:
            self.output.write(batch)
        except OSError:
            raise
        except Rejected as answer:
            for index in answer.indexes:
                self._refuse(batch[index], answer.reason)
            self._accepted(len(batch), len(batch) - len(answer.indexes))
        except Interrupted as answer:
            self._accepted(answer.accepted, answer.accepted)
            raise
        except Exception as error:  # noqa: BLE001 - a format may stumble over one event
            self._log.error("cannot write a batch, trying one by one: %s", _one_line(error))
            self._write_each(batch)
        else:
            self._accepted(len(batch), len(batch))
        finally:
            self.tally.seconds += time.monotonic() - started
        if self._failures:
            self._log.info("works again after %d failed attempts", self._failures)
            self._failures = 0

    def _write_each(self, batch: Sequence[Delivery]) -> None:
        """Write one by one; what still fails is rejected, or it would hold up all others for ever.

        Raise OSError and Interrupted, which are about the output and not about the event.
        """
        for delivery in batch:
            try:
                self.output.write((delivery,))
            except (OSError, Interrupted):
                raise
            except Exception as error:  # noqa: BLE001 - a format may stumble over this event
                self._log.error("event seq %d is given up: %s", delivery.seq, _one_line(error))
                self._refuse(delivery, _one_line(error))
                self._accepted(1, 0)
            else:
                self._accepted(1, 1)

    def _refuse(self, delivery: Delivery, reason: str) -> None:
        """Count and set aside an event that the output never takes."""
        if (delivery.run_id, delivery.seq) not in self._refused:
            self._refused.add((delivery.run_id, delivery.seq))
            known = reason in REJECTION_REASONS
            self.tally.rejected[reason if known else "rejected"] += 1
            self._set_aside(delivery, reason)

    def _accepted(self, handled: int, sent: int) -> None:
        self._window.wrote(handled)
        self.tally.sent += sent
        if sent:
            self.tally.last_success = time.time()

    def _settle(self) -> None:
        """Forget what has arrived; raise OSError where the connection is found broken."""
        if not self._window.open:
            return
        count = self._window.settle(self.output.unconfirmed(), time.monotonic())
        if count:
            self._queue.settle(count)
        if not self._window.open:
            self._refused.clear()

    def _fail(self, error: Exception) -> None:
        """Count and tell a failure, close the output and wait before the next attempt."""
        self.tally.last_error = error_type(error)
        self.tally.errors[self.tally.last_error] += 1
        self._failures += 1
        level = logging.WARNING if self._failures == 1 else logging.DEBUG
        self._log.log(level, "%s; events are kept and tried again", _one_line(error))
        if self.connected:
            self.tally.reconnects += 1
        self._close()
        self.tally.resent += self._window.open
        self._window.restart()
        self._queue.rewind()
        self._pause(random.uniform(0, backoff(self._failures)))  # noqa: S311 - not for secrets

    def _pause(self, seconds: float) -> None:
        """Wait, showing that the thread is alive, not beyond the deadline of a stop."""
        until = time.monotonic() + seconds
        while (left := min(until, self._deadline) - time.monotonic()) > 0:
            self.heartbeat = time.monotonic()
            if self._stopping.is_set():
                # Already asked to end: what is left of the time is for a few quick attempts.
                time.sleep(min(left, 0.2))
                return
            self._stopping.wait(min(left, IDLE))

    def _close(self) -> None:
        self.connected = False
        try:
            self._settle()
        except Exception as error:  # noqa: BLE001 - an output may fail in any way
            self._log.debug("cannot tell what has arrived: %s", _one_line(error))
        try:
            self.output.close()
        except Exception as error:  # noqa: BLE001 - an output may fail in any way
            self._log.warning("cannot be closed: %s", _one_line(error))

    def _show_flows(self) -> None:
        """Tell sense of the output's sockets; return when it knows them."""
        self.flows = self.output.flows()
        self._changed()


def backoff(failures: int) -> float:
    """Return the longest wait after so many failures in a row."""
    return min(BACKOFF_LAST, BACKOFF_FIRST * 2.0 ** min(failures - 1, 16))


def error_type(error: BaseException) -> str:
    """Return the label of an error."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    number = cause.errno if isinstance(cause, OSError) else None
    if isinstance(cause, socket.gaierror):
        return "resolve"
    if isinstance(cause, ssl.SSLError):
        return "tls"
    if isinstance(cause, ConnectionError) or number == errno.ECONNREFUSED:
        return "refused"
    if isinstance(cause, TimeoutError):
        return "timeout"
    if isinstance(cause, PermissionError):
        return "permission"
    if number in _UNREACHABLE:
        return "unreachable"
    return "space" if number in _SPACE else "other"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
