"""What `check` finds of our own HTTP server: who can reach it, until when its files are good."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.config import Http, HttpTls
from agent.deliver.preflight_http import check_http
from outputs import Finding
from tests.outputs.authority import Authority


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> HttpTls:
    """Return the files of a server, good for 60 days."""
    made = Authority(tmp_path_factory.mktemp("authority")).issue("server", days=60)
    return HttpTls(certificate=str(made.certificate), key=str(made.key))


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    """Return a file with a password that others cannot read."""
    file = tmp_path / "password"
    file.write_text("secret\n")
    file.chmod(0o640)
    return str(file)


def reach(**keys: object) -> Finding:
    """Return what is said of who can read."""
    return next(check_http(Http(**keys)))  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ["127.0.0.1:9338", "[::1]:9338", "localhost:1", "127.0.0.2:0"])
def test_the_loopback_address_needs_no_guard(address: str) -> None:
    """Nobody else can reach it."""
    assert reach(address=address).level == "ok"


def test_an_open_address_is_warned_of_until_it_is_guarded(tls: HttpTls, password_file: str) -> None:
    """TLS alone lets everybody read."""
    for keys, said in (
        ({}, "is open to the network; set http.tls, or 127.0.0.1"),
        ({"password_file": password_file}, "is open to the network; set http.tls"),
        ({"tls": tls}, "is open to anybody in reach; set http.password_file"),
        ({"tls": tls, "password_file": password_file}, "with TLS, a password"),
    ):
        found = reach(address="0.0.0.0:9338", **keys)
        assert said in found.text
        assert (found.level == "ok") == (len(keys) == 2)


def test_an_address_that_is_none_is_a_failure() -> None:
    """As the start would say."""
    assert reach(address="nowhere").level == "failure"


def test_a_file_that_cannot_be_used_is_a_failure(tmp_path: Path) -> None:
    """As the start would say."""
    found = list(check_http(Http(password_file=str(tmp_path / "none"))))

    assert found[-1].level == "failure"
    assert "http.password_file" in found[-1].text


@pytest.mark.parametrize(("days", "level"), [(0, "ok"), (40, "warning"), (61, "failure")])
def test_a_certificate_that_ends_is_told_in_time(tls: HttpTls, days: int, level: str) -> None:
    """A month before, and when it is too late."""
    found = list(check_http(Http(tls=tls), datetime.now(UTC) + timedelta(days=days)))

    assert [f.level for f in found if "http.tls.certificate" in f.text] == [level]


def test_a_password_that_everybody_can_read_is_told(password_file: str) -> None:
    """With the command."""
    Path(password_file).chmod(0o644)

    found = list(check_http(Http(password_file=password_file)))

    assert found[-1].text.endswith(f"everybody may read it; chmod o= {password_file}")
