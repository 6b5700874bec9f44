"""What a new set adds and removes."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.model import Source, Trail
from agent.trails.build import Builder
from agent.trails.diff import changes, diff
from agent.trails.set import TrailSet
from tests.wired import Rows, trail_set


def lines(old: Rows, new: Rows) -> list[str]:
    """Return the difference of two sets of these rows."""
    return [" ".join(one) for one in diff(trail_set(old), trail_set(new))]


def test_added_and_removed_keys_are_told_by_kind() -> None:
    """What went, then what came, each in the order of the sets: by kind, then by key."""
    old = {"a.org": "x", "b.org": "x", "198.51.100.7": "x", "/old": "x"}
    new = {"b.org": "x", "c.org": "x", "198.51.100.0/24": "x", "/old": "x", "/new": "x"}

    assert lines(old, new) == [
        "- domain a.org",
        "- ip 198.51.100.7",
        "+ domain c.org",
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


def test_changes_are_counted_by_list_and_kind() -> None:
    """A key of two lists counts for both, and once in all."""
    old, new = Builder(1), Builder(2)
    for name, key in (("one", "a.org"), ("one", "b.org"), ("two", "b.org"), ("two", "192.0.2.9")):
        old.add(Trail(key=key, info="x", reference="r", source=Source(name)))
    for name, key in (("one", "a.org"), ("one", "192.0.2.9")):
        new.add(Trail(key=key, info="x", reference="r", source=Source(name)))
    new.add(Trail(key="c.org/x", info="x", reference="r", source=Source("two")))

    before, after = (TrailSet(builder.to_bytes(), "set") for builder in (old, new))

    assert changes(before, after) == (
        "one domain +0 -1",
        "two domain +0 -1",
        "two url +1 -0",
        "all keys +1 -1",
    )
    assert changes(None, after)[-1] == "all keys +3 -0"


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(st.sets(st.from_regex(r"[a-c]{1,3}\.org|/[a-c]{1,3}", fullmatch=True)), st.data())
def test_differences_are_those_of_the_keys(keys: set[str], data: st.DataObject) -> None:
    """Whatever two sets hold: what is told is the difference of their keys, both ways."""
    other = data.draw(st.sets(st.sampled_from(sorted(keys)))) if keys else set()
    other |= data.draw(st.sets(st.from_regex(r"[a-d]{1,2}\.org", fullmatch=True)))

    told = lines(dict.fromkeys(keys, "x"), dict.fromkeys(other, "x"))

    assert {line.split()[-1] for line in told if line[0] == "-"} == keys - other
    assert {line.split()[-1] for line in told if line[0] == "+"} == other - keys
