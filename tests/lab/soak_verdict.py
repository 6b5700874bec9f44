"""What the soak's samples say: does memory grow, do descriptors, threads.

    python -m tests.lab.soak_verdict SAMPLES.csv [WARM_UP_MINUTES]

Prints the curve and the slopes; exit status 1 where something grows or nothing can be told.
Only the longest life of a process counts, after its warm-up: a restart begins anew.
"""

import csv
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

Row = dict[str, str]

PROCESSES = ("sense", "deliver")
BLOCKS = 12
"""Parts whose means are fitted: neighbouring samples are alike, so each alone proves little."""
ERRORS = 3.0
"""Standard errors beyond which a slope is no accident."""
LEAK_KB_PER_HOUR = 256.0
"""What counts as growing: 180 MB a month, where sense is given 1 GB and deliver 512 MB."""
CURVE_POINTS = 16


class Slope(NamedTuple):
    """Kilobytes an hour, its standard error, and how the samples scatter around the line."""

    per_hour: float
    error: float
    noise: float

    @property
    def grows(self) -> bool:
        """Tell whether it rises more than by accident, and enough to matter."""
        return self.per_hour > LEAK_KB_PER_HOUR and self.per_hour > ERRORS * self.error

    @property
    def can_tell(self) -> bool:
        """Tell whether a leak ten times the bound would be seen."""
        return ERRORS * self.error < 10 * LEAK_KB_PER_HOUR


def slope(points: Sequence[tuple[float, float]]) -> Slope:
    """Fit (seconds, kB) by least squares over block means; ValueError for too few points."""
    if len(points) < 2 * BLOCKS:
        raise ValueError(f"{len(points)} samples are too few, {2 * BLOCKS} are needed")
    blocks = [
        points[len(points) * n // BLOCKS : len(points) * (n + 1) // BLOCKS] for n in range(BLOCKS)
    ]
    hours = [statistics.fmean(at for at, _ in block) / 3600 for block in blocks]
    values = [statistics.fmean(value for _, value in block) for block in blocks]
    fit = statistics.linear_regression(hours, values)
    rest = sum((y - fit.intercept - fit.slope * x) ** 2 for x, y in zip(hours, values, strict=True))
    middle = statistics.fmean(hours)
    width = sum((x - middle) ** 2 for x in hours)
    noise = statistics.pstdev(y - fit.intercept - fit.slope * at / 3600 for at, y in points)
    return Slope(fit.slope, (rest / (BLOCKS - 2) / width) ** 0.5, noise)


def longest_life(rows: Sequence[Row], process: str) -> list[Row]:
    """Return the samples of the process id that was seen most often."""
    pids = [row[f"{process}_pid"] for row in rows if row[f"{process}_pid"]]
    if not pids:
        return []
    longest = statistics.mode(pids)
    return [row for row in rows if row[f"{process}_pid"] == longest]


def settled(life: Sequence[Row], warm_up_s: float) -> list[Row]:
    """Return a life's samples after its warm-up."""
    return [row for row in life if float(row["time"]) >= float(life[0]["time"]) + warm_up_s]


def rises(values: Sequence[float]) -> bool:
    """Tell whether the last quarter holds at least two more than the first one, in the middle."""
    quarter = max(1, len(values) // 4)
    return statistics.median(values[-quarter:]) >= statistics.median(values[:quarter]) + 2


def findings(rows: Sequence[Row], warm_up_s: float) -> Iterator[tuple[bool, str]]:
    """Yield what was measured, each with whether it is as it should be."""
    for process in PROCESSES:
        kept = settled(longest_life(rows, process), warm_up_s)
        try:
            fit = slope([(float(row["time"]), float(row[f"{process}_anon_kb"])) for row in kept])
        except ValueError as error:
            yield False, f"{process}: {error}"
            continue
        minutes = (float(kept[-1]["time"]) - float(kept[0]["time"])) / 60
        yield (
            fit.can_tell and not fit.grows,
            (
                f"{process}: private memory {fit.per_hour:+.0f} kB an hour, standard error "
                f"{fit.error:.0f}, noise {fit.noise:.0f} kB, over {minutes:.0f} minutes"
            ),
        )
        for what in ("fds", "threads"):
            counts = [float(row[f"{process}_{what}"]) for row in kept]
            text = f"{process}: {what} {min(counts):.0f} to {max(counts):.0f}"
            yield not rises(counts), f"{text}, last {counts[-1]:.0f}"


def curve(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a table of some of the samples."""
    head = (
        "minute", "sense kB", "fds", "CPU s", "deliver kB", "fds", "CPU s", "journal kB",
        "packets", "dropped", "events", "incidents",
    )  # fmt: skip
    keys = (
        "sense_anon_kb", "sense_fds", "sense_cpu_s", "deliver_anon_kb", "deliver_fds",
        "deliver_cpu_s", "journal_bytes", "packets", "dropped", "events", "incidents",
    )  # fmt: skip
    begin = float(rows[0]["time"])
    last = len(rows) - 1
    wanted = sorted({last * n // (CURVE_POINTS - 1) for n in range(CURVE_POINTS)})
    table: list[tuple[str, ...]] = [head]
    for row in (rows[n] for n in wanted):
        values = {key: row[key] for key in keys}
        values["journal_bytes"] = str(int(values["journal_bytes"] or 0) // 1024)
        table.append((f"{(float(row['time']) - begin) / 60:.0f}", *values.values()))
    widths = [max(len(line[n]) for line in table) for n in range(len(head))]
    for line in table:
        yield "  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True))


def read(lines: Iterable[str]) -> list[Row]:
    """Return whole samples: the last line may have been cut off."""
    return [row for row in csv.DictReader(lines) if None not in row.values()]


def main(path: str, warm_up_minutes: str = "20") -> int:
    """Print everything; return the exit status."""
    with Path(path).open() as file:
        rows = read(file)
    if not rows:
        print(f"{path}: no samples")  # noqa: T201
        return 1
    for line in curve(rows):
        print(line)  # noqa: T201
    found = list(findings(rows, 60 * float(warm_up_minutes)))
    for is_well, text in found:
        print("ok  " if is_well else "FAIL", text)  # noqa: T201
    return int(not all(is_well for is_well, _ in found))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
