"""import-config: every option of Maltrail's is accounted for, and what it makes can be used."""

import errno
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent import config
from agent.commands import import_config
from agent.commands.import_config import accept
from agent.importing import importer, table, writing
from agent.importing.capturing import SHIPPED_FILTER
from agent.importing.detecting import SHIPPED_SEVERITIES
from agent.importing.draft import Around
from agent.visible import visible
from tests.commands import Said, run

# detection.md section 9, every option of 9.2 and 9.3, each with a value.
EVERY_OPTION = f"""
MONITOR_INTERFACE eth0,eth1
CAPTURE_FILTER {SHIPPED_FILTER}
CAPTURE_BUFFER 10%
CAPTURE_BUFFER_SIZE 128MB
CAPTURE_SNAPLEN 4000
CAPTURE_TIMEOUT 100
CAPTURE_IMMEDIATE true
CAPTURE_WORKERS 2
CAPTURE_FANOUT 2
CAPTURE_FANOUT_MODE hash
CAPTURE_FANOUT_DEFRAG true
CAPTURE_FANOUT_GROUP 7
PROCESS_COUNT 16
DISABLE_CPU_AFFINITY false
USE_CAPTURE_AFFINITY true
USE_FAST_PREFILTER true
FAST_FLOW_CUTOFF 4
FAST_ADMIT_LEVEL 1
FAST_ADMIT_ADAPTIVE true
CHECK_TLS_CERTIFICATES false
USE_HEURISTICS true
DISABLED_HEURISTICS port_scanning, long_domain
SCAN_WINDOW 60
CHECK_MISSING_HOST false
CHECK_HOST_DOMAINS false
LOG_DIR $SYSTEM_LOG_DIR/maltrail
SENSOR_NAME sensor7
DISABLE_LOCAL_LOG_STORAGE false
LOG_SERVER 192.0.2.1:8337
SYSLOG_SERVER 192.0.2.2:514
LOGSTASH_SERVER 192.0.2.3:5000,[2001:db8::3]:5000
REMOTE_SEVERITY_REGEX (?P<high>malware|c2)|(?P<low>scan(ner|ning))
EVENT_THROTTLE_MODE summarize
EVENT_THROTTLE_WINDOW 120
EVENT_THROTTLE_BURST 3
EVENT_THROTTLE_MAX_KEYS 60000
USER_WHITELIST whitelist.txt
USER_IGNORELIST ignore.txt
IGNORE_EVENTS_REGEX sql injection|10\\.0\\.0\\.5
USE_CONDENSED_STORAGE true
TRAILS_FILE ~/.maltrail/trails.csv
UPDATE_PERIOD 43200
UPDATE_SERVER http://192.0.2.9:8338/trails
USE_FEED_UPDATES true
DISABLED_FEEDS turris, ciarmy, policeman, myip, alienvault
IP_MINIMUM_FEEDS 4
DISABLED_TRAILS_INFO_REGEX tor exit|bitcoin
CUSTOM_TRAILS_DIR ./trails/custom
CUSTOM_TRAILS_URL https://lists.example.org/own.txt
DISABLE_TRAIL_UPDATES false
REPAIR_TRUNCATED_TRAILS true
ALLOW_EMPTY_TRAILS false
TRAIL_RELOAD_MIN_RATIO 0.25
DOMAIN_CACHE_ENTRIES 1000
OFFLINE_TIMESTAMPS pcap
STATS_ADDRESS 127.0.0.1:9339
METRICS_INTERVAL 3600
SHOW_DEBUG true
DISABLE_CHECK_SUDO true
PROXY_ADDRESS http://proxy.example.org:3128
HTTP_ADDRESS 0.0.0.0
HTTP_PORT 8338
USE_SSL false
SSL_PEM misc/server.pem
USERS
    admin:9ab3cd9d67bf49d01f6a2e33d0bd9bc804ddbe6ce1ff5d219c42624851db5dbc:0:
ENABLE_MASK_CUSTOM true
UDP_ADDRESS 0.0.0.0
UDP_PORT 8337
USE_SERVER_UPDATE_TRAILS true
MAX_REQUEST_THREADS 100
MAX_LIVE_STREAMS 30
HUNT_TIME_BUDGET 10.0
HOME_LAT 52.5
HOME_LON 13.4
HEADER_LOGO logo.png
IP_ALIASES
    10.0.0.1:core-router
    2001:db8::1:six
FAIL2BAN_REGEX attacker
FAIL2BAN_ALLOWLIST 127.0.0.1
BLACKLIST_ALLOWLIST 127.0.0.1
BLACKLIST
    type ~ DNS
BLACKLIST_OURS
    info ~ malware
ALERT_WEBHOOK_URL https://chat.example.org/hooks/secret
ALERT_SEVERITY medium
ALERT_FORMAT slack
ALERT_THROTTLE 600
DISABLE_RIPE_LOOKUPS true
"""

