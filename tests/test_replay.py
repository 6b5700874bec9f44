"""Replay: captures in, events out, the same bytes for the same input."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.commands.replay import FORMATS
from agent.config import Settings
from agent.replay import Options, Replay
from tests import commands, packets
from tests.commands import run
from tests.golden.write import DEMO, golden, replayed

ROOT = DEMO.parent
TRAILS, CAPTURE = DEMO / "trails.csv", DEMO / "demo.pcap"
OF_THE_RUN = {"event_id", "incident_id", "run_id", "seq"}


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Return a capture: a listed name is asked for three times, and one scan."""
    frames = [
        packets.udp_frame(
            "192.168.1.10", 40000 + n, "192.0.2.53", 53, packets.dns_query("evil.org")
        )
        for n in range(3)
    ]
    frames += [packets.syn_frame("203.0.113.9", 6000, "192.168.1.20", port) for port in range(20)]
    return packets.write_pcap(tmp_path / "small.pcap", packets.timed(frames, step_us=100_000))


@pytest.fixture
def trails(tmp_path: Path) -> Path:
    """Return a list with one name."""
    path = tmp_path / "list.csv"
    path.write_text("evil.org,evil (malware),(test)\n", encoding="utf-8")
    return path


def set_of(events: list[dict[str, Any]]) -> list[str]:
    """Return events without what numbers them, in an order of their own."""
    kept = [{k: v for k, v in event.items() if k not in OF_THE_RUN} for event in events]
    return sorted(json.dumps(event, sort_keys=True) for event in kept)


@pytest.mark.parametrize("form", FORMATS)
def test_the_demo_gives_the_golden_events(form: str) -> None:
    """From the capture to the line, in each format; `python -m tests.golden.write` writes anew."""
    assert replayed(form) == golden(form).read_text(encoding="utf-8")


def test_the_demo_finds_everything_that_is_listed() -> None:
    """Each trail of the sample list and the port scan, and nothing else."""
    events = run("replay", "--trails", TRAILS, CAPTURE).events

    listed = {row.split(",")[0] for row in TRAILS.read_text(encoding="utf-8").splitlines()}
    assert {event["indicator"] for event in events} == listed | {"203.0.113.45"}


def test_the_same_input_gives_the_same_bytes() -> None:
    """In other processes, other time zones and with other hash seeds."""
    command = [sys.executable, "-m", "agent", "replay", "-c", "tests/golden/config.yaml"]
    command += ["--trails", "demo/trails.csv", "demo/demo.pcap"]

    said = [
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            cwd=ROOT,
            env={**os.environ, "TZ": zone, "PYTHONHASHSEED": seed},
        ).stdout
        for zone, seed in (("UTC", "1"), ("Asia/Tokyo", "2"))
    ]

    assert said[0]
    assert said[0] == said[1]


def test_other_input_gives_other_identifiers(capture: Path, trails: Path, tmp_path: Path) -> None:
    """Two captures never claim to be the same run."""
    other = tmp_path / "other.pcap"
    other.write_bytes(capture.read_bytes()[:-80])

    runs = [run("replay", "--trails", trails, path).events for path in (capture, other)]

    assert runs[0][0]["run_id"] != runs[1][0]["run_id"]
    assert not {e["event_id"] for e in runs[0]} & {e["event_id"] for e in runs[1]}


def test_events_are_numbered_without_gaps() -> None:
    """`seq` from 1, one run, every event its own id."""
    events = run("replay", "--trails", TRAILS, CAPTURE).events

    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert len({event["run_id"] for event in events}) == 1
    assert len({event["event_id"] for event in events}) == len(events)


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_do_not_change_what_is_found(workers: int, capture: Path, trails: Path) -> None:
    """The set of events is the same, scans included; identifiers may differ."""
    for listed, path in ((TRAILS, CAPTURE), (trails, capture)):
        alone = run("replay", "--trails", listed, path)
        many = run("replay", "--trails", listed, "--workers", workers, path)

        assert set_of(many.events) == set_of(alone.events)


