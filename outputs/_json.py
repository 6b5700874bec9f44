"""Events as strict JSON on one line, through python-json-logger.

Strategy: whether the texts are clean is asked of the finished line, once, instead of every value.
JSON in ASCII writes all that is not plain with a backslash, so only those places are looked at.
A line that holds what it must not is made again, from texts that were cleaned one by one.
"""

import codecs
import json
import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

from pythonjsonlogger.json import JsonFormatter
from pythonjsonlogger.msgspec import MsgspecFormatter

from agent.model import Event
from outputs._text import BAIT, LIMIT, clean

MAX_INTEGER = 2**63 - 1
"""The largest number that receivers keep: Elasticsearch refuses a document with a larger one."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - all times are UTC, and told with a Z
_LAST_US = 253_402_300_799_999_999  # the end of the year 9999
_ESCAPE = re.compile(r"\\(u....|.)")

Write = Callable[[dict[str, object]], str]


@lru_cache(maxsize=64)  # header, event, first and last of one event are mostly the same time
def rfc3339(microseconds: int) -> str:
    """Return a time as `2026-11-20T23:35:31.123456Z`, always with six digits and four of a year."""
    seconds, fraction = divmod(min(max(microseconds, 0), _LAST_US), 1_000_000)
    return f"{_second(seconds)}.{fraction:06d}Z"


@lru_cache(maxsize=64)  # events stand in the order of time: a few seconds serve thousands
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()


def number(value: int) -> int:
    """Return the number, or the nearest one that 64 bits hold."""
    return min(max(value, -MAX_INTEGER), MAX_INTEGER)


def evidence(event: Event) -> dict[str, str | int | float]:
    """Return what a behaviour or the agent measured, in numbers that receivers keep."""
    return {
        key: number(value) if isinstance(value, int) else value
        for key, value in event.evidence.items()
    }


def plain(value: object) -> object:
    """Return builtins for JSON with every text cleaned; a number that JSON lacks becomes null."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def writer(separators: tuple[str, str]) -> Write:
    """Return the function that writes a document of builtins with these separators."""
    encoder = json.JSONEncoder(
        separators=separators, ensure_ascii=True, allow_nan=False, check_circular=False
    )

    def dump(document: object, **options: object) -> str:
        # Only what python-json-logger must decide: its other defaults let NaN through.
        del options
        return encoder.encode(document)

    dumps = JsonFormatter([], json_serializer=dump).jsonify_log_record

    def write(document: dict[str, object]) -> str:
        try:
            line = dumps(document)
        except ValueError:  # a number that JSON lacks
            line = ""
        if line and _is_clean(line):
            return line
        return dumps({key: plain(value) for key, value in document.items()})

    return write


def compact_writer() -> Write:
    """Return the function that writes a document as short as it can be, in a fraction of the time.

    Receivers of Maltrail's own JSON rely on its spelling, so that it needs the other.
    """
    quick = MsgspecFormatter([]).jsonify_log_record
    careful = writer((",", ":"))

    def write(document: dict[str, object]) -> str:
        try:
            line: str = quick(document)
        except UnicodeEncodeError:  # a lone surrogate
            return careful(document)
        if not line.isascii():
            if len(line) > LIMIT:
                return careful(document)
            line = line.encode("ascii", _ESCAPING).decode()
        return line if "\x7f" not in line and _is_clean(line) else careful(document)

    return write


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Write what ASCII lacks as JSON does; what needs two of its numbers as one of no character."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    foreign = error.object[error.start : error.end]
    return "".join(f"\\u{min(ord(char), 0xD800):04x}" for char in foreign), error.end


_ESCAPING = "maltrail-agent-json"
codecs.register_error(_ESCAPING, _escaped)


def _is_clean(line: str) -> bool:
    """Tell whether no text in the line needs `clean`."""
    if BAIT in line:
        return False
    if "\\" not in line:
        return not _has_long_text(line)
    return len(line) <= LIMIT and all(map(_is_harmless, _ESCAPE.findall(line)))


def _has_long_text(line: str) -> bool:
    """Tell whether a text is beyond the limit; no quote is inside one, as nothing is escaped."""
    start = 0
    while len(line) - start > LIMIT:
        quote = line.rfind('"', start, start + LIMIT + 1)
        if quote < 0:
            return True
        start = quote + 1
    return False


@lru_cache(maxsize=1024)
def _is_harmless(escape: str) -> bool:
    """Tell whether what JSON escaped so, without the backslash, is a character that may stay."""
    if not escape.startswith("u"):
        return escape in '"\\'
    char = chr(int(escape[1:], 16))
    return clean(char) == char
