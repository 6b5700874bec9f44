"""Read a STIX pattern as alternatives of comparisons (STIX 2.1 part 5, section 9).

Read are observations joined by OR, and inside them AND, OR, parentheses and the comparisons
`=`, IN and ISSUBSET. NOT, FOLLOWED BY, observations joined by AND and qualifiers are refused.
"""

import re
from typing import NamedTuple

MAX_PATTERN = 65_536
"""Characters of a pattern; a long one names a thousand addresses."""

MAX_ALTERNATIVES = 2_000
"""Alternatives of one pattern: AND over ORs multiplies."""

MAX_DEPTH = 8
"""Parentheses inside each other; tools that write them use two."""

_TOKEN = re.compile(
    r"\s*(?:(?P<text>t?'(?:[^'\\]|\\.)*')"
    r"|(?P<path>[a-z0-9-]{1,64}:(?:[A-Za-z_][\w-]*+|'[^'\s]*'|\[(?:\d+|\*)\]|\.)++)"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z]+)"
    r"|(?P<mark><>|[<>!=]=?|[\[\](),]))",
    re.ASCII,
)

_EQUAL = frozenset({"=", "==", "ISSUBSET"})
_OTHERS = frozenset(
    {"NOT", "!=", "<>", "<", "<=", ">", ">=", "LIKE", "MATCHES", "ISSUPERSET", "EXISTS"}
)
_NO_PATTERN = "not a STIX pattern"

TOO_MUCH = "a pattern that a key cannot express"


class Comparison(NamedTuple):
    """An object path and the value, or the network, that must be there."""

    path: str
    value: str


Alternative = tuple[Comparison, ...]
"""Comparisons that must all hold."""


class Beyond(Exception):  # noqa: N818 - a verdict on a pattern, not a failure
    """A pattern that is right but says more than is read here."""


def read(text: str) -> list[Alternative]:
    """Return the alternatives of a pattern; raise Beyond, or ValueError where it is none."""
    if len(text) > MAX_PATTERN:
        raise ValueError("a pattern that is too long")
    reader = _Reader(_tokens(text))
    found = reader.observations()
    if reader.token.kind:
        raise Beyond(TOO_MUCH)
    return found


class _Token(NamedTuple):
    kind: str
    text: str


_END = _Token("", "")


def _tokens(text: str) -> list[_Token]:
    tokens = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ValueError(_NO_PATTERN)
        tokens.append(_Token(match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return tokens


class _Reader:
    """Goes through the tokens of one pattern."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def token(self) -> _Token:
        """Return the token that comes next."""
        return self._tokens[self._at] if self._at < len(self._tokens) else _END

    def observations(self, depth: int = 0) -> list[Alternative]:
        """Read observations joined by OR."""
        found = self._observation(depth)
        while self._takes("OR"):
            found = _bounded(found + self._observation(depth))
        return found

    def _observation(self, depth: int) -> list[Alternative]:
        if self._takes("("):
            found = self.observations(_deeper(depth))
            self._expect(")")
            return found
        self._expect("[")
        found = self._any(depth)
        self._expect("]")
        return found

    def _any(self, depth: int) -> list[Alternative]:
        found = self._all(depth)
        while self._takes("OR"):
            found = _bounded(found + self._all(depth))
        return found

    def _all(self, depth: int) -> list[Alternative]:
        found = self._one(depth)
        while self._takes("AND"):
            right = self._one(depth)
            if len(found) * len(right) > MAX_ALTERNATIVES:
                raise Beyond(TOO_MUCH)
            found = [first + second for first in found for second in right]
        return found

    def _one(self, depth: int) -> list[Alternative]:
        if self._takes("("):
            found = self._any(_deeper(depth))
            self._expect(")")
            return found
        if self._takes("NOT"):
            raise Beyond(TOO_MUCH)
        path = self._next()
        if path.kind != "path":
            raise ValueError(_NO_PATTERN)
        operator = self._next().text.upper()
        if operator == "IN":
            return [(Comparison(path.text, value),) for value in self._set()]
        if operator in _EQUAL:
            return [(Comparison(path.text, self._value()),)]
        if operator in _OTHERS:
            raise Beyond(TOO_MUCH)
        raise ValueError(_NO_PATTERN)

    def _set(self) -> list[str]:
        self._expect("(")
        found = [self._value()]
        while self._takes(","):
            found.append(self._value())
        self._expect(")")
        return found

    def _value(self) -> str:
        token = self._next()
        if token.kind == "text":
            return re.sub(r"\\(.)", r"\1", token.text.removeprefix("t")[1:-1])
        if token.kind in ("number", "word"):
            return token.text
        raise ValueError(_NO_PATTERN)

    def _next(self) -> _Token:
        token = self.token
        self._at += 1
        return token

    def _takes(self, text: str) -> bool:
        if self.token.kind in ("word", "mark") and self.token.text.upper() == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if self._takes(text):
            return
        # A word here is an operator or a qualifier: right, and more than is read.
        raise Beyond(TOO_MUCH) if self.token.kind == "word" else ValueError(_NO_PATTERN)


def _bounded(found: list[Alternative]) -> list[Alternative]:
    if len(found) > MAX_ALTERNATIVES:
        raise Beyond(TOO_MUCH)
    return found


def _deeper(depth: int) -> int:
    if depth >= MAX_DEPTH:
        raise Beyond(TOO_MUCH)
    return depth + 1