def test_counts_add_up_to_the_observations(capture: Path, trails: Path) -> None:
    """One event at once, the rest folded into its close."""
    events = run("replay", "--trails", trails, capture).events
    asked = [event for event in events if event["class"] == "trail-domain"]

    assert asked[0]["state"] == "open"
    assert len({event["incident_id"] for event in asked}) == 1
    assert sum(event["count"] for event in asked) == asked[-1]["total"] == 3


def test_without_condensing_there_is_an_event_for_each_hit(capture: Path, trails: Path) -> None:
    """Each stands alone, and none refers to another."""
    said = run("replay", "--trails", trails, "--no-condense", "--stats", capture)

    assert {event["state"] for event in said.events} == {"single"}
    assert len(said.events) == said.stats["hits"] > 1
    assert sum(e["count"] for e in said.events if e["class"] == "trail-domain") == 3


def test_the_allow_list_can_be_left_out(capture: Path, trails: Path, tmp_path: Path) -> None:
    """What it kept quiet is counted by kind, and told without it."""
    configured = tmp_path / "config.yaml"
    configured.write_text("allow_list: {entries: [{domain: evil.org}, {network: 203.0.113.9}]}\n")

    quiet = run("replay", "-c", configured, "--trails", trails, "--stats", capture)
    loud = run("replay", "-c", configured, "--trails", trails, "--no-allow-list", capture)

    assert quiet.events == []
    assert quiet.stats["allowed"]["entry"] == 4
    assert {e["class"] for e in loud.events} == {"trail-domain", "behaviour-port_scan"}


def test_expectations_that_hold_are_silent(capture: Path, trails: Path, tmp_path: Path) -> None:
    """Each line must be in some event; blank lines and comments are none."""
    expected = tmp_path / "expected.txt"
    expected.write_text("# names\n\nevil.org\npotential port scanning\n", encoding="utf-8")

    said = run("replay", "--trails", trails, "--expect", expected, capture)

    assert (said.status, said.err) == (0, "")


def test_an_expectation_that_fails_is_a_finding(
    capture: Path, trails: Path, tmp_path: Path
) -> None:
    """Exit status 1, and one line for each text that no event holds."""
    expected = tmp_path / "expected.txt"
    expected.write_text("evil.org\nwicked.org\n", encoding="utf-8")

    said = run("replay", "--trails", trails, "--expect", expected, capture)

    assert said.status == 1
    assert said.err == "maltrail-agent: --expect: no event holds 'wicked.org'\n"


def test_statistics_are_one_json_object(capture: Path, trails: Path) -> None:
    """On standard error, with what was seen, found, allowed and which build ran."""
    said = run("replay", "--trails", trails, "--stats", capture)

    assert said.stats["events"] == len(said.events)
    assert said.stats["packets"] == 23
    assert (said.stats["dns_queries"], said.stats["syn"]) == (3, 20)
    assert (said.stats["trails"], said.stats["own_trails"], said.stats["errors"]) == (1, 0, 0)
    assert said.stats["set"] == said.events[0]["set"]
    assert said.stats["build"] in ("compiled", "plain")


@pytest.mark.parametrize("workers", [1, 4])
def test_packets_are_counted_once(capture: Path, trails: Path, workers: int) -> None:
    """Every worker reads all of a capture, and looks at its share."""
    stats = run("replay", "--trails", trails, "--stats", "--workers", workers, capture).stats

    assert (stats["packets"], stats["tcp"], stats["udp"]) == (23, 20, 3)


def test_an_empty_capture_has_no_events(tmp_path: Path, trails: Path) -> None:
    """A header and nothing behind it is a capture of silence."""
    path = packets.write_pcap(tmp_path / "empty.pcap", [])

    said = run("replay", "--trails", trails, "--stats", path)

    assert (said.status, said.out, said.stats["packets"]) == (0, "", 0)


