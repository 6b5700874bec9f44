"""The commands: what they say, where they say it, and with which exit status they end."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent import __version__
from agent.commands import run as run_command
from tests import packets
from tests.commands import run
from tests.deliver.waiting import until

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = (
    *("run", "sense", "deliver", "replay", "check", "update", "feeds", "explain", "version"),
    *("trails", "trails-build", "trails-info", "trails-lookup", "trails-diff"),
    *("trails-publish", "trails-rollback"),
)


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """Return a folder with two lists, sets of them, and a configuration that stays in it."""
    (tmp_path / "a.csv").write_text("evil.org,evil (malware),(test)\n198.51.100.7,x,(test)\n")
    (tmp_path / "b.csv").write_text("evil.org,evil (malware),(test)\n/bad.php,x,(test)\n")
    (tmp_path / "own.txt").write_text("ours.org\n")
    (tmp_path / "config.yaml").write_text(
        "sensor: {name: sensor.example.org}\n"
        f"trails: {{custom: [{tmp_path}/own.txt]}}\n"
        "allow_list: {files: [], entries: [{domain: fine.org, reason: ours}]}\n"
        "capture: {interfaces: [mtk-none]}\n"
        "http: {address: '127.0.0.1:0'}\n"
    )
    for name in "ab":
        assert (
            run("trails", "build", "-o", tmp_path / f"{name}.set", tmp_path / f"{name}.csv")[0] == 0
        )
    return tmp_path


def refusal(status: int, *arguments: object) -> str:
    """Run a command that must end with this status, one line on standard error and no other."""
    said = run(*arguments)
    assert said.status == status, said
    assert said.out == ""
    assert said.err.startswith("maltrail-agent: "), said.err
    assert said.err.count("\n") == 1, said.err
    return said.err.removeprefix("maltrail-agent: ").rstrip("\n")


# --- arguments --------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    """Usage and what it does; exit status 0."""
    said = run(*command.split("-"), "--help")

    assert said.status == 0
    assert said.out.startswith(f"usage: maltrail-agent {command.replace('-', ' ')}")
    assert said.err == ""


def test_the_help_says_where_to_start() -> None:
    """All commands, an example without privileges, and what exit statuses mean."""
    said = run("--help")

    assert all(f"    {command} " in said.out for command in COMMANDS if "-" not in command)
    assert "maltrail-agent replay" in said.out
    assert "3 update refused" in " ".join(said.out.split())


@pytest.mark.parametrize(
    "arguments", [[], ["frobnicate"], ["replay"], ["replay", "--format", "xml", "a"], ["trails"]]
)
def test_wrong_usage_is_status_two(arguments: list[str]) -> None:
    """Nothing on standard output."""
    said = run(*arguments)

    assert (said.status, said.out) == (2, "")
    assert "usage: maltrail-agent" in said.err


def test_the_version_names_the_build() -> None:
    """For a person and for a program."""
    said, parsed = run("version"), json.loads(run("version", "--json").out)

    assert said.out.startswith(f"maltrail-agent {__version__}, {parsed['build']} scanner, Python ")
    assert parsed["version"] == __version__
    assert parsed["build"] in ("compiled", "plain")


# --- configuration ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    ["run", "sense", "deliver", "check", "update", "feeds", "explain x", "replay /dev/null"],
)
def test_an_unknown_key_is_told_by_its_path_and_the_nearest(command: str, tmp_path: Path) -> None:
    """The same line whichever command reads the file."""
    path = tmp_path / "config.yaml"
    path.write_text("capture: {interface: [eth0]}\n")

    name, *more = command.split()
    said = refusal(2, name, "-c", path, "--state-dir", tmp_path, "--run-dir", tmp_path, *more)

    assert said == f"{path}: capture.interface: unknown key; did you mean 'interfaces'?"


def test_a_configuration_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Named files must exist."""
    assert "none.yaml: cannot be read" in refusal(2, "check", "-c", tmp_path / "none.yaml")


