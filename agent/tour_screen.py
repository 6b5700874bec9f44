"""The last lines of a terminal, drawn anew in place; what is printed goes above them and stays.

No alternate screen and no hidden cursor: whatever ends the process, the terminal is usable. Only
the echo of keys is off meanwhile, and comes back with the screen's end.
"""

import os
import select
import signal
import termios
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TextIO

import msgspec

from agent.deliver.status_document import Frame
from agent.terminal import Terminal, terminal_of, width
from agent.tour import farewell, log_line, news, view

LEAST_COLUMNS, LEAST_ROWS = 30, 12
"""Below, a live view is no help: lines are printed as without a terminal."""

MAX_LINE = 1 << 20
"""Bytes of one line of a pipe: a frame has some ten thousand."""

CHUNK = 1 << 16

ENDING = "ending: what is queued is sent"

_UP, _CLEAR = "\x1b[{}A", "\x1b[J"


def can_show(streams: Sequence[TextIO], environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether all streams are one usable terminal, and we are its foreground."""
    try:
        names = {os.ttyname(stream.fileno()) for stream in streams}
        size = os.get_terminal_size(streams[0].fileno())
        is_front = os.tcgetpgrp(streams[0].fileno()) == os.getpgrp()
    except OSError:
        return False
    is_known = environment.get("TERM", "dumb") != "dumb"
    is_big = size.columns >= LEAST_COLUMNS and size.lines >= LEAST_ROWS
    return len(names) == 1 and is_front and is_known and is_big


class Screen:
    """Shows frames of deliver, and the lines that processes print; use it in a `with`.

    `frames` is the pipe of the teller, `texts` are pipes of lines with what shows them.
    """

    def __init__(self, stream: TextIO) -> None:
        self.is_lost = False
        self._stream = stream
        self._is_ending = False
        self._frame: Frame | None = None
        self._drawn: list[str] = []
        self._pipes: dict[int, Callable[[bytes], None]] = {}
        self._partial: dict[int, bytes] = {}
        self._above: list[str] = []
        self._modes: list[int | list[bytes | int]] = []

    def add_frames(self) -> int:
        """Return the end of a pipe to which frames are to be written."""
        return self._add(self._take_frame)

    def add_log(self) -> int:
        """Return the end of a pipe for a process's log."""
        return self._add(lambda line: self._above.append(log_line(_text(line), self._terminal())))

    def add_output(self) -> int:
        """Return the end of a pipe for what a process prints."""
        return self._add(lambda line: self._above.append(self._terminal().safe(_text(line))))

    def __enter__(self) -> "Screen":
        """Begin to show."""
        self._modes = termios.tcgetattr(self._stream)
        quiet = [*self._modes]
        quiet[3] = int(str(quiet[3])) & ~termios.ECHO
        self._set_modes(quiet)
        self.draw()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave behind what there was, and the terminal as it was."""
        while self._read_ready(0):
            continue
        for pipe in self._pipes:
            os.close(pipe)
        self._pipes.clear()
        try:
            terminal = self._terminal()
            self._write(
                self._over(terminal) + _lines([*self._above, *farewell(self._frame, terminal)])
            )
        finally:
            self._set_modes(self._modes)

    def step(self, seconds: float) -> None:
        """Wait for what is to be shown at most so long, and show it."""
        if self._read_ready(seconds):
            self.draw()

    def end(self) -> None:
        """Show that the end has begun: what outputs say from now on is not how they are."""
        self._is_ending = True
        self.draw()

    def draw(self) -> None:
        """Print what came, and the view below it."""
        terminal = self._terminal()
        rows = _rows(self._stream)
        lines = [ENDING] if self._is_ending else view(self._frame, terminal)[: max(1, rows - 1)]
        text = self._over(terminal) + _lines([*self._above, *lines])
        self._above.clear()
        self._drawn = lines
        self._write(text)

    def _add(self, take: Callable[[bytes], None]) -> int:
        ours, theirs = os.pipe()
        self._pipes[ours] = take
        self._partial[ours] = b""
        return theirs

    def _read_ready(self, seconds: float) -> bool:
        """Take what pipes hold; tell whether one held something, or has ended."""
        ready, _, _ = select.select(list(self._pipes), [], [], seconds)
        for pipe in ready:
            self._read(pipe)
        return bool(ready)

    def _read(self, pipe: int) -> None:
        data = os.read(pipe, CHUNK)
        if not data:
            take = self._pipes.pop(pipe)
            os.close(pipe)
            if self._partial[pipe] and take != self._take_frame:  # a frame may end with its writer
                take(self._partial[pipe])
            return
        *lines, rest = (self._partial[pipe] + data).split(b"\n")
        self._partial[pipe] = rest[-MAX_LINE:]
        for line in lines:
            self._pipes[pipe](line)

    def _take_frame(self, line: bytes) -> None:
        frame = msgspec.json.decode(line, type=Frame)
        if not self._is_ending:
            self._above += news(self._frame, frame, self._terminal())
            self._frame = frame

    def _terminal(self) -> Terminal:
        return terminal_of(self._stream)

    def _over(self, terminal: Terminal) -> str:
        """Return what takes away the view; a terminal that became narrower wrapped its lines."""
        plain = [_width(line) for line in self._drawn]
        rows = sum(max(1, -(-columns // max(1, terminal.columns))) for columns in plain)
        return f"\r{_UP.format(rows)}{_CLEAR}" if rows else "\r"

    def _write(self, text: str) -> None:
        """Write; a terminal that is gone is noted, and nothing more is written to it."""
        if self.is_lost:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            self.is_lost = True
            # What is buffered would fail again at the interpreter's end.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def _set_modes(self, modes: "list[int | list[bytes | int]]") -> None:
        """Set the terminal's modes; in the background that would stop us."""
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            termios.tcsetattr(self._stream, termios.TCSAFLUSH, modes)
        except termios.error:
            self.is_lost = True
        finally:
            signal.signal(signal.SIGTTOU, before)


def _text(line: bytes) -> str:
    return line[:4096].decode("utf-8", "replace").rstrip("\r")


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _rows(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).lines
    except OSError:
        return LEAST_ROWS


def _width(line: str) -> int:
    """Return the columns of a line, colours left out."""
    plain = "".join(
        part.partition("m")[2] if at else part for at, part in enumerate(line.split("\x1b["))
    )
    return width(plain)
