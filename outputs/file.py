"""Append each event to a file as one line, and follow when the file is rotated away.

A path with `%Y`, `%m`, `%d` or `%H` names a file a day or hour, by the event's own time in UTC.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import msgspec

from agent.link import Flow
from agent.model import Delivery
from outputs import Counts, Finding, Interrupted, Rate, _formats, ignore

MODE = 0o640
_TIME = re.compile(r"%(.?)")
_PARTS = "YmdH%"


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of an output of type file."""

    path: str
    format: _formats.Name = "maltrail"

    def __post_init__(self) -> None:
        """Refuse a path that would depend on where the agent was started."""
        if not self.path.startswith("/"):
            raise ValueError(f"path: expected an absolute path, found {self.path!r}")
        unknown = set(_TIME.findall(self.path)) - set(_PARTS)
        if unknown:
            raise ValueError(f"path: expected %Y, %m, %d, %H or %%, found %{unknown.pop()}")


class Output:
    """Keeps one file open for appending."""

    def __init__(self, config: Config) -> None:
        self.counts = Counts()
        self.rate: Rate | None = None
        self.wants_journal = True
        self.files: tuple[Path, ...] = ()
        self.on_flows: Callable[[], None] = ignore
        self._pattern = config.path
        self._path = Path(_at(config.path, 0))
        self._header = _formats.HEADERS.get(config.format, "")
        self._format = _formats.make(config.format)
        self._fd: int | None = None

    def open(self) -> None:
        """Open the file, creating it; raise OSError. One that is named by time waits for events."""
        self.close()
        if "%" not in self._pattern:
            self._open()

    def write(self, deliveries: Sequence[Delivery]) -> None:
        """Append all lines of each file or none; raise Interrupted, OSError."""
        done = 0
        for path, group in groupby(deliveries, lambda one: _at(self._pattern, one.event.time_us)):
            part = list(group)
            try:
                self._write(Path(path), part)
            except OSError as error:
                if done:
                    raise Interrupted(done, str(error)) from error
                raise
            done += len(part)

    def _write(self, path: Path, deliveries: Sequence[Delivery]) -> None:
        data = "".join(self._format(delivery) + "\n" for delivery in deliveries).encode()
        self.counts.format_errors = self._format.errors
        if self._fd is None or path != self._path or self._is_gone(self._fd):
            self._path = path
            self._open()
        if self._fd is not None:
            if self._header and not os.fstat(self._fd).st_size:
                data = f"{self._header}\n".encode() + data
            _append(self._fd, data)
        self.counts.bytes += len(data)

    def _open(self) -> None:
        self.close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._fd = os.open(self._path, flags, MODE)

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
            yield Finding("ok", f"to {self._pattern}")
        else:
            yield Finding("failure", f"path: {self._path.parent} is no folder; make it")

    def _is_gone(self, fd: int) -> bool:
        """Tell whether the path now names another file, or none."""
        try:
            return not os.path.samestat(os.fstat(fd), self._path.stat())
        except FileNotFoundError:
            return True


def _at(pattern: str, time_us: int) -> str:
    """Return the path for a time; one without `%` is itself."""
    if "%" not in pattern:
        return pattern
    time = datetime.fromtimestamp(max(0, time_us) // 1_000_000, UTC)
    return _TIME.sub(lambda part: "%" if part[1] == "%" else time.strftime(part[0]), pattern)


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
