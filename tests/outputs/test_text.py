"""Hostile text becomes one visible, valid, short line."""

import pytest
from hypothesis import given

from outputs._text import LIMIT, MARK, clean
from tests.outputs.samples import hostile


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("evil.biz", "evil.biz"),
        ("a\r\nb\nc\td", "a b c d"),
        ("a\x00b\x1bc\x7fd", "abcd"),
        ("abc\u202egpj.exe\u2066", "abcgpj.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("raw \udcff\udc80 \ud800", "raw \\xff\\x80 \\ud800"),
        ("http://x/CEF:0|a", "http://x/CEF%3A0|a"),
        ("CE\u200eF:0", "CEF%3A0"),
        ("漢字 é", "漢字 é"),
    ],
)
def test_hostile_text_is_made_harmless(raw: str, expected: str) -> None:
    """Breaks become blanks, hidden characters go, surrogates are written out, CEF: is defused."""
    assert expected == clean(raw)


def test_long_text_is_cut_with_a_mark() -> None:
    """A reader sees that something is missing, and the limit includes the mark."""
    cut = clean("x" * 5000)

    assert len(cut) == LIMIT
    assert cut.endswith("x" + MARK)


@given(hostile)
def test_cleaned_text_is_always_safe(raw: str) -> None:
    """No input gets a break, a control, a surrogate or CEF: through, and cleaning is final."""
    text = clean(raw)

    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in text)
    assert not set(text) & set("\u2028\u2029\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069")
    assert "CEF:" not in text
    text.encode("utf-8")
    assert text == clean(text)
