"""One suite for every format on the shelf: what the runner relies on.

`test_FORMAT_list.py` beside this file has a `PAGE` as a publisher sends it, in the documented
layout, and `OPTIONS` to read it with. A new format that has none fails here.
"""

import importlib
import io
import random
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import ConfigError, convert
from agent.model import Trail
from agent.trails.keys import Inert
from agent.trails.keys import parse as parse_key
from feeds import _shelf
from feeds._catalog import Feed
from feeds._reader import inspect, reader_of
from feeds._unused import MAX_REASONS, MAX_SAMPLE, MAX_SAMPLES, Counted
from tests.feeds.parsing import ORIGIN, parse

MINIMAL: Mapping[str, Mapping[str, Any]] = {"csv": {"value": 0, "header": "none"}}

FORMATS = _shelf.names()

KEEPS_INERT = "maltrail"
"""Maltrail's own lists hold rows that can never match; the set names them, so they get that far."""


def page_of(name: str) -> tuple[bytes, Mapping[str, Any]]:
    """Return the sample page of a format and the options that it takes."""
    module = importlib.import_module(f"tests.feeds.test_{name}_list")
    return module.PAGE, getattr(module, "OPTIONS", {})


@pytest.mark.parametrize("name", FORMATS)
def test_page_yields_trails_and_rejects_nothing(name: str) -> None:
    """A page as a publisher sends it gives trails of its list."""
    page, options = page_of(name)

    trails, rejected = parse(name, page, **options)

    assert trails
    assert not rejected
    assert {"test"} == {trail.source.name for trail in trails}


@pytest.mark.parametrize("name", FORMATS)
def test_empty_page_yields_nothing(name: str) -> None:
    """Nothing in, nothing out, no error: the runner decides what an empty list means."""
    trails, rejected = parse(name, b"", **MINIMAL.get(name, {}))

    assert not trails
    assert not rejected


@pytest.mark.parametrize("name", FORMATS)
def test_every_cut_of_a_page_ends_well(name: str) -> None:
    """A page that breaks off anywhere raises ValueError or yields rows, nothing else."""
    page, options = page_of(name)

    for end in range(0, len(page), 1 + len(page) // 400):
        _survives(name, page[:end], options)


@pytest.mark.parametrize("name", FORMATS)
def test_every_changed_byte_ends_well(name: str) -> None:
    """One damaged byte anywhere raises ValueError or yields rows, nothing else."""
    page, options = page_of(name)
    chance = random.Random(7)  # noqa: S311 - not for secrets

    for at in range(0, len(page), 1 + len(page) // 400):
        changed = bytearray(page)
        changed[at] = chance.randrange(256)
        _survives(name, bytes(changed), options)


@pytest.mark.parametrize("name", FORMATS)
@given(rubbish=st.one_of(st.binary(max_size=2000), st.text(max_size=500).map(str.encode)))
def test_rubbish_raises_value_error_or_yields_clean_rows(name: str, rubbish: bytes) -> None:
    """Whatever a server sends, only ValueError comes out, and only keys that can match."""
    _survives(name, rubbish, MINIMAL.get(name, {}))


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_damaged_page_raises_value_error_or_yields_clean_rows(
    name: str, data: st.DataObject
) -> None:
    """Parts of a page cut out, doubled or replaced by rubbish: what comes out is clean."""
    page, options = page_of(name)
    changed = bytearray(page)
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(changed)))
        end = min(len(changed), start + data.draw(st.integers(0, 40)))
        part = data.draw(st.one_of(st.binary(max_size=20), st.just(bytes(changed[start:end]) * 2)))
        changed[start:end] = part
    _survives(name, bytes(changed), options)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=30)
@given(data=st.data())
def test_nothing_raises_past_the_runner(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A new copy is good, or it is unfit for a reason in one line; rows add up."""
    page, options = page_of(name)
    cut = data.draw(st.integers(0, len(page)))
    rubbish = data.draw(st.binary(max_size=60))
    path = tmp_path_factory.getbasetemp() / f"{name}.copy"
    path.write_bytes(page[:cut] + rubbish + page[cut:])
    use = "protect" if getattr(_shelf.load(name, "x"), "HARMLESS", False) else "detect"
    feed = convert(
        {
            "name": "soc",
            "url": "https://h.example/l",
            "format": name,
            "period": "1h",
            "info": "x",
            "reference": "x",
            "options": options,
            "use": use,
        },
        Feed,
        "test",
    )

    try:
        rows, counted = inspect(reader_of(feed), path, 0)
    except ValueError as raised:
        reason = str(raised)
    else:
        reason = "good"
        assert rows > 0
        assert counted.refused <= rows
    assert len(reason.splitlines()) == 1


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("bomb", [b"[" * 200_000, b'{"a":' * 40_000, b"(" * 60_000 + b"\n"])
def test_nesting_without_end_ends_well(name: str, bomb: bytes) -> None:
    """Depth costs a reject or the list, never the interpreter's stack."""
    _survives(name, bomb, MINIMAL.get(name, {}))
    page, options = page_of(name)
    _survives(name, page.replace(b'"', bomb[: len(bomb) // 2 * 2], 1), options)


@pytest.mark.parametrize("name", FORMATS)
def test_endless_line_is_refused(name: str) -> None:
    """Megabytes without a line end are no list, and are not held in memory."""
    with pytest.raises(ValueError, match=r"line is longer|not JSON"):
        parse(name, b"a" * 1_000_000, **MINIMAL.get(name, {}))


@pytest.mark.parametrize("name", FORMATS)
def test_unknown_option_is_named(name: str) -> None:
    """A mistyped option is an error with its key, not ignored."""
    config = _shelf.load(name, "x.format").Config

    with pytest.raises(ConfigError, match="colum_x"):
        convert({"colum_x": 1, "value": 0}, config, "mine.options")


@pytest.mark.parametrize("name", FORMATS)
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


@given(rows=st.lists(st.tuples(st.integers(0, 60), st.text(max_size=300)), max_size=200))
def test_rejected_rows_are_counted_with_bounded_reasons_and_harmless_samples(
    rows: list[tuple[int, str]],
) -> None:
    """All rows are counted; of each reason a few are kept, on one line each, printable."""
    counted = Counted()

    for number, row in rows:
        counted.reject(f"reason {number}", row)

    assert counted.refused == len(rows)
    assert len(counted.rejected) <= MAX_REASONS + 1
    for found in counted.rejected.values():
        assert len(found.samples) == min(found.count, MAX_SAMPLES)
        for text in found.samples:
            assert len(text) <= MAX_SAMPLE + 5
            assert not any(ord(character) < 32 or ord(character) == 127 for character in text)
            text.encode()


def _survives(name: str, page: bytes, options: Mapping[str, Any]) -> None:
    format_ = _shelf.load(name, "test.format")
    counted = Counted()
    try:
        for trail in format_.parse(io.BytesIO(page), format_.Config(**options), ORIGIN, counted):
            _is_clean(name, trail)
    except Inert:
        raise  # a verdict on a row, which must not cost the list
    except ValueError:
        return


def _is_clean(name: str, trail: Trail) -> None:
    assert trail.key
    assert trail.key.isprintable() or name == KEEPS_INERT
    assert trail.kind == "user-agent" or not any(ord(character) < 33 for character in trail.key)
    assert trail.info.isprintable()
    try:
        parse_key(trail.key, trail.dialect, trail.kind)
    except Inert:
        assert name == KEEPS_INERT
