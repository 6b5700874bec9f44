"""Explain: which trail explains a value and what was weighed, or why nothing would be told."""

import pytest

from agent.explain import Explanation, split_port
from tests.wired import NOTHING, Rows, allow_list, trails


def explain(value: str, published: Rows, own: Rows = NOTHING, allowed: str = "") -> Explanation:
    """Explain a value against these trails."""
    return Explanation(value, trails(published, own), allow_list(*allowed.split()))


def test_a_found_name_is_told_with_trail_list_and_brackets() -> None:
    """Everything that an analyst asks next."""
    found = explain("www.evil.org", {"evil.org": "evil (malware)"})

    assert found.found is not None
    text = "\n".join(found.lines)
    assert "www.evil.org: a name" in text
    assert "matches evil.org of the published trails: evil (malware) (test)" in text
    assert "told as trail (www).evil.org" in text
    assert "source: test" in text


def test_each_parent_that_was_weighed_is_told() -> None:
    """So that a missing entry is seen as missing."""
    lines = explain("a.good.org", {"evil.org": "x"}).lines

    for suffix in ("a.good.org", "good.org", "org"):
        assert f"  {suffix}: not in the own trails" in lines
        assert f"  {suffix}: not in the published trails" in lines
    assert "  no trail: no name above, no pattern, no onion gateway" in lines


def test_a_spared_name_is_told_with_the_rule() -> None:
    """An exception is not the same as not listed."""
    found = explain("ns1.evil.org", {"evil.org": "domain (suspicious)"})

    assert found.found is None
    assert any("kept quiet by the exceptions of rule T-5.6" in line for line in found.lines)


def test_a_name_that_questions_ignore_is_told() -> None:
    """Found, but not in DNS."""
    found = explain("evil.local", {"evil.local": "malware"})

    assert found.found is not None
    assert any("T-8.4" in line for line in found.lines)


def test_an_allowed_value_is_not_found_and_says_by_which_entry() -> None:
    """Entry, where it stands and why."""
    name = explain("www.good.org", {"good.org": "x"}, allowed="good.org")
    address = explain("198.51.100.7", {"198.51.100.7": "x"}, allowed="198.51.100.0/24")

    for explained, entry in ((name, "good.org"), (address, "198.51.100.0/24")):
        assert explained.found is None
        assert any(
            f"allow-list entry {entry} (allow_list.entries[0])" in x for x in explained.lines
        )


def test_a_more_specific_trail_is_found_in_spite_of_the_allow_list() -> None:
    """As it would be told."""
    found = explain("bad.good.org", {"bad.good.org": "x"}, allowed="good.org")

    assert found.found is not None


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7:443", "198.51.100.7:443"),
        ("198.51.100.7:80", "198.51.100.7"),
        ("198.51.100.9", "198.51.100.0/24"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:DB8::1]:443", "[2001:db8::1]:443"),
        ("EVIL.org.", "evil.org"),
        ("http://good.org/bad.php?x=1", "/bad.php"),
        ("good.org/bad.php", "/bad.php"),
        ("/bad.php", "/bad.php"),
        ("evil.org/page", "evil.org"),
        ("  evil.org ", "evil.org"),
        ("www.evil.org:443", "evil.org"),
    ],
)
def test_values_of_all_kinds_are_explained(value: str, key: str) -> None:
    """In whatever spelling a person pastes."""
    rows = {
        "198.51.100.7": "x",
        "198.51.100.7:443": "x",
        "198.51.100.0/24": "x",
        "2001:db8::1": "x",
        "[2001:db8::1]:443": "x",
        "evil.org": "x",
        "/bad.php": "x",
    }

    found = explain(value, rows).found

    assert found is not None
    assert found.row.key == key


def test_an_address_that_is_not_listed_says_what_was_tried() -> None:
    """With its port, bare, networks."""
    lines = explain("203.0.113.1:80", {"198.51.100.0/24": "x"}).lines

    assert lines == [
        "203.0.113.1:80: an address with port 80",
        "  no trail: neither with its port, nor bare, nor a network around it",
    ]


def test_the_candidates_of_a_url_are_told() -> None:
    """Rule T-13.8 is not to be guessed."""
    lines = explain("a.org/b/c.php?id=1", {"evil.org": "x"}).lines

    assert any("/b/c.php?id=1, /b/c.php, /b/c.php?id=" in line for line in lines)


def test_own_trails_are_named_as_such() -> None:
    """They win, and it is said."""
    lines = explain("evil.org", {"evil.org": "published"}, {"evil.org": "ours"}).lines

    assert any("matches evil.org of the own trails: ours" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("192.0.2.1", ("192.0.2.1", None)),
        ("192.0.2.1:80", ("192.0.2.1", 80)),
        ("[::1]:80", ("::1", 80)),
        ("::1", ("::1", None)),
        ("evil.org:80", ("", None)),
        ("192.0.2.1:http", ("", None)),
        ("192.0.2.1:70000", ("", None)),
        ("192.0.2.1:-1", ("", None)),
        ("192.0.2.1:" + "9" * 5000, ("", None)),
        ("", ("", None)),
    ],
)
def test_addresses_are_split_from_their_ports(text: str, parts: tuple[str, int | None]) -> None:
    """What is none of these is no address."""
    assert split_port(text) == parts


@pytest.mark.parametrize(
    "value", ["198.51.100.7:70000", "198.51.100.7:-1", "evil.org:443", "a" * 5000]
)
def test_odd_values_are_not_found_rather_than_raised(value: str) -> None:
    """Whatever is pasted, the answer is a line."""
    assert explain(value, {"198.51.100.7": "x", "evil.net": "x"}).lines
