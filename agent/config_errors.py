"""What msgspec says of settings, in words that name the key, for whoever wrote them."""

import difflib
import re

import msgspec

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`(?: - at `\$\.?(?P<at>.*)`)?")
_INVALID = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<at>.*)`)?")


def explain(message: str, kind: type) -> str:
    """Say on one line what is wrong at which key of `kind`, and name the nearest known key."""
    return one_line(_explained(message, kind))


def one_line(text: str) -> str:
    """Return a text as one line that can be printed."""
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())


def _explained(message: str, kind: type) -> str:
    unknown = _UNKNOWN.fullmatch(message)
    if unknown:
        at = (unknown["at"] or "").strip()
        key = unknown["key"]
        path = f"{at}.{key}" if at else key
        near = difflib.get_close_matches(key, sorted(_known_keys(kind)), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "see config.yaml for the known keys"
        return f"{path}: unknown key; {hint}"
    match = _INVALID.fullmatch(message)
    what = match["what"] if match else message
    at = match["at"] if match else None
    return f"{at}: {what[:1].lower() + what[1:]}" if at else what


def _known_keys(kind: type) -> set[str]:
    """List the keys of a section and of all sections below it."""
    keys: set[str] = set()
    pending: list[type] = [kind]
    while pending:
        for field in msgspec.structs.fields(pending.pop()):
            keys.add(field.encode_name)
            kinds = [field.type, *getattr(field.type, "__args__", ())]
            pending += [k for k in kinds if isinstance(k, type) and issubclass(k, msgspec.Struct)]
    return keys
