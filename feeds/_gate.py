"""The gate: refuse a new set that is not plausible beside the current one."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from agent.config import Gate
from agent.scan import layout
from agent.trails.diff import alone
from agent.trails.publish import current_set
from agent.trails.set import SetError, TrailSet
from feeds._quarantine import is_provider, popular_names
from feeds._result import Why

MAX_NAMED = 5
"""Popular names that a refusal tells: enough to see what happened."""

_log = logging.getLogger("feeds.gate")


class Verdict(NamedTuple):
    """Why a set is refused; both are empty where it may be published."""

    why: Why
    reason: str


def judge(new: TrailSet, current: TrailSet | None, limits: Gate, protect: Iterable[str]) -> Verdict:
    """Compare a new set with the current one, which may be missing."""
    if not new.info.keys:
        return Verdict("empty", "the new set is empty")
    if current is None:
        return Verdict("", "")
    named = _newly_named(new, current, protect)
    if named:
        listed = ", ".join(named[:MAX_NAMED])
        return Verdict("popular", f"the new set names popular sites that all use: {listed}")
    before, after = current.info.keys, new.info.keys
    said = f"the new set has {after} keys, the current one {before}"
    if after * 100 < before * (100 - limits.max_shrink):
        return Verdict("shrunk", f"{said}: shrank by more than gate.max_shrink")
    most = before * (100 + limits.max_growth) // 100
    if after > most and after - _of_new_lists(new, current) > most:
        return Verdict("grown", f"{said}: grew by more than gate.max_growth")
    return Verdict("", "")


def open_current(state_dir: Path) -> TrailSet | None:
    """Open the current set and check all of it; None where there is none, or none that is sound."""
    path = current_set(state_dir)
    if path is None:
        return None
    try:
        opened = TrailSet.open(path)
        opened.verify()
    except SetError as error:
        _log.warning("the current set cannot be read and will be replaced: %s", error)
        return None
    return opened


def _of_new_lists(new: TrailSet, current: TrailSet) -> int:
    """Count the keys that only lists name which the current set does not know: no growth."""
    known = frozenset(current.info.sources)
    rows = new.row_words
    judged: dict[int, bool] = {}
    count = 0
    for row in alone(new, current):
        start = rows[2 * row + 1] >> 32
        if start not in judged:
            judged[start] = not any(source.name in known for source in new.sources_at(start))
        count += judged[start]
    return count


def _newly_named(new: TrailSet, current: TrailSet, protect: Iterable[str]) -> list[str]:
    """Return protected names that the new set holds, whole, and the current one does not."""
    return sorted(
        name
        for name in (*popular_names(), *protect)
        if _holds(new, name) and not _holds(current, name)
    )


def _holds(trails: TrailSet, name: str) -> bool:
    """Tell whether a set alerts on a whole name or on every request to it."""
    number = trails.find(layout.DOMAIN, name.encode())
    if number >= 0 and not is_provider(trails.row(number).info):
        return True
    return trails.find(layout.URL, f"{name}/".encode()) >= 0
