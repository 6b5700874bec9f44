"""What the units promise, on a booted host with an installed agent: faults, reload, stop, sandbox.

    python -m tests.lab.faults --host-pid PID --received FILE --peer NS

PID is the host's systemd as this machine sees it, FILE where the receiver writes the lines (CEF) of
an output, NS the network namespace at the other end of the host's wire. Questions for a listed name
go over the wire all the while, each from an address of its own and so an incident of its own: those
that are told again show when capture is back. Needs root. The status is 1 where a promise is not
kept.
"""

import argparse
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.live.place import Namespace
from tests import packets

SENSE, DELIVER, UPDATE = (
    "maltrail-agent.service",
    "maltrail-agent-deliver.service",
    "maltrail-agent-update.service",
)
RECOVERED_SECONDS = 3.0
"""Within which capture is back after any fault."""
EVERY_SECONDS = 0.04
"""How often a question is asked; the storm breaker lets 100 a second pass."""
WAIT_SECONDS = 15.0

NAMESPACES = ("-m", "-u", "-i", "-p", "-n", "-C", "-r", "-w")
_POLLS = {"7", "271", "73"}
"""poll(2) and ppoll(2) on x86-64, ppoll(2) on aarch64: where a capture worker rests."""
_SEIZE, _INTERRUPT = 0x4206, 0x4207  # linux/ptrace.h
_WALL = 0x40000000  # linux/wait.h
_LIBC = ctypes.CDLL(None, use_errno=True)
_TOLD = re.compile(r"\|trail-domain\|.* src=(\S+) ")


class BrokenPromiseError(Exception):
    """A promise that was not kept; the text says which."""