# Those of the list above that become settings even where all are set at once.
TAKEN = {
    *("MONITOR_INTERFACE", "CAPTURE_BUFFER_SIZE", "CAPTURE_SNAPLEN", "CAPTURE_WORKERS"),
    *("CHECK_TLS_CERTIFICATES", "USE_HEURISTICS", "DISABLED_HEURISTICS", "SCAN_WINDOW"),
    *("CHECK_MISSING_HOST", "SENSOR_NAME", "LOG_SERVER", "SYSLOG_SERVER", "LOGSTASH_SERVER"),
    *("REMOTE_SEVERITY_REGEX", "EVENT_THROTTLE_WINDOW", "EVENT_THROTTLE_MAX_KEYS"),
    *("USER_WHITELIST", "USER_IGNORELIST", "IGNORE_EVENTS_REGEX", "UPDATE_SERVER"),
    *("IP_MINIMUM_FEEDS", "DISABLED_TRAILS_INFO_REGEX", "CUSTOM_TRAILS_DIR"),
    *("DISABLE_TRAIL_UPDATES", "TRAIL_RELOAD_MIN_RATIO", "STATS_ADDRESS", "SHOW_DEBUG"),
    *("PROXY_ADDRESS", "IP_ALIASES", "ALERT_WEBHOOK_URL", "ALERT_SEVERITY", "ALERT_THROTTLE"),
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a Maltrail installation with own lists."""
    (tmp_path / "trails/custom").mkdir(parents=True)
    (tmp_path / "trails/custom/our_list.txt").write_text(
        "# ours\nhttp://www.evil.org/a/b/  # seen\nhttp://bad.org\n198.51.100.7:4444\n.dots.org.\n"
    )
    (tmp_path / "whitelist.txt").write_text(
        "# fine\nFine.Example.org\n192.0.2.77/24\n2001:db8::7\n198.51.100.9:80\na/b\n"
        "no blanks here\n"
    )
    (tmp_path / "ignore.txt").write_text(
        "# a rule a line\n192.168.0.3;*;*;*\n192.168.0.4 ;*;*;*\n*;*;*;22\n"
        "10.0.0.1;1024;10.0.0.2;443\n*;*;10.0.0.9;*\n"
    )
    return tmp_path


def take(text: str, root: Path) -> importer.Imported:
    """Take a configuration's text as the command does, on a host with 8 GB and four CPUs."""
    around = Around(root=root, host="host.example.org", memory=8 << 30, cpus=4)
    return importer.take_all(text, around, accept)


def settings_of(imported: importer.Imported) -> config.Settings:
    """Read what was made, as the agent does."""
    return config.parse(writing.render(imported.draft, imported.outcomes, "m.conf"), "config.yaml")


def told(imported: importer.Imported, option: str) -> str:
    """Return verdict and reason of an option."""
    found = [one for one in imported.outcomes if one.option == option]
    assert len(found) == 1, option
    return f"{found[0].verdict}: {found[0].told} {' '.join(found[0].left)}".strip()


def imported_to(site: Path, text: str, *more: object) -> Said:
    """Run the command on a file in the site."""
    (site / "maltrail.conf").write_text(text)
    return run("import-config", site / "maltrail.conf", "--to", site / "out", *more)


# --- the whole ----------------------------------------------------------------------------------


def test_every_option_is_accounted_for(site: Path) -> None:
    """Each has one line; those without a counterpart say why; nothing is unknown or unusable."""
    names = [line.split()[0] for line in EVERY_OPTION.splitlines() if line[:1].strip()]
    assert set(table.OPTIONS) <= set(names)

    imported = take(EVERY_OPTION, site)

    assert [one.option for one in imported.outcomes] == names
    assert all(one.told for one in imported.outcomes)
    by_verdict: dict[str, set[str]] = {}
    for one in imported.outcomes:
        by_verdict.setdefault(one.verdict, set()).add(one.option)
    # One line of the whitelist is no entry, and the option says so.
    assert by_verdict["in part"] == {"USER_WHITELIST"}
    assert by_verdict["taken"] == TAKEN - {"USER_WHITELIST"}
    assert by_verdict["not applicable"] == set(names) - TAKEN


@pytest.mark.shared
def test_the_options_above_are_those_of_the_reference() -> None:
    """Every name in the tables of section 9 is known, and set in the configuration above."""
    reference = Path(os.environ["MALTRAIL_SHARED"]) / "reference/detection.md"
    section = reference.read_text(encoding="utf-8").partition("\n# 9. Configuration")[2]
    rows = [line for line in section.partition("\n# 10.")[0].splitlines() if line[:3] == "| `"]
    cells = [row.split("|")[1] for row in rows]
    named = {name for cell in cells for name in re.findall(r"`([A-Z][A-Z0-9_]+)(?=[`<])", cell)}
    named |= {
        "EVENT_THROTTLE" + part
        for cell in cells
        if "EVENT_THROTTLE_WINDOW" in cell
        for part in re.findall(r"`(_[A-Z_]+)`", cell)
    }
    ours = {line.split()[0] for line in EVERY_OPTION.splitlines() if line[:1].strip()}

    assert len(named) > 80
    assert {name for name in named if name not in ours and not name.startswith("_")} == {
        "BLACKLIST_"
    }


def test_what_is_taken_is_in_the_settings(site: Path) -> None:
    """The file reads as settings with every value that was taken."""
    made = settings_of(take(EVERY_OPTION, site))

    assert made.capture.interfaces == ("eth0", "eth1")
    assert (made.capture.buffer_mb, made.capture.snaplen, made.capture.workers) == (128, 4000, 2)
    assert made.capture.filter == ""
    assert made.sensor.name == "sensor7"
    assert made.detections["port_scan"] == {"enabled": False, "window": 60}
    assert made.detections["long_name"] == {"enabled": False}
    assert made.detections["missing_host"] == {"enabled": False}
    assert [rule.severity for rule in made.severity.rules] == [8, 3]
    assert [rule.info for rule in made.severity.rules] == ["malware|c2", "scan(ner|ning)"]
    assert made.condense.window == pytest.approx(120)
    assert made.condense.max_incidents == 60_000
    assert made.trails.min_feeds == 4
    assert made.trails.exclude_info == "tor exit|bitcoin"
    assert made.update.gate.max_shrink == 75
    assert made.update.proxy == "http://proxy.example.org:3128"
    assert made.update.origin is not None
    assert made.update.origin.format == "maltrail"
    assert made.http.address == "127.0.0.1:9339"
    assert made.networks.aliases == {"10.0.0.1": "core-router", "2001:db8::1": "six"}
    assert [output.type for output in made.outputs] == [
        *("maltrail_server", "syslog", "logstash", "logstash", "webhook"),
    ]
    assert made.outputs[4].min_severity == "medium"
    assert made.outputs[4].options["repeat"] == "600s"
    certificates = made.allow_list.entries[0]
    assert (certificates.class_id, certificates.reason) == (
        "trail-certificate",
        "CHECK_TLS_CERTIFICATES was off",
    )


def test_the_command_writes_what_check_accepts(site: Path) -> None:
    """Configuration, own lists and allow-list; `check` finds no failure and counts the trails."""
    said = imported_to(site, EVERY_OPTION)
    out = site / "out"

    assert said.status == 1  # a line of the whitelist was left
    assert set(said.out.splitlines()) == {
        str(out / name)
        for name in ("config.yaml", "trails/our_list.csv", "allow/maltrail-whitelist.txt")
    }
    assert (out / "config.yaml").stat().st_mode & 0o777 == 0o640
    checked = run("check", "-c", out / "config.yaml", "--state-dir", site / "state", "--json")
    found = json.loads(checked.out)
    assert checked.status == 0, [one for one in found if one["level"] == "failure"]
    assert any("own trails: 4" in one["text"] for one in found)


def test_each_key_says_where_it_came_from(site: Path) -> None:
    """A comment above each names option and line; the end tells what has no counterpart."""
    text = writing.render(*take(EVERY_OPTION, site), "m.conf")
    lines = text.splitlines()

    assert lines[lines.index("  snaplen: 4000") - 1] == "  # CAPTURE_SNAPLEN, line 6"
    assert "#   HTTP_PORT: not applicable: what is found is looked at in the SIEM" in text


# --- own lists, whitelist, ignore rules, patterns -----------------------------------------------


def test_own_lists_keep_maltrails_reading_of_a_line(site: Path) -> None:
    """Scheme, comment, outer dots and a URL's last slash go; the label is the file's name."""
    files = take("CUSTOM_TRAILS_DIR trails/custom\n", site).draft.files

    assert files["trails/our_list.csv"].splitlines() == [
        "www.evil.org/a/b,our list,(custom)",
        "bad.org,our list,(custom)",
        "198.51.100.7:4444,our list,(custom)",
        "dots.org,our list,(custom)",
    ]


def test_own_lists_of_one_name_are_all_kept(site: Path) -> None:
    """And one that is no table is told, the others are taken."""
    folder = site / "same"
    folder.mkdir()
    (folder / "own.csv").write_text("one.example,x\n")
    (folder / "own.txt").write_text("two.example\n")
    (folder / "odd.csv").write_text('"' + "x\n" * 200_000)

    imported = take("CUSTOM_TRAILS_DIR same\n", site)

    text = "".join(imported.draft.files.values())
    assert "one.example" in text
    assert "two.example" in text
    assert "odd.csv: field larger than field limit" in str(imported.outcomes[0].left)


def test_a_whitelist_becomes_a_file_entries_and_a_suppression(site: Path) -> None:
    """Names and networks into the file, keys of trails as entries; addresses count on any side."""
    imported = take("USER_WHITELIST whitelist.txt\n", site)
    made = settings_of(imported)

    assert imported.draft.files["allow/maltrail-whitelist.txt"].splitlines()[1:] == [
        *("fine.example.org", "192.0.2.0/24", "2001:db8::7"),
    ]
    assert [entry.trail for entry in made.allow_list.entries] == ["198.51.100.9:80", "a/b"]
    assert made.suppress[0].network == ("192.0.2.0/24", "2001:db8::7/128")
    assert "trail-domain" not in made.suppress[0].classes
    assert "whitelist.txt:7: no blanks here" in told(imported, "USER_WHITELIST")


def test_ignore_rules_become_suppressions(site: Path) -> None:
    """Rules that differ in one address are one entry; ports and addresses keep their sides."""
    made = settings_of(take("USER_IGNORELIST ignore.txt\n", site))

    assert [entry.source for entry in made.suppress[:1]] == [("192.168.0.3/32", "192.168.0.4/32")]
    assert made.suppress[1].destination_port == (22,)
    assert made.suppress[1].source == ()
    both = made.suppress[2]
    assert (both.source, both.source_port) == (("10.0.0.1/32",), (1024,))
    assert (both.destination, both.destination_port) == (("10.0.0.2/32",), (443,))
    assert made.suppress[3].destination == ("10.0.0.9/32",)
    assert all(entry.reason.startswith("USER_IGNORELIST, line ") for entry in made.suppress)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("*;*;*;*", "would silence everything"),
        ("*;-;*;-", "no port"),
        ("1.2.3;*;*;*", "does not appear to be an IPv4 or IPv6 address"),
        ("*;*;*;70000", "expected a port"),
        ("*;*;*", "expected source;port;destination;port"),
    ],
)
def test_a_rule_that_cannot_be_taken_says_why(site: Path, rule: str, why: str) -> None:
    """With file and line; the others are taken."""
    (site / "ignore.txt").write_text(f"10.0.0.1;*;*;*\n{rule}\n")

    imported = take("USER_IGNORELIST ignore.txt\n", site)

    assert len(settings_of(imported).suppress) == 1
    assert f"ignore.txt:2: {rule}: " in told(imported, "USER_IGNORELIST")
    assert why in told(imported, "USER_IGNORELIST")


