"""Splunk's HTTP Event Collector: batches, acknowledgements, and every answer that is no success."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from agent.model import Delivery
from outputs import Interrupted, Rejected, splunk_hec
from tests.outputs.authority import Authority, Certificate
from tests.outputs.hec_server import TOKEN, Collector, HecServer
from tests.outputs.receivers import server_context
from tests.outputs.samples import EVENT, EVENTS, delivery


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def collector() -> Collector:
    """Return what the server knows."""
    return Collector()


@pytest.fixture
def server(collector: Collector) -> Iterator[HecServer]:
    """Yield the server on loopback."""
    made = HecServer(collector)
    yield made
    made.close()


@pytest.fixture
def token(tmp_path: Path) -> str:
    """Return the file with the token."""
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    path.chmod(0o640)
    return str(path)


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
def output(server: HecServer, token: str, clock: Clock) -> Iterator[splunk_hec.Output]:
    """Yield an open output."""
    made = splunk_hec.Output(splunk_hec.Config(url=server.url, token_file=token), clock)
    made.open()
    yield made
    made.close()


def batch(count: int, start: int = 1) -> list[Delivery]:
    """Return deliveries with rising numbers."""
    return [delivery(EVENT, seq=seq) for seq in range(start, start + count)]


def numbers(collector: Collector) -> list[int]:
    """Return the `seq` of what was indexed."""
    return [cast(dict[str, int], event["event"])["seq"] for event in collector.indexed]


def test_an_event_stands_in_the_collectors_envelope(
    output: splunk_hec.Output, collector: Collector
) -> None:
    """Time of the packet with six digits, the sensor as host, the event as an object."""
    output.write([delivery(EVENT, seq=1)])

    (event,) = collector.indexed
    assert event["time"] == 1_700_000_001.000007
    assert event["host"] == EVENT.sensor
    assert event["source"] == "maltrail-agent"
    assert event["sourcetype"] == "maltrail:alert"
    assert cast(dict[str, object], event["event"])["trail"] == EVENT.trail


@pytest.mark.parametrize("name", ["cef", "maltrail", "maltrail-line", "ecs"])
def test_every_format_goes_as_an_event(
    server: HecServer, token: str, collector: Collector, name: str
) -> None:
    """Documents as objects, lines as texts."""
    config = splunk_hec.Config(url=server.url, token_file=token, format=name, index="alerts")  # type: ignore[arg-type]
    output = splunk_hec.Output(config)
    output.open()
    output.write([delivery(event) for event in EVENTS.values()])
    output.close()

    assert [event["index"] for event in collector.indexed] == ["alerts"] * len(EVENTS)
    kinds = {type(event["event"]) for event in collector.indexed}
    assert kinds == ({dict} if name in ("maltrail", "ecs") else {str})


def test_taken_is_not_confirmed_before_it_is_indexed(
    output: splunk_hec.Output, collector: Collector, clock: Clock
) -> None:
    """The collector says 200 before an indexer has anything."""
    collector.is_indexing = False
    output.write(batch(3))
    assert output.unconfirmed() == 3

    collector.index()
    clock.now += splunk_hec.ACK_EVERY
    assert output.unconfirmed() == 0
    assert numbers(collector) == [1, 2, 3]


def test_it_does_not_ask_more_often_than_it_should(
    output: splunk_hec.Output, collector: Collector
) -> None:
    """The runner asks all the time."""
    collector.is_indexing = False
    output.write(batch(1))
    for _ in range(20):
        output.unconfirmed()

    assert collector.requests == 2


def test_a_collector_that_forgot_is_noticed_by_its_numbers(
    output: splunk_hec.Output, collector: Collector
) -> None:
    """A restart counts from 0 again, and must not confirm what it lost."""
    collector.is_indexing = False
    output.write(batch(3))
    collector.restart()

    with pytest.raises(ConnectionResetError, match="restarted"):
        output.write(batch(1, 4))


def test_what_is_never_indexed_is_sent_again(
    output: splunk_hec.Output, collector: Collector, clock: Clock
) -> None:
    """After as long as other senders wait."""
    collector.is_indexing = False
    output.write(batch(1))
    clock.now += splunk_hec.ACK_TIMEOUT + 1

    with pytest.raises(TimeoutError, match="sent again"):
        output.unconfirmed()


def test_each_opening_has_a_channel_of_its_own(
    output: splunk_hec.Output, collector: Collector, clock: Clock
) -> None:
    """Acknowledgements of the last one cannot be mistaken."""
    output.write(batch(2))
    output.close()
    output.open()
    output.write(batch(1, 3))
    clock.now += splunk_hec.ACK_EVERY

    assert output.unconfirmed() == 0
    assert numbers(collector) == [1, 2, 3]


def test_a_bad_event_is_refused_and_all_others_are_taken(
    output: splunk_hec.Output, collector: Collector
) -> None:
    """The collector names it."""
    collector.answers = [(400, {"text": "Invalid data", "code": 6, "invalid-event-number": 1})]

    with pytest.raises(Rejected) as caught:
        output.write(batch(3))
    assert caught.value.indexes == (1,)
    assert numbers(collector) == [1, 3]
    assert output.unconfirmed() == 0


def test_a_request_that_is_too_long_is_halved(
    output: splunk_hec.Output, collector: Collector
) -> None:
    """Collectors are configured differently."""
    collector.max_content = 3_000
    output.write(batch(7))

    assert numbers(collector) == [1, 2, 3, 4, 5, 6, 7]


def test_an_event_that_alone_is_too_long_is_refused(
    output: splunk_hec.Output, collector: Collector
) -> None:
    """It would hold up all others."""
    collector.max_content = 10

    with pytest.raises(Rejected, match="too-big") as caught:
        output.write(batch(2))
    assert caught.value.indexes == (0, 1)


def test_requests_stay_below_what_collectors_take(
    output: splunk_hec.Output, collector: Collector
) -> None:
    """Several requests, in order."""
    count = splunk_hec.MAX_BODY // 1_000
    output.write(batch(count))

    assert collector.requests > 1
    assert numbers(collector) == list(range(1, count + 1))


def test_what_was_taken_before_a_failure_is_said(
    output: splunk_hec.Output, collector: Collector
) -> None:
    """The runner keeps the rest."""
    collector.answers = []
    count = splunk_hec.MAX_BODY // 1_000
    output.write(batch(1))
    deliveries = batch(count, 2)
    taken = collector.take

    def take_once(channel: str, events: list[dict[str, object]]) -> int:
        collector.answers = [(503, {"text": "Server is busy", "code": 9})]
        return taken(channel, events)

    collector.take = take_once  # type: ignore[method-assign]
    with pytest.raises(Interrupted, match="Server is busy") as caught:
        output.write(deliveries)
    assert numbers(collector)[1:] == list(range(2, 2 + caught.value.accepted))


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [(503, 9, "Server is busy"), (400, 7, "Incorrect index"), (500, 8, "Internal server error")],
)
def test_other_answers_keep_everything(
    output: splunk_hec.Output, collector: Collector, status: int, code: int, text: str
) -> None:
    """Nothing is given up for what may be mended at the collector."""
    collector.answers = [(status, {"text": text, "code": code})]

    with pytest.raises(OSError, match=text):
        output.write(batch(1))


def test_a_wrong_token_says_where_it_stands(server: HecServer, tmp_path: Path) -> None:
    """And never what it is."""
    path = tmp_path / "token"
    path.write_text("secret")
    output = splunk_hec.Output(splunk_hec.Config(url=server.url, token_file=str(path)))
    output.open()

    with pytest.raises(PermissionError, match="token_file") as caught:
        output.write(batch(1))
    assert "secret" not in str(caught.value)
    output.close()


def test_a_token_without_acknowledgement_is_told(
    output: splunk_hec.Output, collector: Collector
) -> None:
    """Silence would never be confirmed."""
    collector.has_acknowledgement = False

    with pytest.raises(OSError, match="acknowledge: false"):
        output.write(batch(1))


def test_without_acknowledgement_the_answer_is_all(
    server: HecServer, token: str, collector: Collector
) -> None:
    """As with Splunk Cloud."""
    collector.has_acknowledgement = False
    config = splunk_hec.Config(url=server.url, token_file=token, acknowledge=False)
    output = splunk_hec.Output(config)
    output.open()
    output.write(batch(2))

    assert output.unconfirmed() is None
    assert numbers(collector) == [1, 2]
    output.close()


def test_a_connection_that_ended_meanwhile_is_opened_again(
    server: HecServer, output: splunk_hec.Output, collector: Collector
) -> None:
    """Load balancers end what is idle; nothing is lost, nothing is told."""
    output.write(batch(1))
    collector.answers = [(200, {"text": "Success", "code": 0, "ackId": 1})]
    server.close()
    again = HecServer(collector, port=server.port)
    collector.answers = []
    output._client._connection.sock.shutdown(2)  # type: ignore[union-attr]
    output.write(batch(1, 2))

    assert numbers(collector) == [1, 2]
    again.close()


def test_it_speaks_tls_and_refuses_a_stranger(
    authority: Authority, shown: Certificate, collector: Collector, token: str
) -> None:
    """Verified by the CA of the settings, and by no other."""
    server = HecServer(collector, server_context(shown))
    trusting = splunk_hec.Output(
        splunk_hec.Config(url=server.url, token_file=token, ca_file=str(authority.file))
    )
    trusting.open()
    trusting.write(batch(1))
    trusting.close()
    careful = splunk_hec.Output(splunk_hec.Config(url=server.url, token_file=token))
    with pytest.raises(OSError, match="certificate refused"):
        careful.open()
    server.close()

    assert numbers(collector) == [1]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"url": "splunk.example.org:8088"}, "expected https://"),
        ({"url": "https://u:p@splunk.example.org"}, "no user or password"),
        ({"url": "http://splunk.example.org", "ca_file": "/x"}, "only with a url"),
        ({"url": "https://splunk.example.org", "rate": 0.5}, "rate"),
    ],
)
def test_wrong_settings_are_told(keys: dict[str, object], told: str) -> None:
    """By key."""
    with pytest.raises(ValueError, match=told):
        splunk_hec.Config(**{"token_file": "/run/token", **keys})  # type: ignore[arg-type]


def test_an_answer_that_is_no_json_is_no_success(
    output: splunk_hec.Output, collector: Collector
) -> None:
    """As a proxy gives it."""
    collector.answers = [(200, {})]

    with pytest.raises(OSError, match="ackId"):
        output.write(batch(1))
