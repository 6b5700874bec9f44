"""Condense: what is told at once, what later, and that the numbers add up."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import config
from agent.community import community_id
from agent.condense import MAX_SAMPLES, Condenser
from agent.config import Duration, Networks
from agent.direction import Home
from agent.ids import derived_ids
from agent.model import Dns, Endpoint, Event, Hit

SECOND = 1_000_000
MINUTE = 60 * SECOND
T0 = 1_700_000_040 * SECOND
"""The start of a minute, so that tests of the storm breaker see its borders."""

HOME = Home(Networks().home)
CLIENT = Endpoint("10.0.0.5", 40000)
SERVER = Endpoint("203.0.113.7", 443)

BASE = Hit(
    class_id="trail-ip",
    type="IP",
    trail="203.0.113.7",
    indicator="203.0.113.7",
    observed="203.0.113.7",
    where="ip.dst",
    info="emotet (malware)",
    reference="list",
    source=CLIENT,
    destination=SERVER,
    protocol="TCP",
    first_us=T0,
    last_us=T0,
    count=1,
    direction="outbound",
    outcome="unknown",
    severity_id=6,
)


def at(seconds: float, hit: Hit = BASE, **changes: object) -> Hit:
    """Return the hit as seen so many seconds after the start."""
    time_us = T0 + round(seconds * SECOND)
    return msgspec.structs.replace(hit, **{"first_us": time_us, "last_us": time_us, **changes})


def changed(hit: Hit, change: dict[str, object]) -> Hit:
    """Return the hit with some of its fields replaced."""
    return msgspec.structs.replace(hit, **change)


def of(number: int) -> Hit:
    """Return a hit of an incident of its own."""
    return msgspec.structs.replace(BASE, indicator=f"indicator {number}")


def condenser(
    window: float = 60,
    max_incidents: int = 50_000,
    events_per_minute: int = 6000,
    fold: bool = True,
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> Condenser:
    """Build a condenser whose identifiers depend on nothing but the order of calls."""
    return Condenser(
        config.Condense(window=Duration(window), max_incidents=max_incidents),
        config.Limits(events_per_minute=events_per_minute),
        "fw1.example",
        "berlin",
        ("dmz",),
        derived_ids(b"run"),
        HOME,
        fold=fold,
        aliases=aliases,
    )


def take_all(condense: Condenser, hits: Iterable[Hit]) -> list[Event]:
    """Return what a sequence of hits makes, without the end of the run."""
    return [event for hit in hits for event in condense.take(hit)]


def told(events: Sequence[Event]) -> list[tuple[str, int, int]]:
    """Return state, count and total of each event."""
    return [(event.state, event.count, event.total) for event in events]


def storms(events: Iterable[Event]) -> list[Event]:
    """Return the agent's own events among these."""
    return [event for event in events if event.is_agent]


def test_the_first_hit_is_an_event_at_once() -> None:
    """Nobody waits for a window to hear of an incident."""
    condense = condenser()
    condense.set_id = "0123456789ab"

    (event,) = condense.take(at(1.5, count=3, evidence={"ports": 9}))

    assert told([event]) == [("open", 3, 3)]
    assert event.time_us == event.first_us == event.last_us == T0 + 1_500_000
    assert (event.sensor, event.site, event.tags) == ("fw1.example", "berlin", ("dmz",))
    assert (event.set, event.severity, event.severity_id) == ("0123456789ab", "high", 6)
    assert (event.source, event.destination, event.protocol) == (CLIENT, SERVER, "TCP")
    assert event.evidence == {"ports": 9}
    assert event.community_id.startswith("1:")


def test_addresses_have_the_names_that_the_site_gave_them() -> None:
    """Whatever the spelling; those without a name have none."""
    six = "2001:db8::9"
    condense = condenser(aliases={CLIENT.address: "reception", "2001:0DB8:0:0::9": "printer"})

    (first,) = condense.take(at(1))
    (second,) = condense.take(at(1, indicator="x", destination=Endpoint(six, 443)))

    assert (first.source_name, first.destination_name) == ("reception", "")
    assert (second.source_name, second.destination_name) == ("reception", "printer")


def test_a_lone_hit_ends_silently() -> None:
    """Where the first event said everything, a closing one would be noise."""
    condense = condenser()
    condense.take(at(0))

    assert condense.tick(T0 + 10 * MINUTE) == []
    assert condense.flush() == []
    assert condense.counts()["incidents"] == 0


