"""Several receivers: in order, past those that fail, back to the first after a while."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from outputs import _transport, syslog
from outputs._route import RETURN_AFTER
from tests.outputs.authority import Authority, Certificate
from tests.outputs.receivers import TcpReceiver, UdpReceiver, closed_port, server_context
from tests.outputs.samples import delivery


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Pair:
    """An output with two receivers in failover."""

    def __init__(self) -> None:
        self.first, self.second = TcpReceiver(), TcpReceiver()
        self.clock = Clock()
        addresses = (self.first.address, self.second.address)
        config = syslog.Config(addresses=addresses, transport="tcp")
        self.output = syslog.Output(config, self.clock)

    def send(self) -> None:
        """Write one event."""
        self.output.write((delivery(),))

    @property
    def to(self) -> int:
        """The port that the output is connected to."""
        return self.output.flows()[0].remote_port

    def stop_first(self) -> None:
        """Let nobody listen at the first address."""
        self.first.close()

    def start_first(self) -> None:
        """Let somebody listen there again."""
        self.first = TcpReceiver(port=self.first.port)

    def close(self) -> None:
        """Close everything."""
        self.output.close()
        self.first.close()
        self.second.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Yield an output with two receivers that work."""
    made = Pair()
    yield made
    made.close()


def test_the_first_has_everything_while_it_works(pair: Pair) -> None:
    """The second is not even connected."""
    pair.output.open()
    pair.send()

    assert pair.first.accept().line()
    pair.second.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        pair.second.socket.accept()


def test_the_second_is_used_when_the_first_is_away(pair: Pair) -> None:
    """Within the same attempt."""
    pair.stop_first()
    pair.output.open()
    pair.send()

    assert pair.second.accept().line()


def test_a_first_that_accepts_and_breaks_is_passed_over_too(pair: Pair) -> None:
    """A balancer without anything behind it connects every time."""
    pair.output.open()
    pair.first.accept().reset()
    with pytest.raises(ConnectionResetError):
        pair.send()
    pair.output.close()

    pair.output.open()

    assert pair.to == pair.second.port


def test_the_first_is_gone_back_to_after_a_while(pair: Pair) -> None:
    """Not at once, and without an error."""
    pair.stop_first()
    pair.output.open()
    pair.start_first()
    pair.clock.now += RETURN_AFTER - 1
    pair.send()
    assert pair.to == pair.second.port
    assert pair.second.accept().line()

    pair.clock.now += 1
    while pair.output.unconfirmed():
        pass
    pair.send()

    assert pair.to == pair.first.port
    assert pair.first.accept().line()


def test_a_first_that_is_still_away_leaves_the_second_at_work(pair: Pair) -> None:
    """And is asked again only after another while."""
    pair.stop_first()
    pair.output.open()
    pair.clock.now += RETURN_AFTER

    pair.send()
    assert pair.to == pair.second.port
    pair.start_first()
    pair.send()

    assert pair.to == pair.second.port


def test_a_file_that_became_unusable_leaves_the_second_at_work(
    tmp_path: Path, authority: Authority, shown: Certificate
) -> None:
    """Going back is no reason to lose what works."""
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(authority.file.read_bytes())
    gone = f"127.0.0.1:{closed_port(kind=TcpReceiver)}"
    second, clock = TcpReceiver(context=server_context(shown)), Clock()
    config = syslog.Config(addresses=(gone, second.address), transport="tls", ca_file=str(ca_file))
    output = syslog.Output(config, clock)
    with second.accepting() as peer:
        output.open()
    ca_file.write_text("half a certificate")
    clock.now += RETURN_AFTER

    output.write((delivery(),))

    assert peer().line()
    output.close()
    second.close()


def test_a_receiver_that_failed_is_tried_when_no_other_is_left(pair: Pair) -> None:
    """The order only puts it last."""
    pair.stop_first()
    pair.second.close()
    with pytest.raises(ConnectionRefusedError):
        pair.output.open()
    pair.start_first()

    pair.output.open()

    assert pair.to == pair.first.port


def test_datagrams_go_to_the_second_when_the_first_refuses() -> None:
    """UDP learns it one send late, and keeps what was refused."""
    first, second = closed_port(), UdpReceiver()
    config = syslog.Config(addresses=(f"127.0.0.1:{first}", second.address))
    output = syslog.Output(config, Clock())
    output.open()
    with pytest.raises(ConnectionRefusedError):
        output.write((delivery(),))
    output.close()

    output.open()
    output.write((delivery(),))

    assert second.next()
    output.close()
    second.close()


def test_every_address_of_a_name_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within one attempt over TCP; names are asked for anew in each."""
    server = TcpReceiver()
    asked = []

    def answer(host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        place6, place4 = ("::1", port, 0, 0), ("127.0.0.1", port)
        kind = socket.SOCK_STREAM
        return [
            (socket.AF_INET6, kind, 6, "", place6),
            (socket.AF_INET, kind, 6, "", place4),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    config = syslog.Config(address=f"siem.example.org:{server.port}", transport="tcp")
    output = syslog.Output(config)

    output.open()
    output.open()

    assert output.flows()[0].remote == "127.0.0.1"
    assert asked == ["siem.example.org", "siem.example.org"]
    output.close()
    server.close()


def test_a_name_that_is_unknown_does_not_hide_the_next_receiver(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken resolver is a failure like any other."""
    real = socket.getaddrinfo

    def answer(host: str, port: int, *rest: object, **more: object) -> object:
        if host == "gone.example.org":
            raise socket.gaierror(-2, "Name or service not known")
        return real(host, port, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    both = syslog.Config(addresses=("gone.example.org:1", pair.second.address), transport="tcp")
    output = syslog.Output(both)
    output.open()
    assert output.flows()[0].remote_port == pair.second.port
    output.close()

    alone = syslog.Output(syslog.Config(address="gone.example.org:1", transport="tcp"))
    with pytest.raises(OSError, match=r"gone\.example\.org:1: Name or service not known") as caught:
        alone.open()
    assert isinstance(caught.value.__cause__, socket.gaierror)


def test_one_attempt_has_an_end(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left has its turn in the next: those that failed come last."""
    pair.stop_first()
    monkeypatch.setattr(_transport, "OPEN_SECONDS", -1.0)

    with pytest.raises(ConnectionRefusedError):
        pair.output.open()
    pair.output.open()

    assert pair.to == pair.second.port
