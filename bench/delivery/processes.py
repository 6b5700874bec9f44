"""The real processes of a run: deliver, and rsyslogd or a sink as the receiver."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from kafka import KafkaConsumer

from tests.outputs.hec_server import TOKEN
from tests.outputs.kafka_broker import Broker

RSYSLOGD = "/usr/sbin/rsyslogd"
WAIT = 60.0

_RSYSLOG = """\
global(workDirectory="{folder}" maxMessageSize="64k"{tls_files})
module(load="imtcp"{tls_mode})
template(name="raw" type="string" string="%rawmsg%\\n")
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="r")
ruleset(name="r") {{ action(type="omfile" file="{log}" template="raw") }}
"""
_TLS_FILES = (
    ' defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{cert}"'
    ' defaultNetstreamDriverCertFile="{cert}" defaultNetstreamDriverKeyFile="{key}"'
)
_TLS_MODE = ' streamDriver.mode="1" streamDriver.authMode="anon"'

_DELIVER = """\
outputs:
  - {{name: siem, type: {kind}, address: "127.0.0.1:{port}", transport: {transport},
      format: {form}, min_severity: info{tls}}}
journal: {{max_mb: 2048}}
http: {{address: "127.0.0.1:{http}"}}
"""
_HEC = """\
outputs:
  - {{name: siem, type: splunk_hec, url: "https://127.0.0.1:{port}", token_file: {token},
      ca_file: {cert}, min_severity: info}}
journal: {{max_mb: 2048}}
http: {{address: "127.0.0.1:{http}"}}
"""
_KAFKA = """\
outputs:
  - {{name: siem, type: kafka, addresses: ["{broker}"], topic: alerts, transport: tcp,
      format: maltrail, min_severity: info}}
journal: {{max_mb: 2048}}
http: {{address: "127.0.0.1:{http}"}}
"""
_SINK = """\
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
connection, _ = listener.accept()
while connection.recv(1 << 20):
    pass
