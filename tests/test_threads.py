"""Our threads keep out of the way of Python's own, in every release that we support."""

import ast
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LATER = frozenset({"_handle", "_os_thread_handle", "_context"})
"""What threading.Thread keeps in itself from 3.13 and 3.14 on."""
FILES = [
    path
    for room in ("agent", "outputs", "feeds", "bench")
    for path in sorted((ROOT / room).rglob("*.py"))
    if "Thread)" in path.read_text()
]


def assigned(tree: ast.ClassDef) -> set[str]:
    """Return the names that a class gives to `self`, and those of its functions."""
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names |= {node.attr} if ast.unparse(node.value) == "self" else set()
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_name_of_a_thread_hides_one_of_python(path: Path) -> None:
    """A capture worker that kept a `_handle` never started under Python 3.13."""
    private = {
        name for name in (*dir(threading.Thread), *vars(threading.Thread())) if name[0] == "_"
    }
    meant = {"__init__", "__doc__", "__repr__", "__module__"}
    classes = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).endswith("Thread") for base in node.bases)
    ]
    assert classes
    for node in classes:
        assert assigned(node) & (private | LATER) <= meant, node.name