@pytest.mark.parametrize(
    ("pattern", "networks", "text"),
    [
        (r"10\.0\.0\.5", ("10.0.0.5/32",), None),
        (r"'10.0.0.5'", ("10.0.0.5/32",), None),
        (r"192\.168\.", ("192.168.0.0/16",), None),
        (r"(10\.1\.|sql injection)", ("10.1.0.0/16",), "sql injection"),
        (r"a[|b]c|d\|e", (), r"a[|b]c|d\|e"),
        (r"x[a[]y|b", (), r"x[a[]y|b"),
        (r"x|'evil\.org'", (), r"x|^(?:evil\.org)$"),
        (r"(a|b)(c|d)", (), r"(a|b)(c|d)"),
    ],
)
def test_an_ignore_pattern_is_taken_apart(
    site: Path, pattern: str, networks: tuple[str, ...], text: str | None
) -> None:
    """Addresses become networks; what is about trail or info becomes a pattern of texts."""
    made = settings_of(take(f"IGNORE_EVENTS_REGEX {pattern}\n", site))

    assert tuple(one for entry in made.suppress for one in entry.network) == networks
    assert [entry.text for entry in made.suppress if entry.text] == ([text] if text else [])


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("UDP", "a protocol or type"),
        ("evil|'10.0.0.1', 22", "reaches over several columns"),
        ("evil|", "would silence everything"),
        ("evil|.*", "would silence everything"),
        ("evil|443", "numbers may be times or ports"),
        ("(", "is not a regular expression"),
    ],
)
def test_what_a_pattern_cannot_say_here_is_told(site: Path, pattern: str, why: str) -> None:
    """No branch vanishes silently, and none silences more than it did."""
    imported = take(f"IGNORE_EVENTS_REGEX {pattern}\n", site)

    assert why in told(imported, "IGNORE_EVENTS_REGEX")
    assert all(entry.text in (None, "evil") for entry in settings_of(imported).suppress)


