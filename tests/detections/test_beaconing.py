"""Beaconing: connections at one pace are told, with jitter and gaps; people and chance are not."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

import pytest

from agent.detections import Counted, Finding
from agent.detections.beaconing import Config, Detection
from tests.scan.scanning import randomness

CONFIG = Config(enabled=True)
SEEDS = range(50)
SERVICE = "203.0.113.80"


def judge(
    starts: Sequence[float], config: Config = CONFIG, *, source: bool = True, server: bool = False
) -> Finding | None:
    """Return what connections at these seconds tell, each from a port of its own."""
    seconds = [100_000 + round(start) for start in starts]
    row = Counted(
        last_us=max(seconds) * 1_000_000,
        items=dict(enumerate(seconds, 40_000)),
        port=443,
        from_home=source,
        to_home=server,
        destination=SERVICE,
    )
    return Detection(config).judge(row)


def beats(
    period: float, count: int, jitter: float = 0.0, missing: float = 0.0, seed: int = 1
) -> list[float]:
    """Sleep between connections as implants do, `jitter` of the period more or less."""
    draw = randomness(seed)
    gaps = (period * (1 + draw.uniform(-jitter, jitter)) for _ in range(count))
    return [start for start in accumulate(gaps) if draw.random() >= missing]


def test_an_exact_beat_is_told_with_its_pace() -> None:
    """Where to, how often, how long, how exactly."""
    finding = judge(beats(60, 30))

    assert finding is not None
    assert (finding.type, finding.info) == ("IPORT", "potential beaconing (suspicious)")
    assert finding.trail == finding.indicator == f"{SERVICE}:443"
    assert finding.evidence == {
        "contacts": 30,
        "period_seconds": 60,
        "jitter_percent": 0,
        "seconds": 29 * 60,
    }


@pytest.mark.parametrize("period", [40, 60, 300, 1000])
@pytest.mark.parametrize("jitter", [0.1, 0.2, 0.3])
def test_jitter_is_forgiven(period: int, jitter: float) -> None:
    """Whatever the dice say, with as many contacts as an hour or the window has."""
    for seed in SEEDS:
        found = judge(beats(period, 28, jitter, seed=seed))
        assert found is not None, seed
        assert found.evidence["period_seconds"] == pytest.approx(period, rel=0.15)


@pytest.mark.parametrize("jitter", [0.0, 0.1, 0.2])
def test_missing_beats_are_forgiven(jitter: float) -> None:
    """A tenth of them: the host slept, or packets were lost."""
    found = [judge(beats(60, 48, jitter, missing=0.1, seed=seed)) for seed in SEEDS]

    assert sum(each is not None for each in found) >= 0.95 * len(found)


def test_as_many_contacts_as_the_threshold_are_told_and_fewer_are_not() -> None:
    """At least means at least; contacts, duration and pace each have theirs."""
    assert judge(beats(60, CONFIG.contacts)) is not None
    assert judge(beats(60, CONFIG.contacts - 1)) is None
    assert judge(beats(CONFIG.period - 1, 40)) is None
    assert judge(beats(40, 24), Config(enabled=True, duration=921)) is None
    assert judge(beats(40, 24), Config(enabled=True, duration=920)) is not None


def test_connections_that_begin_together_are_one_contact() -> None:
    """Two at a time, as clients open them."""
    pairs = [start + late for start in beats(60, 24) for late in (0, 1)]

    finding = judge(pairs)
    assert finding is not None
    assert finding.evidence["contacts"] == 24
    assert judge(pairs[:-2]) is None


def test_only_what_goes_from_inside_to_outside_is_told() -> None:
    """Monitoring inside keeps a pace all day."""
    assert judge(beats(60, 30), server=True) is None
    assert judge(beats(60, 30), source=False) is None


def test_chance_keeps_no_pace() -> None:
    """Two thousand clients that come by at random, judged whenever one of them comes."""
    for seed in range(2000):
        draw = randomness(seed)
        starts = list(accumulate(draw.expovariate(1 / 90) for _ in range(40)))
        for count in (24, 32, 40):
            assert judge(starts[:count]) is None, (seed, count)


def test_people_keep_no_pace() -> None:
    """Visits of some pages each, with time to read, and longer pauses between visits."""
    for seed in range(500):
        assert judge(list(_visits(seed))) is None, seed


def _visits(seed: int) -> Iterator[float]:
    draw = randomness(seed)
    now = 0.0
    for _ in range(8):
        now += draw.lognormvariate(6.5, 1.0)
        for _ in range(draw.randrange(2, 12)):
            now += draw.lognormvariate(3.7, 0.9)
            yield now
