"""What is in the tree is in the wheel."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_every_package_of_the_tree_is_installed() -> None:
    """A package that the list leaves out works in a checkout only."""
    with (ROOT / "pyproject.toml").open("rb") as stream:
        listed = tomllib.load(stream)["tool"]["setuptools"]["packages"]
    present = {
        ".".join(init.parent.relative_to(ROOT).parts)
        for top in ("agent", "outputs", "feeds")
        for init in (ROOT / top).rglob("__init__.py")
    }
    assert set(listed) == present
