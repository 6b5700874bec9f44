"""Random-looking name: a registered domain that does not exist and that no person would choose.

Rule H-9, also for names with labels in front. The characters' entropy (or the number of
consonants) must be high, and few of the pairs of letters those of words. Malware that draws names
asks for many. Errs on abbreviations that are mistyped; quiet below quiet_names.txt.
"""

import math
from collections import Counter

from agent.detections import Finding, Seen
from agent.detections._limits import Repeating
from agent.detections._names import bracketed, is_quiet, registered
from agent.detections._text import words
from agent.scan.wanted import Wanted

CONSONANTS = frozenset("bcdfghjklmnpqrstvwxyz")
MIN_LABEL = 10
"""A label of fewer characters has neither ten consonants nor an entropy above 3.4."""
PAIRS = frozenset(
    words(
        "ab ac ad ag ai ak al am an ap ar as at au av aw ay ba be bi bl bo br bu ca ce ch ci ck cl "
        "co cr ct cu da de di do dr du ea ec ed ee ef eg el em en ep er es et ev ew ex ey fa fe ff "
        "fi fl fo fr fu ga ge gh gi gl go gr gu ha he hi ho hu ia ib ic id ie if ig il im in io ip "
        "ir is it iv ke ki la ld le li ll lo ls lt lu ly ma me mi mm mo mp mu na nc nd ne ng ni nk "
        "nn no ns nt nu ob oc od of ok ol om on oo op or os ot ou ov ow pa pe ph pi pl po pp pr ps "
        "pt pu qu ra rc rd re rg ri rk rl rm rn ro rr rs rt ru ry sa sc se sh si sk sl so sp ss st "
        "su ta te th ti to tr ts tt tu tw ty ub uc ud ue ug ui ul um un up ur us ut va ve vi vo wa "
        "we wh wi wo ya ye yo za ze"
    )
)
"""Pairs of letters that are frequent in names made of words."""


class Config(Repeating, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.random_name: alert above `entropy` bits, or so many consonants.

    Labels of whose pairs of letters at least `words` are frequent in words are ordinary.
    """

    entropy: float = 3.5
    consonants: int = 9
    words: float = 0.6

    def __post_init__(self) -> None:
        """Refuse thresholds that nothing or everything would reach."""
        if not 1 <= self.entropy <= 6:
            raise ValueError(f"entropy: expected 1 to 6 bits, found {self.entropy}")
        if not 1 <= self.consonants <= 63:
            raise ValueError(f"consonants: expected 1 to 63, found {self.consonants}")
        if not 0 < self.words <= 1:
            raise ValueError(f"words: expected above 0 to 1, found {self.words}")
        super().__post_init__()


class Detection:
    """Judges names that do not exist."""

    looks_at = "absent"
    wanted = Wanted(absent_label=MIN_LABEL)

    def __init__(self, config: Config) -> None:
        self._config = config
        self.repeat = config.repeat

    def examine(self, seen: Seen) -> Finding | None:
        """Return a finding for a registered label that looks drawn by lot."""
        _, domain = registered(seen.name)
        label = domain.partition(".")[0]
        if "-" in label or len(label) < MIN_LABEL or is_quiet(seen.name):
            return None
        bits = entropy(label)
        consonants = sum(character in CONSONANTS for character in label)
        if bits > self._config.entropy:
            info = "entropy threshold no such domain (suspicious)"
        elif consonants > self._config.consonants:
            info = "consonant threshold no such domain (suspicious)"
        else:
            return None
        wordlike = likeness(label)
        if wordlike >= self._config.words:
            return None
        return Finding(
            type="DNS",
            info=info,
            evidence={
                "entropy": round(bits, 3),
                "consonants": consonants,
                "wordlike": round(wordlike, 2),
            },
            trail=bracketed(seen.name, domain.count(".")),
            indicator=domain,
            where="dns.answer",
            observed=seen.name,
            about=seen.name,
            unless_listed=True,
        )


def entropy(text: str) -> float:
    """Return Shannon's entropy of the characters in bits."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


def likeness(label: str) -> float:
    """Return the share of neighbouring characters that are frequent pairs of words."""
    pairs = [label[at : at + 2] for at in range(len(label) - 1)]
    return sum(pair in PAIRS for pair in pairs) / len(pairs)
