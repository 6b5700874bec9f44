"""Beaconing: one of ours asks the same service outside again and again, at one pace.

The pace is the median gap between connections; jitter is forgiven, and so are beats that are
missing. Off by default: mail, chat and update clients keep such a pace, too. Blind to what keeps
one connection, and to paces slower than the window holds `contacts` of.
"""

import statistics
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from agent.detections import Counted, Finding, Table
from agent.detections._limits import check

BURST_SECONDS = 5
"""Connections that begin so close together are one contact."""
FIT = 0.9
"""Share of the gaps that must be near the pace, or near twice or three times as much."""
MOST_BEATS = 3
MISSING = 0.25
"""Share of the gaps in which beats may be missing; of connections by chance it is a third."""
PER_CONTACT = 2
"""Connections that are kept for each contact."""
MINUTE = 60


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.beaconing: so many `contacts` within `window` seconds.

    They last at least `duration` seconds, `period` is the shortest pace, and gaps may differ from
    it by `jitter` percent.
    """

    enabled: bool = False
    contacts: int = 24
    jitter: int = 40
    period: int = 30
    duration: int = 600
    window: int = 28_800

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing or everything would reach."""
        check("contacts", self.contacts, 8, 100)
        check("jitter", self.jitter, 1, 45, "percent")
        check("period", self.period, 2 * BURST_SECONDS, 3600, "seconds")
        check("duration", self.duration, 60, 86_400, "seconds")
        check("window", self.window, max(self.duration, 600), 86_400, "seconds")


class Detection:
    """Judges when connections to one service began."""

    def __init__(self, config: Config) -> None:
        self._config = config
        items = PER_CONTACT * config.contacts
        self.table = Table("starts", config.window, config.contacts - 1, items, every=MINUTE)

    def judge(self, row: Counted) -> Finding | None:
        """Return a finding when connections from inside to outside keep a pace."""
        config = self._config
        if not row.from_home or row.to_home:
            return None
        starts = [row.items[port] for port in row.within(config.window)]
        contacts = _contacts(sorted(starts)[-self.table.items :])
        if len(contacts) < config.contacts or contacts[-1] - contacts[0] < config.duration:
            return None
        gaps = [later - earlier for earlier, later in pairwise(contacts)]
        pace = statistics.median(gaps)
        if pace < config.period or not _is_kept(gaps, pace, config.jitter / 100):
            return None
        service = f"[{row.destination}]" if row.version == 6 else row.destination
        return Finding(
            type="IPORT",
            info="potential beaconing (suspicious)",
            evidence={
                "contacts": len(contacts),
                "period_seconds": pace,
                "jitter_percent": round(100 * _dispersion(gaps, pace)),
                "seconds": contacts[-1] - contacts[0],
            },
            trail=f"{service}:{row.port}",
            indicator=f"{service}:{row.port}",
        )


def _contacts(starts: Sequence[int]) -> list[int]:
    """Return the first second of each burst of connections."""
    contacts: list[int] = []
    for start in starts:
        if not contacts or start - contacts[-1] >= BURST_SECONDS:
            contacts.append(start)
    return contacts


def _is_kept(gaps: Sequence[int], pace: float, jitter: float) -> bool:
    """Tell whether gaps are near the pace, or near a multiple where beats are missing."""
    beats = [max(1, round(gap / pace)) for gap in gaps]
    near = sum(
        beat <= MOST_BEATS and abs(gap - beat * pace) <= jitter * pace
        for gap, beat in zip(gaps, beats, strict=True)
    )
    missing = sum(beat > 1 for beat in beats)
    return near >= FIT * len(gaps) and missing <= MISSING * len(gaps)


def _dispersion(gaps: Sequence[int], pace: float) -> float:
    """Return the median distance of gaps from the nearest beat, as a share of the pace."""
    return statistics.median(abs(gap - max(1, round(gap / pace)) * pace) for gap in gaps) / pace
