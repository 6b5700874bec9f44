"""What a new set adds and removes."""

from agent.trails.diff import diff
from tests.wired import Rows, trail_set


def lines(old: Rows, new: Rows) -> list[str]:
    """Return the difference of two sets of these rows."""
    return list(diff(trail_set(old), trail_set(new)))


def test_added_and_removed_keys_are_told_by_kind() -> None:
    """In the order of the sets: by kind, then by key."""
    old = {"a.org": "x", "b.org": "x", "198.51.100.7": "x", "/old": "x"}
    new = {"b.org": "x", "c.org": "x", "198.51.100.0/24": "x", "/old": "x", "/new": "x"}

    assert lines(old, new) == [
        "- domain a.org",
        "+ domain c.org",
        "- ip 198.51.100.7",
        "+ network 198.51.100.0/24",
        "+ path /new",
    ]


def test_equal_sets_differ_in_nothing() -> None:
    """Order and texts do not matter, keys do."""
    assert lines({"a.org": "x", "b.org": "x"}, {"b.org": "other", "a.org": "x"}) == []


def test_an_empty_side_is_the_whole_other() -> None:
    """The first set of a host, or the end of one."""
    rows = {"a.org": "x", "2001:db8::1": "x", "[2001:db8::1]:443": "x"}

    assert lines({}, rows) == ["+ domain a.org", "+ ip 2001:db8::1", "+ ip-port [2001:db8::1]:443"]
    assert [line[0] for line in lines(rows, {})] == ["-"] * 3


def test_the_same_key_as_name_and_path_is_two() -> None:
    """Keys are compared within their kind."""
    assert lines({"a.org": "x"}, {"a.org/": "x"}) == ["- domain a.org", "+ url a.org/"]
