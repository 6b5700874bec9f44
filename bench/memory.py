"""Memory of a process by what is mapped: its own, its tables, capture rings, the trail set."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ [0-9a-f]+ \S+ \d+ *(.*)")
_PRIVATE = ("Private_Clean", "Private_Dirty", "Private_Hugetlb")
_SHARED = ("Shared_Clean", "Shared_Dirty", "Shared_Hugetlb")


class Memory(NamedTuple):
    """MB. `private` is without tables, rings and set; `shared` is code that others map, too."""

    private: float
    tables: float
    rings: float
    trail_set: float
    shared: float


def of(pid: int) -> Memory:
    """Read /proc/PID/smaps; raise OSError."""
    text = Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8", errors="replace")
    return classify(text.splitlines())


def classify(smaps: Iterable[str]) -> Memory:
    """Add up the mappings of an smaps file (proc(5)) by their kinds."""
    sums = dict.fromkeys(Memory._fields, 0)
    name, private, shared = "", 0, 0
    for line in smaps:
        if mapping := _MAPPING.fullmatch(line):
            name, private, shared = mapping[1], 0, 0
            continue
        key, _, value = line.partition(":")
        if key in _PRIVATE:
            private += int(value.split()[0])
        elif key in _SHARED:
            shared += int(value.split()[0])
        elif key == "VmFlags":  # the last line of a mapping
            kind = _kind(name, value.split())
            if kind == "private":
                sums["shared"] += shared
                sums["private"] += private
            else:
                sums[kind] += private + shared
    return Memory(**{kind: size / 1024 for kind, size in sums.items()})


def _kind(name: str, flags: list[str]) -> str:
    if name.startswith("socket:"):
        return "rings"
    if name.removesuffix(" (deleted)").endswith(".set"):
        return "trail_set"
    # What asked for huge pages is a table: counters, and the filters in front of the set.
    return "tables" if not name and "hg" in flags else "private"
