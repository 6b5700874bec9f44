"""What the allow-list keeps quiet for good, and what own trails stand in front of."""

import pytest

from agent import config
from agent.allow import AllowList
from agent.shadows import MAX_SAMPLES, doubled, shadows
from tests.wired import trail_set

ROWS = {
    "good.org": "x",
    "bad.good.org": "x",
    "org": "suspicious",
    "good.org/": "x",
    "good.org/page": "x",
    "/good": "x",
    "192.0.2.1": "known attacker",
    "192.0.2.1:80": "x",
    "192.0.3.1": "known attacker",
    "192.0.2.128/25": "x",
    "192.0.0.0/16": "x",
    "2001:db8::1": "x",
    "[2001:db8::1]:443": "x",
    "2001:db9::1": "x",
}


def silenced(entries: str, now_us: int = 0) -> list[tuple[str, int, set[str]]]:
    """Return each entry that silences something, of how many trails, and which."""
    settings = config.parse(
        f"allow_list: {{builtin: false, files: [], entries: [{entries}]}}", "test"
    )
    allow = AllowList.load(settings.allow_list, now_us)
    return [(s.entry.text, s.size, set(s.samples)) for s in shadows(trail_set(ROWS), allow)]


@pytest.mark.parametrize(
    ("entry", "keys"),
    [
        ("domain: good.org", {"good.org", "good.org/"}),
        ("domain: bad.good.org", {"bad.good.org"}),
        ("domain: other.org", set()),
        ("network: 192.0.2.0/24", {"192.0.2.1", "192.0.2.1:80", "192.0.2.128/25"}),
        ("network: 192.0.2.1", {"192.0.2.1", "192.0.2.1:80"}),
        ("network: '2001:db8::/32'", {"2001:db8::1", "[2001:db8::1]:443"}),
        ("trail: '*good*'", {"good.org", "bad.good.org", "good.org/", "good.org/page", "/good"}),
        ("info: attacker", {"192.0.2.1", "192.0.3.1"}),
        ("info: attacker, network: 192.0.2.0/24", {"192.0.2.1"}),
        ("class: trail-path", {"/good"}),
        ("class: trail-path, info: attacker", set()),
        ("reference: '(test)', class: trail-url", {"good.org/", "good.org/page"}),
        ("list: elsewhere", set()),
    ],
)
def test_an_entry_tells_what_it_silences(entry: str, keys: set[str]) -> None:
    """Exactly the trails that can never report while it holds."""
    assert [found for _, _, found in silenced(f"{{{entry}}}")] == ([keys] if keys else [])


@pytest.mark.parametrize("more", ["source: 10.0.0.1", "port: 53", "direction: inbound"])
def test_what_depends_on_the_packet_silences_nothing_for_good(more: str) -> None:
    """The trail still reports for others."""
    assert silenced(f"{{trail: good.org, {more}}}") == []


def test_an_entry_that_ran_out_silences_nothing() -> None:
    """Nor does one that another says already."""
    past = "{domain: good.org, until: 2020-01-01}"
    assert silenced(past, 1_700_000_000_000_000) == []
    assert len(silenced("{domain: good.org}, {domain: good.org}")) == 1


def test_samples_are_few_and_the_count_is_whole() -> None:
    """A wide entry does not fill the screen."""
    ((text, size, samples),) = silenced("{info: .}")

    assert (text, size, len(samples)) == ("info .", len(ROWS), MAX_SAMPLES)


def test_own_trails_that_stand_in_front_are_told() -> None:
    """Of one kind and key."""
    own = trail_set({"good.org": "ours", "mine.org": "ours", "192.0.2.1": "ours"}, "own")

    assert sorted(doubled(own, trail_set(ROWS))) == ["192.0.2.1", "good.org"]
