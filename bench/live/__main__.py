"""`python -m bench.live`: what the whole agent loses on a wire, and at which rate it begins to.

Loads are bounded: a few seconds each, at most `--most` packets a second, between two namespaces
made for it. Every load runs past sense and past a drained raw socket at the same time.
"""

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.trails.publish import publish
from bench import sets
from bench.live import load, traffic
from bench.live.load import Load
from bench.live.place import place
from bench.live.station import OUTPUTS, Station, station
from bench.live.traffic import Traffic

MOST = 300_000.0
"""Packets a second: what issue 2 asks for, at most."""
STEPS = 4
"""How often the interval between a whole load and one with losses is halved."""

_HEAD = (
    """\
packets, and observations told to each receiver; load: average before; wire: dropped by its ends;
raw: a drained raw socket beside sense; cpu: of sense, a packet; events: lines of all outputs, and
how many a second while packets came; lost: behind the ring
"""
    f"{'capture':10}{'load':>6}{'asked':>8}{'offered':>8}{'sent':>8}{'received':>9}{'dropped':>8}"
    f"{'wire':>6}{'raw':>9}{'dropped':>8}{'cpu ns':>7}{'hits':>8}"
    + "".join(f"{name:>9}" for name in OUTPUTS)
    + f"{'events':>8}{'a second':>9}{'lost':>6}"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the status is 0, as a benchmark is no test."""
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=__doc__)
    parser.add_argument(
        "kinds", nargs="*", metavar="KIND", help=f"of: {', '.join(traffic.NAMES)}; default: all"
    )
    parser.add_argument("--trails", type=Path, metavar="CSV", help="trails to build the set of")
    parser.add_argument("--most", type=float, default=MOST, help="packets a second at most")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load")
    parser.add_argument("--repeat", type=int, default=3, help="searches with each capture")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(arguments)
    if unknown := set(options.kinds) - set(traffic.NAMES):
        parser.error(f"no kind {', '.join(sorted(unknown))}; there are: {', '.join(traffic.NAMES)}")
    if os.geteuid() != 0:
        parser.error("needs root, for namespaces and raw sockets")
    with tempfile.TemporaryDirectory(prefix="maltrail-live-") as folder:
        loads = []
        if not options.json:
            print(_HEAD, flush=True)
        for one in _measure(options, Path(folder)):
            loads.append(one)
            if not options.json:
                print(_row(one), flush=True)
    print(json.dumps([one._asdict() for one in loads]) if options.json else _summary(loads))
    return 0


def _measure(options: argparse.Namespace, folder: Path) -> Iterator[Load]:
    """Yield each load when it is done."""
    built, state = folder / "live.set", folder / "state"
    state.mkdir()
    sets.build(sets.source(options.trails, folder), built)
    publish(built, state)
    kinds = [traffic.write(folder, name, built) for name in options.kinds or traffic.NAMES]
    with place() as made, station(made, folder, state, folder / "none.csv") as running:
        load.settle(running)
        for _ in range(options.repeat):
            for one in kinds:
                yield from _search(running, one, options.most, options.seconds)


def _search(running: Station, one: Traffic, most: float, seconds: float) -> Iterator[Load]:
    """Offer the greatest rate, and less and more where that loses packets."""
    whole, lossy = 0.0, most
    tried = load.run(running, one, most, seconds)
    yield tried
    if tried.is_whole:
        return
    for _ in range(STEPS):
        rate = (whole + lossy) / 2
        tried = load.run(running, one, rate, seconds)
        yield tried
        if tried.is_whole:
            whole = rate
        else:
            lossy = rate


def _row(one: Load) -> str:
    return (
        f"{one.traffic:10}{one.load_average:6.2f}{one.asked:8.0f}{one.offered:8.0f}{one.sent:8}"
        f"{one.received:9}{one.dropped:8}{one.wire_dropped:6}{one.drained.received:9}"
        f"{one.drained.dropped:8}{one.cpu_ns:7.0f}{one.hits:8}"
        + "".join(f"{one.told[name]:9}" for name in OUTPUTS)
        + f"{sum(one.events.values()):8}{one.events_meanwhile:9.0f}{sum(one.lost.values()):6}"
        + ("" if one.is_whole else "  LOSS")
        + "".join(f" {name}={count}" for name, count in one.lost.items())
    )


def _summary(loads: Sequence[Load]) -> str:
    """Return, for each capture, the highest rate without a loss and the cost of a packet."""
    lines = [""]
    for name in dict.fromkeys(one.traffic for one in loads):
        mine = [one for one in loads if one.traffic == name]
        whole = [one.offered for one in mine if one.is_whole]
        if not whole:
            lines.append(f"{name}: no load without a loss")
            continue
        cpu = [one.cpu_ns for one in mine if one.is_whole]
        lines.append(
            f"{name}: nothing lost at up to {max(whole):.0f} packets/s"
            f" ({len(whole)} of {len(mine)} loads whole, median {statistics.median(whole):.0f});"
            f" sense {min(cpu):.0f} ns a packet at best, {statistics.median(cpu):.0f} median"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleaned up
    sys.exit(main())
