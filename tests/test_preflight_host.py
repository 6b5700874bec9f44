"""What `check` finds of the host: its clock, and whether units, users and folders are ours."""

import grp
import os
import pwd
import shutil
from pathlib import Path

import pytest

from agent.finding import Finding
from agent.preflight_clock import check_clock, judge
from agent.preflight_units import UNITS, check_units, shipped

ROOT = Path(__file__).resolve().parents[1]
OURS = ROOT / "deploy" / "systemd"
PLACE = Path("etc/systemd/system")


def test_the_clock_of_this_host_is_asked() -> None:
    """Whatever it is, one thing is said of it, and nothing is changed."""
    (found,) = check_clock()

    assert found.text.startswith("clock: ")
    assert found.level in ("ok", "warning")


@pytest.mark.parametrize(
    ("is_kept", "error_us", "said"),
    [
        (True, 2_000, "ok clock: is kept right, off by at most 0.002 s"),
        (True, 3_000_000, "warning clock: may be off by 3.0 s; start chrony"),
        (False, 0, "warning clock: nothing keeps it right; start chrony"),
    ],
)
def test_a_clock_is_judged_by_its_error(is_kept: bool, error_us: int, said: str) -> None:
    """A SIEM sorts by it."""
    found = judge(is_kept=is_kept, error_us=error_us)

    assert f"{found.level} {found.text}".startswith(said)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a host on which this version's units are installed."""
    (tmp_path / PLACE).mkdir(parents=True)
    for name in UNITS:
        shutil.copy(OURS / name, tmp_path / PLACE)
    return tmp_path


def told(root: Path, about: str = "units") -> list[Finding]:
    """Return the findings about units, users or folders."""
    return [f for f in check_units(OURS, root) if f.text.startswith(about)]


def test_units_of_this_version_are_fine(root: Path) -> None:
    """Each is told."""
    assert [f.text for f in told(root)] == [
        f"units: {name} is that of this version" for name in UNITS
    ]


def test_a_host_without_units_is_told_nothing(tmp_path: Path) -> None:
    """It runs in the foreground, or in a container."""
    assert list(check_units(OURS, tmp_path)) == []
    assert list(check_units(None, tmp_path)) == []


def test_a_unit_of_another_version_is_told_with_a_line(root: Path) -> None:
    """The first that differs, and where changes belong."""
    path = root / PLACE / UNITS[0]
    path.write_text(path.read_text().replace("NoNewPrivileges=yes", "NoNewPrivileges=no"))

    (found,) = [f for f in told(root) if f.level == "warning"]

    assert f"{path} is not that of this version ('NoNewPrivileges=no')" in found.text
    assert found.remedy.endswith("changes of your own belong into a drop-in")


def test_comments_and_blank_lines_do_not_matter(root: Path) -> None:
    """Nor to systemd."""
    path = root / PLACE / UNITS[0]
    path.write_text("# managed by somebody\n\n" + path.read_text())

    assert {f.level for f in told(root)} == {"ok"}


def test_a_drop_in_is_told_and_fine(root: Path) -> None:
    """It is how a site changes a unit."""
    folder = root / PLACE / f"{UNITS[0]}.d"
    folder.mkdir()
    (folder / "memory.conf").write_text("[Service]\nMemoryMax=2G\n")

    assert Finding("ok", f"units: {UNITS[0]} is changed by {folder}/memory.conf") in told(root)


def test_a_masked_or_missing_unit_is_told(root: Path) -> None:
    """It would never start."""
    (root / PLACE / UNITS[0]).unlink()
    (root / PLACE / UNITS[0]).symlink_to("/dev/null")
    (root / PLACE / UNITS[1]).unlink()

    assert [f.text.partition(";")[0] for f in told(root) if f.level == "warning"] == [
        f"units: {UNITS[0]} is masked",
        f"units: {UNITS[1]} is not installed",
    ]


def test_a_folder_that_is_missing_is_a_failure(root: Path) -> None:
    """Nothing starts without; the command makes it."""
    missing = [f for f in told(root, "folders") if "/maltrail-agent/journal " in f.text]

    assert [f.level for f in missing] == ["failure"]
    assert missing[0].remedy.startswith("systemd-tmpfiles --create ")


def test_folders_are_in_order_only_where_each_could_be_judged(root: Path, tmp_path: Path) -> None:
    """An owner that is not there is told among the users, and leaves open what a folder is."""
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    ours = tmp_path / "ours"
    shutil.copytree(OURS, ours)
    conf = ours / "tmpfiles.d" / "maltrail-agent.conf"
    (root / "srv").mkdir()
    (root / "srv").chmod(0o750)

    conf.write_text(f"d /srv 0750 {user} {group} -\n")
    judged = [f.text for f in check_units(ours, root) if f.text.startswith("folders")]
    conf.write_text(f"d /srv 0750 {user} {group} -\nd /srv 0750 mt-nobody-here {group} -\n")
    open_ = [f.text for f in check_units(ours, root) if f.text.startswith("folders")]

    assert judged == ["folders: all are there, with their owners and modes"]
    assert open_ == []


def test_a_user_that_is_missing_is_a_failure(root: Path, tmp_path: Path) -> None:
    """By the names that this version ships."""
    ours = tmp_path / "ours"
    shutil.copytree(OURS, ours)
    (ours / "sysusers.d" / "maltrail-agent.conf").write_text(
        'u mt-nobody-here - "x" / -\nm root mt-nobody-here\n'
    )

    said = [f.text.partition(";")[0] for f in check_units(ours, root) if f.level == "failure"]

    assert "users: there is no user mt-nobody-here" in said
    assert "users: root is not in group mt-nobody-here" in said


def test_the_shipped_units_are_found() -> None:
    """In this checkout; beside an installed package they are in `share`."""
    found = shipped()

    assert found is not None
    assert all((found / name).exists() for name in UNITS)
