"""The status page's numbers: what deliver knows of itself, of sense, of outputs and lists.

Everything is read where it is counted when a page is asked for. Only the last minute of traffic and
the last events are remembered.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from agent import __version__
from agent.config import Settings
from agent.deliver.lane import Lane
from agent.deliver.lists import Lists
from agent.deliver.server import Server
from agent.deliver.status_document import (
    Detection,
    Frame,
    Interface,
    ListState,
    OutputState,
    Sense,
    Status,
    Traffic,
    Updates,
)
from agent.deliver.status_events import RecentEvents, short
from agent.deliver.status_judge import answers, worst
from agent.deliver.status_settings import settings_shown, shown_url
from agent.link import Coverage, Missed, Snapshot
from agent.model import NO_SET, Event

WINDOW = 60.0
"""Seconds that "now" means for traffic."""

MAX_ROWS = 100
"""Interfaces, lists or protocols shown: more is no page."""

MAX_SAMPLES = 2000
"""Values read of a snapshot: a host with many interfaces has some hundred."""

MAX_NUMBER = 1e15
"""What sense says is checked: beyond this a number is none."""

Labels = tuple[tuple[str, str], ...]


class _Point(NamedTuple):
    at: float
    packets: int
    dropped: int


class Board:
    """Collects and answers; `settings` may be changed. Times in arguments are monotonic."""

    def __init__(
        self,
        settings: Settings,
        sensor: str,
        server: Server,
        lanes: Callable[[], Sequence[Lane]],
        lists: Lists,
    ) -> None:
        self.settings = settings
        # On their own terminal only those look who may read the lists.
        self.events = RecentEvents(settings.http.status and settings.http.mask_custom)
        self._sensor = sensor
        self._server = server
        self._lanes = lanes
        self._lists = lists
        self._started = time.time()
        self._points: deque[_Point] = deque()
        self._last: Snapshot | None = None

    def note(self, events: Sequence[Event], of_sense: bool) -> None:
        """Remember events, of sense or of deliver."""
        self.events.note(events, of_sense)

    def frame(self, now: float, clock: float) -> Frame:
        """Return what a terminal shows: everything but the settings."""
        count = self.events.count  # before the events, so that none is taken for shown
        status = msgspec.structs.replace(self.status(now, clock), settings=())
        return Frame(status=status, detections=count)

    def tick(self, now: float) -> None:
        """Remember what sense counted so far; called every second or so."""
        snapshot = self._server.sense.snapshot
        if snapshot is None or snapshot is self._last:
            return
        self._last = snapshot
        traffic = _traffic(_samples(snapshot))
        point = _Point(now, traffic.packets, traffic.dropped)
        last = self._points[-1] if self._points else point
        if point.packets < last.packets or point.dropped < last.dropped:
            self._points.clear()  # another sense, which counts from zero
        self._points.append(point)
        while len(self._points) > 2 and now - self._points[1].at >= WINDOW:
            self._points.popleft()

    def status(self, now: float, clock: float) -> Status:
        """Return everything as it is; `clock` is seconds since 1970."""
        known = self._server.sense
        snapshot = known.snapshot or Snapshot((), ready=False)
        samples = _samples(snapshot)
        sense = Sense(
            is_connected=known.connected,
            version=short(known.version),
            told=clock - (now - known.snapshot_at) if known.snapshot else 0.0,
        )
        traffic = self._recent(_traffic(samples), now)
        detection = _detection(snapshot, samples)
        outputs = tuple(_output(lane) for lane in self._lanes())
        updates = _updates(self._lists)
        coverage = _coverage(snapshot.coverage)
        told = answers(sense, traffic, detection, outputs, updates, coverage, clock)
        return Status(
            sensor=short(self._sensor),
            site=short(self.settings.sensor.site or ""),
            version=__version__,
            time=clock,
            started=self._started,
            level=worst(one.level for one in told),
            answers=told,
            troubles=self.events.troubles(),
            sense=sense,
            traffic=traffic,
            detection=detection,
            outputs=outputs,
            updates=updates,
            coverage=coverage,
            detections=self.events.detections(),
            notices=self.events.notices(),
            settings=settings_shown(self.settings),
        )

    def _recent(self, total: Traffic, now: float) -> Traffic:
        """Return the totals by interface with the packets and drops of the last minute."""
        points = list(self._points)
        if len(points) < 2 or now - points[-1].at > WINDOW:
            return msgspec.structs.replace(total, packets=0, dropped=0)
        first, last = points[0], points[-1]
        return msgspec.structs.replace(
            total,
            seconds=last.at - first.at,
            packets=last.packets - first.packets,
            dropped=last.dropped - first.dropped,
        )


class _Samples(dict[tuple[str, Labels], float]):
    """The values of a snapshot by name and labels."""

    def number(self, name: str, **labels: str) -> int:
        return int(self.get((name, tuple(sorted(labels.items()))), 0.0))

    def by(self, name: str, label: str) -> Mapping[str, int]:
        """Return a metric's values by one label, added up over the others."""
        found: dict[str, int] = {}
        for (other, labels), value in self.items():
            if other == name:
                key = short(dict(labels).get(label, ""))
                found[key] = found.get(key, 0) + int(value)
        return found