def test_a_short_burst_is_an_event_and_its_end() -> None:
    """What came after the first event is told when the burst has been over for a window."""
    condense = condenser()

    at_once = take_all(condense, [at(0), at(1), at(5), at(9)])
    too_early = condense.tick(T0 + 69 * SECOND - 1)
    ended = condense.tick(T0 + 69 * SECOND)

    assert told(at_once) == [("open", 1, 1)]
    assert too_early == []
    assert told(ended) == [("closed", 3, 4)]
    assert (ended[0].time_us, ended[0].last_us) == (T0 + 9 * SECOND, T0 + 9 * SECOND)
    assert ended[0].first_us == T0


def test_a_long_incident_is_a_handful_of_events() -> None:
    """6,400 attempts in a bit over six minutes: an event, one update a window, and an end."""
    condense = condenser()

    events = take_all(condense, (at(n / 16) for n in range(6400)))
    events += condense.tick(T0 + 20 * MINUTE)

    assert [event.state for event in events] == ["open"] + ["update"] * 6 + ["closed"]
    assert sum(event.count for event in events) == events[-1].total == 6400
    assert len({event.incident_id for event in events}) == 1
    assert len({event.event_id for event in events}) == len(events)


def test_an_updated_incident_says_that_it_ended() -> None:
    """A closing event may have nothing to count, but it tells that it is over."""
    condense = condenser()

    events = take_all(condense, [at(0), at(30), at(60)])
    events += condense.tick(T0 + 3 * MINUTE)

    assert told(events) == [("open", 1, 1), ("update", 2, 3), ("closed", 0, 3)]
    assert events[2].time_us == T0 + MINUTE


def test_a_hit_after_the_end_opens_another_incident() -> None:
    """A whole window of silence separates two incidents; hits alone move the time."""
    condense = condenser()

    events = take_all(condense, [at(0), at(1), at(61)])

    assert told(events) == [("open", 1, 1), ("closed", 1, 2), ("open", 1, 1)]
    assert events[0].incident_id == events[1].incident_id != events[2].incident_id


@pytest.mark.parametrize(
    "change",
    [
        {"class_id": "trail-domain"},
        {"indicator": "203.0.113.8"},
        {"source": Endpoint("10.0.0.6", 40000)},
        {"direction": "internal"},
    ],
)
def test_an_incident_is_one_class_indicator_side_and_direction(change: dict[str, object]) -> None:
    """Whatever of the four differs makes an incident of its own."""
    condense = condenser()

    events = take_all(condense, [at(0), changed(at(1), change)])

    assert told(events) == [("open", 1, 1), ("open", 1, 1)]


@pytest.mark.parametrize(
    "change",
    [
        {"source": Endpoint("10.0.0.5", 50000)},
        {"destination": Endpoint("203.0.113.7", 80)},
        {"info": "other list"},
        {"where": "ip.src"},
        {"observed": "x"},
    ],
)
def test_ports_and_wording_do_not_split_an_incident(change: dict[str, object]) -> None:
    """The ports told are those of the first hit."""
    condense = condenser()

    events = take_all(condense, [at(0), changed(at(1), change)]) + condense.flush()

    assert told(events) == [("open", 1, 1), ("closed", 1, 2)]
    assert (events[1].source, events[1].destination) == (CLIENT, SERVER)


def test_attackers_of_one_host_share_no_incident_and_hosts_of_one_attacker_neither() -> None:
    """Our side is the destination of what comes to us."""
    condense = condenser()
    inbound = msgspec.structs.replace(
        BASE, source=SERVER, destination=CLIENT, direction="inbound", where="ip.src"
    )
    other_host = Endpoint("10.0.0.6", 22)

    same_host = take_all(condense, [at(0, inbound), at(1, inbound)])
    another = condense.take(at(2, inbound, destination=other_host))

    assert told(same_host) == [("open", 1, 1)]
    assert told(another) == [("open", 1, 1)]


def test_the_source_stands_in_where_no_side_is_ours() -> None:
    """On a transit link the source tells incidents apart."""
    condense = condenser()
    transit = msgspec.structs.replace(BASE, direction="external", destination=SERVER)
    one, two = Endpoint("198.51.100.1", 1), Endpoint("198.51.100.2", 1)

    events = take_all(
        condense, [at(0, transit, source=one), at(1, transit, source=two)]
    ) + condense.take(at(2, transit, source=one, destination=Endpoint("192.0.2.1", 80)))

    assert told(events) == [("open", 1, 1), ("open", 1, 1)]


