"""Who may know whom: lower rooms never import higher ones, and the two sides never meet.

The table speaks of rooms that may not exist yet; a rule holds as soon as its room does. Imports
count wherever they stand, also inside functions and in the `.pxd` files of compiled modules.
"""

import ast
import graphlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("agent", "outputs", "feeds")

CIMPORT = re.compile(
    r"^\s*(?:from\s+(?P<source>[\w.]+)\s+cimport|cimport\s+(?P<plain>[\w.]+))", re.MULTILINE
)

MAY_IMPORT: Mapping[str, tuple[str, ...]] = {
    # room: what of ours it may import; the version in `agent` itself is everybody's
    "agent.model": (),
    "agent.config": ("agent.config_errors", "agent.config_yaml"),
    "agent.config_errors": (),
    "agent.config_yaml": ("agent.config_errors",),
    "agent.ids": (),
    "agent.names": (),
    "agent.budget": (),
    "agent.visible": (),
    "agent.terminal": ("agent.visible",),
    "agent.link": ("agent.model",),
    "agent.health": (),
    "agent.published": ("agent.model",),
    "agent.plugins": ("agent.config", "agent.model"),
    "agent.direction": ("agent.model",),
    "agent.severity": ("agent.model", "agent.config", "agent.classes"),
    "agent.allow": (
        *("agent.model", "agent.config", "agent.direction", "agent.names", "agent.scopes"),
    ),
    "agent.scopes": (
        *("agent.model", "agent.config", "agent.direction", "agent.classes", "agent.names"),
    ),
    "agent.community": ("agent.model", "agent.direction"),
    "agent.notices": ("agent.model", "agent.ids", "agent.severity"),
    "agent.classes": ("agent.model", "agent.config"),
    "agent.suppress": (
        "agent.classes",
        "agent.model",
        "agent.names",
        "agent.config",
        "agent.direction",
        "agent.notices",
    ),
    "agent.capture": (
        "agent.model",
        "agent.config",
        "agent.capture_files",
        "agent.interface_loss",
        "agent.kernel_filter",
    ),
    "agent.capture_files": ("agent.model", "agent.config", "agent.capture", "agent.pcapng"),
    "agent.pcapng": (),
    "agent.scan": ("agent.model", "agent.scan"),
    # The set builder writes the layout that the scanner reads, so they share its description.
    "agent.trails": (
        *("agent.model", "agent.names", "agent.published", "agent.trails", "agent.scan"),
    ),
    "agent.detections": (
        *("agent.model", "agent.detections", "agent.scan.counters", "agent.scan.wanted"),
    ),
    "outputs": (
        *("agent.model", "agent.config", "agent.link", "agent.plugins", "agent.visible"),
        "outputs",
    ),
    "feeds": (
        *("agent.model", "agent.config", "agent.health", "agent.names", "agent.plugins"),
        *("agent.trails", "agent.scan.layout", "feeds"),
    ),
}

WIRE = (
    "agent.capture",
    "agent.capture_files",
    "agent.pcapng",
    "agent.scan",
    "agent.match",
    "agent.allow",
    "agent.scopes",
    "agent.detections",
    "agent.suppress",
    "agent.condense",
    "agent.sense",
)
"""The side that parses hostile bytes."""

SINKS = ("agent.deliver", "outputs")
"""The side that holds secrets and speaks to the network."""

COMMANDS = ("agent.cli", "agent.commands")
"""What starts everything."""

NEVER_REACH: Mapping[tuple[str, ...], tuple[str, ...]] = {
    # Whoever sees packets neither formats, nor fetches, nor speaks to anybody.
    (*WIRE, "agent.trails"): (
        *SINKS,
        "feeds",
        *COMMANDS,
        "agent.replay",
        "prometheus_client",
        "cefevent",
        "urllib3",
        "ssl",
        "http",
    ),
    # Whoever holds secrets never sees a packet.
    SINKS: (*WIRE, *COMMANDS, "agent.trails", "feeds", "agent.replay", "pcapy"),
    ("feeds",): (*SINKS, *COMMANDS, "agent.sense", "agent.match", "agent.replay", "pcapy"),
}
"""Rooms, and what none of their modules may import, itself or through others of ours."""

JOINERS = (*COMMANDS, "agent.__main__", "agent.replay")
"""The only modules that may know both sides: they start them, in one process or in several."""


