"""The token bucket, with time as an argument."""

from hypothesis import given
from hypothesis import strategies as st

from agent.deliver.pace import Pace
from outputs import Rate


def test_a_burst_then_the_rate() -> None:
    """After a pause the burst is there; then as many a second as the rate says."""
    pace = Pace(Rate(100.0, 10), now=0.0)

    assert pace.allow(0.0, 50) == 10
    assert pace.allow(0.0, 50) == 0
    assert pace.allow(0.05, 50) == 5
    assert pace.allow(10.0, 50) == 10


def test_the_delay_leads_to_a_portion() -> None:
    """Waiting as told always gives something to send."""
    pace = Pace(Rate(1000.0, 50), now=0.0)
    pace.allow(0.0, 50)

    delay = pace.delay()

    assert 0 < delay <= 0.02
    assert pace.allow(delay + 1e-9, 50) == 20


def test_unused_tokens_are_kept() -> None:
    """Asking for more than there was to send costs nothing."""
    pace = Pace(Rate(1.0, 10), now=0.0)

    pace.give_back(pace.allow(0.0, 10))

    assert pace.allow(0.0, 10) == 10


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    """Nor does it raise."""
    pace = Pace(Rate(1.0, 1), now=100.0)
    pace.allow(100.0, 1)

    assert pace.allow(50.0, 1) == 0


@given(
    st.floats(1, 5000),
    st.integers(1, 300),
    st.lists(st.tuples(st.floats(0, 2), st.integers(1, 100)), max_size=50),
)
def test_never_more_than_burst_and_rate(
    per_second: float, burst: int, steps: list[tuple[float, int]]
) -> None:
    """Over any stretch of time."""
    pace, now, allowed = Pace(Rate(per_second, burst), 0.0), 0.0, 0

    for elapsed, wanted in steps:
        now += elapsed
        allowed += pace.allow(now, wanted)

    assert allowed <= burst + per_second * now + 1e-6 * len(steps)
