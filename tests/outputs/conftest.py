"""Fixtures for the tests of outputs."""

from collections.abc import Iterator

import pytest

from tests.outputs.authority import Authority, Certificate
from tests.outputs.kafka_broker import Broker
from tests.outputs.receivers import TcpReceiver, UdpReceiver


@pytest.fixture
def receiver() -> Iterator[UdpReceiver]:
    """Yield a UDP receiver on loopback."""
    made = UdpReceiver()
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[TcpReceiver]:
    """Yield a TCP receiver on loopback."""
    made = TcpReceiver()
    yield made
    made.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the authority that the receivers' certificates come from."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def shown(authority: Authority) -> Certificate:
    """Return a receiver's certificate for loopback."""
    return authority.issue("receiver")


@pytest.fixture(scope="session")
def ours(authority: Authority) -> Certificate:
    """Return a certificate that we show."""
    return authority.issue("sensor", "DNS:sensor1.example.org")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Yield a Kafka broker that runs; for the root tier, which has Java and Maven."""
    made = Broker(tmp_path_factory.mktemp("kafka"))
    made.start()
    yield made
    made.stop()
