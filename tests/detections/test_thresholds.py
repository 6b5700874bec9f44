"""The keys of scans, sweeps and floods: what nothing or everything would reach is refused."""

import pytest

from agent.behaviours import load
from agent.config import ConfigError, Options

REFUSED = [
    ("udp_scan", {"ports": 43}, "ports: expected 1 to 42, found 43"),
    ("udp_scan", {"slow_window": 10}, "slow_window: expected 30 to 3600 seconds, or 0, found 10"),
    ("host_sweep", {"hosts": 0}, "hosts: expected 1 to 42, found 0"),
    ("host_sweep", {"slow_hosts": 43}, "slow_hosts: expected 1 to 42, found 43"),
    ("infection_scan", {"hosts": 1025}, "hosts: expected 1 to 1024, found 1025"),
    ("infection_scan", {"window": 3601}, "window: expected 1 to 3600 seconds, found 3601"),
    ("syn_flood", {"packets": 0}, "packets: expected 1 to 100000000, found 0"),
    ("udp_flood", {"factor": 0}, "factor: expected 1 to 1000, found 0"),
    ("icmp_flood", {"seconds": 61}, "seconds: expected 1 to 60, found 61"),
    ("beaconing", {"contacts": 7}, "contacts: expected 8 to 100, found 7"),
    ("beaconing", {"jitter": 46}, "jitter: expected 1 to 45 percent, found 46"),
    ("beaconing", {"window": 599}, "window: expected 600 to 86400 seconds, found 599"),
    ("reflection", {"packet": 5}, "packet: unknown key; did you mean 'packets'?"),
]


@pytest.mark.parametrize(("name", "keys", "said"), REFUSED)
def test_thresholds_that_make_no_sense_are_refused(
    name: str, keys: dict[str, int], said: str
) -> None:
    """One line, with the key below `detections`."""
    with pytest.raises(ConfigError) as error:
        load(Options({name: keys}))

    assert str(error.value) == f"detections.{name}: {said}"


@pytest.mark.parametrize("name", ["port_scan", "udp_scan", "host_sweep", "infection_scan"])
def test_the_long_window_can_be_left_out(name: str) -> None:
    """A window of 0 seconds is none."""
    made = load(Options({name: {"slow_window": 0}}))[name]

    assert made.table.slow_window == 0  # type: ignore[union-attr]
