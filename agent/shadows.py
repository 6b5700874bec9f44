"""What own trails shadow, and what shadows them: nothing of a site's own vanishes silently."""

from collections.abc import Iterator

from agent.allow import AllowList, Entry
from agent.scan import layout
from agent.trails.set import Row, TrailSet

_ADDRESSES = frozenset({layout.IP4, layout.IP6})
_WITH_PORT = frozenset({layout.IP4_PORT, layout.IP6_PORT})


def doubled(own: TrailSet, published: TrailSet) -> Iterator[str]:
    """Yield own keys that the published set names too; the own label is told."""
    for row in _rows(own):
        if published.find(row.kind, row.raw) >= 0:
            yield row.key


def silenced(own: TrailSet, allow: AllowList) -> Iterator[tuple[str, Entry]]:
    """Yield own keys that are never reported, each with the allow-list entry behind it."""
    for row in _rows(own):
        entry = _entry(row, allow)
        if entry is not None:
            yield row.key, entry


def _entry(row: Row, allow: AllowList) -> Entry | None:
    if row.kind == layout.DOMAIN:
        name = row.key.removeprefix(".")
        return allow.allows_name(name, name, 0)
    if row.kind in _ADDRESSES:
        return allow.address(row.key)
    if row.kind in _WITH_PORT:
        return allow.address(row.key.rpartition(":")[0].strip("[]"))
    return None


def _rows(trails: TrailSet) -> Iterator[Row]:
    return (trails.row(number) for number in range(trails.info.keys))
