"""Units, users and folders as shipped: sound, hardened, as CONTRACT section 1 says."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from agent.endings import Ending, Endings
from agent.watchdog import SILENCE
from feeds._refresh import FETCHING

ROOT = Path(__file__).resolve().parents[2]
SYSTEMD = ROOT / "deploy" / "systemd"
COMMAND = "/opt/maltrail-agent/current/bin/maltrail-agent"
SERVICES = (
    "maltrail-agent.service",
    "maltrail-agent-deliver.service",
    "maltrail-agent-update.service",
)
PROCESSES = ("sense", "deliver", "update")
UNITS = (*SERVICES, "maltrail-agent-update.timer")

needs_systemd_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing"
)


def directives(unit: str) -> dict[str, list[str]]:
    """Return the values of each directive of a unit, in order."""
    found: dict[str, list[str]] = {}
    for line in (SYSTEMD / unit).read_text(encoding="utf-8").splitlines():
        key, is_directive, value = line.partition("=")
        if is_directive and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


@needs_systemd_analyze
@pytest.mark.parametrize("unit", UNITS)
def test_systemd_accepts_every_line(unit: str, tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say; it wants the command to exist."""
    for name in UNITS:
        text = (SYSTEMD / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace(COMMAND, "/bin/true"), encoding="utf-8")

    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )

    ours = [line for line in result.stderr.splitlines() if "maltrail" in line]
    assert (ours, result.returncode) == ([], 0)


DROP_INS = {
    "several-interfaces": SERVICES[:1],
    "cpu-pinning": SERVICES[:1],
    "egress": SERVICES[1:],
    "credentials": SERVICES[1:],
    "paused-hosts": SERVICES[:2],
}
"""Which drop-in is for which units."""


def test_each_drop_in_says_where_it_belongs() -> None:
    """And there are no others."""
    files = {path.stem: path for path in (SYSTEMD / "drop-ins").iterdir()}

    assert files.keys() == DROP_INS.keys()
    for name, units in DROP_INS.items():
        text = files[name].read_text(encoding="utf-8")
        assert "systemctl daemon-reload" in text
        assert [unit for unit in units if unit not in text] == []


@needs_systemd_analyze
@pytest.mark.parametrize(
    ("name", "unit"), [(name, unit) for name, units in DROP_INS.items() for unit in units]
)
def test_systemd_accepts_each_drop_in_and_exposure_stays_low(
    name: str, unit: str, tmp_path: Path
) -> None:
    """Every line is known, and none of them opens what the unit closes."""
    for each in UNITS:
        text = (SYSTEMD / each).read_text(encoding="utf-8")
        (tmp_path / each).write_text(text.replace(COMMAND, "/bin/true"), encoding="utf-8")
    folder = tmp_path / f"{unit}.d"
    folder.mkdir()
    shutil.copy(SYSTEMD / "drop-ins" / f"{name}.conf", folder)
    search = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}

    verify = ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit)]
    said = subprocess.run(verify, capture_output=True, text=True, check=False, env=search)
    judge = ["systemd-analyze", "security", "--offline=true", "--threshold=20"]
    exposure = subprocess.run(
        [*judge, str(tmp_path / unit)], capture_output=True, text=True, check=False, env=search
    )

    assert [line for line in said.stderr.splitlines() if "maltrail" in line] == []
    assert exposure.returncode == 0, exposure.stdout[-200:]


def test_business_hosts_come_first() -> None:
    """One processor at most, and memory with room above what each needs (DESIGN section 4)."""
    needs_mb = {SERVICES[0]: 110, SERVICES[1]: 90, SERVICES[2]: 300}
    for unit, needed in needs_mb.items():
        service = directives(unit)
        high, most = (_megabytes(service[f"Memory{which}"][0]) for which in ("High", "Max"))
        assert service["CPUQuota"] == ["100%"]
        assert 2 * needed <= high < most <= 1024


def _megabytes(text: str) -> int:
    return int(text[:-1]) * {"M": 1, "G": 1024}[text[-1]]


@needs_systemd_analyze
@pytest.mark.parametrize("unit", SERVICES)
def test_exposure_is_below_two(unit: str) -> None:
    """The score of `systemd-analyze security` stays under 2.0 of 10."""
    result = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=19", str(SYSTEMD / unit)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout[-200:]


def test_sense_may_capture_and_nothing_else() -> None:
    """It has CAP_NET_RAW, no internet socket, and writes to its own state only."""
    sense = directives("maltrail-agent.service")

    assert sense["AmbientCapabilities"] == ["CAP_NET_RAW"]
    assert sense["CapabilityBoundingSet"] == ["CAP_NET_RAW"]
    assert sense["RestrictAddressFamilies"] == ["AF_UNIX AF_PACKET"]
    assert sense["ReadWritePaths"] == ["/var/lib/maltrail-agent/state/sense"]


@pytest.mark.parametrize("unit", SERVICES[1:])
def test_the_others_cannot_capture(unit: str) -> None:
    """They have no capability and no packet sockets."""
    service = directives(unit)

    assert service["CapabilityBoundingSet"] == [""]
    assert "AmbientCapabilities" not in service
    assert "AF_PACKET" not in service["RestrictAddressFamilies"][0]


def test_starting_sense_starts_all_and_a_failing_deliver_stops_nothing() -> None:
    """The others are wanted by sense, and nothing binds its life to theirs."""
    sense = directives("maltrail-agent.service")

    assert sense["Wants"] == ["maltrail-agent-deliver.service maltrail-agent-update.timer"]
    for binding in ("Requires", "BindsTo", "PartOf", "Requisite"):
        assert binding not in sense
        assert binding not in directives("maltrail-agent-deliver.service")


