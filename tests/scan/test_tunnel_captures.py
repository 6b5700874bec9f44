"""Every capture of others with a tunnel: what is inside is found, or listed with why not."""

import os
import re
from contextlib import suppress
from pathlib import Path

import pytest

from agent.capture import CaptureError
from agent.capture_files import CaptureFiles
from agent.model import Sighting
from agent.scan import stats
from agent.scan.scanner import Scanner
from tests.scan.scanning import count, make
from tests.scan.tunnel_captures import FOLDERS, NOT_OPENED, OPENED, SILENT

pytestmark = pytest.mark.shared

EVERYTHING = ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1")
TUNNEL = re.compile(
    "(?<!post)gre(?!en)|vxlan|geneve|gtp|erspan|[46]in[46]|teredo|l2tp|lisp|ayiya|wccp|pptp"
)
"""Names of captures that are about a tunnel."""


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    """Return a scanner for which every address is listed."""
    return make(*EVERYTHING)


def opened(scanner: Scanner, name: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return how many tunnels a capture opened, and by their types the first addresses inside."""
    before = count(scanner, stats.TUNNELS)
    sightings: list[Sighting] = []
    with suppress(CaptureError):  # where it breaks off; the packets before are used
        for batch in CaptureFiles([str(path_of(name))]).batches():
            scanner.scan(batch)
            sightings += scanner.drain(True, "")
    scanner.finish()
    sightings += scanner.drain(True, "")
    found: dict[str, tuple[str, str]] = {}
    for one in sightings:
        if one.tunnel:
            found.setdefault(one.tunnel.type, (one.source.address, one.destination.address))
    return count(scanner, stats.TUNNELS) - before, found


def path_of(name: str) -> Path:
    """Return where a capture is."""
    project, _, rest = name.partition("/")
    return Path(os.environ["MALTRAIL_SHARED"], "data/corpus", FOLDERS[project], rest)


@pytest.mark.parametrize("name", OPENED)
def test_addresses_inside_are_found(scanner: Scanner, name: str) -> None:
    """By every tunnel that the capture has, nested ones included."""
    assert opened(scanner, name)[1] == OPENED[name]


@pytest.mark.parametrize("name", SILENT)
def test_tunnels_without_anything_to_look_up_are_opened(scanner: Scanner, name: str) -> None:
    """As often as the capture has them."""
    assert opened(scanner, name) == (SILENT[name], {})


@pytest.mark.parametrize("name", NOT_OPENED)
def test_what_is_no_tunnel_is_not_opened(scanner: Scanner, name: str) -> None:
    """The list says why."""
    assert opened(scanner, name) == (0, {})


def test_every_capture_that_is_named_after_a_tunnel_is_listed() -> None:
    """On one of the lists, once."""
    listed = [*OPENED, *SILENT, *NOT_OPENED]
    named = {
        f"{project}/{path.relative_to(path_of(f'{project}/'))}"
        for project in FOLDERS
        for path in path_of(f"{project}/").rglob("*.pcap*")
        if TUNNEL.search(path.name.lower())
    }

    assert len(set(listed)) == len(listed)
    assert named <= set(listed)