def _samples(snapshot: Snapshot) -> _Samples:
    found = _Samples()
    for sample in snapshot.samples[:MAX_SAMPLES]:
        if math.isfinite(sample.value) and 0 <= sample.value <= MAX_NUMBER:
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def _traffic(samples: _Samples) -> Traffic:
    """Return the totals; `packets` and `dropped` are of all interfaces since sense started."""
    packets = samples.by("capture_packets_received_total", "interface")
    is_open = samples.by("capture_up", "interface")
    level = samples.by("capture_shed_level", "interface")
    shed = samples.by("capture_packets_shed_total", "interface")
    dropped = {
        (dict(labels).get("interface", ""), dict(labels).get("reason", "")): int(value)
        for (name, labels), value in samples.items()
        if name == "capture_packets_dropped_total"
    }
    names = sorted({*packets, *is_open})[:MAX_ROWS]
    return Traffic(
        interfaces=tuple(
            Interface(
                name=name,
                is_open=bool(is_open.get(name)),
                packets=packets.get(name, 0),
                dropped_kernel=dropped.get((name, "kernel"), 0),
                dropped_interface=dropped.get((name, "interface"), 0),
                shed_level=level.get(name, 0),
                shed=shed.get(name, 0),
            )
            for name in names
        ),
        packets=sum(packets.values()),
        dropped=sum(dropped.values()),
        lost_events=samples.number("uplink_events_lost_total"),
        lost_sightings=samples.number("sightings_lost_total"),
    )


def _detection(snapshot: Snapshot, samples: _Samples) -> Detection:
    return Detection(
        is_ready=snapshot.ready,
        reason=short(snapshot.reason),
        canary_ok=bool(samples.number("canary_success")),
        canary_last_success=samples.get(("canary_last_success_timestamp_seconds", ()), 0.0),
        set="" if snapshot.set == NO_SET else short(snapshot.set),
        built=samples.get(("trails_built_timestamp_seconds", ()), 0.0),
        trails=samples.by("trails_loaded", "kind"),
        own_trails=samples.number("own_trails_loaded"),
        hits=samples.number("hits_total"),
        incidents=samples.number("incidents"),
        is_compiled=bool(samples.number("scanner_compiled")),
    )


def _output(lane: Lane) -> OutputState:
    state = lane.state
    options = lane.settings.options
    places = [options[key] for key in ("address", "addresses", "url", "path") if options.get(key)]
    flat = [one for place in places for one in (place if isinstance(place, list) else [place])]
    return OutputState(
        name=short(lane.name),
        type=short(lane.settings.type),
        to=short(shown_url(", ".join(map(str, flat)))),
        is_connected=lane.connected,
        last_success=lane.tally.last_success,
        last_error=lane.tally.last_error,
        sent=lane.tally.sent,
        waiting=state.events,
        oldest=state.oldest or 0.0,
        last_seq=state.last_seq,
        lost={reason: count for reason, count in lane.dropped.items() if count},
        journal=short(lane.queue.trouble or "good") if lane.has_journal else "none",
    )


def _updates(lists: Lists) -> Updates:
    found = lists.health
    if found is None:
        return Updates()
    return Updates(
        ended=found.time,
        last_good=found.last_good,
        status=short(found.status),
        reason=short(shown_url(found.reason)),
        expires=found.expires,
        lists=tuple(
            ListState(
                name=short(one.name),
                last_success=one.last_success,
                failing=one.failing,
                error=short(shown_url(one.error)) if one.failing else "",
                trails=one.trails,
            )
            for one in found.lists[:MAX_ROWS]
        ),
    )


def _coverage(told: Coverage) -> Coverage:
    """Return what sense told, checked: it parses hostile bytes."""
    return Coverage(
        told.packets,
        told.read,
        tuple(
            Missed(short(one.what), one.number, one.of, short(one.remedy))
            for one in told.missed[:MAX_ROWS]
        ),
    )
