"""TLS: who is believed, what is shown, which versions; files are read anew for each connection."""

import ssl
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import outputs
from outputs import _certificate, _stream
from tests.deliver.waiting import until
from tests.outputs.authority import Authority, Certificate
from tests.outputs.receivers import Peer, TcpReceiver, server_context
from tests.outputs.samples import EVENTS, delivery
from tests.outputs.test_shelf import make

BATCH = [delivery(event, seq) for seq, event in enumerate(EVENTS.values(), 1)]


@contextmanager
def secure(context: ssl.SSLContext, host: str = "127.0.0.1") -> Iterator[TcpReceiver]:
    """Yield a TLS server."""
    server = TcpReceiver(host, context=context)
    yield server
    server.close()


def connect(server: TcpReceiver, output: outputs.Output) -> Peer:
    """Open the output and return the receiver's end."""
    with server.accepting() as peer:
        output.open()
    return peer()


def refuse(server: TcpReceiver, output: outputs.Output) -> str:
    """Open the output, which must fail, and return what it says."""
    with server.accepting() as peer, pytest.raises(OSError, match=r".") as caught:
        output.open()
    try:
        peer().close()
    except OSError:
        assert isinstance(caught.value.__cause__, OSError)
    output.close()
    return str(caught.value)


def siem(server: TcpReceiver, **options: object) -> outputs.Output:
    """Return a syslog output over TLS."""
    return make("syslog", address=server.address, transport="tls", **options)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_events_arrive_at_a_server_that_is_verified(
    authority: Authority, shown: Certificate, version: ssl.TLSVersion
) -> None:
    """Over both versions; what was acknowledged is confirmed in the end."""
    context = server_context(shown, maximum_version=version)
    with secure(context) as server:
        output = siem(server, ca_file=str(authority.file))
        peer = connect(server, output)
        output.write(BATCH)

        assert [peer.line().count(b"CEF:0|") for _ in BATCH] == [1] * len(BATCH)
        until(lambda: output.unconfirmed() == 0, "everything is acknowledged")
        output.close()
        assert peer.rest() == b""


def test_messages_can_be_octet_counted(authority: Authority, shown: Certificate) -> None:
    """As RFC 5425 has it."""
    with secure(server_context(shown)) as server:
        output = siem(server, ca_file=str(authority.file), framing="octet")
        peer = connect(server, output)
        output.write(BATCH)

        assert all(peer.counted().startswith(b"<1") for _ in BATCH)
        output.close()


def test_a_large_batch_is_not_confirmed_before_it_is_acknowledged(
    authority: Authority, shown: Certificate
) -> None:
    """More than a record and more than the buffers: counted by batches, never too few."""
    with secure(server_context(shown)) as server:
        output = siem(server, ca_file=str(authority.file), max_bytes=60000)
        peer = connect(server, output)
        sent = 0
        while not output.unconfirmed():
            output.write(BATCH * 25)
            sent += len(BATCH) * 25

        confirmed = sent - (output.unconfirmed() or 0)
        arrived = [peer.line() for _ in range(confirmed)]

        assert len(arrived) == confirmed
        assert [peer.line() for _ in range(sent - confirmed)]
        until(lambda: output.unconfirmed() == 0, "everything is acknowledged")
        output.close()


def test_another_authority_is_refused(tmp_path: Path, shown: Certificate) -> None:
    """With what to look at."""
    other = Authority(tmp_path, "other")
    with secure(server_context(shown)) as server:
        said = refuse(server, siem(server, ca_file=str(other.file)))

    assert said.startswith(f"{server.address}: certificate refused: unable to get local issuer")
    assert said.endswith("see ca_file, server_name")


def test_an_authority_that_the_system_does_not_know_is_refused(shown: Certificate) -> None:
    """Without a file the system's authorities count."""
    with secure(server_context(shown)) as server:
        assert "certificate refused" in refuse(server, siem(server))


def test_another_name_is_refused(authority: Authority) -> None:
    """A valid certificate of somebody else."""
    other = authority.issue("elsewhere", "DNS:elsewhere.example.org")
    with secure(server_context(other)) as server:
        said = refuse(server, siem(server, ca_file=str(authority.file)))

    assert "certificate refused: IP address mismatch" in said


def test_the_expected_name_can_be_given(authority: Authority) -> None:
    """For a receiver that is reached by an address, or through another name."""
    other = authority.issue("named", "DNS:siem.example.org")
    with secure(server_context(other)) as server:
        options = {"ca_file": str(authority.file), "server_name": "siem.example.org"}
        output = siem(server, **options)
        connect(server, output)
        output.close()


def test_an_expired_certificate_is_refused(authority: Authority) -> None:
    """However right its name."""
    old = authority.issue("expired", days=-1)
    with secure(server_context(old)) as server:
        said = refuse(server, siem(server, ca_file=str(authority.file)))

    assert "certificate refused: certificate has expired" in said


