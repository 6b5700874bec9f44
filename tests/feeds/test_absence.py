"""Why what lists name is not in the set: each list's own word, from its last good copy."""

from pathlib import Path
from typing import Any

import pytest

from agent.config import Options, Settings, Trails, Update
from feeds._absence import Absence, absences
from feeds._update import FOLDER

NOW = 1_800_000_000.0


class Host:
    """A state folder with good copies of lists."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.lists: list[dict[str, Any]] = []
        (state / FOLDER).mkdir(parents=True)

    def add(self, name: str, text: str, **keys: Any) -> None:
        """Put a copy there as an update leaves it."""
        (self.state / FOLDER / name).write_text(text)
        self.lists.append(
            {
                "name": name,
                "url": f"https://lists.example.org/{name}",
                "format": "plain",
                "period": "1h",
                **keys,
            }
        )

    def asked(self, *wanted: str, trails: Trails | None = None) -> dict[str, str]:
        """Return what lists say of these keys."""
        lists = tuple(Options(entry) for entry in self.lists)
        settings = Settings(trails=trails or Trails(), update=Update(defaults=False, lists=lists))
        found: list[Absence] = list(absences(settings, self.state, wanted, NOW))
        assert len({absence.source for absence in found}) == len(found)
        return {absence.source: absence.reason for absence in found}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Return a host without lists."""
    return Host(tmp_path)


def test_an_address_that_too_few_lists_name_is_held_back(host: Host) -> None:
    """Those that name it are told, and how many it takes."""
    for name in ("v1", "v2", "v3"):
        text = "198.51.100.1\n198.51.100.11\n" if name == "v1" else "198.51.100.2\n"
        host.add(name, text, standing="vague")

    assert host.asked("198.51.100.1") == {
        "v1": "held back: fewer than 3 vague lists agree (trails.min_feeds)"
    }
    assert host.asked("198.51.100.2", trails=Trails(min_feeds=2)) == dict.fromkeys(
        ("v2", "v3"), "named, and not in the set in use: run maltrail-agent update"
    )


def test_a_quarantined_key_is_told_with_the_reason(host: Host) -> None:
    """By the list that names it."""
    host.add("hasty", "google.com\n10.1.2.3\nevil.org\n")

    assert host.asked("google.com") == {"hasty": "quarantined: a popular name"}
    assert host.asked("10.1.2.3") == {"hasty": "quarantined: a private or reserved address"}


def test_a_key_that_a_list_protects_is_told_with_that_list(host: Host) -> None:
    """Also where it protects the network around it."""
    host.add("shared", "192.0.2.0/24\ncdn.org\n", use="protect")
    host.add("hasty", "192.0.2.7\ncdn.org\n")

    assert host.asked("192.0.2.7") == {"hasty": "quarantined: named by the list shared"}
    assert host.asked("cdn.org") == {"hasty": "quarantined: named by the list shared"}


def test_an_old_and_an_excluded_key_are_left_out(host: Host) -> None:
    """By age, by the label the site does not want."""
    host.add("tor", "198.51.100.1\n", info="tor exit node")
    host.add(
        "old",
        "old.org,2001-01-01\n",
        format="csv",
        options={"header": "none", "value": 0, "last_seen": 1},
    )

    assert "max_age" in host.asked("old.org")["old"]
    trails = Trails(exclude_info="tor")
    assert host.asked("198.51.100.1", trails=trails) == {
        "tor": "left out: excluded by trails.exclude_info"
    }


def test_a_row_that_can_never_match_says_why(host: Host) -> None:
    """As the list spells it."""
    host.add("odd", "300.1.1.1\n300.1.1.11:80\nevil.org\n")

    assert host.asked("300.1.1.1") == {"odd": "rejected: is no IPv4 address"}
    assert host.asked("300.1.1") == {}


def test_only_the_key_itself_counts(host: Host) -> None:
    """Not what holds it as a part, and not what no list names."""
    host.add("one", "notevil.org\nevil.org.example.net\n198.51.100.11\n")

    assert host.asked("evil.org", "198.51.100.1") == {}


def test_lists_without_a_copy_say_nothing(host: Host) -> None:
    """They were never fetched."""
    host.add("one", "evil.org\n")
    (host.state / FOLDER / "one").unlink()

    assert host.asked("evil.org") == {}
