"""Plain lists: comments, URLs, fields, and what no public list may say."""

import pytest

from tests.feeds.parsing import keys, parse

PAGE = b"# list\n198.51.100.7\nevil.example.org # why\nhttp://h.example.net/x\n"


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("hxxp.example.org", "hxxp.example.org"),
        ("198.51.100.7:443", "198.51.100.7:443"),
        ("198.51.100.0/24", "198.51.100.0/24"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:443", "[2001:db8::1]:443"),
        ("evil.example.org", "evil.example.org"),
        ("*.evil.example.org", ".evil.example.org"),
        ("evil[.]example[.]org", "evil.example.org"),
        ("hxxp://evil[.]example[.]org/a", "evil.example.org/a"),
        ("http://198.51.100.7:37719/bin.sh", "198.51.100.7:37719/bin.sh"),
        ("https://evil.example.org", "evil.example.org/"),
        ("https://evil.example.org:443/A?b=c#d", "evil.example.org/A?b=c"),
        ("http://evil.example.org?x=1", "evil.example.org/?x=1"),
        ("http://user:word@evil.example.org/a@b", "evil.example.org/a@b"),
        ("evil.example.org/path", "evil.example.org/path"),
        ("/gate.php", "/gate.php"),
        ("a" * 40, "a" * 40),
        ("t13d1516h2_8daaf6152771_b186095e22b6", "t13d1516h2_8daaf6152771_b186095e22b6"),
    ],
)
def test_line_becomes_key(line: str, key: str) -> None:
    """Each spelling in use becomes the key that is matched."""
    assert [key] == keys("plain", line.encode())


@pytest.mark.parametrize(
    "line",
    [
        "re:.*",
        "ua:re:.*",
        "<html><body>error</body></html>",
        "Please try again later",
        "localhost",
        "http:///nothing",
        "javascript:alert(1)",
        "198.51.100.7-198.51.100.9",
        "x" * 3000 + ".org",
        "evil\x00.example.org",
        "evil\u202e.example.org",
        "/a\U00011500",
    ],
)
def test_line_that_is_no_indicator_is_rejected(line: str) -> None:
    """Patterns, prose, markup and hidden characters become no trail, and are counted."""
    trails, rejected = parse("plain", line.encode())

    assert trails == []
    assert rejected.total() == 1


def test_comments_and_blank_lines_say_nothing() -> None:
    """Comment lines and comments after a blank are skipped; `#` inside a URL is no comment."""
    page = b"\xef\xbb\xbf# a\r\n; b\r\n// c\r\n! d\r\n\r\n1.2.3.4 # x\r\n1.2.3.5\t#y\r\n"

    assert keys("plain", page) == ["1.2.3.4", "1.2.3.5"]


def test_field_between_separators_is_taken() -> None:
    """Columns that are padded for people are read by number."""
    page = b"4134  |  NET  |  198.51.100.7  |  2026-08-01\n4134 | NET\n"

    trails, rejected = parse("plain", page, separator="|", column=2)

    assert [trail.key for trail in trails] == ["198.51.100.7"]
    assert rejected == {"too few fields": 1}


def test_one_bad_byte_costs_one_row() -> None:
    """A byte that is not UTF-8 rejects its row and no other."""
    trails, rejected = parse("plain", b"a.example.org\nb\xff.example.org\nc.example.org\n")

    assert [trail.key for trail in trails] == ["a.example.org", "c.example.org"]
    assert rejected.total() == 1
