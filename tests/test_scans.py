"""Scans, sweeps and floods from the capture to the event, above each threshold and below it."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.config import Limits, Options, Settings
from agent.detections.beaconing import Config as Beacon
from agent.detections.host_sweep import Config as Sweep
from agent.detections.infection_scan import Config as Infection
from agent.detections.port_scan import Config as Ports
from agent.detections.udp_scan import Config as Datagrams
from agent.replay import Options as ReplayOptions
from agent.replay import Replay
from bench import flood
from tests import packets, scans
from tests.packets import Timed
from tests.scan.scanning import randomness, sized
from tests.scans import FAST, INSIDE, OUTSIDE, SCANNER, SLOW, TARGET, WIDE

TRAILS = "unlisted.example.org\n"
PORTS, UDP_PORTS, HOSTS, INFECTION = Ports(), Datagrams(), Sweep(), Infection()


@pytest.fixture(scope="module")
def trails(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a list of which nothing is seen."""
    path = tmp_path_factory.mktemp("trails") / "list.txt"
    path.write_text(TRAILS, encoding="utf-8")
    return path


Told = dict[str, Any]


class Player:
    """Replays packets as the command does."""

    def __init__(self, trails: Path, folder: Path) -> None:
        self._trails = trails
        self._folder = folder

    def __call__(
        self, timed: Iterator[Timed] | list[Timed], workers: int = 1, **detections: dict[str, Any]
    ) -> list[Told]:
        """Return what is told, as plain values without identifiers."""
        path = packets.write_pcap(self._folder / "played.pcap", scans.by_time(iter(timed)))
        replay = Replay(
            Settings(detections=Options(detections)),
            self._folder,
            ReplayOptions(captures=(str(path),), trails=(self._trails,), workers=workers),
        )
        return [_plain(delivery.event) for delivery in replay.deliveries()]


def _plain(event: Any) -> Told:
    kept = (
        "class_id", "trail", "info", "source", "destination", "protocol", "direction", "count",
        "total", "first_us", "last_us", "state", "severity_id", "evidence", "indicator", "type",
    )  # fmt: skip
    return {name: getattr(event, name) for name in kept}


@pytest.fixture
def play(trails: Path, tmp_path: Path) -> Player:
    """Return what replays packets."""
    return Player(trails, tmp_path)


def classes(told: list[Told]) -> set[str]:
    """Return the behaviours that were told."""
    return {each["class_id"].removeprefix("behaviour-") for each in told}


EXPECTED = {
    **{f"{kind}_{pace}": "port_scan" for kind in scans.FLAGS for pace in ("fast", "slow")},
    **{f"udp_{pace}": "udp_scan" for pace in ("fast", "slow")},
    **{
        f"{kind}_{pace}": "host_sweep"
        for kind in ("sweep", "ping", "snmp", "web_sweep")
        for pace in ("fast", "slow")
    },
    **{f"infection_{pace}": "infection_scan" for pace in ("fast", "slow")},
    "syn_flood": "syn_flood",
    "syn_flood_one": "syn_flood",
    "udp_flood": "udp_flood",
    "icmp_flood": "icmp_flood",
    "reflection": "reflection",
}


def test_every_capture_has_an_expectation() -> None:
    """A new generator must be judged."""
    assert set(EXPECTED) == set(scans.CAPTURES)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_scan_is_found_by_its_rule_and_no_other(name: str, play: Player) -> None:
    """Fast, and spread over ten minutes."""
    told = play(scans.CAPTURES[name]())

    assert classes(told) == {EXPECTED[name]}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_any_number_of_workers_tells_the_same(name: str, play: Player) -> None:
    """Evidence, counts and times included."""
    alone, *others = (play(scans.CAPTURES[name](), workers) for workers in (1, 2, 4, 8))

    assert alone
    for other in others:
        assert _sorted(other) == _sorted(alone)


def _sorted(told: list[Told]) -> list[str]:
    return sorted(json.dumps(each, default=str, sort_keys=True) for each in told)


@pytest.mark.parametrize("kind", sorted(scans.FLAGS))
def test_as_many_ports_as_the_threshold_are_silent(kind: str, play: Player) -> None:
    """One more is told; closed ports, so that the long window counts them too."""
    fast, slow = (range(1000, 1000 + count) for count in (PORTS.ports, PORTS.slow_ports))

    assert play(scans.tcp_ports(kind, fast, FAST)) == []
    assert play(scans.tcp_ports(kind, slow, SLOW)) == []
    assert classes(play(scans.tcp_ports(kind, [*fast, 999], FAST))) == {"port_scan"}
    assert classes(play(scans.tcp_ports(kind, [*slow, 999], SLOW))) == {"port_scan"}


