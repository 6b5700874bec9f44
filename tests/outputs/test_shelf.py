"""What every output must do, applied to each module on the shelf."""

import ast
import errno
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

import outputs
from agent import config, plugins
from agent.deliver.build import build
from outputs import stdout
from tests.deliver.waiting import until
from tests.outputs.hec_server import TOKEN, Collector, HecServer
from tests.outputs.http_server import HttpServer
from tests.outputs.kafka_broker import Broker
from tests.outputs.receivers import TcpReceiver, UdpReceiver, closed_port
from tests.outputs.samples import EVENTS, delivery

NAMES = plugins.names("outputs")
NEED_ROOT = {"kafka"}
"""Types whose receiver is software that only the root tier installs."""
SHELF = Path(outputs.__file__).parent
ALLOWED_IMPORTS = {"agent", "agent.model", "agent.link", "agent.visible", "outputs"}


PLACES = tuple(
    pytest.param(name, marks=pytest.mark.root) if name in NEED_ROOT else name
    for name in (*NAMES, "syslog over tcp")
)
"""What each output is tried on: every type as it is by default, and one connection."""


@dataclass
class Bench:
    """An output on a place that works, whether anything has arrived there, and its sockets."""

    output: outputs.Output
    arrived: Callable[[], bool]
    sockets: int = 1


class FullStream(io.StringIO):
    """A standard output on a full disk."""

    def write(self, text: str, /) -> int:
        """Raise as the kernel would."""
        raise OSError(errno.ENOSPC, f"no room for {len(text)} characters")


def make(kind: str, **options: object) -> outputs.Output:
    """Build an output as the agent does."""
    return build(config.Output(name="x", type=kind, options=config.Options(options)))


