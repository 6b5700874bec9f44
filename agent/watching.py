"""What a replay's values came to: every one that the scanner showed, once, with how often."""

from collections.abc import Iterator

import msgspec

from agent.explain import Explainer, Explanation
from agent.match import Look
from agent.model import BEHAVIOUR_PREFIX

MAX_VALUES = 20_000
"""Values told apart; a person reads fewer, and a hostile capture has more."""


class Seen(msgspec.Struct, kw_only=True):
    """One value at one place: how often, what became of it, and the explanation.

    `became` is told, allowed, ignored, not listed, over budget or suppressed.
    """

    where: str
    value: str
    seen: int
    became: str
    why: str
    explanation: Explanation


class Watch:
    """Collects what the matcher looks at."""

    def __init__(self) -> None:
        self.overflow = 0
        self._looks: dict[tuple[str, str, str], Look] = {}

    def take(self, look: Look) -> None:
        """Note one look; one that names a trail and one that does not are two."""
        place = (look.where, look.observed, look.key)
        known = self._looks.get(place)
        if known is not None:
            self._looks[place] = known._replace(seen=known.seen + look.seen, verdict=look.verdict)
        elif len(self._looks) < MAX_VALUES:
            self._looks[place] = look
        else:
            self.overflow += 1

    def explained(self, explainer: Explainer) -> Iterator[Seen]:
        """Yield what was seen, in the order of the first look."""
        for look in self._looks.values():
            told = _explained(explainer, look)
            yield Seen(
                where=look.where,
                value=look.observed,
                seen=look.seen,
                became=look.verdict,
                why=_why(look, told),
                explanation=told,
            )


def _explained(explainer: Explainer, look: Look) -> Explanation:
    """Explain one look by what it was about."""
    if look.where.startswith(BEHAVIOUR_PREFIX):
        why = "concluded from what was counted or said; no list is asked"
        return Explanation(
            value=look.observed, kind="behaviour", verdict="matches", why=why, class_id=look.where
        )
    told = explainer.explain(_asked(look))
    if look.verdict == "not listed" and told.key:
        why = "matched elsewhere: what lists it is looked up in its host or address"
        return Explanation(value=told.value, kind=told.kind, why=why, weighed=told.weighed)
    return told


def _asked(look: Look) -> str:
    """Return the value as a person would ask for it."""
    if look.key and look.where in ("ip.dst", "ip.src", "dns.answer"):
        return look.key  # what was observed may be a name beside it
    return f"ua:{look.observed}" if look.where == "http.user_agent" else look.observed


def _why(look: Look, told: Explanation) -> str:
    if look.entry is not None:
        entry = look.entry
        reason = entry.reason or "no reason given"
        return f"allow-list entry {entry.text} ({entry.origin}): {reason}"
    if look.verdict == "ignored":
        return "its last label never leaves a site (CONTRACT section 6, rule T-8.4)"
    if look.verdict == "over budget":
        return "too many new User-Agents in this second; tried with its next request"
    if look.verdict == "suppressed":
        return "held back by an entry of suppress"
    return told.why
