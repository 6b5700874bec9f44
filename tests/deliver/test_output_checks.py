"""What `check` finds about outputs: one finding a line, each with its remedy."""

from pathlib import Path

import pytest

from agent import config
from agent.deliver import preflight
from agent.deliver.preflight import check, may_read
from outputs import Finding
from tests.outputs.authority import Authority, Certificate
from tests.outputs.receivers import TcpReceiver, closed_port, server_context


def found(text: str, connect: bool = False) -> list[Finding]:
    """Return the findings about one output."""
    made = config.parse(f"outputs: [{{name: siem, {text}}}]", "config.yaml")
    return list(check(made, connect))


def said(text: str, connect: bool = False) -> list[tuple[str, str]]:
    """Return level and text of the findings, without what they begin with."""
    return [(level, line.removeprefix("outputs.siem: ")) for level, line in found(text, connect)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "type: syslog, address: siem.test",
            "syslog: to siem.test:514 over udp, which cannot tell what arrived",
        ),
        (
            "type: syslog, addresses: [a, '[2001:db8::1]:1'], transport: tcp, framing: octet",
            (
                "syslog: to a:514, then [2001:db8::1]:1 over tcp, lines are octet-counted, neither "
                "encrypted nor verified"
            ),
        ),
        (
            "type: logstash, address: 'elk:5044', transport: tls",
            "logstash: to elk:5044 over tls, lines end with LF, verified by the CAs of this system",
        ),
        ("type: stdout", "stdout: to standard output"),
        ("type: file, path: /tmp/x", "file: to /tmp/x"),
    ],
)
def test_how_events_travel_is_told(text: str, expected: str) -> None:
    """Where to, over what, how lines are told apart, who is verified."""
    assert said(text) == [("ok", expected)]


def test_an_output_that_verifies_nobody_is_warned_of() -> None:
    """In as many words."""
    lines = said("type: syslog, address: a, transport: tls, accept_any_certificate: true")

    assert lines[1][0] == "warning"
    assert "NOT VERIFIED, whoever answers gets all events; set ca_file" in lines[1][1]


@pytest.mark.parametrize(
    ("days", "level", "text"),
    [(90, "ok", "runs until"), (29, "warning", "expires on"), (-1, "failure", "expired on")],
)
def test_the_end_of_certificates_is_told(
    authority: Authority, days: int, level: str, text: str
) -> None:
    """Thirty days before, and when it is too late."""
    ours = authority.issue(f"client{days}", days=days)
    keys = f"client_certificate: {ours.certificate}, client_key: {ours.key}"

    lines = said(f"type: syslog, address: a, transport: tls, ca_file: {authority.file}, {keys}")

    assert [line for line in lines if "ca_file" in line[1] and "runs until" in line[1]]
    (certificate,) = (line for line in lines if "client_certificate" in line[1])
    assert certificate[0] == level
    assert text in certificate[1]


def test_a_file_that_is_not_there_is_a_failure() -> None:
    """With its key."""
    lines = said("type: syslog, address: a, transport: tls, ca_file: /nonexistent/ca.pem")

    (failure,) = (text for level, text in lines if level == "failure")
    assert failure == "syslog: ca_file /nonexistent/ca.pem: No such file or directory"


def test_a_wrong_setting_is_a_failure() -> None:
    """With the line that the start would print."""
    assert [level for level, _ in found("type: syslog")] == ["failure"]


def test_a_receiver_is_reached_only_when_asked(
    authority: Authority, shown: Certificate, server: TcpReceiver
) -> None:
    """And nothing is sent to it."""
    text = f"type: syslog, address: '{server.address}', transport: tcp"
    assert len(said(text)) == 1
    assert said(text, connect=True)[1:] == [
        ("ok", f"syslog: {server.address}: reached at 127.0.0.1")
    ]
    assert server.accept().rest() == b""

    secure = TcpReceiver(context=server_context(shown))
    options = f"transport: tls, ca_file: {authority.file}"
    with secure.accepting() as peer:
        lines = said(f"type: syslog, address: '{secure.address}', {options}", connect=True)
    assert "reached at 127.0.0.1 with TLSv1.3, its certificate: runs until" in lines[-1][1]
    assert peer().rest() == b""
    secure.close()


def test_each_receiver_of_a_failover_is_tried(server: TcpReceiver) -> None:
    """Also those that are not in use."""
    port = closed_port(kind=TcpReceiver)
    addresses = f"['127.0.0.1:{port}', '{server.address}']"

    lines = said(f"type: syslog, addresses: {addresses}, transport: tcp", connect=True)

    assert [level for level, _ in lines] == ["ok", "failure", "ok"]
    assert lines[1][1].endswith("cannot be reached: 127.0.0.1: Connection refused")


def test_udp_cannot_tell_who_listens() -> None:
    """It says so."""
    lines = said("type: syslog, address: '127.0.0.1:514'", connect=True)

    assert lines[1] == (
        "ok",
        "syslog: 127.0.0.1:514: is 127.0.0.1; whether anybody listens, udp cannot tell",
    )


def test_a_file_that_delivers_user_cannot_read_is_a_failure(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do; `check` mostly runs as root, which can read everything."""
    monkeypatch.setattr(preflight, "may_read", lambda _: False)

    lines = said(f"type: syslog, address: a, transport: tls, ca_file: {authority.file}")

    assert lines[-1][0] == "failure"
    assert "maltrail-deliver cannot read it; chgrp maltrail-deliver" in lines[-1][1]


@pytest.mark.root
def test_root_asks_the_kernel_for_another_user(tmp_path: Path) -> None:
    """Folders on the way count too."""
    file = tmp_path / "secret"
    file.write_text("x")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to("/tmp/pytest-of-root"):
            folder.chmod(0o711)
    file.chmod(0o644)
    assert may_read(file, "nobody")

    file.chmod(0o600)
    assert not may_read(file, "nobody")

    file.chmod(0o644)
    tmp_path.chmod(0o700)
    assert not may_read(file, "nobody")
    assert may_read(file, "no-such-user-here")
