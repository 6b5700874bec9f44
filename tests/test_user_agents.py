"""User-Agents: exact and by pattern, from frames to hits, gated, remembered, budgeted."""

from typing import Literal

import pytest

from agent.budget import SECOND_US, Budget
from agent.match import AGENT_CHARACTERS
from agent.model import Source, Trail
from agent.scan import stats
from agent.scan.sightings import CANDIDATE_RECORDS
from agent.trails.build import Builder
from agent.trails.find import Unjudged
from agent.trails.patterns import AgentGate
from tests import packets
from tests.packets import CLIENT, SERVER
from tests.wired import Wired, trails

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/128.0.0.0 Safari/537.36"
)
ESCAPED = BROWSER.replace("(", r"\(").replace(")", r"\)")


def request(agent: str, path: str = "/", client: str = CLIENT) -> bytes:
    """Return a request of this agent."""
    payload = packets.http_request(path, "www.example.com", user_agent=agent)
    return packets.tcp_frame(client, 50000, SERVER, 8080, payload)


def told(agent: str, *own: str) -> list[tuple[str, str, str, str]]:
    """Return class, where, indicator and trail of what one agent leads to."""
    hits = Wired({}, dict.fromkeys(own, "x")).hits(request(agent))
    return [(hit.class_id, hit.where, hit.indicator, hit.trail) for hit in hits]


@pytest.mark.parametrize(
    ("agent", "pattern", "trail"),
    [
        ("masscan/1.0", "masscan", "masscan(/1.0)"),
        ("MASSCAN/1.0", "masscan", "MASSCAN(/1.0)"),
        ("masscan/1.0", "MasScan", "masscan(/1.0)"),
        ("x (masscan) y", "masscan", r"(x \()masscan(\) y)"),
        ("sqlmap/1.2.3-dev", r"sqlmap/[\d.]+", "sqlmap/1.2.3(-dev)"),
        ("ab", r"\A\w{1,2}\Z", "ab"),
        ("-", r"\A[^ ]\Z", "-"),
        ("() { :;}; /bin/id", r"\(\) { :;", r"\(\) { :;(}; /bin/id)"),
        ("Firefox", r"\Afirefox( [\d.]+)?\Z", "Firefox"),
        ("a nikto b", "(nikto|nmap|hydra)", "(a )nikto( b)"),
        (f"{BROWSER} BadTool/1", "badtool", f"({ESCAPED} )BadTool(/1)"),
    ],
)
def test_a_pattern_is_found_in_any_case(agent: str, pattern: str, trail: str) -> None:
    """Anywhere, unless it says otherwise; the match stands bare, our brackets are told apart."""
    ((class_id, where, indicator, shown),) = told(agent, f"ua:re:{pattern}")

    assert (class_id, where, indicator) == ("trail-user-agent", "http.user_agent", pattern)
    assert shown == trail


@pytest.mark.parametrize(
    ("agent", "pattern"),
    [
        (BROWSER, "masscan"),
        ("abc", r"\A\w{1,2}\Z"),
        ("Firefox/128", r"\Afirefox( [\d.]+)?\Z"),
        ("curl/8.0", "nikto|nmap"),
    ],
)
def test_another_agent_is_not(agent: str, pattern: str) -> None:
    """What the pattern does not say."""
    assert told(agent, f"ua:re:{pattern}") == []


def test_an_exact_agent_goes_before_patterns_and_keeps_its_case() -> None:
    """It says more."""
    assert [row[2] for row in told("Evil/1.0", "ua:Evil/1.0", "ua:re:evil")] == ["Evil/1.0"]
    assert [row[2] for row in told("evil/1.0", "ua:Evil/1.0", "ua:re:evil")] == ["evil"]


def test_own_patterns_go_before_published_agents() -> None:
    """What a site lists itself is never hidden by what others list."""
    found = trails({}, {"ua:re:evil": "ours"})
    builder = Builder(0)
    for key, kind in (("Evil/1.0", "user-agent"), ("EvilTool", "user-agent-pattern")):
        trail = Trail(key=key, info="theirs", reference="", source=Source("t"), kind=kind)
        assert builder.add(trail) is None

    row = found.user_agent("Evil/1.0")

    assert row is not None
    assert row.row.info == "ours"


