"""An output that fails for long is told through the others, and so is that it works again."""

from agent.deliver.failures import CALM, LIMIT, Failures, Sign
from agent.faults import Faults
from agent.ids import derived_ids
from agent.model import Event
from agent.notices import AgentNotices

NOW_US = 1_700_000_000_000_000
WELL = Sign(True, 0, "", 0)


class Clock:
    """Failures and a clock."""

    def __init__(self) -> None:
        self.failures = Failures(Faults(AgentNotices("sensor1", "", (), derived_ids(b"x"))))
        self.now = 0.0

    def told(self, sign: Sign | None, seconds: float = 1.0) -> list[Event]:
        """Let time pass and return what is told of one output, or of none."""
        self.now += seconds
        signs = {"siem": sign} if sign else {}
        return [*self.failures.tell(signs, self.now, NOW_US + int(self.now * 1_000_000))]


def test_a_restart_of_the_receiver_is_not_told() -> None:
    """Closed for less than the limit."""
    clock = Clock()
    clock.told(WELL)

    assert clock.told(Sign(False, 1, "refused", 5)) == []
    assert clock.told(Sign(False, 9, "refused", 5), LIMIT - 1) == []
    assert clock.told(Sign(True, 9, "refused", 0)) == []
    assert clock.told(Sign(True, 9, "refused", 0), CALM) == []
    assert clock.told(Sign(False, 10, "refused", 0)) == []


def test_a_receiver_that_stays_away_is_told_once_with_what_waits() -> None:
    """And what to do about it."""
    clock = Clock()
    clock.told(Sign(False, 1, "refused", 0))

    (event,) = clock.told(Sign(False, 8, "refused", 77), LIMIT)

    assert event.info == (
        "output siem has failed for 120 seconds (refused); see maltrail-agent test-outputs siem"
    )
    assert (event.state, event.evidence["waiting"]) == ("open", 77)
    assert clock.told(Sign(False, 90, "refused", 99), 3600) == []


def test_its_return_is_told_once_as_the_end_of_the_incident() -> None:
    """When it has worked for a while."""
    clock = Clock()
    clock.told(Sign(False, 1, "tls", 0))
    (begin,) = clock.told(Sign(False, 8, "tls", 0), LIMIT)

    assert clock.told(Sign(True, 8, "tls", 0)) == []
    (end,) = clock.told(Sign(True, 8, "tls", 0), CALM)

    assert (end.state, end.incident_id) == ("closed", begin.incident_id)
    assert end.info == "output siem works again; nothing is left to do"
    assert clock.told(Sign(True, 8, "tls", 0), 3600) == []


def test_refused_datagrams_count_although_the_socket_opens_each_time() -> None:
    """The refusal of one is seen with the next."""
    clock = Clock()
    clock.told(WELL)
    told: list[Event] = []
    for number in range(1, int(LIMIT / 5) + 2):
        told += clock.told(Sign(True, number, "refused", 0), 5.0)

    assert [event.state for event in told] == ["open"]


def test_an_output_that_is_no_longer_configured_ends_its_failure() -> None:
    """One of the same name that comes later begins anew."""
    clock = Clock()
    clock.told(Sign(False, 1, "refused", 0))
    assert clock.told(Sign(False, 2, "refused", 0), LIMIT)

    (event,) = clock.told(None)

    assert event.info == "output siem is no longer configured; nothing is left to do"
    assert clock.told(Sign(False, 5, "refused", 0)) == []
