"""Merge the good copies of all lists into one set: the most specific label comes last and wins."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from agent.config import ConfigError, Trails
from agent.model import Trail
from feeds._quorum import Quorum
from feeds._reader import Reader, counting

# Addresses no public list has a say about. One poisoned row of them would flag a whole site.
_PRIVATE = re.compile(
    r"(?:(?:0|10|127|22[4-9]|23\d|24\d|25[0-5])\.\d|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\."
    r"|192\.168\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)[\d.]*(?:[:/].*)?\Z"
    r"|\[?(?:fe[89ab][0-9a-f]|f[cdf][0-9a-f]{2}):|\[?::1?(?:[\]/]|\Z)",
    re.IGNORECASE,
)
# Answers with these addresses are looked for: sinkholes and parking sites do answer privately.
_PRIVATE_MEANT = ("sinkhole", "parking")

# A network of a sixteenth of the IPv4 Internet is a mistake or an attack on the list.
_HUGE = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}/[0-6]\Z|[0-9a-f:]+/(?:\d|1[0-5])\Z", re.IGNORECASE)

# A snapshot of 2013 within the curated lists: it fills gaps and replaces no label.
_HISTORY = "history"

_ADDRESS_INFO = {"malware": "potential malware site"}
"""A bare address that is only said to be `malware` serves it; it need not be its command."""

_QUAD = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")


class Adds(Protocol):
    """What merging needs of a set builder."""

    def add(self, trail: Trail) -> str | None:
        """Take one trail; return why it was refused, None where it was taken."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A list and the file with its last good rows."""

    reader: Reader
    path: Path


@dataclass(slots=True)
class Tally:
    """What became of one list's rows; `left_out` counts by reason those not in the set."""

    added: int = 0
    held_back: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def merge(copies: Sequence[Copy], trails: Trails, builder: Adds) -> dict[str, Tally]:
    """Add the rows of all copies to `builder`, in order of precedence; return tallies by list.

    Raise ValueError where a copy cannot be read, ConfigError for a faulty `exclude_info`.
    """
    ordered = sorted(copies, key=lambda copy: copy.reader.feed.name)
    tallies = {copy.reader.feed.name: Tally() for copy in ordered}
    quorum = _elect([copy for copy in ordered if _is(copy, "vague")], trails.min_feeds)
    excluded = _Excluded(trails.exclude_info)
    for copy, rows in _in_precedence(ordered):
        feed = copy.reader.feed
        tally = tallies[feed.name]
        leave_out = counting(tally.left_out)
        vague = feed.standing == "vague"
        for trail in rows:
            if excluded(trail.info):
                leave_out("excluded by trails.exclude_info")
            elif vague and not quorum.admits(trail.key):
                tally.held_back += 1
            elif refusal := _refusal(trail, feed.allow_private):
                leave_out(refusal)
            elif reason := builder.add(_worded(trail)):
                leave_out(reason)
            else:
                tally.added += 1
    return tallies


def _in_precedence(copies: Sequence[Copy]) -> Iterator[tuple[Copy, Iterable[Trail]]]:
    """Yield every row of every copy once; a later one replaces labels of earlier ones."""
    curated = [copy for copy in copies if _is(copy, "curated")]
    for copy in curated:
        yield copy, (trail for trail in _rows(copy) if _HISTORY in trail.info)
    for standing in ("vague", "specific"):
        for copy in copies:
            if _is(copy, standing):
                yield copy, _rows(copy)
    for copy in curated:
        yield copy, (trail for trail in _rows(copy) if _HISTORY not in trail.info)


def _rows(copy: Copy) -> Iterator[Trail]:
    # Rejected rows were counted when the copy was inspected.
    return copy.reader.trails(copy.path, _ignore)


def _ignore(reason: str) -> None:
    del reason


def _is(copy: Copy, standing: str) -> bool:
    return copy.reader.feed.standing == standing


def _elect(vague: Sequence[Copy], needed: int) -> Quorum:
    """Find the addresses that `needed` independent vague lists name.

    Only vague lists vote: what another list names is in the set on that list's word.
    """
    quorum = Quorum(needed)
    for copy in vague:
        quorum.vote(copy.reader.feed.voice, (trail.key for trail in _rows(copy)))
    quorum.close()
    return quorum


def _refusal(trail: Trail, allow_private: bool) -> str | None:
    """Tell why no public list may name this key, None where it may."""
    key = trail.key
    if not key or not (key[0].isdigit() or ":" in key):
        return None
    if _HUGE.match(key):
        return "a network too large to be meant"
    if allow_private or not _PRIVATE.match(key):
        return None
    if any(word in trail.info for word in _PRIVATE_MEANT):
        return None
    return "a private address"


def _worded(trail: Trail) -> Trail:
    info = _ADDRESS_INFO.get(trail.info)
    if info is None or not _QUAD.fullmatch(trail.key):
        return trail
    return Trail(
        key=trail.key,
        info=info,
        reference=trail.reference,
        source=trail.source,
        kind=trail.kind,
        dialect=trail.dialect,
    )


class _Excluded:
    """Tells labels that the site does not want; labels are few, rows are many."""

    MAX_KNOWN = 20_000
    """Labels remembered: the largest known set has 3,089; a list may have one a row."""

    def __init__(self, pattern: str | None) -> None:
        try:
            self._pattern = re.compile(pattern) if pattern else None
        except re.error as error:
            raise ConfigError(
                f"trails.exclude_info: is not a regular expression: {error}"
            ) from error
        self._known: dict[str, bool] = {}

    def __call__(self, info: str) -> bool:
        """Tell whether trails with this label are left out."""
        if self._pattern is None:
            return False
        known = self._known.get(info)
        if known is None:
            known = self._pattern.search(info) is not None
            if len(self._known) < self.MAX_KNOWN:
                self._known[info] = known
        return known