@pytest.mark.parametrize("dialect", ["own", "maltrail"])
def test_a_list_may_say_that_its_keys_are_patterns(dialect: Literal["own", "maltrail"]) -> None:
    """By its kind, in either dialect; nothing of it is inert."""
    builder = Builder(0)
    for key in (r"\A\w{1,2}\Z", "masscan", r"foo\.bar"):
        trail = Trail(
            key=key,
            info="x",
            reference="x",
            source=Source("t"),
            kind="user-agent-pattern",
            dialect=dialect,
        )
        assert builder.add(trail) is None


# --- the gate ---------------------------------------------------------------------------------


def sightings(wired: Wired, *frames: bytes) -> int:
    """Return how many requests the scanner shows."""
    wired.scanner.scan(packets.batch(frames))
    found = wired.scanner.drain(True, "")
    for sighting in found:
        wired.matcher.match(sighting)
    for token in wired.matcher.take_harmless():
        wired.scanner.learn(token)
    return len(found)


def test_requests_without_a_literal_of_a_pattern_are_never_shown() -> None:
    """Nor costs a pattern anything where no list has one."""
    assert sightings(Wired({}, {"ua:re:masscan|zgrab": "x"}), request(BROWSER)) == 0
    assert sightings(Wired({"evil.org": "x"}), request(BROWSER)) == 0


def test_an_agent_is_shown_once_where_patterns_have_no_literal() -> None:
    """The scanner learns that it is harmless, whatever it asks for later."""
    wired = Wired({}, {r"ua:re:\A\w{1,2}\Z": "x"})

    assert sightings(wired, request(BROWSER)) == 1
    assert sightings(wired, request(BROWSER, "/other"), request(BROWSER, "/third")) == 0
    assert sightings(wired, request("curl/8.0"), request("curl/8.0", "/other")) == 2
    assert sightings(wired, request("curl/8.0")) == 0
    assert [hit.trail for hit in wired.hits(request("xy"))] == ["xy"]


def test_a_listed_agent_does_not_hide_behind_another_of_the_same_request() -> None:
    """Same client, server, host and path within one second."""
    wired = Wired({}, {"ua:Evil/1.0": "x", "ua:re:masscan": "x"})

    hits = wired.hits(request("masscan/1"), request("Evil/1.0"), request("masscan/2"))

    assert [hit.observed for hit in hits] == ["masscan/1", "Evil/1.0", "masscan/2"]


def test_the_gate_tells_literals_from_what_every_browser_says() -> None:
    """A pattern that needs only such parts lets more pass, and one without parts all."""
    gate = AgentGate()

    assert gate.add("mozilla/5.0 .*zzevil")
    assert not gate.add(r"\w+")
    assert gate.words[-1] == 1


def test_a_flood_of_agents_pushes_nothing_else_out() -> None:
    """Candidates have places of their own, and what finds none is counted."""
    wired = Wired({"evil.org": "x"}, {r"ua:re:\A\w\Z": "x"})
    room = CANDIDATE_RECORDS[4]
    flood = [request(f"agent {number}") for number in range(room + 20)]
    name = packets.udp_frame(CLIENT, 40000, "192.0.2.53", 53, packets.dns_query("evil.org"))

    assert sightings(wired, *flood, name) == room + 1
    assert wired.scanner.statistics()[stats.SHED_AGENTS] == 20


# --- the budget -------------------------------------------------------------------------------


def test_new_agents_are_judged_within_a_budget_a_second() -> None:
    """The rest is counted, judged later, and exact agents are found all the same."""
    wired = Wired({}, {r"ua:re:\A\w\Z": "x", "ua:Evil/1.0": "x"})
    size = AGENT_CHARACTERS // 10
    frames = [request(f"{number:02}".ljust(size, "x")) for number in range(12)]

    hits = wired.hits(*frames, request("Evil/1.0"))

    assert [hit.observed for hit in hits] == ["Evil/1.0"]
    assert wired.matcher.agents.refused == 2
    assert len(wired.matcher.take_harmless()) == 10


def test_an_unjudged_agent_is_neither_found_nor_clean() -> None:
    """And a known verdict costs nothing."""
    found = trails({}, {"ua:re:evil": "x"})

    with pytest.raises(Unjudged):
        found.user_agent("evil/1", lambda _: False)
    assert found.user_agent("evil/1") is not None
    assert found.user_agent("evil/1", lambda _: False) is not None


def test_a_budget_begins_anew_each_second() -> None:
    """One that is larger than a second's budget passes alone, or it never would."""
    budget = Budget(10)

    assert budget.take(25, 0)
    assert not budget.take(1, SECOND_US - 1)
    assert budget.take(9, SECOND_US)
    assert not budget.take(2, SECOND_US)
    assert budget.refused == 2
