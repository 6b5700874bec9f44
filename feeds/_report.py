"""Tell deliver how an update went: one file that it reads anew whenever it changes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from agent import health
from agent.config import Settings
from agent.health import TRAIL_SET, ListHealth, UpdateHealth
from agent.trails.publish import write_atomically
from feeds._reader import Reader
from feeds._result import UpdateResult
from feeds._state import ListState, State

PATIENCE = 86400.0
"""Seconds for which a list may fail before it is told: servers have bad days. Lists that come less
often have two of their periods."""

PUBLISHER = "bundle"
"""The name of a finished set's publisher among the lists."""

_OF_LISTS = ("no-list", "unreachable", "busy")
"""Reasons for a failure that the lists tell themselves, or that pass."""


def limit(period: float) -> float:
    """Return for how many seconds a list of this period may fail before it is told."""
    return max(PATIENCE, 2 * period)


def write(
    settings: Settings,
    state_dir: Path,
    lists: Sequence[Reader],
    state: State,
    result: UpdateResult,
    now: float,
    seconds: float,
) -> None:
    """Replace the file; raise OSError."""
    path = state_dir / health.FILE
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    origin = settings.update.origin
    is_bundle = origin is not None and origin.format == "bundle"
    if result.exit_status == 0:
        state.last_good = now
    told = UpdateHealth(
        time=now,
        seconds=seconds,
        last_good=state.last_good,
        status=result.status,
        why=result.why,
        reason=result.reason,
        set_id=result.set_id,
        keys=result.keys,
        signed=is_bundle,
        expires=state.taken.expires if is_bundle else 0,
        lists=(
            *(_of_publisher(state, result) if is_bundle else _of_lists(lists, state)),
            *_of_set(result, now, is_bundle=is_bundle),
        ),
    )
    write_atomically(path, msgspec.json.encode(told), 0o640)


def _of_lists(lists: Sequence[Reader], state: State) -> Iterator[ListHealth]:
    for reader in lists:
        known = state.lists.get(reader.feed.name, ListState())
        yield _health(reader.feed.name, known, limit(reader.feed.period), known.why)


def _of_publisher(state: State, result: UpdateResult) -> Iterator[ListHealth]:
    """Tell of a publisher: one that cannot be reached has a day, what is wrong is told at once."""
    known = state.lists.get(PUBLISHER, ListState())
    patience = PATIENCE if result.why == "unreachable" else 0.0
    yield _health(PUBLISHER, known, patience, result.why)


def _of_set(result: UpdateResult, now: float, *, is_bundle: bool) -> Iterator[ListHealth]:
    """Tell of a set that was refused or could not be made; it is told at once."""
    if result.status == "refused" or (
        result.status == "failed" and not is_bundle and result.why not in _OF_LISTS
    ):
        yield ListHealth(name=TRAIL_SET, failing=now, why=result.why, error=result.reason)


def _health(name: str, known: ListState, patience: float, why: str) -> ListHealth:
    return ListHealth(
        name=name,
        last_success=known.confirmed,
        failing=known.failing,
        limit=patience,
        why=why if known.failing else "",
        error=known.error,
        trails=known.trails,
        rejected=known.rejected,
        size=known.size,
        seconds=known.seconds,
    )
