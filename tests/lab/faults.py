"""What the units promise, on a booted host with an installed agent: faults, reload, stop, sandbox.

    python -m tests.lab.faults --host PIDNS --received FILE --peer NETNS --address ADDRESS

PIDNS is what `readlink /proc/self/ns/pid` says there, FILE where the receiver writes the CEF lines
of an output, NETNS and ADDRESS what is at the other end of the host's wire. Questions for a listed
name go over the wire all the while, each from an address and so an incident of its own: those that
are told again show when capture is back. Needs root. The status is 1 where a promise is not kept.
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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from agent.watchdog import SILENCE
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
        return outside(str(Path(f"/proc/{self.pid}/ns/pid").readlink()), inside)

    @contextmanager
    def configured(self, change: Callable[[dict[str, Any]], object]) -> Iterator[None]:
        """Change the configuration's document, and put it back; nobody is told to read it."""
        file = self.root / "etc/maltrail-agent/config.yaml"
        before = file.read_bytes()
        document = yaml.safe_load(before)
        change(document)
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        try:
            yield
        finally:
            file.write_bytes(before)

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


class Collector(ThreadingHTTPServer):
    """Takes whatever is sent to it, and notes how the sender proves who it is."""

    daemon_threads = True

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(listener.getsockname(), _Taking, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.tokens: set[str] = set()
        self.server_activate()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Return where it listens."""
        address, port = self.socket.getsockname()
        return f"http://{address}:{port}"


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.tokens.add(self.headers["Authorization"])
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"text": "Success", "code": 0}')

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


class Lab(NamedTuple):
    """What the checks need."""

    host: Host
    received: Path
    wire: socket.socket
    listener: socket.socket
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


def outside(space: str, inside: str) -> int:
    """Return the number here of a process that a namespace knows as `inside`; 0 for none."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and str((entry / "ns" / "pid").readlink()) == space:
                status = (entry / "status").read_text(encoding="ascii", errors="replace")
                if status.partition("NSpid:")[2].split("\n")[0].split()[-1] == inside:
                    return int(entry.name)
        except OSError:
            continue  # ended meanwhile
    return 0


def systemd_of(space: str) -> int:
    """Return the number here of the systemd of a namespace; raise BrokenPromiseError."""
    found = outside(space, "1")
    if not found:
        raise BrokenPromiseError(f"{space}: no process is number 1 there")
    return found


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
    """Cause a fault in a unit's main process; capture is back, and the fault told in a line.

    Where that takes longer than `most` seconds, it is tried once more: other work on this machine
    is no fault of the agent's. What must not be missed at all is not tried twice.
    """
    took, said = _recovered(lab, unit, cause, told)
    more = ""
    if took > most > 0:
        more = f"{took:.2f} s at first, "
        took, said = _recovered(lab, unit, cause, told)
    if took > most:
        raise BrokenPromiseError(f"capture was back after {more}{took:.2f} s")
    effect = f"back after {more}{took:.2f} s" if took else "nothing missed"
    return f"{effect}; told: {_message(said)}"


def _recovered(
    lab: Lab, unit: str, cause: Callable[[int], None], told: tuple[str, ...]
) -> tuple[float, str]:
    """Cause the fault once; return how long capture was away, and the line that tells it."""
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
    return took, line[line.index("CEF:") :]


def _message(line: str) -> str:
    found = re.search(r" msg=(.*?); it was started again", line)
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


NOT_ROOT = {"NoNewPrivs=1", "Seccomp=2"}
STATE = "/var/lib/maltrail-agent"
SECRETS = "/etc/maltrail-agent/secrets"
TRIED = (
    *("/etc/shadow", f"{SECRETS}/lab-deliver", f"{SECRETS}/lab-update"),
    *("+/etc", "+/usr", "+/etc/maltrail-agent", f"+{STATE}", f"+{STATE}/state", "+/run"),
    *(f"+{STATE}/{name}" for name in ("sets", "lists", "journal")),
    *(f"+{STATE}/state/{name}" for name in ("sense", "deliver", "update")),
    "+/run/maltrail-agent",
)
NO_CAPABILITY = {f"Cap{kind}=0000000000000000" for kind in ("Eff", "Bnd", "Amb")}
PERMITTED: dict[str, set[str]] = {
    SENSE: {
        *(f"Cap{kind}=0000000000002000" for kind in ("Eff", "Bnd", "Amb")),  # CAP_NET_RAW alone
        *("AF_UNIX", "AF_PACKET", f"+{STATE}/state/sense"),
    },
    DELIVER: {
        *NO_CAPABILITY,
        *("AF_UNIX", "AF_INET", "AF_INET6", f"{SECRETS}/lab-deliver", "+/run/maltrail-agent"),
        *(f"+{STATE}/journal", f"+{STATE}/state/deliver"),
    },
    UPDATE: {
        *NO_CAPABILITY,
        *("AF_UNIX", "AF_INET", "AF_INET6", f"{SECRETS}/lab-update"),
        *(f"+{STATE}/sets", f"+{STATE}/lists", f"+{STATE}/state/update"),
    },
}
"""All that a process in each unit's sandbox may do, of what the probe tries."""


def sandbox(lab: Lab) -> str:
    """What is permitted in each unit's place is exactly what it needs."""
    for name in ("deliver", "update"):
        file = lab.host.root / f"etc/maltrail-agent/secrets/lab-{name}"
        file.write_text("secret", encoding="ascii")
        file.chmod(0o640)
        lab.host.run("chgrp", f"maltrail-{name}", f"{SECRETS}/lab-{name}")
    probe = lab.host.root / "usr/local/bin/lab-probe"
    probe.write_bytes(Path(__file__).with_name("probe.py").read_bytes())
    for unit, permitted in PERMITTED.items():
        found = set(_probed(lab.host, unit).split("\n"))
        wanted = permitted | NOT_ROOT | {"end"}
        if found != wanted:
            more, less = sorted(found - wanted), sorted(wanted - found)
            raise BrokenPromiseError(f"{unit}: permitted {more}, refused {less}")
    return "three units: exactly what they need"


def _probed(host: Host, unit: str) -> str:
    """Run the probe in a copy of the unit; return what it prints."""
    kept = [
        line
        for line in host.run("systemctl", "cat", unit).splitlines()
        if line.split("=")[0] not in _ABOUT_RUNNING and not line.startswith("#")
    ]
    name = f"lab-{unit}"
    asked = " ".join(("/usr/bin/python3 /usr/local/bin/lab-probe", *TRIED))
    more = f"[Service]\nType=oneshot\nExecStart={asked}\nSyslogIdentifier={name}"
    copy = "\n".join(kept).replace("[Service]", more, 1)
    (host.root / "run/systemd/system" / name).write_text(copy, encoding="utf-8")
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "start", name)
    asked_for = ("journalctl", "-o", "cat", "-t", name)
    until(lambda: host.run(*asked_for, check=False).endswith("\nend"), "the probe's end")
    return host.run(*asked_for)


