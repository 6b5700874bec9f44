"""What was measured as a table and as JSON, with the targets beside it."""

import json
from typing import Any, NamedTuple

from bench.paths import PathCost
from bench.processes import Used
from bench.sets import SetCost

ADDED_NS = {"mix": 150, "dns-new": 500, "listed": 250}
BUILD_SECONDS, BUILD_MB, OPEN_MS = 30, 300, 50
PRIVATE_MB = {"sense": 60, "deliver": 60}


class Report(NamedTuple):
    """Everything of one run; `notes` are what a reader of the numbers has to know."""

    load: tuple[float, float, float]
    build: str
    trail_set: SetCost
    paths: list[PathCost]
    memory: list[Used]
    notes: list[str]


def to_json(report: Report) -> str:
    """Return one JSON object."""
    targets = {
        "added_ns": ADDED_NS,
        "private_mb": PRIVATE_MB,
        "build_seconds": BUILD_SECONDS,
        "build_mb": BUILD_MB,
        "open_ms": OPEN_MS,
    }
    return json.dumps({**_plain(report), "targets": targets})


def to_text(report: Report) -> str:
    """Return a table for people."""
    lines = [
        f"{report.build} scanner; load average at the start: "
        + " ".join(f"{value:.2f}" for value in report.load),
        "",
        *_set_lines(report.trail_set),
        "",
        *_path_lines(report.paths),
        "",
        *_memory_lines(report.memory, report.trail_set),
        *(f"note: {note}" for note in report.notes),
    ]
    return "\n".join(lines)


def _set_lines(cost: SetCost) -> list[str]:
    return [
        f"trail set of {cost.keys:,} keys, {cost.file_mb:.0f} MB",
        f"  built     {cost.build_seconds:8.1f} s    (target {BUILD_SECONDS})",
        f"  peak      {cost.build_mb:8.0f} MB   (target {BUILD_MB})",
        f"  opened    {cost.open_ms.median:8.2f} ms   (target {OPEN_MS})",
        f"  verified  {cost.verify_ms.median:8.1f} ms",
    ]


def _path_lines(costs: list[PathCost]) -> list[str]:
    head = ("reading", "scan", "whole", "added", "least", "most", "target", "cpu", "filtered")
    lines = [
        "nanoseconds a packet; added = whole - reading, median of pairs; cpu = added in processor",
        "time, which other programs disturb less; filtered = pcapy's classifier alone",
        f"{'capture':11}" + "".join(f"{name:>9}" for name in head) + "  packets/hits/events",
    ]
    for cost in costs:
        numbers = (cost.reading.median, cost.scan.median, cost.whole.median, *cost.added)
        target = str(ADDED_NS.get(cost.capture, "-"))
        lines.append(
            f"{cost.capture:11}"
            + "".join(f"{number:9.0f}" for number in numbers)
            + f"{target:>9}{cost.added_cpu.median:9.0f}{cost.filtered.median:9.0f}"
            + f"  {cost.packets}/{cost.hits}/{cost.events}"
        )
    return lines


def _memory_lines(used: list[Used], cost: SetCost) -> list[str]:
    head = ("private", "target", "tables", "rings", "set", "shared")
    lines = [
        "MB; private is without tables (counters, filters), capture rings and the mapped set",
        f"{'process':11}" + "".join(f"{name:>9}" for name in head),
    ]
    for process, memory in used:
        parts = (memory.tables, memory.rings, memory.trail_set, memory.shared)
        lines.append(
            f"{process:11}{memory.private:9.1f}{PRIVATE_MB[process]:9}"
            + "".join(f"{part:9.1f}" for part in parts)
        )
    lines.append(f"{'build':11}{cost.build_mb:9.1f}{BUILD_MB:9}  at its peak, everything included")
    return lines


def _plain(value: Any) -> Any:
    """Turn named tuples into objects by their names."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key: _plain(item) for key, item in value._asdict().items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
