"""The heartbeat's timer: soon, regular, and not all sensors at once."""

import itertools

import pytest

from agent.config import ConfigError, parse
from agent.heartbeat import FIRST_SECONDS, Heartbeat

EVERY = 300.0


def beats(sensor: str, until: int, every: float = EVERY) -> list[int]:
    """Return at which seconds a sensor speaks."""
    timer = Heartbeat(sensor, 0.0)
    return [second for second in range(until) if timer.is_due(float(second), every)]


def test_the_first_comes_soon_and_the_others_regularly() -> None:
    """Never is a gap longer than the interval."""
    at = beats("fw1", 3000)

    assert at[0] == FIRST_SECONDS
    assert EVERY / 2 <= at[1] - at[0] <= EVERY + 1
    gaps = [after - before for before, after in itertools.pairwise(at[1:])]
    assert len(gaps) >= 7
    assert all(EVERY - 1 <= gap <= EVERY + 1 for gap in gaps)


def test_sensors_that_start_together_do_not_speak_together() -> None:
    """The name decides, and one name always the same."""
    second = [beats(f"fw{number}", 400)[1] for number in range(60)]

    assert len(set(second)) > 30
    assert beats("fw1", 3000) == beats("fw1", 3000)


def test_a_process_that_stood_still_speaks_once() -> None:
    """What was missed is not told late."""
    timer = Heartbeat("fw1", 0.0)
    assert timer.is_due(10_000.0, EVERY)

    assert not timer.is_due(10_000.1, EVERY)
    assert timer.is_due(10_000.0 + EVERY, EVERY)


def test_another_interval_holds_from_the_next_beat_on() -> None:
    """As a reload brings it."""
    timer = Heartbeat("fw1", 0.0)
    assert timer.is_due(10.0, EVERY)
    assert timer.is_due(10.0 + EVERY, EVERY)

    assert timer.is_due(10.0 + EVERY + 10.0, 10.0)


@pytest.mark.parametrize("every", ["9s", "2d", "0s"])
def test_an_interval_out_of_bounds_is_refused(every: str) -> None:
    """The key is named."""
    with pytest.raises(ConfigError, match="every: expected 10 to 86400"):
        parse(f"heartbeat: {{every: {every}}}", "config.yaml")
