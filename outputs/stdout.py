"""Write each event to standard output as one line: for containers and for looking on."""

import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO

import msgspec

from agent.link import Flow
from agent.model import Delivery
from outputs import Counts, Finding, Rate, _formats, ignore


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an output of type stdout."""

    format: _formats.Name = "maltrail"


class Output:
    """Writes to the standard output of the process (or another stream), which it never closes."""

    def __init__(self, config: Config, stream: TextIO | None = None) -> None:
        self.counts = Counts()
        self.rate: Rate | None = None
        self.wants_journal = False
        self.files: tuple[Path, ...] = ()
        self.on_flows: Callable[[], None] = ignore
        self._format = _formats.make(config.format)
        self._stream = stream or sys.stdout

    def open(self) -> None:
        """Do nothing: standard output is open."""

    def write(self, deliveries: Sequence[Delivery]) -> None:
        """Write and flush all lines; raise OSError."""
        if not deliveries:
            return
        text = "".join(self._format(delivery) + "\n" for delivery in deliveries)
        self.counts.format_errors = self._format.errors
        self._stream.write(text)
        self._stream.flush()
        self.counts.bytes += len(text.encode())

    def unconfirmed(self) -> int | None:
        """Return None: what is written is out."""
        return None

    def close(self) -> None:
        """Do nothing: others may still write."""

    def flows(self) -> tuple[Flow, ...]:
        """Return nothing: standard output is no socket of ours."""
        return ()

    def inspect(self, now: datetime, connect: bool) -> Iterator[Finding]:
        """Yield where events go."""
        del now, connect
        yield Finding("ok", "to standard output")
