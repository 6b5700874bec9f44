"""One suite for every format on the shelf: what the runner relies on."""

import io
import random
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import ConfigError, convert
from feeds import _shelf
from tests.feeds.parsing import ORIGIN, parse

PAGES: Mapping[str, tuple[bytes, Mapping[str, Any]]] = {
    "plain": (b"# list\n198.51.100.7\nevil.example.org # why\nhttp://h.example.net/x\n", {}),
    "csv": (b'# list\nhost,port\n"198.51.100.7","443"\n', {"value": "host", "port": "port"}),
    "hosts": (b"# list\n0.0.0.0 evil.example.org\n127.0.0.1 a.example.net b.example.net\n", {}),
    "jsonl": (b'{"value":"198.51.100.0/24"}\n{"value":"evil.example.org"}\n', {}),
    "maltrail": (b"evil.example.org,x (malware),(static)\n1.2.3.4:80,y (malware),(static)\n", {}),
}
"""A page of each format with options to read it. A new format adds its own."""

MINIMAL: Mapping[str, Mapping[str, Any]] = {"csv": {"value": 0, "header": "none"}}


@pytest.mark.parametrize("name", _shelf.names())
def test_page_yields_trails_and_rejects_nothing(name: str) -> None:
    """A page as a publisher sends it gives trails of its list."""
    page, options = PAGES[name]

    trails, rejected = parse(name, page, **options)

    assert trails
    assert not rejected
    assert {"test"} == {trail.source.name for trail in trails}


@pytest.mark.parametrize("name", _shelf.names())
def test_empty_page_yields_nothing(name: str) -> None:
    """Nothing in, nothing out, no error: the runner decides what an empty list means."""
    trails, rejected = parse(name, b"", **MINIMAL.get(name, {}))

    assert not trails
    assert not rejected


@pytest.mark.parametrize("name", _shelf.names())
def test_every_cut_of_a_page_ends_well(name: str) -> None:
    """A page that breaks off anywhere raises ValueError or yields rows, nothing else."""
    page, options = PAGES[name]

    for end in range(len(page)):
        _survives(name, page[:end], options)


@pytest.mark.parametrize("name", _shelf.names())
def test_every_changed_byte_ends_well(name: str) -> None:
    """One damaged byte anywhere raises ValueError or yields rows, nothing else."""
    page, options = PAGES[name]
    chance = random.Random(7)  # noqa: S311 - not for secrets

    for at in range(len(page)):
        changed = bytearray(page)
        changed[at] = chance.randrange(256)
        _survives(name, bytes(changed), options)


@pytest.mark.parametrize("name", _shelf.names())
@given(rubbish=st.one_of(st.binary(max_size=2000), st.text(max_size=500).map(str.encode)))
def test_rubbish_raises_value_error_or_yields_clean_rows(name: str, rubbish: bytes) -> None:
    """Whatever a server sends, only ValueError comes out, and no key holds a control character."""
    _survives(name, rubbish, MINIMAL.get(name, {}))


@pytest.mark.parametrize("name", _shelf.names())
def test_endless_line_is_refused(name: str) -> None:
    """Megabytes without a line end are no list, and are not held in memory."""
    with pytest.raises(ValueError, match="line is longer"):
        parse(name, b"a" * 1_000_000, **MINIMAL.get(name, {}))


@pytest.mark.parametrize("name", _shelf.names())
def test_unknown_option_is_named(name: str) -> None:
    """A mistyped option is an error with its key, not ignored."""
    config = _shelf.load(name, "x.format").Config

    with pytest.raises(ConfigError, match="colum_x"):
        convert({"colum_x": 1, "value": 0}, config, "mine.options")


@pytest.mark.parametrize("name", _shelf.names())
def test_config_is_frozen(name: str) -> None:
    """Options cannot change under a running update."""
    config = _shelf.load(name, "x.format").Config(**MINIMAL.get(name, {}))

    with pytest.raises(AttributeError):
        config.kind = "x"  # type: ignore[attr-defined]
    assert msgspec.to_builtins(config) is not None


def test_unknown_format_suggests_a_known_one() -> None:
    """A typo in `format:` is answered with the nearest name."""
    with pytest.raises(ConfigError, match=r"mine\.format: no list format 'plian'; .*'plain'"):
        _shelf.load("plian", "mine.format")


def _survives(name: str, page: bytes, options: Mapping[str, Any]) -> None:
    format_ = _shelf.load(name, "test.format")
    config = format_.Config(**options)
    seen: list[str] = []
    try:
        trails = list(format_.parse(io.BytesIO(page), config, ORIGIN, seen.append))
    except ValueError:
        return
    for trail in trails:
        assert trail.key
        assert not any(ord(character) < 33 for character in trail.key)
