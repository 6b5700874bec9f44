"""Kafka: settings everywhere, and a real broker in the root tier."""

import gc
import json
import time
from pathlib import Path

import pytest
from kafka import KafkaConsumer

from outputs import kafka
from tests.deliver.waiting import until
from tests.outputs.kafka_broker import Broker
from tests.outputs.receivers import closed_port
from tests.outputs.samples import EVENT, delivery

EVENTS = 2_000


def read(broker: Broker, topic: str, last: int) -> list[int]:
    """Return the `seq` of every record of a topic, in order, up to the first with `last`."""
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=broker.address,
        auto_offset_reset="earliest",
        consumer_timeout_ms=30_000,
    )
    found: list[int] = []
    for record in consumer:
        found.append(json.loads(record.value)["maltrail"]["seq"])
        if found[-1] == last:
            break
    consumer.close()
    return found


def make(broker: Broker, topic: str) -> kafka.Output:
    """Return an open output."""
    config = kafka.Config(addresses=(broker.address,), topic=topic, transport="tcp")
    made = kafka.Output(config)
    made.open()
    return made


@pytest.mark.root
def test_every_record_arrives_once_and_in_order(broker: Broker) -> None:
    """And its sockets are known while it is open."""
    output = make(broker, "ordered")
    output.write([delivery(EVENT, seq=seq) for seq in range(1, EVENTS + 1)])
    until(lambda: not output.unconfirmed(), "all replicas have everything")
    flows = output.flows()  # now that the client has found which broker leads
    output.close()

    assert {flow.remote_port for flow in flows} == {broker.port}
    assert read(broker, "ordered", EVENTS) == list(range(1, EVENTS + 1))


# The client leaves sockets of its attempts to reconnect to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.root
def test_nothing_is_confirmed_while_the_broker_is_dead(broker: Broker) -> None:
    """Killed with -9 in between, every event is there in the end."""
    output = make(broker, "killed")
    output.write([delivery(EVENT, seq=seq) for seq in range(1, EVENTS + 1)])
    broker.kill()
    output.write([delivery(EVENT, seq=EVENTS + 1)])
    time.sleep(0.5)
    assert output.unconfirmed()

    broker.start()
    until(lambda: not output.unconfirmed(), "all replicas have everything", seconds=60.0)
    output.close()
    assert set(read(broker, "killed", EVENTS + 1)) == set(range(1, EVENTS + 2))
    gc.collect()  # while the warnings of this test are let pass


def test_a_cluster_that_is_away_is_told() -> None:
    """As a failure that the runner tries again."""
    address = f"127.0.0.1:{closed_port()}"
    output = kafka.Output(kafka.Config(addresses=(address,), topic="x", transport="tcp"))

    with pytest.raises(OSError, match="Connection refused"):
        output.open()
    output.close()


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"addresses": ()}, "addresses"),
        ({"topic": ""}, "topic"),
        ({"username": "u"}, "password_file"),
        ({"transport": "tcp", "ca_file": "/x"}, "only with transport: tls"),
        ({"rate": 0.1}, "rate"),
    ],
)
def test_wrong_settings_are_told(keys: dict[str, object], told: str) -> None:
    """By key."""
    with pytest.raises(ValueError, match=told):
        kafka.Config(**({"addresses": ("b:1",), "topic": "t"} | keys))  # type: ignore[arg-type]


def test_check_names_topic_and_files(tmp_path: Path) -> None:
    """A missing password is found before the start."""
    path = tmp_path / "password"
    config = kafka.Config(
        addresses=("kafka.example.org",), topic="t", username="u", password_file=str(path)
    )
    findings = list(kafka.Output(config).inspect(None, connect=False))  # type: ignore[arg-type]

    assert [finding.level for finding in findings] == ["ok", "failure"]
    assert "kafka.example.org:9092" in findings[0].text
    assert str(path) in findings[1].text
