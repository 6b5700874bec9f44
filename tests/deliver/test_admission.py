"""Which events an output is given, and what is masked in them."""

import msgspec
import pytest

from agent.config import ConfigError, Output
from agent.deliver.admission import Admission
from agent.deliver.build import build
from agent.deliver.masking import MASK
from outputs._formats import FORMATS
from tests.outputs.samples import AGENT, EVENT, FULL, delivery

SECRET = msgspec.structs.replace(FULL, custom=True, info="own list")


def settings(**keys: object) -> Output:
    """Return the settings of an output."""
    return msgspec.convert({"name": "x", "type": "stdout", **keys}, Output)


@pytest.mark.parametrize(
    ("least", "severity", "expected"),
    [
        ("low", 1, False),
        ("low", 3, True),
        ("medium", 3, False),
        ("medium", 6, True),
        ("critical", 8, False),
        ("critical", 10, True),
        ("info", 0, False),
        ("info", 1, True),
    ],
)
def test_min_severity_is_compared_with_the_scale(least: str, severity: int, expected: bool) -> None:
    """The words are places on the scale from 0 to 10."""
    event = msgspec.structs.replace(EVENT, severity_id=severity)

    assert (Admission(settings(min_severity=least)).admit(event) is not None) == expected


def test_agent_events_pass_whatever_their_severity() -> None:
    """A heartbeat is informational, and wanted."""
    assert Admission(settings(min_severity="critical")).admit(AGENT) == AGENT


def test_agent_events_can_be_switched_off() -> None:
    """Then none passes."""
    assert Admission(settings(agent_events=False)).admit(AGENT) is None


@pytest.mark.parametrize(
    ("keys", "admitted"),
    [
        ({}, "trail-domain trail-ip behaviour-port_scan agent-loss agent-heartbeat"),
        ({"classes": ["trail-*"]}, "trail-domain trail-ip agent-loss agent-heartbeat"),
        (
            {"classes": ["trail-ip", "behaviour-port_*"]},
            "trail-ip behaviour-port_scan agent-loss agent-heartbeat",
        ),
        (
            {"exclude_classes": ["trail-d*", "agent-heartbeat"]},
            "trail-ip behaviour-port_scan agent-loss",
        ),
        (
            {"classes": ["trail-*"], "exclude_classes": ["trail-ip"], "agent_events": False},
            "trail-domain",
        ),
        ({"classes": ["agent-loss"]}, "agent-loss"),
        ({"classes": ["trail-ip", "agent-loss"]}, "trail-ip agent-loss"),
        ({"classes": ["agent-*"], "agent_events": False}, ""),
        ({"exclude_classes": ["*"]}, ""),
        ({"classes": ["behaviour-other"]}, "agent-loss agent-heartbeat"),
    ],
)
def test_classes_are_routed(keys: dict[str, object], admitted: str) -> None:
    """`classes` says which traffic, `exclude_classes` what not; agent events pass otherwise."""
    names = ["trail-domain", "trail-ip", "behaviour-port_scan", "agent-loss", "agent-heartbeat"]
    admission = Admission(settings(**keys))

    passed = [
        name
        for name in names
        if admission.admit(msgspec.structs.replace(EVENT, class_id=name)) is not None
    ]

    assert passed == admitted.split()


@pytest.mark.parametrize("key", ["classes", "exclude_classes"])
@pytest.mark.parametrize("pattern", ["trial-ip", "trail_ip", "TRAIL-*", ""])
def test_a_pattern_that_no_class_matches_is_refused(key: str, pattern: str) -> None:
    """A typing mistake must not silence an output, or leave it unfiltered."""
    with pytest.raises(ConfigError, match=f"outputs.x.{key}: '.*' matches no class; expected"):
        build(settings(**{key: [pattern]}))


def test_own_trails_are_masked_where_that_was_asked_for() -> None:
    """The indicator is in no field and no format; who spoke with whom stays."""
    masked = Admission(settings(mask_custom=True)).admit(SECRET)

    assert masked is not None
    assert (masked.trail, masked.indicator, masked.observed) == (MASK, MASK, MASK)
    assert masked.source == SECRET.source
    for render in FORMATS.values():
        assert "evil" not in render(delivery(masked))


def test_other_trails_are_not_masked() -> None:
    """Published lists are no secret."""
    assert Admission(settings(mask_custom=True)).admit(FULL) == FULL


def test_nothing_is_masked_by_default() -> None:
    """It is a choice for each output."""
    assert Admission(settings()).admit(SECRET) == SECRET
