"""How is each known list doing? What `maltrail-agent feeds` shows and metrics count."""

from pathlib import Path

import msgspec

from agent.config import Settings
from feeds import _catalog, _state
from feeds._state import ListState
from feeds._update import FOLDER


class ListHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One list: what it is, whether it is in use, and its last good copy and last try.

    `age` is that of the last good copy and `next_try` the time until it is asked again, both in
    seconds; None where there is no copy, or the list is off. `reason` says why a list is off.
    """

    name: str
    in_use: bool
    url: str
    standing: str
    licence: str
    terms: str
    reason: str
    rows: int
    rejected: int
    age: float | None
    next_try: float | None
    failures: int
    error: str


def health(settings: Settings, state_dir: Path, now: float) -> tuple[ListHealth, ...]:
    """Return all lists of the catalogue and the site by name, without asking any of them.

    `now` is in seconds since 1970. Raise ConfigError for lists that cannot be used.
    """
    used = {feed.name: feed for feed in _catalog.enabled(settings.update)}
    states = _state.load(state_dir / FOLDER).lists
    listed = {**_catalog.known(), **used}
    return tuple(
        _health(listed[name], states.get(name, ListState()), now, in_use=name in used)
        for name in sorted(listed)
    )


def _health(feed: _catalog.Feed, state: ListState, now: float, *, in_use: bool) -> ListHealth:
    return ListHealth(
        name=feed.name,
        in_use=in_use,
        url=feed.url,
        standing=feed.standing,
        licence=feed.licence,
        terms=feed.terms,
        reason="" if in_use else feed.reason or "turned off by the site",
        rows=state.rows,
        rejected=state.rejected,
        age=max(0.0, now - state.fetched) if state.fetched else None,
        next_try=state.next_try(feed.period, now) if in_use else None,
        failures=state.failures,
        error=state.error,
    )
