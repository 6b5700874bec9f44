"""Runs inside the host, on its bare Python: a CSV line every so many seconds on standard output.

    python3 soak_sampler.py SECONDS MINUTES    every so many seconds, for so many minutes

What cannot be read just then, as a process is being restarted, leaves its columns empty.
"""

import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

UNITS = {"sense": "maltrail-agent", "deliver": "maltrail-agent-deliver"}
PROCESS = ("pid", "anon_kb", "private_kb", "fds", "threads", "cpu_s")
STATE = Path("/var/lib/maltrail-agent")
METRICS = {
    "packets": "capture_packets_received_total",
    "dropped": "capture_packets_dropped_total",
    "events": "link_events_total",
    "sent": "output_events_sent_total",
    "lost": "output_events_dropped_total",
    "uplink_lost": "uplink_events_lost_total",
    "waiting": "queue_events",
    "incidents": "incidents",
}
"""Column to metric, summed over its labels."""
_LINE = re.compile(r"^maltrail_agent_(\w+)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)
_CLOCK_TICKS = 100.0


def columns() -> list[str]:
    """Return the names of the columns."""
    processes = [f"{name}_{what}" for name in UNITS for what in PROCESS]
    return ["time", *processes, "journal_bytes", *METRICS]


def sample() -> list[str]:
    """Return one line's values."""
    values = [f"{time.time():.1f}"]
    for unit in UNITS.values():
        try:
            values += map(str, _process(unit))
        except (OSError, ValueError, StopIteration):  # it is being restarted
            values += [""] * len(PROCESS)
    values.append(str(_bytes_below(STATE / "journal")))
    return values + _metrics()


def _process(unit: str) -> list[float]:
    command = ["systemctl", "show", "-P", "MainPID", unit]
    pid = int(subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout)
    folder = Path(f"/proc/{pid}")
    status = (folder / "status").read_text()
    private = re.findall(
        r"^Private\w+: +(\d+)", (folder / "smaps_rollup").read_text(), re.MULTILINE
    )
    times = (folder / "stat").read_text().rpartition(")")[2].split()
    return [
        pid,
        _field(status, "RssAnon"),
        sum(map(int, private)),
        len(list((folder / "fd").iterdir())),
        _field(status, "Threads"),
        (int(times[11]) + int(times[12])) / _CLOCK_TICKS,
    ]


def _field(status: str, name: str) -> int:
    return int(next(re.finditer(rf"^{name}:\s+(\d+)", status, re.MULTILINE))[1])


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # a segment that was just sent
            continue
    return total


def _metrics() -> list[str]:
    try:
        with urllib.request.urlopen("http://127.0.0.1:9338/metrics", timeout=5) as page:
            text = page.read().decode()
    except OSError:
        return [""] * len(METRICS)
    sums: dict[str, float] = {}
    for name, value in _LINE.findall(text):
        sums[name] = sums.get(name, 0.0) + float(value)
    return [f"{sums[name]:.0f}" if name in sums else "" for name in METRICS.values()]


def main(seconds: float, minutes: float) -> None:
    """Write the head, then the samples."""
    print(",".join(columns()), flush=True)  # noqa: T201
    due = time.monotonic()
    end = due + 60 * minutes
    while due < end:
        print(",".join(sample()), flush=True)  # noqa: T201
        due += seconds
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
