"""One load: a capture at a rate past sense and past a drained raw socket, and what became of it."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from agent.sense import SNAPSHOT_SECONDS
from bench.delivery.processes import cpu_seconds
from bench.live.drain import Drained
from bench.live.place import NEAR
from bench.live.send import send
from bench.live.station import OUTPUTS, Station
from bench.live.traffic import Traffic

SETTLE_SECONDS = 40.0
"""Until sense has told its counters (every 5 s), incidents have ended and outputs have sent all."""
QUIET_SECONDS = 0.3
"""How long the last batch may take: the kernel holds packets back for a tenth of a second."""

_CEF = re.compile(r"\|trail-[a-z0-9-]+\|.* cnt=(\d+) ")
_LOSSES = (
    "sightings_lost_total",
    "scan_sightings_shed_total",
    "uplink_events_lost_total",
    "output_events_dropped_total",
    "condense_lost_total",
)
"""Counters of sense and deliver that are to stay where they are."""


_AT_REST = (
    "capture_packets_received_total",
    "scan_packets_total",
    "capture_packets_dropped_total",
    "incidents",
    "queue_events",
    "uplink_events_waiting",
)
"""Metrics that tell whether there is something on its way."""


class Load(NamedTuple):
    """What was offered, and where it went; packets unless the name says otherwise.

    `received` are sense's, its own deliveries included; `dropped` those for which its ring had no
    room. `wire_dropped` never reached a socket. `cpu_ns` is sense's processor time a packet.
    `told` are the observations that each receiver was told of, `events` how many lines that took,
    `events_meanwhile` how many all outputs sent a second while packets came. `lost` is what sense
    and deliver say they lost behind the ring, by metric.
    """

    traffic: str
    load_average: float
    asked: float
    offered: float
    sent: int
    received: int
    dropped: int
    wire_dropped: int
    drained: Drained
    cpu_ns: float
    hits: int
    told: Mapping[str, int]
    events: Mapping[str, int]
    events_meanwhile: float
    lost: Mapping[str, int]

    @property
    def is_whole(self) -> bool:
        """Whether every packet was scanned, and every hit told to every receiver."""
        return (
            self.dropped == self.wire_dropped == sum(self.lost.values()) == 0
            and self.received >= self.sent
            and all(count == self.hits for count in self.told.values())
        )


def run(station: Station, traffic: Traffic, rate: float, seconds: float) -> Load:
    """Offer `traffic` at `rate` packets a second for some seconds.

    The station is at rest before, and afterwards. Raise OSError, SubprocessError, TimeoutError.
    """
    loops = max(1, round(rate * seconds / traffic.packets))
    average = os.getloadavg()[0]
    before, on_wire = station.metrics(), station.place.dropped()
    marks = {name: len(station.lines(name)) for name in OUTPUTS}
    cpu, begin = cpu_seconds(station.sense.pid), time.monotonic()
    with _draining(station) as ended:
        sent = send(station.place, traffic.path, rate, loops)
        time.sleep(QUIET_SECONDS)
        took = time.monotonic() - begin
        cpu = cpu_seconds(station.sense.pid) - cpu
        meanwhile = station.metrics()["output_events_sent_total"]
        meanwhile -= before["output_events_sent_total"]
        settle(station, before["scan_packets_total"])
        drained = ended()
    after = station.metrics()

    def counted(name: str) -> int:
        return int(after.get(name, 0.0) - before.get(name, 0.0))

    lines = {name: station.lines(name)[marks[name] :] for name in OUTPUTS}
    return Load(
        traffic=traffic.name,
        load_average=average,
        asked=rate,
        offered=sent.rate,
        sent=sent.packets,
        received=counted("capture_packets_received_total"),
        dropped=counted("capture_packets_dropped_total"),
        wire_dropped=station.place.dropped() - on_wire,
        drained=drained,
        cpu_ns=cpu * 1e9 / sent.packets,
        hits=traffic.hits * loops,
        told={name: sum(map(_observations, lines[name])) for name in OUTPUTS},
        events={name: len(lines[name]) for name in OUTPUTS},
        events_meanwhile=meanwhile / took,
        lost={name: counted(name) for name in _LOSSES if counted(name)},
    )


@contextmanager
def _draining(station: Station) -> "Iterator[_Ended]":
    """Drain a raw socket beside sense; what is yielded ends that and returns its counts."""
    module = [sys.executable, "-m", "bench.live.drain", NEAR]
    command = station.place.inside.command(*module)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None or process.stdout.readline() != "ready\n":
                raise OSError("no raw socket could be opened")
            yield _Ended(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()


class _Ended:
    """Ends a process that drains, and returns what it counted."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __call__(self) -> Drained:
        self._process.send_signal(signal.SIGTERM)
        said, _ = self._process.communicate(timeout=SETTLE_SECONDS)
        return Drained(**json.loads(said))


def settle(station: Station, beyond: float = -1.0) -> None:
    """Wait until nothing is on its way any more, and that is told; raise TimeoutError.

    More packets than `beyond` are scanned by then: what was told before they came is no rest.
    """
    end = time.monotonic() + SETTLE_SECONDS
    last: dict[str, float] = {}
    time.sleep(SNAPSHOT_SECONDS + QUIET_SECONDS)  # what sense said last may be of before
    while time.monotonic() < end:
        time.sleep(QUIET_SECONDS)
        now = station.metrics()
        scanned = now.get("scan_packets_total", 0.0) + now.get("capture_packets_dropped_total", 0.0)
        is_quiet = (
            now.get("capture_packets_received_total", -1.0) == scanned > beyond
            and now["incidents"] == now["queue_events"] == now["uplink_events_waiting"] == 0.0
            and now["link_events_total"] == last.get("link_events_total")
        )
        if is_quiet:
            return
        last = now
    rest = {name: last.get(name) for name in _AT_REST}
    raise TimeoutError(f"sense and deliver do not come to rest in {SETTLE_SECONDS:g} s: {rest}")


def _observations(line: str) -> int:
    """Return how many observations of trails a line tells of."""
    if line.startswith("{"):
        event = json.loads(line)
        return int(event["count"]) if event["class"].startswith("trail-") else 0
    found = _CEF.search(line)
    return int(found[1]) if found else 0