_ABOUT_RUNNING = frozenset(
    (
        *("Type", "ExecStart", "ExecStartPost", "ExecReload", "ExecStopPost", "WatchdogSec"),
        *("Restart", "RestartSec", "RestartPreventExitStatus", "NotifyAccess", "WantedBy"),
        *("Wants", "After", "StartLimitIntervalSec", "StartLimitBurst"),
    )
)


def unusable(lab: Lab) -> str:
    """A configuration that cannot be used: no reload, no start, no restart."""
    before = lab.host.main(SENSE)
    try:
        with lab.host.configured(lambda document: document.update(captur={})):
            said = lab.host.run("systemctl", "reload", SENSE, check=False)
            if "failed" not in said or lab.host.main(SENSE) != before:
                raise BrokenPromiseError(f"the reload was not refused: {said}")
            lab.host.run("systemctl", "stop", SENSE)
            begin = time.monotonic()
            lab.host.run("systemctl", "start", SENSE, check=False)
            took = time.monotonic() - begin
            time.sleep(1.0)  # twice RestartSec=
            state = tuple(
                lab.host.shows(SENSE, name)
                for name in ("ActiveState", "ExecMainStatus", "NRestarts")
            )
            if state != ("failed", "2", "0"):
                raise BrokenPromiseError(f"not failed once with 2: {state}")
    finally:
        lab.host.run("systemctl", "restart", SENSE)
    return f"the reload is refused, a start fails once after {took:.1f} s"


