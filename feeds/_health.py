"""How each known list does: what `maltrail-agent feeds` shows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from agent.config import Duration, Origin, Settings
from feeds import _catalog, _report, _state
from feeds._state import ListState
from feeds._unused import Rejected
from feeds._update import FOLDER, lists_of

Condition = Literal["good", "failing", "overdue", "never", "off"]


class ListHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One list: what it is, whether it is in use, and its last good copy and last try.

    `condition`: its last try went well, or failed, failed for longer than its limit, was never,
    or the list is off, for `reason`. `last_success` is in seconds since 1970. In seconds from now:
    `success_age` of that, `age` of the last good copy, `next_try` until it is asked again; None
    where there is none. `trails` rows went into the set, `rejected` could not be read, for
    `reasons` with samples, `skipped` ones are nothing to look for. `size` is in bytes, `seconds`
    what the last try took.
    """

    name: str
    in_use: bool
    condition: Condition
    url: str
    standing: str
    licence: str
    terms: str
    reason: str
    rows: int
    trails: int
    rejected: int
    skipped: int
    reasons: Mapping[str, Rejected]
    size: int
    seconds: float
    last_success: float
    success_age: float | None
    age: float | None
    next_try: float | None
    failures: int
    why: str
    error: str


def health(settings: Settings, state_dir: Path, now: float) -> tuple[ListHealth, ...]:
    """Return all lists of the catalogue and the site by name, without asking any of them.

    `now` is in seconds since 1970. Raise ConfigError for lists that cannot be used.
    """
    used = {reader.feed.name: reader.feed for reader in lists_of(settings)}
    states = _state.load(state_dir / FOLDER).lists
    origin = settings.update.origin
    if origin is not None and origin.format == "bundle":
        used[_report.PUBLISHER] = _publisher(origin)
    listed = {**_catalog.known(), **used}
    off = "turned off by the site" if origin is None else "update.from takes a finished set"
    return tuple(
        _health(listed[name], states.get(name, ListState()), now, "" if name in used else off)
        for name in sorted(listed)
    )


def _publisher(origin: Origin) -> _catalog.Feed:
    """Describe a publisher of bundles as a list."""
    return _catalog.Feed(
        name=_report.PUBLISHER,
        url=origin.url,
        format="",
        info="",
        reference="",
        period=Duration(900),
        insecure_http=origin.insecure_http,
    )


def _health(feed: _catalog.Feed, state: ListState, now: float, off: str) -> ListHealth:
    """Return the health of a list; `off` says why it is not in use, nothing where it is."""
    in_use = not off
    return ListHealth(
        name=feed.name,
        in_use=in_use,
        condition=_condition(feed, state, now) if in_use else "off",
        url=feed.url,
        standing=feed.standing,
        licence=feed.licence,
        terms=feed.terms,
        reason="" if in_use else feed.reason or off,
        rows=state.rows,
        trails=state.trails,
        rejected=state.rejected,
        skipped=state.skipped,
        reasons=state.reasons,
        size=state.size,
        seconds=state.seconds,
        last_success=state.confirmed,
        success_age=max(0.0, now - state.confirmed) if state.confirmed else None,
        age=max(0.0, now - state.fetched) if state.fetched else None,
        next_try=state.next_try(feed.period, now) if in_use else None,
        failures=state.failures,
        why=state.why,
        error=state.error,
    )


def _condition(feed: _catalog.Feed, state: ListState, now: float) -> Condition:
    if state.failing:
        return "overdue" if now - state.failing >= _report.limit(feed.period) else "failing"
    return "good" if state.confirmed else "never"
