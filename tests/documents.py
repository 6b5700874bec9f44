"""The documents: their fenced blocks, commands and links, as tests read them."""

import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = (
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "deploy/siem/README.md",
    ROOT / "deploy/ansible/roles/maltrail_agent/README.md",
)

_FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)\)")
_NAMED = re.compile(r"maltrail-agent (?!maltrail)([a-z][a-z-]+)")


class Block(NamedTuple):
    """One fenced block: what it is, its text, the line it begins in."""

    language: str
    text: str
    line: int


class Step(NamedTuple):
    """One command of a console block, and the lines that it prints."""

    command: str
    expected: tuple[str, ...]
    line: int


def blocks(path: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a document."""
    text = path.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        yield Block(found[1], found[2], text.count("\n", 0, found.start()) + 1)


def steps(block: Block) -> Iterator[Step]:
    """Yield the commands of a console block: a line `$ COMMAND`, below it what it prints."""
    command, line = "", 0
    expected: list[str] = []
    for number, text in enumerate(block.text.splitlines(), block.line + 1):
        if text.startswith("$ "):
            if command:
                yield Step(command, tuple(expected), line)
            command, expected, line = text[2:], [], number
        else:
            expected.append(text)
    if command:
        yield Step(command, tuple(expected), line)


def commands(block: Block) -> Iterator[str]:
    """Yield the commands of a shell block, without comments."""
    for line in block.text.splitlines():
        command = re.sub(r"(^|\s+)#.*", "", line).strip()
        if command:
            yield command


def matches(expected: tuple[str, ...], printed: str) -> bool:
    """Tell whether lines were printed; `...` stands for any text, alone in a line for any lines."""
    pattern = ""
    for line in expected:
        if line == "...":
            pattern += r"(?:.*\n)*"
        else:
            pattern += ".*".join(map(re.escape, line.split("..."))) + r"\n"
    return re.fullmatch(pattern, printed) is not None


def links(path: Path) -> Iterator[str]:
    """Yield what a document links to inside the checkout."""
    for found in _LINK.finditer(path.read_text(encoding="utf-8")):
        if "://" not in found[1]:
            yield found[1]


def named(path: Path) -> set[str]:
    """Return the words that follow the command's name in code."""
    text = path.read_text(encoding="utf-8")
    code = re.findall(r"`([^`\n]+)`", text) + [block.text for block in blocks(path)]
    return {found for part in code for found in _NAMED.findall(part)}


def recipe(heading: str) -> types.ModuleType:
    """Run the Python block below a heading of docs/extending.md as a module."""
    text = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {heading}\n.*?```python\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    module = types.ModuleType("recipe")
    exec(compile(found[1], "extending.md", "exec"), module.__dict__)  # noqa: S102 - our own text
    return module
