"""`test-outputs`: one event through each output, and what became of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import config
from agent.deliver.trial import CONFIRM_SECONDS, POLL_SECONDS, Trial, _confirmed, attempt
from outputs.file import Config, Output
from tests.commands import Said, run
from tests.outputs.receivers import TcpReceiver, UdpReceiver, closed_port
from tests.outputs.samples import AGENT


@pytest.fixture
def tcp() -> Iterator[TcpReceiver]:
    """Return a receiver."""
    made = TcpReceiver()
    yield made
    made.close()


def tried(text: str) -> Trial:
    """Try one output of these settings."""
    made = config.parse(f"outputs: [{{name: siem, {text}}}]", "config.yaml")
    return attempt(made.outputs[0], AGENT)


def test_a_receiver_that_takes_the_event_is_told_with_address_and_bytes(tcp: TcpReceiver) -> None:
    """Acknowledged by the host at the other end."""
    told = tried(f"type: syslog, address: '{tcp.address}', transport: tcp")

    assert (told.ok, told.text) == (True, "acknowledged by the receiver's host")
    assert told.address == f"127.0.0.1 port {tcp.port}"
    assert told.bytes > 100


def test_a_datagram_is_handed_over_and_no_more_is_claimed() -> None:
    """It is sent once, with seq 1."""
    receiver = UdpReceiver()
    try:
        told = tried(f"type: syslog, address: '{receiver.address}'")
        line = receiver.next()
        assert receiver.is_empty()
    finally:
        receiver.close()

    assert (told.ok, told.bytes) == (True, len(line))
    assert "this output cannot tell" in told.text
    assert b"cn2=1 " in line


def test_a_closed_port_is_told_with_what_to_do() -> None:
    """Not acknowledged, not raised."""
    told = tried(f"type: syslog, address: '127.0.0.1:{closed_port()}', transport: tcp")

    assert (told.ok, told.bytes) == (False, 0)
    assert told.text.endswith("; start the receiver there, or correct port and transport")


def test_settings_that_cannot_be_used_are_told() -> None:
    """With the key."""
    assert tried("type: sislog").text.startswith("outputs.siem.type: ")


def test_a_receiver_that_never_acknowledges_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    """The wait is bounded by the clock alone."""

    class Silent(Output):
        def unconfirmed(self) -> int | None:
            return 1

    clock = [0.0]

    def wait(seconds: float) -> None:
        clock[0] += seconds

    ok, text = _confirmed(Silent(Config(path=str(tmp_path / "x"))), lambda: clock[0], wait)

    assert not ok
    assert text.startswith("not acknowledged within 5 seconds; ")
    assert CONFIRM_SECONDS <= clock[0] <= CONFIRM_SECONDS + 2 * POLL_SECONDS


def command(tmp_path: Path, outputs: str, *arguments: str) -> Said:
    """Run the command."""
    path = tmp_path / "config.yaml"
    path.write_text(f"outputs: [{outputs}]\n")
    return run("test-outputs", "-c", path, "--state-dir", tmp_path / "state", *arguments)


def test_the_command_tells_of_each_output_and_fails_where_one_does(tmp_path: Path) -> None:
    """The file has the event; no journal was made."""
    good = f"{{name: good, type: file, path: '{tmp_path}/events.log'}}"
    bad = f"{{name: bad, type: syslog, transport: tcp, address: '127.0.0.1:{closed_port()}'}}"

    said = command(tmp_path, f"{good}, {bad}")

    assert said.status == 1
    first, second = said.out.splitlines()
    assert first.startswith("[o] good: file, ")
    assert second.startswith("[x] bad: syslog")
    assert "test event for output good" in (tmp_path / "events.log").read_text()
    assert not (tmp_path / "state").exists()


def test_the_command_takes_names_and_speaks_json(tmp_path: Path) -> None:
    """Only what was named, and nothing but JSON; an unknown name is a usage error."""
    good = f"{{name: good, type: file, path: '{tmp_path}/events.log'}}"
    other = f"{{name: other, type: file, path: '{tmp_path}/other.log'}}"

    said = command(tmp_path, f"{good}, {other}", "good", "--json")

    assert said.status == 0
    (told,) = json.loads(said.out)
    assert (told["name"], told["ok"]) == ("good", True)
    assert not (tmp_path / "other.log").exists()

    said = command(tmp_path, "{name: eyes, type: stdout, format: cef}", "--json")

    assert json.loads(said.out)[0]["name"] == "eyes"
    assert said.err.startswith("CEF:0|Maltrail|maltrail-agent|")

    said = command(tmp_path, good, "bad")
    assert (said.status, "no output is named bad; known: good" in said.err) == (2, True)