class Host:
    """The booted host, by the number of its systemd."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.root = Path(f"/proc/{pid}/root")

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command there as root; return what it says. Raise BrokenPromiseError."""
        enter = ["nsenter", "-t", str(self.pid), *NAMESPACES, "--"]
        done = subprocess.run(
            [*enter, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        said = done.stdout.decode(errors="replace").strip()
        if check and done.returncode:
            raise BrokenPromiseError(f"{' '.join(command)}: status {done.returncode}: {said}")
        return said

    def shows(self, unit: str, name: str) -> str:
        """Return a property of a unit."""
        return self.run("systemctl", "show", "-P", name, unit)

    def main(self, unit: str) -> int:
        """Return the number of a unit's main process as this machine sees it; 0 for none."""
        inside = self.shows(unit, "MainPID")
        if inside == "0":
            return 0
        space = Path(f"/proc/{self.pid}/ns/pid").readlink()
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdecimal() and (entry / "ns" / "pid").readlink() == space:
                    status = (entry / "status").read_text(encoding="ascii", errors="replace")
                    if status.partition("NSpid:")[2].split("\n")[0].split()[-1] == inside:
                        return int(entry.name)
            except OSError:
                continue  # ended meanwhile
        return 0

    @contextmanager
    def drop_in(self, unit: str, text: str) -> Iterator[None]:
        """Add a drop-in to a unit, and remove it."""
        folder = self.root / "run/systemd/system" / f"{unit}.d"
        folder.mkdir(parents=True)
        (folder / "lab.conf").write_text(text, encoding="utf-8")
        self.run("systemctl", "daemon-reload")
        try:
            yield
        finally:
            (folder / "lab.conf").unlink()
            folder.rmdir()
            self.run("systemctl", "daemon-reload")


class Received:
    """The lines that the receiver wrote since this began."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin = path.stat().st_size if path.exists() else 0

    def lines(self) -> list[str]:
        """Return them, whole ones only."""
        with self._path.open("rb") as file:
            file.seek(self._begin)
            return file.read().decode(errors="replace").split("\n")[:-1]

    def sources(self) -> set[str]:
        """Return the addresses whose question was told."""
        return {found[1] for line in self.lines() if (found := _TOLD.search(line))}

    def has(self, *words: str) -> str:
        """Return the first line with all these words, or nothing."""
        return next((line for line in self.lines() if all(word in line for word in words)), "")

    def wait(self, *words: str) -> str:
        """Return a line with all these words; raise BrokenPromiseError."""
        until(lambda: self.has(*words), f"a line with {' and '.join(words)}")
        return self.has(*words)


class Questions(threading.Thread):
    """Asks for one name every EVERY_SECONDS until `stop`, each time from another address."""

    _next = time.time_ns() // 10_000_000 % 800_000

    def __init__(self, wire: socket.socket, name: str, most: int | None = None) -> None:
        super().__init__(name="questions", daemon=True)
        self.sent: dict[str, float] = {}
        self._wire = wire
        self._question = packets.dns_query(name)
        self._most = most
        self._ended = threading.Event()

    def run(self) -> None:
        """Ask."""
        while not self._ended.wait(EVERY_SECONDS):
            number = Questions._next
            Questions._next += 1
            source = f"10.{77 + number // 65_000}.{number // 250 % 250}.{number % 250 + 1}"
            frame = packets.udp_frame(source, 40_000, "192.0.2.53", 53, self._question)
            self.sent[source] = time.time()
            self._wire.send(frame)

    def stop(self) -> None:
        """End and wait for that."""
        self._ended.set()
        self.join()


class Lab(NamedTuple):
    """What the checks need."""

    host: Host
    received: Path
    wire: socket.socket
    name: str

    @contextmanager
    def asking(self) -> "Iterator[tuple[Questions, Received]]":
        """Ask until the block ends, beginning with an answer."""
        received = Received(self.received)
        questions = Questions(self.wire, self.name)
        questions.start()
        try:
            until(lambda: len(received.sources()) > 2, "questions are told")
            yield questions, received
        finally:
            questions.stop()


def until(condition: Callable[[], object], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Return when the condition holds; raise BrokenPromiseError."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise BrokenPromiseError(f"never: {what}")
        time.sleep(0.03)


def back(questions: Questions, received: Received, fault: float) -> float:
    """Return after how many seconds nothing was missed any more; wait until that is sure."""
    until(
        lambda: all(source in received.sources() for source in list(questions.sent)[-9:-4]),
        "questions are told again",
    )
    questions.stop()
    last = list(questions.sent)[-1]
    until(lambda: last in received.sources(), "the last question is told")
    told = received.sources()
    missed = [when for source, when in questions.sent.items() if source not in told]
    if not missed:
        return 0.0
    if min(missed) < fault - EVERY_SECONDS * 2 - 0.1:  # what had not been told yet died as well
        raise BrokenPromiseError(f"missed {fault - min(missed):.2f} s before the fault")
    return min(w for s, w in questions.sent.items() if w > max(missed)) - fault


def recovers(
    lab: Lab, unit: str, cause: Callable[[int], None], told: tuple[str, ...], most: float
) -> str:
    """Cause a fault in a unit's main process; capture is back, and the fault told in a line."""
    with lab.asking() as (questions, received):
        pid = lab.host.main(unit)
        sense = lab.host.main(SENSE)
        fault = time.time()
        cause(pid)
        line = received.wait("|agent-degraded|", *told)
        took = back(questions, received, fault)
    until(lambda: lab.host.main(unit) not in (0, pid), "another process")
    if unit != SENSE and lab.host.main(SENSE) != sense:
        raise BrokenPromiseError("sense was started anew")
    if took > most:
        raise BrokenPromiseError(f"capture was back after {took:.2f} s")
    said = line[line.index("CEF:") :]
    effect = f"back after {took:.2f} s" if took else "nothing missed"
    return f"{effect}; told: {_message(said)}"


def _message(line: str) -> str:
    found = re.search(r" msg=(.*?);[^;]*$", line)
    return found[1] if found else line


def _waiting_thread(pid: int) -> int:
    """Return a thread that waits for packets, which is what a capture worker mostly does."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "syscall").read_text(encoding="ascii").split()[0] in _POLLS:
            return int(task.name)
    return 0


def hang_worker(pid: int) -> None:
    """Stop the one thread that waits for packets, until its process has ended."""
    until(lambda: _waiting_thread(pid), "a thread waits for packets")
    tid = _waiting_thread(pid) or _waiting_thread(pid)
    for request in (_SEIZE, _INTERRUPT):
        if _LIBC.ptrace(request, tid, None, None):
            raise OSError(ctypes.get_errno(), "ptrace")
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        try:
            seen, status = os.waitpid(tid, os.WNOHANG | _WALL)
        except ChildProcessError:
            return
        if seen and (os.WIFSIGNALED(status) or os.WIFEXITED(status)):
            return
        time.sleep(0.01)
    raise BrokenPromiseError("the process with the thread that hangs was not ended")


def _signal(number: signal.Signals) -> Callable[[int], None]:
    return lambda pid: os.kill(pid, number)


def killed_sense(lab: Lab) -> str:
    """After kill -9 of sense."""
    told = ("sense was ended by signal KILL", "nothing was captured for")
    return recovers(lab, SENSE, _signal(signal.SIGKILL), told, RECOVERED_SECONDS)


def stopped_sense(lab: Lab) -> str:
    """After SIGSTOP of sense."""
    told = ("sense was ended by the watchdog", "nothing was captured for")
    return recovers(lab, SENSE, _signal(signal.SIGSTOP), told, RECOVERED_SECONDS)


def hung_worker(lab: Lab) -> str:
    """After a capture worker hung."""
    told = ("sense was ended by the watchdog: the capture worker on", "hung; nothing was")
    return recovers(lab, SENSE, hang_worker, told, RECOVERED_SECONDS)


def killed_deliver(lab: Lab) -> str:
    """After kill -9 of deliver: nothing is missed."""
    told = ("deliver was ended by signal KILL",)
    return recovers(lab, DELIVER, _signal(signal.SIGKILL), told, 0.0)


def stopped_deliver(lab: Lab) -> str:
    """After SIGSTOP of deliver: nothing is missed."""
    told = ("deliver was ended by the watchdog",)
    return recovers(lab, DELIVER, _signal(signal.SIGSTOP), told, 0.0)


def killed_update(lab: Lab) -> str:
    """After kill -9 of update: told, and it runs again."""
    received = Received(lab.received)
    lab.host.run("systemctl", "start", "--no-block", UPDATE)
    until(lambda: lab.host.main(UPDATE), "update runs")
    pid = lab.host.main(UPDATE)
    os.kill(pid, signal.SIGKILL)
    line = received.wait("|agent-degraded|", "update was ended by signal KILL")
    until(lambda: lab.host.shows(UPDATE, "ActiveState") == "inactive", "update ran to its end")
    if lab.host.shows(UPDATE, "Result") != "success":
        raise BrokenPromiseError("update did not run again")
    return f"ran again; told: {_message(line)}"


def reload(lab: Lab) -> str:
    """Three reloads: the same process, nothing missed."""
    with lab.asking() as (questions, received):
        before = lab.host.main(SENSE), lab.host.main(DELIVER)
        for _ in range(3):
            lab.host.run("systemctl", "reload", SENSE, DELIVER)
        received.wait("|agent-reload|", "settings")
        took = back(questions, received, time.time())
    if took:
        raise BrokenPromiseError("questions were missed")
    if before != (lab.host.main(SENSE), lab.host.main(DELIVER)):
        raise BrokenPromiseError("a process was started anew")
    return f"{len(questions.sent)} questions asked and told"


def stop(lab: Lab) -> str:
    """A stop in the midst of questions: all that were asked are told, and the end of the run."""
    with lab.asking() as (questions, received):
        time.sleep(0.5)
        questions.stop()
        lab.host.run("systemctl", "stop", SENSE, DELIVER)
    told = received.sources()
    until(lambda: received.has("|agent-stop|", "process deliver"), "deliver's agent-stop")
    missed = len(questions.sent.keys() - told)
    lab.host.run("systemctl", "start", SENSE)
    until(lambda: received.has("|agent-start|", "process sense"), "sense's agent-start")
    if received.has("was ended by"):
        raise BrokenPromiseError("a stop in order is told as a fault")
    if missed:
        raise BrokenPromiseError(f"{missed} questions were not told")
    return f"{len(questions.sent)} questions asked and told, the last ones at the stop"


CHECKS: tuple[tuple[str, Callable[[Lab], str]], ...] = (
    ("kill -9 of sense", killed_sense),
    ("SIGSTOP of sense", stopped_sense),
    ("a hung capture worker", hung_worker),
    ("kill -9 of deliver", killed_deliver),
    ("SIGSTOP of deliver", stopped_deliver),
    ("kill -9 of update", killed_update),
    ("reload of both", reload),
    ("stop and start of both", stop),
)


def main() -> int:
    """Check all; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--host-pid", type=int, required=True)
    parser.add_argument("--received", type=Path, required=True)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--wire", default="wire0")
    parser.add_argument("--name", default="own.lab-trails.net")
    parser.add_argument("--only", default="", help="checks whose title holds this")
    options = parser.parse_args()
    with Namespace(options.peer).entered():
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    wire.bind((options.wire, 0))
    lab = Lab(Host(options.host_pid), options.received, wire, options.name)
    failed = 0
    for title, check in CHECKS:
        if options.only not in title:
            continue
        begin = time.monotonic()
        try:
            mark, said = "ok   ", check(lab)
        except (BrokenPromiseError, OSError) as error:
            mark, said = "FAIL ", str(error)
            failed += 1
        sys.stdout.write(f"{mark} {title} ({time.monotonic() - begin:.1f} s): {said}\n")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
