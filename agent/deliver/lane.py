"""The way of events to one output: admission, queue, runner; it survives a change of settings.

An output that notices when its receiver is away has a journal on disk, others (datagrams, standard
output) keep what waits in memory; `journal: true` or `false` of the output decides otherwise.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import outputs
from agent.config import Output
from agent.deliver.admission import Admission
from agent.deliver.build import build, digests
from agent.deliver.journal import Bounds, Journal, folder_name
from agent.deliver.queue import Queue, State, encode
from agent.deliver.rejects import Rejects
from agent.deliver.runner import Runner, Tally
from agent.link import Flow
from agent.model import Event

REPLACE_SECONDS = 2.0
"""How long a changed output may take to end what it is sending before it is cut off."""

_log = logging.getLogger("deliver")


class Place(NamedTuple):
    """Where an output's events are kept: `folder` holds all journals, `capacity` is for memory."""

    folder: Path
    bounds: Bounds
    capacity: int


class Lane:
    """One output with everything that belongs to it."""

    def __init__(
        self,
        settings: Output,
        place: Place,
        run_id: str,
        changed: Callable[[], None],
        last_seq: int = 0,
    ) -> None:
        """Build the output and open its journal; raise ConfigError."""
        self.name = settings.name
        self.settings = settings
        self.tally = Tally()
        self.unwanted = 0
        self._changed = changed
        self._admission = Admission(settings)
        self._output = build(settings)
        self._files = digests(self._output.files)
        self.has_journal = wants_journal(settings, self._output)
        folder = place.folder / folder_name(settings.name)
        self._bounds = place.bounds
        self._rejects = Rejects(folder)
        self.queue = Queue(
            run_id,
            place.capacity,
            (lambda: Journal(folder, self._bounds)) if self.has_journal else None,
            last_seq,
        )
        self._runner = self._make_runner()

    def start(self) -> None:
        """Start sending."""
        self._warn()
        self._runner.start()

    def put(self, events: Sequence[tuple[Event, bytes]], now: float) -> None:
        """Take over the events that this output wants; each comes with its MessagePack."""
        wanted = []
        for event, data in events:
            admitted = self._admission.admit(event)
            if admitted is not None:
                own = data if admitted is event else encode(admitted)
                wanted.append((admitted.severity_id, own))
        self.unwanted += len(events) - len(wanted)
        if wanted:
            self.queue.put(wanted, now)

    def bound(self, bounds: Bounds) -> None:
        """Change the bounds of the journal."""
        self._bounds = bounds
        self.queue.bound(bounds)

    def replace(self, settings: Output, output: outputs.Output) -> None:
        """Go on with another output under other settings; what is queued stays, with its seq.

        Whether there is a journal changes with a restart only.
        """
        if wants_journal(settings, output) != self.has_journal:
            _log.warning("output %s: its journal comes or goes with a restart only", self.name)
        deadline = time.monotonic() + REPLACE_SECONDS
        self._runner.stop(time.monotonic())
        if not self._runner.join(deadline):
            _log.warning("output %s hangs and is left behind", self.name)
            self._runner.detach()
        self.settings = settings
        self._admission = Admission(settings)
        self._output = output
        self._files = digests(output.files)
        self._runner = self._make_runner()
        self.start()

    def stop(self, deadline: float) -> None:
        """Ask for the end: what is queued is still sent until `deadline`."""
        self._runner.stop(deadline)

    def join(self, deadline: float) -> int:
        """Wait for the end; return how many events were left and are in no journal."""
        if not self._runner.join(deadline):
            self._runner.detach()
        kept = self.queue.state().events
        lost = self.queue.close(time.time())
        if kept > lost:
            _log.info("output %s: %d events wait in its journal", self.name, kept - lost)
        return lost

    @property
    def outdated(self) -> bool:
        """Whether a file that the output reads has another content than when it was made."""
        return digests(self._output.files) != self._files

    @property
    def files(self) -> tuple[Path, ...]:
        """What the output reads each time that it opens: certificates, tokens."""
        return self._output.files

    @property
    def journal_capacity(self) -> int:
        """Bytes that the journal may have, 0 where there is none."""
        return self._bounds.bytes if self.has_journal else 0

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

    def _warn(self) -> None:
        """Log what is doubtful about the output, such as a receiver that is not verified."""
        for finding in self._output.inspect(datetime.now(UTC), connect=False):
            if finding.level != "ok":
                _log.warning("output %s: %s", self.name, finding.text)

    def _make_runner(self) -> Runner:
        return Runner(
            self.name, self._output, self.queue, self.tally, self._changed, self._rejects.add
        )


def wants_journal(settings: Output, output: outputs.Output) -> bool:
    """Tell whether an output's events are kept on disk."""
    return output.wants_journal if settings.journal == "auto" else settings.journal