def drop_ins(lab: Lab) -> str:
    """Drop-ins as shipped are taken: limits, pinning; what only the kernel could show is not."""
    folder = Path(__file__).resolve().parents[2] / "deploy/systemd/drop-ins"
    text = "".join(
        (folder / f"{name}.conf").read_text(encoding="utf-8")
        for name in ("several-interfaces", "cpu-pinning", "paused-hosts")
    ).replace("CPUAffinity=0-1", "CPUAffinity=0")
    with lab.host.drop_in(SENSE, text):
        lab.host.run("systemctl", "restart", SENSE)
        shown = [lab.host.shows(SENSE, name) for name in ("CPUQuotaPerSecUSec", "MemoryHigh")]
        status = Path(f"/proc/{lab.host.main(SENSE)}/status").read_text(encoding="ascii")
        environment = lab.host.shows(SENSE, "Environment").split()
    lab.host.run("systemctl", "restart", SENSE)
    pinned = "Cpus_allowed_list:\t0\n" in status
    is_silent = f"{SILENCE}=10" in environment
    if shown != ["4s", str(1 << 30)] or not pinned or not is_silent:
        raise BrokenPromiseError(f"{shown}, pinned {pinned}, {environment}")
    return "limits, pinning, silence"


def credential(lab: Lab) -> str:
    """A token that root alone can read reaches the receiver, by way of systemd."""
    token = lab.host.root / "etc/maltrail-agent/secrets/lab-token"
    token.write_text("the-lab-token\n", encoding="ascii")
    token.chmod(0o600)
    collector = Collector(lab.listener)
    more = {
        "name": "lab-hec",
        "type": "splunk_hec",
        "url": collector.url,
        "token_file": f"/run/credentials/{DELIVER}/hec-token",
        "acknowledge": False,
    }
    text = f"[Service]\nLoadCredential=hec-token:{SECRETS}/lab-token\n"
    with (
        lab.host.configured(lambda document: document["outputs"].append(more)),
        lab.host.drop_in(DELIVER, text),
    ):
        lab.host.run("systemctl", "restart", DELIVER)
        until(lambda: collector.tokens, "a request of deliver")
    lab.host.run("systemctl", "restart", DELIVER)
    if collector.tokens != {"Splunk the-lab-token"}:
        raise BrokenPromiseError(f"the token was not sent: {collector.tokens}")
    return "deliver's requests carry it"


CHECKS: tuple[tuple[str, Callable[[Lab], str]], ...] = (
    ("kill -9 of sense", killed_sense),
    ("SIGSTOP of sense", stopped_sense),
    ("a hung capture worker", hung_worker),
    ("kill -9 of deliver", killed_deliver),
    ("SIGSTOP of deliver", stopped_deliver),
    ("kill -9 of update", killed_update),
    ("reload of both", reload),
    ("stop and start of both", stop),
    ("sandbox", sandbox),
    ("an unusable configuration", unusable),
    ("drop-ins", drop_ins),
    ("a credential", credential),
)


def _over_tcp(document: dict[str, Any]) -> None:
    """Have a journal for each output: what is to be told is told, whoever is killed."""
    for output in document["outputs"]:
        output["transport"] = "tcp"


def kept(lab: Lab, title: str, check: Callable[[Lab], str]) -> bool:
    """Check one promise and say how it went."""
    begin = time.monotonic()
    try:
        mark, said = "ok   ", check(lab)
    except (BrokenPromiseError, OSError) as error:
        mark, said = "FAIL ", str(error)
    sys.stdout.write(f"{mark} {title} ({time.monotonic() - begin:.1f} s): {said}\n")
    sys.stdout.flush()
    return mark.strip() == "ok"


def main() -> int:
    """Check all; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--host", required=True, metavar="PIDNS", help="pid:[NUMBER]")
    parser.add_argument("--received", type=Path, required=True)
    parser.add_argument(
        "--collector", metavar="PIDNS", help="the host that has FILE; default: here"
    )
    parser.add_argument("--peer", required=True, metavar="NETNS")
    parser.add_argument("--address", required=True, help="the peer's")
    parser.add_argument("--wire", default="wire1")
    parser.add_argument("--name", default="own.lab-trails.net")
    parser.add_argument("--only", default="", help="checks whose title holds this")
    options = parser.parse_args()
    with Namespace(options.peer).entered():
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        listener = socket.socket()
    wire.bind((options.wire, 0))
    listener.bind((options.address, 0))
    host = Host(systemd_of(options.host))
    received = options.received
    if options.collector:
        received = Host(systemd_of(options.collector)).root / str(received).lstrip("/")
    lab = Lab(host, received, wire, listener, options.name)
    with host.configured(_over_tcp):
        host.run("systemctl", "restart", SENSE, DELIVER)
        failed = sum(not kept(lab, *one) for one in CHECKS if options.only in one[0])
    host.run("systemctl", "restart", SENSE, DELIVER)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
