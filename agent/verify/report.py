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
