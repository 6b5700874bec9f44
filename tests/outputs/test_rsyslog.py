"""A real rsyslogd gets CEF over UDP and writes what we sent."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import pytest

from agent.deliver.queue import Queue
from agent.deliver.runner import Runner
from agent.model import Endpoint
from outputs._fit import fit
from outputs._formats import FORMATS
from outputs._text import clean
from tests.deliver.queued import put
from tests.deliver.waiting import DEADLINE, until
from tests.outputs import cef_reader
from tests.outputs.expected import judge
from tests.outputs.fuzz import encoder
from tests.outputs.receivers import closed_port
from tests.outputs.samples import AGENT, BAITS, EVENT, FULL, HOSTILE, RUN_ID, delivery
from tests.outputs.test_shelf import make

CONFIG = """
global(workDirectory="{folder}" {limits})
module(load="imudp")
template(name="all" type="string"
    string="%pri%\\t%timereported:::date-rfc3339%\\t%hostname%\\t%app-name%\\t%msgid%\\t%msg%\\n")
input(type="imudp" address="127.0.0.1" port="{port}" ruleset="test")
ruleset(name="test") {{ action(type="omfile" file="{log}" template="all") }}
"""


@dataclass
class Rsyslog:
    """A running rsyslogd and the file that it writes."""

    port: int
    log: Path

    def has(self, count: int) -> bool:
        """Tell whether so many messages were written."""
        return len(self.rows()) >= count

    def rows(self) -> list[list[str]]:
        """Return what was written, a row a message."""
        if not self.log.exists():
            return []
        whole = self.log.read_bytes().split(b"\n")[:-1]  # the last one may still be written
        return [line.decode().split("\t") for line in whole]


@pytest.fixture
def rsyslog(tmp_path: Path) -> Iterator[Rsyslog]:
    """Yield a rsyslogd that takes the longest datagrams, on a high port."""
    yield from _running(tmp_path, 'maxMessageSize="64k"')


@pytest.fixture
def rsyslog_default(tmp_path: Path) -> Iterator[Rsyslog]:
    """Yield a rsyslogd whose limits are the default, on a high port."""
    yield from _running(tmp_path, "")


def _is_bound(port: int) -> bool:
    """Tell whether somebody has this UDP port (proc(5), net/udp)."""
    return f"0100007F:{port:04X} " in Path("/proc/net/udp").read_text(encoding="ascii")


def _running(tmp_path: Path, limits: str) -> Iterator[Rsyslog]:
    port, log, config = closed_port(), tmp_path / "out.log", tmp_path / "rsyslog.conf"
    config.write_text(
        CONFIG.format(folder=tmp_path, port=port, log=log, limits=limits), encoding="utf-8"
    )
    command = ["/usr/sbin/rsyslogd", "-n", "-f", str(config), "-i", str(tmp_path / "pid")]
    with (
        (tmp_path / "rsyslog.err").open("w") as errors,
        subprocess.Popen(command, stdout=errors, stderr=errors) as process,
    ):
        until(partial(_is_bound, port), "rsyslog listens")
        yield Rsyslog(port, log)
        process.terminate()
        process.wait(10)


@pytest.mark.root
def test_rsyslog_gets_every_field(rsyslog: Rsyslog) -> None:
    """Header and message arrive as they were meant, hostile values included."""
    # The formats' own tests have the others: what is cut to fit a datagram, and lone surrogates,
    # which cannot come over the link.
    short = [bait for bait in BAITS if len(bait) < 1000]
    baits = [bait for bait in short if not any("\ud800" <= char <= "\udfff" for char in bait)]
    hostile = [msgspec.structs.replace(EVENT, trail=bait, info=bait) for bait in baits]
    ipv6 = msgspec.structs.replace(EVENT, source=Endpoint("2001:db8::1", 1))
    events = [FULL, AGENT, ipv6, *hostile]
    queue = Queue(RUN_ID, 10_000_000)
    for event in events:
        put(queue, event)
    runner = Runner("rsyslog", make("syslog", address=f"127.0.0.1:{rsyslog.port}"), queue)
    runner.start()

    until(lambda: len(rsyslog.rows()) >= len(events), "rsyslog has written all events")
    runner.stop(0.0)
    assert runner.join(time.monotonic() + DEADLINE)

    for number, (event, row) in enumerate(zip(events, rsyslog.rows(), strict=True), 1):
        severity = {10: 2, 1: 6}[event.severity_id]
        assert row[:5] == [
            str(128 + severity),
            "2023-11-14T22:13:21.000007Z",
            "sensor1.example.org",
            "maltrail-agent",
            event.class_id,
        ]
        fields = cef_reader.read(row[5].lstrip(" ")).extension
        assert fields["cn2"] == str(number)
        assert fields.get("cs1", "") == clean(event.trail.strip()).strip()


@pytest.mark.root
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_rsyslog_hands_on_every_format_unchanged(rsyslog: Rsyslog, name: str) -> None:
    """Whatever a stranger wrote: one message an event, and every field as it was cleaned."""
    _send_and_judge(rsyslog, name, 65507)


@pytest.mark.root
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_default_rsyslog_tears_no_line(rsyslog_default: Rsyslog, name: str) -> None:
    """Without any setting on either side no line is longer than a receiver takes."""
    _send_and_judge(rsyslog_default, name, 8192)


def _send_and_judge(rsyslog: Rsyslog, name: str, max_bytes: int) -> None:
    """Send hostile events one after the other, and compare what was written field by field."""
    deliveries = [delivery(event, seq) for seq, event in enumerate((FULL, AGENT, *HOSTILE), 1)]
    address = f"127.0.0.1:{rsyslog.port}"
    output = make("syslog", address=address, format=name, max_bytes=max_bytes)
    output.open()
    for sent in deliveries:
        output.write([sent])
        until(partial(rsyslog.has, sent.seq), "rsyslog has written the event")
    output.close()
    for sent, row in zip(deliveries, rsyslog.rows(), strict=True):
        _, used = fit(sent, encoder(name, "rfc5424"), max_bytes)
        judge(name, row[5].removeprefix(" "), used)


@pytest.mark.root
def test_rsyslog_keeps_up_with_the_default_pace(rsyslog: Rsyslog) -> None:
    """A backlog is sent so that a default receive buffer loses nothing."""
    events = 3000
    queue = Queue(RUN_ID, 30_000_000)
    for _ in range(events):
        put(queue, FULL)
    runner = Runner("rsyslog", make("syslog", address=f"127.0.0.1:{rsyslog.port}"), queue)
    runner.start()

    until(lambda: runner.tally.sent >= events, "everything was sent")
    until(lambda: len(rsyslog.rows()) >= events, "everything was written")
    runner.stop(0.0)
    assert runner.join(time.monotonic() + DEADLINE)

    numbers = [cef_reader.read(row[5].lstrip(" ")).extension["cn2"] for row in rsyslog.rows()]
    assert numbers == [str(number) for number in range(1, events + 1)]
