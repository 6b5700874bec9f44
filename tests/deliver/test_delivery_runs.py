"""Short runs of `bench.delivery`: real processes, both sides killed, nothing missing.

The full runs are `python -m bench.delivery survive`, `backlog` and `capture`.
"""

from pathlib import Path

import pytest

from bench.delivery.backlog import backlog
from bench.delivery.capture import capture
from bench.delivery.survive import survive

APPEND = 500
"""Events that one append holds: a kill in its midst leaves their numbers free; they come again."""

pytestmark = pytest.mark.root


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_nothing_acknowledged_is_missing_when_both_sides_die(
    tmp_path: Path, transport: str
) -> None:
    """Deliver by kill -9, rsyslog by a restart, four times each, at 3,000 events a second."""
    figures = survive(tmp_path, transport, 24_000, 3000.0, 4)

    assert figures["missing"] == 0
    assert figures["dropped"] == 0
    assert 1 <= figures["verify_runs"] <= 5  # a start may be killed before it numbers anything
    assert figures["verify_missing"] <= 4 * APPEND
    assert figures["verify_mixed"] == 0


def test_a_backlog_waits_on_disk_and_not_in_memory(tmp_path: Path) -> None:
    """Ten seconds of an outage, then all is sent."""
    figures = backlog(tmp_path, "tcp", "maltrail", 50_000, 5000.0)

    assert figures["missing"] == 0
    assert figures["queued"] == 50_000
    assert figures["memory_added_mb"] < 30
    assert figures["memory_added_after_drain_mb"] < 30


def test_capture_loses_no_packet_whatever_happens_to_deliver(tmp_path: Path) -> None:
    """Killed and started again, standing still, at full load: the kernel's counts are sense's."""
    figures = capture(tmp_path, 5000.0, 4.0, 4.0)

    for phase in ("quiet", "killed", "stopped", "load"):
        assert figures[f"{phase}_offered"] >= 20_000
        assert figures[f"{phase}_missing"] == 0
        assert figures[f"{phase}_dropped"] == 0
    assert figures["missing"] == 0
    assert figures["events_lost"] == 0