def test_an_answer_belongs_to_the_client_that_asked() -> None:
    """With a resolver of our own both sides are home; question and answer are one incident."""
    condense = condenser()
    resolver = Endpoint("10.0.0.1", 53)
    question = msgspec.structs.replace(
        BASE,
        destination=resolver,
        direction="internal",
        where="dns.question",
        dns=Dns(question="x", type="A"),
    )
    answer = msgspec.structs.replace(
        question,
        source=resolver,
        destination=CLIENT,
        dns=Dns(question="x", type="A", response=True, answers=("203.0.113.9",)),
        outcome="answered",
        severity_id=6,
    )

    events = take_all(condense, [at(0, question), at(0.1, answer)]) + condense.flush()

    assert told(events) == [("open", 1, 1), ("closed", 1, 2)]
    assert (events[1].source, events[1].outcome) == (CLIENT, "answered")
    assert events[1].dns is not None
    assert events[1].dns.answers == ("203.0.113.9",)


def test_what_gets_worse_is_told_at_once() -> None:
    """An answer turns 8 into 10: nobody should wait for the window to hear it."""
    condense = condenser()

    events = take_all(
        condense,
        [
            at(0, severity_id=8),
            at(0.1, severity_id=10, outcome="answered"),
            at(0.2, severity_id=8),
        ],
    )

    assert told(events) == [("open", 1, 1), ("update", 1, 2)]
    assert (events[1].severity_id, events[1].outcome) == (10, "answered")


def test_that_an_attempt_was_answered_is_told_though_it_raises_nothing() -> None:
    """An own trail is severe either way; whether there was a conversation is asked all the same."""
    condense = condenser()

    events = take_all(condense, [at(0, severity_id=8), at(0.1, count=0, outcome="answered")])
    ended = condense.tick(T0 + 2 * MINUTE)

    assert told([*events, *ended]) == [("open", 1, 1), ("closed", 0, 1)]
    assert [event.outcome for event in (*events, *ended)] == ["unknown", "answered"]


@pytest.mark.parametrize("outcome", ["refused", "unanswered"])
def test_that_an_attempt_came_to_nothing_is_told_with_the_next_event_only(outcome: str) -> None:
    """A scan of thousands of hosts would tell each refusal twice."""
    condense = condenser()

    events = take_all(condense, [at(0), at(0.1, count=0, outcome=outcome)])

    assert told(events + condense.tick(T0 + 2 * MINUTE)) == [("open", 1, 1)]


def test_an_answer_that_an_event_told_is_not_told_again() -> None:
    """The update that came of it was enough, and so is a first event that knew."""
    at_once = condenser()
    take_all(at_once, [at(0, outcome="answered")])

    assert at_once.tick(T0 + 2 * MINUTE) == []


def test_an_incident_never_gets_better() -> None:
    """Later, milder hits do not take back what was seen."""
    condense = condenser()

    take_all(condense, [at(0, severity_id=8, outcome="answered"), at(1, severity_id=3)])
    (event,) = condense.flush()

    assert (event.severity_id, event.outcome) == (8, "answered")


def test_samples_are_ten_distinct_values_beyond_the_first() -> None:
    """A flood of names cannot make an event grow."""
    condense = condenser()
    names = [f"n{number % 15}.example" for number in range(100)]

    take_all(condense, (at(n / 10, observed=name) for n, name in enumerate(names)))
    (event,) = condense.flush()

    assert event.observed == "n0.example"
    assert event.samples == tuple(f"n{number}.example" for number in range(1, MAX_SAMPLES + 1))


def test_the_latest_measurement_is_told() -> None:
    """A scan grows: its last evidence says the most."""
    condense = condenser()

    take_all(condense, [at(0, evidence={"ports": 10}), at(1, evidence={"ports": 99}), at(2)])
    (event,) = condense.flush()

    assert event.evidence == {"ports": 99}


def test_without_folding_every_hit_is_one_event() -> None:
    """`--no-condense` tells each hit by itself, whatever the limits."""
    condense = condenser(fold=False, events_per_minute=1)

    events = take_all(condense, [at(0, count=2), at(0), at(1)])

    assert told(events) == [("single", 2, 2), ("single", 1, 1), ("single", 1, 1)]
    assert len({event.event_id for event in events}) == 3
    assert condense.tick(T0 + 10 * MINUTE) + condense.flush() == []