def test_an_imported_configuration_keeps_quiet_what_maltrail_did(site: Path) -> None:
    """On the demo's capture: own list, ignore rule, ignore pattern and whitelist do their work."""
    demo = Path(__file__).resolve().parents[2] / "demo"
    custom = site / "trails/custom/our_list.txt"
    custom.write_text((demo / "trails.csv").read_text().replace(",", " # "), encoding="utf-8")
    (site / "ignore.txt").write_text("203.0.113.99;*;*;*\n*;*;*;4444\n")
    (site / "whitelist.txt").write_text("login-demo.invalid\n203.0.113.45\n")
    text = "USE_HEURISTICS true\nCUSTOM_TRAILS_DIR trails/custom\n"
    ignoring = "USER_IGNORELIST ignore.txt\nUSER_WHITELIST whitelist.txt\n"
    ignoring += "IGNORE_EVENTS_REGEX beacon-demo\n"

    seen = [_replayed(site, text, "a"), _replayed(site, text + ignoring, "b")]

    gone = seen[0] - seen[1]
    assert gone == {
        "203.0.113.99",  # ignored as a source
        "198.51.100.23:4444",  # ignored as a port
        "login-demo.invalid",  # whitelisted as a name
        "203.0.113.45",  # whitelisted as an address: its scan of ports
        "beacon-demo.invalid",  # ignored by pattern
    }
    assert {"loader-demo.invalid", "/demo-gate.php"} <= seen[1]


