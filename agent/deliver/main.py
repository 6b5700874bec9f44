"""deliver: from the socket of sense to the outputs, with metrics and health beside it."""

import logging
import os
import pwd
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from agent import ids, notify
from agent.config import Output, Settings
from agent.deliver import metrics
from agent.deliver.build import build
from agent.deliver.http import StatusServer
from agent.deliver.lane import Lane
from agent.deliver.losses import Losses
from agent.deliver.queue import CAPACITY, Queue
from agent.deliver.server import Server
from agent.link import Flows
from agent.model import Event
from agent.notices import AgentNotices

SOCKET = "events.sock"
SENSE_USER = "maltrail-agent"

DRAIN_SECONDS = 10.0
"""How long the end waits for outputs to take what is queued; systemd waits 30."""

TICK = 1.0
FRESH = 90.0
"""Seconds since the last sign of life of a thread; a look-up of a name may well take thirty."""

READY_WITHIN = 60.0
"""Seconds that the last snapshot of sense may be old for `/readyz`."""

_log = logging.getLogger("deliver")


class Stop(Protocol):
    """What ends `run`: a threading.Event, or anything that waits like one."""

    def wait(self, timeout: float) -> bool:
        """Return true when the end was asked for, false after `timeout` seconds."""


class Deliver:
    """Everything of deliver in one process: `start`, then `run` until stopped, then `close`."""

    def __init__(self, settings: Settings, run_dir: Path) -> None:
        """Build all outputs and listen for HTTP; raise ConfigError where a setting is wrong."""
        self._settings = settings
        self._telling = threading.Lock()
        self._run_id = secrets.token_hex(ids.BYTES)
        self.lanes = tuple(self._make_lane(output) for output in settings.outputs)
        self._share()
        self.server = Server(run_dir / SOCKET, allowed_uids(), self.take)
        self._losses = Losses(_notices(settings))
        page = metrics.page(self.server, lambda: self.lanes, lambda: self.http.refused)
        self.http = StatusServer(
            settings.http.address,
            page if settings.http.metrics else None,
            self.unhealthy,
            self.unready,
        )

    def start(self) -> None:
        """Start all threads; raise ConfigError where the socket cannot be used."""
        if not self.lanes:
            _log.warning("outputs: none is configured; events are taken over and forgotten")
        self.server.start()
        for lane in self.lanes:
            lane.start()
        self.http.start()

    def run(self, stop: Stop) -> int:
        """Watch over the threads until `stop`; return the exit status."""
        notify.ready(self._status())
        interval = notify.watchdog_interval()
        while not stop.wait(min(TICK, interval or TICK)):
            if not self.server.is_alive:
                _log.error("the link's thread has ended; deliver must start anew")
                return 1
            if time.monotonic() - self.server.heartbeat < FRESH:
                notify.watchdog()
            self.tell_losses(time.time_ns() // 1000)
        return 0

    def close(self) -> None:
        """Take no more events, send what is queued as long as there is time, end all threads."""
        notify.stopping("sending what is queued")
        self.server.stop()
        deadline = time.monotonic() + DRAIN_SECONDS
        for lane in self.lanes:
            lane.stop(deadline)
        for lane in self.lanes:
            self._join(lane, deadline + TICK)
        self.http.stop()

    def reload(self, settings: Settings) -> None:
        """Take over new settings: outputs that did not change carry on undisturbed.

        Raise ConfigError, with everything as it was, where a new output cannot be built. The
        address of HTTP and the socket stay until a restart.
        """
        notify.reloading()
        try:
            self._replace_lanes(settings)
        finally:
            notify.ready(self._status())

    def take(self, event: Event) -> None:
        """Put an event into the queue of every output that wants it."""
        now = time.time()
        for lane in self.lanes:
            lane.put(event, now)

    def tell_losses(self, now_us: int) -> None:
        """Send an event about what was dropped since the last one."""
        dropped: Mapping[str, Mapping[str, int]] = {lane.name: lane.dropped for lane in self.lanes}
        for event in self._losses.tell(dropped, now_us):
            self.take(event)

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

    def _replace_lanes(self, settings: Settings) -> None:
        old = {lane.name: lane for lane in self.lanes}
        changed = {
            output.name: build(output)
            for output in settings.outputs
            if output.name in old and output != old[output.name].settings
        }
        added = {
            output.name: self._make_lane(output)
            for output in settings.outputs
            if output.name not in old
        }
        kept = {output.name for output in settings.outputs}
        self.lanes = tuple(old.get(o.name) or added[o.name] for o in settings.outputs)
        self._settings = settings
        self._share()
        for output in settings.outputs:
            if output.name in changed:
                old[output.name].replace(output, changed[output.name])
            elif output.name in added:
                added[output.name].start()
        gone = [lane for name, lane in old.items() if name not in kept]
        deadline = time.monotonic() + DRAIN_SECONDS
        for lane in gone:
            lane.stop(deadline)
        for lane in gone:
            self._join(lane, deadline)
        self._tell_flows()

    def _make_lane(self, output: Output) -> Lane:
        return Lane(output, Queue(self._run_id, CAPACITY), self._tell_flows)

    def _share(self) -> None:
        """Give every queue its part of the memory."""
        for lane in self.lanes:
            lane.queue.resize(CAPACITY // len(self.lanes))

    def _join(self, lane: Lane, deadline: float) -> None:
        left = lane.join(deadline)
        if left:
            _log.warning("output %s: %d events could not be sent any more", lane.name, left)

    def _tell_flows(self) -> None:
        """Tell sense all sockets; one caller at a time, or an older list could win."""
        with self._telling:
            flows = tuple(flow for lane in self.lanes for flow in lane.flows)
            self.server.tell_flows(Flows(flows))

    def _status(self) -> str:
        names = ", ".join(lane.name for lane in self.lanes) or "none"
        return f"listening for sense; outputs: {names}"


def run(settings: Settings, run_dir: Path, stop: Stop) -> int:
    """Deliver until `stop`; return the exit status. Raise ConfigError before anything started."""
    deliver = Deliver(settings, run_dir)
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


def _notices(settings: Settings) -> AgentNotices:
    sensor = settings.sensor
    name = sensor.name or socket.getfqdn()
    return AgentNotices(name, sensor.site or "", sensor.tags, ids.random_ids())
