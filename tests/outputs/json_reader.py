"""Read JSON as strictly as a receiver could: one line of ASCII, no key twice, no NaN."""

import json
import re

MAX_LONG = 2**63 - 1

_REFUSED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class JsonError(ValueError):
    """The line is no JSON that every receiver reads the same way."""


def read(line: str) -> dict[str, object]:
    """Return the document of one line; raise JsonError."""
    if not (line.isascii() and line.isprintable()):
        raise JsonError("not one line of printable ASCII")
    try:
        document = json.loads(line, parse_constant=_refuse, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise JsonError(str(error)) from error
    if not isinstance(document, dict):
        raise JsonError("not an object: Logstash makes several events of an array")
    _check(document)
    return document


def _refuse(constant: str) -> None:
    raise JsonError(f"{constant} is no JSON")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise JsonError(f"a key twice: {[key for key, _ in pairs]}")
    return document


def _check(value: object) -> None:
    """Raise JsonError for a number beyond 64 bits, or text with what must not be in a line."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check(key)
            _check(item)
    elif isinstance(value, list):
        for item in value:
            _check(item)
    elif isinstance(value, str):
        _check_text(value)
    elif isinstance(value, int) and abs(value) > MAX_LONG:
        raise JsonError(f"{value} does not fit into 64 bits")


def _check_text(text: str) -> None:
    if "CEF:" in text:
        raise JsonError("CEF: is found in a value")
    found = _REFUSED.search(text)
    if found:
        raise JsonError(f"U+{ord(found[0]):04X} in a value")
