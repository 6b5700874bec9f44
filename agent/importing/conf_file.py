"""Reading `maltrail.conf`: lines `NAME value`, comments, array options (detection.md C-1, C-2)."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

MAX_BYTES = 1 << 20
"""The distributed file has 10 kB; a larger one is something else."""
MAX_OPTIONS = 2_000
"""Lines that open an option; the distributed file has less than a hundred."""

_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,60}")
_VARIABLE = re.compile(r"\$([A-Z_]+)")
_SWITCHES = ("USE_", "SET_", "CHECK_", "ENABLE_", "SHOW_", "DISABLE_")


class Option(NamedTuple):
    """One option: upper-case name, value as written, items of an array, line from 1."""

    name: str
    value: str
    items: tuple[str, ...]
    line: int

    @property
    def is_on(self) -> bool:
        """Return what the value means as a switch: `1` and `true` are on, all else is off."""
        return self.value.lower() in ("1", "true")

    @property
    def is_odd_switch(self) -> bool:
        """Tell whether this is a switch whose value reads as something else than off."""
        odd = self.value.lower() not in ("1", "true", "0", "false", "")
        return odd and self.name.startswith(_SWITCHES)

    @property
    def words(self) -> list[str]:
        """Return value and items, split at commas, semicolons and blanks."""
        return [word for word in re.split(r"[\s,;]+", " ".join((self.value, *self.items))) if word]

    def number(self, low: int, high: int) -> int:
        """Return a whole number, clamped as Maltrail does (P-2); raise ValueError."""
        if not re.fullmatch(r"[+-]?\d{1,12}", self.value):
            raise ValueError(f"expected a whole number from {low} to {high}")
        return max(low, min(high, int(self.value)))


class Garbled(NamedTuple):
    """A line that is no option."""

    line: int
    text: str


class NotReadable(Exception):  # noqa: N818 - a verdict on the file
    """A file that cannot be such a configuration; the text is the one line a user reads."""


def text_of(path: Path) -> str:
    """Return the content of the file; raise NotReadable."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NotReadable(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise NotReadable(f"{path}: has more than {MAX_BYTES} bytes; expected a maltrail.conf")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotReadable(
            f"{path}: is not UTF-8 text (byte {error.start}); expected a maltrail.conf"
        ) from error
    if "\0" in text:
        raise NotReadable(f"{path}: holds NUL bytes; expected a maltrail.conf")
    return text


def options_of(text: str, root: Path, host: str) -> Iterator[Option | Garbled]:
    """Yield every option in the order of the file; `root` and `host` stand for variables.

    Raise NotReadable where there are more than any such file has.
    """
    known = _variables(root, host)
    opened: Option | None = None
    items: list[str] = []
    count = 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip("\r").partition("#")[0]
        if not line.strip():
            continue
        if line[0].isspace() and opened is not None:
            items.append(_substituted(_unquoted(line.strip()), known))
            continue
        if opened is not None:
            yield opened._replace(items=tuple(items))
            opened, items = None, []
        count += 1
        if count > MAX_OPTIONS:
            raise NotReadable(f"line {number}: more than {MAX_OPTIONS} options")
        name, *rest = line.strip().split(None, 1)
        if not _NAME.fullmatch(name.upper()):
            yield Garbled(number, line.strip())
            continue
        value = _substituted(_unquoted(rest[0].strip()), known) if rest else ""
        option = Option(name.upper(), value, (), number)
        if rest:
            yield option
        else:
            opened = option
    if opened is not None:
        yield opened._replace(items=tuple(items))


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def _variables(root: Path, host: str) -> Mapping[str, str]:
    """Return Maltrail's built-in variables."""
    return {
        "ROOT_DIR": str(root),
        "SYSTEM_LOG_DIR": "/var/log",
        "USERS_DIR": os.path.expanduser("~"),  # noqa: PTH111 - a text, no path yet
        "HOSTNAME": host,
    }


def _substituted(value: str, known: Mapping[str, str]) -> str:
    """Replace `$NAME` by what is known; what is not stays as it is."""
    return _VARIABLE.sub(lambda found: known.get(found[1], found[0]), value)


def last_of(options: Sequence[Option]) -> Mapping[str, Option]:
    """Return the option that counts of each name: the last one."""
    return {option.name: option for option in options}
