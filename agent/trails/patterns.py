"""Patterns over names: linear-time matching, and the literals that a match must contain.

RE2 decides what a pattern means, so no list can make matching slow; the literals feed the
scanner's gate, so that names without one never reach a pattern.
"""

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol, cast

import re2

from agent.scan import layout

MAX_PATTERN = 8192
"""Longest pattern; the longest in public lists has about 1,200 characters."""
MAX_MEMORY = 8 << 20
"""What RE2 may spend on all patterns' automata together, bytes."""
ALWAYS = (".onion.", ".ip-adress.com")
"""Rules T-5.5 and T-5.9 read the name itself; their literals pass the gate like a pattern's."""
GRAM = 4
"""Bytes of a literal that the gate compares."""
_COMMON = {
    "www.": 0.5,
    ".com": 0.5,
    ".net": 1.0,
    ".org": 1.0,
    "info": 2.0,
    ".top": 2.0,
    ".xyz": 2.0,
}
"""What literals are worth that many harmless names hold; others are worth their length."""
_NAME_BYTES = b"abcdefghijklmnopqrstuvwxyz0123456789-_"


class Match(Protocol):
    """What we use of RE2's match."""

    def start(self) -> int:
        """Return where the match begins."""

    def end(self) -> int:
        """Return where it ends."""


class Compiled(Protocol):
    """What we use of RE2's pattern."""

    def search(self, text: str) -> Match | None:
        """Find the leftmost match."""


def _options() -> object:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    return options


@lru_cache(maxsize=1024)
def compile_pattern(text: str, anchored: bool) -> Compiled:
    """Compile one pattern; `anchored` ties both ends to label boundaries. Raise ValueError."""
    try:
        return cast(Compiled, re2.compile(_source(text, anchored), _options()))
    except re2.error as error:
        raise ValueError(f"pattern that RE2 refuses: {error}") from error


class PatternSet:
    """Many patterns in one automaton: which of them match a name at all."""

    def __init__(self, patterns: Sequence[tuple[str, bool]]) -> None:
        """Take patterns and whether each is anchored; raise ValueError."""
        self._compiled = [compile_pattern(text, anchored) for text, anchored in patterns]
        self._set = re2.Set.SearchSet(_options())
        for text, anchored in patterns:
            self._set.Add(_source(text, anchored))
        if patterns:
            self._set.Compile()

    def leftmost(self, name: str) -> tuple[int, int, int] | None:
        """Return start, end and number of the leftmost match; of equal ones the first pattern's."""
        if not self._compiled:
            return None
        best: tuple[int, int, int] | None = None
        for number in sorted(self._set.Match(name) or ()):
            match = self._compiled[number].search(name)
            if match and (best is None or match.start() < best[0]):
                best = (match.start(), match.end(), number)
        return best


def _source(text: str, anchored: bool) -> str:
    return f"(?:^|\\.)(?:{text})$" if anchored else text


def problem(text: str) -> str | None:
    """Return why a pattern cannot be used, from a closed set, or None."""
    if not text:
        return "empty"
    if len(text) > MAX_PATTERN:
        return "pattern is too long"
    try:
        for anchored in (False, True):
            re2.compile(_source(text, anchored), _options())
    except re2.error:
        return "pattern that RE2 refuses"
    return None


def required_literals(text: str) -> tuple[str, ...]:
    """Return literals of which every match holds at least one; empty where there are none.

    Reads the pattern with Python's parser, whose syntax the lists use; what it cannot read has
    no literals, which only costs time.
    """
    tree = _tree(text)
    return _best(_candidates(tree))


def required_class(text: str) -> int:
    """Return the map of the gate that tells what else every match holds: a digit, a hyphen."""
    needs = _needs(_tree(text))
    if "digit" in needs:
        return layout.GATE_DIGIT
    return layout.GATE_HYPHEN if "-" in needs else layout.GATE_PLAIN


def _tree(text: str) -> Sequence[tuple[object, object]]:
    """Parse a pattern; return nothing where Python cannot or would read it in another way."""
    if "[:" in text:  # `[[:alpha:]]` is a class to RE2 and something else to Python
        return ()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # sets that Python may read otherwise
            tree = re._parser.parse(text)  # type: ignore[attr-defined]  # noqa: SLF001
            return cast("Sequence[tuple[object, object]]", tree)
    except (re.error, OverflowError, RecursionError):
        return ()


def _needs(tree: Iterable[tuple[object, object]]) -> frozenset[str]:
    """Return which of "-" and "digit" every match of a sequence holds."""
    found: frozenset[str] = frozenset()
    for op, value in tree:
        name = str(op)
        if name == "LITERAL" and value == ord("-"):
            found |= {"-"}
        elif _is_digit(name, value):
            found |= {"digit"}
        elif name == "IN":
            items = cast("Sequence[tuple[object, object]]", value)
            if all(_is_digit(str(kind), item) for kind, item in items):
                found |= {"digit"}
        elif name == "SUBPATTERN":
            found |= _needs(cast("tuple[object, ...]", value)[-1])  # type: ignore[arg-type]
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            low, _, inner = cast("tuple[int, int, Iterable[tuple[object, object]]]", value)
            found |= _needs(inner) if low >= 1 else frozenset()
        elif name == "BRANCH":
            _, branches = cast("tuple[object, Sequence[Iterable[tuple[object, object]]]]", value)
            found |= frozenset.intersection(*map(_needs, branches))
    return found