def is_in(module: str, rooms: Iterable[str]) -> bool:
    """Tell whether a module is one of these rooms or inside one."""
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def files() -> dict[str, Path]:
    """Return every module of ours with its file."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_in(source: str, module: str, is_package: bool, known: Iterable[str]) -> Iterator[str]:
    """Yield the modules that a source imports; `from a import b` means `a.b` where that is one."""
    modules = frozenset(known)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")[: (1 if is_package else 0) - node.level or None]
                base = ".".join([*parents, base]) if base else ".".join(parents)
            for name in node.names:
                inner = f"{base}.{name.name}"
                yield inner if inner in modules else base


def cimports_in(source: str) -> Iterator[str]:
    """Yield the modules that a `.pxd` file imports."""
    for found in CIMPORT.finditer(source):
        yield found["source"] or found["plain"]


def read_graph() -> dict[str, set[str]]:
    """Return what every module of ours imports."""
    modules = files()
    graph = {}
    for module, path in modules.items():
        is_package = path.name == "__init__.py"
        source = path.read_text(encoding="utf-8")
        graph[module] = set(imports_in(source, module, is_package, modules))
        declarations = path.with_suffix(".pxd")
        if declarations.exists():
            graph[module] |= set(cimports_in(declarations.read_text(encoding="utf-8")))
    return graph


GRAPH = read_graph()


def reached(module: str) -> dict[str, str]:
    """Return everything a module imports, itself or through others, with the way there."""
    ways = {module: module}
    pending = [module]
    while pending:
        current = pending.pop()
        for imported in sorted(GRAPH.get(current, ())):
            if imported not in ways:
                ways[imported] = f"{ways[current]} -> {imported}"
                pending.append(imported)
    del ways[module]
    return ways


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_a_room_imports_only_what_it_may(module: str) -> None:
    """The first table: of our modules, only the rooms named there."""
    allowed = [rooms for room, rooms in MAY_IMPORT.items() if is_in(module, [room])]
    ours = {name for name in GRAPH[module] if is_in(name, PACKAGES) and name != "agent"}

    wrong = {name for rooms in allowed for name in ours if not is_in(name, rooms)}

    assert wrong == set()


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_a_side_never_reaches_what_is_not_its_own(module: str) -> None:
    """The second table: not even through a third module."""
    forbidden = [
        name for rooms, names in NEVER_REACH.items() if is_in(module, rooms) for name in names
    ]

    ways = reached(module)

    assert [way for name, way in ways.items() if is_in(name, forbidden)] == []


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_only_the_joiners_know_both_sides(module: str) -> None:
    """Capture and delivery are processes of their own; two modules alone put them together."""
    ways = reached(module)
    wire = [way for name, way in ways.items() if is_in(name, WIRE)]
    sinks = [way for name, way in ways.items() if is_in(name, SINKS)]

    assert is_in(module, JOINERS) or not wire or not sinks, (wire[:1], sinks[:1])


def test_no_module_imports_itself_in_a_circle() -> None:
    """A circle makes the order of imports matter, and a room out of two."""
    ours = {module: imported & set(GRAPH) for module, imported in GRAPH.items()}

    graphlib.TopologicalSorter(ours).prepare()


def test_the_whole_tree_is_read() -> None:
    """An empty graph would pass every rule."""
    assert {"agent.model", "agent.config", "agent.condense"} <= set(GRAPH)
    assert "agent.model" in GRAPH["agent.condense"]
    assert "agent.notices" in GRAPH["agent.condense"]


def test_imports_are_found_wherever_they_stand() -> None:
    """In functions, under conditions, relative, as a module or as a name of one."""
    source = """
import ssl, http.client
from agent import model, __version__
from agent.model import Event
from . import sibling
from .sibling import name
from .. import above
def later():
    if True:
        from outputs._cef import Cef
"""
    known = {"agent.model", "agent.room.sibling", "agent.above"}

    found = set(imports_in(source, "agent.room.own", False, known))

    assert found == {
        "ssl",
        "http.client",
        "agent.model",
        "agent",
        "agent.room.sibling",
        "agent.above",
        "outputs._cef",
    }
    assert set(imports_in("from . import a", "p", True, {"p.a"})) == {"p.a"}
    assert set(cimports_in("from agent.scan.ip cimport Ip\ncimport cython\n")) == {
        "agent.scan.ip",
        "cython",
    }
