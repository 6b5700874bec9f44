"""What `check` finds on the sensing side: one finding a line, each with its remedy."""

import json
import time
from pathlib import Path

import pytest

from agent import config, health
from agent.finding import Finding
from agent.preflight import check
from agent.preflight_trails import check_trails
from agent.trails.publish import publish
from tests.wired import write_set


class Room:
    """Settings and a state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.state.mkdir()

    def found(self, text: str = "") -> list[Finding]:
        """Return the findings with these settings."""
        base = f"trails: {{custom: [{self.folder}/own.txt]}}\n"
        if "allow_list" not in text:
            base += "allow_list: {files: []}\n"
        return list(check(config.parse(base + text, "config.yaml"), self.state))

    def texts(self, level: str, text: str = "") -> list[str]:
        """Return the findings of one level."""
        return [finding.text for finding in self.found(text) if finding.level == level]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """Return a room without a set."""
    return Room(tmp_path)


def test_a_good_configuration_has_no_failure(room: Room) -> None:
    """What is there is counted."""
    publish(write_set(room.folder / "a.set", {"evil.org": "x", "evil.net": "x"}), room.state)
    (room.folder / "own.txt").write_text("ours.org\n")

    fine = room.texts("ok")

    assert room.texts("failure") == []
    assert "own trails: 1" in fine
    assert any("with 2 trails, built 0 days ago" in text for text in fine)


def test_no_set_is_a_warning_with_its_remedy(room: Room) -> None:
    """The sensor starts without one."""
    assert f"trail set: none in {room.state}; run maltrail-agent update" in room.texts("warning")


def test_a_damaged_set_is_a_failure(room: Room) -> None:
    """Before a restart would find out."""
    path = publish(write_set(room.folder / "a.set", {"evil.org": "x"}), room.state)
    content = bytearray(path.read_bytes())
    content[-9] ^= 0xFF
    path.chmod(0o644)
    path.write_bytes(content)

    (said,) = room.texts("failure")

    assert said.startswith("trail set: ")
    assert path.name in said


def test_own_rows_that_can_never_match_are_warned_of(room: Room) -> None:
    """How many, why, and a sample."""
    (room.folder / "own.txt").write_text("evil.org\n300.1.1.1\n")

    warned = room.texts("warning")

    said = "own trails: 1 can never match: is no IPv4 address: 300.1.1.1; correct them"
    assert said in warned


def test_own_lists_that_cannot_be_read_are_failures(room: Room) -> None:
    """The key first."""
    (room.folder / "own.txt").mkdir()
    (room.folder / "own.txt" / "a.txt").mkdir()

    assert any(text.startswith("trails.custom: ") for text in room.texts("failure"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("detections: {port_scam: {}}\n", "detections.port_scam: unknown behaviour"),
        ("severity: {rules: [{severity: 3, direction: [up]}]}\n", "severity.rules[0].direction"),
        ("allow_list: {files: [/nonexistent/a.txt]}\n", "/nonexistent/a.txt: cannot be read"),
        ("capture: {filter: 'port 99999'}\n", "capture.filter: 'port 99999' cannot be used"),
    ],
)
def test_what_a_start_would_refuse_is_a_failure(room: Room, text: str, said: str) -> None:
    """With the line that the start would print."""
    assert any(said in found for found in room.texts("failure", text))


def test_several_failures_are_all_told(room: Room) -> None:
    """One run, not one error at a time."""
    text = "detections: {port_scam: {}}\nseverity: {rules: [{severity: 3, direction: [up]}]}\n"

    assert len(room.texts("failure", text)) == 2


def test_an_interface_that_is_not_there_is_a_warning(room: Room) -> None:
    """It may come yet."""
    warned = room.texts("warning", "capture: {interfaces: [mtp-none]}\n")

    said = "capture.interfaces: mtp-none does not exist (yet); ip link shows which do"
    assert said in warned


def test_suppressions_are_listed_with_their_end(room: Room) -> None:
    """In force, without an end, and ended: the last two are for somebody to look at."""
    text = (
        "suppress:\n"
        "- {name: a, reason: pentest, info: x, until: 2999-12-31}\n"
        "- {name: b, reason: noise, info: x}\n"
        "- {name: c, reason: old, info: x, until: 2020-01-01}\n"
    )

    assert "suppress: a, until 2999-12-31: pentest" in room.texts("ok", text)
    told = [line for line in room.texts("warning", text) if line.startswith("suppress")]
    assert told == [
        "suppress: b, without an end: noise",
        "suppress: c, until 2020-01-01: old; it has ended, take it out or renew it",
    ]
    typo = "suppress: [{name: a, reason: x, classes: [trial-ip]}]\n"
    assert [line[:42] for line in room.texts("failure", typo)] == [
        "suppress: a: classes: 'trial-ip' matches no"[:42]
    ]


def test_no_output_is_a_warning(room: Room) -> None:
    """Events would go nowhere."""
    assert any(text.startswith("outputs: none") for text in room.texts("warning"))


def test_a_check_changes_nothing(room: Room) -> None:
    """It may run beside the service."""
    publish(write_set(room.folder / "a.set", {"evil.org": "x"}), room.state)
    before = sorted((p, p.lstat().st_mtime_ns) for p in room.folder.rglob("*"))

    room.found()

    assert sorted((p, p.lstat().st_mtime_ns) for p in room.folder.rglob("*")) == before


def test_own_trails_in_front_of_published_ones_are_counted(room: Room) -> None:
    """The own label is what events will say."""
    publish(write_set(room.folder / "a.set", {"evil.org": "x", "evil.net": "x"}), room.state)
    (room.folder / "own.txt").write_text("evil.org\nours.org\n")

    assert "own trails: 1 stand in front of published ones, such as evil.org" in room.texts("ok")


def test_an_own_trail_that_the_allow_list_keeps_quiet_is_told(room: Room) -> None:
    """With the entry: either of the two is a mistake."""
    (room.folder / "own.txt").write_text(
        "shop.example.org\nexample.org\n192.0.2.7\n192.0.2.8:443\nevil.org\n"
    )
    allowed = "allow_list: {files: [], entries: [{domain: example.org}, {network: 192.0.2.0/24}]}"

    told = [text for text in room.texts("warning", allowed) if "never reported" in text]

    assert [text.partition(":")[2].partition(" (")[0] for text in told] == [
        " example.org",
        " 192.0.2.7, 192.0.2.8:443",
    ]
    assert "allow-list entry example.org" in told[0]


def test_published_trails_that_the_allow_list_keeps_quiet_are_told(room: Room) -> None:
    """Nothing is wrong with that, but it is known."""
    publish(write_set(room.folder / "a.set", {"evil.org": "x", "fine.org": "x"}), room.state)

    told = room.texts("ok", "allow_list: {files: [], entries: [{domain: fine.org}]}")

    assert "published trails: fine.org (1): never reported: allow-list entry fine.org " in str(told)


def test_the_entries_of_the_allow_list_are_told(room: Room) -> None:
    """With what they say, until when and why; a long list is cut."""
    entries = "{trail: evil.org, port: 443, reason: a test, until: 2999-01-01}, {domain: fine.org}"

    told = room.texts("ok", f"allow_list: {{files: [], entries: [{entries}]}}")

    assert "allow_list.entries[0]: trail evil.org, port 443, until 2999-01-01: a test" in told
    assert "allow_list.entries[1]: fine.org, without an end: no reason given" in told
    many = ", ".join(f"{{domain: n{number}.org}}" for number in range(60))
    told = room.texts("ok", f"allow_list: {{files: [], entries: [{many}]}}")
    assert "allow_list.entries: 10 more" in told


def test_an_entry_of_the_allow_list_that_ran_out_is_told(room: Room) -> None:
    """It does nothing any more."""
    text = "{domain: fine.org, reason: a test, until: 2020-01-01}"

    told = room.texts("warning", f"allow_list: {{files: [], entries: [{text}]}}")

    assert "allow_list.entries[0]: ended after 2020-01-01: a test; take it out" in str(told)


def test_what_is_not_in_order_comes_with_what_to_do(room: Room) -> None:
    """For people in the line, for programs in a field of its own."""
    (room.folder / "own.txt").write_text("fine.org\n300.1.1.1\n")
    text = (
        "capture: {interfaces: [mtp-none], filter: 'udp port 53'}\n"
        "suppress: [{name: c, reason: old, info: x, until: 2020-01-01}]\n"
        "allow_list: {files: [], entries: [{domain: fine.org, until: 2020-01-01}]}\n"
        "update: {from: {url: 'https://x.example/', keys: [ed25519:x]}}\n"
    )

    found = [finding for finding in room.found(text) if finding.level != "ok"]

    assert len(found) >= 6
    assert [finding.text for finding in found if not finding.remedy] == []
    assert found[0].document() == {
        "level": found[0].level,
        "text": found[0].text,
        "remedy": found[0].remedy,
    }


def rebuilt(room: Room, days: float) -> list[Finding]:
    """Return what is said of the set so many days after it was built."""
    settings = config.parse("trails: {custom: []}\n", "config.yaml")
    return list(check_trails(settings, room.state, time.time() + days * 86400))


@pytest.mark.parametrize(
    ("days", "level", "said"),
    [
        (3, "ok", "built 3 days ago"),
        (8, "warning", "built 8 days ago; see maltrail-agent feeds"),
        (-3, "warning", "built 3 days from now; set this host's clock"),
    ],
)
def test_the_age_of_the_set_is_judged(room: Room, days: float, level: str, said: str) -> None:
    """Old sets find old things only; one from the future tells of a clock."""
    publish(write_set(room.folder / "a.set", {"evil.org": "x"}), room.state)

    (found,) = [f for f in rebuilt(room, days) if f.text.startswith("trail set")]

    assert (found.level, said in found.text) == (level, True)


FROM = "update: {from: {url: 'https://x.example/', keys: [ed25519:x]}}\n"
"""A publisher whose sets are signed."""


def signature(room: Room, **told: object) -> list[Finding]:
    """Return what is said of the signature where update told so of its last run."""
    path = publish(write_set(room.folder / "a.set", {"evil.org": "x"}), room.state)
    plain: dict[str, object] = {
        "time": 1.0,
        "seconds": 1.0,
        "last_good": 1.0,
        "status": "published",
        "why": "",
        "reason": "",
        "set_id": path.stem,
        "signed": True,
        "expires": time.time() + 86400,
    }
    file = room.state / health.FILE
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(plain | told))
    return [f for f in room.found(FROM) if f.text.startswith("trail set")][1:]


def test_a_signed_set_is_fine_until_it_ends(room: Room) -> None:
    """Its publisher says until when."""
    (found,) = signature(room)

    assert found.level == "ok"
    assert "is signed, until 20" in found.text


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"signed": False}, "is not the one that a key of update.from signed"),
        ({"set_id": "0" * 64}, "is not the one that a key of update.from signed"),
        ({"expires": 1.0}, "until 1970-01-01, which is over; publish it again"),
        ({"time": "x"}, "run maltrail-agent update"),
    ],
)
def test_a_set_that_no_key_signed_is_told(room: Room, told: dict[str, object], said: str) -> None:
    """Whoever put it there."""
    (found,) = signature(room, **told)

    assert found.level == "warning"
    assert said in found.text
