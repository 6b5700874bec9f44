"""The agent's two processes inside, a real rsyslogd and a listener for JSON outside."""

import re
import signal
import socket
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.delivery.processes import RSYSLOGD, Process, until
from bench.live.place import NEAR, OUTSIDE, Place

OUTPUTS = ("cef-udp", "cef-tcp", "json-udp")
SYSLOG_PORT, JSON_PORT, HTTP_PORT = 5514, 5140, 9338
RECEIVE_BUFFER = 8 << 20
QUIET = 0.2
"""Seconds after which a listener looks whether it is to end."""

_SAMPLE = re.compile(r"^maltrail_agent_(\w+)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


class Listener(threading.Thread):
    """Writes each datagram that comes to a file, a line each; runs until `stop`."""

    def __init__(self, place: Place, file: Path) -> None:
        super().__init__(name="json-listener", daemon=True)
        self._file = file
        self._ended = threading.Event()
        with place.outside.entered():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._socket.bind((OUTSIDE, JSON_PORT))
        self._socket.settimeout(QUIET)

    def run(self) -> None:
        """Receive."""
        with self._socket, self._file.open("wb", buffering=0) as file:
            while not self._ended.is_set():
                try:
                    file.write(self._socket.recv(1 << 16) + b"\n")
                except TimeoutError:
                    continue

    def stop(self) -> None:
        """End and wait for that."""
        self._ended.set()
        self.join()


class Station(NamedTuple):
    """Everything that runs, and the files that receivers write, by output."""

    place: Place
    rsyslog: Process
    deliver: Process
    sense: Process
    received: Mapping[str, Path]

    def metrics(self) -> dict[str, float]:
        """Return the agent's metrics, each summed over its labels; none where none answers."""
        url = f"http://127.0.0.1:{HTTP_PORT}/metrics"
        try:
            with self.place.inside.entered(), urllib.request.urlopen(url, timeout=5) as answer:
                page = answer.read().decode()
        except OSError:
            return {}
        found: dict[str, float] = {}
        for name, value in _SAMPLE.findall(page):
            found[name] = found.get(name, 0.0) + float(value)
        return found

    def until_rsyslog_listens(self) -> None:
        """Wait until it has both ports; raise TimeoutError, ProcessLookupError."""
        until(lambda: _listens(self.rsyslog.pid), "rsyslogd listens")

    def lines(self, output: str) -> list[str]:
        """Return the whole lines that the receiver of an output has written."""
        path = self.received[output]
        return path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []


@contextmanager
def station(
    place: Place, folder: Path, state: Path, own: Path, window: str = "1s", buffer_mb: int = 64
) -> Iterator[Station]:
    """Start all, wait until sense captures, and end all. Raise TimeoutError, OSError.

    `state` holds the published set, `own` is a list of own trails; incidents last `window`, the
    ring holds `buffer_mb`.
    """
    run = folder / "run"
    run.mkdir()
    config, rsyslog_config = folder / "config.yaml", folder / "rsyslog.conf"
    received = {name: folder / f"{name}.received" for name in OUTPUTS}
    config.write_text(_agent_settings(own, window, buffer_mb), encoding="utf-8")
    rsyslog_config.write_text(_rsyslog_settings(folder, received), encoding="utf-8")
    tail = ["-c", str(config), "--state-dir", str(state), "--run-dir", str(run)]

    def agent(name: str) -> Process:
        command = place.inside.command(sys.executable, "-m", "agent", name, *tail)
        return Process(command, folder / f"{name}.log")

    command = [RSYSLOGD, "-n", "-f", str(rsyslog_config), "-i", str(folder / "rsyslog.pid")]
    rsyslog = Process(place.outside.command(*command), folder / "rsyslog.log")
    running = Station(place, rsyslog, agent("deliver"), agent("sense"), received)
    listener = Listener(place, received["json-udp"])
    listener.start()
    processes = (rsyslog, running.deliver, running.sense)
    try:
        rsyslog.start()
        running.until_rsyslog_listens()
        running.deliver.start()
        running.sense.start()
        until(lambda: running.metrics().get("capture_up") == 1.0, "sense captures")
        yield running
    finally:
        for process in reversed(processes):
            process.end(signal.SIGTERM)
        listener.stop()


def _listens(pid: int) -> bool:
    """Tell whether a process' namespace has somebody at both syslog ports (proc(5))."""
    tables = (
        Path(f"/proc/{pid}/net/{kind}").read_text(encoding="ascii") for kind in ("udp", "tcp")
    )
    return all(f":{SYSLOG_PORT:04X} " in table for table in tables)


def _agent_settings(own: Path, window: str, buffer_mb: int) -> str:
    syslog = f'type: syslog, address: "{OUTSIDE}:{SYSLOG_PORT}", min_severity: info'
    logstash = f'type: logstash, address: "{OUTSIDE}:{JSON_PORT}", min_severity: info'
    return f"""\
sensor: {{name: live.example.org}}
capture: {{interfaces: [{NEAR}], buffer_mb: {buffer_mb}}}
trails: {{custom: [{own}]}}
allow_list: {{builtin: false, files: []}}
condense: {{window: {window}}}
limits: {{events_per_minute: off}}
outputs:
  - {{name: cef-udp, {syslog}}}
  - {{name: cef-tcp, transport: tcp, {syslog}}}
  - {{name: json-udp, {logstash}}}
http: {{address: "127.0.0.1:{HTTP_PORT}"}}
"""


def _rsyslog_settings(folder: Path, received: Mapping[str, Path]) -> str:
    where = f'address="{OUTSIDE}" port="{SYSLOG_PORT}"'
    return f"""\
global(workDirectory="{folder}")
module(load="imudp")
module(load="imtcp")
template(name="raw" type="string" string="%rawmsg%\\n")
input(type="imudp" {where} rcvbufSize="8m" ruleset="udp")
input(type="imtcp" {where} ruleset="tcp")
ruleset(name="udp") {{ action(type="omfile" file="{received["cef-udp"]}" template="raw") }}
ruleset(name="tcp") {{ action(type="omfile" file="{received["cef-tcp"]}" template="raw") }}
"""