def _replayed(site: Path, text: str, folder: str) -> set[str]:
    """Import a configuration and replay the demo's capture with it; return what was told."""
    (site / f"{folder}.conf").write_text(text)
    assert run("import-config", site / f"{folder}.conf", "--to", site / folder).status == 0
    capture = Path(__file__).resolve().parents[2] / "demo/demo.pcap"
    config_file = site / folder / "config.yaml"
    said = run("replay", "-c", config_file, "--state-dir", site, "--format", "maltrail", capture)
    assert said.status == 0, said.err
    return {event["indicator"] for event in said.events}


# --- options that depend on others --------------------------------------------------------------


def test_lists_follow_feeds_and_custom_urls(site: Path) -> None:
    """Without a server: feeds that are off stay off, custom lists keep Maltrail's period."""
    imported = take(
        "UPDATE_PERIOD 7200\nDISABLED_FEEDS blocklist, turris, none_such\n"
        "CUSTOM_TRAILS_URL http://lists.example.org/a.txt,ftp://b\n",
        site,
    )
    made = settings_of(imported)

    assert made.update.lists[0] == {"name": "blocklist-de", "enabled": False}
    assert made.update.lists[1]["period"] == "7200s"
    assert made.update.lists[1]["insecure_http"] is True
    assert "not in the catalogue: none_such" in told(imported, "DISABLED_FEEDS")
    assert "ftp://b: expected a URL" in told(imported, "CUSTOM_TRAILS_URL")


