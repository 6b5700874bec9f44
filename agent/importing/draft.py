"""What an import makes: settings with the option each came from, files beside them, the report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from agent.importing.conf_file import Option

Verdict = Literal["taken", "not applicable", "unknown", "unusable", "in part", "absent"]


class NotApplicable(Exception):  # noqa: N818 - a verdict on an option
    """An option without a counterpart; the text is the reason."""


class Around(NamedTuple):
    """What values may refer to: Maltrail's folder, this host's name, memory (bytes), CPUs."""

    root: Path
    host: str
    memory: int
    cpus: int


class Asked(NamedTuple):
    """One option to take, all that are in force by name, and what is around."""

    option: Option
    all: Mapping[str, Option]
    around: Around

    def is_on(self, name: str) -> bool:
        """Tell whether another option is there and on."""
        return name in self.all and self.all[name].is_on

    def has(self, name: str) -> bool:
        """Tell whether another option is there with a value."""
        return name in self.all and bool(self.all[name].words)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one option: `line` is 0 for one that is absent; `told` is as what, or why.

    `left` are parts of it that were not taken, each with the reason.
    """

    option: str
    line: int
    value: str
    verdict: Verdict
    told: str
    left: tuple[str, ...] = ()


class Draft:
    """Settings as plain values, remarks beside them, and files by their path below the target."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}
        self.remarks: dict[tuple[str, ...], list[str]] = {}
        self.files: dict[str, str] = {}
        self.left: list[str] = []
        self.origin = ""

    def set(self, path: str, value: object) -> str:
        """Set one key, such as `capture.snaplen`; return it as the report tells it."""
        *sections, key = path.split(".")
        place = self.settings
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value
        self._remark(*sections, key)
        return f"{path}: {shown(value)}"

    def add(self, path: str, entry: Mapping[str, object]) -> str:
        """Append an entry to a list, such as `outputs`; return it as the report tells it."""
        *sections, key = path.split(".")
        place = self.settings
        for section in sections:
            place = place.setdefault(section, {})
        entries = place.setdefault(key, [])
        entries.append(dict(entry))
        self._remark(*sections, key, str(len(entries) - 1))
        return f"{path}: {shown(entry)}"

    def leave(self, text: str) -> None:
        """Note a part of the option that was not taken, and why."""
        self.left.append(text)

    def _remark(self, *path: str) -> None:
        remarks = self.remarks.setdefault(path, [])
        if self.origin not in remarks:
            remarks.append(self.origin)


def shown(value: object) -> str:
    """Return a value as the report shows it, cut where it is long."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {shown(inner)}" for key, inner in value.items())
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Sequence) and not isinstance(value, str):
        more = f" and {len(value) - 3} more" if len(value) > 3 else ""
        return ", ".join(map(shown, value[:3])) + more
    text = str(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
