"""Webhooks: a template that no value can break, and no incident told again and again."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from agent.model import Endpoint
from outputs import Interrupted, Rejected, webhook
from tests.outputs.http_server import HttpServer
from tests.outputs.receivers import closed_port
from tests.outputs.samples import AGENT, BAITS, EVENT, always, delivery, filled


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def server() -> Iterator[HttpServer]:
    """Yield a receiver on loopback."""
    made = HttpServer()
    yield made
    made.close()


def opened(server: HttpServer, clock: Clock | None = None, **keys: str) -> webhook.Output:
    """Return an open output."""
    config = webhook.Config(url=server.url, **keys)  # type: ignore[arg-type]
    made = webhook.Output(config, clock or Clock())
    made.open()
    return made


def test_the_default_is_what_chat_services_take(server: HttpServer) -> None:
    """A JSON object with one text."""
    output = opened(server)
    output.write([delivery(EVENT)])
    output.close()

    (request,) = server.requests
    assert request.path == "/hook"
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == {
        "text": "sensor1.example.org: asyncrat (malware) (10) (www).evil.biz, "
        "10.0.0.5 to 8.8.8.8 53"
    }


@pytest.mark.parametrize("number", range(len(BAITS)))
def test_no_value_breaks_the_template(server: HttpServer, number: int) -> None:
    """Each bait stands in every field; the JSON stays the template's."""
    output = opened(server, template='{"t": "$trail", "i": "$info", "m": "$message"}')
    output.write([delivery(filled(always(BAITS[number])))])
    output.close()

    assert json.loads(server.requests[0].body).keys() == {"t", "i", "m"}


def test_the_same_incident_is_told_once_in_a_while(server: HttpServer) -> None:
    """What is held back is counted."""
    clock = Clock()
    output = opened(server, clock, repeat="10m")
    output.write([delivery(EVENT), delivery(EVENT)])
    assert (len(server.requests), output.counts.repeated) == (1, 1)

    clock.now = 601
    output.write([delivery(EVENT)])
    assert len(server.requests) == 2
    output.close()


def test_another_source_is_another_incident(server: HttpServer) -> None:
    """So is another trail."""
    output = opened(server)
    source = msgspec.structs.replace(EVENT, source=Endpoint("10.0.0.6", 1))
    trail = msgspec.structs.replace(EVENT, indicator="other.biz")
    output.write([delivery(event) for event in (EVENT, source, trail, AGENT, EVENT)])
    output.close()

    assert len(server.requests) == 4


def test_what_was_not_taken_is_not_remembered(server: HttpServer) -> None:
    """The runner tries again, and it must be told then."""
    server.answers = [503]
    output = opened(server)
    with pytest.raises(OSError, match="HTTP 503"):
        output.write([delivery(EVENT)])
    output.write([delivery(EVENT)])
    output.close()

    assert len(server.requests) == 2
    assert output.counts.repeated == 0


def test_an_event_that_is_never_taken_is_refused(server: HttpServer) -> None:
    """The others are."""
    server.answers = [200, 422, 200]
    output = opened(server)
    events = [msgspec.structs.replace(EVENT, indicator=f"evil{n}.biz") for n in range(3)]
    with pytest.raises(Rejected) as caught:
        output.write([delivery(event) for event in events])
    output.close()

    assert caught.value.indexes == (1,)


def test_a_failure_in_between_says_what_was_taken(server: HttpServer) -> None:
    """The rest is kept."""
    server.answers = [200, 500]
    output = opened(server)
    events = [msgspec.structs.replace(EVENT, indicator=f"evil{n}.biz") for n in range(3)]
    with pytest.raises(Interrupted) as caught:
        output.write([delivery(event) for event in events])
    output.close()

    assert caught.value.accepted == 1


def test_a_receiver_that_does_not_keep_connections_is_served(server: HttpServer) -> None:
    """One connection a request then."""
    server.keeps = False
    output = opened(server, repeat="0s")
    output.write([delivery(EVENT) for _ in range(3)])
    output.close()

    assert len(server.requests) == 3


def test_secret_headers_come_from_a_file(server: HttpServer, tmp_path: Path) -> None:
    """And are read anew at each opening."""
    path = tmp_path / "headers"
    path.write_text("Authorization: Bearer abc\n\nX-Team: soc\n")
    output = opened(server, headers_file=str(path))
    output.write([delivery(EVENT)])
    output.close()

    assert server.requests[0].headers["Authorization"] == "Bearer abc"
    assert server.requests[0].headers["X-Team"] == "soc"
    assert output.files == (path,)


@pytest.mark.parametrize("text", ["no colon", "A b: c", "X: a\x00b", ": x"])
def test_a_bad_file_of_headers_is_named(server: HttpServer, tmp_path: Path, text: str) -> None:
    """Before anything is sent, and without its content."""
    path = tmp_path / "headers"
    path.write_text(text)
    output = webhook.Output(webhook.Config(url=server.url, headers_file=str(path)))

    with pytest.raises(OSError, match=f"headers_file {path}: expected"):
        output.open()


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"template": "$nothing"}, r"template: \$nothing: expected"),
        ({"template": "100 $"}, r"a \$ that is none"),
        ({"repeat": "1 hour"}, "repeat: expected a duration"),
        ({"rate": 0.0}, "rate, burst"),
    ],
)
def test_wrong_settings_are_told(keys: dict[str, object], told: str) -> None:
    """By key, with what was expected."""
    with pytest.raises(ValueError, match=told):
        webhook.Config(url="https://chat.example.org/hook", **keys)  # type: ignore[arg-type]


def test_a_receiver_that_is_away_is_named() -> None:
    """The runner tells it once."""
    output = webhook.Output(webhook.Config(url=f"http://127.0.0.1:{closed_port()}"))

    with pytest.raises(OSError, match=r"127\.0\.0\.1:\d+: Connection refused"):
        output.open()
