"""The shelf of outputs: one file is one `type:`, one `_` file is something that several share.

An output is a module with a `Config` (a frozen msgspec Struct that forbids unknown fields) and a
class `Output` that takes one. It knows `agent.model`, `agent.link.Flow` and this package, nothing
else: queueing, masking, retrying, pacing, counting and logging are the runner's, once for all.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from agent.link import Flow
from agent.model import Delivery


class Rejected(Exception):  # noqa: N818 - it is an answer, as accepted is
    """The deliveries at `indexes` can never be taken; all others of the batch were."""

    def __init__(self, indexes: Sequence[int], reason: str) -> None:
        super().__init__(reason)
        self.indexes = tuple(indexes)
        self.reason = reason


class Interrupted(Exception):  # noqa: N818 - it is an answer, as accepted is
    """The first `accepted` deliveries were taken, the rest are to be kept and tried again."""

    def __init__(self, accepted: int, reason: str) -> None:
        super().__init__(reason)
        self.accepted = accepted
        self.reason = reason


class Rate(NamedTuple):
    """How fast an output may be fed: events a second, and how many at once after a pause."""

    per_second: float
    burst: int


class Finding(NamedTuple):
    """One line of `check` about an output; what is wrong comes with its remedy."""

    level: Literal["ok", "warning", "failure"]
    text: str


def ignore() -> None:
    """Do nothing: an `on_flows` before there is a runner."""


@dataclass(slots=True)
class Counts:
    """What only the output itself can count; the runner's thread writes, the metrics read."""

    bytes: int = 0
    truncated: int = 0
    format_errors: int = 0
    repeated: int = 0


class Output(Protocol):
    """What a runner asks of an output, always from one and the same thread.

    `write` returns when everything was accepted; it raises Rejected or Interrupted to say which
    part was, and anything else to say that nothing was. After an exception other than Rejected
    the runner closes the output and opens it again later.

    `wants_journal` tells whether keeping events on disk is of use: it is where the output notices
    that the receiver is away (a connection, a file), and is not where it cannot (datagrams).

    `on_flows` is the runner's: to be called whenever `flows` changes, for a new socket before
    its first packet leaves; the sensor knows the socket when it returns.

    `files` are those that `open` reads each time (certificates, tokens): a reload that finds
    another content in them replaces the output.
    """

    counts: Counts
    rate: Rate | None
    wants_journal: bool
    files: tuple[Path, ...]
    on_flows: Callable[[], None]

    def open(self) -> None:
        """Make ready to write, resolving names anew; raise OSError when that is not possible."""

    def write(self, deliveries: Sequence[Delivery]) -> None:
        """Hand over all deliveries in order, or raise."""

    def unconfirmed(self) -> int | None:
        """Return how many of the last accepted deliveries are not known to have arrived.

        None where `write`'s return is all that can be known (a file, a datagram). Otherwise a
        count backwards from the newest delivery given to `write` since `open`, rejected ones
        included: a connection counts what the peer's kernel has not acknowledged. Raise OSError
        where the connection is found broken: everything that was not confirmed before is written
        again after the next `open`. Asked after each write, again and again while something is
        unconfirmed, and after a failure before `close`; it never waits.
        """

    def close(self) -> None:
        """Let go of everything; safe at any time, also twice or after a failed `open`."""

    def flows(self) -> tuple[Flow, ...]:
        """Return the sockets in use or about to be, so that the sensor does not report us."""

    def inspect(self, now: datetime, connect: bool) -> Iterator[Finding]:
        """Yield what is right and wrong here; speak to receivers only where `connect`.

        Nothing is sent to them. Works on an output that is not open, and leaves it so.
        """