def test_tls_1_1_is_refused(authority: Authority, shown: Certificate) -> None:
    """1.2 is the least."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context = server_context(
            shown,
            minimum_version=ssl.TLSVersion.TLSv1,
            maximum_version=ssl.TLSVersion.TLSv1_1,
        )
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with secure(context) as server:
        said = refuse(server, siem(server, ca_file=str(authority.file)))

    assert "TLS failed: " in said
    assert "protocol" in said


@pytest.mark.parametrize("greeting", [b"220 hello\r\n", b""])
def test_a_receiver_that_speaks_no_tls_is_told_apart(
    authority: Authority, server: TcpReceiver, monkeypatch: pytest.MonkeyPatch, greeting: bytes
) -> None:
    """Whether it says something else or waits for us in silence."""
    monkeypatch.setattr(_stream, "CONNECT_TIMEOUT", 0.2)
    server.greeting = greeting

    said = refuse(server, siem(server, ca_file=str(authority.file)))

    assert "does the receiver speak TLS here" in said


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_our_certificate_is_shown(
    authority: Authority, shown: Certificate, ours: Certificate, version: ssl.TLSVersion
) -> None:
    """To a receiver that demands one."""
    context = server_context(shown, str(authority.file), maximum_version=version)
    with secure(context) as server:
        output = siem(
            server,
            ca_file=str(authority.file),
            client_certificate=str(ours.certificate),
            client_key=str(ours.key),
        )
        peer = connect(server, output)
        output.write(BATCH)

        assert peer.line()
        output.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_receiver_that_refuses_us_is_noticed_before_anything_is_sent(
    authority: Authority, shown: Certificate, version: ssl.TLSVersion
) -> None:
    """With TLS 1.3 its refusal comes after our side of the handshake is done."""
    context = server_context(shown, str(authority.file), maximum_version=version)
    with secure(context) as server:
        said = refuse(server, siem(server, ca_file=str(authority.file)))

    assert said.startswith(f"{server.address}: ")


def test_nobody_is_verified_only_when_the_settings_say_so(shown: Certificate) -> None:
    """In as many words; still encrypted."""
    with secure(server_context(shown)) as server:
        output = siem(server, accept_any_certificate=True)
        peer = connect(server, output)
        output.write(BATCH)

        assert peer.line()
        assert isinstance(peer.socket, ssl.SSLSocket)
        output.close()


def test_files_are_read_anew_for_each_connection(tmp_path: Path, shown: Certificate) -> None:
    """A renewed authority counts without a restart."""
    authority_file = tmp_path / "ca.pem"
    other = Authority(tmp_path, "other")
    authority_file.write_bytes(other.file.read_bytes())
    with secure(server_context(shown)) as server:
        output = siem(server, ca_file=str(authority_file))
        assert "certificate refused" in refuse(server, output)

        right = shown.certificate.parent / "ca.pem"
        authority_file.write_bytes(right.read_bytes())
        connect(server, output)

        assert output.flows()
        output.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ca_file": "/nonexistent/ca.pem"}, "ca_file /nonexistent/ca.pem: No such file"),
        ({"ca_file": "/etc/hostname"}, "ca_file /etc/hostname: holds no usable PEM"),
        ({"client_certificate": "/etc/hostname"}, "client_certificate /etc/hostname: holds no"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(options: dict[str, object], said: str) -> None:
    """Key and file; it is tried again, so that others are not held up."""
    output = make("syslog", address="127.0.0.1:1", transport="tls", **options)

    with pytest.raises(OSError, match=said):
        output.open()


def test_a_key_with_a_password_is_refused_without_asking(tmp_path: Path, ours: Certificate) -> None:
    """Nobody is there to answer."""
    locked = tmp_path / "locked.key"
    command = ["openssl", "ec", "-aes256", "-passout", "pass:x", "-in", str(ours.key)]
    subprocess.run([*command, "-out", str(locked)], check=True, capture_output=True)
    output = make(
        "syslog",
        address="127.0.0.1:1",
        transport="tls",
        client_certificate=str(ours.certificate),
        client_key=str(locked),
    )

    with pytest.raises(OSError, match="a key has no password"):
        output.open()


def test_the_end_of_a_certificate_is_read(authority: Authority, shown: Certificate) -> None:
    """Of each in a file."""
    both = authority.file.parent / "both.pem"
    both.write_bytes(authority.file.read_bytes() + shown.certificate.read_bytes())

    first, second = _certificate.ends(both)

    for end in (first, second):
        assert abs(end - datetime.now(UTC) - timedelta(days=90)) < timedelta(hours=1)


@pytest.mark.parametrize("data", [b"", b"\x30", b"\x30\x82\x01", b"\x30\x00", b"\xff" * 40])
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    """Cut short, empty, anything."""
    with pytest.raises(ValueError, match="certificate"):
        _certificate.end_of(data)
