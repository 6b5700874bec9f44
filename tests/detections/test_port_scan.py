"""Port scan: more ports than the threshold of one host, tried by one source within a window."""

from typing import NamedTuple

import pytest

from agent.config import ConfigError, convert
from agent.detections.port_scan import Config, Detection

SECOND = 1_000_000


class Row(NamedTuple):
    """What a counter hands on."""

    last_us: int
    items: dict[int, int]


def row(ports: dict[int, int]) -> Row:
    """Return a key whose ports were tried in these seconds."""
    return Row(max(ports.values()) * SECOND, ports)


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
        ({"portz": 1}, "portz: unknown key; did you mean 'ports'?"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(settings: dict[str, int], said: str) -> None:
    """One line, with the key below `detections`."""
    with pytest.raises(ConfigError) as error:
        convert(settings, Config, "detections.port_scan")

    assert str(error.value) == f"detections.port_scan: {said}"