def test_a_full_table_evicts_the_least_recently_active() -> None:
    """The remainder of what is evicted is told, and its eviction counted."""
    condense = condenser(max_incidents=100)
    take_all(condense, (at(0, of(number)) for number in range(100)))
    take_all(condense, [at(1, of(0)), at(1, of(1))])

    first = condense.take(at(2, of(100)))
    take_all(condense, (at(3, of(number)) for number in range(101, 198)))
    last = condense.take(at(4, of(198)))

    assert told(first) == [("open", 1, 1)]
    assert told(last) == [("closed", 1, 2), ("open", 1, 1)]
    assert last[0].indicator == "indicator 0"
    assert condense.counts() == {
        "events": 200,
        "suppressed": 0,
        "lost": 0,
        "evicted": 99,
        "incidents": 100,
    }


def test_a_storm_is_cut_and_told() -> None:
    """Beyond the limit one event a minute tells what was held back, by class."""
    condense = condenser(events_per_minute=10)
    flood = [at(number / 1000, of(number), count=2) for number in range(100)]
    repeats = [at(1 + number / 1000, of(number), count=1) for number in range(100)]

    in_minute = take_all(condense, flood + repeats)
    rolled = condense.tick(T0 + MINUTE)

    assert len(in_minute) == 10
    (storm,) = storms(rolled)
    assert (storm.class_id, storm.severity_id, storm.time_us) == ("agent-storm", 6, T0 + MINUTE)
    assert storm.evidence == {
        "events": 90,
        "observations": 270,
        "incidents": 90,
        "lost": 0,
        "trail-ip": 90,
    }


def test_what_a_storm_held_back_is_carried_by_the_next_event() -> None:
    """The first event of a held incident comes late, but tells everything."""
    condense = condenser(events_per_minute=1)
    take_all(condense, [at(0, of(0)), at(1, of(1), count=5), at(2, of(1), count=2)])

    events = condense.take(at(60, of(1)))

    assert [event.class_id for event in events] == ["agent-storm", "trail-ip"]
    assert told(events[1:]) == [("open", 8, 8)]
    assert (events[1].time_us, events[1].last_us) == (T0 + SECOND, T0 + MINUTE)


def test_a_storm_does_not_hide_what_is_severe() -> None:
    """When the minute is over, held severe incidents are told first, without another hit."""
    condense = condenser(events_per_minute=5)
    take_all(condense, (at(1, of(number), severity_id=3) for number in range(20)))
    hidden = condense.take(at(1, indicator="c2.example", severity_id=10))

    rolled = condense.tick(T0 + MINUTE)

    assert hidden == []
    assert [event.class_id for event in rolled] == ["agent-storm", "trail-ip"]
    assert (rolled[1].indicator, rolled[1].state) == ("c2.example", "open")


def test_a_severe_incident_that_ends_in_a_storm_is_told_after_it() -> None:
    """A window shorter than a minute does not lose it either."""
    condense = condenser(window=5, events_per_minute=1)
    take_all(condense, [at(0, of(0)), at(1, indicator="c2.example", severity_id=10)])

    silent = condense.tick(T0 + 30 * SECOND)
    rolled = condense.tick(T0 + MINUTE)

    assert silent == []
    assert told(rolled) == [("single", 1, 1), ("closed", 1, 1)]
    assert rolled[1].indicator == "c2.example"


@pytest.mark.parametrize("off", [0, False])
def test_the_storm_breaker_can_be_switched_off(off: int) -> None:
    """Then every incident is told at once, and nothing is ever held back."""
    condense = condenser(max_incidents=100, events_per_minute=off)

    events = take_all(condense, (at(number / 1000, of(number)) for number in range(20_000)))
    events += condense.tick(T0 + MINUTE) + condense.flush()

    assert len(events) == 20_000
    assert storms(events) == []
    assert condense.counts()["suppressed"] == 0