def test_a_file_that_others_keep_is_a_list(site: Path) -> None:
    """DISABLE_TRAIL_UPDATES: nothing else is fetched."""
    made = settings_of(take("DISABLE_TRAIL_UPDATES 1\nTRAILS_FILE /srv/trails.csv\n", site))

    assert made.update.defaults is False
    assert made.update.lists[0]["url"] == "/srv/trails.csv"


def test_without_feeds_the_static_lists_remain(site: Path) -> None:
    """USE_FEED_UPDATES false."""
    made = settings_of(take("USE_FEED_UPDATES false\n", site))

    assert (made.update.defaults, made.update.lists) == (False, ({"name": "maltrail-static"},))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("CAPTURE_BUFFER 10%", 256),
        ("CAPTURE_BUFFER 1MB", 64),
        ("CAPTURE_BUFFER 104857600", 100),
        ("CAPTURE_BUFFER_SIZE 2GB", 1024),
    ],
)
def test_rings_keep_their_bounds(site: Path, line: str, expected: int) -> None:
    """As Maltrail's sensor sizes them for each worker."""
    assert settings_of(take(f"{line}\n", site)).capture.buffer_mb == expected


def test_any_interface_is_auto(site: Path) -> None:
    """`any` has no promiscuous mode and no interface's name."""
    assert settings_of(take("MONITOR_INTERFACE any\n", site)).capture.interfaces == ("auto",)


