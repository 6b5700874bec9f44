"""The configuration in force, key by key, without secrets.

Secrets belong into files, and a file's name is shown. What may hold one nevertheless is not: values
of keys named like credentials, credentials inside texts, and of URLs all but scheme, host and port
(a webhook's path is its password).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from agent import config
from agent.config import Settings
from agent.deliver.credentials import CUT, cut, is_secret
from agent.deliver.status_document import Setting
from agent.deliver.status_events import short

HIDDEN = "(hidden)"

MAX_SETTINGS = 2000
"""Keys shown: a thousand entries of the allow-list are no page."""

MAX_TEXT = 2000
"""Characters of a text that are looked at; fewer are shown."""

_URL = re.compile(
    r"\b([a-z][a-z0-9+.-]{0,20}://)(?:[^/?#\s\"'<>]*@)?([^/?#\s\"'<>@]*)([^\s\"'<>]*)",
    re.IGNORECASE,
)
_FILES = ("_file", "client_key", "certificate")
"""How keys end that name a file, whatever else is in the name."""


def settings_shown(settings: Settings) -> tuple[Setting, ...]:
    """Return every key in the order of the configuration file."""
    defaults = dict(_flat("", config.public(Settings())))
    found = []
    for key, value in _flat("", config.public(settings)):
        is_default = key in defaults and defaults[key] == value
        found.append(Setting(key=short(key), value=short(value), is_default=is_default))
        if len(found) == MAX_SETTINGS:
            break
    return tuple(found)


def shown_url(text: str) -> str:
    """Return a text whose URLs are cut to scheme, host and port."""
    return _URL.sub(_cut_url, text[:MAX_TEXT])


def _cut_url(match: re.Match[str]) -> str:
    rest = match[3]
    return match[1] + match[2] + (rest if rest in ("", "/") or match[1] == "file://" else "/" + CUT)


def _flat(path: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield every key with its path and its value as text."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            # The keys of a plugin stand beside those that all plugins have.
            is_inline = name == "options" and path.startswith("outputs.")
            if is_secret(str(name)) and isinstance(inner, (Mapping, list, tuple)):
                yield _joined(path, str(name)), HIDDEN
                continue
            yield from _flat(path if is_inline else _joined(path, str(name)), inner)
    elif isinstance(value, (list, tuple)) and any(isinstance(one, Mapping) for one in value):
        for number, one in enumerate(value):
            named = one.get("name") if isinstance(one, Mapping) else None
            yield from _flat(_joined(path, str(named or number)), one)
    else:
        yield path, _value(path, value)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _names_a_file(name: str, value: object) -> bool:
    """Tell whether a value is a path: some write the password itself where its file belongs."""
    return name.endswith(_FILES) and isinstance(value, str) and value.startswith("/")


def _value(path: str, value: Any) -> str:
    name = path.rpartition(".")[2]
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if is_secret(name) and not _names_a_file(name, value):
        return HIDDEN
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(path, one) for one in value) or "none"
    if isinstance(value, Mapping):
        return "none"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return cut(shown_url(str(value)))
