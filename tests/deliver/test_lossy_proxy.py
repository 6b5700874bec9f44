"""verify finds exactly what a lossy proxy did to the lines of a real deliver."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from agent import config
from agent.deliver import main
from agent.deliver.main import Deliver
from agent.verify.report import Report, lines_of
from agent.verify.runs import Run
from tests.commands import run as command
from tests.deliver.lossy import Forward, Proxy
from tests.deliver.waiting import until
from tests.outputs.receivers import TcpReceiver, UdpReceiver, closed_port
from tests.outputs.samples import EVENT

EVENTS = 1500
PACE, RSYSLOG_RATE = 20_000.0, 1000.0
"""Events a second; more than the default for UDP a rsyslogd does not take."""
WAYS = [("udp", "cef"), ("udp", "maltrail"), ("tcp", "cef"), ("tcp", "maltrail"), ("tcp", "ecs")]

RSYSLOG = """
global(workDirectory="{folder}" maxMessageSize="64k")
module(load="im{kind}")
template(name="raw" type="string" string="%rawmsg%\\n")
input(type="im{kind}" address="127.0.0.1" port="{port}" ruleset="all")
ruleset(name="all") {{ action(type="omfile" file="{log}" template="raw") }}
"""


def deliver_through(proxy: Proxy, transport: str, form: str, folder: Path, pace: float) -> None:
    """Run a deliver whose only output leads into the proxy, from its start to its stop."""
    output = {
        "name": "siem",
        "type": "syslog",
        "address": f"127.0.0.1:{proxy.port}",
        "transport": transport,
        "format": form,
        "rate": pace,
    }
    text = json.dumps({"http": {"address": "127.0.0.1:0"}, "outputs": [output]})
    deliver = Deliver(config.parse(text, "config.yaml"), folder, folder / "state")
    deliver.start()
    (lane,) = deliver.lanes
    try:
        deliver.take([msgspec.structs.replace(EVENT, event_id=f"{n:032x}") for n in range(EVENTS)])
        until(lambda: not lane.state.events, "everything is sent")
        proxy.rate = 0.0
    finally:
        deliver.close()  # its stop goes through unharmed, so that nothing is lost behind the end


def missing(run: Run) -> set[int]:
    """Return the numbers that verify misses, before the first and in gaps."""
    inside = {seq for start, end in run.gaps for seq in range(start, end + 1)}
    return set(range(1, run.first)) | inside


def judge(proxy: Proxy, log: Path) -> None:
    """Compare what verify finds in the received lines with what the proxy handed on."""
    report = Report()
    report.take(lines_of(str(log)))
    (run,) = report.runs.runs.values()
    passed = set(proxy.passed)
    assert run.ended
    assert run.last == max(passed)
    assert missing(run) == set(range(1, run.last + 1)) - passed
    assert run.duplicates == len(proxy.passed) - len(passed)
    assert run.received == len(proxy.passed)
    highest, late, seen = 0, 0, set()
    for seq in proxy.passed:
        late += seq < highest and seq not in seen
        highest = max(highest, seq)
        seen.add(seq)
    assert run.reordered == late
    assert report.foreign == 0
    assert report.is_clean == (not run.gaps)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconnect soon, tell no systemd."""
    monkeypatch.setattr("agent.deliver.runner.BACKOFF_FIRST", 0.01)
    monkeypatch.setattr(main, "DRAIN_SECONDS", 5.0)
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)


@contextmanager
def proxied(transport: str, forward: Forward, rate: float) -> Iterator[Proxy]:
    """Run a proxy."""
    proxy = Proxy(transport, forward, rate, seed=3)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.close()


def through(tmp_path: Path, transport: str, form: str, rate: float) -> tuple[Proxy, Path]:
    """Send everything through a proxy into a file."""
    log = tmp_path / "received.log"
    with log.open("wb") as file:

        def write(line: bytes) -> None:
            file.write(line + b"\n")

        with proxied(transport, write, rate) as proxy:
            deliver_through(proxy, transport, form, tmp_path, PACE)
            until(lambda: proxy.passed[-1:] >= [EVENTS], "the end has come through")
    return proxy, log


@pytest.mark.parametrize(("transport", "form"), WAYS)
def test_every_gap_that_a_lossy_proxy_makes_is_found(
    tmp_path: Path, transport: str, form: str
) -> None:
    """By count and position; what came twice or late, too."""
    proxy, log = through(tmp_path, transport, form, 0.1)

    judge(proxy, log)
    assert len(set(proxy.passed)) < EVENTS - 20
    assert (proxy.resets > 0) == (transport == "tcp")
    assert command("verify", log).status == 1


@pytest.mark.parametrize(("transport", "form"), WAYS)
def test_nothing_is_found_where_the_proxy_is_honest(
    tmp_path: Path, transport: str, form: str
) -> None:
    """The start, all events, the stop."""
    proxy, log = through(tmp_path, transport, form, 0.0)

    judge(proxy, log)
    assert proxy.passed == [*range(1, EVENTS + 3)]
    said = command("verify", log)
    assert (said.status, said.out.splitlines()[-1]) == (0, "nothing is missing")


@contextmanager
def connected(transport: str, port: int) -> Iterator[Forward]:
    """Yield what sends a line to a receiver on loopback."""
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as made:
        made.connect(("127.0.0.1", port))
        end = b"\n" if transport == "tcp" else b""
        yield lambda line: made.sendall(line + end)


@contextmanager
def rsyslogd(folder: Path, transport: str) -> Iterator[tuple[int, Path]]:
    """Run a rsyslogd that writes what it gets as it is; yield its port and file."""
    log, settings = folder / "rsyslog.log", folder / "rsyslog.conf"
    port = closed_port(kind=TcpReceiver if transport == "tcp" else UdpReceiver)
    settings.write_text(RSYSLOG.format(folder=folder, kind=transport, port=port, log=log))
    command = ["/usr/sbin/rsyslogd", "-n", "-f", str(settings), "-i", str(folder / "pid")]
    table = Path(f"/proc/net/{transport}")
    with (
        (folder / "rsyslog.err").open("w") as errors,
        subprocess.Popen(command, stdout=errors, stderr=errors) as process,
    ):
        try:
            until(lambda: f"0100007F:{port:04X} " in table.read_text(), "rsyslogd listens")
            yield port, log
        finally:
            process.terminate()
            process.wait(20)


@pytest.mark.root
@pytest.mark.parametrize("rate", [0.1, 0.0])
@pytest.mark.parametrize(("transport", "form"), WAYS)
def test_what_a_real_rsyslogd_wrote_behind_the_proxy_is_judged_the_same(
    tmp_path: Path, transport: str, form: str, rate: float
) -> None:
    """Its file is what a site has in hand."""
    with (
        rsyslogd(tmp_path, transport) as (port, log),
        connected(transport, port) as forward,
        proxied(transport, forward, rate) as proxy,
    ):
        deliver_through(proxy, transport, form, tmp_path, RSYSLOG_RATE)
        until(lambda: proxy.passed[-1:] >= [EVENTS], "the end has come through")
        until(lambda: log.read_bytes().count(b"\n") >= len(proxy.passed), "rsyslogd wrote all")

    judge(proxy, log)
