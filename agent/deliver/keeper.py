"""Tend the queues once a second, on a thread of its own: a slow disk holds up nothing else."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from agent.deliver import journal_band
from agent.deliver.queue import Queue

EVERY = 1.0
"""Seconds between two syncs: what a loss of power may take. The end of a process takes nothing."""

_log = logging.getLogger("deliver.journal")


class Keeper:
    """Runs from `start` to `stop` over what `queues` returns."""

    def __init__(self, queues: Callable[[], Sequence[Queue]]) -> None:
        self._queues = queues
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(EVERY):
            for queue in self._queues():
                self._tend(queue)

    def _tend(self, queue: Queue) -> None:
        try:
            journal_band.sync(queue.tend(time.time()))
        except OSError as error:
            queue.sync_errors += 1
            level = logging.WARNING if queue.sync_errors == 1 else logging.DEBUG
            _log.log(level, "a journal cannot be synced: %s", error)
