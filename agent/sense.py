"""The sensing process: workers, the pipeline behind them, reload, and the link's one end."""

import logging
import os
import secrets
import select
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Protocol

from agent import __version__, coverage, endings, link, notify, process_samples
from agent.allow import AllowList
from agent.behaviours import bank
from agent.blind_spots import WINDOW_SECONDS, BlindSpots
from agent.canary import EVERY_SECONDS, TRAIL, Canary
from agent.capture import Fanout, is_missing, wanted
from agent.config import ConfigError, Settings
from agent.faults import Faults
from agent.heartbeat import Heartbeat
from agent.ids import random_ids
from agent.interface_loss import on_wire
from agent.link import Sample, Snapshot
from agent.losses import Counted, Losses, Place
from agent.model import AGENT_DEGRADED, AGENT_LOSS, NO_SET, Event, Evidence
from agent.notices import AgentNotices
from agent.outages import Outages
from agent.own_traffic import OwnTraffic
from agent.pipeline import Pipeline, sensor_name
from agent.reloads import Reloads
from agent.scan import is_compiled, stats
from agent.scan.duplicates import Duplicates
from agent.set_loader import SetLoader
from agent.sets import build_own, empty_set, merged_filters
from agent.shedding import Shed, highest
from agent.totals import Totals
from agent.trails.find import Trails
from agent.trails.set import TrailSet
from agent.uplink import Uplink
from agent.watchdog import Loop, Watchdog
from agent.worker import Sets, Worker

PROCESS: Evidence = {"process": "sense"}
"""In the events of deliver about itself it is `deliver`."""

TICK_SECONDS = 0.1
INTERFACES_SECONDS = 3.0
SET_SECONDS = 2.0
SNAPSHOT_SECONDS = 5.0
SHEDDING_SECONDS = 1.0
LAG_US = 500_000
"""How far workers may be behind the clock, in packets' time, before a second counts as over."""
TURN_SECONDS = 10.0
"""What one turn may take: a minute's parcels of a storm are matched in less."""
MEET_SECONDS = 1.0
"""How long the start waits for deliver's first words, where it is there at all."""
STOP_SECONDS = 3.0
"""How long the last events may take to reach deliver at a stop."""
SWITCH_SECONDS = 0.0005
"""How long a thread keeps the interpreter lock while a worker wants it; Python's 5 ms are a
thousand packets."""

_ANY = "any interface"
_NO_SET, _SET, _RELOAD = "no set", "set", "reload"
"""What may be at fault here, beside interfaces."""

_Counted = tuple[str, tuple[tuple[str, str], ...]]
"""A metric's name and labels."""

_log = logging.getLogger("agent.sense")


class Stop(Protocol):
    """What ends the process: an event that a signal handler sets."""

    def is_set(self) -> bool:
        """Tell whether to stop."""