def test_the_distributed_patterns_need_no_rules(site: Path) -> None:
    """Severity by it is what format maltrail says anyway."""
    imported = take(f"REMOTE_SEVERITY_REGEX {SHIPPED_SEVERITIES}\n", site)

    assert told(imported, "REMOTE_SEVERITY_REGEX").startswith("not applicable: ")
    assert settings_of(imported).severity.rules == ()


def test_what_absence_means_is_told(site: Path) -> None:
    """Where Maltrail without an option does something else."""
    absent = [one.option for one in take("", site).outcomes if one.verdict == "absent"]

    assert absent == ["USE_HEURISTICS", "USE_FEED_UPDATES"]


# --- what cannot be used ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("SYSLOG_SERVR 1.2.3.4:514", "unknown: no option of Maltrail; did you mean SYSLOG_SERVER?"),
        ("SYSLOG_SERVER 1.2.3.4:x", "unusable: '1.2.3.4:x': expected HOST:PORT"),
        ("SYSLOG_SERVER", "unusable: expected HOST:PORT"),
        ("CAPTURE_FILTER port port", "unusable: "),
        ("CAPTURE_BUFFER lots", "unusable: expected bytes"),
        ("SCAN_WINDOW soon", "unusable: expected a whole number"),
        ("USER_WHITELIST gone.txt", "unusable: "),
        ("USE_HEURISTICS perhaps", "in part: detections.enabled: false 'perhaps' is neither"),
        ("MONITOR_INTERFACE eth0;rm", "taken: capture.interfaces: eth0, rm"),
        ("MONITOR_INTERFACE $(id)", "unusable: '$(id)' is no interface's name"),
        ("STATS_ADDRESS here", "unusable: 'here': expected HOST:PORT"),
        ("REMOTE_SEVERITY_REGEX (?P<odd>x)", "unusable: expected (?P<high>"),
        ("UPDATE_SERVER file:///etc/passwd", "unusable: expected a URL"),
        ("IP_ALIASES nobody", "unusable: expected an ADDRESS:NAME"),
    ],
)
def test_a_bad_value_is_one_line_with_what_was_expected(
    site: Path, line: str, expected: str
) -> None:
    """The rest is imported all the same, and what comes out can be read."""
    imported = take(f"{line}\nSENSOR_NAME other\n", site)

    assert told(imported, line.split(maxsplit=1)[0]).startswith(expected)
    assert settings_of(imported).sensor.name == "other"


def test_blanks_and_items_without_end_cost_no_time(site: Path) -> None:
    """In the file itself and in an own list."""
    blanks = " " * 60_000
    (site / "blanks").mkdir()
    (site / "blanks/own.txt").write_text(f"evil.org{blanks}x\n")
    began = time.process_time()

    imported = take(f"SENSOR_NAME a{blanks}b\nCUSTOM_TRAILS_DIR blanks\n", site)
    take("SENSOR_NAME\n" + " x\n" * 100_000, site)

    assert time.process_time() - began < 3
    assert imported.is_whole


def test_an_option_given_twice_is_told(site: Path) -> None:
    """The last one counts."""
    imported = take("SENSOR_NAME a\nSENSOR_NAME b\n", site)

    assert settings_of(imported).sensor.name == "b"
    assert imported.outcomes[0].told == "line 2 sets it again"


def test_what_is_there_is_not_overwritten(site: Path) -> None:
    """One line on standard error, and not one file written; --force replaces."""
    (site / "out").mkdir()
    (site / "out/config.yaml").write_text("mine\n")

    said = imported_to(site, "CUSTOM_TRAILS_DIR trails/custom\n")

    assert said.status == 2
    assert "config.yaml already; nothing was written" in said.err
    assert (site / "out/config.yaml").read_text() == "mine\n"
    assert not (site / "out/trails").exists()
    assert imported_to(site, "SENSOR_NAME a\n", "--force").status == 0
    assert "sensor:" in (site / "out/config.yaml").read_text()


