"""Patterns over names and agents: linear-time matching, and the literals a match must contain.

RE2 decides what a pattern means, so no list can make matching slow; the literals feed the
scanner's gate, so that names without one never reach a pattern.
"""

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
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
_END = re.compile(r"(?<!\\)((?:\\\\)*)\\Z")
_BROWSERS = (
    "mozilla/5.0 (windows nt 10.0; win64; x64; rv:128.0) applewebkit/537.36 (khtml, like gecko) "
    "chrome/128.0.0.0 safari/537.36 edg/ opr/ gecko/20100101 firefox/128.0 (macintosh; intel mac "
    "os x 10_15_7) version/17.0 (x11; linux x86_64) (iphone; cpu iphone os 17_0 like mac os x) "
    "mobile/15e148 (linux; android 14) mozilla/4.0 (compatible; msie 8.0; trident/4.0; .net clr"
)
"""What most agents say: a literal that is part of it tells little."""
_NAME_BYTES = b"abcdefghijklmnopqrstuvwxyz0123456789-_"


Worth = Callable[[str], float]
"""Tells how much it tells that a text holds a literal."""


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


def _options(*, fold: bool = False) -> object:
    options = re2.Options()
    options.case_sensitive = not fold
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    return options


@lru_cache(maxsize=1024)
def compile_pattern(text: str, anchored: bool, fold: bool = False) -> Compiled:
    """Compile one pattern; `anchored` ties both ends to label boundaries. Raise ValueError.

    With `fold` case does not matter.
    """
    try:
        return cast(Compiled, re2.compile(_source(text, anchored), _options(fold=fold)))
    except re2.error as error:
        raise ValueError(f"pattern that RE2 refuses: {error}") from error


class PatternSet:
    """Many patterns in one automaton: which of them match a text at all."""

    def __init__(self, patterns: Sequence[tuple[str, bool]], *, fold: bool = False) -> None:
        """Take patterns and whether each is anchored; with `fold` case does not matter.

        Raise ValueError.
        """
        self._compiled = [compile_pattern(text, anchored, fold) for text, anchored in patterns]
        self._set = re2.Set.SearchSet(_options(fold=fold))
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
    r"""Return RE2's spelling; Python calls the end of a text `\Z`, RE2 `\z`."""
    text = _END.sub(r"\1\\z", text)
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


def required_literals(text: str, worth: Worth | None = None) -> tuple[str, ...]:
    """Return literals of which every match holds at least one; empty where there are none.

    Of several choices the one is returned whose least telling member is worth most. Reads the
    pattern with Python's parser, whose syntax the lists use; what it cannot read has no literals,
    which only costs time.
    """
    tree = _tree(text)
    judge = worth or _worth
    return _best(_candidates(tree, judge), judge)


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


def _best(candidates: Iterable[tuple[str, ...]], worth: Worth) -> tuple[str, ...]:
    """Choose the alternatives whose least telling member tells most."""
    best: tuple[str, ...] = ()
    most = 0.0
    for candidate in candidates:
        if candidate and min(map(worth, candidate)) > most:
            best, most = candidate, min(map(worth, candidate))
    return best


def _agent_worth(literal: str) -> float:
    """Return how telling a literal of an agent is; 0 where the gate cannot look for it."""
    grams = _windows(literal.encode("utf-8", "replace"))
    if not grams:
        return 0.0
    return float(len(literal)) if _rarest(grams) not in _COMMON_WINDOWS else 0.5


def _windows(data: bytes) -> list[bytes]:
    """Return all byte strings of the size that the gate compares."""
    return [data[i : i + GRAM] for i in range(len(data) - GRAM + 1)]


def _rarest(grams: list[bytes]) -> bytes:
    """Return one that browsers do not have, where there is one."""
    return next((gram for gram in grams if gram not in _COMMON_WINDOWS), grams[0])


_COMMON_WINDOWS = frozenset(_windows(_BROWSERS.encode()))


def _worth(literal: str) -> float:
    """Return how telling a literal is; 0 where the gate cannot look for it."""
    return _COMMON.get(literal, len(literal) if _grams(literal) else 0.0)


def _grams(literal: str, common: Mapping[bytes, int] = {}) -> list[bytes]:
    """Return byte strings of which one occurs wherever the literal does.

    `common` counts how often names hold a byte string: the rarest part of the literal is taken.
    """
    data = literal.encode("utf-8", "replace")
    if len(data) >= GRAM:
        grams = _windows(data)
        known = {text.encode() for text in _COMMON}
        return [min(grams, key=lambda gram: (common.get(gram, 0), gram in known))]
    if len(data) == GRAM - 1 and data.startswith(b"."):
        return [bytes([before]) + data for before in _NAME_BYTES]  # no name begins with a dot
    return []


def _candidates(tree: Iterable[tuple[object, object]], worth: Worth) -> list[tuple[str, ...]]:
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
        found += _nested(name, value, worth)
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


def _nested(name: str, value: object, worth: Worth) -> list[tuple[str, ...]]:
    if name == "SUBPATTERN":
        return _candidates(cast("tuple[object, ...]", value)[-1], worth)  # type: ignore[arg-type]
    if name in ("MAX_REPEAT", "MIN_REPEAT"):
        low, _, inner = cast("tuple[int, int, Iterable[tuple[object, object]]]", value)
        return _candidates(inner, worth) if low >= 1 else []
    if name == "BRANCH":
        _, branches = cast("tuple[object, Sequence[Iterable[tuple[object, object]]]]", value)
        each = [_best(_candidates(branch, worth), worth) for branch in branches]
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


class AgentGate:
    """The bitmaps of hashed literals that agent.scan.lookup.Sets.may_be_agent reads."""

    def __init__(self) -> None:
        self.words = [0] * (layout.AGENT_MAPS * layout.GATE_WORDS + 1)

    def add(self, pattern: str) -> bool:
        """Let agents pass that `pattern` may match; return False where that is every agent."""
        literals = required_literals(pattern, _agent_worth)
        for literal in literals:
            number = int.from_bytes(_rarest(_windows(literal.encode())), "big")
            for bitmap, prime in enumerate((layout.GATE_PRIME, layout.GATE_PRIME2)):
                bit = ((number * prime) & 0xFFFFFFFF) >> 16
                self.words[bitmap * layout.GATE_WORDS + bit // 64] |= 1 << (bit % 64)
        if not literals:
            self.words[-1] = 1
        return bool(literals)
