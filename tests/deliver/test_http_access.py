"""TLS and a password in front of the pages: real sockets, real certificates."""

import base64
import contextlib
import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.config import ConfigError, Http, HttpTls
from agent.deliver import http as http_module
from agent.deliver.http import MAX_CONNECTIONS, HttpServer
from agent.deliver.http_access import Access
from agent.deliver.http_pages import pages
from tests.deliver.waiting import until
from tests.outputs.authority import Authority

WAIT = 10.0
PASSWORD = "correct horse: battery"  # noqa: S105


@pytest.fixture(autouse=True)
def quick_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the end of a server take no half a second."""
    monkeypatch.setattr(http_module, "POLL", 0.01)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return who signs."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls(authority: Authority) -> HttpTls:
    """Return the files of a server."""
    made = authority.issue("server")
    return HttpTls(certificate=str(made.certificate), key=str(made.key))


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    """Return a file that holds the password."""
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    return str(file)


@contextlib.contextmanager
def serving(tls: HttpTls | None = None, password_file: str | None = None) -> Iterator[HttpServer]:
    """Yield a server that is well but not ready."""
    table = pages(lambda: b"metric 1\n", str, lambda: "no trail set")
    settings = Http(address="127.0.0.1:0", tls=tls, password_file=password_file)
    made = HttpServer(settings, table)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def ask(
    server: HttpServer,
    path: str,
    header: str | None = None,
    context: ssl.SSLContext | None = None,
) -> tuple[int, str]:
    """Return status and body."""
    asked: http.client.HTTPConnection
    if context:
        asked = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=WAIT, context=context)
    else:
        asked = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT)
    with contextlib.closing(asked):
        asked.request("GET", path, headers={"Authorization": header} if header else {})
        answer = asked.getresponse()
        return answer.status, answer.read().decode()


def basic(password: str, user: str = "prometheus") -> str:
    """Return the header that shows a password."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def trusting(authority: Authority) -> ssl.SSLContext:
    """Return what verifies a server."""
    return ssl.create_default_context(cafile=str(authority.file))


def test_pages_are_served_over_tls(tls: HttpTls, authority: Authority) -> None:
    """To clients that verify."""
    with serving(tls) as server:
        assert ask(server, "/metrics", context=trusting(authority)) == (200, "metric 1\n")


def test_clear_text_is_not_answered_where_tls_is_on(tls: HttpTls) -> None:
    """Nothing is downgraded."""
    with serving(tls) as server, pytest.raises((http.client.HTTPException, ConnectionError)):
        ask(server, "/metrics")


def test_old_tls_is_not_spoken(tls: HttpTls) -> None:
    """1.2 or later."""
    context = Access(Http(tls=tls)).context

    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_client_that_never_negotiates_blocks_no_scrape(
    tls: HttpTls, authority: Authority
) -> None:
    """Silent ones, in the middle of a hello, and as many as there are places."""
    context = trusting(authority)
    with serving(tls) as server, contextlib.ExitStack() as stack:
        for number in range(MAX_CONNECTIONS):
            silent = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            if number % 2:
                silent.sendall(b"\x16\x03\x01\x02")
        until(lambda: len(server._live) == MAX_CONNECTIONS, "all are inside")

        for _ in range(3):
            assert ask(server, "/metrics", context=context)[0] == 200


def test_a_silent_client_is_hung_up_on(
    tls: HttpTls, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a handshake as everywhere."""
    monkeypatch.setattr(http_module, "LIFE", 0.05)
    with serving(tls) as server:
        with socket.create_connection(("127.0.0.1", server.port), WAIT) as silent:
            assert silent.recv(1) == b""
        until(lambda: not server._live, "the connection is forgotten")


def test_clients_must_show_a_certificate_where_client_ca_says_so(
    tls: HttpTls, authority: Authority
) -> None:
    """One of the named authority."""
    strict = HttpTls(certificate=tls.certificate, key=tls.key, client_ca=str(authority.file))
    ours = authority.issue("scraper")
    context = trusting(authority)
    with serving(strict) as server:
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(server, "/metrics", context=context)
        context.load_cert_chain(ours.certificate, ours.key)
        assert ask(server, "/metrics", context=context)[0] == 200


@pytest.mark.parametrize("user", ["prometheus", "", "anybody"])
def test_the_password_opens_all_pages(password_file: str, user: str) -> None:
    """The user's name does not matter; a colon in a password does no harm."""
    with serving(password_file=password_file) as server:
        assert ask(server, "/metrics", basic(PASSWORD, user)) == (200, "metric 1\n")
        assert ask(server, "/readyz", basic(PASSWORD, user)) == (503, "no trail set\n")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Basic",
        "Basic !!!",
        "Basic \udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
        basic(""),
        basic(PASSWORD[:-1]),
        basic(PASSWORD + "x"),
        f"Bearer {PASSWORD}",
        PASSWORD,
    ],
)
@pytest.mark.parametrize("path", ["/metrics", "/nothing"])
def test_without_the_password_nothing_is_told(
    password_file: str, header: str | None, path: str
) -> None:
    """Not even which pages there are."""
    with serving(password_file=password_file) as server:
        assert ask(server, path, header) == (401, "unauthorized\n")


def test_health_is_told_without_the_password_but_not_why(password_file: str) -> None:
    """A probe holds no secrets."""
    with serving(password_file=password_file) as server:
        assert ask(server, "/healthz") == (200, "ok\n")
        assert ask(server, "/readyz") == (503, "service unavailable\n")


def test_files_are_read_anew_for_a_new_access(password_file: str) -> None:
    """A reload changes the password without a pause."""
    with serving(password_file=password_file) as server:
        Path(password_file).write_text("another\n")
        server.access = Access(Http(password_file=password_file))

        assert ask(server, "/metrics", basic(PASSWORD))[0] == 401
        assert ask(server, "/metrics", basic("another"))[0] == 200


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, authority: Authority) -> None:
    """By its key."""
    empty, missing = tmp_path / "empty", tmp_path / "missing"
    empty.write_text("")
    good = authority.issue("good")
    for settings, said in (
        (Http(password_file=str(empty)), "http.password_file .*/empty: expected one line"),
        (Http(password_file=str(missing)), "http.password_file .*/missing: No such file"),
        (Http(tls=HttpTls(certificate=str(empty))), "http.tls: .*/empty: holds no usable PEM"),
        (Http(tls=HttpTls(certificate=str(missing))), "http.tls: .*/missing: No such file"),
        (
            Http(
                tls=HttpTls(
                    certificate=str(good.certificate), key=str(good.key), client_ca=str(missing)
                )
            ),
            "http.tls.client_ca: .*/missing: No such file",
        ),
    ):
        with pytest.raises(ConfigError, match=said):
            HttpServer(settings, {})