def test_as_many_udp_ports_as_the_threshold_are_silent(play: Player) -> None:
    """One more is told, also by the last packet of a capture."""
    fast, slow = (range(1000, 1000 + count) for count in (UDP_PORTS.ports, UDP_PORTS.slow_ports))

    assert play(scans.udp_ports(fast, FAST)) == []
    assert play(scans.udp_ports(slow, SLOW)) == []
    assert classes(play(scans.udp_ports([*fast, 999], FAST))) == {"udp_scan"}
    assert classes(play(scans.udp_ports([*slow, 999], SLOW))) == {"udp_scan"}


@pytest.mark.parametrize("protocol", ["tcp", "udp", "icmp"])
def test_as_many_hosts_as_the_threshold_are_silent(protocol: str, play: Player) -> None:
    """One more is told; those that answer do not count."""
    fast, slow = HOSTS.hosts, HOSTS.slow_hosts
    answering = scans.hosts(5)

    def swept(count: int, seconds: float) -> set[str]:
        targets = scans.hosts(count + len(answering))
        return classes(play(scans.sweep(targets, seconds, protocol=protocol, answering=answering)))

    assert swept(fast, FAST) == set()
    assert swept(slow, SLOW) == set()
    assert swept(fast + 1, FAST) == {"host_sweep"}
    assert swept(slow + 1, SLOW) == {"host_sweep"}


def test_as_many_infected_looking_attempts_as_the_threshold_are_silent(play: Player) -> None:
    """Answered or not, from inside; from outside it is a sweep."""

    def tried(count: int, seconds: float, source: str = INSIDE) -> set[str]:
        return classes(play(scans.sweep(scans.hosts(count), seconds, port=445, source=source)))

    assert tried(INFECTION.hosts, FAST) == set()
    assert tried(INFECTION.slow_hosts, SLOW) == set()
    assert tried(INFECTION.hosts + 1, FAST) == {"infection_scan"}
    assert tried(INFECTION.slow_hosts + 1, SLOW) == {"infection_scan"}
    assert tried(HOSTS.hosts + 1, FAST, SCANNER) == {"host_sweep"}
    targets = scans.hosts(INFECTION.hosts + 1)
    answered = scans.sweep(targets, FAST, port=445, source=INSIDE, answering=targets)
    assert classes(play(answered)) == {"infection_scan"}


FLOODS = {
    "syn_flood": (scans.syn_flood, 1000),
    "udp_flood": (scans.udp_flood, 5000),
    "icmp_flood": (scans.icmp_flood, 500),
    "reflection": (scans.reflected, 200),
}


@pytest.mark.parametrize("name", sorted(FLOODS))
def test_as_many_packets_as_the_threshold_are_no_flood(name: str, play: Player) -> None:
    """One more in each of three seconds is; in two it is not."""
    flood, packets_ = FLOODS[name]

    assert play(flood(packets_, 3)) == []
    assert play(flood(packets_ + 1, 2)) == []
    assert classes(play(flood(packets_ + 1, 3))) == {name}


@pytest.mark.parametrize("name", sorted(FLOODS))
def test_a_flood_is_one_incident_with_all_its_packets(name: str, play: Player) -> None:
    """From the first packet on, with how long and how many; many sources are told from one."""
    flood, packets_ = FLOODS[name]
    one, many = (play(flood(packets_ * 2, 5, sources=sources)) for sources in (1, 1 << 20))

    for told in (one, many):
        assert [each["state"] for each in told] == ["open", "closed"]
        assert sum(each["count"] for each in told) == packets_ * 2 * 5
        last = told[-1]
        assert (last["indicator"], last["evidence"]["seconds"]) == (TARGET, 5)
        assert last["evidence"]["packets"] == packets_ * 2 * 5
        assert last["evidence"]["peak_packets_per_second"] == packets_ * 2
        assert (last["direction"], last["severity_id"]) == ("inbound", 6)
    assert one[-1]["evidence"]["sources"] == 1
    assert many[-1]["evidence"]["sources"] > 100


def test_the_hosts_own_normal_counts(play: Player) -> None:
    """What a host always has is no flood; many times as much is."""
    frame = packets.syn_frame(SCANNER, 50000, TARGET, 443)
    usual = [(t, f) for t, f in scans.flood(frame, 60, 900, sources=1 << 20)]
    start = usual[-1][0] + 1
    twice = scans.flood(frame, 120, 5, sources=1 << 20, start_us=start)
    much = scans.flood(frame, 400, 5, sources=1 << 20, start_us=start)
    low: dict[str, Any] = {"syn_flood": {"packets": 110}}

    assert play([*usual, *twice], **low) == []
    assert classes(play([*usual, *much], **low)) == {"syn_flood"}