@pytest.mark.parametrize("command", ["sense", "deliver"])
def test_a_process_that_cannot_start_ends_with_one_line(command: str, room: Path) -> None:
    """Before anything runs."""
    text = {
        "sense": "detections: {port_scam: {}}\n",
        "deliver": "outputs: [{name: a, type: fax}]\n",
    }
    with (room / "config.yaml").open("a") as file:
        file.write(text[command])

    said = refusal(2, command, "-c", room / "config.yaml", "--state-dir", room, "--run-dir", room)

    assert "port_scam" in said or "fax" in said


# --- check ------------------------------------------------------------------------------------


def test_a_check_without_failures_is_status_zero(room: Path) -> None:
    """Marks in front: fine, warning."""
    said = run("check", "-c", room / "config.yaml", "--state-dir", room)

    assert said.status == 0
    lines = said.out.splitlines()
    assert "[o] own trails: 1" in lines
    assert any(line.startswith("[!] trail set: none") for line in lines)
    assert {line[:3] for line in lines[:-1]} <= {"[o]", "[!]"}
    assert lines[-1].endswith(" to look at, 0 wrong")


def test_a_failure_is_a_finding(room: Path) -> None:
    """Exit status 1, on standard output, and the other checks go on."""
    with (room / "config.yaml").open("a") as file:
        file.write("outputs: [{name: a, type: fax, address: x}]\ndetections: {port_scam: {}}\n")

    said = run("check", "-c", room / "config.yaml", "--state-dir", room)

    assert (said.status, said.err) == (1, "")
    failures = [line for line in said.out.splitlines() if line.startswith("[x]")]
    assert any("detections.port_scam" in line for line in failures)
    assert any("fax" in line for line in failures)


def test_findings_are_json_for_programs(room: Path) -> None:
    """A list of levels and texts."""
    findings = json.loads(
        run("check", "--json", "-c", room / "config.yaml", "--state-dir", room).out
    )

    assert {finding["level"] for finding in findings} <= {"ok", "warning"}
    assert all(finding["text"] for finding in findings)


# --- trails -----------------------------------------------------------------------------------


def test_a_built_set_says_what_it_holds(room: Path) -> None:
    """Building and info tell the same; programs get JSON."""
    built = run("trails", "build", "--json", "-o", room / "c.set", room / "a.csv", room / "b.csv")
    info = run("trails", "info", "--json", room / "c.set")

    assert json.loads(built.out) == json.loads(info.out)
    assert json.loads(info.out)["keys"] == 3
    assert (room / "c.set").stat().st_mode & 0o777 == 0o444
    assert "keys: 3" in run("trails", "info", room / "c.set").out.splitlines()


def test_rows_that_can_never_match_are_told_with_their_reason(room: Path) -> None:
    """Nothing is left out silently."""
    (room / "odd.txt").write_text("evil.org\n300.1.1.1\nnot a name\n")

    said = run("trails", "build", "-o", room / "c.set", room / "odd.txt")

    assert said.status == 0
    assert "  1  is no IPv4 address (such as 300.1.1.1)" in said.out.splitlines()


