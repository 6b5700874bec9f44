"""A capture worker: one thread, one handle, one scanner.

The thread does nothing but read and scan, both without the interpreter lock; what it saw goes to
the main thread through a bounded queue.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from agent.capture import CaptureError, Fanout, Interface, Stats
from agent.config import Capture
from agent.model import Sighting
from agent.scan import is_compiled
from agent.scan.bank import Bank, Hot
from agent.scan.lookup import Filters
from agent.scan.scanner import Scanner
from agent.scan.wanted import Wanted
from agent.shedding import LEVELS, Shedding, Wire
from agent.trails.set import TrailSet

POLL_SECONDS = 0.1
FRESH_SECONDS = 0.05
"""How long the first sighting of something may wait: its event is meant to be at once."""
SHED_SECONDS = 0.05
"""How often the ring is looked at: one of 64 MB fills in half a second at a gigabit."""
FULL_SECONDS = 1.0
"""How often repeats are told: a flood is one sighting a second."""
REOPEN_SECONDS = 2.0
BATCH_SECONDS = 1.0 if is_compiled() else 10.0
"""What a batch may take at most; compiled it takes some milliseconds."""
OPEN_SECONDS = 10.0
"""What opening and closing a handle may take, and the pause between them."""
MAX_HARMLESS = 8_192
"""Candidates to learn between two batches; what is not learnt is shown again."""
MAX_PARCELS = 1_000
"""Parcels waiting for the main thread: a minute's; beyond, they are dropped and counted."""

_log = logging.getLogger("agent.worker")


class Parcel(NamedTuple):
    """What a worker saw since the last parcel."""

    interface: str
    sightings: list[Sighting]
    hot: Hot


class Sets(NamedTuple):
    """What scanners look up in; one for all workers."""

    own: TrailSet
    published: TrailSet
    filters: Filters


class Worker(threading.Thread):
    """Captures on one interface until `stop`; reopens it when it fails. Heartbeats on the way."""

    def __init__(
        self,
        interface: str,
        settings: Capture,
        fanout: Fanout | None,
        sets: Sets,
        bank: Bank,
        wanted: Wanted,
        wake: Callable[[], None],
    ) -> None:
        super().__init__(name=f"capture-{interface}", daemon=True)
        self.interface = interface
        self.parcels: deque[Parcel] = deque()
        self.dropped_parcels = 0
        self.heartbeat = time.monotonic()
        self.is_open = False
        self.failure = ""
        self.stats = Stats(0, 0, 0)
        self.scanner = Scanner(
            sets.own.buffer, sets.published.buffer, sets.filters, bank, wanted=wanted
        )
        # Not `_handle`: that is Thread's own since Python 3.13.
        self._reader = Interface(interface, settings, fanout)
        self._wake = wake
        self._stop_asked = threading.Event()
        self._sets: Sets | None = None
        self._harmless: deque[int] = deque(maxlen=MAX_HARMLESS)
        self.shedding = Shedding()
        self._wire = Wire(interface)
        self._held = sets  # the mappings must outlive the scanner's views of them
        self._sheds_little = False
        self._shed_at = 0.0
        self._fresh_at = 0.0
        self._full_at = 0.0

    @property
    def limit(self) -> float:
        """Return how many seconds may lie between two heartbeats."""
        return BATCH_SECONDS if self.is_open else OPEN_SECONDS

    def adopt(self, sets: Sets) -> None:
        """Use other sets from the next batch on; called by the main thread."""
        self._harmless.clear()
        self._sets = sets

    def learn(self, tokens: Iterable[int]) -> None:
        """Let the scanner know candidates that are not listed; called by the main thread."""
        self._harmless.extend(tokens)

    def ask_stop(self) -> None:
        """Ask the thread to end; `join` it then."""
        self._stop_asked.set()

    def run(self) -> None:
        """Capture until asked to stop."""
        while not self._stop_asked.is_set():
            try:
                self._reader.open()
                self._capture()
            except CaptureError as error:
                self._note(str(error))
            finally:
                self.is_open = False
                self._reader.close()
                self.stats = self._reader.stats()
            self.scanner.finish()
            self._drain(full=True)
            self.heartbeat = time.monotonic()
            self._stop_asked.wait(REOPEN_SECONDS)

    def _capture(self) -> None:
        self.heartbeat = time.monotonic()  # before `is_open`, from which on the limit is short
        self.is_open = True
        self.failure = ""
        self.shedding = Shedding()
        self.scanner.pass_over_known(0, 0)
        self.stats = self._reader.stats()
        while not self._stop_asked.is_set():
            if self._sets:
                self._held = self._sets
                self.scanner.adopt(
                    self._held.own.buffer, self._held.published.buffer, self._held.filters
                )
                self._sets = None
            while self._harmless:
                self.scanner.learn(self._harmless.popleft())
            if self._reader.poll(POLL_SECONDS):
                batch = self._reader.read()
                if batch:
                    self.scanner.scan(batch)
            self._keep_time()

    def _keep_time(self) -> None:
        now = time.monotonic()
        self.heartbeat = now
        if now >= self._shed_at:
            self._shed_at = now + SHED_SECONDS
            self._shed(now)
        if now >= self._full_at:
            self._full_at = now + FULL_SECONDS
            self._fresh_at = now + FRESH_SECONDS
            self._sheds_little = self._wire.sheds_little(self.stats.received)
            self._drain(full=True)
        elif self.scanner.pending and now >= self._fresh_at:
            self._fresh_at = now + FRESH_SECONDS
            self._drain(full=False)

    def _shed(self, now: float) -> None:
        """Give up packets as the ring fills, and take them back when it is calm."""
        dropped, self.stats = self.stats.dropped, self._reader.stats()
        before = LEVELS[self.shedding.level]
        if not self.shedding.judge(
            now,
            self.stats.dropped - dropped,
            self._reader.ring_use(),
            sheds_little=self._sheds_little,
        ):
            return
        level = LEVELS[self.shedding.level]
        self.scanner.pass_over_known(int(self.shedding.level > 0), level.skips)
        if level.keep is not before.keep:
            self._reader.keep(level.keep)

    def _drain(self, *, full: bool) -> None:
        sightings = self.scanner.drain(full, self.interface)
        hot = self.scanner.bank.hot()
        if not sightings and not hot.keys and not hot.rates:
            return
        if len(self.parcels) >= MAX_PARCELS:
            self.dropped_parcels += len(sightings) + len(hot.keys) + len(hot.rates)
            return
        self.parcels.append(Parcel(self.interface, sightings, hot))
        self._wake()

    def _note(self, failure: str) -> None:
        if failure != self.failure:
            _log.warning("%s; trying again every %g s", failure, REOPEN_SECONDS)
        self.failure = failure
