"""A page for people is answered only to those who call us by our name."""

import http.client
from pathlib import Path

import pytest

from agent.config import Http
from agent.deliver.http import Answer, HttpServer, Page
from agent.deliver.http_host import is_ours


@pytest.mark.parametrize(
    "host",
    [
        *(None, "127.0.0.1:9338", "10.1.2.3", "[::1]:9338", "[::1]", "::1"),
        *("localhost:8000", "LOCALHOST", "sensor.example.org", "sensor.example.org:80"),
    ],
)
def test_addresses_localhost_and_the_configured_name_are_ours(host: str | None) -> None:
    """With any port: it may be forwarded."""
    assert is_ours(host, "sensor.example.org:9338")


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:9338", "127.0.0.1.evil.example", "localhost.evil.example"],
)
def test_other_names_are_not(host: str) -> None:
    """A foreign page reaches us only by a name of its own."""
    assert not is_ours(host, "127.0.0.1:9338")


def ask(server: HttpServer, path: str) -> int:
    """Return the status of a request as a foreign page makes it."""
    asked = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    asked.request("GET", path, headers={"Host": "evil.example"})
    status = asked.getresponse().status
    asked.close()
    return status


def test_a_foreign_name_is_misdirected_on_pages_for_people_only() -> None:
    """A scraper may call us as it likes."""
    pages = {
        "/": Page(lambda: Answer(b"x"), is_for_people=True),
        "/metrics": Page(lambda: Answer(b"x")),
    }
    server = HttpServer(Http(address="127.0.0.1:0"), pages)
    server.start()

    assert (ask(server, "/"), ask(server, "/metrics")) == (421, 200)
    server.stop()


def test_where_a_password_guards_the_page_any_name_will_do(tmp_path: Path) -> None:
    """A browser sends no password to a name that it does not know."""
    secret = tmp_path / "password"
    secret.write_text("swordfish")
    pages = {"/": Page(lambda: Answer(b"x"), is_for_people=True)}
    server = HttpServer(Http(address="127.0.0.1:0", password_file=str(secret)), pages)
    server.start()

    assert ask(server, "/") == 401
    server.stop()
