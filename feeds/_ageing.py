"""How far a list's word for a key counts, from its standing and from when it last said so.

Confidence is 0 to 100: the list's standing while a key is fresh, falling evenly to 0 at the age
limit of the key's kind, where the key goes.
"""

from typing import NamedTuple

from agent.config import MaxAge
from agent.scan import layout

CONFIDENCE = {"vague": 40, "specific": 80, "curated": 100}
"""Of a fresh key, by the standing of its list."""

ENOUGH = 50
"""A bare address of less confidence needs the company of `trails.min_feeds` lists. Vague lists
never reach it, specific ones fall below at three eighths of the age limit."""

NEVER = 0xFFFF
"""A day no date of a set reaches."""


class Judgement(NamedTuple):
    """A confidence, and the first day on which it means something else."""

    confidence: int
    until: int


class Ageing:
    """Judges keys on the day `today`, counted from 1970."""

    def __init__(self, limits: MaxAge, today: int) -> None:
        self._today = today
        self._limits = {
            kind: int(age // 86400)
            for name, kinds in _KINDS.items()
            for kind in kinds
            if (age := getattr(limits, name)) is not None
        }
        self._known: dict[tuple[str, int, int], Judgement] = {}
        self.next_change = NEVER
        """The first day on which one of the keys judged so far is judged otherwise."""

    def confidence(self, standing: str, kind: int, last_day: int) -> int:
        """Return the confidence in a key that a list of this standing named on `last_day`."""
        asked = (standing, kind, last_day)
        known = self._known.get(asked)
        if known is None:
            known = self._known[asked] = self._judge(*asked)
            self.next_change = min(self.next_change, known.until)
        return known.confidence

    def _judge(self, standing: str, kind: int, last_day: int) -> Judgement:
        base = CONFIDENCE[standing]
        limit = self._limits.get(kind)
        if limit is None:
            return Judgement(base, NEVER)
        weak = last_day + limit - limit * ENOUGH // base if base >= ENOUGH else 0
        turns = [day for day in (weak + 1, last_day + limit) if day > self._today]
        age = max(0, self._today - last_day)
        return Judgement(max(0, base * (limit - age) // limit), min(turns, default=NEVER))


_KINDS = {
    "ip": (layout.IP4, layout.IP6),
    "network": (layout.NET4, layout.NET6),
    "ip_port": (layout.IP4_PORT, layout.IP6_PORT),
    "url": (layout.URL,),
    "domain": (layout.DOMAIN,),
}
"""Kinds that age, by their setting; fingerprints, paths, User-Agents and patterns do not."""
