"""What is installed: the wheel holds all that runs, the page and completions know every command."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from agent.cli import parser
from deploy.package import manual

ROOT = Path(__file__).resolve().parents[2]
TREES = ("agent", "outputs", "feeds")
NOT_INSTALLED = {".so", ".c", ".pyc"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the plain wheel of the tree."""
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that the wheel's packages were unpacked to."""
    folder = tmp_path_factory.mktemp("environment")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the page and the completions."""
    folder = tmp_path_factory.mktemp("manual")
    manual.main(str(folder))
    return folder


def build(folder: Path) -> Path:
    """Build the plain wheel from a copy of the tree below `folder`."""
    source = folder / "source"
    unwanted = shutil.ignore_patterns("*.so", "*.c", "__pycache__", "*.egg-info")
    for tree in (*TREES, "deploy"):
        shutil.copytree(ROOT / tree, source / tree, ignore=unwanted)
    for file in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "config.yaml"):
        shutil.copy(ROOT / file, source)
    manual.main(str(source / "deploy" / "package"))
    command = "from setuptools import build_meta; build_meta.build_wheel('..')"
    environment = {**os.environ, "SKIP_CYTHON": "1", "SOURCE_DATE_EPOCH": "1700000000"}
    subprocess.run(
        [sys.executable, "-c", command],
        cwd=source,
        env=environment,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def installed(environment: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run the command of the unpacked wheel; nothing of the checkout is in its way."""
    program = "import sys; from agent.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-P", "-c", program, *map(str, arguments)],
        cwd=environment.parent,
        env={**os.environ, "PYTHONPATH": str(environment)},
        check=False,
        capture_output=True,
        text=True,
    )


def test_the_wheel_has_every_file_of_the_packages(environment: Path) -> None:
    """A list, a catalogue or a declaration left out is missed on hosts only."""
    present = {
        path.relative_to(ROOT)
        for tree in TREES
        for path in (ROOT / tree).rglob("*")
        if path.is_file() and path.suffix not in NOT_INSTALLED
    }
    assert {path for path in present if not (environment / path).is_file()} == set()


def test_the_wheel_brings_units_sample_page_and_content_for_receivers(environment: Path) -> None:
    """Who installs by pip alone finds the rest below share/ of the environment."""
    share = next(environment.glob("*.data")) / "data" / "share"
    wanted = {
        *("maltrail-agent/config.yaml", "man/man8/maltrail-agent.8"),
        "bash-completion/completions/maltrail-agent.bash",
        "zsh/site-functions/_maltrail-agent",
    }
    for folder in ("systemd", "siem", "logrotate", "prometheus"):
        files = (path for path in (ROOT / "deploy" / folder).rglob("*") if path.is_file())
        wanted |= {f"maltrail-agent/{path.relative_to(ROOT / 'deploy')}" for path in files}
    assert {name for name in wanted if not (share / name).is_file()} == set()


def test_the_installed_command_runs_away_from_the_checkout(environment: Path) -> None:
    """A flat agent/ beside it would hide what is missing."""
    told = installed(environment, "version")
    assert told.returncode == 0, told.stderr
    assert "plain" in told.stdout
    capture, trails = ROOT / "demo" / "demo.pcap", ROOT / "demo" / "trails.csv"
    replayed = installed(environment, "replay", "--format", "cef", "--trails", trails, capture)
    assert replayed.returncode == 0, replayed.stderr
    assert replayed.stdout.count("CEF:0|Maltrail|maltrail-agent|") > 10
    feeds = installed(environment, "feeds", "--state-dir", environment / "none")
    assert "urlhaus" in feeds.stdout, feeds.stderr


def test_the_same_tree_gives_the_same_wheel_wherever_it_is_built(
    wheel: Path, tmp_path: Path
) -> None:
    """Neither time nor place is in it."""
    assert build(tmp_path).read_bytes() == wheel.read_bytes()


def test_the_page_has_every_command_and_every_option() -> None:
    """The page is written from the tree; nothing of it is lost on the way."""
    page = manual.page(parser()).replace("\\-", "-")
    for name, command in manual.commands(parser()):
        assert f".SS maltrail-agent {name}" in page
        for action in manual.options(command):
            assert all(f"\\fB{option}\\fR" in page for option in action.option_strings)


def test_every_option_tells_what_it_does() -> None:
    """In the page, in `--help` and in zsh's menu."""
    silent = [
        (name, action.option_strings)
        for name, command in manual.commands(parser())
        for action in manual.options(command)
        if action.option_strings and not action.help
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("maltrail-agent ver", {"verify", "version"}),
        ("maltrail-agent trails rol", {"rollback"}),
        ("maltrail-agent replay --no-c", {"--no-condense"}),
        ("maltrail-agent replay --format le", {"leef"}),
        ("maltrail-agent check -c config.y", {"config.yaml"}),
    ],
)
def test_bash_completes(typed: str, completed: set[str], made: Path) -> None:
    """The script is run as bash-completion runs it."""
    words = typed.split()
    script = (
        f"source {made / manual.BASH}\n"
        f"COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; COMPREPLY=()\n"
        "function=$(complete -p maltrail-agent | sed 's/.*-F //; s/ .*//')\n"
        f"$function {words[0]} {words[-1]} {words[-2]}\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    told = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    assert {word.strip() for word in told.stdout.split()} == completed
