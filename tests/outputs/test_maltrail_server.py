"""What an existing Maltrail server gets: its own sensors' datagrams (rule O-4)."""

import pytest

from agent.config import ConfigError
from tests.outputs.receivers import UdpReceiver
from tests.outputs.samples import EVENT, delivery
from tests.outputs.test_shelf import make


def test_a_datagram_is_the_second_and_the_line(receiver: UdpReceiver) -> None:
    """With the line's own end."""
    output = make("maltrail_server", address=receiver.address)
    output.open()
    output.write([delivery(EVENT)])
    output.close()

    assert receiver.next() == (
        b'1700000001 "2023-11-14 22:13:21.000007" sensor1.example.org 10.0.0.5 40000 8.8.8.8 53 '
        b'UDP DNS (www).evil.biz "asyncrat (malware)" (static)\n'
    )


def test_the_servers_port_is_the_default() -> None:
    """As `LOG_SERVER` has it."""
    assert "8337" in str(next(make("maltrail_server", address="192.0.2.1").inspect(None, False)))  # type: ignore[arg-type]


def test_other_transports_are_refused() -> None:
    """The server listens to datagrams only."""
    with pytest.raises(ConfigError, match="transport: a Maltrail server takes udp only"):
        make("maltrail_server", address="192.0.2.1", transport="tcp")
