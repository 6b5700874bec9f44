"""What is known of each list between runs: a small JSON file, replaced atomically."""

import logging
from collections.abc import Mapping
from pathlib import Path

import msgspec

from agent.trails.publish import write_atomically
from feeds._unused import Rejected

FILE = "state.json"

EARLY = 0.1
"""A list is due this part of its period early: the timer's jitter must not double the period."""

RETRY_AFTER = 900.0
"""Seconds until a list that failed is tried again, doubled each time up to its period."""

_log = logging.getLogger("feeds.state")


class ListState(msgspec.Struct, frozen=True, kw_only=True):
    """One list: its last good copy and the last try. Times are seconds since 1970, 0 for never.

    `fetched` is when the copy came, `confirmed` when the list last answered with it or with
    another good one, `failing` since when it has not, `why` in a word, `error` in a line. Of its
    rows `rejected` were not understood, for `reasons` with samples, and `skipped` are nothing to
    look for. `size` is in bytes, `seconds` what the last try took, `trails` how many rows the
    published set was given.
    """

    url: str = ""
    etag: str = ""
    last_modified: str = ""
    sha256: str = ""
    rows: int = 0
    rejected: int = 0
    skipped: int = 0
    reasons: Mapping[str, Rejected] = {}
    size: int = 0
    seconds: float = 0.0
    trails: int = 0
    fetched: float = 0.0
    confirmed: float = 0.0
    failing: float = 0.0
    tried: float = 0.0
    failures: int = 0
    why: str = ""
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


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The bundle that was taken last: what a replayed one is told by."""

    serial: int = 0
    sha256: str = ""
    expires: int = 0


class State(msgspec.Struct, kw_only=True):
    """All lists by name; what the published set was made of, and until which day it is that.

    `last_good` is when an update last ended well.
    """

    lists: dict[str, ListState] = {}
    built: str = ""
    stands_until: int = 0
    taken: Taken = Taken()
    last_good: float = 0.0


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
