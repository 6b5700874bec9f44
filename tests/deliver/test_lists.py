"""What deliver tells of lists: metrics always, an event where trouble lasts."""

import os
from pathlib import Path

import msgspec
from prometheus_client.metrics_core import Metric

from agent import health
from agent.deliver.lists import MAX_LISTS, Lists
from agent.health import ListHealth, UpdateHealth
from agent.ids import random_ids
from agent.notices import AgentNotices

NOW = 1_800_000_000
DAY = 86400.0
GOOD = ListHealth(name="urlhaus", last_success=NOW - 60, trails=5, rejected=1, size=9, seconds=0.5)


class Room:
    """A state folder that update writes to, and the lists as deliver sees them."""

    def __init__(self, state: Path) -> None:
        self.path = state / health.FILE
        self.path.parent.mkdir(parents=True)
        self.lists = Lists(state, AgentNotices("s", "", (), random_ids()))
        self.version = 0

    def write(self, *lists: ListHealth, status: str = "published", why: str = "") -> None:
        """Write as update does."""
        told = UpdateHealth(
            time=NOW, seconds=2.5, last_good=NOW, status=status, why=why, reason="", lists=lists
        )
        self.write_bytes(msgspec.json.encode(told))

    def write_bytes(self, data: bytes) -> None:
        """Write whatever; each write has a time of its own."""
        self.path.write_bytes(data)
        self.version += 1
        os.utime(self.path, ns=(self.version, self.version))

    def told(self, now: float) -> list[str]:
        """Return what the events of this moment say."""
        self.lists.refresh()
        events = list(self.lists.tell(int(now * 1e6)))
        assert {event.class_id for event in events} <= {"agent-list"}
        return [event.info for event in events]

    def samples(self) -> dict[tuple[str, str], float]:
        """Return all samples by name and first label."""
        self.lists.refresh()
        metrics: list[Metric] = list(self.lists.metrics())
        return {
            (sample.name, next(iter(sample.labels.values()), "")): sample.value
            for metric in metrics
            for sample in metric.samples
        }


def test_a_list_is_told_once_when_its_limit_is_over_and_once_when_it_is_good(
    tmp_path: Path,
) -> None:
    """Not before, not again, and the end is told too."""
    room = Room(tmp_path)
    bad = msgspec.structs.replace(GOOD, failing=NOW, limit=DAY, why="fetch", error="status 404")
    room.write(bad)

    assert room.told(NOW + DAY - 1) == []
    assert room.told(NOW + DAY) == ["list urlhaus: status 404"]
    assert room.told(NOW + DAY + 1) == []
    room.write(msgspec.structs.replace(bad, error="status 500"))
    assert room.told(NOW + DAY + 2) == []
    room.write(GOOD)
    assert room.told(NOW + DAY + 3) == ["list urlhaus: is good again"]
    assert room.told(NOW + DAY + 4) == []


def test_another_reason_is_told_anew(tmp_path: Path) -> None:
    """First expired, then signed by somebody else: that is news."""
    room = Room(tmp_path)
    bad = ListHealth(name="bundle", failing=NOW, why="expired", error="expired")
    room.write(bad, status="failed", why="expired")
    assert room.told(NOW) == ["list bundle: expired"]

    room.write(msgspec.structs.replace(bad, why="signature", error="by mallory"))

    assert room.told(NOW) == ["list bundle: by mallory"]


def test_a_list_that_is_turned_off_has_not_recovered(tmp_path: Path) -> None:
    """It is told no more; a set that is no longer refused has."""
    room = Room(tmp_path)
    bad = msgspec.structs.replace(GOOD, failing=NOW, why="fetch", error="status 404")
    room.write(bad, ListHealth(name=health.TRAIL_SET, failing=NOW, why="shrunk", error="shrank"))
    assert len(room.told(NOW)) == 2

    room.write()

    assert room.told(NOW) == ["list trail-set: is good again"]


def test_metrics_are_those_of_the_last_update(tmp_path: Path) -> None:
    """Gauges by list, and one series that says how it ended."""
    room = Room(tmp_path)
    assert room.samples() == {}
    room.write(GOOD, msgspec.structs.replace(GOOD, name="tor", failing=NOW), status="refused")

    found = room.samples()

    assert found["maltrail_agent_list_up", "urlhaus"] == 1
    assert found["maltrail_agent_list_up", "tor"] == 0
    assert found["maltrail_agent_list_trails", "urlhaus"] == 5
    assert found["maltrail_agent_list_size_bytes", "urlhaus"] == 9
    assert found["maltrail_agent_list_duration_seconds", "urlhaus"] == 0.5
    assert found["maltrail_agent_list_last_success_timestamp_seconds", "urlhaus"] == NOW - 60
    assert found["maltrail_agent_update_result", "refused"] == 1
    assert found["maltrail_agent_update_last_run_timestamp_seconds", ""] == NOW


def test_a_file_that_is_not_ours_changes_nothing(tmp_path: Path) -> None:
    """Half a file, a huge one: what was known stays, deliver goes on."""
    room = Room(tmp_path)
    room.write(GOOD)
    known = room.samples()
    for data in (b"{half", b"[]", b"\x00" * (health.MAX_BYTES + 10), b'{"time": "x"}'):
        room.write_bytes(data)

        assert room.samples() == known


def test_names_that_are_no_labels_and_too_many_lists_are_left_out(tmp_path: Path) -> None:
    """A metric label is for ever."""
    room = Room(tmp_path)
    odd = msgspec.structs.replace(GOOD, name='x"} 1\nfake', failing=1.0)
    many = [msgspec.structs.replace(GOOD, name=f"l{n}") for n in range(MAX_LISTS + 50)]
    room.write(odd, *many)

    found = room.samples()

    names = {label for name, label in found if name == "maltrail_agent_list_up"}
    assert len(names) == MAX_LISTS - 1
    assert room.told(NOW) == []


def test_before_the_first_update_there_is_nothing_to_tell(tmp_path: Path) -> None:
    """No file is no trouble."""
    lists = Lists(tmp_path, AgentNotices("s", "", (), random_ids()))
    lists.refresh()

    assert list(lists.metrics()) == list(lists.tell(NOW)) == []