def test_a_capture_may_come_from_standard_input(capture: Path, trails: Path) -> None:
    """`-` stands for it, and gives what the file gives."""
    command = [sys.executable, "-m", "agent", "replay", "--trails", str(trails)]
    piped = subprocess.run(
        [*command, "-"], input=capture.read_bytes(), capture_output=True, cwd=ROOT, check=True
    )

    assert piped.stdout.decode() == run("replay", "--trails", trails, capture).out


def test_several_captures_are_one_run(capture: Path, trails: Path, tmp_path: Path) -> None:
    """In the order given; numbers go on."""
    later = tmp_path / "later.pcapng"
    frame = packets.udp_frame("192.168.1.11", 1, "192.0.2.53", 53, packets.dns_query("evil.org"))
    packets.write_pcapng(later, [(packets.START_US + 10_000_000, frame)])

    events = run("replay", "--trails", trails, capture, later).events

    assert {e["src_ip"] for e in events if e["class"] == "trail-domain"} == {
        "192.168.1.10",
        "192.168.1.11",
    }
    assert len({event["run_id"] for event in events}) == 1


def test_trails_of_several_files_are_merged(capture: Path, trails: Path, tmp_path: Path) -> None:
    """Lists of both kinds; the sources say which file named it."""
    second = tmp_path / "second.txt"
    second.write_text("192.0.2.53\nevil.org\n", encoding="utf-8")

    events = run("replay", "--trails", trails, "--trails", second, capture).events

    assert {"evil.org", "192.0.2.53"} <= {event["indicator"] for event in events}
    named = next(event for event in events if event["indicator"] == "evil.org")
    assert {source["name"] for source in named["sources"]} == {"list", "second"}


def test_a_built_set_replays_as_its_lists_do(capture: Path, trails: Path, tmp_path: Path) -> None:
    """The file's random seed does not show."""
    built = tmp_path / "built.set"
    assert run("trails", "build", "-o", built, trails).status == 0

    by_set, by_list = (run("replay", "--trails", path, capture).out for path in (built, trails))

    assert by_set == by_list


def test_without_trails_named_the_current_set_and_own_lists_count(
    capture: Path, trails: Path, tmp_path: Path
) -> None:
    """Read-only: nothing in the state folder changes."""
    state, own, built = tmp_path / "state", tmp_path / "own.txt", tmp_path / "built.set"
    run("trails", "build", "-o", built, trails)
    run("trails", "use", "--state-dir", state, built)
    own.write_text("192.0.2.53\n", encoding="utf-8")
    configured = tmp_path / "config.yaml"
    configured.write_text(f"trails: {{custom: [{own}]}}\n", encoding="utf-8")
    before = {path: path.lstat().st_mtime_ns for path in state.rglob("*")}

    said = run("replay", "-c", configured, "--state-dir", state, capture)

    assert {e["info"] for e in said.events} == {
        "own",
        "evil (malware)",
        "potential port scanning",
    }
    assert {path: path.lstat().st_mtime_ns for path in state.rglob("*")} == before


