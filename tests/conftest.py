"""Which build runs, which tiers run, and that nothing is skipped unseen.

MALTRAIL_EXPECT_BUILD=compiled|plain   the run fails where another build would be tested
MALTRAIL_ROOT_TESTS=1                  run tests marked `root`
MALTRAIL_SHARED=FOLDER                 run tests marked `shared`
CI=true                                a skip that ALLOWED_SKIPS does not name is a failure
"""

import ast
import importlib
import os
import re
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

NO_ROOT = "root tier: runs with MALTRAIL_ROOT_TESTS=1"
NO_SHARED = "shared tier: runs with MALTRAIL_SHARED=FOLDER"

ALLOWED_SKIPS: tuple[tuple[str, str], ...] = (
    (".*", re.escape(NO_ROOT)),
    (".*", re.escape(NO_SHARED)),
)
"""Test and reason, both patterns: the skips that continuous integration accepts."""


def pytest_configure(config: pytest.Config) -> None:
    """Stop before the first test where the wrong build would be tested. Raise UsageError."""
    expected = os.environ.get("MALTRAIL_EXPECT_BUILD")
    if expected is None:
        return
    if expected not in ("compiled", "plain"):
        raise pytest.UsageError(f"MALTRAIL_EXPECT_BUILD={expected}: expected compiled or plain")
    modules = _compiled_modules()
    if not modules:
        raise pytest.UsageError("setup.py names no module to compile that exists")
    for name in modules:
        file = importlib.import_module(name).__file__ or ""
        if not Path(file).is_relative_to(config.rootpath):
            raise pytest.UsageError(f"{name} comes from {file}, not from this tree")
        build = "plain" if file.endswith(".py") else "compiled"
        if build != expected:
            raise pytest.UsageError(f"expected the {expected} build, but {name} is {file}")


def pytest_report_header() -> str:
    """Say in every log which build and which tiers run."""
    keys = ("MALTRAIL_EXPECT_BUILD", "MALTRAIL_ROOT_TESTS", "MALTRAIL_SHARED")
    return "maltrail-agent: " + ", ".join(f"{key}={os.environ.get(key, '')}" for key in keys)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tiers that this run has not enabled."""
    for item in items:
        if item.get_closest_marker("root") and os.environ.get("MALTRAIL_ROOT_TESTS") != "1":
            item.add_marker(pytest.mark.skip(reason=NO_ROOT))
        if item.get_closest_marker("shared") and not os.environ.get("MALTRAIL_SHARED"):
            item.add_marker(pytest.mark.skip(reason=NO_SHARED))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn an unlisted skip of a test into a failure."""
    report = yield
    _judge_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn an unlisted skip of a whole file into a failure."""
    report = yield
    _judge_skip(report)
    return report


def _judge_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped or hasattr(report, "wasxfail") or os.environ.get("CI") != "true":
        return
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    for test, text in ALLOWED_SKIPS:
        if re.fullmatch(test, report.nodeid) and re.fullmatch(text, reason):
            return
    report.outcome = "failed"
    report.longrepr = f"skipped in CI, and tests/conftest.py does not allow it: {reason}"


def _compiled_modules() -> list[str]:
    """Read from setup.py which modules are compiled, of those that exist."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "COMPILED":
            names: list[str] = ast.literal_eval(node.value)
            return [n for n in names if (ROOT / (n.replace(".", "/") + ".py")).exists()]
    raise pytest.UsageError("setup.py: COMPILED is missing")