def test_an_open_incident_keeps_what_several_minutes_of_storm_held_back() -> None:
    """Its counts wait for the first minute that has room, however long that takes."""
    condense = condenser(window=600, events_per_minute=1)
    events = []
    for minute in range(5):
        flood = [at(60 * minute, of(minute)), at(60 * minute + 1, of(99), count=10)]
        events += take_all(condense, flood)
    events += condense.take(at(300, of(99), count=1))

    last = events[-1]
    assert (last.indicator, last.count, last.total) == ("indicator 99", 51, 51)
    assert sum(int(storm.evidence["lost"]) for storm in storms(events)) == 0


def test_what_ends_in_a_storm_is_told_as_lost() -> None:
    """Mild incidents that end while held back are told nowhere else, and the storm says so."""
    condense = condenser(window=5, events_per_minute=1)
    take_all(condense, [at(0, of(0)), at(1, of(1), count=7)])

    condense.tick(T0 + 30 * SECOND)
    (storm,) = condense.tick(T0 + MINUTE)

    assert storm.evidence["lost"] == 7
    assert condense.counts()["lost"] == 7


def test_the_end_of_a_run_tells_the_storm_too() -> None:
    """The last minute of a capture is not forgotten."""
    condense = condenser(events_per_minute=3)
    events = take_all(condense, (at(0, of(number)) for number in range(10)))

    events += condense.flush()

    (storm,) = storms(events)
    assert len(events) == 4
    assert (storm.evidence["events"], storm.evidence["lost"]) == (14, 7)


def test_a_clock_that_was_set_back_ends_all_incidents() -> None:
    """Another, older capture, or a corrected clock: counting goes on, nothing freezes."""
    condense = condenser()
    take_all(condense, [at(0), at(1)])

    earlier = take_all(condense, [at(-86400), at(-86400 + 60)])

    assert told(earlier) == [("closed", 1, 2), ("open", 1, 1), ("open", 1, 1)]


def test_packets_out_of_order_are_one_incident() -> None:
    """Two workers drain at different moments: seconds of disorder change nothing."""
    condense = condenser()

    events = take_all(condense, [at(5), at(3), at(4), at(2)]) + condense.flush()

    assert told(events) == [("open", 1, 1), ("closed", 3, 4)]
    assert (events[1].first_us, events[1].last_us) == (T0 + 2 * SECOND, T0 + 5 * SECOND)


_STEPS = st.lists(
    st.tuples(
        st.integers(-3, 90),  # seconds since the last hit
        st.integers(0, 6),  # which incident
        st.integers(1, 5),  # observations
        st.sampled_from([3, 6, 8, 10]),  # severity
        st.sampled_from(["unknown", "answered"]),
        st.booleans(),  # a tick follows
    ),
    max_size=120,
)


def run(condense: Condenser, steps: Sequence[tuple[int, int, int, int, str, bool]]) -> list[Event]:
    """Feed steps, in order, with ticks between them, and end the run."""
    events, now = [], 0
    for wait, number, count, severity_id, outcome, is_tick in steps:
        now += wait
        changes = {"count": count, "severity_id": severity_id, "outcome": outcome}
        events += condense.take(at(now, of(number), **changes))
        if is_tick:
            events += condense.tick(T0 + now * SECOND)
    return events + condense.flush()


@settings(deadline=None)
@given(_STEPS)
def test_counts_of_an_incident_add_up_to_its_total(
    steps: list[tuple[int, int, int, int, str, bool]],
) -> None:
    """Whatever comes when: emissions add up, states follow their order, nothing is lost."""
    events = run(condenser(), steps)

    incidents = defaultdict(list)
    for event in events:
        incidents[event.incident_id].append(event)
    for emissions in incidents.values():
        running = 0
        for event in emissions:
            running += event.count
            assert running == event.total
        states = [event.state for event in emissions]
        assert states[0] == "open"
        assert set(states[1:-1]) <= {"update"}
        assert states[-1] == "closed" or len(states) == 1
    assert sum(event.count for event in events) == sum(step[2] for step in steps)
    assert len({event.event_id for event in events}) == len(events)


@settings(deadline=None)
@given(_STEPS)
def test_at_most_one_update_a_window(
    steps: list[tuple[int, int, int, int, str, bool]],
) -> None:
    """Two updates of an incident are a window apart, however its severity jumps."""
    condense = condenser(window=60)
    updates: dict[str, int] = {}
    now, clock = 0, -1000

    for wait, number, count, severity_id, outcome, _ in steps:
        now += wait
        clock = max(clock, now)
        changes = {"count": count, "severity_id": severity_id, "outcome": outcome}
        for event in condense.take(at(now, of(number), **changes)):
            if event.state == "update":
                before = updates.get(event.incident_id)
                assert before is None or clock - before >= 60
                updates[event.incident_id] = clock


