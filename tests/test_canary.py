"""The canary shows that detection works, and that it does not."""

import pytest

from agent.allow import AllowList
from agent.canary import NAME, TELL_US, TRAIL, Canary, question
from agent.config import parse
from agent.ids import derived_ids
from agent.match import is_ignored
from agent.model import Event
from agent.notices import AgentNotices
from agent.pipeline import Pipeline
from agent.scan.scanner import Scanner
from agent.sets import build_own, empty_set, merged_filters
from agent.trails.find import Trails
from agent.trails.set import TrailSet
from tests import packets
from tests.wired import trail_set

SEED = 0
MINUTE_US = 60_000_000
NOW_US = packets.START_US
WITH_CANARY = (TRAIL,)


def own_set(*, canary: bool) -> TrailSet:
    """Build own trails as sense does, with or without the canary, and no other."""
    settings = parse("trails: {custom: []}", "config.yaml")
    return build_own(settings, SEED, WITH_CANARY if canary else ())


class Cage:
    """A canary and a pipeline over the same sets."""

    def __init__(self, published: TrailSet | None = None, more: str = "") -> None:
        self.published = published or empty_set(SEED)
        self.own = own_set(canary=True)
        settings = parse(f"allow_list: {{builtin: false, files: []}}\n{more}", "config.yaml")
        trails = Trails(self.own, self.published)
        allow = AllowList.load(settings.allow_list, NOW_US)
        self.pipeline = Pipeline(settings, trails, allow, derived_ids(b"run"))
        notices = AgentNotices("fw1", "", (), derived_ids(b"run"))
        filters = merged_filters(self.own, self.published)
        self.canary = Canary(self.own, self.published, filters, notices)

    def use(self, own: TrailSet) -> None:
        """Switch scanner and matcher to another own set."""
        self.canary.adopt(own, self.published, merged_filters(own, self.published))
        self.pipeline.adopt(Trails(own, self.published), "none")

    def check(self, now_us: int = NOW_US) -> list[Event]:
        """Ask once."""
        return list(self.canary.check(self.pipeline.matcher, now_us))

    def metrics(self) -> dict[str, float]:
        """Return the samples by name."""
        return {sample.name: sample.value for sample in self.canary.samples()}


def test_its_name_is_one_that_the_rules_do_not_ignore() -> None:
    """Or it would never be found."""
    assert not is_ignored(NAME)


def test_it_is_detected_without_a_published_set() -> None:
    """Told at once, with how long it took."""
    cage = Cage()

    (event,) = cage.check()

    assert (event.class_id, event.severity_id) == ("agent-canary", 1)
    assert cage.metrics()["canary_success"] == 1
    assert cage.metrics()["canary_last_success_timestamp_seconds"] == NOW_US / 1e6
    assert cage.canary.evidence(NOW_US + 2_000_000)["canary_age"] == 2


def test_it_is_detected_beside_trails_that_explain_it_too() -> None:
    """The more exact trail wins, and its own set is asked first."""
    cage = Cage(trail_set({"invalid": "malware", "192.0.2.53": "malware", NAME: "malware"}))

    assert [event.class_id for event in cage.check()] == ["agent-canary"]


def test_it_is_no_hit_and_no_incident() -> None:
    """However often it is asked for."""
    cage = Cage()
    for minute in range(10):
        cage.check(NOW_US + minute * MINUTE_US)

    assert cage.pipeline.hits == 0
    assert cage.pipeline.flush() == []


def test_it_is_told_once_an_hour() -> None:
    """Each minute would be noise."""
    cage = Cage()
    told = [cage.check(NOW_US + minute * MINUTE_US) for minute in range(121)]

    assert [minute for minute, events in enumerate(told) if events] == [0, 60, 120]
    assert TELL_US == 60 * MINUTE_US


def test_a_set_without_it_is_told_once_and_so_is_its_return() -> None:
    """What it looks like when nothing is detected any more."""
    cage = Cage()
    cage.check()
    cage.use(own_set(canary=False))

    (broken,) = cage.check(NOW_US + MINUTE_US)
    assert broken.class_id == "agent-degraded"
    assert "nothing may be detected: the scanner did not see the canary" in broken.info
    assert cage.check(NOW_US + 2 * MINUTE_US) == []
    assert cage.metrics()["canary_success"] == 0
    assert cage.canary.evidence(NOW_US + 2 * MINUTE_US)["canary_age"] == 120

    cage.use(own_set(canary=True))
    (well,) = cage.check(NOW_US + 3 * MINUTE_US)
    assert (well.class_id, well.info.partition(";")[0]) == (
        "agent-degraded",
        "the canary is detected again",
    )
    assert cage.metrics()["canary_success"] == 1


def test_a_matcher_that_finds_nothing_is_told_as_such() -> None:
    """Where it was lost is part of what is told."""
    cage = Cage()
    cage.pipeline.adopt(Trails(own_set(canary=False), cage.published), "none")

    (event,) = cage.check()

    assert "the canary was seen but not matched" in event.info
    assert cage.canary.evidence(NOW_US)["canary_age"] == -1


@pytest.mark.parametrize("name", [NAME, f"www.{NAME}", NAME.upper()])
def test_questions_for_it_on_the_wire_are_counted_and_not_told(name: str) -> None:
    """Nobody can make a sensor report itself."""
    cage = Cage()
    scanner = Scanner(
        cage.own.buffer, cage.published.buffer, merged_filters(cage.own, cage.published)
    )
    frame = packets.udp_frame("192.168.1.10", 40000, "192.0.2.53", 53, packets.dns_query(name))
    scanner.scan(packets.batch([frame, frame]))

    assert cage.pipeline.sightings(scanner.drain(True, "eth0")) == []
    assert cage.pipeline.flush() == []
    assert (cage.pipeline.canary_traffic, cage.pipeline.hits) == (2, 0)


def test_its_packet_is_one_that_the_scanner_reads_as_a_question() -> None:
    """One packet, one question, nothing malformed."""
    batch = question(NOW_US)

    assert packets.dns_name(NAME) in batch.data
    assert len(batch.meta) == 16


def test_the_sites_own_set_is_without_it_unless_asked() -> None:
    """What `check` counts and a replay matches are the site's trails alone."""
    assert own_set(canary=False).info.keys == 0
    assert own_set(canary=True).info.keys == 1
