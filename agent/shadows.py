"""What own trails shadow, and what the allow-list shadows: nothing listed vanishes silently.

Strategy: entries are few and trails are millions, so each entry looks for its keys: names by
look-up, networks as runs of sorted rows, labels by counting what rows have in common.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from agent.allow import AllowList, Entry
from agent.match import CLASSES
from agent.model import Endpoint, Hit
from agent.scan import layout
from agent.scopes import Judged, Prefix
from agent.trails.set import Row, TrailSet

MAX_SAMPLES = 5
"""Keys told of each entry: enough to see what it does."""

OFFSET = 0xFFFFFFFF
"""Where a key begins in the pool, of a row's first word."""

_NOWHERE = Endpoint("", None)


class Shadow(NamedTuple):
    """An entry of the allow-list, how many trails it silences for good, and some of them."""

    entry: Entry
    size: int
    samples: tuple[str, ...]


def doubled(own: TrailSet, published: TrailSet) -> Iterator[str]:
    """Yield own keys that the published set names too; the own label is told."""
    for number in range(own.info.keys):
        row = own.row(number)
        if published.find(row.kind, row.raw) >= 0:
            yield row.key


def shadows(trails: TrailSet, allow: AllowList) -> Iterator[Shadow]:
    """Yield the entries in force that silence trails, whatever is seen of them on the wire.

    Entries that say something of the packet (source, port, direction ...) do so sometimes only,
    and are left out.
    """
    for entry in allow.active():
        if entry.depends_on_packet:
            continue
        numbers = [number for number in _candidates(trails, entry) if number >= 0]
        if numbers:
            samples = tuple(trails.row(number).key for number in numbers[:MAX_SAMPLES])
            yield Shadow(entry, len(numbers), samples)


def _candidates(trails: TrailSet, entry: Entry) -> Iterable[int]:
    """Return the rows that an entry silences."""
    if entry.domain:
        found: Iterable[int] = _of_name(trails, entry.domain)
    elif entry.network:
        found = _of_network(trails, entry.network)
    elif entry.trail:
        found = _of_key(trails, entry.trail)
    else:
        return _of_labels(trails, entry)
    return (number for number in found if _holds(entry, trails.row(number)))


def _of_name(trails: TrailSet, name: str) -> Iterator[int]:
    """Yield the rows that are no more specific than an allowed name, and above nothing else."""
    for kind, key in ((layout.DOMAIN, name), (layout.URL, f"{name}/")):
        number = trails.find(kind, key.encode())
        if number >= 0:
            yield number


def _of_network(trails: TrailSet, network: Prefix) -> Iterator[int]:
    """Yield the rows of addresses and networks inside an allowed network."""
    size = network.bits // 8
    four = (layout.IP4, layout.IP4_PORT, layout.NET4)
    six = (layout.IP6, layout.IP6_PORT, layout.NET6)
    spare = network.bits - network.length
    first = (network.value << spare).to_bytes(size, "big")
    last = ((network.value << spare) | ((1 << spare) - 1)).to_bytes(size, "big")
    for kind in four if size == 4 else six:
        rows = trails.rows(kind)
        at = bisect_left(rows, first, key=lambda number: trails.row(number).raw[:size])
        for number in rows[at:]:
            raw = trails.row(number).raw
            if raw[:size] > last:
                break
            if kind not in (layout.NET4, layout.NET6) or raw[size] >= network.length:
                yield number


def _of_key(trails: TrailSet, wanted: str) -> Iterator[int]:
    """Yield rows that may have a key like that: texts with its part; addresses, if it is one."""
    if not re.search("[g-z_-]", wanted):
        for kind in layout.ADDRESS_BYTES:
            yield from trails.rows(kind)
    part = "" if "[" in wanted else max(re.split(r"[*?]+", wanted), key=len).lstrip(".")
    texts = [kind for kind in range(layout.KINDS) if kind not in layout.ADDRESS_BYTES]
    if not part:
        for kind in texts:
            yield from trails.rows(kind)
        return
    words, pool = trails.row_words, bytes(trails.pool).lower()
    literal = part.encode()
    for kind in texts:
        rows = trails.rows(kind)
        number, at = rows.start, -1
        while number < rows.stop:
            at = pool.find(literal, max(at + 1, words[number * layout.ROW_WORDS] & OFFSET))
            if at < 0:
                break
            number = (
                bisect_right(rows, at, key=lambda row: words[row * layout.ROW_WORDS] & OFFSET)
                + rows.start
            )
            if number - 1 in rows:
                yield number - 1


def _of_labels(trails: TrailSet, entry: Entry) -> Iterator[int]:
    """Yield the rows of which the entry's tests hold; one label of a kind is judged once."""
    words = trails.row_words
    for kind in range(layout.KINDS):
        verdicts: dict[int, bool] = {}
        for number in trails.rows(kind):
            label = words[number * layout.ROW_WORDS + 1]
            if label not in verdicts:
                verdicts[label] = _holds(entry, trails.row(number))
            if verdicts[label]:
                yield number


def _holds(entry: Entry, row: Row) -> bool:
    judged = Judged(as_hit(row), _NOWHERE, _NOWHERE)
    return all(test(judged) for test in entry.tests)


def as_hit(row: Row) -> Hit:
    """Return what a hit of this trail says of the trail."""
    return Hit(
        class_id=CLASSES[row.kind],
        type="",
        trail=row.key,
        indicator=row.key,
        observed=row.key,
        where="",
        info=row.info,
        reference=row.reference,
        source=_NOWHERE,
        destination=_NOWHERE,
        protocol="",
        first_us=0,
        last_us=0,
        count=0,
        direction="external",
        outcome="unknown",
        severity_id=0,
        sources=row.sources,
    )