def _is_digit(name: str, value: object) -> bool:
    if name == "LITERAL":
        return 48 <= cast(int, value) <= 57
    if name == "RANGE":
        first, last = cast("tuple[int, int]", value)
        return first >= 48 and last <= 57
    return name == "CATEGORY" and str(value) == "CATEGORY_DIGIT"


def _best(candidates: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Choose the alternatives whose least telling member tells most."""
    best: tuple[str, ...] = ()
    worth = 0.0
    for candidate in candidates:
        if candidate and min(map(_worth, candidate)) > worth:
            best, worth = candidate, min(map(_worth, candidate))
    return best


def _worth(literal: str) -> float:
    """Return how telling a literal is; 0 where the gate cannot look for it."""
    return _COMMON.get(literal, len(literal) if _grams(literal) else 0.0)


def _grams(literal: str, common: Mapping[bytes, int] = {}) -> list[bytes]:
    """Return byte strings of which one occurs wherever the literal does.

    `common` counts how often names hold a byte string: the rarest part of the literal is taken.
    """
    data = literal.encode("utf-8", "replace")
    if len(data) >= GRAM:
        grams = [data[i : i + GRAM] for i in range(len(data) - GRAM + 1)]
        known = {text.encode() for text in _COMMON}
        return [min(grams, key=lambda gram: (common.get(gram, 0), gram in known))]
    if len(data) == GRAM - 1 and data.startswith(b"."):
        return [bytes([before]) + data for before in _NAME_BYTES]  # no name begins with a dot
    return []


def _candidates(tree: Iterable[tuple[object, object]]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    run = ""
    for op, value in tree:
        name = str(op)
        # Beyond ASCII letters change their case into ASCII, so those tell nothing.
        if name == "LITERAL" and isinstance(value, int) and value < 128:
            run += chr(value).lower()
            continue
        if name == "AT":
            continue
        found.append((run,))
        # `\.(top|club)` needs `.top` or `.club`: what precedes a choice belongs to each of it.
        words = _words(name, value)
        found.append(tuple(run + word for word in words))
        run = words[0] if len(words) == 1 else ""
        found += _nested(name, value)
    found.append((run,))
    return found


def _words(name: str, value: object) -> tuple[str, ...]:
    """Return the alternatives of a choice between plain words, else nothing."""
    if name == "SUBPATTERN":
        inner = list(cast("tuple[object, ...]", value)[-1])  # type: ignore[call-overload]
        return _words(str(inner[0][0]), inner[0][1]) if len(inner) == 1 else ()
    if name != "BRANCH":
        return ()
    words = []
    for branch in cast("tuple[object, Sequence[Sequence[tuple[object, object]]]]", value)[1]:
        if any(str(op) != "LITERAL" for op, _ in branch):
            return ()
        word = "".join(chr(cast(int, code)) for _, code in branch)
        if not word.isascii():
            return ()
        words.append(word.lower())
    return tuple(words)


def _nested(name: str, value: object) -> list[tuple[str, ...]]:
    if name == "SUBPATTERN":
        return _candidates(cast("tuple[object, ...]", value)[-1])  # type: ignore[arg-type]
    if name in ("MAX_REPEAT", "MIN_REPEAT"):
        low, _, inner = cast("tuple[int, int, Iterable[tuple[object, object]]]", value)
        return _candidates(inner) if low >= 1 else []
    if name == "BRANCH":
        _, branches = cast("tuple[object, Sequence[Iterable[tuple[object, object]]]]", value)
        each = [_best(_candidates(branch)) for branch in branches]
        return [tuple(literal for best in each for literal in best)] if all(each) else []
    return []


class Gate:
    """The bitmaps of hashed literals that agent.scan.lookup.Sets.domain reads.

    Every name is held against the first; one that passes needs a literal of the second, or one
    of the third or fourth and a hyphen or digit as well. `names` are samples of names, by which
    common parts of literals are told from rare ones.
    """

    def __init__(self, names: Iterable[bytes] = ()) -> None:
        self.words = [0] * (layout.GATE_MAPS * layout.GATE_WORDS + 1)
        self._common = Counter(
            name[i : i + GRAM] for name in names for i in range(len(name) - GRAM + 1)
        )
        for literal in ALWAYS:
            self._add_literal(literal, layout.GATE_PLAIN)

    def add(self, pattern: str) -> bool:
        """Let names pass that `pattern` may match; return False where that is every name."""
        literals = required_literals(pattern)
        for literal in literals:
            self._add_literal(literal, required_class(pattern))
        if not literals:
            self.words[-1] = 1
        return bool(literals)

    def _add_literal(self, literal: str, needed: int) -> None:
        for gram in _grams(literal, self._common):
            number = int.from_bytes(gram, "big")
            self._set(layout.GATE_ALL, number * layout.GATE_PRIME)
            self._set(needed, number * layout.GATE_PRIME2)

    def _set(self, bitmap: int, product: int) -> None:
        bit = (product & 0xFFFFFFFF) >> 16
        self.words[bitmap * layout.GATE_WORDS + bit // 64] |= 1 << (bit % 64)
