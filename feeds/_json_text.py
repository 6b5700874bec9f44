"""Find values in JSON without holding all of it: one value at a time is in memory.

The text is only split here, strings and brackets told apart; whether a value is JSON says who
decodes it. Nesting costs a counter, so that no depth is too much.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, TypeVar

import msgspec

from feeds._json_path import Step

MAX_VALUE = 1 << 20
"""Bytes of one row: the largest in use are reports of some 100 kB; larger ones are not kept."""

T = TypeVar("T")

_CHUNK = 1 << 16
_BOM = b"\xef\xbb\xbf"
_BLANK = re.compile(rb"[ \t\r\n]*+")
_SCALAR = re.compile(rb"[^\s\"{}\[\],:]++")
# All up to the next bracket, or to a string that the window does not hold whole.
_PLAIN = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_NOT_JSON = "not JSON"
_TEXT = msgspec.json.Decoder(str)
_CUT = "ends in the middle of the JSON text"


def values(
    content: BinaryIO, wanted: Mapping[str, Sequence[Step]], limit: int = MAX_VALUE
) -> Iterator[tuple[str, bytes | None]]:
    """Yield each value at a path of `wanted`, with the path's name, in the order of the text.

    `content` holds one object or array, or several in a row. A value of more than `limit` bytes
    comes as None. Paths inside a wanted value are not looked for. Raise ValueError for what is
    not JSON or breaks off; what came before has been yielded.
    """
    tree = _tree(wanted)
    text = _Text(content, limit)
    while first := text.peek():
        if first not in b"{[":
            raise ValueError(_NOT_JSON)
        yield from _walk(text, tree)


def decoded(decoder: "msgspec.json.Decoder[T]", raw: bytes) -> T:
    """Return what a value says; raise ValueError where it is not what the decoder expects."""
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(_NOT_JSON) from error


def excerpt(raw: bytes) -> str:
    """Return the beginning of a value as a sample."""
    return raw[:1000].decode("utf-8", "replace")


class _Node:
    """A place on the way to wanted values, with its `name` where it is one itself."""

    def __init__(self) -> None:
        self.name = ""
        self.below: dict[Step, _Node] = {}

    def at(self, step: Step) -> "_Node":
        """Return the place one step further."""
        return self.below.get(step) or self.below.get(None) or _NOWHERE


_NOWHERE = _Node()


def _tree(wanted: Mapping[str, Sequence[Step]]) -> _Node:
    root = _Node()
    for name, path in wanted.items():
        node = root
        for step in path:
            node = node.below.setdefault(step, _Node())
        node.name = name
    return root


def _walk(text: "_Text", node: _Node) -> Iterator[tuple[str, bytes | None]]:
    """Yield what is wanted of the next value; it goes as deep as the paths, not as the text."""
    first = text.peek()
    if node.name:
        yield node.name, text.take()
    elif not node.below or first not in (b"{", b"["):
        text.skip()
    elif first == b"{":
        for _ in text.elements(b"}"):
            key = _name(text.take())
            text.expect(b":")
            yield from _walk(text, node.at(key))
    else:
        for number in text.elements(b"]"):
            yield from _walk(text, node.at(number))


def _name(raw: bytes | None) -> str | None:
    """Return a member's name; one that is too long is nobody's."""
    if raw is None:
        return ""
    return decoded(_TEXT, raw)


class _Text:
    """A window on the text that moves forward."""

    def __init__(self, content: BinaryIO, limit: int) -> None:
        self._content = content
        self._limit = limit
        self._data = content.read(_CHUNK).removeprefix(_BOM)
        self._at = 0

    def peek(self) -> bytes:
        """Return the next byte that is not blank, nothing at the end."""
        while True:
            self._at = _end(_BLANK, self._data, self._at)
            if self._at < len(self._data):
                return self._data[self._at : self._at + 1]
            if not self._more(self._at):
                return b""

    def expect(self, mark: bytes) -> None:
        """Pass over a mark; raise ValueError where something else comes."""
        if self.peek() != mark:
            raise ValueError(_NOT_JSON if self.peek() else _CUT)
        self._at += 1

    def elements(self, end: bytes) -> Iterator[int]:
        """Count the elements of the next container; who iterates passes over each."""
        self._at += 1
        number = 0
        if self.peek() == end:
            self._at += 1
            return
        while True:
            yield number
            number += 1
            if self.peek() == end:
                self._at += 1
                return
            self.expect(b",")

    def take(self) -> bytes | None:
        """Return the next value, None where it is too long."""
        return self._value(keep=True)

    def skip(self) -> None:
        """Pass over the next value."""
        self._value(keep=False)

    def _value(self, *, keep: bool) -> bytes | None:
        first = self.peek()
        if not first:
            raise ValueError(_CUT)
        if first in b'"{[':
            return self._nested(keep=keep)
        return self._scalar(keep=keep)

    def _scalar(self, *, keep: bool) -> bytes | None:
        """Pass over a number or a word; one longer than a row is nothing that JSON has."""
        while True:
            found = _SCALAR.match(self._data, self._at)
            if found is None or len(found[0]) > self._limit:
                raise ValueError(_NOT_JSON)
            if found.end() < len(self._data) or not self._more(self._at):
                self._at += len(found[0])
                return found[0] if keep else None

    def _nested(self, *, keep: bool) -> bytes | None:
        """Pass over a string or a container; return it where it is to be kept and short enough."""
        start = self._at
        depth = 0
        in_string = self._data[start : start + 1] == b'"'
        if in_string:
            self._at += 1
        while True:
            if in_string:
                self._at = _end(_REST, self._data, self._at)
                if self._data[self._at : self._at + 1] == b'"':
                    self._at += 1
                    in_string = False
            if not in_string and (depth or self._at == start):
                depth, in_string = self._balance(depth)
            if not depth and not in_string:
                break
            if self._at - start > self._limit:
                keep = False
            base = start if keep else self._at
            if not self._more(base):
                raise ValueError(_CUT)
            start = 0
        return self._data[start : self._at] if keep and self._at - start <= self._limit else None

    def _balance(self, depth: int) -> tuple[int, bool]:
        """Go on until brackets are even or the window ends; tell the depth, and if in a string."""
        at = self._at
        while True:
            at = _end(_PLAIN, self._data, at)
            mark = self._data[at : at + 1]
            self._at = at + len(mark)
            if not mark or mark == b'"':
                return depth, bool(mark)
            depth += 1 if mark in b"{[" else -1
            if depth <= 0:
                return 0, False
            at += 1

    def _more(self, base: int) -> bool:
        """Move the window to `base` and read on; tell whether there was more."""
        chunk = self._content.read(_CHUNK)
        self._data = self._data[base:] + chunk
        self._at -= base
        return bool(chunk)


def _end(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    """Return where a pattern that matches anything, also nothing, ends."""
    found = pattern.match(data, at)
    return found.end() if found else at
