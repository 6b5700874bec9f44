"""How a process ended that was not asked to: systemd leaves it in a file, an event tells it.

`ExecStopPost=` writes SERVICE_RESULT, EXIT_CODE and EXIT_STATUS (systemd.exec(5)) as one line into
the folder of all states, which is root's. A loop that hangs is named by its process, in the folder
of its own, before that process is ended.
"""

import logging
import re
import time
from pathlib import Path
from typing import NamedTuple

from agent.model import Event, Evidence
from agent.notices import AgentNotices

FILE = "ended-{}"
"""In the folder of all states, with the process' name."""
HUNG = "hung"
TOLD = "told-{}"
"""When the last ending was that was told: a file of who told it."""
MAX_BYTES = 200
"""Three words, or the name of a loop."""

REMEDY = "it was started again; see the journal of the unit"

_WORDS = re.compile(r"([a-z-]{1,32}) ([a-z]{1,32}) ([A-Z0-9+]{1,32})")
_LOOP = re.compile(r"[\w .:@-]{1,64}")
_RESULTS = {
    "watchdog": "ended by the watchdog",
    "oom-kill": "ended for want of memory",
    "timeout": "ended for taking too long",
    "protocol": "ended before it was ready",
}

_log = logging.getLogger("agent.endings")


class Ending(NamedTuple):
    """systemd's words, the loop that hung or nothing, and when it was, in seconds since 1970."""

    result: str
    code: str
    status: str
    hung: str
    when: float

    def __str__(self) -> str:
        """Return how it ended, in words."""
        how = f"ended with status {self.status}"
        if self.code in ("killed", "dumped"):
            how = f"ended by signal {self.status}"
        how = _RESULTS.get(self.result, how)
        return f"{how}: {self.hung} hung" if self.hung else how


def note_hang(folder: Path, loop: str) -> None:
    """Name, in the folder of this process, the loop that hangs."""
    try:
        (folder / HUNG).write_text(loop, encoding="utf-8")
    except OSError as error:
        _log.warning("%s: cannot be written: %s", folder / HUNG, error.strerror)


def told(ending: Ending, process: str, notices: AgentNotices, effect: str = "") -> Event:
    """Return the event about it; `effect` says what was missing until now, with its seconds."""
    now = time.time()
    seconds = max(0.0, round(now - ending.when, 3))
    evidence: Evidence = {
        "process": process,
        "result": ending.result,
        "status": ending.status,
        **({"hung": ending.hung} if ending.hung else {}),
        "seconds": seconds,
    }
    what = f"{process} was {ending}"
    if effect:
        what = f"{what}; {effect} for {seconds:.1f} seconds"
    return notices.degraded(int(now * 1_000_000), what, REMEDY, evidence)


class Endings:
    """Endings of one process, each told once, also when who tells is started anew.

    `states` is the folder of all states; `teller` is the process that tells, mostly the same one.
    """

    def __init__(self, states: Path, process: str, teller: str) -> None:
        self._file = states / FILE.format(process)
        self._hung = states / process / HUNG
        self._mark = states / teller / TOLD.format(process)
        self._last = _read(self._mark)

    def news(self) -> Ending | None:
        """Return an ending that was not told yet."""
        try:
            when = self._file.stat().st_mtime_ns
        except OSError:
            return None  # it never ended unasked
        if str(when) == self._last:
            return None
        self._last = str(when)
        try:
            self._mark.write_text(self._last, encoding="ascii")
        except OSError as error:
            _log.warning("%s: cannot be written: %s", self._mark, error.strerror)
        loop = self._take_hung()
        words = _WORDS.fullmatch(_read(self._file))
        return Ending(words[1], words[2], words[3], loop, when / 1e9) if words else None

    def _take_hung(self) -> str:
        """Return the loop that hung, once; nothing for none. Only a process itself notes one."""
        found = _LOOP.fullmatch(_read(self._hung))
        if found is None:
            return ""
        try:
            self._hung.unlink()
        except OSError as error:
            _log.warning("%s: cannot be removed: %s", self._hung, error.strerror)
        return found[0]


def _read(path: Path) -> str:
    """Return a small file's text, nothing where there is none or it is no text of ours."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
