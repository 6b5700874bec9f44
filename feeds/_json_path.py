"""Paths into JSON: names, numbers and wildcards of JSONPath (RFC 9535), no more."""

import re
from collections.abc import Sequence

Step = str | int | None
"""A member's name, an element's number, or None for all of either."""

_STEP = re.compile(
    r"\.?(?P<name>[^.\[\]'\"$*\s]+)|\.?(?P<all>\*)|\[(?:(?P<number>\d{1,9})|'(?P<quoted>[^']*)'"
    r"|(?P<each>\*))\]",
    re.ASCII,
)


def steps(path: str) -> tuple[Step, ...]:
    """Return the steps of a path such as `$.data[*].ip`; `$` is the whole, and may be left out.

    Raise ValueError naming the path where it says more than that.
    """
    at = 1 if path.startswith("$") else 0
    found: list[Step] = []
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise ValueError(f"{path!r} is no path such as data[*].ip")
        at = step.end()
        if step["number"] is not None:
            found.append(int(step["number"]))
        elif step["all"] or step["each"]:
            found.append(None)
        else:
            found.append(step["name"] if step["name"] is not None else step["quoted"])
    return tuple(found)


def text_at(value: object, path: Sequence[Step]) -> str:
    """Return what is at a path as text: empty for nothing or an object, lists with commas."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step] if step < len(value) else None
        else:
            return ""
    if isinstance(value, list):
        return ",".join(_text(element) for element in value)
    return _text(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return ""
