"""What msgspec says of settings, in words that name the key, for whoever wrote them."""

import difflib
import re

import msgspec

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`(?: - at `\$\.?(?P<at>.*)`)?")
_TYPES = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "null": "nothing",
    "object": "keys with values",
    "str": "a text",
}
"""What msgspec calls types, and how YAML's writers would."""
_TYPE = re.compile(f"`({'|'.join(_TYPES)})`")
_ALTERNATIVES = re.compile(r"`(\w+(?: \| \w+)+)`")
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
    what = _worded(match["what"] if match else message)
    at = match["at"] if match else None
    return f"{at}: {what[:1].lower() + what[1:]}" if at else what


def _worded(what: str) -> str:
    """Return what is wrong with types in words of people."""
    what = _ALTERNATIVES.sub(lambda match: f"`{match[1].replace(' | ', '` or `')}`", what)
    return _TYPE.sub(lambda match: _TYPES[match[1]], what)


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
