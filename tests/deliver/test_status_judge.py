"""What the status page concludes: each question of an operator, from numbers alone."""

from collections.abc import Mapping

import msgspec
import pytest

from agent.deliver.status_document import (
    Answer,
    Detection,
    Interface,
    ListState,
    OutputState,
    Sense,
    Traffic,
    Updates,
)
from agent.deliver.status_judge import age, answers, worst
from agent.link import Coverage
from tests.deliver.statuses import COVERAGE, DETECTION, NOW, OUTPUT, SENSE, TRAFFIC, UPDATES

DAY = 86400.0


def judge(
    sense: Sense = SENSE,
    traffic: Traffic = TRAFFIC,
    detection: Detection = DETECTION,
    outputs: tuple[OutputState, ...] = (OUTPUT,),
    updates: Updates = UPDATES,
    coverage: Coverage = COVERAGE,
) -> Mapping[str, Answer]:
    """Return the answers by key."""
    told = answers(sense, traffic, detection, outputs, updates, coverage, NOW)
    return {answer.key: answer for answer in told}


def test_all_is_well() -> None:
    """Six good answers, each with its numbers."""
    told = judge()

    assert {one.level for one in told.values()} == {"good"}
    assert [one.text for one in told.values()] == [
        "412 packets/s on eth0, eth1",
        "none in the last minute, 210 since sense started",
        "the canary was detected 31 s ago; 77 hits since sense started",
        "siem: open, nothing lost since deliver started",
        "1,542,000 trails, built 2 hours ago from 1 lists",
        "99.0% of 9,000,000 packets were read",
    ]


@pytest.mark.parametrize(
    ("sense", "text"),
    [
        (Sense(), "sense is not connected"),
        (Sense(is_connected=True), "sense is connected but says nothing of its state"),
        (
            Sense(is_connected=True, told=NOW - 31),
            "sense is connected but says nothing of its state",
        ),
    ],
)
def test_what_sense_does_not_say_is_not_known(sense: Sense, text: str) -> None:
    """Its old numbers would look like a quiet network; only outputs are still judged."""
    told = judge(sense=sense)

    assert (told["traffic"].level, told["traffic"].text) == ("bad", text)
    assert [key for key, one in told.items() if one.level == "unknown"] == [
        *("losses", "detection", "trails", "coverage"),
    ]
    assert told["delivery"].level == "good"


def with_traffic(**changes: object) -> Traffic:
    """Return the traffic with some changes."""
    return msgspec.structs.replace(TRAFFIC, **changes)


CLOSED = (Interface(name="eth0"), Interface(name="eth1", is_open=True))


@pytest.mark.parametrize(
    ("traffic", "level", "text"),
    [
        (with_traffic(interfaces=()), "bad", "nothing is captured"),
        (with_traffic(interfaces=CLOSED), "bad", "nothing is captured on eth0"),
        (with_traffic(seconds=0.0), "unknown", "capturing on eth0, eth1; too early to tell"),
        (with_traffic(packets=0), "warning", "no packet on eth0, eth1 in the last 1 minute"),
        (with_traffic(packets=90), "good", "1.5 packets/s on eth0, eth1"),
    ],
)
def test_is_it_seeing_traffic(traffic: Traffic, level: str, text: str) -> None:
    """Judged by the last minute, not by what there was once."""
    told = judge(traffic=traffic)["traffic"]

    assert (told.level, told.text) == (level, text)


SHEDDING = (Interface(name="eth0", is_open=True, shed_level=1),)


@pytest.mark.parametrize(
    ("traffic", "level", "text"),
    [
        (
            with_traffic(dropped=5),
            "warning",
            "5 in the last 1 minute (0.0%); 210 since sense started",
        ),
        (
            with_traffic(dropped=2473),
            "bad",
            "2,473 in the last 1 minute (10.0%); 210 since sense started",
        ),
        (with_traffic(interfaces=SHEDDING), "warning", "bulk is left out on eth0: overload"),
        (
            with_traffic(lost_events=3),
            "warning",
            "no packets; but 3 events and 0 sightings behind the capture since sense started",
        ),
        (
            with_traffic(interfaces=(Interface(name="a", is_open=True),)),
            "good",
            "none since sense started",
        ),
    ],
)
def test_is_it_losing_packets(traffic: Traffic, level: str, text: str) -> None:
    """A percent is much; what was lost long ago is told and not held against it."""
    told = judge(traffic=traffic)["losses"]

    assert (told.level, told.text) == (level, text)
    assert bool(told.remedy) == (level != "good")


