"""Read CEF as strictly as a receiver could, sharing no code with the writer.

Keys, types and lengths are those of the ArcSight implementation standard, revision 25 to 27, for
the keys that a producer may set (siem.md 1.5).
"""

import ipaddress
import re
from typing import NamedTuple

MAX_INTEGER = 2**31 - 1
MAX_LONG = 2**63 - 1

HEADER_LENGTHS = {"vendor": 63, "product": 63, "version": 31, "class": 1023, "name": 512}

LENGTHS = {
    "act": 63,
    "app": 31,
    "cat": 1023,
    "cs1": 4000,
    "cs2": 4000,
    "cs3": 4000,
    "cs4": 4000,
    "cs5": 4000,
    "cs6": 4000,
    "deviceExternalId": 255,
    "deviceInboundInterface": 128,
    "dhost": 1023,
    "dvchost": 100,
    "externalId": 40,
    "fileHash": 255,
    "flexString1": 1023,
    "flexString2": 1023,
    "msg": 1023,
    "proto": 31,
    "request": 1023,
    "requestClientApplication": 1023,
    "requestMethod": 1023,
    "shost": 1023,
}
"""Texts and the characters that each may have."""

NUMBERS = {
    "rt": MAX_LONG,
    "start": MAX_LONG,
    "end": MAX_LONG,
    "cnt": MAX_INTEGER,
    "cn1": MAX_LONG,
    "cn2": MAX_LONG,
    "spt": 65535,
    "dpt": 65535,
    "deviceDirection": 1,
}
"""Numbers, none negative, and the largest that each may be."""

LABELLED = {
    "c6a2": "Source IPv6 Address",
    "c6a3": "Destination IPv6 Address",
    **dict.fromkeys(["cs1", "cs2", "cs3", "cs4", "cs5", "cs6", "cn1", "cn2"], ""),
    **dict.fromkeys(["flexString1", "flexString2"], ""),
}
"""Keys that mean nothing without their label; a text where the label is prescribed."""

_REFUSED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_RESERVED_LABELS = {"host", "source", "index"}
_KEY = re.compile(r"(?:(?<= )|^)([A-Za-z][A-Za-z0-9]*)=")


class CefError(ValueError):
    """The line is no CEF."""


class Cef(NamedTuple):
    """A parsed line: the seven fields of the header and the extension, all un-escaped."""

    header: tuple[str, ...]
    extension: dict[str, str]


def read(line: str) -> Cef:
    """Parse one line; raise CefError for anything that a receiver could read in two ways."""
    if _REFUSED.search(line):
        raise CefError("a control character")
    line.encode("utf-8")
    if not line.startswith("CEF:0|"):
        raise CefError("does not start with CEF:0|")
    if line.count("CEF:") != 1:
        raise CefError("CEF: is found in a value")
    header, rest = _read_header(line.removeprefix("CEF:0|"))
    _check_header(header)
    extension = _read_extension(rest)
    for key, value in extension.items():
        _check_value(key, value)
    _check_labels(extension)
    return Cef(("0", *header), extension)


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


def _check_header(header: list[str]) -> None:
    for (name, length), value in zip(HEADER_LENGTHS.items(), header[:5], strict=True):
        if not value or len(value) > length:
            raise CefError(f"{name} is empty or longer than {length}: {value!r}")
    if not re.fullmatch(r"[0-9]|10", header[5]):
        raise CefError(f"severity is not 0 to 10: {header[5]!r}")


def _check_value(key: str, value: str) -> None:
    name = key.removesuffix("Label")
    if key in LENGTHS:
        if len(value) > LENGTHS[key]:
            raise CefError(f"{key} is longer than {LENGTHS[key]}")
    elif key in NUMBERS:
        if not re.fullmatch("0|[1-9][0-9]*", value) or int(value) > NUMBERS[key]:
            raise CefError(f"{key} is no number up to {NUMBERS[key]}: {value!r}")
    elif key in ("src", "dst"):
        _check_address(key, value, 4)
    elif key in ("c6a2", "c6a3"):
        _check_address(key, value, 6)
    elif not (key.endswith("Label") and name in LABELLED):
        raise CefError(f"{key} is no key of the dictionary")


def _check_address(key: str, value: str, version: int) -> None:
    try:
        address = ipaddress.ip_address(value)
    except ValueError as error:
        raise CefError(f"{key}: {error}") from error
    if address.version != version or "%" in value:
        raise CefError(f"{key} is no plain IPv{version} address: {value}")


def _check_labels(extension: dict[str, str]) -> None:
    """Check that custom fields and labels come in pairs, with words that SC4S can make keys of."""
    texts = []
    for key, prescribed in LABELLED.items():
        label = extension.get(key + "Label")
        if (key in extension) != (label is not None):
            raise CefError(f"{key} and its label do not come together")
        if label is None:
            continue
        texts.append(label)
        if prescribed and label != prescribed:
            raise CefError(f"{key} is labelled {label!r}, not {prescribed!r}")
        if not prescribed and (not label.isalnum() or label in _RESERVED_LABELS | {*extension}):
            raise CefError(f"{key} has the label {label!r}, which is a key or no word")
    if len({*texts}) != len(texts):
        raise CefError(f"a label twice: {texts}")


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
        fields[name] = _unescape(raw)
    return fields


def _is_escaped(text: str, position: int) -> bool:
    before = text[:position]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _unescape(raw: str) -> str:
    value, position = [], 0
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
        value.append(char)
        position += 1
    return "".join(value)
