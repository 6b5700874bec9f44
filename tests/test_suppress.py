"""Suppressions: what is held back, that it is counted, and when it is told."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import config
from agent.config import ConfigError
from agent.ids import derived_ids
from agent.model import Endpoint, Event, Hit, Source
from agent.notices import AgentNotices
from agent.suppress import HOUR_US, Suppressions

DAY_US = 24 * HOUR_US
T0 = 1_798_675_200_000_000
"""2026-12-31 00:00 UTC."""

HIT = Hit(
    class_id="trail-domain",
    type="DNS",
    trail="(www).evil.example",
    indicator="evil.example",
    observed="www.evil.example",
    where="dns.question",
    info="asyncrat (malware)",
    reference="(static)",
    source=Endpoint("10.0.0.5", 40000),
    destination=Endpoint("192.0.2.53", 53),
    protocol="UDP",
    first_us=T0,
    last_us=T0,
    count=1,
    direction="outbound",
    outcome="unknown",
    severity_id=8,
    sources=(Source("static"), Source("urlhaus")),
)


def suppressions(*entries: str) -> Suppressions:
    """Return suppressions; each entry is the inside of a YAML mapping, with a reason."""
    rows = [f"  - {{name: n{number}, reason: r, {text}}}" for number, text in enumerate(entries)]
    settings = config.parse("suppress:\n" + "\n".join(rows), "config.yaml")
    return Suppressions(settings.suppress, AgentNotices("s1", "", (), derived_ids(b"x")))


def at(time_us: int, count: int = 1) -> Hit:
    """Return the hit at another time."""
    return msgspec.structs.replace(HIT, first_us=time_us, last_us=time_us, count=count)


def told(events: list[Event]) -> list[tuple[object, ...]]:
    """Return what events say of which entry."""
    keys = ("suppression", "held", "total", "ended")
    return [tuple(event.evidence[key] for key in keys) for event in events]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("classes: [trail-domain]", True),
        ("classes: [trail-*]", True),
        ("classes: [behaviour-*]", False),
        ("classes: [trail-ip, trail-domain]", True),
        ("trails: [EVIL.example]", True),
        ("trails: ['*.example']", True),
        ("trails: [www.evil.example]", False),
        ("lists: [urlhaus]", True),
        ("lists: [feodo]", False),
        ("info: malware", True),
        ("info: ^malware", False),
        ("text: www.evil", True),
        ("text: static", True),
        ("text: '(?i)ASYNC'", True),
        ("text: nothing", False),
        ("network: [10.0.0.0/8]", True),
        ("network: [192.0.2.53]", True),
        ("network: [198.51.100.0/24]", False),
        ("network: ['2001:db8::/32', 10.0.0.5]", True),
        ("source: [10.0.0.5]", True),
        ("source: [192.0.2.53]", False),
        ("destination: [192.0.2.0/24]", True),
        ("destination: [10.0.0.0/8]", False),
        ("source_port: [40000]", True),
        ("source_port: [53]", False),
        ("destination_port: [22, 53]", True),
        ("destination_port: [40000]", False),
        ("direction: [outbound]", True),
        ("direction: [inbound, internal]", False),
        ("outcome: [unknown]", True),
        ("outcome: [answered]", False),
        ("trails: [evil.example], source: [10.0.0.5]", True),
        ("trails: [evil.example], source: [10.0.0.6]", False),
        ("classes: [trail-*], destination_port: [53], direction: [inbound]", False),
    ],
)
def test_every_given_key_must_match(scope: str, expected: bool) -> None:
    """Keys combine; in a list one match is enough."""
    assert suppressions(scope).holds_back(HIT) == expected


def test_a_class_that_does_not_exist_is_refused() -> None:
    """A typing mistake must not pass as an entry that never matches."""
    with pytest.raises(ConfigError, match="suppress: n0: classes: 'trial-ip' matches no class"):
        suppressions("classes: [trial-ip]")


def test_a_side_without_port_or_address_matches_no_port_and_no_network() -> None:
    """What is not there lies in no network, and port 0 is a port."""
    hit = msgspec.structs.replace(HIT, source=Endpoint("", None))

    assert not suppressions("source_port: [0]").holds_back(hit)
    assert not suppressions("source: [0.0.0.0/0]").holds_back(hit)


def test_observations_are_counted_at_the_first_entry_that_matches() -> None:
    """Each is counted once, so that the numbers add up."""
    made = suppressions("classes: [trail-ip]", "info: malware", "classes: ['*']")

    assert made.holds_back(at(T0, count=3))
    assert made.holds_back(at(T0, count=4))

    assert made.counts() == {"n0": 0, "n1": 7, "n2": 0}


def test_what_was_held_back_is_told_once_an_hour() -> None:
    """One event an hour, for as long as there is something to tell."""
    made = suppressions("info: malware")
    made.holds_back(at(T0, count=2))

    assert made.tick(T0 + HOUR_US - 1) == []
    assert told(made.tick(T0 + HOUR_US)) == [("n0", 2, 2, 0)]
    assert made.tick(T0 + 5 * HOUR_US) == []
    made.holds_back(at(T0 + 5 * HOUR_US, count=4))
    assert told(made.tick(T0 + 5 * HOUR_US)) == [("n0", 4, 6, 0)]


def test_the_end_of_a_run_tells_the_rest() -> None:
    """Nothing is held back unseen, also when the configuration changes."""
    made = suppressions("info: malware", "info: other")
    made.holds_back(at(T0, count=2))

    assert told(made.flush()) == [("n0", 2, 2, 0)]
    assert made.flush() == []


def test_an_entry_holds_until_the_end_of_its_last_day_and_its_end_is_told_once() -> None:
    """From then on hits are told again, and somebody knows why."""
    made = suppressions("info: malware, until: 2026-12-31")

    assert made.holds_back(at(T0 + DAY_US - 1, count=5))
    assert not made.holds_back(at(T0 + DAY_US))
    (event,) = made.tick(T0 + DAY_US)

    assert told([event]) == [("n0", 5, 5, 1)]
    assert event.class_id == "agent-suppress"
    assert event.info == "suppression n0 ended with 2026-12-31: it held back 5 observations"
    assert event.evidence["reason"] == "r"
    assert made.tick(T0 + 2 * DAY_US) == []


def test_an_entry_that_had_ended_before_the_start_is_told_too() -> None:
    """Its end may have come while the agent was down, and somebody may still rely on it."""
    made = suppressions("info: malware, until: 2020-01-01")

    assert told(made.tick(T0)) == [("n0", 0, 0, 1)]


def test_a_clock_that_was_set_back_does_not_silence_the_count() -> None:
    """A replay of an older capture after a newer one."""
    made = suppressions("info: malware")
    made.holds_back(at(T0))
    made.tick(T0 + HOUR_US)

    made.holds_back(at(T0 - DAY_US))

    assert told(made.tick(T0 - DAY_US)) == [("n0", 1, 2, 0)]


@given(st.lists(st.tuples(st.integers(0, 3 * DAY_US), st.integers(1, 9)), max_size=50))
def test_everything_held_back_is_told(steps: list[tuple[int, int]]) -> None:
    """Whatever comes when: what events say adds up to what was held back."""
    made = suppressions("info: malware, until: 2027-01-01")
    events, held = [], 0

    for offset, count in steps:
        held += count if made.holds_back(at(T0 + offset, count)) else 0
        events += made.tick(T0 + offset)
    events += made.flush()

    assert sum(int(event.evidence["held"]) for event in events) == held
    assert made.counts() == {"n0": held}