def test_a_build_that_fails_leaves_the_old_set(room: Path) -> None:
    """Written beside and moved into place."""
    before = (room / "a.set").read_bytes()
    (room / "empty.csv").write_text("# nothing\n")

    assert "holds no usable trails" in refusal(
        2, "trails", "build", "-o", room / "a.set", room / "empty.csv"
    )
    assert (room / "a.set").read_bytes() == before
    assert not list(room.glob(".*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("trails build -o {room}/c.set {room}/none.csv", "none.csv: there is no such file"),
        ("trails build -o {room}/no/c.set {room}/a.csv", "c.set: cannot be written: No such file"),
        ("trails info {room}/none.set", "none.set: cannot be opened: No such file"),
        ("trails info {room}/a.csv", "a.csv: is empty or too short"),
        ("trails lookup {room}/cut.set evil.org", "cut.set: "),
        ("trails diff {room}/a.set {room}/bad.set", "bad.set: "),
        ("trails use --state-dir {room} {room}/bad.set", "bad.set: "),
        ("trails rollback --state-dir {room}", "no earlier set to go back to"),
        ("explain --trails {room}/none.csv x", "none.csv: there is no such file"),
        ("explain -c {room}/none.yaml x", "none.yaml: cannot be read"),
        ("explain --trails {room}/bad.set x", "bad.set: "),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(room: Path, arguments: str, said: str) -> None:
    """Exit status 2."""
    content = (room / "a.set").read_bytes()
    (room / "cut.set").write_bytes(content[:-100])
    (room / "bad.set").write_bytes(content[:2000] + b"\xff" * 8 + content[2008:])

    assert said in refusal(2, *arguments.format(room=room).split())


def test_a_look_up_tells_each_value(room: Path) -> None:
    """Found with its trail; one that misses makes it a finding."""
    found = run("trails", "lookup", room / "a.set", "www.evil.org", "198.51.100.7:80")
    mixed = run("trails", "lookup", room / "a.set", "evil.org", "good.org")

    assert found.status == 0
    assert found.out.splitlines() == [
        "VALUE            KEY           INFO            REFERENCE  LISTS",
        "www.evil.org     evil.org      evil (malware)  (test)     a",
        "198.51.100.7:80  198.51.100.7  x               (test)     a",
    ]
    assert mixed.status == 1
    assert mixed.out.splitlines()[2] == "good.org  not found"


def test_a_difference_is_told_line_by_line(room: Path) -> None:
    """Exit status 0, also where there is none."""
    said = run("trails", "diff", "--keys", room / "a.set", room / "b.set")

    assert (said.status, said.out) == (0, "- ip 198.51.100.7\n+ path /bad.php\n")
    assert run("trails", "diff", "--keys", room / "a.set", room / "a.set").out == ""
    counted = run("trails", "diff", room / "a.set", room / "b.set").out
    assert [line.split() for line in counted.splitlines()[1:]] == [
        ["a", "ip", "+0", "-1"],
        ["b", "path", "+1", "-0"],
        ["all", "keys", "+1", "-1"],
    ]
    document = json.loads(run("trails", "diff", "--json", room / "a.set", room / "b.set").out)
    assert document[0] == {"name": "a", "kind": "ip", "came": 0, "went": 1}
    lines = run("trails", "diff", "--keys", "--json", room / "a.set", room / "b.set").out
    assert [json.loads(line) for line in lines.splitlines()] == [
        {"sign": "-", "kind": "ip", "key": "198.51.100.7"},
        {"sign": "+", "kind": "path", "key": "/bad.php"},
    ]


def test_a_set_is_put_to_use_and_rolled_back(room: Path) -> None:
    """What is current is said each time."""
    state = room / "state"

    first = run("trails", "use", "--state-dir", state, room / "a.set")
    second = run("trails", "use", "--state-dir", state, room / "b.set")
    back = run("trails", "rollback", "--state-dir", state)

    assert (first.status, second.status, back.status) == (0, 0, 0)
    assert first.out.rstrip().endswith(" is current")
    assert back.out.split()[0] == first.out.split(":")[0]


def test_a_fleet_takes_what_one_host_publishes(room: Path) -> None:
    """Key, update, bundle, update elsewhere: each command says what it did."""
    key, www, builder, agent = room / "key.pem", room / "www", room / "builder", room / "agent"
    (room / "list.txt").write_text("evil.example.org\ngithub.com\n")
    (room / "builder.yaml").write_text(
        "update: {defaults: false, lists: "
        f"[{{name: list, url: {room}/list.txt, format: plain, info: x, reference: y}}]}}\n"
    )
    public = run("trails", "keygen", "-o", key).out.strip()
    (room / "agent.yaml").write_text(f"update: {{from: {{url: {www}, keys: ['{public}']}}}}\n")

    tried = run("update", "--dry-run", "-c", room / "builder.yaml", "--state-dir", builder)
    built = run("update", "-c", room / "builder.yaml", "--state-dir", builder)
    made = run("trails", "publish", "--key", key, "--to", www, "--state-dir", builder, "--json")
    taken = run("update", "-c", room / "agent.yaml", "--state-dir", agent)
    again = run("update", "-c", room / "agent.yaml", "--state-dir", agent)
    info = run("trails", "info", "--quarantined", agent / "sets" / "current")
    document = run("trails", "info", "--quarantined", "--json", agent / "sets" / "current").out
    feeds = run("feeds", "-c", room / "agent.yaml", "--state-dir", agent)

    assert tried.out == "published\nlist domain +1 -0\nall keys +1 -0\n"
    assert (built.status, built.out, taken.status, taken.out) == (
        0,
        "published\n",
        0,
        "published\n",
    )
    assert (again.status, again.out) == (0, "unchanged\n")
    assert json.loads(made.out)["keys"] == 1
    assert info.out == "github.com\ta popular name\tlist\n"
    kept_out = {"key": "github.com", "reason": "a popular name", "list": "list"}
    assert json.loads(document) == kept_out
    assert feeds.out.splitlines()[1].split()[:2] == ["bundle", "good"]
    refused = run("trails", "keygen", "-o", key)
    assert (refused.status, refused.err) == (
        2,
        f"maltrail-agent: {key}: cannot be written: File exists\n",
    )


def test_publishing_without_a_set_says_what_to_do(room: Path) -> None:
    """Neither named nor in the state folder."""
    run("trails", "keygen", "-o", room / "key.pem")

    said = run(
        *("trails", "publish", "--key", room / "key.pem", "--to", room / "www"),
        *("--state-dir", room / "empty"),
    )

    assert said.status == 2
    assert "run maltrail-agent update, or name one" in said.err


def test_what_the_allow_list_silences_is_told_when_a_set_is_built(room: Path) -> None:
    """By entry, also later for any set, for people and for programs."""
    (room / "b.csv").write_text("fine.org,x,y\nbad.fine.org,x,y\n")
    base = ("-c", room / "config.yaml")
    entry = "fine.org (allow_list.entries[0])"

    built = run("trails", "build", *base, "-o", room / "b.set", room / "b.csv")
    told = run("trails", "info", *base, "--json", room / "b.set")

    assert f"\n  1  {entry} (such as fine.org)\n" in built.out
    assert json.loads(told.out)["shadowed"] == {entry: {"count": 1, "samples": ["fine.org"]}}


# --- explain ----------------------------------------------------------------------------------


def test_found_values_are_explained(room: Path) -> None:
    """Exit status 0, the trail and its list, for several values one below the other."""
    base = ("explain", "-c", room / "config.yaml", "--trails", room / "a.csv")
    said = run(*base, "www.evil.org", "evil.org")

    assert said.status == 0
    assert "www.evil.org: matches\n" in said.out
    assert "\nevil.org: matches\n" in said.out
    assert "matches    evil.org of the published trails, rule T-5.6" in said.out
    assert "info       evil (malware)" in said.out
    assert "list       a\n" in said.out


def test_programs_get_an_explanation_as_json(room: Path) -> None:
    """One document with all values."""
    said = run(
        *("explain", "-c", room / "config.yaml", "--trails", room / "a.csv", "--json"),
        *("evil.org", "good.org"),
    )

    first, second = json.loads(said.out)
    assert said.status == 1
    assert (first["verdict"], first["rule"], first["key"]) == ("matches", "T-5.6", "evil.org")
    assert (first["class"], first["sources"][0]["name"]) == ("trail-domain", "a")
    assert (second["verdict"], second["allowed_by"]) == ("not listed", None)
    assert second["weighed"][0] == {
        "rule": "T-5.6",
        "key": "good.org",
        "trails": "own",
        "result": "not listed",
    }


def test_a_value_that_is_not_found_is_a_finding(room: Path) -> None:
    """One of several is enough; so is one that is allowed."""
    base = ("explain", "-c", room / "config.yaml", "--trails", room / "a.csv")
    (room / "a.csv").write_text("fine.org,x,y\nevil.org,x,y\n")

    missed, allowed = run(*base, "evil.org", "good.org"), run(*base, "fine.org")

    assert missed.status == allowed.status == 1
    assert "good.org: not listed" in missed.out
    assert "fine.org: allowed\n" in allowed.out
    assert "allow-list entry fine.org (allow_list.entries[0]): ours" in allowed.out


def test_own_lists_are_explained_without_a_set(room: Path) -> None:
    """As sense would use them."""
    said = run("explain", "-c", room / "config.yaml", "--state-dir", room, "ours.org")

    assert said.status == 0
    assert "matches    ours.org of the own trails" in said.out
    assert "info       own" in said.out
    assert "reference  (custom)" in said.out


def test_an_own_row_that_can_never_match_is_explained(room: Path) -> None:
    """With its file, however many others there are."""
    (room / "own.txt").write_text("ours.org\n" + "re:(\n" * 20 + "300.1.1.1\n")

    said = run("explain", "-c", room / "config.yaml", "--state-dir", room, "300.1.1.1")

    assert said.status == 1
    assert f"{room}/own.txt: inert: is no IPv4 address" in said.out


# --- processes --------------------------------------------------------------------------------


def test_run_starts_both_and_ends_both(room: Path) -> None:
    """A term ends sense, then deliver; the status is theirs."""
    command = [sys.executable, "-m", "agent", "run", "-c", str(room / "config.yaml")]
    command += ["--state-dir", str(room), "--run-dir", str(room / "run")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            said = ""
            for line in process.stderr:
                said += line
                if "connected to deliver" in line:
                    break
            process.send_signal(signal.SIGTERM)
            said += process.stderr.read()
            assert process.wait(30) == 0, said
        finally:
            process.kill()

    until(lambda: not (room / "run" / "events.sock").exists(), "the socket is gone")
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("exit 0", 0),
        ("exit 2", 2),
        ("kill -KILL $$", 1),
        ("kill -TERM $$", 0),
        ("kill -STOP $$", 1),
    ],
)
def test_a_process_that_crashed_or_would_not_end_is_status_1(
    script: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one that took our own term before it could handle it; none is left behind."""
    monkeypatch.setattr(run_command, "END_SECONDS", 0.0)
    with subprocess.Popen(["/bin/sh", "-c", script]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT)

        assert run_command._end_both([process], lambda _: None) == status

        assert process.returncode is not None


def test_an_interrupt_is_status_130(room: Path) -> None:
    """A replay that a person stops."""
    command = [sys.executable, "-m", "agent", "replay", "--trails", str(room / "a.csv"), "-"]
    # Whoever runs the tests in the background has interrupts ignored, and children inherit that.
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no locks
    ) as process:
        try:
            assert process.stdin
            # More than a pipe holds: when it is written, most of it has been read.
            process.stdin.write(packets.pcap_bytes(packets.timed([bytes(1400)] * 400)))
            process.stdin.flush()
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
            assert process.stderr
            assert process.stderr.read() == b""
        finally:
            process.kill()


HOSTILE = "a\x1b[2J\u202eb\r\x07.org"


@pytest.mark.parametrize(
    "command",
    [
        "explain -c {room}/config.yaml --state-dir {room} VALUE",
        "trails lookup {room}/a.set VALUE",
        "verify {room}/received",
        "trails info {room}/hostile.set",
        "trails diff {room}/a.set {room}/hostile.set",
        "trails diff --keys {room}/a.set {room}/hostile.set",
        "check -c {room}/hostile.yaml --state-dir {room}",
        "explain -c {room}/VALUE x",
    ],
)
def test_nothing_that_steers_a_terminal_is_printed(command: str, room: Path) -> None:
    """Whoever wrote the value, the list, the configuration or the received lines."""
    (room / f"{HOSTILE}.csv").write_text(f"/{HOSTILE},{HOSTILE},{HOSTILE}\n", encoding="utf-8")
    built = run("trails", "build", "-o", room / "hostile.set", room / f"{HOSTILE}.csv")
    (room / "hostile.yaml").write_text(f"sensor: {{site: {json.dumps(HOSTILE)}, x: 1}}\n")
    event = {"sensor": HOSTILE, "run_id": "0" * 32, "seq": 2, "event_id": "1", "class": "x"}
    (room / "received").write_text(json.dumps(event) + f"\n{HOSTILE}\n", encoding="utf-8")

    said = run(*(part.format(room=room).replace("VALUE", HOSTILE) for part in command.split()))

    for told in (built, said):
        shown = told.out + told.err
        assert shown
        assert not set(shown) & {"\x1b", "\x07", "\r", "\u202e"}, shown
