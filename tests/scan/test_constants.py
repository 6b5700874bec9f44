"""Constants of compiled modules: both builds have the same, and the compiler knows their values."""

import importlib.util
import re
from pathlib import Path

import pytest

import agent.scan

DECLARATIONS = sorted(Path(agent.scan.__file__).parent.glob("*.pxd"))
CONSTANT = re.compile(r'(\w+) "(-?\w+?)U?L{0,2}"')
VARIABLE = re.compile(r"^cdef (?:unsigned |long |int |size_t |Py_ssize_t )+[A-Z]", re.MULTILINE)


def plain_constants(declaration: Path) -> dict[str, object]:
    """Return what a module defines where it runs as it is."""
    source = declaration.with_suffix(".py")
    spec = importlib.util.spec_from_file_location(f"plain_{source.stem}", source)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return vars(module)


@pytest.mark.parametrize("declaration", DECLARATIONS, ids=lambda path: path.stem)
def test_both_builds_have_the_same_constants(declaration: Path) -> None:
    """The `.pxd` repeats the values of the `.py`, which has them too."""
    plain = plain_constants(declaration)

    compiled = {
        name: int(value, 0) for name, value in CONSTANT.findall(declaration.read_text("utf-8"))
    }

    assert {name: plain[name] for name in compiled} == compiled


@pytest.mark.parametrize("declaration", DECLARATIONS, ids=lambda path: path.stem)
def test_no_constant_is_a_variable_to_the_compiler(declaration: Path) -> None:
    """A `cdef` number is read from memory each time, and no loop over it is unrolled."""
    assert not VARIABLE.search(declaration.read_text("utf-8"))
