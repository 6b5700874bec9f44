"""What `check` finds on the sensing side: one finding a line, each with its remedy."""

from pathlib import Path

import pytest

from agent import config
from agent.preflight import Finding, check
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

    assert "own trails: 1 can never match: is no IPv4 address: 300.1.1.1" in room.texts("warning")


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

    assert "capture.interfaces: mtp-none does not exist (yet)" in warned


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