@settings(max_examples=200, deadline=None)
@given(_STEPS, st.integers(1, 4), st.sampled_from([2, 5, 60]))
def test_a_storm_loses_nothing_untold(
    steps: list[tuple[int, int, int, int, str, bool]], limit: int, window: int
) -> None:
    """Under any limit: observations told plus observations told as lost are all there were."""
    condense = condenser(window=window, events_per_minute=limit)

    events = run(condense, steps)

    traffic = [event for event in events if not event.is_agent]
    lost = sum(int(storm.evidence["lost"]) for storm in storms(events))
    assert sum(event.count for event in traffic) + lost == sum(step[2] for step in steps)
    assert condense.counts()["lost"] == lost
    totals: Counter[str] = Counter()
    for event in traffic:
        totals[event.incident_id] += event.count
        assert totals[event.incident_id] == event.total


@settings(deadline=None)
@given(_STEPS, st.integers(1, 4))
def test_no_minute_has_more_events_than_allowed(
    steps: list[tuple[int, int, int, int, str, bool]], limit: int
) -> None:
    """The limit holds for every minute of the clock, evictions and ends included."""
    condense = condenser(window=2, events_per_minute=limit)
    per_minute: Counter[int] = Counter()
    now, clock = 0, -1000

    for wait, number, count, *_ in steps:
        now += wait
        clock = max(clock, now)
        events = condense.take(at(now, of(number), count=count))
        per_minute[clock // 60] += sum(not event.is_agent for event in events)

    assert max(per_minute.values(), default=0) <= limit


@settings(deadline=None)
@given(_STEPS)
def test_the_same_hits_give_the_same_bytes(
    steps: list[tuple[int, int, int, int, str, bool]],
) -> None:
    """Identifiers and order are derived from the input alone."""
    first, again = run(condenser(), steps), run(condenser(), steps)

    assert msgspec.json.encode(first) == msgspec.json.encode(again)


def test_a_flood_of_incidents_stays_bounded() -> None:
    """Strangers choose indicators and addresses; they do not choose how much is kept."""
    condense = condenser(max_incidents=100, events_per_minute=10)

    for number in range(5000):
        condense.take(at(number / 1000, of(number), severity_id=8))

    assert condense.counts()["incidents"] == 100
    assert len(condense._held) <= 200


@pytest.mark.parametrize(
    ("protocol", "source", "destination", "expected"),
    [
        (
            "TCP",
            ("128.232.110.120", 34855),
            ("66.35.250.204", 80),
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
        ),
        ("UDP", ("192.168.1.52", 54585), ("8.8.8.8", 53), "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
        ("ICMP", ("192.168.0.89", None), ("192.168.0.1", None), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
        ("SCTP", ("192.168.170.8", 7), ("192.168.170.56", 80), "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="),
        (
            "TCP",
            ("2001:470:e5bf:dead:4957:2174:e82c:4887", 63943),
            ("2607:f8b0:400c:c03::1a", 25),
            "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
        ),
    ],
)
def test_community_id_is_that_of_other_tools(
    protocol: str,
    source: tuple[str, int | None],
    destination: tuple[str, int | None],
    expected: str,
) -> None:
    """The specification's own vectors; where ports tell the sides apart, both directions."""
    one, other = Endpoint(*source), Endpoint(*destination)

    assert expected == community_id(one, other, protocol)
    assert (expected == community_id(other, one, protocol)) == (one.port is not None)


@pytest.mark.parametrize(
    ("protocol", "source", "destination"),
    [
        ("GRE", Endpoint("10.0.0.1", None), Endpoint("10.0.0.2", None)),
        ("TCP", Endpoint("10.0.0.1", None), Endpoint("10.0.0.2", 80)),
        ("TCP", Endpoint("", 1), Endpoint("10.0.0.2", 80)),
        ("TCP", Endpoint("10.0.0.1", 1), Endpoint("fe80::1", 80)),
    ],
)
def test_a_flow_without_community_id_has_an_empty_one(
    protocol: str, source: Endpoint, destination: Endpoint
) -> None:
    """An empty text, never a wrong one."""
    assert community_id(source, destination, protocol) == ""