REFUSED = {
    "a missing capture": ("--trails {trails} {tmp}/none.pcap", "none.pcap: "),
    "no capture at all": ("--trails {trails} {trails}", "list.csv: "),
    "missing trails": ("--trails {tmp}/none.csv {capture}", "none.csv: there is no such"),
    "no usable trails": ("--trails {tmp}/empty.csv {capture}", "empty.csv: holds no"),
    "a bad set": ("--trails {tmp}/bad.set {capture}", "bad.set: "),
    "a set beside lists": ("--trails {trails} --trails {tmp}/bad.set {capture}", "not both"),
    "neither set nor lists": ("-c {tmp}/none.yaml --state-dir {tmp} {capture}", "no trails: "),
    "a missing configuration": ("-c {tmp}/gone.yaml {capture}", "gone.yaml: cannot be read"),
    "missing expectations": ("--trails {trails} --expect {tmp}/none {capture}", "--expect"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_replayed_is_told_in_one_line(
    case: str, capture: Path, trails: Path, tmp_path: Path
) -> None:
    """Exit status 2, nothing on standard output."""
    (tmp_path / "bad.set").write_bytes(b"no set" * 500)
    (tmp_path / "empty.csv").touch()
    (tmp_path / "none.yaml").write_text(f"trails: {{custom: [{tmp_path}/nothing]}}\n")
    arguments, said = REFUSED[case]
    places = {"trails": trails, "tmp": tmp_path, "capture": capture}

    refused = run("replay", *arguments.format(**places).split())

    assert (refused.status, refused.out) == (2, "")
    assert refused.err.startswith("maltrail-agent: ")
    assert said in refused.err
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize("workers", ["0", "65", "many"])
def test_a_number_of_workers_that_cannot_be_is_refused(workers: str, capture: Path) -> None:
    """Between 1 and 64."""
    assert run("replay", "--workers", workers, capture).status == 2


def test_a_reader_that_has_enough_is_no_error(trails: Path) -> None:
    """`replay ... | head -1` ends quietly."""
    command = [sys.executable, "-m", "agent", "replay", "--no-condense", "--trails", str(TRAILS)]
    with subprocess.Popen(
        [*command, *[str(CAPTURE)] * 50], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()

    assert (process.returncode, said) == (0, b"")


def test_told_renders_nine_columns() -> None:
    """The form in which Maltrail's corpus states its expectations."""
    event = run("replay", "--trails", TRAILS, CAPTURE).events[0]

    assert commands.told(event) == (
        "192.168.1.11 52001 192.168.1.1 53 UDP DNS (cdn).loader-demo.invalid "
        "demo loader (malware) (demo)"
    )


@pytest.mark.parametrize(
    ("entry", "is_told"),
    [
        ("class: behaviour-port_scan, source: 203.0.113.9", False),
        ("class: behaviour-*, destination: 192.168.1.0/24", False),
        ("info: port scan, direction: inbound", False),
        ("class: behaviour-port_scan, source: 203.0.113.10", True),
        ("class: trail-*, source: 203.0.113.9", True),
    ],
)
def test_a_behaviour_is_allowed_by_entries_of_several_keys(
    capture: Path, trails: Path, tmp_path: Path, entry: str, is_told: bool
) -> None:
    """An own vulnerability scanner, for as long as it is ours."""
    path = tmp_path / "config.yaml"
    path.write_text(f"allow_list: {{files: [], entries: [{{{entry}, reason: ours}}]}}\n")

    said = run("replay", "-c", path, "--trails", trails, "--stats", capture)

    classes = {event["class"] for event in said.events}
    assert ("behaviour-port_scan" in classes) is is_told
    assert (said.stats["allowed"]["entry"] == 0) is is_told
    assert "trail-domain" in classes


# --- explain ----------------------------------------------------------------------------------


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Return a capture: listed, allowed, ignored, suppressed and clean values."""
    names = ("www.evil.org", "www.evil.org", "fine.org", "clean.org", "evil.local", "held.org")
    frames = [
        packets.udp_frame("192.168.1.10", 40000 + n, "192.0.2.53", 53, packets.dns_query(name))
        for n, name in enumerate(names)
    ]
    frames.append(packets.syn_frame("192.168.1.10", 50000, "198.51.100.7", 443))
    request = packets.http_request("/gate.php?id=1", "clean.net", user_agent="Some/1.0")
    frames.append(packets.tcp_frame("192.168.1.10", 50001, "203.0.113.1", 8080, request))
    return packets.write_pcap(tmp_path / "mixed.pcap", packets.timed(frames, step_us=100_000))


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """Return a folder with a list and a configuration."""
    (tmp_path / "list.csv").write_text(
        "evil.org,evil (malware),(test)\nfine.org,x,(test)\nevil.local,x,(test)\n"
        "held.org,x,(test)\n198.51.100.7,known attacker,(test)\n/gate.php?id=,x,(test)\n"
    )
    (tmp_path / "config.yaml").write_text(
        "sensor: {name: sensor.example.org}\n"
        "allow_list: {files: [], entries: [{domain: fine.org, reason: ours}]}\n"
        "suppress: [{name: pentest, reason: red team, trails: [held.org]}]\n"
    )
    return tmp_path


def explained(room: Path, mixed: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what a replay explains, by place and value."""
    said = run(
        *("replay", "-c", room / "config.yaml", "--trails", room / "list.csv"),
        *("--explain", "--json", mixed),
    )
    rows = [json.loads(line) for line in said.err.splitlines()]
    return {(row["where"], row["value"]): row for row in rows}


def test_every_value_is_explained(room: Path, mixed: Path) -> None:
    """What became of it, by which key, rule and list, and why nothing is told of the others."""
    seen = explained(room, mixed)

    verdicts = {place: (row["became"], row["explanation"]["rule"]) for place, row in seen.items()}
    assert verdicts == {
        ("dns.question", "www.evil.org"): ("told", "T-5.6"),
        ("dns.question", "fine.org"): ("allowed", "T-5.6"),
        ("dns.question", "clean.org"): ("not listed", ""),
        ("dns.question", "evil.local"): ("ignored", "T-5.6"),
        ("dns.question", "held.org"): ("suppressed", "T-5.6"),
        ("ip.src", "192.168.1.10"): ("not listed", ""),
        ("ip.dst", "198.51.100.7"): ("told", "T-10"),
        ("http.host", "clean.net"): ("not listed", ""),
        ("http.path", "clean.net/gate.php?id=1"): ("told", "T-13.9"),
        ("http.user_agent", "Some/1.0"): ("not listed", ""),
    }
    evil = seen["dns.question", "www.evil.org"]
    assert (evil["seen"], evil["explanation"]["sources"][0]["name"]) == (2, "list")
    assert seen["dns.question", "fine.org"]["why"] == (
        "allow-list entry fine.org (allow_list.entries[0]): ours"
    )
    assert "rule T-8.4" in seen["dns.question", "evil.local"]["why"]
    assert "suppress" in seen["dns.question", "held.org"]["why"]
    assert seen["dns.question", "clean.org"]["explanation"]["weighed"]


def test_what_behaviours_conclude_is_explained_too(room: Path, capture: Path) -> None:
    """No list is asked for it."""
    seen = explained(room, capture)

    row = seen["behaviour-port_scan", "203.0.113.9"]
    assert (row["became"], row["explanation"]["kind"]) == ("told", "behaviour")


def test_people_get_a_table(room: Path, mixed: Path) -> None:
    """One line a value, below a head."""
    said = run(
        *("replay", "-c", room / "config.yaml", "--trails", room / "list.csv", "--explain", mixed)
    )

    lines = said.err.splitlines()
    assert lines[0].split()[:4] == ["WHERE", "VALUE", "SEEN", "VERDICT"]
    assert any(line.split()[:4] == ["dns.question", "www.evil.org", "2", "told"] for line in lines)


def test_explaining_changes_no_event(room: Path, mixed: Path) -> None:
    """The same bytes on standard output."""
    base = ("replay", "-c", room / "config.yaml", "--trails", room / "list.csv", mixed)

    assert run(*base, "--explain").out == run(*base).out


def test_rows_that_can_never_match_are_told(tmp_path: Path) -> None:
    """A file that is no list must not look like one of which nothing was seen."""
    rows = tmp_path / "mine.txt"
    rows.write_text("evil.org\n300.1.1.1\nno name at all\n")
    options = Options(captures=(str(DEMO / "demo.pcap"),), trails=(rows,))
    told = list(Replay(Settings(), tmp_path, options).inert())

    assert len(told) == 2
    assert all(line.startswith("1 row(s) of the lists can never match: ") for line in told)
