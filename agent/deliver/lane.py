"""The way of events to one output: admission, queue, runner; it survives a change of settings."""

import logging
import time
from collections.abc import Callable, Mapping

import outputs
from agent.config import Output
from agent.deliver.admission import Admission
from agent.deliver.build import build
from agent.deliver.queue import Queue, State
from agent.deliver.runner import Runner, Tally
from agent.link import Flow
from agent.model import Event

REPLACE_SECONDS = 2.0
"""How long a changed output may take to end what it is sending before it is cut off."""

_log = logging.getLogger("deliver")


class Lane:
    """One output with everything that belongs to it."""

    def __init__(self, settings: Output, queue: Queue, changed: Callable[[], None]) -> None:
        """Build the output; raise ConfigError."""
        self.name = settings.name
        self.settings = settings
        self.queue = queue
        self.tally = Tally()
        self._changed = changed
        self._admission = Admission(settings)
        self._output = build(settings)
        self._runner = self._make_runner()

    def start(self) -> None:
        """Start sending."""
        self._runner.start()

    def put(self, event: Event, now: float) -> None:
        """Take the event over, unless this output does not want it."""
        admitted = self._admission.admit(event)
        if admitted is not None:
            self.queue.put(admitted, now)

    def replace(self, settings: Output, output: outputs.Output) -> None:
        """Go on with another output under other settings; what is queued stays, with its seq."""
        deadline = time.monotonic() + REPLACE_SECONDS
        self._runner.stop(time.monotonic())
        if not self._runner.join(deadline):
            _log.warning("output %s hangs and is left behind", self.name)
            self._runner.detach()
        self.settings = settings
        self._admission = Admission(settings)
        self._output = output
        self._runner = self._make_runner()
        self._runner.start()

    def stop(self, deadline: float) -> None:
        """Ask for the end: what is queued is still sent until `deadline`."""
        self._runner.stop(deadline)

    def join(self, deadline: float) -> int:
        """Wait for the end; return how many events were left."""
        if not self._runner.join(deadline):
            self._runner.detach()
        return self.queue.abandon()

    @property
    def heartbeat(self) -> float:
        """When the output's thread last showed that it is alive (monotonic seconds)."""
        return self._runner.heartbeat

    @property
    def connected(self) -> bool:
        """Whether the output is open."""
        return self._runner.connected

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The sockets that the output has open."""
        return self._runner.flows

    @property
    def counts(self) -> outputs.Counts:
        """What the output itself counted."""
        return self._output.counts

    @property
    def state(self) -> State:
        """What waits to be sent."""
        return self.queue.state()

    @property
    def dropped(self) -> Mapping[str, int]:
        """What was numbered and never sent, by reason, with those that never occurred."""
        return {**self.queue.dropped, **self.tally.rejected}

    def _make_runner(self) -> Runner:
        return Runner(self.name, self._output, self.queue, self.tally, self._changed)
