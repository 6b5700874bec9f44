"""The support bundle: what it holds, what it never holds, and what happens where a part fails."""

import json
import sys
import tarfile
from pathlib import Path

import pytest

from agent import support_host
from agent.support import MAX_PART, Made, Part, make, manifest, write
from agent.trails.publish import publish
from tests.commands import Said, run
from tests.wired import write_set

SECRET = "hunter2"  # noqa: S105

CONFIG = f"""
sensor: {{name: sensor1.example.org, site: berlin}}
capture: {{interfaces: [mts-none]}}
trails: {{custom: []}}
allow_list: {{files: []}}
suppress: [{{name: scan, reason: "password={SECRET}", text: "Bearer {SECRET}"}}]
outputs:
- {{name: chat, type: webhook, url: "https://chat.example.com/hooks/{SECRET}?token={SECRET}",
   template: '{{"token": "{SECRET}", "text": "$info"}}'}}
- {{name: hec, type: splunk_hec, url: "https://u:{SECRET}@hec.example.com", token_file: {SECRET}}}
- {{name: odd, type: syslog, address: siem.example.com, password: {SECRET}, api_key: {SECRET},
   headers: {{X-Auth-Token: {SECRET}}}, auth: {{value: {SECRET}}}, sessions: [{SECRET}]}}
update:
  proxy: http://me:{SECRET}@proxy.example.com:3128
  defaults: false
  lists:
  - {{name: soc, url: "https://lists.example.com/{SECRET}?key={SECRET}", key: {SECRET}}}
http: {{address: "127.0.0.1:1", password_file: {SECRET}}}
"""
"""Secrets wherever somebody might write one, also where the agent refuses it."""


class Room:
    """A host with a configuration and a state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "bundle.tar.gz"
        self.state = folder / "state"
        publish(write_set(folder / "a.set", {"evil.org": "x"}), self.state)
        (self.state / "journal" / "siem").mkdir(parents=True)
        (self.state / "journal" / "siem" / "one").write_bytes(b"x" * 77)
        (self.state / "journal" / "siem" / "rejected").write_text('{"event": "from the wire"}\n')
        (folder / "config.yaml").write_text(CONFIG)

    def bundle(self, *words: str) -> Said:
        """Write a bundle."""
        return run(
            *("support-bundle", "-c", self.folder / "config.yaml", "--state-dir", self.state),
            *("-o", self.file, "--seconds", "0s", *words),
        )

    def parts(self) -> dict[str, str]:
        """Return the content of each part."""
        with tarfile.open(self.file) as archive:
            found = {}
            for entry in archive.getmembers():
                data = archive.extractfile(entry)
                assert data is not None
                found[entry.name.partition("/")[2]] = data.read().decode()
        return found


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    """Return a host whose log holds a secret."""
    log = f"ERROR x: https://me:{SECRET}@h.example/{SECRET} refused, Authorization: Basic {SECRET}"
    monkeypatch.setattr(support_host, "_told", lambda command: f"{command[0]}\n{log}\n")
    return Room(tmp_path)


def test_what_is_needed_is_held(room: Room) -> None:
    """Versions, settings, findings, counters, logs, sets, journals: each named and told."""
    said = room.bundle()
    parts = room.parts()

    assert said.status == 0
    assert list(parts) == [
        "MANIFEST.txt",
        "versions.json",
        "units.txt",
        "interfaces.json",
        "logs.txt",
        "config.txt",
        "check.json",
        "metrics.txt",
        "ready.txt",
        "set.json",
        "lists.json",
        "journals.json",
    ]
    assert json.loads(parts["versions.json"])["packages"]["msgspec"]
    assert "* sensor.site = berlin" in parts["config.txt"]
    assert "  capture.snaplen = 2048" in parts["config.txt"]
    assert any(f["level"] == "failure" for f in json.loads(parts["check.json"]))
    assert parts["logs.txt"].startswith("journalctl\n")
    assert json.loads(parts["set.json"])["info"]["keys"] == 1
    assert json.loads(parts["journals.json"])["siem"]["one"] == 77
    assert "lo" in json.loads(parts["interfaces.json"])


def test_what_is_held_is_printed(room: Room) -> None:
    """With sizes; the same stands in the bundle."""
    lines = room.bundle().out.splitlines()

    assert lines[:-1] == room.parts()["MANIFEST.txt"].splitlines()
    assert (
        lines[-1] == f"{room.file}: readable by its owner only; look through it before you send it"
    )


def test_programs_get_json(room: Room) -> None:
    """Which file, and what is in it."""
    told = json.loads(room.bundle("--json").out)

    assert told["file"] == str(room.file)
    assert {"name", "what", "bytes", "error"} == told["parts"][0].keys()


def test_no_secret_is_held(room: Room) -> None:
    """Of the configuration, the log or a finding; wherever somebody wrote it."""
    assert room.folder.joinpath("config.yaml").read_text().count(SECRET) > 12

    said = room.bundle()
    parts = room.parts()

    assert [name for name, text in parts.items() if SECRET in text] == []
    assert SECRET not in said.out + said.err
    assert "https://chat.example.com/" in parts["config.txt"]
    assert "proxy.example.com:3128" in parts["config.txt"]
    assert "h.example/(cut) refused" in parts["logs.txt"]


def test_nothing_from_the_wire_is_held_unless_it_is_asked_for(room: Room) -> None:
    """Refused events are, where a receiver's trouble is looked for."""
    room.bundle()
    assert [name for name, text in room.parts().items() if "from the wire" in text] == []

    room.file.unlink()
    said = room.bundle("--rejected")

    assert "from the wire" in room.parts()["rejected.jsonl"]
    assert "FROM THE WIRE" in said.out


