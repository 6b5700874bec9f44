"""Root that updates by hand leaves nothing behind that the service could not replace."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.identity import become_owner

NOBODY = 65534
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def room() -> Iterator[Path]:
    """Return a folder that every user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="maltrail-identity-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_who_is_not_root_or_owns_the_folder_stays_who_he_is(tmp_path: Path) -> None:
    """Nothing to step down to; a folder that is missing is made by whoever runs."""
    before = os.geteuid()

    become_owner(tmp_path)
    become_owner(tmp_path / "missing")

    assert os.geteuid() == before


@pytest.mark.root
@pytest.mark.parametrize(("user", "expected"), [("nobody", NOBODY), ("no-such-user", 0), ("", 0)])
def test_root_becomes_the_user_of_a_folder_that_is_not_there_yet(
    tmp_path: Path, user: str, expected: int
) -> None:
    """Where this host has that user; it was named, or root stays root."""
    code = (
        "import os, sys; from pathlib import Path; from agent.identity import become_owner; "
        "become_owner(Path(sys.argv[1]), sys.argv[2]); print(os.getresuid())"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "missing"), user],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout == f"{(expected,) * 3}\n"


@pytest.mark.root
def test_an_update_by_root_is_the_owners(room: Path) -> None:
    """Lock, copies, state, set and health belong to who owns the state folder."""
    (room / "list.txt").write_text("evil.example.org\n")
    (room / "config.yaml").write_text(
        "update: {defaults: false, lists: "
        f"[{{name: one, url: {room}/list.txt, format: plain, info: x}}]}}\n"
    )
    state = room / "state"
    for folder in ("lists", "sets", "state/update"):
        (state / folder).mkdir(parents=True)
    for path in (state, *state.rglob("*")):
        os.chown(path, NOBODY, NOBODY)

    # Once as root elsewhere: what is imported late may be root's alone on a developer's host.
    code = (
        "import sys; from agent.cli import main; "
        "main([*sys.argv[2:], '--state-dir', sys.argv[1] + '/warm']); "
        "sys.exit(main([*sys.argv[2:], '--state-dir', sys.argv[1] + '/state']))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(room), "update", "-c", str(room / "config.yaml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (said.returncode, said.stdout) == (0, "published\npublished\n"), said.stderr
    files = [path for path in state.rglob("*") if not path.is_dir()]
    assert len(files) >= 6
    assert {path.lstat().st_uid for path in files} == {NOBODY}
    health = (state / "state/update/health.json").stat()
    assert (health.st_gid, health.st_mode & 0o777) == (NOBODY, 0o640)
