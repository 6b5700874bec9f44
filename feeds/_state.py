"""What is known of each list between runs: a small JSON file, replaced atomically."""

import logging
from pathlib import Path

import msgspec

from agent.trails.publish import write_atomically

FILE = "state.json"

EARLY = 0.1
"""A list is due this part of its period early: the timer's jitter must not double the period."""

RETRY_AFTER = 900.0
"""Seconds until a list that failed is tried again, doubled each time up to its period."""

_log = logging.getLogger("feeds.state")


class ListState(msgspec.Struct, frozen=True, kw_only=True):
    """One list: its last good copy and the last try. Times are seconds since 1970, 0 for never."""

    url: str = ""
    etag: str = ""
    last_modified: str = ""
    sha256: str = ""
    rows: int = 0
    rejected: int = 0
    fetched: float = 0.0
    tried: float = 0.0
    failures: int = 0
    error: str = ""

    def is_due(self, period: float, now: float) -> bool:
        """Tell whether to ask again."""
        return self.next_try(period, now) <= 0

    def next_try(self, period: float, now: float) -> float:
        """Return the seconds until the list is asked again; a clock set back asks at once."""
        wait = period
        if self.failures:
            wait = min(period, RETRY_AFTER * 2.0 ** min(self.failures - 1, 16))
        if now < self.tried:
            return 0.0
        return max(0.0, self.tried + wait * (1 - EARLY) - now)


class State(msgspec.Struct, kw_only=True):
    """All lists by name, and `built`: what the published set was made of."""

    lists: dict[str, ListState] = {}
    built: str = ""


def load(folder: Path) -> State:
    """Read the state; a missing or damaged file is an empty one, the copies are checked anyway."""
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return State()
    except (msgspec.DecodeError, OSError) as error:
        _log.warning("%s: cannot be used, starting afresh: %s", path, error)
        return State()


def save(folder: Path, state: State) -> None:
    """Write the state; raise OSError."""
    write_atomically(folder / FILE, msgspec.json.format(msgspec.json.encode(state)))
