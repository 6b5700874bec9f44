"""Foreign captures: Maltrail's own corpus says what it must, and nothing brings the scanner down.

They are no part of this repository; MALTRAIL_SHARED names where they are.
"""

import json
import os
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Said, run, told

pytestmark = pytest.mark.shared

CORPUS = Path(os.environ.get("MALTRAIL_SHARED", "")) / "data" / "corpus"
TRAILS = CORPUS / "maltrail" / "trails.csv"

TOLD = {
    "cache_expiry",
    "dlt_raw",
    "dlt_sll",
    "dns_dga_labels",
    "dns_nxdomain_flood",
    "dns_queries",
    "dns_resolver_trail",
    "dns_responses",
    "dns_same_socket_burst",
    "duplicate_syn",
    "fragments",
    "http_heuristics",
    "http_responses",
    "http_trails",
    "icmp",
    "infection_scan",
    "ip_trails",
    "ipv4_options",
    "ipv6",
    "mixed_soup",
    "port_scan",
    "pppoe",
    "quic_sni",
    "repeated_detections",
    "stealth_scan_fin",
    "stealth_scan_null",
    "stealth_scan_xmas",
    "tls_sni",
    "udp_malware_dst",
    "udp_scan",
    "vlan",
    "web_scan",
}

SILENT = {
    "ack_sweep_no_fp",
    "clean_tcp",
    "dns_exhaustion",
    "dns_ignored_suffixes",
    "dns_malformed",
    "truncated",
    "whitelisted",
}

OBSERVED = {"duplicate_syn": 4, "repeated_detections": 30, "cache_expiry": 5, "fragments": 1}
"""How many observations a case holds of its indicator, folded or not (CONTRACT section 4); five of
the identical attempts come at one moment, as copies of one packet do."""


def replay(name: str, *options: str) -> Said:
    """Replay one case of Maltrail's corpus against its own trails."""
    return run("replay", "--trails", TRAILS, *options, CORPUS / "maltrail" / f"{name}.pcap")


def manifest() -> dict[str, list[str]]:
    """Return what each case expects."""
    cases = json.loads((TRAILS.parent / "manifest.json").read_text(encoding="utf-8"))
    return {case["name"]: case["expect"] for case in cases}


def test_every_case_of_the_manifest_is_judged() -> None:
    """A new case must be put into one of the lists above."""
    assert set(manifest()) == TOLD | SILENT


@pytest.mark.parametrize("name", sorted(TOLD))
def test_a_case_reports_what_it_expects(name: str) -> None:
    """Each text occurs in an event, rendered in Maltrail's nine columns."""
    said = replay(name)

    lines = [told(event) for event in said.events]
    assert lines
    for text in manifest()[name]:
        assert any(text in line for line in lines), text


@pytest.mark.parametrize("name", sorted(SILENT))
def test_a_clean_case_is_silent(name: str) -> None:
    """Nothing is reported, and no parser fell over."""
    said = replay(name, "--stats")

    assert (said.status, said.out) == (0, "")
    assert said.stats["errors"] == 0


@pytest.mark.parametrize("name", sorted(OBSERVED))
def test_repeats_add_up(name: str) -> None:
    """Folded or not, the counts of all events are what was seen."""
    assert sum(event["count"] for event in replay(name).events) == OBSERVED[name]


@pytest.mark.parametrize("workers", ["2", "4", "8"])
@pytest.mark.parametrize("name", sorted(TOLD))
def test_workers_find_the_same(name: str, workers: str) -> None:
    """The same events but for their identifiers."""
    alone, many = replay(name), replay(name, "--workers", workers)

    assert _without_ids(many.events) == _without_ids(alone.events)


def _without_ids(events: list[dict[str, Any]]) -> list[str]:
    of_the_run = ("event_id", "incident_id", "run_id", "seq")
    return sorted(
        json.dumps({k: v for k, v in event.items() if k not in of_the_run}) for event in events
    )


@pytest.fixture(scope="module")
def replayed() -> dict[str, Said]:
    """Replay every file of the corpus once, by its path below it."""
    files = [
        path
        for path in sorted(CORPUS.rglob("*"))
        if path.is_file() and path.suffix not in (".csv", ".json", ".md")
    ]
    return {
        str(path.relative_to(CORPUS)): run("replay", "--trails", TRAILS, "--stats", path)
        for path in files
    }


def test_no_capture_of_others_brings_it_down(replayed: dict[str, Said]) -> None:
    """Nearly two thousand files of other projects, damaged ones among them: no error, no crash.

    Those that are no captures are refused when they are opened, with their name.
    """
    refused = []
    for path, said in replayed.items():
        if said.status == 2:
            assert said.err.startswith(f"maltrail-agent: {CORPUS / path}: "), said.err
            refused.append(path)
        else:
            assert said.status == 0, (path, said.err)
            assert said.stats["errors"] == 0, path

    assert len(replayed) == 1959
    assert len(refused) == 8


MAX_TOLD_OF_BENIGN = 1 / 10_000
"""Behaviour events a packet."""
TOLD_OF_BENIGN = {
    # A command for a shell in a call of Docker's API, in clear text: so do attackers.
    "zeek/testing/btest/Traces/http/docker-http-upgrade.pcap": {"http_attack"},
    # Requests made up for tests of TCP, without the Host that HTTP/1.1 demands.
    "zeek/testing/btest/Traces/http/http-single-conn-22.pcap": {"missing_host"},
    "zeek/testing/btest/Traces/tcp/retransmit-timeout.pcapng": {"missing_host"},
}


def sorts() -> list[tuple[str, str]]:
    """Return what captures are, by patterns of their paths."""
    text = Path(__file__).with_name("benign.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    return [(sort, pattern) for sort, pattern, _why in (line.split(None, 2) for line in lines)]


def test_benign_captures_are_quiet(replayed: dict[str, Said]) -> None:
    """At most one behaviour event in 10,000 packets, each known and with its reason."""
    packets, fired, used = 0, Counter[str](), set()
    told: dict[str, set[str]] = {}
    for path, said in replayed.items():
        sort, pattern = next(each for each in sorts() if fnmatchcase(path, each[1]))
        used.add(pattern)
        if sort != "benign" or said.status:
            continue
        packets += said.stats["packets"]
        found = [event["class"] for event in said.events if event["state"] in ("open", "single")]
        classes = [name for name in found if name.startswith("behaviour-")]
        if classes:
            fired[path] = len(classes)
            told[path] = {name.removeprefix("behaviour-") for name in classes}

    assert told == TOLD_OF_BENIGN
    assert packets > 50_000
    assert sum(fired.values()) <= MAX_TOLD_OF_BENIGN * packets
    assert used == {pattern for _, pattern in sorts()}, "patterns that fit no capture"