def test_a_full_disk_leaves_nothing_behind(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the file that could not be finished."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(import_config, "_group", os.getgid)
    monkeypatch.setattr(os, "fchown", full)

    said = imported_to(site, "SENSOR_NAME a\n")

    assert said.status == 2
    assert f"{site}/out: cannot be written: No space left on device" in said.err
    assert [*(site / "out").iterdir()] == []


def test_a_dry_run_writes_nothing(site: Path) -> None:
    """The report alone."""
    said = imported_to(site, "SENSOR_NAME a\n", "--dry-run")

    assert (said.status, said.out) == (0, "")
    assert "SENSOR_NAME" in said.err
    assert not (site / "out").exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xff\xfe\x00", "is not UTF-8 text (byte 0)"),
        (b"A 1\n\0", "holds NUL bytes"),
        (b"A 1\n" * 3000, "more than 2000 options"),
        (b"#" * ((1 << 20) + 1), "has more than 1048576 bytes"),
    ],
)
def test_what_is_no_configuration_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    """One line, status 2, nothing written."""
    (tmp_path / "m.conf").write_bytes(content)

    said = run("import-config", tmp_path / "m.conf", "--to", tmp_path / "out")

    assert said.status == 2
    assert why in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Status 2."""
    said = run("import-config", tmp_path / "none.conf")

    assert said.status == 2
    assert "none.conf: cannot be read: No such file" in said.err


def test_hostile_text_never_reaches_the_terminal_or_the_file_raw(site: Path) -> None:
    """Escapes, bidirectional marks and carriage returns of names and values are shown, not done."""
    text = "EVIL\x1b[2J \x1b]0;owned\x07\nSENSOR_NAME a\u202eb\x1b[31m\nWHAT\rELSE 1\n"

    said = imported_to(site, text)
    written = (site / "out/config.yaml").read_text()

    for raw in ("\x1b", "\x07", "\u202e", "\r"):
        assert raw not in said.err + said.out + written
    assert config.parse(written, "x").sensor.name == "a\u202eb\x1b[31m"


def test_secrets_are_not_in_the_report(site: Path) -> None:
    """Web hooks, users and proxies: the configuration has them, the report does not."""
    for more in ((), ("--json",)):
        said = imported_to(site, EVERY_OPTION, "--force", *more)

        assert "hooks/secret" not in said.err + said.out
        assert "9ab3cd9d67bf" not in said.err + said.out


def test_json_has_a_document_for_each_option(site: Path) -> None:
    """On standard output, with nothing on standard error."""
    said = imported_to(site, EVERY_OPTION, "--json")
    document: dict[str, Any] = json.loads(said.out)

    assert said.err == ""
    assert {"option", "line", "value", "verdict", "told", "left"} == set(document["options"][0])
    assert len(document["options"]) == len(
        [line for line in EVERY_OPTION.splitlines() if line[:1].strip()]
    )


names = st.sampled_from(sorted(table.OPTIONS)) | st.text("ABC_$\x1b\u202e#\t ", max_size=8)
values = st.text(max_size=40) | st.sampled_from(
    [
        "true",
        "1",
        "0",
        "[::1]:5",
        "a:1,b:2",
        "10.0.0.1:x",
        "(?P<high>a)",
        "*;*;*;1",
        "é",
        "[",
        "'\"",
    ]
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(names, values), max_size=12))
def test_any_text_ends_in_a_file_that_can_be_read(site: Path, lines: list[tuple[str, str]]) -> None:
    """Whatever is in the file: a line for each option, and settings equal to those accepted."""
    text = "\n".join(f"{name} {value}" for name, value in lines)
    imported = take(text, site)

    written = writing.render(imported.draft, imported.outcomes, text)

    assert config.parse(written, "x") == settings_of(imported)
    accept(imported.draft.settings)
    assert all(one.told and one.verdict for one in imported.outcomes)
    assert [visible(line) for line in written.splitlines()] == written.splitlines()
