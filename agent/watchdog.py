"""The watchdog: tells systemd that this process is alive while its loops are.

Strategy: a thread of its own speaks to systemd, so that a process that is stopped is missed soon,
however long a loop may rightly take for one turn. `WatchdogSec=` of the unit is long, because it
holds from the first instruction on; a process that has started asks for less. A loop that shows no
sign of life for its time is told to systemd at once. That time is counted in checks that this
thread made, not by the clock: a process that was stopped and goes on has not hung.
"""

import contextlib
import faulthandler
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from agent import notify

SILENCE = "MALTRAIL_AGENT_SILENCE"
"""Environment: the seconds for which a process that has started may be silent."""
SILENCE_SECONDS = 1.0
PARTS = 4
"""How often systemd hears of us within that time."""
PATIENCE_SECONDS = 60.0
"""What a loop may take for what is known to take long."""

_log = logging.getLogger("agent.watchdog")


class Loop(NamedTuple):
    """A loop that must run: `beat` changes with each turn, which takes `limit` seconds at most.

    Several may have one name, as workers on one interface do.
    """

    name: str
    beat: float
    limit: float


class Watchdog:
    """Watches over loops from `start` to `stop`; does nothing where systemd does not watch us.

    `start` it when everything runs: systemd is as patient as its unit says until then.

    `loops` tells those that there are now. `on_hang` is called with the name of one that hangs,
    before systemd is told; nothing is told afterwards.
    """

    def __init__(self, loops: Callable[[], Iterable[Loop]], on_hang: Callable[[str], None]) -> None:
        self._loops = loops
        self._on_hang = on_hang
        self._unit = notify.watchdog_limit()
        self._silence = min(_silence(), self._unit) if self._unit else 0.0
        self._every = self._silence / PARTS
        self._stopped = threading.Event()
        self._patient = threading.Event()
        self._quiet: dict[tuple[int, str], tuple[float, int]] = {}
        self._was_patient = False
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin; from now on a fatal signal, such as systemd's, leaves all threads' stacks."""
        if self._every:
            faulthandler.enable()
            notify.limit_watchdog(self._silence)
            self._thread.start()

    def stop(self) -> None:
        """Watch no longer: the process is on its way out."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    @contextlib.contextmanager
    def patience(self) -> Iterator[None]:
        """Give loops PATIENCE_SECONDS, and the interpreter the unit's time, for what is inside."""
        if not self._thread.is_alive():
            yield
            return
        notify.limit_watchdog(max(self._unit, PATIENCE_SECONDS))
        self._patient.set()
        try:
            yield
        finally:
            self._patient.clear()
            notify.limit_watchdog(self._silence)

    def check(self) -> str:
        """Return the name of a loop that hangs, or nothing; call it every `silence` / PARTS."""
        is_patient = self._patient.is_set()
        if is_patient != self._was_patient:  # what took long by right is not held against a loop
            self._was_patient, self._quiet = is_patient, {}
        quiet: dict[tuple[int, str], tuple[float, int]] = {}
        hangs = ""
        for place, (name, beat, limit) in enumerate(self._loops()):
            before, checks = self._quiet.get((place, name), (beat, -1))
            checks = checks + 1 if before == beat else 0
            quiet[place, name] = (beat, checks)
            if checks * self._every >= (PATIENCE_SECONDS if is_patient else limit):
                hangs = name
        self._quiet = quiet
        return hangs

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            hangs = self.check()
            if hangs:
                _log.error("%s shows no sign of life; systemd starts this process anew", hangs)
                self._on_hang(hangs)
                notify.watchdog_expired()
                return
            notify.watchdog()


def _silence() -> float:
    """Return what the unit asks for; what is no number of seconds is told and not used."""
    text = os.environ.get(SILENCE, "")
    try:
        seconds = float(text or SILENCE_SECONDS)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3600:
        _log.warning("%s: expected 0.1 to 3600 seconds, found %r", SILENCE, text)
        return SILENCE_SECONDS
    return seconds
