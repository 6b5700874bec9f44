"""Tells `maltrail-agent run`, over a pipe, what its terminal shows: a frame of JSON a second."""

import logging
import os
import threading
import time

import msgspec

from agent.deliver.status import Board

EVERY = 1.0

_log = logging.getLogger("deliver.teller")


class Teller:
    """Writes frames, one a line, until nobody reads them. A reader that waits holds up only us."""

    def __init__(self, board: Board, descriptor: int) -> None:
        self._board = board
        self._descriptor = descriptor
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)

    def start(self) -> None:
        """Start telling."""
        self._thread.start()

    def _run(self) -> None:
        try:
            while True:
                self._write(msgspec.json.encode(self._frame()) + b"\n")
                time.sleep(EVERY)
        except OSError as error:
            _log.debug("nobody watches any more: %s", error)

    def _frame(self) -> msgspec.Struct:
        return self._board.frame(time.monotonic(), time.time())

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]