@pytest.fixture(params=PLACES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Yield a bench for each output; an output that has none here fails."""
    kind = str(request.param)
    receiver = UdpReceiver()
    server = TcpReceiver()
    path = tmp_path / "events.log"
    stream = io.StringIO()
    collector = Collector()
    splunk = HecServer(collector)
    hook = HttpServer()
    benches: dict[str, Callable[[], Bench]] = {
        "syslog": lambda: Bench(
            make("syslog", address=receiver.address), lambda: not receiver.is_empty()
        ),
        "logstash": lambda: Bench(
            make("logstash", address=receiver.address), lambda: not receiver.is_empty()
        ),
        "syslog over tcp": lambda: Bench(
            make("syslog", address=server.address, transport="tcp"), server.has_data
        ),
        "splunk_hec": lambda: Bench(
            make("splunk_hec", url=splunk.url, token_file=_token(tmp_path)),
            lambda: bool(collector.indexed),
        ),
        "webhook": lambda: Bench(make("webhook", url=hook.url), lambda: bool(hook.requests)),
        "maltrail_server": lambda: Bench(
            make("maltrail_server", address=receiver.address), lambda: not receiver.is_empty()
        ),
        "kafka": lambda: _on_kafka(request.getfixturevalue("broker")),
        "file": lambda: Bench(make("file", path=str(path)), lambda: bool(path.stat().st_size), 0),
        "stdout": lambda: Bench(_stdout(stream), lambda: bool(stream.getvalue()), 0),
    }
    yield benches[kind]()
    receiver.close()
    server.close()
    splunk.close()
    hook.close()


@pytest.fixture(params=NAMES)
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> outputs.Output:
    """Return each output on a place that takes nothing."""
    places: dict[str, Callable[[], outputs.Output]] = {
        "syslog": lambda: make("syslog", address=f"127.0.0.1:{closed_port()}"),
        "logstash": lambda: make("logstash", address=f"[::1]:{closed_port('::1')}"),
        "splunk_hec": lambda: make(
            "splunk_hec", url=f"http://127.0.0.1:{closed_port()}", token_file=_token(tmp_path)
        ),
        "webhook": lambda: make("webhook", url=f"http://127.0.0.1:{closed_port()}"),
        "maltrail_server": lambda: make("maltrail_server", address=f"127.0.0.1:{closed_port()}"),
        "kafka": lambda: make(
            "kafka", addresses=[f"127.0.0.1:{closed_port()}"], topic="t", transport="tcp"
        ),
        "file": lambda: make("file", path="/dev/full"),
        "stdout": lambda: _stdout(FullStream()),
    }
    return places[str(request.param)]()


def _on_kafka(broker: Broker) -> Bench:
    output = make("kafka", addresses=[broker.address], topic="events", transport="tcp")
    return Bench(output, lambda: bool(output.counts.bytes))


def _token(folder: Path) -> str:
    path = folder / "token"
    path.write_text(TOKEN)
    return str(path)


def _stdout(stream: io.StringIO) -> outputs.Output:
    return stdout.Output(stdout.Config(), stream)


def test_it_writes_nothing_when_given_nothing(bench: Bench) -> None:
    """An empty batch leaves no trace."""
    bench.output.open()
    bench.output.write(())

    assert not bench.arrived()
    assert bench.output.counts.bytes == 0
    bench.output.close()


def test_it_writes_what_it_is_given(bench: Bench) -> None:
    """Every kind of event is accepted, and the bytes are counted."""
    bench.output.open()
    bench.output.write([delivery(event) for event in EVENTS.values()])

    assert bench.arrived()
    assert bench.output.counts.bytes > 0
    bench.output.close()


def test_it_does_not_change_what_it_is_given(bench: Bench) -> None:
    """Other outputs are given the same events."""
    deliveries = [delivery(event) for event in EVENTS.values()]
    before = msgspec.msgpack.encode(deliveries)

    bench.output.open()
    bench.output.write(deliveries)

    assert before == msgspec.msgpack.encode(deliveries)
    bench.output.close()


def test_it_can_be_closed_at_any_time(bench: Bench) -> None:
    """Before it was opened, twice, and in order to be opened again."""
    bench.output.close()
    bench.output.open()
    bench.output.close()
    bench.output.close()
    bench.output.open()
    bench.output.write((delivery(),))

    assert bench.arrived()
    bench.output.close()


def test_only_an_open_socket_is_told_as_a_flow(bench: Bench) -> None:
    """The sensor must know the agent's own sockets, while they exist."""
    bench.output.open()
    during = bench.output.flows()
    bench.output.close()

    assert len(during) == bench.sockets
    assert bench.output.flows() == ()


def test_what_it_accepted_is_confirmed_in_the_end(bench: Bench) -> None:
    """At once where nothing acknowledges, soon on a connection to a receiver that lives."""
    bench.output.open()
    assert not bench.output.unconfirmed()
    bench.output.write([delivery(event) for event in EVENTS.values()])

    assert (bench.output.unconfirmed() or 0) <= len(EVENTS)
    until(lambda: not bench.output.unconfirmed(), "everything is confirmed")
    bench.output.close()


def test_what_may_never_arrive_is_kept_on_disk_only_where_that_is_noticed(bench: Bench) -> None:
    """Who counts what is unconfirmed notices; a journal of datagrams would promise too much."""
    bench.output.open()
    counts = bench.output.unconfirmed() is not None

    assert bench.output.wants_journal >= counts
    bench.output.close()


def test_a_failure_raises(broken: outputs.Output) -> None:
    """An output that swallows its failure loses events unseen."""
    with pytest.raises((OSError, outputs.Interrupted)):
        _open_and_write(broken)
    broken.close()
    assert broken.flows() == ()


def _open_and_write(output: outputs.Output) -> None:
    output.open()
    output.write((delivery(),))


@pytest.mark.parametrize("kind", NAMES)
def test_its_settings_are_frozen_and_refuse_unknown_keys(kind: str) -> None:
    """A typing error must not silently mean the default."""
    settings = plugins.load("outputs", kind).Config

    assert settings.__struct_config__.frozen
    assert settings.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize("path", sorted(SHELF.glob("*.py")), ids=lambda path: path.name)
def test_the_shelf_knows_only_the_nouns(path: Path) -> None:
    """Of our packages it imports the nouns, the link's Flow and itself."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    ours = {name for name in found if name.split(".")[0] in ("agent", "outputs", "feeds")}

    assert {name for name in ours if not name.startswith("outputs.")} <= ALLOWED_IMPORTS