def test_answers_somebody_asked_for_are_no_reflection(play: Player) -> None:
    """A busy resolver's clients, each answer to its own question."""

    def answered() -> Iterator[Timed]:
        for number in range(3000):
            time_us = packets.START_US + number * 1000
            port = 1024 + number
            yield time_us, packets.udp_frame(TARGET, port, OUTSIDE, 53, packets.dns_query("a.org"))
            answer = packets.dns_response("a.org")
            yield time_us + 300, packets.udp_frame(OUTSIDE, 53, TARGET, port, answer)

    assert play(answered()) == []


def test_a_host_that_answers_is_not_flooded_with_datagrams(play: Player) -> None:
    """A call or a download over UDP has thousands of packets a second in either direction."""

    def talk() -> Iterator[Timed]:
        for number in range(20_000):
            time_us = packets.START_US + number * 200
            yield time_us, packets.udp_frame(TARGET, 50000, OUTSIDE, 443, bytes(20))
            yield time_us + 9, packets.udp_frame(OUTSIDE, 443, TARGET, 50000, bytes(99))

    assert play(talk()) == []


def test_traceroute_is_no_scan(play: Player) -> None:
    """Ninety ports of one host within seconds, none of which answers."""
    assert play(scans.udp_ports(range(33434, 33524), 5.0, source=INSIDE, target=OUTSIDE)) == []


def test_a_client_of_many_services_that_answer_is_no_slow_scan(play: Player) -> None:
    """Thirty services in ten minutes, each answers; as many that do not are one."""

    def visits(answers: bool) -> list[Timed]:
        found = []
        for number in range(30):
            time_us = packets.START_US + number * 20 * scans.SECOND
            port = 2000 + number
            found.append((time_us, packets.syn_frame(INSIDE, 50000 + number, OUTSIDE, port)))
            if answers:
                reply = packets.tcp_frame(
                    OUTSIDE, port, INSIDE, 50000 + number, flags=packets.SYN | packets.ACK
                )
                found.append((time_us + 900, reply))
        return found

    assert play(visits(answers=True)) == []
    assert classes(play(visits(answers=False))) == {"port_scan"}


def test_a_browser_with_many_servers_sweeps_none(play: Player) -> None:
    """Two hundred servers in half a minute, all over the world, a third of which do not answer."""
    targets = [f"{n % 200 + 20}.{n % 7}.{n % 11}.{n}" for n in range(200)]

    assert play(scans.sweep(targets, 25.0, port=443, source=INSIDE, answering=targets[::2])) == []
    assert play(scans.sweep(targets, SLOW, port=443, source=INSIDE, answering=targets[::2])) == []


def test_a_scan_goes_on_as_one_incident(play: Player) -> None:
    """Told at once, then by updates; never twice for the two windows."""
    told = play(scans.tcp_ports("syn", WIDE, 240.0))

    assert {each["indicator"] for each in told} == {SCANNER}
    states = Counter(each["state"] for each in told)
    assert (states["open"], states["closed"]) == (1, 1)


def test_a_slow_scan_is_told_once_in_its_window(play: Player) -> None:
    """Forty ports in ten minutes: one event, with the long window."""
    (event,) = play(scans.tcp_ports("syn", range(2000, 2040), SLOW))

    assert event["evidence"]["window_seconds"] == PORTS.slow_window
    assert event["evidence"]["ports"] == PORTS.slow_ports + 1


def test_rules_can_be_switched_off_one_by_one(play: Player) -> None:
    """Without its rule a scan is silent."""
    for name in ("syn_fast", "udp_slow", "sweep_fast", "infection_slow", "icmp_flood"):
        off: dict[str, Any] = {EXPECTED[name]: {"enabled": False}}
        assert play(scans.CAPTURES[name](), **off) == [], name


SIX, TARGET_SIX = "2001:db8::9", "fd00::20"
VERSION_SIX = {
    "port_scan": lambda: scans.tcp_ports("syn", WIDE[:40], SLOW, source=SIX, target=TARGET_SIX),
    "host_sweep": lambda: scans.sweep(scans.hosts(60, "fd00::100"), SLOW, source=SIX),
    "syn_flood": lambda: scans.flood(packets.syn_frame(SIX, 50000, TARGET_SIX, 443), 1500, 4),
}


