"""The whole agent on a wire: tcpreplay sends, a real rsyslogd and a listener for JSON receive.

Two network namespaces are joined by a wire. In the one `sense` and `deliver` run as processes of
their own, in the other is all the rest, so that deliveries travel over the wire that is captured.
"""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from agent.trails.publish import publish
from bench import sets
from bench.captures import mix
from bench.live import load, traffic
from bench.live.place import OUTSIDE, place
from bench.live.send import send
from bench.live.station import OUTPUTS, Station, station
from tests import packets
from tests.deliver.waiting import until
from tests.outputs import cef_reader
from tests.scan.scanning import randomness
from tests.wired import write_set

pytestmark = pytest.mark.root

ROOT = Path(__file__).resolve().parents[1]
CLIENT, RESOLVER, SERVER = "192.168.1.10", "192.0.2.53", "192.0.2.80"
LISTED = {
    "evil.org": "evil (malware)",
    "evil.net/gate.php": "gate (malware)",
    "bad-host.com": "bad (malware)",
    "sni-evil.com": "sni (malware)",
    "198.51.100.9": "c2 (malware)",
    "203.0.113.7:4444": "c2 (malware)",
    OUTSIDE: "our own receivers, as if they were listed (malware)",
}
NOISE = 20_000
RATE = 20_000.0
LOAD, LOAD_SECONDS = 50_000.0, 4.0
"""What two busy cores manage beside other tests; `python -m bench.live` finds the limit."""

Told = Counter[tuple[str, str]]
"""Class and indicator, and how many observations of it were told."""


def question(name: str, port: int) -> bytes:
    """Ask for a name."""
    return packets.udp_frame(CLIENT, port, RESOLVER, 53, packets.dns_query(name))


def request(host: str, path: str, port: int) -> bytes:
    """Ask a host for a page."""
    payload = packets.http_request(path, host)
    return packets.tcp_frame(CLIENT, port, SERVER, 80, payload, flags=packets.ACK)


def hello(name: str, port: int) -> bytes:
    """Begin to speak TLS to a name."""
    payload = packets.tls_hello_payload(name)
    return packets.tcp_frame(CLIENT, port, SERVER, 443, payload, flags=packets.ACK)


def connect(address: str, service: int, port: int) -> bytes:
    """Try to open a connection."""
    return packets.syn_frame(CLIENT, port, address, service)


def datagram(address: str, service: int, port: int) -> bytes:
    """Send something that is no protocol."""
    return packets.udp_frame(CLIENT, port, address, service, bytes(40))


HITS: tuple[tuple[Callable[[int], bytes], int, tuple[str, str]], ...] = (
    (partial(question, "www.evil.org"), 7, ("trail-domain", "evil.org")),
    (partial(request, "bad-host.com", "/"), 3, ("trail-domain", "bad-host.com")),
    (partial(hello, "www.sni-evil.com"), 4, ("trail-domain", "sni-evil.com")),
    (partial(request, "evil.net", "/gate.php"), 5, ("trail-url", "evil.net/gate.php")),
    (partial(connect, "198.51.100.9", 443), 60, ("trail-ip", "198.51.100.9")),
    (partial(connect, "203.0.113.7", 4444), 2, ("trail-ip-port", "203.0.113.7:4444")),
    (partial(datagram, OUTSIDE, 5514), 9, ("trail-ip", OUTSIDE)),
)
"""What makes a frame of a client's port, how many are sent, and what is to be told of them.

Each has a port of its own: copies of one packet are one observation.
"""
EXPECTED: Told = Counter({told: count for _, count, told in HITS})


def write_traffic(path: Path) -> Path:
    """Write a capture in which the hits are scattered over ordinary traffic."""
    draw = randomness(7)
    frames = [make(40_000 + number) for make, count, _ in HITS for number in range(count)]
    frames += islice(mix(draw), NOISE)
    draw.shuffle(frames)
    return packets.write_pcap(path, packets.timed(frames))


def told(running: Station, output: str) -> Told:
    """Add up the observations that the receiver of an output was told of."""
    found: Told = Counter()
    for line in running.lines(output):
        if output == "json-udp":
            event = json.loads(line)
            key, count = (event["class"], event.get("indicator", "")), event.get("count", 0)
        else:
            message = cef_reader.read(line[line.index("CEF:") :])
            key = (message.header[4], message.extension.get("cs5", ""))
            count = int(message.extension.get("cnt", 0))
        if not key[0].startswith("agent-"):
            found[key] += count
    return found


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Station]:
    """Return the agent between its wire and its receivers."""
    state = tmp_path / "state"
    state.mkdir()
    publish(write_set(tmp_path / "built.set", LISTED), state)
    with place() as made, station(made, tmp_path, state, tmp_path / "none.csv") as started:
        yield started


