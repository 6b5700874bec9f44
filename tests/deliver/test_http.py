"""Metrics and health over HTTP: known paths, two methods, few and hurried clients."""

import contextlib
import http.client
import logging
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from agent.config import ConfigError, Http
from agent.deliver import http as http_module
from agent.deliver.http import MAX_CONNECTIONS, MAX_REQUEST, Answer, HttpServer, Page
from agent.deliver.http_pages import pages
from tests.deliver.waiting import until

WAIT = 10.0


class Health:
    """What is wrong, as the tests want it."""

    def __init__(self) -> None:
        self.healthy = ""
        self.ready = ""


@pytest.fixture(autouse=True)
def quick_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the end of a server take no half a second."""
    monkeypatch.setattr(http_module, "POLL", 0.01)


@pytest.fixture
def health() -> Health:
    """Return a health that is well."""
    return Health()


def serving(address: str = "127.0.0.1:0", metrics: Callable[[], bytes] | None = None) -> HttpServer:
    """Return a server that serves, well and ready."""
    made = HttpServer(Http(address=address), pages(metrics, str, str))
    made.start()
    return made


@pytest.fixture
def server(health: Health) -> Iterator[HttpServer]:
    """Yield a server on a free port."""
    table = pages(lambda: b"metric 1\n", lambda: health.healthy, lambda: health.ready)
    made = HttpServer(Http(address="127.0.0.1:0"), table)
    made.start()
    yield made
    made.stop()


def ask(server: HttpServer, path: str, method: str = "GET") -> tuple[int, str, dict[str, str]]:
    """Return status, body and headers."""
    host = "::1" if ":" in str(server.server_address[0]) else "127.0.0.1"
    with contextlib.closing(http.client.HTTPConnection(host, server.port, timeout=WAIT)) as asked:
        asked.request(method, path)
        answer = asked.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())


def test_metrics_are_served_and_not_stored(server: HttpServer) -> None:
    """In Prometheus' text format, without a version of ours in the headers."""
    status, body, headers = ask(server, "/metrics")

    assert (status, body) == (200, "metric 1\n")
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Server"] == "maltrail-agent"


@pytest.mark.parametrize(("path", "name"), [("/healthz", "healthy"), ("/readyz", "ready")])
def test_health_says_ok_or_what_is_wrong(
    server: HttpServer, health: Health, path: str, name: str
) -> None:
    """200 or 503 with the reason as one line."""
    assert ask(server, path)[:2] == (200, "ok\n")

    setattr(health, name, "no trail set")

    assert ask(server, path)[:2] == (503, "no trail set\n")


@pytest.mark.parametrize("path", ["/", "/metricsx", "/foo", "/metrics/.."])
def test_every_other_path_is_not_found(server: HttpServer, path: str) -> None:
    """And nothing of it is repeated."""
    assert ask(server, path)[:2] == (404, "not found\n")


def test_a_query_changes_nothing(server: HttpServer) -> None:
    """Some scrapers add one."""
    assert ask(server, "/metrics?name[]=x")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "EVIL"])
def test_only_get_and_head_are_allowed(server: HttpServer, method: str) -> None:
    """It is read-only."""
    status, body, headers = ask(server, "/metrics", method)

    assert (status, body) == (405, "method not allowed\n")
    assert headers["Allow"] == "GET, HEAD"


def test_head_has_no_body(server: HttpServer) -> None:
    """Its length is told."""
    status, body, headers = ask(server, "/metrics", "HEAD")

    assert (status, body, headers["Content-Length"]) == (200, "", "9")


def test_metrics_can_be_switched_off() -> None:
    """Health is still served."""
    server = serving()

    assert ask(server, "/metrics")[0] == 404
    assert ask(server, "/healthz")[0] == 200
    server.stop()


