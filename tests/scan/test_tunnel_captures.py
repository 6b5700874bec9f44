"""Every capture of others with a tunnel: what is inside is found, or listed with why not."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.capture import CaptureError
from agent.capture_files import CaptureFiles
from agent.match import wire_name
from agent.model import Sighting
from agent.scan import stats
from agent.scan.lookup import TEXT_BYTES, Filters, Lookup
from agent.scan.scanner import Scanner
from tests.scan.scanning import count, set_bytes
from tests.scan.tunnel_captures import FOLDERS, NAMES, NOT_OPENED, OPENED, SILENT

pytestmark = pytest.mark.shared

EVERYTHING = ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1")
TUNNEL = re.compile(
    "(?<!post)gre(?!en)|vxlan|geneve|gtp|erspan|[46]in[46]|teredo|l2tp|lisp|ayiya|wccp|pptp"
)
"""Names of captures that are about a tunnel."""


ADDRESSED = ("syn", "accept", "refuse", "datagram", "other", "question", "answer", "http", "tls")
DNS = ("question", "answer")
NAMED = (*DNS, "http", "tls")


class Inside(NamedTuple):
    """What a capture's tunnels hold: how many packets, by type the first addresses, all names."""

    tunnels: int
    addresses: dict[str, tuple[str, str]]
    names: tuple[str, ...]


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    """Return a scanner for which every address is listed and every name may be."""
    own, published = set_bytes(()), set_bytes(EVERYTHING)
    text = bytearray(TEXT_BYTES)
    return Scanner(
        own, published, Filters(Lookup(own, text), Lookup(published, text), everything=True)
    )


def opened(scanner: Scanner, path: Path) -> Inside:
    """Return what the tunnels of a capture hold."""
    before = count(scanner, stats.TUNNELS)
    sightings: list[Sighting] = []
    with suppress(CaptureError):  # where it breaks off; the packets before are used
        for batch in CaptureFiles([str(path)]).batches():
            scanner.scan(batch)
            sightings += scanner.drain(True, "")
    scanner.finish()
    sightings += scanner.drain(True, "")
    addresses: dict[str, tuple[str, str]] = {}
    names = set()
    for one in sightings:
        if one.tunnel and one.what in ADDRESSED:
            addresses.setdefault(one.tunnel.type, (one.source.address, one.destination.address))
        if one.tunnel and one.what in NAMED:
            names.add(name_of(one))
    told = tuple(sorted(names - {""}))
    return Inside(count(scanner, stats.TUNNELS) - before, addresses, told)


def name_of(sighting: Sighting) -> str:
    """Return which name a message, request or hello is about, empty for none."""
    if sighting.what in DNS:
        return wire_name(sighting.packet)
    name = sighting.fields.get("name") or sighting.fields.get("host", b"")
    return name.decode("ascii").lower()


def path_of(name: str) -> Path:
    """Return where a capture is."""
    project, _, rest = name.partition("/")
    return Path(os.environ["MALTRAIL_SHARED"], "data/corpus", FOLDERS[project], rest)


@pytest.mark.parametrize("name", OPENED)
def test_addresses_and_names_inside_are_found(scanner: Scanner, name: str) -> None:
    """Addresses by every tunnel that the capture has, nested ones included."""
    found = opened(scanner, path_of(name))

    assert (found.addresses, found.names) == (OPENED[name], NAMES.get(name, ()))


@pytest.mark.parametrize("name", SILENT)
def test_tunnels_without_anything_to_look_up_are_opened(scanner: Scanner, name: str) -> None:
    """As often as the capture has them."""
    assert opened(scanner, path_of(name)) == (SILENT[name], {}, ())


@pytest.mark.parametrize("name", NOT_OPENED)
def test_what_is_no_tunnel_is_not_opened(scanner: Scanner, name: str) -> None:
    """The list says why."""
    assert opened(scanner, path_of(name)) == (0, {}, ())


def test_every_capture_that_has_a_tunnel_or_is_named_after_one_is_listed(scanner: Scanner) -> None:
    """On one of the lists, once."""
    listed = [*OPENED, *SILENT, *NOT_OPENED]
    wanted = {
        name
        for name, path in captures()
        if TUNNEL.search(path.name.lower()) or opened(scanner, path).tunnels
    }

    assert len(set(listed)) == len(listed)
    assert wanted <= set(listed)
    assert set(NAMES) <= set(OPENED)


def captures() -> Iterator[tuple[str, Path]]:
    """Yield all captures of others by their name on the lists."""
    for project in FOLDERS:
        folder = path_of(f"{project}/")
        for path in folder.rglob("*.pcap*"):
            yield f"{project}/{path.relative_to(folder)}", path