class Sense:
    """Everything between the wire and the link. Raise ConfigError."""

    def __init__(self, settings: Settings, state_dir: Path, run_dir: Path) -> None:
        self._settings = settings
        self._ids = random_ids()
        self._seed = secrets.randbits(64)
        self._own = OwnTraffic()
        self._uplink = Uplink(run_dir / "events.sock", self._ids(), __version__, self._own)
        self._notices = AgentNotices(
            sensor_name(settings), settings.sensor.site or "", settings.sensor.tags, self._ids
        )
        self._loader = SetLoader(state_dir)
        self._sets = self._open_sets(settings, None)
        self._allow = AllowList.load(settings.allow_list, _now_us())
        self._pipeline = self._make_pipeline(settings, self._sets, self._allow)
        self._before: Counter[_Counted] = Counter()
        self._canary = Canary(*self._sets, self._notices)
        self._workers: list[Worker] = []
        self._totals = Totals(self._workers)
        self._duplicates = Duplicates()
        self._fanouts: dict[str, Fanout] = {}
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        os.set_blocking(self._wake_read, False)
        self._due: dict[str, float] = {}
        self._reload: Settings | None = None
        self._told_start = False
        self._told_ready = False
        self._faults = Faults(self._notices)
        self._losses = Losses(self._notices)
        self._outages = Outages(self._faults)
        self._blind_spots = BlindSpots(self._faults)
        self._shed_packets = Shed(self._faults)
        self._captured: set[str] = set()
        self._heartbeat = Heartbeat(sensor_name(settings), time.monotonic())
        self.reloads = Reloads()
        self._started = time.time()
        self._turned = 0.0
        states = state_dir / "state"
        self._endings = endings.Endings(states, "sense", "sense")
        self._watchdog = Watchdog(self._loops, partial(endings.note_hang, states / "sense"))

    def reload(self, settings: Settings) -> None:
        """Use other settings from the next turn on; safe to call from a signal handler."""
        self._reload = settings

    def run(self, stop: Stop) -> int:
        """Sense until `stop`; return the exit status."""
        sys.setswitchinterval(SWITCH_SECONDS)
        self._loader.look()
        self._loader.wait()
        self._adopt_loaded()
        self._tell(
            [
                self._notices.start(
                    _now_us(), __version__, {**PROCESS, "build": _build(), "set": self._set_id}
                )
            ]
        )
        self._told_start = True
        if self._set_id == NO_SET:
            self._tell(
                self._faults.begin(
                    _NO_SET,
                    _now_us(),
                    "no trail set is published: own trails and behaviours only",
                    "run maltrail-agent update",
                )
            )
        self._follow_interfaces()
        self._check_canary(time.monotonic())
        self._meet_deliver()
        while not stop.is_set():
            self._turn(time.monotonic())
        return self._end()

    @property
    def _set_id(self) -> str:
        return self._sets.published.set_id if self._sets.published.info.keys else NO_SET

    @property
    def _own_trails(self) -> int:
        return self._sets.own.info.keys - 1  # the canary is none

    def _turn(self, now: float) -> None:
        """Do once around what is due."""
        self._turned = now
        select.select([self._wake_read], [], [], TICK_SECONDS)
        self._clear_wake()
        self._tell_ready()
        for worker in self._workers:
            self._take_parcels(worker)
        self._tell(self._pipeline.judge(_now_us() - LAG_US))
        self._tell(self._pipeline.tick(_now_us()))
        if self._is_due("interfaces", now, INTERFACES_SECONDS):
            self._follow_interfaces()
        if self._is_due("set", now, SET_SECONDS):
            self._loader.look()
        self._adopt_loaded()
        self._apply_reload()
        self._check_canary(now)
        self._uplink.step(now)
        self._own.forget(now)
        if self._is_due("snapshot", now, SNAPSHOT_SECONDS):
            self._tell_losses()
            self._uplink.snapshot(self.snapshot())
        if self._is_due("shedding", now, SHEDDING_SECONDS):
            self._tell_shedding()
        if self._is_due("coverage", now, WINDOW_SECONDS):
            self._tell(self._blind_spots.tell(self._totals.counters(), _now_us()))
        if self._heartbeat.is_due(now, self._settings.heartbeat.every):
            self._tell([self._notices.heartbeat(_now_us(), self._vital_signs(now))])

    def _meet_deliver(self) -> None:
        """Learn which sockets are our own before the first packet is judged."""
        deadline = time.monotonic() + MEET_SECONDS
        while (now := time.monotonic()) < deadline:
            self._uplink.step(now)
            if self._uplink.knows_flows or not self._uplink.connected:
                break
            select.select([], [], [], TICK_SECONDS / 10)

    def _check_canary(self, now: float) -> None:
        """Check detection where that is due; after a change of sets it is."""
        if self._is_due("canary", now, EVERY_SECONDS):
            self._tell(self._canary.check(self._pipeline.matcher, _now_us()))

    def _take_parcels(self, worker: Worker) -> None:
        parcels = []
        while worker.parcels:
            parcels.append(worker.parcels.popleft())
        if parcels:
            # deliver told of its sockets before the packets in these parcels left.
            self._uplink.receive(time.monotonic())
        for parcel in parcels:
            self._tell(self._pipeline.sightings(parcel.sightings))
            self._pipeline.hot(parcel.hot, parcel.interface)
        harmless = self._pipeline.take_harmless()
        if harmless:
            for each in self._workers:
                each.learn(harmless)

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            if event.class_id in (AGENT_DEGRADED, AGENT_LOSS):
                _log.warning("%s", event.info)
            self._uplink.offer(event)

    def _tell_refused(self, key: str, what: str, remedy: str) -> None:
        """Tell of a refusal, also while an earlier one still stands: this is another."""
        self._faults.forget(key)
        self._tell(self._faults.begin(key, _now_us(), what, remedy))

    def _tell_losses(self) -> None:
        if not self._uplink.has_room:
            return  # what tells of a loss would be lost itself; the counts wait
        self._tell(self._losses.tell(self._lost(), _now_us()))

    def _lost(self) -> Counted:
        """Return what was lost on this side so far, by place and reason."""
        lost = {
            Place(f"capture on {name}", "packets"): {
                "kernel": counted.dropped,
                "interface": counted.interface_dropped,
            }
            for name, counted in self._totals.captured().items()
        }
        lost[Place("the way to deliver", "events")] = {"ring": self._uplink.lost}
        lost[Place("the scanner", "sightings")] = {
            "queue-full": self._totals.dropped_sightings(),
            **self._totals.shed(),
        }
        evicted = self._totals.evicted().total()
        lost[Place("the counters of behaviours", "keys")] = {"table-full": evicted}
        over = ("contents_over_budget_total", ())
        lost[Place("the behaviours", "sightings")] = {
            "over-budget": self._before[over] + self._pipeline.contents.counts()["over_budget"]
        }
        return lost

    def _make_pipeline(self, settings: Settings, sets: Sets, allow: AllowList) -> Pipeline:
        """Wire the rooms behind the scanner; raise ConfigError."""
        trails = Trails(sets.own, sets.published)
        pipeline = Pipeline(settings, trails, allow, self._ids, own=self._own)
        pipeline.adopt(trails, self._set_id)
        return pipeline

    # Interfaces

    def _follow_interfaces(self) -> None:
        """Open what appeared, close what is no longer wanted or vanished."""
        names = wanted(self._settings.capture.interfaces)
        gone = {name: workers for name, workers in self._totals.by_interface() if name not in names}
        for worker in chain(*gone.values()):
            worker.ask_stop()
        for name, workers in gone.items():
            self._retire(name, workers)
        present = {worker.interface for worker in self._workers}
        for name in sorted(names - present):
            self._start_workers(name)
        self._tell_outages()

    def _tell_ready(self) -> None:
        """Tell, once, that what can be captured is captured."""
        if self._told_ready or not all(w.is_open or w.failure for w in self._workers):
            return
        self._told_ready = True
        notify.ready(self._status())
        self._watchdog.start()
        self._tell_ending()

    def _tell_ending(self) -> None:
        """Tell how the run before this one ended, unless it was asked to."""
        ending = self._endings.news()
        if ending:
            effect = "nothing was captured"
            self._tell([endings.told(ending, "sense", self._notices, effect)])

    def _tell_outages(self) -> None:
        """Tell of interfaces that are meant to be captured and are not."""
        missing: dict[str, str] = {}
        captured = set()
        for name, workers in self._totals.by_interface():
            closed = [worker for worker in workers if not worker.is_open]
            if closed:
                missing[name] = closed[0].failure.removeprefix(f"{name}: ") or "it does not open"
            else:
                captured.add(name)
        self._captured |= captured
        for name in self._captured - captured - missing.keys():
            if is_missing(name):  # `auto` leaves it out as long as it is down
                missing[name] = "it is not up"
            else:
                self._captured.remove(name)
        if self._workers:
            captured.add(_ANY)
        else:
            missing[_ANY] = "there is none that is up"
        self._tell(self._outages.tell(missing, captured, time.monotonic(), _now_us()))

    def _tell_shedding(self) -> None:
        for name, workers in self._totals.by_interface():
            changes = [worker.shedding.take_changes() for worker in workers]
            levels = [worker.shedding.level for worker in workers]
            for change in highest(changes, levels):
                passed_us = int((time.monotonic() - change.at) * 1e6)
                self._tell(self._shed_packets.tell(name, change.after, _now_us() - passed_us))
            level = max(levels)
            if not any(changes):  # a worker that opens anew begins with nothing shed
                self._tell(self._shed_packets.tell(name, level, _now_us()))
            if not self._settings.capture.filter:
                received = sum(worker.stats.received for worker in workers)
                self._shed_packets.count(name, level, on_wire(name), received)

    def _start_workers(self, name: str) -> None:
        count = self._settings.capture.workers
        fanout = Fanout() if count > 1 else None
        for _ in range(count):
            made = bank(
                self._pipeline.detections,
                self._settings.limits.tables_mb,
                count,
                self._seed,
                name,
            )
            worker = Worker(
                name,
                self._settings.capture,
                fanout,
                self._sets,
                made,
                self._pipeline.contents.wanted,
                self._wake,
            )
            worker.scanner.compare(self._duplicates)
            worker.start()
            self._workers.append(worker)
        self._share_counters()
        _log.info("capturing on %s with %d worker(s)", name, count)

    def _retire(self, name: str, workers: Sequence[Worker]) -> None:
        for worker in workers:
            worker.join()
            self._take_parcels(worker)
            self._workers.remove(worker)
        self._totals.finished.add(name, workers)
        self._share_counters()
        _log.info("no longer capturing on %s", name)

    def _share_counters(self) -> None:
        self._pipeline.use_banks([worker.scanner.bank for worker in self._workers])

    # Sets

    def _open_sets(self, settings: Settings, published: TrailSet | None) -> Sets:
        published = published or empty_set(self._seed)
        own = build_own(settings, published.seed, [TRAIL])
        for reason, refused in own.info.inert.items():
            _log.warning(
                "trails.custom: %d row(s) can never match (%s), such as %s",
                refused.count,
                reason,
                ", ".join(refused.samples),
            )
        return Sets(own, published, merged_filters(own, published))

    def _adopt_loaded(self) -> None:
        refused = self._loader.take_error()
        if refused:
            remedy = "the set in use stays; run maltrail-agent update, or publish a good one"
            self._tell_refused(_SET, refused, remedy)
        published = self._loader.take()
        if published is None:
            return
        with self._watchdog.patience():
            self._use(self._open_sets(self._settings, published))
        _log.info("using trail set %s with %d trails", self._set_id, published.info.keys)
        self._tell(self._faults.end(_SET, _now_us(), "a good trail set is in use"))
        if self._set_id != NO_SET:
            self._tell(self._faults.end(_NO_SET, _now_us(), "a trail set is in use"))
        if self._told_start:  # which names the set that is there at the start
            self._tell([self._notices.reload(_now_us(), f"trail set {self._set_id}", PROCESS)])

    def _use(self, sets: Sets) -> None:
        self._sets = sets
        self._pipeline.adopt(Trails(sets.own, sets.published), self._set_id)
        self._notices.set_id = self._set_id
        self._canary.adopt(*sets)
        self._due.pop("canary", None)
        for worker in self._workers:
            worker.adopt(sets)

    # Reload

    def _apply_reload(self) -> None:
        """Put new settings in force as far as running parts allow; say what needs a restart."""
        settings, self._reload = self._reload, None
        if settings is None:
            return
        notify.reloading()
        with self._watchdog.patience():
            self._use_settings(settings)
        notify.ready(self._status())

    def _use_settings(self, settings: Settings) -> None:
        try:
            allow = AllowList.load(settings.allow_list, _now_us())
            published = self._sets.published if self._sets.published.info.keys else None
            sets = self._open_sets(settings, published)
            pipeline = self._make_pipeline(settings, sets, allow)
        except ConfigError as error:
            self.reloads.failed()
            self._tell_refused(
                _RELOAD, f"reload refused: {error}", "the old settings stay; correct it"
            )
        else:
            self.reloads.succeeded()
            later = _needs_restart(self._settings, settings)
            self._tell(self._pipeline.flush())
            self._before.update(self._pipeline_counts())  # counters never go back
            self._settings, self._allow, self._pipeline = settings, allow, pipeline
            self._use(sets)
            self._share_counters()
            self._loader.forgive()
            told = "settings" + (f"; {', '.join(later)} change at a restart" if later else "")
            _log.info("reloaded: %s", told)
            self._tell(self._faults.end(_RELOAD, _now_us(), "the settings are in force"))
            self._tell([self._notices.reload(_now_us(), told, PROCESS)])

    # Metrics and life

    def snapshot(self) -> Snapshot:
        """Return all counters, and whether detection works."""
        reason = self._unready()
        samples = [
            *self._process_samples(not reason),
            *self._totals.samples(self._shed_packets),
            *self._other_samples(),
        ]
        samples.sort(key=_rank)
        return Snapshot(tuple(samples), not reason, reason, self._set_id, self._coverage())

    def _coverage(self) -> link.Coverage:
        counters = self._totals.counters()
        captured = self._totals.captured().values()
        dropped = sum(one.dropped + one.interface_dropped for one in captured)
        read = self._pipeline.matcher.quic
        quic = {**read.said, **read.dropped}
        found = coverage.missed(coverage.Counted(counters, self._totals.unread(), quic, dropped))
        return link.Coverage(
            counters["packets"],
            coverage.is_read(counters),
            tuple(link.Missed(*entry) for entry in found),
        )

    def _process_samples(self, is_ready: bool) -> Iterable[Sample]:
        yield Sample("sense_ready", float(is_ready))
        name = "sense_config_last_reload"
        yield Sample(f"{name}_successful", float(self.reloads.is_good))
        yield Sample(f"{name}_success_timestamp_seconds", self.reloads.last_good)
        yield from process_samples.samples("sense", self._started)

    def _other_samples(self) -> Iterable[Sample]:
        info = self._sets.published.info
        for kind, size in info.counts.items():
            yield Sample("trails_loaded", size, {"kind": kind})
        yield Sample("own_trails_loaded", self._own_trails)
        yield from self._canary.samples()
        yield Sample("allow_list_entries", len(self._allow.active()))
        yield Sample("trails_built_timestamp_seconds", info.built_us / 1e6 if info.keys else 0)
        yield Sample("incidents", self._pipeline.condenser.counts()["incidents"])
        counted = self._pipeline_counts()
        counted.update(self._before)
        for (name, labels), value in counted.items():
            yield Sample(name, value, dict(labels))
        yield Sample("uplink_events_lost_total", self._uplink.lost)
        yield Sample("uplink_events_waiting", self._uplink.waiting)
        yield Sample("uplink_connects_total", self._uplink.reconnects)
        yield Sample("scanner_compiled", float(is_compiled()))

    def _pipeline_counts(self) -> "Counter[_Counted]":
        """Return what the rooms behind the scanner counted since the last reload."""
        pipeline = self._pipeline
        counted: Counter[_Counted] = Counter()
        counted["canary_traffic_total", ()] = pipeline.canary_traffic
        counted["hits_total", ()] = pipeline.hits
        counted["own_traffic_total", ()] = pipeline.own_traffic
        for name, value in pipeline.condenser.counts().items():
            if name != "incidents":
                counted[f"condense_{name}_total", ()] = value
        for by, value in self._allow.counts().items():
            counted["hits_allowed_total", (("by", by),)] = value
        for entry, value in self._allow.suppressed().items():
            counted["allow_list_hits_total", (("entry", entry),)] = value
        for entry, value in pipeline.suppressions.counts().items():
            counted["suppressed_total", (("entry", entry),)] = value
        counted["user_agents_unjudged_total", ()] = pipeline.matcher.agents.refused
        for what, value in pipeline.contents.counts().items():
            counted[f"contents_{what}_total", ()] = value
        for name, value in pipeline.matcher.quic.said.items():
            counted["quic_hellos_total", (("name", name),)] = value
        for reason, value in pipeline.matcher.quic.dropped.items():
            counted["quic_dropped_total", (("reason", reason),)] = value
        return counted

    def _vital_signs(self, now: float) -> Evidence:
        """Return what a heartbeat tells; `events` were made, `uplink_lost` of them never sent."""
        captured = self._totals.captured().values()
        return {
            **PROCESS,
            "uptime": int(now - self._heartbeat.started),
            "version": __version__,
            "build": _build(),
            "set": self._set_id,
            "trails": self._sets.published.info.keys,
            "own_trails": self._own_trails,
            "packets": sum(one.received for one in captured),
            "dropped_kernel": sum(one.dropped for one in captured),
            "dropped_interface": sum(one.interface_dropped for one in captured),
            "scan_errors": self._totals.scanned()[stats.ERRORS],
            "sightings_lost": self._totals.dropped_sightings() + sum(self._totals.shed().values()),
            "hits": self._before["hits_total", ()] + self._pipeline.hits,
            "incidents": self._pipeline.condenser.counts()["incidents"],
            "events": self._uplink.offered,
            "uplink_lost": self._uplink.lost,
            "uplink_waiting": self._uplink.waiting,
            **self._canary.evidence(_now_us()),
        }

    def _unready(self) -> str:
        if not self._sets.published.info.keys:
            return "no trail set is published"
        if not self._workers:
            return "no interface to capture on"
        closed = sorted({worker.interface for worker in self._workers if not worker.is_open})
        return f"capture is not open on {', '.join(closed)}" if closed else ""

    def _status(self) -> str:
        names = sorted({worker.interface for worker in self._workers})
        return f"capturing on {', '.join(names) or 'nothing'}; trail set {self._set_id}"

    def _loops(self) -> Iterator[Loop]:
        """Yield what the watchdog watches over; called by its thread."""
        yield Loop("the main loop", self._turned, TURN_SECONDS)
        for worker in tuple(self._workers):
            limit = worker.limit  # first: a worker that opens beats before its limit gets short
            yield Loop(f"the capture worker on {worker.interface}", worker.heartbeat, limit)

    def _is_due(self, what: str, now: float, every: float) -> bool:
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every
        return True

    def _wake(self) -> None:
        try:
            os.write(self._wake_write, b"w")
        except BlockingIOError:
            return  # the pipe is full: the main thread is awake anyway

    def _clear_wake(self) -> None:
        try:
            while os.read(self._wake_read, 4096):
                pass
        except BlockingIOError:
            return

    def _end(self) -> int:
        """Stop workers, end incidents, and give deliver a moment to take the rest."""
        notify.stopping()
        self._watchdog.stop()
        for worker in self._workers:
            worker.ask_stop()
        for worker in self._workers:
            worker.join(STOP_SECONDS)
            self._take_parcels(worker)
        self._tell(self._pipeline.judge_last(_now_us()))
        self._tell(self._pipeline.flush())
        self._tell([self._notices.stop(_now_us(), "asked to stop", PROCESS)])
        deadline = time.monotonic() + STOP_SECONDS
        while self._uplink.waiting and time.monotonic() < deadline:
            self._uplink.step(time.monotonic())
            if not self._uplink.connected:
                break
            select.select([], [], [], TICK_SECONDS / 10)
        if self._uplink.waiting:
            _log.warning("%d events did not reach deliver", self._uplink.waiting)
        self._uplink.close()
        return 0


def run(settings: Settings, state_dir: Path, run_dir: Path, stop: Stop) -> int:
    """Sense until `stop`; return the exit status. Raise ConfigError before anything started."""
    return Sense(settings, state_dir, run_dir).run(stop)


def _needs_restart(old: Settings, new: Settings) -> list[str]:
    """Return the sections whose change running parts do not take."""
    return [
        name
        for name in ("capture", "detections", "limits", "sensor")
        if getattr(old, name) != getattr(new, name)
    ]


def _rank(sample: Sample) -> int:
    """Put last what there may be more of than a page takes: interfaces, then entries."""
    return 2 if "entry" in sample.labels else int("interface" in sample.labels)


def _build() -> str:
    return "compiled" if is_compiled() else "plain"


def _now_us() -> int:
    return time.time_ns() // 1000
