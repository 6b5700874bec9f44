"""A terminal for tests: what programs on a real pty leave on the screen."""

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PATIENCE, PAUSE = 60.0, 0.1
"""Seconds for anything to happen, and between two looks."""

KNOWN = re.compile(r"\x1b\[(?P<number>[0-9;]*)(?P<final>[AJm])")
"""The only sequences that we write: up, clear to the end, colours."""

PARTIAL = re.compile(r"\x1b(\[[0-9;]*)?$")
"""The beginning of one, whose rest has not come yet."""


class Display:
    """The lines of a terminal that never scrolls away; knows what we write and nothing else."""

    def __init__(self) -> None:
        self.lines = [""]
        self.colours = 0
        self._row = 0
        self._column = 0

    def write(self, text: str) -> None:
        """Take what a program writes; raise AssertionError for what it should not."""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = KNOWN.match(text, at)
                assert found, f"an escape sequence that is not ours: {text[at : at + 20]!r}"
                self._do(found["final"], found["number"])
                at = found.end()
                continue
            self._put(text[at])
            at += 1

    def _do(self, final: str, number: str) -> None:
        if final == "A":
            self._row -= int(number)
            assert self._row >= 0, "above the first line"
        elif final == "J":
            del self.lines[self._row + 1 :]
            self.lines[self._row] = self.lines[self._row][: self._column]
        else:
            self.colours += number != "0"

    def _put(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._row += 1
            if self._row == len(self.lines):
                self.lines.append("")
        else:
            assert unicodedata.category(character) != "Cc", f"a control: {character!r}"
            line = self.lines[self._row]
            self.lines[self._row] = line[: self._column] + character + line[self._column + 1 :]
            self._column += 1


class Tty:
    """A process on a pseudo-terminal of its own, as a shell would start it."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
        size: tuple[int, int] = (100, 40),
    ) -> None:
        """Start `python -m agent ARGUMENT...`; `size` is columns and rows."""
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._closed: set[int] = set()
        self.display = Display()
        self.raw = b""
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        base = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
        # A session whose terminal this is, and whose foreground the process is.
        script = (
            "import fcntl, os, sys, termios; os.setsid();"
            "fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.executable, sys.argv[1:])"
        )
        agent = [sys.executable, "-m", "agent", *arguments]
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, *agent],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=ROOT,
            env={**base, "TERM": "xterm-256color", "NO_COLOR": "", **(environment or {})},
        )
        self.theirs = theirs

    @property
    def text(self) -> str:
        """What stands on the screen now."""
        self._read(0.0)
        return "\n".join(self.display.lines)

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows the keys that are pressed."""
        return bool(termios.tcgetattr(self.theirs)[3] & termios.ECHO)

    def end(self, number: int) -> int:
        """Send a signal and return the exit status, having read everything."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Return the exit status, having read everything."""
        until = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < until, self.text
            self._read(PAUSE)
        self._read(0.1)
        return self.process.returncode

    def await_text(self, text: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Wait until this stands on the screen, doing something again and again."""
        until = time.monotonic() + PATIENCE
        while text not in self.text:
            assert time.monotonic() < until, f"never {text!r}:\n{self.text}"
            assert self.process.poll() is None, f"it has ended:\n{self.text}"
            meanwhile()
            self._read(PAUSE)

    def hang_up(self) -> None:
        """Take the terminal away, as who closes its window does."""
        for descriptor in (self._ours, self.theirs):
            if descriptor not in self._closed:
                os.close(descriptor)
                self._closed.add(descriptor)

    def close(self) -> None:
        """Forget the process and its terminal."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.hang_up()

    def _read(self, seconds: float) -> None:
        while select.select([self._ours], [], [], seconds)[0]:
            data = os.read(self._ours, 1 << 16)
            self.raw += data
            text = self._rest + self._decoder.decode(data)
            cut = PARTIAL.search(text)
            self._rest = cut[0] if cut else ""
            self.display.write(text.removesuffix(self._rest))