"""


class Process:
    """A process that can be started again; only what was started here is ever ended."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process' number; raise ProcessLookupError where it does not run."""
        if self._process is None or self._process.poll() is not None:
            raise ProcessLookupError(f"{self._command[0]} has ended; see {self._log}")
        return self._process.pid

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as file:
            self._process = subprocess.Popen(self._command, stdout=file, stderr=file)

    def send(self, number: signal.Signals) -> None:
        """Send a signal and go on."""
        os.kill(self.pid, number)

    def end(self, number: signal.Signals) -> None:
        """End it with a signal and wait for that."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            try:
                self._process.wait(WAIT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(WAIT)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _deliver(folder: Path, config: str) -> Process:
    """Write the settings and return deliver, with its folders made."""
    for name in ("run", "state"):
        (folder / name).mkdir()
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    tail = ["--state-dir", str(folder / "state"), "--run-dir", str(folder / "run")]
    command = [sys.executable, "-m", "agent", "deliver", "-c", str(folder / "config.yaml"), *tail]
    return Process(command, folder / "deliver.log")


class Receiver(Protocol):
    """What a run ends and starts again."""

    def start(self) -> None:
        """Start it."""

    def end(self, number: signal.Signals) -> None:
        """End it with a signal and wait for that."""


class Place:
    """A folder with deliver and its receiver, which writes what it has to a file."""

    def __init__(self, folder: Path, http: int, deliver: Process, receiver: Receiver) -> None:
        self.socket = folder / "run" / "events.sock"
        self.received = folder / "received.log"
        self.http = http
        self.deliver = deliver
        self.receiver = receiver

    def collect(self) -> None:
        """Fill `received` where the receiver does not itself."""

    def close(self) -> None:
        """End both."""
        self.deliver.end(signal.SIGTERM)
        self.receiver.end(signal.SIGTERM)

    def metric(self, name: str) -> float:
        """Return a metric of deliver, summed over its labels; -1 while it does not answer."""
        url = f"http://127.0.0.1:{self.http}/metrics"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                page = answer.read().decode()
        except OSError:
            return -1.0
        found = re.findall(rf"^maltrail_agent_{name}(?:{{[^}}]*}})? (\S+)$", page, re.MULTILINE)
        return sum(map(float, found)) if found else -1.0


class Splunk(Place):
    """A collector that forgets at each end what it has not indexed."""

    def __init__(self, folder: Path) -> None:
        port, http = free_port(), free_port()
        cert, key, token = folder / "cert.pem", folder / "key.pem", folder / "token"
        _make_certificate(cert, key)
        token.write_text(TOKEN)
        config = _HEC.format(port=port, http=http, token=token, cert=cert)
        module = ("-m", "bench.delivery.hec")
        files = (str(port), str(cert), str(key), str(folder / "received.log"))
        receiver = Process([sys.executable, *module, *files], folder / "receiver.log")
        super().__init__(folder, http, _deliver(folder, config), receiver)


class _KafkaBroker(Broker):
    """A broker that a run may end as it ends processes."""

    def end(self, number: signal.Signals) -> None:
        """Kill it: a broker in order is the easy case."""
        del number
        self.kill()


class Kafka(Place):
    """A broker on loopback; what it has is read at the end."""

    def __init__(self, folder: Path) -> None:
        http, self._broker = free_port(), _KafkaBroker(folder)
        config = _KAFKA.format(broker=self._broker.address, http=http)
        super().__init__(folder, http, _deliver(folder, config), self._broker)

    def collect(self) -> None:
        """Read the topic from its beginning."""
        consumer = KafkaConsumer(
            "alerts",
            bootstrap_servers=self._broker.address,
            auto_offset_reset="earliest",
            consumer_timeout_ms=10_000,
        )
        with self.received.open("wb") as file:
            file.writelines(record.value + b"\n" for record in consumer)
        consumer.close()


class House(Place):
    """A folder with deliver, its settings, and rsyslogd or a sink as its receiver.

    `kind` is the output's type; without it the one that is meant for the format.
    """

    def __init__(
        self, folder: Path, transport: str, form: str, receiver: str, kind: str = ""
    ) -> None:
        received, http = folder / "received.log", free_port()
        port, cert, key = free_port(), folder / "cert.pem", folder / "key.pem"
        secure = transport == "tls"
        if secure:
            _make_certificate(cert, key)
        config = _DELIVER.format(
            port=port,
            kind=kind or ("logstash" if form in {"maltrail", "ecs"} else "syslog"),
            transport=transport,
            form=form,
            http=http,
            tls=f", ca_file: {cert}" if secure else "",
        )
        rsyslog = folder / "rsyslog.conf"
        rsyslog.write_text(
            _RSYSLOG.format(
                folder=folder,
                port=port,
                log=received,
                tls_files=_TLS_FILES.format(cert=cert, key=key) if secure else "",
                tls_mode=_TLS_MODE if secure else "",
            ),
            encoding="utf-8",
        )
        commands = {
            "rsyslog": [RSYSLOGD, "-n", "-f", str(rsyslog), "-i", str(folder / "rsyslog.pid")],
            "sink": [sys.executable, "-c", _SINK, str(port)],
        }
        process = Process(commands[receiver], folder / "receiver.log")
        super().__init__(folder, http, _deliver(folder, config), process)


def until(condition: Callable[[], object], what: str, seconds: float = WAIT) -> None:
    """Return when the condition holds; raise TimeoutError."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"never: {what}")
        time.sleep(0.02)


def private_kb(pid: int) -> int:
    """Return the private memory of a process that is not a file's."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"RssAnon:\s+(\d+) kB", status)
    return int(found[1]) if found else 0


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _make_certificate(cert: Path, key: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += [
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(key),
        "-out",
        str(cert),
    ]
    subprocess.run(command, check=True, capture_output=True)
