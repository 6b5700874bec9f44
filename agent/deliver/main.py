"""deliver: from the socket of sense to the outputs, with metrics and health beside it."""

import logging
import os
import pwd
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from agent import __version__, endings, ids, notify
from agent.config import ConfigError, Http, Output, Settings
from agent.deliver import metrics
from agent.deliver.build import build_sound
from agent.deliver.failures import Failures, Sign
from agent.deliver.http import HttpServer
from agent.deliver.http_access import Access
from agent.deliver.http_pages import pages
from agent.deliver.journal import Bounds, left_behind
from agent.deliver.keeper import Keeper
from agent.deliver.lane import Lane, Place
from agent.deliver.lists import Lists
from agent.deliver.metrics_certificates import Certificates
from agent.deliver.metrics_events import EventCounts
from agent.deliver.presence import Presence
from agent.deliver.queue import CAPACITY, encode
from agent.deliver.server import Server
from agent.deliver.status import Board
from agent.deliver.status_page import status_pages
from agent.deliver.troubles import Troubles
from agent.deliver.vital_signs import with_outputs
from agent.faults import Faults
from agent.link import Flows
from agent.losses import Losses
from agent.losses import Place as Origin
from agent.model import Event, Evidence
from agent.notices import AgentNotices
from agent.published import current_id
from agent.reloads import Reloads
from agent.watchdog import Loop, Watchdog

SOCKET = "events.sock"
PROCESS: Evidence = {"process": "deliver"}
"""In the events of sense about itself it is `sense`."""

SENSE_USER = "maltrail-agent"

DRAIN_SECONDS = 10.0
"""How long the end waits for outputs to take what is queued; systemd waits 30."""

TICK = 1.0
FRESH = 90.0
"""Seconds since the last sign of life of a thread; a look-up of a name may well take thirty, and
so may a disk on which a journal is written."""

READY_WITHIN = 60.0
"""Seconds that the last snapshot of sense may be old for `/readyz`."""

_log = logging.getLogger("deliver")


class Stop(Protocol):
    """What ends `run`: a threading.Event, or anything that waits like one."""

    def wait(self, timeout: float) -> bool:
        """Return true when the end was asked for, false after `timeout` seconds."""


