"""Set aside what an output will never take, for a person to look at: one JSON document a line."""

import logging
import os
from pathlib import Path

import msgspec

from agent.deliver.journal import FOLDER_MODE
from agent.deliver.journal_segment import MODE
from agent.model import Delivery

MAX_BYTES = 4 << 20
"""Size at which the file becomes `rejected.1` and a new one begins: some thousand events."""

_log = logging.getLogger("deliver.rejects")


class Rejects:
    """The files `rejected` and `rejected.1` in the folder of an output."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "rejected"

    def add(self, delivery: Delivery, reason: str) -> None:
        """Append an event and why it was refused; a disk that takes nothing is logged only."""
        document = {
            "reason": reason,
            "run_id": delivery.run_id,
            "seq": delivery.seq,
            "event": delivery.event,
        }
        try:
            line = msgspec.json.encode(document) + b"\n"
            self._append(line)
        except (OSError, UnicodeEncodeError, ValueError) as error:
            _log.warning("%s: cannot be written: %s", self._path, error)

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size + len(line) > MAX_BYTES:
            self._path.replace(self._path.with_suffix(".1"))
        fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, MODE)
        with os.fdopen(fd, "wb") as file:
            file.write(line)
