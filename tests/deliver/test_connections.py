"""The whole of deliver with connections: outputs that do not hold each other up, reloads, logs."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent import config
from agent.config import ConfigError, Settings
from agent.deliver import main
from agent.deliver import server as server_module
from agent.deliver.main import Deliver
from outputs import _stream
from tests.deliver.waiting import until
from tests.outputs.authority import Authority, Certificate
from tests.outputs.receivers import TcpReceiver, UdpReceiver, server_context
from tests.outputs.samples import EVENT

Start = Callable[[Settings], Deliver]


def settings(*outputs: dict[str, object]) -> Settings:
    """Return settings as a configuration file would give them."""
    text = json.dumps({"http": {"address": "127.0.0.1:0"}, "outputs": outputs})
    return config.parse(text, "config.yaml")


def syslog(address: str, name: str = "siem", **keys: object) -> dict[str, object]:
    """Return the settings of a syslog output over TCP."""
    return {"name": name, "type": "syslog", "address": address, "transport": "tcp", **keys}


@pytest.fixture
def deliver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Yield what starts a deliver; all are closed at the end."""
    monkeypatch.setattr(main, "DRAIN_SECONDS", 0.1)
    monkeypatch.setattr(main, "TICK", 0.01)
    monkeypatch.setattr(server_module, "MEET_SECONDS", 0.0)
    started: list[Deliver] = []

    def start(made: Settings) -> Deliver:
        started.append(Deliver(made, tmp_path, tmp_path / "state"))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def tls(tmp_path: Path, shown: Certificate) -> Iterator[TcpReceiver]:
    """Yield a TLS receiver."""
    server = TcpReceiver(context=server_context(shown))
    yield server
    server.close()


def test_a_receiver_that_never_reads_holds_up_nobody_else(
    deliver: Start, server: TcpReceiver, receiver: UdpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own events wait, all others arrive."""
    monkeypatch.setattr(_stream, "WRITE_TIMEOUT", 60.0)
    elk = {"name": "elk", "type": "logstash", "address": receiver.address, "rate": 1e6}
    running = deliver(settings(syslog(server.address), {**elk, "burst": 1000}))
    stalled, _ = running.lanes
    until(lambda: stalled.connected, "it is connected")
    peer = server.accept()

    sent = 0
    while stalled.state.events < 1000:
        running.take([EVENT] * 50)
        for _ in range(50):
            assert receiver.next()
        sent += 50
        assert sent < 100_000

    assert stalled.connected
    peer.close()


def test_a_reload_reconnects_an_output_whose_files_have_another_content(
    deliver: Start, tls: TcpReceiver, authority: Authority, tmp_path: Path
) -> None:
    """The path is the same; the other outputs stay as they are."""
    ca_file = tmp_path / "ca.pem"
    shutil.copy(authority.file, ca_file)
    plain = TcpReceiver()
    made = settings(
        syslog(tls.address, transport="tls", ca_file=str(ca_file)), syslog(plain.address, "plain")
    )
    with tls.accepting() as first:
        running = deliver(made)
        first()
    secured, other = running.lanes
    until(lambda: secured.connected and other.connected, "both are connected")
    before = other.flows

    ca_file.write_bytes(ca_file.read_bytes() + Authority(tmp_path, "new").file.read_bytes())
    with tls.accepting() as second:
        running.reload(made)
        peer = second()
    running.take([EVENT])

    assert b"CEF:0|" in peer.line()
    assert other.flows == before
    plain.close()


def test_a_reload_with_files_that_cannot_be_used_is_refused(
    deliver: Start, tls: TcpReceiver, authority: Authority, tmp_path: Path
) -> None:
    """The connection that works stays."""
    ca_file = tmp_path / "ca.pem"
    shutil.copy(authority.file, ca_file)
    made = settings(syslog(tls.address, transport="tls", ca_file=str(ca_file)))
    with tls.accepting() as first:
        running = deliver(made)
        peer = first()
    (lane,) = running.lanes
    until(lambda: lane.connected, "it is connected")

    ca_file.write_text("half a certificate")
    with pytest.raises(ConfigError, match=r"outputs\.siem: ca_file .*: holds no usable PEM"):
        running.reload(made)
    running.take([EVENT])

    assert b"CEF:0|" in peer.line()


def test_a_start_with_files_that_cannot_be_used_holds_up_only_that_output(
    deliver: Start, receiver: UdpReceiver, tmp_path: Path
) -> None:
    """It is tried again until somebody mends the file."""
    bad = syslog("127.0.0.1:1", transport="tls", ca_file=str(tmp_path / "none.pem"))
    good: dict[str, object] = {"name": "elk", "type": "logstash", "address": receiver.address}
    running = deliver(settings(bad, good))

    running.take([EVENT])

    assert b"agent-start" in receiver.next()
    assert EVENT.event_id.encode() in receiver.next()
    assert running.lanes[0].state.events == 2


def test_an_output_that_verifies_nobody_is_warned_of_at_the_start(
    deliver: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """As `check` does."""
    caplog.set_level(logging.WARNING)

    deliver(settings(syslog("127.0.0.1:1", transport="tls", accept_any_certificate=True)))

    assert "output siem: accept_any_certificate: NOT VERIFIED" in caplog.text


def test_all_receivers_have_everything_each_with_its_own_numbers(deliver: Start) -> None:
    """`mode: all` is an output for each address."""
    first, second = TcpReceiver(), TcpReceiver()
    both = {"name": "siem", "type": "logstash", "transport": "tcp", "mode": "all"}
    running = deliver(settings({**both, "addresses": [first.address, second.address]}))

    running.take([EVENT])

    assert [json.loads(one.accept().line())["seq"] for one in (first, second)] == [1, 1]
    assert [lane.name for lane in running.lanes] == [
        f"siem-127.0.0.1-{first.port}",
        f"siem-127.0.0.1-{second.port}",
    ]
    first.close()
    second.close()
