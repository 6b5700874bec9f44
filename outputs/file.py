"""Append each event to a file as one line, and follow when the file is rotated away."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from agent.link import Flow
from agent.model import Delivery
from outputs import Counts, Finding, Rate, _formats, ignore

MODE = 0o640


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an output of type file."""

    path: str
    format: _formats.Name = "maltrail"

    def __post_init__(self) -> None:
        """Refuse a path that would depend on where the agent was started."""
        if not self.path.startswith("/"):
            raise ValueError(f"path: expected an absolute path, found {self.path!r}")


class Output:
    """Keeps one file open for appending."""

    def __init__(self, config: Config) -> None:
        self.counts = Counts()
        self.rate: Rate | None = None
        self.wants_journal = True
        self.files: tuple[Path, ...] = ()
        self.on_flows: Callable[[], None] = ignore
        self._path = Path(config.path)
        self._format = _formats.make(config.format)
        self._fd: int | None = None

    def open(self) -> None:
        """Open the file, creating it; raise OSError."""
        self.close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._fd = os.open(self._path, flags, MODE)

    def write(self, deliveries: Sequence[Delivery]) -> None:
        """Append all lines or none; raise OSError."""
        if not deliveries:
            return
        data = "".join(self._format(delivery) + "\n" for delivery in deliveries).encode()
        self.counts.format_errors = self._format.errors
        if self._fd is None or self._is_gone(self._fd):
            self.open()
        if self._fd is not None:
            _append(self._fd, data)
        self.counts.bytes += len(data)

    def unconfirmed(self) -> int | None:
        """Return None: what is written is in the file."""
        return None

    def close(self) -> None:
        """Close the file."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    def flows(self) -> tuple[Flow, ...]:
        """Return nothing: a file is no socket."""
        return ()

    def inspect(self, now: datetime, connect: bool) -> Iterator[Finding]:
        """Yield whether the file's folder is there."""
        del now, connect
        if self._path.parent.is_dir():
            yield Finding("ok", f"to {self._path}")
        else:
            yield Finding("failure", f"path: {self._path.parent} is no folder; make it")

    def _is_gone(self, fd: int) -> bool:
        """Tell whether the path now names another file, or none."""
        try:
            return not os.path.samestat(os.fstat(fd), self._path.stat())
        except FileNotFoundError:
            return True


def _append(fd: int, data: bytes) -> None:
    """Write all of `data`; on failure take back what was written, so that no line is torn."""
    before = os.fstat(fd)
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except OSError:
        if stat.S_ISREG(before.st_mode):
            os.ftruncate(fd, before.st_size)
        raise