@pytest.mark.parametrize(
    ("changes", "level", "text"),
    [
        ({"canary_ok": False, "canary_last_success": 0.0}, "bad", "the canary was never detected"),
        ({"canary_ok": False}, "bad", "the canary was last detected 31 s ago"),
        ({"canary_last_success": NOW - 301}, "bad", "the canary was last detected 5 minutes ago"),
        (
            {"set": ""},
            "warning",
            "the canary was detected 31 s ago; only own trails and behaviours: no trail set",
        ),
    ],
)
def test_is_it_detecting(changes: dict[str, object], level: str, text: str) -> None:
    """By the canary, which goes the way of packets."""
    told = judge(detection=msgspec.structs.replace(DETECTION, **changes))["detection"]

    assert (told.level, told.text) == (level, text)


@pytest.mark.parametrize(
    ("changes", "level", "text"),
    [
        (
            {"is_connected": False, "last_error": "refused", "waiting": 7, "oldest": NOW - 900},
            "bad",
            "siem is not open (refused), 7 waiting for 15 minutes",
        ),
        (
            {"waiting": 7, "oldest": NOW - 121},
            "bad",
            "siem events wait, 7 waiting for 2 minutes",
        ),
        (
            {"waiting": 7, "oldest": NOW - 5},
            "good",
            "siem: open, nothing lost since deliver started",
        ),
        (
            {"lost": {"journal-full": 5, "rejected": 1}},
            "warning",
            "events were lost since deliver started: 6 by siem",
        ),
        ({"journal": "no space"}, "warning", "the journal of siem: no space"),
    ],
)
def test_is_it_delivering(changes: dict[str, object], level: str, text: str) -> None:
    """One output that does not is enough."""
    well = msgspec.structs.replace(OUTPUT, name="other")
    alone = judge(outputs=(msgspec.structs.replace(OUTPUT, **changes),))["delivery"]

    assert (alone.level, alone.text) == (level, text)
    both = judge(outputs=(well, msgspec.structs.replace(OUTPUT, **changes)))["delivery"]
    assert both.level == level


def test_without_outputs_nothing_is_delivered() -> None:
    """Which a new user may not have noticed."""
    assert judge(outputs=())["delivery"].text == "no output is configured"


FAILING = (*UPDATES.lists, ListState(name="feodo", failing=NOW - 5))


@pytest.mark.parametrize(
    ("detection", "updates", "level", "text"),
    [
        ({"set": ""}, {}, "bad", "no trail set is in use"),
        ({"built": NOW - 3 * DAY}, {}, "warning", "1,542,000 trails, built 3 days ago"),
        ({"built": NOW - 8 * DAY}, {}, "bad", "1,542,000 trails, built 8 days ago"),
        (
            {},
            {"status": "refused", "lists": FAILING},
            "warning",
            "1,542,000 trails, built 2 hours ago; the last update was refused; failing: feodo",
        ),
    ],
)
def test_is_what_it_looks_for_current(
    detection: dict[str, object], updates: dict[str, object], level: str, text: str
) -> None:
    """By the age of the set in use, and by how the lists behind it do."""
    told = judge(
        detection=msgspec.structs.replace(DETECTION, **detection),
        updates=msgspec.structs.replace(UPDATES, **updates),
    )["trails"]

    assert (told.level, told.text) == (level, text)


@pytest.mark.parametrize(
    ("packets", "read", "level"),
    [(10, 10, "unknown"), (1000, 950, "good"), (1000, 900, "warning"), (1000, 499, "bad")],
)
def test_can_it_read_what_it_sees(packets: int, read: int, level: str) -> None:
    """Few packets say little."""
    assert judge(coverage=Coverage(packets, read))["coverage"].level == level


def test_the_whole_is_as_good_as_its_worst_part() -> None:
    """What is not known is no fault."""
    assert worst(["good", "unknown", "good"]) == "unknown"
    assert worst(["unknown", "bad", "warning"]) == "bad"
    assert worst([]) == "good"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0 s"), (59.9, "59 s"), (60, "1 minute"), (7200, "2 hours"), (200_000, "2 days")],
)
def test_ages_are_told_in_one_unit(seconds: float, text: str) -> None:
    """The largest that fits; a clock that was set back makes no age negative."""
    assert age(seconds) == text