def test_a_configuration_that_cannot_be_read_is_told_and_the_rest_is_held(room: Room) -> None:
    """Just then somebody needs help."""
    (room.folder / "config.yaml").write_text(f"nothing: https://u:{SECRET}@x.example/\n")

    assert room.bundle().status == 0

    parts = room.parts()
    assert "nothing: unknown key" in parts["config.txt"]
    assert "versions.json" in parts
    assert SECRET not in str(parts)


def test_a_part_that_fails_says_why(room: Room) -> None:
    """Nobody listens at the address of HTTP, and there was no update."""
    said = room.bundle()

    parts = room.parts()
    assert parts["metrics.txt"].startswith("could not be made: ")
    assert parts["lists.json"].startswith("could not be made: ")
    assert "(could not be made: " in said.out


def test_why_a_part_failed_moves_no_cursor(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reason may hold what somebody else wrote."""

    def fails() -> str:
        raise OSError("\x1b[2Jgone")

    monkeypatch.setattr(support_host, "units", fails)

    assert "(could not be made: [2Jgone)" in room.bundle().out


def test_the_bundle_is_for_its_owner_and_never_written_over(room: Room) -> None:
    """It tells of the inside of a network."""
    room.bundle()
    assert room.file.stat().st_mode & 0o777 == 0o600

    again = room.bundle()

    assert again.status == 2
    assert "cannot be written: File exists; name one with -o" in again.err


def test_a_long_part_keeps_its_end(tmp_path: Path) -> None:
    """A log ends with what happened last."""
    made = make(Part("log", "x", lambda: "a" * MAX_PART + "the end"), str)

    assert made.data.endswith(b"the end\n")
    assert made.data.startswith(b"[the beginning is left out]\n")
    assert len(made.data) < MAX_PART + 100


def test_text_that_is_no_text_is_held(tmp_path: Path) -> None:
    """Half a character does not spoil a bundle."""
    made = make(Part("x", "x", lambda: "\udcff"), str)
    write(tmp_path / "b.tar.gz", [made], 0.0)

    assert made == Made("x", "x", b"\\udcff\n")
    assert manifest([made])[0].startswith("x ")


def test_logs_are_asked_of_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of our units only, bounded in time and lines."""
    monkeypatch.setattr(support_host, "_told", " ".join)

    asked = support_host.logs(3600.0).split()

    assert asked[0] == "journalctl"
    assert "--unit=maltrail-agent-deliver.service" in asked
    assert "--since=-3600s" in asked
    assert f"--lines={support_host.MAX_LINES}" in asked


def test_a_host_without_systemd_is_told() -> None:
    """The command is missing, the bundle is not."""
    with pytest.raises(FileNotFoundError):
        support_host._told(["/nonexistent/journalctl"])
    told = support_host._told([sys.executable, "-c", "import sys; sys.stderr.write('no journal')"])
    assert told == "no journal"
