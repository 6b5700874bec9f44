"""Fuzz for so many seconds: `python -m tests.fuzz SECONDS [FOLDER]`.

For each target: atheris guides on a copy of the tree without compiled modules; then every input
that it kept is answered by both builds, and the answers must be equal. Inputs stay in FOLDER
(build/fuzz) and are where the next run begins. Exit status 0, or 1 where something was found.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from agent.scan import is_compiled
from tests.fuzz.answers import TARGETS

ROOT = Path(__file__).resolve().parent.parent.parent
SHARES = {"wire": 3, "below": 2, "lists": 1}
"""How the time is divided."""
LEFT_OUT = shutil.ignore_patterns(
    ".*", "build", "__pycache__", "*.so", "*.c", "*.egg-info", "node_modules"
)


def main() -> int:
    """Run all targets; return the exit status."""
    seconds = int(sys.argv[1])
    folder = Path(sys.argv[2] if sys.argv[2:] else ROOT / "build" / "fuzz").resolve()
    if importlib.util.find_spec("atheris") is None:
        return _fail("atheris is missing; run: pip install -r requirements/fuzz.txt", 2)
    if not is_compiled():
        return _fail("the compiled build is missing; run: make", 2)
    with tempfile.TemporaryDirectory(prefix="maltrail-fuzz-") as name:
        plain = Path(name, "plain")
        shutil.copytree(ROOT, plain, ignore=LEFT_OUT)
        found = [line for target in SHARES for line in _run(target, folder, plain, seconds)]
    for line in found:
        _say(line)
    return 1 if found else 0


def _run(target: str, folder: Path, plain: Path, seconds: int) -> Iterator[str]:
    """Fuzz one target; yield what was found."""
    corpus = folder / target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[target].seeds()):
        (corpus / f"seed-{number:03}").write_bytes(seed)
    share = max(1, seconds * SHARES[target] // sum(SHARES.values()))
    guided = _python(plain, "tests.fuzz.guide", target, str(corpus), str(share))
    for line in guided.stderr.splitlines():
        if line.startswith("stat::number_of_executed_units"):
            _say(f"{target}: {line.rpartition(' ')[2]} inputs tried in {share} s")
    if guided.returncode:
        yield f"{target}: failed on the plain build:\n{guided.stderr[-3000:]}"
        return
    two = [_answers(build, target, corpus) for build in (plain, ROOT)]
    for answers in two:
        if isinstance(answers, str):
            yield answers
            return
    first, second = two
    assert not isinstance(first, str)
    assert not isinstance(second, str)
    differ = sorted(name for name in first if first[name] != second[name])
    _say(f"{target}: {len(first)} inputs kept, {len(differ)} answered otherwise when compiled")
    yield from (f"{target}: the builds differ on {corpus / name}" for name in differ)


def _answers(build: Path, target: str, corpus: Path) -> Mapping[str, str] | str:
    """Return what a build answers, or how it failed."""
    said = _python(build, "tests.fuzz.answers", target, str(corpus))
    if said.returncode:
        return f"{target}: failed in {build.name}:\n{said.stderr[-3000:]}"
    answers: dict[str, str] = json.loads(said.stdout)
    return answers


def _python(build: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=build,
        env={**os.environ, "PYTHONPATH": str(build), "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        errors="backslashreplace",
        check=False,
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _fail(line: str, status: int) -> int:
    sys.stderr.write(f"tests.fuzz: {line}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
