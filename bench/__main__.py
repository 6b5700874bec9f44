"""`make bench`: what a packet, a trail set and a process cost on this machine.

Absolute numbers belong to the machine; the paired difference *added* is what to compare.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from agent.scan import is_compiled, layout
from agent.trails.set import TrailSet
from bench import captures, formats, paths, processes, report, sets
from bench.processes import Used
from bench.report import Report

TRAFFIC = ("mix", "syn")
"""What sense sees before its memory is read: bulk and requests, then full counters."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; a benchmark is no test, so the status is 0."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--packets", type=_positive, default=captures.PACKETS, help="of each capture"
    )
    parser.add_argument("--pairs", type=_positive, default=9, help="measurements of each path")
    parser.add_argument("--trails", type=Path, metavar="CSV", help="trails to build the set of")
    parser.add_argument("--no-processes", action="store_true", help="leave memory out")
    parser.add_argument("--formats", action="store_true", help="lines of events, nothing else")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(arguments)
    if options.trails and not options.trails.is_file():
        parser.error(f"--trails {options.trails}: there is no such file")
    if options.formats:
        costs = formats.measure(options.pairs)
        print(formats.to_json(costs) if options.json else formats.to_text(costs))
        return 0
    with tempfile.TemporaryDirectory(prefix="maltrail-bench-") as folder:
        measured = _measure(options, Path(folder))
    _progress("")
    print(report.to_json(measured) if options.json else report.to_text(measured))
    return 0


def _measure(options: argparse.Namespace, folder: Path) -> Report:
    load = os.getloadavg()
    notes: list[str] = []
    _progress("building the trail set")
    trails = folder / "bench.set"
    set_cost = sets.measure(sets.source(options.trails, folder), trails)
    address = _listed_address(trails)
    costs = []
    for number, kind in enumerate(captures.KINDS, 1):
        _progress(f"packets: {kind}, {number} of {len(captures.KINDS)}")
        path = captures.write(folder, kind, count=options.packets, address=address)
        costs.append(paths.measure(path, trails, options.pairs))
        if kind not in TRAFFIC:
            path.unlink()
    used: list[Used] = []
    if not options.no_processes:
        _progress("memory of the processes")
        traffic = [folder / f"{kind}.pcap" for kind in TRAFFIC]
        try:
            used, sent = processes.measure(trails, traffic, folder)
        except (processes.ProcessError, subprocess.SubprocessError, OSError) as error:
            notes.append(f"memory of sense and deliver is not measured: {error}")
        else:
            if not sent:
                notes.append("sense saw no traffic: that needs root, ip and tcpreplay")
    build = "compiled" if is_compiled() else "plain"
    return Report(load, build, set_cost, costs, used, notes)


def _listed_address(trails: Path) -> str:
    """Return an address of the set, from the middle of those it has."""
    opened = TrailSet.open(trails)
    rows = list(opened.rows(layout.IP4))
    return opened.row(rows[len(rows) // 2]).key if rows else captures.LISTED


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, found {value}")
    return value


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleaned up
    sys.exit(main())
