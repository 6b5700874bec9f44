"""Capture while deliver is killed, stopped, or at full load, and look for packets that are lost.

Strategy: a wire of veth ends in a network namespace, so that every packet is ours and the kernel
counts what was offered. sense and deliver are the real processes; deliver's full load comes from
a second teller of events on the same socket.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.captures import LISTED, write
from bench.delivery.processes import House, Process, cpu_seconds, until
from bench.delivery.sense import Sense
from bench.wire import FAR, Wire, wire

PACKETS = 50_000
"""Different packets: nine tenths the mix of captures, a tenth to and from a listed address."""

LOAD_RATE = 40_000.0
"""Events a second that deliver is given beside: more than it can send."""

SETTLE_SECONDS = 30.0
"""Until sense has told all that it counted: it does so every five seconds."""

_SENSE = """\
capture: {{interfaces: [{interface}]}}
trails: {{custom: ["{own}"]}}
"""

Figures = dict[str, float]


class Counts(NamedTuple):
    """Packets so far: put on the wire, scanned by sense, dropped on the way."""

    offered: int
    scanned: int
    dropped: int


def capture(folder: Path, rate: float, seconds: float, stop_seconds: float) -> Figures:
    """Return what was offered and lost in each phase, at `rate` packets a second.

    `seconds` is how long a phase lasts at least; deliver is stopped for `stop_seconds`. Raise
    PermissionError without root.
    """
    mix = write(folder, "mix", count=PACKETS * 9 // 10)
    listed = write(folder, "listed", count=PACKETS // 10)
    house = House(folder, "tcp", "maltrail", "sink")
    with wire() as place:
        if not place.prefix:
            raise PermissionError("a network namespace is needed: run as root, with iproute2")
        run = _Run(house, place, folder, [mix, listed], rate)
        try:
            run.start()
            return run.phases(seconds, stop_seconds)
        finally:
            run.close()


class _Run:
    """Both processes, the receiver and the wire."""

    def __init__(
        self, house: House, place: Wire, folder: Path, captures: list[Path], rate: float
    ) -> None:
        self._house = house
        self._place = place
        self._captures = captures
        self._rate = rate
        own, config = folder / "own.txt", folder / "sense.yaml"
        own.write_text(f"{LISTED}\n", encoding="ascii")
        config.write_text(_SENSE.format(interface=place.interface, own=own), encoding="utf-8")
        tail = ["--state-dir", str(folder / "state"), "--run-dir", str(folder / "run")]
        command = [*place.prefix, sys.executable, "-m", "agent", "sense", "-c", str(config), *tail]
        self._sense = Process(command, folder / "sense.log")

    def start(self) -> None:
        """Start all, and wait until packets are captured."""
        self._house.receiver.start()
        self._house.deliver.start()
        until(self._house.socket.exists, "deliver listens")
        self._sense.start()
        until(lambda: self._house.metric("capture_up") == 1, "sense captures")

    def close(self) -> None:
        """End all."""
        self._sense.end(signal.SIGTERM)
        self._house.close()

    def phases(self, seconds: float, stop_seconds: float) -> Figures:
        """Return the figures of all phases, named after them."""
        deliver = self._house.deliver

        def kill() -> None:
            time.sleep(seconds / 4)
            deliver.end(signal.SIGKILL)
            time.sleep(seconds / 4)
            deliver.start()

        def stop() -> None:
            deliver.send(signal.SIGSTOP)
            time.sleep(stop_seconds)
            deliver.send(signal.SIGCONT)

        def load() -> None:
            teller = Sense(self._house.socket, int(LOAD_RATE * seconds), LOAD_RATE)
            began, used = time.monotonic(), cpu_seconds(deliver.pid)
            teller.start()
            time.sleep(seconds)
            figures["load_deliver_cpu_share"] = round(
                (cpu_seconds(deliver.pid) - used) / (time.monotonic() - began), 2
            )
            teller.join(SETTLE_SECONDS)
            figures["load_events_a_second"] = round(teller.acknowledged / seconds)

        figures: Figures = {"rate": self._rate, "missing": 0}
        for name, during, lasting in (
            ("quiet", lambda: None, seconds),
            ("killed", kill, seconds),
            ("stopped", stop, max(seconds, stop_seconds + 1)),
            ("load", load, seconds),
        ):
            counts = self._phase(during, lasting)
            missing = counts.offered - counts.scanned
            figures["missing"] += missing + counts.dropped
            figures[f"{name}_offered"] = counts.offered
            figures[f"{name}_missing"] = missing
            figures[f"{name}_dropped"] = counts.dropped
        figures["events_lost"] = self._house.metric("uplink_events_lost_total")
        return figures

    def _phase(self, during: Callable[[], None], seconds: float) -> Counts:
        """Send for so long, do something meanwhile, and return what came of the packets."""
        before = self._counts()
        count = int(self._rate * seconds)
        command = [*self._place.prefix, "tcpreplay", "-q", "-K", f"--pps={self._rate:g}"]
        command += [f"--limit={count}", "--loop=100000", "-i", FAR, *map(str, self._captures)]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as sender:
            try:
                during()
                sender.wait(seconds + SETTLE_SECONDS)
            finally:
                sender.kill()
        after = self._settled(before)
        return Counts(*(new - old for new, old in zip(after, before, strict=True)))

    def _settled(self, before: Counts) -> Counts:
        """Return the counts when sense has told all packets, or no more of them come."""
        end = time.monotonic() + SETTLE_SECONDS
        while True:
            after = self._counts()
            if after.scanned - before.scanned >= after.offered - before.offered:
                return after
            if time.monotonic() > end:
                return after
            time.sleep(0.2)

    def _counts(self) -> Counts:
        path = f"/sys/class/net/{FAR}/statistics/tx_packets"
        command = [*self._place.prefix, "cat", path]
        offered = int(subprocess.run(command, check=True, capture_output=True).stdout)
        until(lambda: self._house.metric("scan_packets_total") >= 0, "sense is heard of")
        return Counts(
            offered,
            int(self._house.metric("scan_packets_total")),
            int(self._house.metric("capture_packets_dropped_total")),
        )