@pytest.mark.parametrize("unit", SERVICES[:2])
def test_what_is_killed_or_stands_still_is_back_soon(unit: str) -> None:
    """Half a second after its end; silent it may be for one, once it has started."""
    service = directives(unit)

    assert service["Type"] == ["notify"]
    assert service["RestartSec"] == ["500ms"]
    assert service["WatchdogSec"] == ["90"]
    assert f"{SILENCE}=1" in service["Environment"]


@pytest.mark.parametrize("unit", SERVICES[:2])
def test_all_threads_share_one_heap(unit: str) -> None:
    """What a thread frees is used by another, and what a backlog needed goes back."""
    settings = " ".join(directives(unit)["Environment"]).split()

    assert "MALLOC_ARENA_MAX=1" in settings


@pytest.mark.parametrize(("unit", "process"), list(zip(SERVICES, PROCESSES, strict=True)))
def test_an_end_that_was_not_asked_for_is_left_for_the_agent(unit: str, process: str) -> None:
    """The line that ExecStopPost= leaves is one that the agent tells."""
    (command,) = directives(unit)["ExecStopPost"]
    said = {"SERVICE_RESULT": "signal", "EXIT_CODE": "killed", "EXIT_STATUS": "KILL"}

    found = ended(command, process, said)
    asked = ended(command, process, {**said, "SERVICE_RESULT": "success"})

    assert str(found) == "ended by signal KILL"
    assert asked is None


def ended(command: str, process: str, said: dict[str, str]) -> Ending | None:
    """Run what systemd runs at an end, and return what the agent reads afterwards."""
    with tempfile.TemporaryDirectory() as name:
        states = Path(name) / "state"
        (states / process).mkdir(parents=True)
        script = command.removeprefix("+/bin/sh -c ").strip("'").replace("$$", "$")
        script = script.replace("/var/lib/maltrail-agent/state", str(states))
        subprocess.run(["/bin/sh", "-c", script], check=True, env=said)
        return Endings(states, process, process).news()


def test_an_unusable_configuration_is_no_restart_loop() -> None:
    """Exit status 2 ends the restarts; anything else is tried again for ever."""
    for unit in SERVICES[:2]:
        service = directives(unit)
        assert service["Restart"] == ["always"]
        assert service["RestartPreventExitStatus"] == ["2"]
        assert service["StartLimitIntervalSec"] == ["0"]


def test_writable_paths_are_folders_that_tmpfiles_gives_to_that_user() -> None:
    """A unit writes where tmpfiles.d made its user the owner."""
    owners = {}
    for line in (SYSTEMD / "tmpfiles.d" / "maltrail-agent.conf").read_text("utf-8").splitlines():
        if line.startswith("d "):
            _, path, _, user, *_ = line.split()
            owners[path] = user

    for unit in SERVICES:
        service = directives(unit)
        for path in service["ReadWritePaths"][0].split():
            assert owners[path] == service["User"][0], (unit, path)


@pytest.mark.root
def test_users_and_folders_are_made_as_agreed(tmp_path: Path) -> None:
    """Run into an empty root, they give the owners and modes of CONTRACT."""
    if shutil.which("systemd-sysusers") is None:
        pytest.skip("systemd-sysusers is missing")
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n", encoding="utf-8")
    (etc / "group").write_text("root:x:0:\n", encoding="utf-8")

    for kind, *options in (("sysusers",), ("tmpfiles", "--create")):
        file = SYSTEMD / f"{kind}.d" / "maltrail-agent.conf"
        command = [f"systemd-{kind}", f"--root={tmp_path}", *options, str(file)]
        subprocess.run(command, check=True)

    users = _ids(etc / "passwd")
    groups = _ids(etc / "group")
    state = "var/lib/maltrail-agent"
    wanted = {
        "etc/maltrail-agent/secrets": ("root", "root", 0o711),
        f"{state}/sets": ("maltrail-update", "maltrail-agent", 0o750),
        f"{state}/lists": ("maltrail-update", "maltrail-agent", 0o750),
        f"{state}/journal": ("maltrail-deliver", "maltrail-deliver", 0o700),
        f"{state}/state/sense": ("maltrail-agent", "maltrail-agent", 0o750),
        f"{state}/state/deliver": ("maltrail-deliver", "maltrail-deliver", 0o700),
        f"{state}/state/update": ("maltrail-update", "maltrail-agent", 0o750),
        "run/maltrail-agent": ("maltrail-deliver", "maltrail-agent", 0o750),
    }
    for path, (user, group, mode) in wanted.items():
        found = (tmp_path / path).stat()
        assert (users[user], groups[group], mode) == (
            found.st_uid,
            found.st_gid,
            found.st_mode & 0o7777,
        ), path
    rows = (line.split(":") for line in (etc / "group").read_text("utf-8").splitlines())
    members = {row[0]: set(row[3].split(",")) for row in rows}
    assert members["maltrail-agent"] == {"maltrail-deliver", "maltrail-update"}


def _ids(file: Path) -> dict[str, int]:
    rows = (line.split(":") for line in file.read_text(encoding="utf-8").splitlines())
    return {row[0]: int(row[2]) for row in rows}


def test_an_update_has_time_to_fetch_and_memory_to_merge() -> None:
    """All lists have 12 minutes together; merging real lists takes 300 MB at most."""
    update = directives("maltrail-agent-update.service")

    assert update["TimeoutStartSec"] == ["20min"]
    assert FETCHING <= 12 * 60
    assert update["MemoryMax"] == ["1G"]
