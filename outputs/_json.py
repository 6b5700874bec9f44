"""Events as strict JSON on one line, through python-json-logger."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pythonjsonlogger.json import JsonFormatter

from outputs._text import clean

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(microseconds: int) -> str:
    """Return a time as `2026-11-20T23:35:31.123456Z`, always with six digits."""
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06d}Z"


def plain(value: object) -> object:
    """Return builtins for JSON with every text cleaned; a number that JSON lacks becomes null."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {clean(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    return value


def writer(separators: tuple[str, str]) -> Callable[[Mapping[str, object]], str]:
    """Return the function that writes a document with these separators."""

    def dump(document: object, **options: object) -> str:
        # Only what python-json-logger must decide: its other defaults let NaN through.
        del options
        return json.dumps(document, separators=separators, ensure_ascii=True, allow_nan=False)

    formatter = JsonFormatter([], json_serializer=dump)

    def write(document: Mapping[str, object]) -> str:
        return formatter.jsonify_log_record(dict(document))

    return write
