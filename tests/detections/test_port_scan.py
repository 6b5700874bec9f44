"""Port scan: more ports than the threshold of one host, tried by one source within a window."""

import pytest

from agent.config import ConfigError, convert
from agent.detections import GRACE_SECONDS, Counted
from agent.detections.port_scan import Config, Detection

SECOND = 1_000_000


def row(ports: dict[int, int], answered: frozenset[int] = frozenset(), later: int = 0) -> Counted:
    """Return a key whose ports were tried in these seconds, judged so many seconds later."""
    last = max(ports.values())
    return Counted(last * SECOND, ports, answered, (last + later) * SECOND)


def test_as_many_ports_as_the_threshold_are_no_scan() -> None:
    """Above means above."""
    detection = Detection(Config(ports=10, window=30))

    assert detection.judge(row(dict.fromkeys(range(10), 100))) is None
    assert detection.judge(row(dict.fromkeys(range(11), 100))) is not None


def test_a_finding_says_what_was_measured() -> None:
    """Maltrail's words (E-7), and how wide the scan was with a sample of its ports."""
    finding = Detection(Config()).judge(row(dict.fromkeys(range(100, 125), 100)))

    assert finding is not None
    assert (finding.type, finding.info) == ("IP", "potential port scanning")
    assert finding.evidence == {
        "ports": 25,
        "window_seconds": 30,
        "sample_ports": ",".join(map(str, range(100, 120))),
    }


def test_only_ports_within_the_window_count() -> None:
    """The window ends with the last probe and slides with it."""
    detection = Detection(Config(ports=3, window=10))

    assert detection.judge(row({1: 100, 2: 101, 3: 102, 4: 110})) is None
    assert detection.judge(row({1: 101, 2: 101, 3: 102, 4: 110})) is not None


def test_a_slow_scan_is_seen_in_the_long_window() -> None:
    """One port a minute: never two in half a minute, more than the threshold in a quarter hour."""
    detection = Detection(Config(slow_ports=8, slow_window=900))
    ports = {port: 1000 + 60 * port for port in range(9)}

    finding = detection.judge(row(ports, later=GRACE_SECONDS))

    assert finding is not None
    assert finding.slow
    assert (finding.evidence["ports"], finding.evidence["window_seconds"]) == (9, 900)


def test_what_was_answered_is_no_slow_scan() -> None:
    """Nor what may still be answered: a client of many services is none."""
    detection = Detection(Config(slow_ports=8))
    ports = {port: 1000 + 60 * port for port in range(9)}

    assert detection.judge(row(ports, frozenset({4}), GRACE_SECONDS)) is None
    assert detection.judge(row(ports, later=GRACE_SECONDS - 1)) is None
    assert Detection(Config(slow_ports=8, slow_window=0)).judge(row(ports, later=60)) is None


def test_the_table_has_room_above_the_threshold() -> None:
    """Evidence must not end at the threshold."""
    table = Detection(Config(ports=50, window=5)).table

    assert (table.window, table.level) == (5, 50)
    assert table.items > 50


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ports": 0}, "ports: expected 1 to 1024, found 0"),
        ({"window": 0}, "window: expected 1 to 3600 seconds, found 0"),
        ({"slow_ports": 99}, "slow_ports: expected 1 to 42, found 99"),
        ({"slow_window": 20}, "slow_window: expected 30 to 3600 seconds, or 0, found 20"),
        ({"portz": 1}, "portz: unknown key; did you mean 'ports'?"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(settings: dict[str, int], said: str) -> None:
    """One line, with the key below `detections`."""
    with pytest.raises(ConfigError) as error:
        convert(settings, Config, "detections.port_scan")

    assert str(error.value) == f"detections.port_scan: {said}"
