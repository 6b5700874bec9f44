"""Read CEF as strictly as a receiver could, sharing no code with the writer."""

import re
from typing import NamedTuple

_KEY = re.compile(r"(?:(?<= )|^)([A-Za-z][A-Za-z0-9]*)=")
_NUMBERS = {"rt", "start", "end", "cnt", "spt", "dpt", "cn1", "cn2"}


class CefError(ValueError):
    """The line is no CEF."""


class Cef(NamedTuple):
    """A parsed line: the seven fields of the header and the extension, all un-escaped."""

    header: tuple[str, ...]
    extension: dict[str, str]


def read(line: str) -> Cef:
    """Parse one line; raise CefError for anything that a receiver could read in two ways."""
    if any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or char in "\u2028\u2029" for char in line):
        raise CefError("a control character")
    line.encode("utf-8")
    if not line.startswith("CEF:0|"):
        raise CefError("does not start with CEF:0|")
    if line.count("CEF:") != 1:
        raise CefError("CEF: is found in a value")
    header, rest = _read_header(line.removeprefix("CEF:0|"))
    return Cef(("0", *header), _read_extension(rest))


def _read_header(text: str) -> tuple[list[str], str]:
    fields: list[str] = []
    value, position = "", 0
    while len(fields) < 6:
        if position >= len(text):
            raise CefError("the header ends early")
        char = text[position]
        if char == "\\":
            if text[position + 1 : position + 2] not in ("\\", "|"):
                raise CefError("an unknown escape in the header")
            value += text[position + 1]
            position += 1
        elif char == "|":
            fields.append(value)
            value = ""
        else:
            value += char
        position += 1
    return fields, text[position:]


def _read_extension(text: str) -> dict[str, str]:
    keys = [match for match in _KEY.finditer(text) if not _is_escaped(text, match.end() - 1)]
    if not keys or keys[0].start() != 0:
        raise CefError("the extension does not start with a key")
    fields: dict[str, str] = {}
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        end = following.start() - 1 if following else len(text)
        name, raw = key[1], text[key.end() : end]
        if name in fields:
            raise CefError(f"{name} twice")
        if not raw or raw != raw.strip():
            raise CefError(f"{name} is empty or padded: {raw!r}")
        if name in _NUMBERS and not raw.isdecimal():
            raise CefError(f"{name} is no number: {raw!r}")
        fields[name] = _unescape(raw)
    return fields


def _is_escaped(text: str, position: int) -> bool:
    before = text[:position]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _unescape(raw: str) -> str:
    value, position = "", 0
    while position < len(raw):
        char = raw[position]
        if char == "=":
            raise CefError(f"a bare = in a value: {raw!r}")
        if char == "\\":
            position += 1
            following = raw[position : position + 1]
            if following not in ("\\", "=", "n", "r"):
                raise CefError(f"an unknown escape: {raw!r}")
            char = {"n": "\n", "r": "\r"}.get(following, following)
        value += char
        position += 1
    return value
