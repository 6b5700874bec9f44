"""The set-up of the project itself: scripts, locks and targets agree with each other."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"


def locked(name: str) -> dict[str, str]:
    """Return the pinned versions of a lock file."""
    text = (REQUIREMENTS / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", text, re.MULTILINE))


def assert_satisfied(wanted: list[str], pins: dict[str, str], lock: str) -> None:
    """Every requirement has a pin that it allows."""
    for text in wanted:
        requirement = Requirement(text)
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{lock} lacks {text}: run make lock"
        assert requirement.specifier.contains(pin), f"{lock} has {pin}, not {text}: run make lock"


def test_locks_satisfy_pyproject() -> None:
    """Whoever adds a dependency also runs `make lock`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = project["project"]["dependencies"]

    assert_satisfied(runtime, locked("runtime.txt"), "runtime.txt")
    assert_satisfied(project["build-system"]["requires"], locked("build.txt"), "build.txt")
    groups = project["dependency-groups"]
    assert_satisfied(groups["dev"] + runtime, locked("dev.txt"), "dev.txt")
    for name in ("fuzz", "package"):
        assert_satisfied(groups[name], locked(f"{name}.txt"), f"{name}.txt")


def test_locks_agree() -> None:
    """What is tested is what is rolled out: the developer's lock pins the same versions."""
    dev = locked("dev.txt")

    for name in ("runtime.txt", "build.txt"):
        assert locked(name).items() <= dev.items(), name


def test_locks_name_no_server() -> None:
    """Where packages come from is the reader's own setting."""
    for lock in REQUIREMENTS.iterdir():
        assert "://" not in lock.read_text(encoding="utf-8"), lock.name


def test_make_targets_exist_as_scripts() -> None:
    """Every script that the Makefile calls is there and may be run."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    for script in set(re.findall(r"\b((?:tools|tests/lab)/[a-z0-9-]+)", text)):
        path = ROOT / script
        assert path.is_file(), script
        assert path.stat().st_mode & 0o111, script


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is missing")
def test_scripts_are_strict_bash() -> None:
    """Scripts stop at the first error, and bash understands them."""
    for folder in ("tools", "tests/lab", ".ci"):
        for path in (ROOT / folder).iterdir():
            text = path.read_text(encoding="utf-8")
            if text.startswith("#!/usr/bin/env bash\n"):
                assert "\nset -euo pipefail\n" in text, path
                subprocess.run(["bash", "-n", str(path)], check=True)