class Deliver:
    """Everything of deliver in one process: `start`, then `run` until stopped, then `close`."""

    def __init__(
        self, settings: Settings, run_dir: Path, state_dir: Path, is_watched: bool = False
    ) -> None:
        """Build all outputs and listen for HTTP; raise ConfigError where a setting is wrong.

        With `is_watched` there is a `board`, whether or not the status page is served.
        """
        self._settings = settings
        self._journals = state_dir / "journal"
        self._last_seqs: dict[str, int] = {}
        self._telling = threading.Lock()
        self._run_id = secrets.token_hex(ids.BYTES)
        self._is_started = False
        self.lanes = tuple(self._make_lane(output) for output in settings.outputs)
        self._share()
        self.server = Server(run_dir / SOCKET, allowed_uids(), self._take_over)
        self._name = sensor_name(settings)
        self._notices = notices(settings, self._name)
        self._notices.set_id = current_id(state_dir)  # until sense tells which one it uses
        self._losses = Losses(self._notices)
        self._troubles = Troubles(self._notices)
        self._failures = Failures(Faults(self._notices))
        self._presence = Presence(self._notices, time.monotonic())
        self._keeper = Keeper(lambda: [lane.queue for lane in self.lanes])
        self._lists = Lists(state_dir, self._notices)
        states = state_dir / "state"
        self._endings = {
            name: endings.Endings(states, name, "deliver") for name in ("deliver", "update")
        }
        self._turned = 0.0
        note_hang = partial(endings.note_hang, states / "deliver")
        self._watchdog = Watchdog(self._loops, note_hang)
        self._counted = EventCounts()
        self.reloads = Reloads()
        render = self._metrics() if settings.http.metrics else None
        table = pages(render, self.unhealthy, self.unready)
        wants_board = settings.http.status or is_watched
        self.board = self._make_board(settings) if wants_board else None
        if self.board and settings.http.status:
            table |= status_pages(self.board)
        self.http = HttpServer(settings.http, table)
        self._listening = settings.http

    def start(self) -> None:
        """Start all threads; raise ConfigError where the socket cannot be used."""
        if not self.lanes:
            _log.warning("outputs: none is configured; events are taken over and forgotten")
        self.server.listen()
        now_us = time.time_ns() // 1000
        self.take([self._notices.start(now_us, __version__, PROCESS)])  # number 1 of every run
        self._is_started = True
        self.tell_endings()
        self.server.start()
        self._keeper.start()
        for lane in self.lanes:
            lane.start()
        self.tell_left_behind(now_us)
        self.http.start()

    def run(self, stop: Stop) -> int:
        """Watch over the threads until `stop`; return the exit status."""
        notify.ready(self._status())
        self._watchdog.start()
        while not stop.wait(TICK):
            self._turned = time.monotonic()
            if not self.server.is_alive:
                _log.error("the link's thread has ended; deliver must start anew")
                return 1
            if self.server.sense.snapshot:
                self._notices.set_id = self.server.sense.snapshot.set
            if self.board:
                self.board.tick(time.monotonic())
            now_us = time.time_ns() // 1000
            self.tell_losses(now_us)
            self.tell_troubles(now_us)
            self.tell_failures(time.monotonic(), now_us)
            self.tell_presence(time.monotonic(), now_us)
            self.tell_lists(now_us)
            self.tell_endings()
        return 0

    def close(self) -> None:
        """Take no more events, send what is queued as long as there is time, end all threads."""
        notify.stopping("sending what is queued")
        self._watchdog.stop()
        why = "asked to stop" if self.server.is_alive else "the link to sense has ended"
        self.server.take_no_more()
        if self._is_started:
            self.take([self._notices.stop(time.time_ns() // 1000, why, PROCESS)])
        deadline = time.monotonic() + DRAIN_SECONDS
        for lane in self.lanes:
            lane.stop(deadline)
        for lane in self.lanes:
            self._join(lane, deadline + TICK)
        self.server.stop()
        self._keeper.stop()
        self.http.stop()

    def reload(self, settings: Settings) -> None:
        """Take over new settings: outputs that did not change carry on undisturbed.

        An output whose files (certificates) have another content has changed; those of HTTP are
        read anew.

        Raise ConfigError, with everything as it was, where a new output cannot be built or a file
        of HTTP be used. The address of HTTP, its pages and the socket stay until a restart.
        """
        notify.reloading()
        try:
            access = Access(settings.http)
            self._replace_lanes(settings)
            self.http.access = access
            if self.board:
                self.board.settings = settings
            self.reloads.succeeded()
            later = _needs_restart(self._listening, settings.http)
            told = "outputs" + (f"; {', '.join(later)} change at a restart" if later else "")
            _log.info("reloaded: %s", told)
            self.take([self._notices.reload(time.time_ns() // 1000, told, PROCESS)])
        except ConfigError as error:
            what, remedy = f"reload refused: {error}", "the old outputs stay; correct it"
            self.take([self._notices.degraded(time.time_ns() // 1000, what, remedy, PROCESS)])
            raise
        finally:
            notify.ready(self._status())

    def take(self, events: Sequence[Event]) -> None:
        """Put the events into the queue of every output that wants them.

        When this returns they are as safe as they get: in the journal, where the output has one.
        """
        if self.board:
            self.board.note(events, of_sense=False)
        self._put(events)

    def _put(self, events: Sequence[Event]) -> None:
        now = time.time()
        self._counted.add(events)
        encoded = [(event, encode(event)) for event in events]
        for lane in self.lanes:
            lane.put(encoded, now)

    def _take_over(self, events: Sequence[Event]) -> None:
        """Take over what sense tells; see `take`. Where no name is set, it has ours.

        Name servers may know this host's full name, and sense cannot ask them.
        """
        if self._settings.sensor.name is None:
            events = [msgspec.structs.replace(event, sensor=self._name) for event in events]
        if self.board:
            self.board.note(events, of_sense=True)
        self._put([with_outputs(event, self.lanes) for event in events])

    def tell_losses(self, now_us: int) -> None:
        """Send an event about what was dropped since the last one."""
        dropped = {Origin(f"output {lane.name}", "events"): lane.dropped for lane in self.lanes}
        self.take([*self._losses.tell(dropped, now_us)])

    def tell_troubles(self, now_us: int) -> None:
        """Send an event about each journal that stopped working, or works again."""
        troubles = {lane.name: lane.queue.trouble for lane in self.lanes}
        self._tell(self._troubles.tell(troubles, now_us))

    def tell_failures(self, now: float, now_us: int) -> None:
        """Send an event about each output that has failed too long, or works again."""
        signs = {
            lane.name: Sign(
                lane.connected,
                sum(lane.tally.errors.values()),
                lane.tally.last_error,
                lane.state.events,
            )
            for lane in self.lanes
        }
        self._tell(self._failures.tell(signs, now, now_us))

    def tell_presence(self, now: float, now_us: int) -> None:
        """Send an event when sense has been away too long, and when it is back."""
        self._tell(self._presence.tell(self.server.sense.connected, now, now_us))

    def tell_left_behind(self, now_us: int) -> None:
        """Send an event about each journal that no output sends from."""
        try:
            found = left_behind(self._journals, (o.name for o in self._settings.outputs))
        except OSError as error:
            _log.warning("%s: cannot be looked through: %s", self._journals, error.strerror)
            return
        # A name that is no UTF-8 could not be told.
        left = {ascii(str(folder))[1:-1]: size for folder, size in found.items()}
        self._tell(self._troubles.left_behind(left, now_us))

    def tell_lists(self, now_us: int) -> None:
        """Send an event about each list whose trouble has lasted too long, or ended."""
        self._lists.refresh()
        self.take([*self._lists.tell(now_us)])

    def tell_endings(self) -> None:
        """Send an event where deliver or update ended and was not asked to; sense tells its own."""
        for name, of in self._endings.items():
            ending = of.news()
            if ending:
                self._tell([endings.told(ending, name, self._notices)])

    def unhealthy(self) -> str:
        """Return which loop shows no sign of life, or nothing."""
        now = time.monotonic()
        beats = {"link": self.server.heartbeat if self.server.is_alive else -FRESH}
        beats |= {f"output {lane.name}": lane.heartbeat for lane in self.lanes}
        stale = [name for name, beat in beats.items() if now - beat > FRESH]
        return f"no sign of life from {', '.join(stale)}" if stale else ""

    def unready(self) -> str:
        """Return why events cannot be expected, or nothing."""
        sense = self.server.sense
        if not sense.connected:
            return "sense is not connected"
        if sense.snapshot is None or time.monotonic() - sense.snapshot_at > READY_WITHIN:
            return "sense is connected but says nothing of its state"
        if not sense.snapshot.ready:
            return " ".join(sense.snapshot.reason.split()) or "sense is not ready"
        return ""

    def _metrics(self) -> Callable[[], bytes]:
        """Return what renders the page of metrics."""
        certificates = Certificates()
        return metrics.page(
            self.server,
            lambda: self.lanes,
            lambda: metrics.about_http(self.http.refused),
            lambda: metrics.about_reloads(self.reloads),
            lambda: certificates.metrics(self.lanes, self._settings.http.tls),
            self._counted.metrics,
            self._lists.metrics,
        )

    def _replace_lanes(self, settings: Settings) -> None:
        old = {lane.name: lane for lane in self.lanes}
        changed = {
            output.name: build_sound(output)
            for output in settings.outputs
            if output.name in old
            and (output != old[output.name].settings or old[output.name].outdated)
        }
        added = self._make_lanes(o for o in settings.outputs if o.name not in old)
        kept = {output.name for output in settings.outputs}
        self.lanes = tuple(old.get(o.name) or added[o.name] for o in settings.outputs)
        self._settings = settings
        self._share()
        for output in settings.outputs:
            if output.name in changed:
                old[output.name].replace(output, changed[output.name])
            elif output.name in added:
                added[output.name].start()
        for lane in self.lanes:
            lane.bound(_bounds(settings))
        gone = [lane for name, lane in old.items() if name not in kept]
        deadline = time.monotonic() + DRAIN_SECONDS
        for lane in gone:
            lane.stop(deadline)
        for lane in gone:
            self._join(lane, deadline)
        self._tell_flows()
        if gone:
            self.tell_left_behind(time.time_ns() // 1000)

    def _make_lanes(self, wanted: Iterable[Output]) -> dict[str, Lane]:
        """Build all or none; raise ConfigError."""
        made: dict[str, Lane] = {}
        try:
            for output in wanted:
                made[output.name] = self._make_lane(output)
        except ConfigError:
            for lane in made.values():
                lane.join(time.monotonic())
            raise
        return made

    def _make_board(self, settings: Settings) -> Board:
        return Board(settings, self._name, self.server, lambda: self.lanes, self._lists)

    def _make_lane(self, output: Output) -> Lane:
        """Build a lane; one that had the name before, in this run, left its numbers to it."""
        place = Place(self._journals, _bounds(self._settings), CAPACITY)
        last_seq = self._last_seqs.get(output.name, 0)
        run_id = ids.part_of(self._run_id, output.name)
        return Lane(output, place, run_id, self._tell_flows, last_seq)

    def _share(self) -> None:
        """Give every queue its part of the memory."""
        for lane in self.lanes:
            lane.queue.resize(CAPACITY // len(self.lanes))

    def _join(self, lane: Lane, deadline: float) -> None:
        left = lane.join(deadline)
        self._last_seqs[lane.name] = lane.state.last_seq
        if left:
            _log.warning("output %s: %d events could not be sent any more", lane.name, left)

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            _log.warning("%s", event.info)
            self.take([event])

    def _loops(self) -> Iterable[Loop]:
        """Return what the watchdog watches over: never an output."""
        return (
            Loop("the main loop", self._turned, FRESH),
            Loop("the link to sense", self.server.heartbeat, FRESH),
        )

    def _tell_flows(self) -> None:
        """Tell sense all sockets; one caller at a time, or an older list could win."""
        with self._telling:
            flows = tuple(flow for lane in self.lanes for flow in lane.flows)
            self.server.tell_flows(Flows(flows))

    def _status(self) -> str:
        names = ", ".join(lane.name for lane in self.lanes) or "none"
        return f"listening for sense; outputs: {names}"


def run(settings: Settings, run_dir: Path, state_dir: Path, stop: Stop) -> int:
    """Deliver until `stop`; return the exit status. Raise ConfigError before anything started."""
    deliver = Deliver(settings, run_dir, state_dir)
    try:
        deliver.start()
        return deliver.run(stop)
    finally:
        deliver.close()


def allowed_uids() -> frozenset[int]:
    """Return who may connect: ourselves, root, and the user of sense where it exists."""
    uids = {os.geteuid(), 0}
    try:
        uids.add(pwd.getpwnam(SENSE_USER).pw_uid)
    except KeyError:
        _log.debug("there is no user %s on this host", SENSE_USER)
    return frozenset(uids)


def _needs_restart(running: Http, new: Http) -> list[str]:
    """Return the keys of HTTP whose change a reload does not take."""
    keys = ("address", "metrics", "status", "mask_custom")
    return [f"http.{key}" for key in keys if getattr(running, key) != getattr(new, key)]


def _bounds(settings: Settings) -> Bounds:
    return Bounds(settings.journal.max_mb << 20, settings.journal.max_age)


def sensor_name(settings: Settings) -> str:
    """Return the configured name, or the host's fully qualified one."""
    return settings.sensor.name or socket.getfqdn()


def notices(settings: Settings, name: str) -> AgentNotices:
    """Return what builds events about this agent, which `name` reports."""
    sensor = settings.sensor
    return AgentNotices(name, sensor.site or "", sensor.tags, ids.random_ids())
