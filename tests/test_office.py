"""Quiet: a day in an office raises next to nothing, and what is wrong in it is still told."""

from collections import Counter
from pathlib import Path

from tests import packets, scans
from tests.commands import run
from tests.office import RESOLVER, Office
from tests.packets import START_US, Timed
from tests.scan.scanning import sized

MAX_A_HOST_AND_DAY = 10


def behaviours(path: Path, frames: list[Timed], *options: object) -> list[tuple[str, str]]:
    """Return class and client of what a replay tells of behaviours, incidents once."""
    trails = path / "mine.txt"
    trails.write_text("evil.example.net\n", encoding="utf-8")
    capture = packets.write_pcap(path / "day.pcap", frames)
    said = run("replay", "--trails", trails, *options, capture)
    assert said.status == 0
    return [
        (event["class"].removeprefix("behaviour-"), event["src_ip"])
        for event in said.events
        if event["class"].startswith("behaviour-") and event["state"] in ("open", "single")
    ]


def test_an_ordinary_day_is_quiet(tmp_path: Path) -> None:
    """At most ten events a host; in truth none."""
    told = behaviours(tmp_path, Office(8).day())

    assert max(Counter(client for _, client in told).values(), default=0) <= MAX_A_HOST_AND_DAY
    assert told == []


def test_an_infected_host_stands_out(tmp_path: Path) -> None:
    """It downloads a bot, draws names by lot, and tunnels."""
    office = Office(4)
    bad = office.hosts[0]
    noon = START_US + 4 * 3600 * 1_000_000
    dropper = packets.http_request("/bins/arm7", "198.51.100.200", user_agent="Hello, world")
    odd = [packets.tcp_frame(bad, 40000, "198.51.100.200", 80, dropper)]
    for n in range(30):
        answer = packets.dns_response(f"x{n}q7zk.botparent.net", code=3)
        odd.append(packets.udp_frame(RESOLVER, 53, bad, 40000, answer))
    frames = [(noon + n * 1000, frame) for n, frame in enumerate(odd)]

    told = behaviours(tmp_path, sorted([*office.day(), *frames]))

    assert {name for name, _ in told} == {"iot_download", "user_agent", "nxdomain_flood"}


def test_of_an_ordinary_day_only_what_looks_for_mail_keeps_a_pace(tmp_path: Path) -> None:
    """People and their browsers keep none; a mail client that looks every five minutes does.

    Each is told once in a window: why `beaconing` is off by default.
    """
    config = tmp_path / "config.yaml"
    config.write_text("detections: {beaconing: {enabled: true}}\n", encoding="utf-8")
    office = Office(sized(3, 1))
    reader = office.hosts[0]
    looks = [START_US + 300 * look * 1_000_000 for look in range(9 * 12)]
    mail = scans.beacon(looks, source=reader, target="203.0.113.25")

    told = behaviours(tmp_path, sorted([*office.day(), *mail]), "-c", config)

    assert told == [("beaconing", reader)]