def test_a_request_that_is_none_is_answered_without_repeating_it(server: HttpServer) -> None:
    """What a client sends never comes back in a page."""
    with socket.create_connection(("127.0.0.1", server.port), WAIT) as client:
        client.sendall(b"<script>alert(1)</script> x y z\r\n\r\n")
        answer = b""
        while data := client.recv(4096):
            answer += data

    assert b"script" not in answer
    assert b"bad request" in answer


def test_a_page_that_fails_is_told_once_and_harms_no_other(
    server: HttpServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection ends without an answer; the log says why."""

    def fail() -> Answer:
        raise KeyError("x")

    server.pages = {**server.pages, "/broken": Page(fail)}
    with caplog.at_level(logging.ERROR, "deliver.http"):
        for _ in range(2):
            with pytest.raises(http.client.RemoteDisconnected):
                ask(server, "/broken")
        assert ask(server, "/healthz")[0] == 200

    assert [record.getMessage() for record in caplog.records] == [
        "a page failed; the next like it are not told"
    ]


def test_a_request_has_a_bound(server: HttpServer) -> None:
    """Headers without end fill no memory."""
    with socket.create_connection(("127.0.0.1", server.port), WAIT) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nX: ".ljust(MAX_REQUEST, b"y"))

        assert b"431" in client.recv(100)


def test_idle_clients_keep_no_scraper_out(server: HttpServer) -> None:
    """Where all places are taken by clients that say nothing, the oldest gives way; it counts."""
    with contextlib.ExitStack() as stack:
        idle = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), WAIT))
            for _ in range(MAX_CONNECTIONS)
        ]
        until(lambda: len(server._live) == MAX_CONNECTIONS, "all are inside")

        assert ask(server, "/metrics")[:2] == (200, "metric 1\n")
        assert idle[0].recv(1) == b""
        assert server.refused == 1


def test_trickling_clients_keep_no_scraper_out(server: HttpServer) -> None:
    """Nor do those that send a byte now and then."""
    with contextlib.ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), WAIT))
            slow.sendall(b"GET /metr")
        until(lambda: len(server._live) == MAX_CONNECTIONS, "all are inside")

        for _ in range(3):
            assert ask(server, "/metrics")[0] == 200


def test_while_all_places_are_being_answered_a_newcomer_is_refused(server: HttpServer) -> None:
    """Work has a bound, too."""
    now = time.monotonic()
    busy = [socket.socket() for _ in range(MAX_CONNECTIONS)]
    for one in busy:
        server._live[one] = http_module._Connection(now + WAIT, has_asked=True)

    with socket.create_connection(("127.0.0.1", server.port), WAIT) as late:
        assert late.recv(1) == b""
    assert server.refused == 1
    for one in busy:
        del server._live[one]
        one.close()


def test_a_client_that_dawdles_is_hung_up_on(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte now and then keeps no connection for hours."""
    monkeypatch.setattr(http_module, "LIFE", 0.05)
    with socket.create_connection(("127.0.0.1", server.port), WAIT) as client:
        client.sendall(b"GET /metr")

        assert client.recv(100) == b""
    until(lambda: not server._live, "the connection is forgotten")


def test_ipv6_is_listened_on() -> None:
    """An address in brackets."""
    server = serving("[::1]:0")

    assert ask(server, "/healthz")[0] == 200
    server.stop()


@pytest.mark.parametrize("address", ["", "127.0.0.1", "127.0.0.1:x", "http://x:1"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    """By its key."""
    with pytest.raises(ConfigError, match=r"^http\.address: expected host:port"):
        HttpServer(Http(address=address), {})


def test_a_port_that_is_taken_is_named(server: HttpServer) -> None:
    """With what a person can do."""
    with pytest.raises(ConfigError, match=r"^http\.address: cannot listen on .* in use; name"):
        HttpServer(Http(address=f"127.0.0.1:{server.port}"), {})


def test_it_can_be_stopped_without_having_been_started() -> None:
    """As when something else failed at the start."""
    server = HttpServer(Http(address="127.0.0.1:0"), {})

    server.stop()