def test_everything_sent_is_told_to_every_receiver_and_nothing_else(
    running: Station, tmp_path: Path
) -> None:
    """All observations at all receivers, none of the agent's own deliveries, no number missing."""
    sent = send(running.place, write_traffic(tmp_path / "traffic.pcap"), RATE)

    for output in OUTPUTS:
        until(partial(_has_all, running, output), f"all of it at {output}")
    until(lambda: running.metrics()["own_traffic_total"] > 0, "own deliveries are recognised")
    until(lambda: _is_settled(running.metrics()), "sense has scanned what it received")
    metrics = running.metrics()
    running.sense.end(signal.SIGTERM)
    running.deliver.end(signal.SIGTERM)

    assert {name: told(running, name) for name in OUTPUTS} == dict.fromkeys(OUTPUTS, EXPECTED)
    assert sent.packets == NOISE + EXPECTED.total()
    assert metrics["capture_packets_received_total"] >= sent.packets
    for lost in (
        "capture_packets_dropped_total",
        "scan_errors_total",
        "scan_sightings_shed_total",
        "sightings_lost_total",
        "uplink_events_lost_total",
        "output_events_dropped_total",
    ):
        assert metrics.get(lost, 0) == 0, lost
    assert metrics["condense_lost_total"] == 0
    assert running.place.dropped() == 0
    files = [str(running.received[name]) for name in OUTPUTS]
    for file in files:
        verified = [sys.executable, "-m", "agent", "verify", file]
        found = subprocess.run(verified, cwd=ROOT, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stdout


def test_the_agents_own_connections_are_not_reported(running: Station, tmp_path: Path) -> None:
    """New connections, refused attempts and what waited in a journal, to a listed receiver."""
    frame = packets.syn_frame(CLIENT, 40003, "198.51.100.9", 443)
    capture = packets.write_pcap(tmp_path / "one.pcap", packets.timed([frame]))
    key = ("trail-ip", "198.51.100.9")

    running.rsyslog.end(signal.SIGTERM)
    send(running.place, capture, RATE)
    until(lambda: running.metrics()["output_errors_total"] >= 3, "attempts are refused")
    running.deliver.end(signal.SIGTERM)
    running.deliver.start()
    until(lambda: running.metrics().get("output_errors_total", 0) >= 1, "refused again")
    running.rsyslog.start()
    running.until_rsyslog_listens()
    until(lambda: told(running, "cef-tcp")[key] == 1, "what waited in the journal")
    running.sense.end(signal.SIGTERM)
    running.sense.start()
    until(lambda: running.metrics().get("capture_up") == 1, "sense captures again")
    send(running.place, capture, RATE)

    until(lambda: told(running, "cef-tcp")[key] == 2, "what came afterwards")
    until(lambda: running.metrics()["own_traffic_total"] > 0, "own deliveries are recognised")
    assert told(running, "cef-tcp") == Counter({key: 2})


def test_a_load_is_scanned_whole_and_told_in_full(tmp_path: Path) -> None:
    """A tenth of the packets hits 1,000 trails, and outputs send as fast as they may."""
    listed, built, state = tmp_path / "listed.csv", tmp_path / "live.set", tmp_path / "state"
    state.mkdir()
    sets.write_generated(listed, 20_000)
    sets.build(listed, built)
    publish(built, state)
    offered = traffic.write(tmp_path, "mix+hits", built)

    with place() as made, station(made, tmp_path, state, tmp_path / "none.csv") as running:
        load.settle(running)
        found = load.run(running, offered, LOAD, LOAD_SECONDS)

    assert found.is_whole, found
    assert found.hits == found.sent // 10 > 0
    assert found.drained.received >= found.sent
    assert found.events_meanwhile > 1000


def _has_all(running: Station, output: str) -> bool:
    return told(running, output) >= EXPECTED


def _is_settled(metrics: dict[str, float]) -> bool:
    return metrics["capture_packets_received_total"] == metrics["scan_packets_total"] > NOISE
