"""Files to a verdict: read line by line, told as a table or as one JSON object."""

import gzip
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from agent.verify.lines import is_unnumbered, read
from agent.verify.runs import Run, Runs

MAX_LINE = 1 << 20
"""Bytes of a line: one without an end is read in parts."""
GZIP = b"\x1f\x8b"
SHOWN_GAPS = 20
SHOWN_TEXT = 80


class Report:
    """What was found; `is_clean` where nothing is missing, mixed up or unreadable."""

    def __init__(self) -> None:
        self.runs = Runs()
        self.lines = 0
        self.unnumbered = 0
        self.foreign = 0
        self.sample = ""

    def take(self, lines: Iterable[str]) -> None:
        """Count the events of lines."""
        for line in lines:
            self.lines += 1
            found = False
            for event in read(line):
                found = True
                self.runs.take(event)
            if found or not line.strip():
                continue
            if is_unnumbered(line):
                self.unnumbered += 1
            else:
                self.foreign += 1
                self.sample = self.sample or _shown(line)

    @property
    def is_clean(self) -> bool:
        """Tell whether every number between a run's first and last arrived, as one event."""
        all_runs = self.runs.runs.values()
        return not self.runs.beyond and not any(
            run.missing or run.mixed or run.beyond for run in all_runs
        )

    def document(self) -> dict[str, object]:
        """Return everything for `--json`."""
        return {
            "clean": self.is_clean,
            "lines": self.lines,
            "not_judgeable": self.unnumbered,
            "not_ours": self.foreign,
            "not_ours_sample": self.sample,
            "runs_beyond_limit": self.runs.beyond,
            "runs": [_row(run_id, run) for run_id, run in self.runs.runs.items()],
        }

    def text(self) -> Iterator[str]:
        """Yield the table for a person."""
        head = (
            "sensor",
            "run",
            "first",
            "last",
            "received",
            "missing",
            "twice",
            "reordered",
            "end",
        )
        rows: list[tuple[str, ...]] = [head]
        for run_id, run in self.runs.runs.items():
            numbers = (run.first, run.last, run.received, run.missing, run.duplicates)
            told = "stopped" if run.ended else "open"
            rows.append(
                (
                    _shown(run.sensor),
                    _shown(run_id)[:12],
                    *map(str, numbers),
                    str(run.reordered),
                    told,
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        for row in rows if len(rows) > 1 else []:
            cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
            yield "  ".join(cells).rstrip()
        yield from self._findings()

    def _findings(self) -> Iterator[str]:
        for run_id, run in self.runs.runs.items():
            name = f"{_shown(run.sensor)} {_shown(run_id)[:12]}"
            for start, end in run.gaps[:SHOWN_GAPS]:
                yield f"{name}: missing {start}" + (f" to {end}" if end > start else "")
            if len(run.gaps) > SHOWN_GAPS:
                yield f"{name}: and {len(run.gaps) - SHOWN_GAPS} more gaps; --json tells all"
            if run.first > 1:
                yield f"{name}: begins at {run.first}: what came before is not in these lines"
            if run.losses_told:
                yield f"{name}: {run.losses_told} agent-loss event(s) tell of losses by reason"
            if run.mixed:
                yield (
                    f"{name}: {run.mixed} numbers stand for two events each: this run is not one "
                    "output's alone; verify the lines of each origin alone"
                )
            if run.beyond:
                yield f"{name}: too many gaps to keep; verify a shorter stretch"
        if self.runs.beyond:
            yield f"{self.runs.beyond} events of further runs are left out; verify fewer files"
        if self.unnumbered:
            yield f"{self.unnumbered} lines in Maltrail's columns cannot be judged: no number"
        if self.foreign:
            yield f"{self.foreign} lines are not ours, such as: {self.sample}"
        yield "nothing is missing" if self.is_clean else "not everything arrived"


def lines_of(path: str) -> Iterator[str]:
    """Yield the lines of a file, plain or gzip, `-` for standard input. Raise OSError."""
    if path == "-":
        yield from _lines(sys.stdin.buffer)
        return
    with Path(path).open("rb") as raw:
        if raw.peek(2)[:2] == GZIP:
            with gzip.open(raw) as unpacked:
                yield from _lines(unpacked)
        else:
            yield from _lines(raw)


def _lines(stream: IO[bytes] | gzip.GzipFile) -> Iterator[str]:
    while line := stream.readline(MAX_LINE):
        yield line.decode("utf-8", "replace")


def _row(run_id: str, run: Run) -> dict[str, object]:
    return {
        "sensor": run.sensor,
        "run_id": run_id,
        "first": run.first,
        "last": run.last,
        "received": run.received,
        "missing": run.missing,
        "gaps": run.gaps,
        "duplicates": run.duplicates,
        "reordered": run.reordered,
        "mixed": run.mixed,
        "losses_told": run.losses_told,
        "ended": run.ended,
    }


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text.strip())[:SHOWN_TEXT]