@pytest.mark.parametrize("name", sorted(VERSION_SIX))
def test_version_six_is_seen_alike(name: str, play: Player) -> None:
    """With any number of workers; hosts are told by their number only."""
    alone, many = (play(VERSION_SIX[name](), workers) for workers in (1, 4))

    assert classes(alone) == {name}
    assert _sorted(many) == _sorted(alone)
    assert all("sample_hosts" not in each["evidence"] for each in alone)


BEATS = [packets.START_US + beat * 90 * scans.SECOND for beat in range(40)]
ON: dict[str, Any] = {"beaconing": {"enabled": True}}


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_a_beacon_is_told_once_with_any_number_of_workers(
    workers: int, play: Player, *, answers: bool
) -> None:
    """Of a server that is dead, too: what is sent again is no contact of its own."""
    found = play(scans.beacon(BEATS, answers=answers), workers, **ON)

    (told,) = [each for each in found if each["class_id"] == "behaviour-beaconing"]
    assert (told["indicator"], told["trail"]) == (f"{OUTSIDE}:443",) * 2
    assert (told["direction"], told["severity_id"]) == ("outbound", 6)
    assert told["evidence"]["period_seconds"] == 90
    assert told["evidence"]["contacts"] == Beacon().contacts


def test_beacons_are_told_only_where_asked_for(play: Player) -> None:
    """Off by default; two of one host to different services are two."""
    both = [*scans.beacon(BEATS), *scans.beacon(BEATS, target="198.51.100.8")]

    assert play(both) == []
    assert len({each["indicator"] for each in play(both, **ON)}) == 2


def test_monitoring_and_scans_are_no_beacons(play: Player) -> None:
    """What stays inside, and a port scan at an even pace."""
    inside = scans.beacon(BEATS, target=TARGET)
    scan = scans.tcp_ports("syn", WIDE[:100], 3000.0, source=INSIDE, target=OUTSIDE)

    assert "beaconing" not in classes(play([*inside, *scan], **ON))


def strangers(count: int, seconds: float) -> Iterator[Timed]:
    """Ask for one connection each, anybody of anybody: nothing in it is a scan."""
    draw = randomness(5)
    for time_us in scans.spread(count, seconds):
        source, target = (
            f"{draw.randrange(60, 99)}.{draw.randrange(256)}.{draw.randrange(256)}.7"
            for _ in range(2)
        )
        yield time_us, packets.syn_frame(source, 40_000, target, 443)


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_strangers_push_out_no_scan_with_any_number_of_workers(
    workers: int, trails: Path, tmp_path: Path, play: Player
) -> None:
    """Tables that overflow with keys of one value lose no key of more: all is told as without."""
    scan = [
        timed
        for number in range(20)
        for timed in scans.tcp_ports("syn", WIDE[:30], 4.0, source=f"203.0.113.{number + 1}")
    ]
    others = strangers(sized(20_000, 4_000), 4.0)
    path = packets.write_pcap(tmp_path / "flooded.pcap", scans.by_time(iter(scan), others))
    replay = Replay(
        Settings(limits=Limits(tables_mb=sized(16, 8))),
        tmp_path,
        ReplayOptions(captures=(str(path),), trails=(trails,), workers=workers),
    )

    told = [_plain(delivery.event) for delivery in replay.deliveries()]

    assert sum(scanner.bank.evictions()["probes"] for scanner in replay.scanners) > 1_000
    assert len({each["indicator"] for each in told}) == 20
    assert _sorted(told) == _sorted(play(scan))


def test_a_flood_hides_no_listed_name_and_grows_no_table(tmp_path: Path) -> None:
    """Random sources, at one host and at random ones; every five-hundredth packet asks for it."""
    listed = tmp_path / "trails.txt"
    listed.write_text(f"{flood.NAME}\n", encoding="utf-8")
    count = sized(60_000, 6_000)
    for anywhere in (False, True):
        capture = flood.write(tmp_path / "flood.pcap", count, anywhere=anywhere)
        replay = Replay(
            Settings(), tmp_path, ReplayOptions(captures=(str(capture),), trails=(listed,))
        )
        batches = replay.files.batches()
        told = list(replay.take(next(batches)))
        before = replay.scanners[0].bank.memory()
        told += [event for batch in batches for event in replay.take(batch)]
        told += list(replay.end())

        names = [event.count for event in told if event.class_id == "trail-domain"]
        assert sum(names) == count // flood.EVERY
        assert replay.scanners[0].bank.memory() == before
