"""Splitting JSON: the same values as from a decoder that holds everything, in bounded memory."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds import _json_text
from feeds._json_path import Step, steps, text_at
from feeds._json_text import values

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "", "x\\y", 'q"', "é"]), inner, max_size=4)
    ),
    max_leaves=20,
)
STEPS = st.lists(st.sampled_from(["a", "b", 'q"', None, 0, 1]), min_size=1, max_size=3)


@given(
    document=st.lists(JSON, max_size=4) | st.dictionaries(st.sampled_from("ab"), JSON),
    path=STEPS,
    indent=st.sampled_from([None, 2]),
    is_ascii=st.booleans(),
    window=st.integers(1, 40),
)
def test_values_are_those_of_a_whole_decoder(
    document: object, path: list[Step], indent: int | None, is_ascii: bool, window: int
) -> None:
    """Whatever the document, the path and where the window ends."""
    text = json.dumps(document, indent=indent, ensure_ascii=is_ascii).encode()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_json_text, "_CHUNK", window)
        found = [json.loads(raw or b"0") for _, raw in values(io.BytesIO(text), {"x": path})]

    assert found == list(_reached(document, path))


@given(st.binary(max_size=300), st.integers(1, 9))
def test_rubbish_raises_value_error(text: bytes, window: int) -> None:
    """And nothing else, wherever the window ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_json_text, "_CHUNK", window)
        try:
            list(values(io.BytesIO(b"[" + text), {"x": steps("[*].a")}))
        except ValueError:
            return


def test_several_paths_and_documents_come_in_the_order_of_the_text() -> None:
    """One pass finds all."""
    text = b'{"b":[1,2],"a":"x"} {"a":"y"}'

    found = list(values(io.BytesIO(text), {"one": steps("a"), "two": steps("b[*]")}))

    assert found == [("two", b"1"), ("two", b"2"), ("one", b'"x"'), ("one", b'"y"')]


def test_value_beyond_the_limit_is_told_and_what_follows_is_read() -> None:
    """A row of megabytes costs that row."""
    text = json.dumps(["a" * 3_000_000, {"x": ["\\"] * 200_000}, "b"]).encode()

    found = [raw for _, raw in values(io.BytesIO(text), {"row": steps("[*]")}, 1000)]

    assert found == [None, None, b'"b"']


@pytest.mark.parametrize("text", [b'{"a":[1', b'{"a":"x', b'["a', b"[1,", b'{"a"', b"[[[[", b"[1"])
def test_text_that_breaks_off_is_an_error(text: bytes) -> None:
    """Half a list must not replace a whole one."""
    with pytest.raises(ValueError, match="JSON"):
        list(values(io.BytesIO(text), {"x": steps("a[*]")}))


@pytest.mark.parametrize("text", [b"hello", b"1", b"[1}", b'{"a" 1}', b"[1 2]", b"{a:1}", b"[]]"])
def test_text_of_another_kind_is_an_error(text: bytes) -> None:
    """What is no object or array is no list."""
    with pytest.raises(ValueError, match="not JSON"):
        list(values(io.BytesIO(text), {"x": steps("a.b")}))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", ()),
        ("", ()),
        ("a", ("a",)),
        ("$.data[*].ip", ("data", None, "ip")),
        ("*[*]", (None, None)),
        ("a['b.c'][3]", ("a", "b.c", 3)),
        ("relays[*].or_addresses[*]", ("relays", None, "or_addresses", None)),
    ],
)
def test_path_has_steps(path: str, expected: tuple[Step, ...]) -> None:
    """The part of JSONPath that lists need."""
    assert steps(path) == expected


@pytest.mark.parametrize("path", ["a b", "a[", "a[?(@.x)]", "..a", "a[-1]", "$$"])
def test_path_that_says_more_is_refused(path: str) -> None:
    """Rather than read as something else."""
    with pytest.raises(ValueError, match="no path"):
        steps(path)


def test_text_at_a_path_is_text() -> None:
    """Numbers and truth as JSON spells them, lists with commas, nothing for the rest."""
    row = {"a": 1, "b": True, "c": ["x", 2], "d": None, "e": {"f": "g"}}

    assert [text_at(row, steps(path)) for path in "abcde"] == ["1", "true", "x,2", "", ""]
    assert text_at(row, steps("e.f")) == "g"
    assert text_at(row, steps("c[0]")) == "x"
    assert text_at(row, steps("c[9].x")) == ""


def _reached(value: Any, path: list[Step]) -> Iterator[object]:
    """Walk a decoded document the obvious way."""
    if not path:
        yield value
        return
    step, rest = path[0], path[1:]
    if isinstance(value, dict):
        for key, inner in value.items():
            if step is None or key == step:
                yield from _reached(inner, rest)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            if step is None or number == step:
                yield from _reached(inner, rest)
