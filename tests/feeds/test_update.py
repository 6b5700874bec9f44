"""Updates end to end: lists over HTTPS to a published set; nothing bad replaces something good."""

import fcntl
import gzip
import io
import json
import os
import re
import resource
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from pathlib import Path
from threading import Barrier, Lock
from typing import Any

import msgspec
import pytest

from agent.config import ConfigError, Options, Settings, Trails, Update
from agent.trails.publish import current_set, rollback
from agent.trails.set import TrailSet
from feeds import plain
from feeds._fetch import Fetcher
from feeds._refresh import FETCHING
from feeds._result import ListReport, UpdateResult
from feeds._update import update
from tests.feeds.fault_server import Line, fault_server
from tests.feeds.list_server import Answer, ListServer

HOUR = 3600.0
DAY = 86400.0
GOOD = b"".join(b"%d.evil.example.org\n" % n for n in range(100))
"""A list long enough for its shrinking to mean something."""


class Host:
    """A host with its state folder and its lists on one server."""

    def __init__(self, server: ListServer, state: Path, certificate: Path) -> None:
        self.server = server
        self.state = state
        self.certificate = certificate
        self.now = 1_800_000_000.0
        self.lists: dict[str, dict[str, Any]] = {}
        self.trails = Trails()
        self.add("one", GOOD)

    def add(self, name: str, body: bytes, **keys: Any) -> None:
        """Serve a list and put it to use."""
        url = self.server.serve(f"/{name}", body)
        self.lists[name] = {
            "name": name,
            "url": url,
            "format": "plain",
            "period": "1h",
            "ca_file": str(self.certificate),
            **keys,
        }

    def update(self, **keys: Any) -> UpdateResult:
        """Run an update now."""
        return update(
            self.settings(),
            self.state,
            self.now,
            fetcher=Fetcher(pause=_ignore, workers=1),
            progress=_ignore,
            **keys,
        )

    def settings(self) -> Settings:
        """Return what the site has configured."""
        lists = tuple(Options(entry) for entry in self.lists.values())
        return Settings(trails=self.trails, update=Update(defaults=False, lists=lists))

    def report(self, result: UpdateResult, name: str = "one") -> ListReport:
        """Return what became of one list."""
        return next(report for report in result.lists if report.name == name)

    def keys(self) -> int:
        """Return how many keys the published set has, 0 without one."""
        current = current_set(self.state)
        return TrailSet.open(current).info.keys if current else 0


@pytest.fixture
def host(server: ListServer, tmp_path: Path, certificate: Path) -> Iterator[Host]:
    """Return a host with one good list, `one`, that was never fetched."""
    yield Host(server, tmp_path / "state", certificate)
    assert not list((tmp_path / "state").glob("*/.*.new")), "a temporary file was left behind"


def test_first_update_publishes_all_lists(host: Host) -> None:
    """Lists are fetched, merged and published; the result says so in words and as a status."""
    host.add("two", b"198.51.100.7:443\n")

    result = host.update()

    assert result.status == "published"
    assert result.exit_status == 0
    assert result.keys == host.keys() == 101
    assert [report.outcome for report in result.lists] == ["new", "new"]
    assert host.report(result, "two").added == 1


def test_lists_are_asked_when_due_and_not_before(host: Host) -> None:
    """Within its period a list is left alone; after it, it is asked once more."""
    host.update()
    host.now += HOUR / 2

    assert host.report(host.update()).outcome == "not due"
    assert len(host.server.requests) == 1
    host.now += HOUR / 2
    result = host.update()

    assert host.report(result).outcome == "unchanged"
    assert result.status == "unchanged"
    assert len(host.server.requests) == 2


def test_unchanged_list_costs_a_conditional_request(host: Host) -> None:
    """The server's 304 keeps the copy and counts as a success."""
    host.server.serve("/one", GOOD, ETag='"7"')
    host.update()
    host.server.pages["/one"] = Answer(status=304)
    host.now += HOUR

    result = host.update()

    assert host.server.requests[-1][1]["If-None-Match"] == '"7"'
    assert host.report(result).outcome == "unchanged"
    assert host.report(result).age == HOUR
    assert result.exit_status == 0


def test_the_same_bytes_again_are_not_read_again(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that knows no conditions sends all of it; the copy at hand is as good."""
    host.update()
    host.now += HOUR
    monkeypatch.setattr(plain, "indicator", _broken)

    result = host.update()

    assert host.report(result).outcome == "unchanged"
    assert (result.status, host.report(result).error) == ("unchanged", "")
    assert (host.state / "lists/one").read_bytes() == GOOD


def test_changed_list_is_published(host: Host) -> None:
    """New rows of a list that is due are in the next set."""
    host.update()
    host.server.serve("/one", GOOD + b"new.example.org\n")
    host.now += HOUR

    assert host.update().status == "published"
    assert host.keys() == 101


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (Answer(b"oops", 500), "500"),
        (Answer(b"gone", 404), "404"),
        (Answer(b"<!DOCTYPE html><html>portal</html>"), "HTML"),
        (Answer(b""), "empty"),
        (Answer(b"# nothing today\n"), "empty"),
        (Answer(GOOD, length=5000), "truncated"),
        (Answer(gzip.compress(GOOD)[:-20]), "truncated"),
        (Answer(GOOD[:900]), "shrank from 100"),
        (Answer(b"Sorry, try later\n" * 100), "all 100 rows were rejected"),
        (Answer(b"Sorry, try later\n" * 100 + GOOD[:1900]), "of .* rows were rejected"),
        (Answer(b"\xff\xfe" * 5000), "UTF-16"),
        (Answer(b"x" * 100_000), "longer than"),
    ],
)
def test_bad_copy_never_replaces_a_good_one(host: Host, bad: Answer, why: str) -> None:
    """Whatever a server sends, the last good rows serve on, and the reason is told."""
    host.add("two", b"two.example.org\n")
    host.update()
    host.server.pages["/one"] = bad
    host.server.serve("/two", b"two.example.org\nthree.example.org\n")
    host.now += HOUR

    result = host.update()

    report = host.report(result)
    assert report.outcome == "kept"
    assert re.search(why, report.error)
    assert report.rows == 100
    assert result.status == "published"
    assert host.keys() == 102


def test_slow_lists_do_not_hold_up_the_set(host: Host) -> None:
    """All lists together have a time limit; who is not asked by then is asked at the next run."""
    now = 0.0

    def slow(headers: Mapping[str, str]) -> Answer:
        nonlocal now
        now += FETCHING / 2
        return Answer(GOOD)

    for name in ("three", "two", "zero"):
        host.add(name, b"", timeout="1h")
        host.server.pages[f"/{name}"] = slow
    fetcher = Fetcher(clock=lambda: now, pause=_ignore, workers=1)

    result = update(host.settings(), host.state, host.now, fetcher=fetcher, progress=_ignore)

    assert [(report.name, report.outcome) for report in result.lists] == [
        ("one", "new"),
        ("three", "new"),
        ("two", "missing"),
        ("zero", "missing"),
    ]
    assert "not finished within 360 seconds" in host.report(result, "two").error
    assert (result.status, host.keys()) == ("published", 100)
    assert [path for path, _ in host.server.requests] == ["/one", "/three", "/two"]
    host.server.serve("/zero", b"late.example.org\n")

    assert host.report(host.update(), "zero").outcome == "new"


def test_every_list_down_is_a_failure_and_the_set_stays(host: Host) -> None:
    """An update that reached nobody says so with status 4; detection goes on with what there is."""
    host.update()
    host.server.pages.clear()
    host.now += HOUR

    result = host.update()

    assert result.status == "failed"
    assert result.exit_status == 4
    assert host.keys() == 100


def test_first_update_without_network_fails_and_publishes_nothing(host: Host) -> None:
    """No copy, no set: status 4."""
    host.server.pages.clear()

    result = host.update()

    assert result.exit_status == 4
    assert result.reason == "no list is available: one: answered with status 404"
    assert host.report(result).outcome == "missing"
    assert current_set(host.state) is None


def test_failing_list_is_asked_less_and_less_often_up_to_its_period(host: Host) -> None:
    """A list that is down is tried again after 15 minutes, then 30, never later than its period."""
    host.lists["one"]["period"] = "1h"
    host.server.pages.clear()
    asked = []
    for _ in range(16):
        before = len(host.server.requests)
        host.update()
        asked.append(len(host.server.requests) > before)
        host.now += 900

    assert [n for n, was_asked in enumerate(asked) if was_asked] == [0, 1, 3, 7, 11, 15]


def test_set_that_shrinks_by_more_than_half_is_refused(host: Host) -> None:
    """Two small lists vanish from the configuration: status 3 until a person says yes."""
    host.add("two", GOOD.replace(b"evil", b"other") + GOOD.replace(b"evil", b"more"))
    host.update()
    del host.lists["two"]
    del host.lists["one"]
    host.add("three", b"three.example.org\n")

    result = host.update()

    assert result.status == "refused"
    assert result.exit_status == 3
    assert "--force" in result.reason
    assert host.keys() == 300
    assert host.update(force=True).status == "published"
    assert host.keys() == 1


def test_a_set_that_more_than_doubles_is_refused(host: Host) -> None:
    """A list that suddenly names ten times as much is a mistake of its publisher, or worse."""
    host.update()
    host.server.serve("/one", b"".join(b"%d.more.example.org\n" % n for n in range(1000)))
    host.now += HOUR

    result = host.update()

    assert (result.status, result.exit_status, result.why) == ("refused", 3, "grown")
    assert host.keys() == 100
    assert host.update(force=True).status == "published"


def test_a_list_that_the_site_turns_on_is_no_growth(host: Host) -> None:
    """The first large list beside a small one needs nobody's word."""
    host.update()
    host.add("big", b"".join(b"%d.more.example.org\n" % n for n in range(1000)))

    assert host.update().status == "published"
    assert host.keys() == 1100


def test_a_set_that_newly_names_a_popular_site_is_refused(host: Host) -> None:
    """Quarantine keeps such names out; a trusted list's need a person's word, once."""
    host.add("two", b"two.example.org\n", trusted=True)
    host.update()
    host.server.serve("/two", b"two.example.org\nwindowsupdate.com\n")
    host.now += HOUR

    result = host.update()

    assert (result.exit_status, result.why) == (3, "popular")
    assert "windowsupdate.com" in result.reason
    assert host.update(force=True).status == "published"
    host.server.serve("/one", GOOD + b"new.example.org\n")
    host.now += HOUR
    assert host.update().status == "published"


def test_a_popular_provider_is_no_popular_site(host: Host) -> None:
    """Of free web hosting only the customers' names alert."""
    host.update()
    host.add("hosting", b"wixsite.com\n", info="free web hosting (suspicious)")

    assert host.update().status == "published"
    assert host.keys() == 101


def test_force_accepts_a_shrunk_list_but_no_empty_one(host: Host) -> None:
    """A person may say that a list is really this short now; nobody may publish a portal page."""
    host.update()
    host.server.serve("/one", GOOD[:900])

    assert host.report(host.update(force=True)).outcome == "new"
    host.server.serve("/one", b"<html>")
    assert host.report(host.update(force=True)).outcome == "kept"


def test_set_without_keys_is_never_published(host: Host) -> None:
    """Rows that may not be in a set leave it empty: refused, forced or not."""
    host.lists.clear()
    host.add("private", b"10.1.2.3\n")

    assert host.update().status == "refused"
    assert host.update(force=True).status == "refused"
    assert current_set(host.state) is None


def test_list_that_may_be_empty_is_accepted_empty(host: Host) -> None:
    """A dormant list without rows is no failure."""
    host.add("dormant", b"# END 0 entries\n", may_be_empty=True)

    result = host.update()

    assert host.report(result, "dormant").outcome == "new"
    assert result.exit_status == 0


def test_dry_run_reports_and_changes_nothing(host: Host) -> None:
    """What would be published is told; copies, state and set stay as they were."""
    host.update()
    before = {path: path.read_bytes() for path in host.state.rglob("*") if path.is_file()}
    host.server.serve("/one", GOOD + b"new.example.org\n")
    host.now += HOUR

    result = host.update(dry_run=True)

    assert result.dry_run
    assert (result.status, result.keys) == ("published", 101)
    assert before == {path: path.read_bytes() for path in host.state.rglob("*") if path.is_file()}


def test_only_names_the_lists_to_ask(host: Host) -> None:
    """One list is asked, the good copies of the others are merged with it."""
    host.add("two", b"two.example.org\n")
    host.update()
    host.server.serve("/one", GOOD + b"new.example.org\n")
    host.server.serve("/two", b"other.example.org\n")

    host.update(force=True, only=["one"])

    assert host.keys() == 102
    assert [path for path, _ in host.server.requests] == ["/one", "/two", "/one"]


def test_only_with_an_unknown_name_is_an_error(host: Host) -> None:
    """A typo is told, with the names in use."""
    with pytest.raises(ConfigError, match="'onne' is not in use; in use: one"):
        host.update(only=["onne"])


def test_removed_list_leaves_the_set(host: Host) -> None:
    """A list that the site no longer wants is not in the next set, without any download."""
    host.add("two", b"two.example.org\n")
    host.update()
    del host.lists["two"]

    assert host.update().status == "published"
    assert host.keys() == 100


def test_changed_rules_rebuild_the_set(host: Host) -> None:
    """trails.exclude_info works at the next update, not when some list changes."""
    host.add("tor", b"198.51.100.7\n", info="tor exit node")
    host.update()
    host.trails = Trails(exclude_info="^tor")

    assert host.update().status == "published"
    assert host.keys() == 100


def test_rolled_back_set_stays_until_lists_change(host: Host) -> None:
    """The timer does not undo what a person decided."""
    host.update()
    host.server.serve("/one", GOOD + b"false-positive.example.org\n")
    host.now += HOUR
    host.update()
    rollback(host.state)
    host.now += HOUR

    assert host.update().status == "unchanged"
    assert host.keys() == 100


def test_damaged_state_costs_a_download_and_nothing_else(host: Host) -> None:
    """A state file that cannot be read is forgotten; copies are read again."""
    host.update()
    (host.state / "lists/state.json").write_bytes(b"{half")

    result = host.update()

    assert result.exit_status == 0
    assert host.report(result).rows == 100


def test_damaged_copy_is_replaced_and_never_merged(host: Host) -> None:
    """Rubbish on disk in place of a copy is noticed by its digest and fetched anew."""
    host.update()
    (host.state / "lists/one").write_bytes(b"\x00" * 300)

    result = host.update()

    assert host.report(result).outcome == "new"
    assert result.exit_status == 0
    assert host.keys() == 100


def test_a_damaged_current_set_is_no_memory_and_is_replaced(host: Host) -> None:
    """Its days are lost; the next set is built all the same."""
    host.update()
    current = current_set(host.state)
    assert current is not None
    data = bytearray(current.read_bytes())
    data[5000:] = bytes(len(data) - 5000)
    current.chmod(0o600)
    current.write_bytes(data)
    host.server.serve("/one", GOOD + b"new.example.org\n")
    host.now += HOUR

    assert host.update().status == "published"
    assert host.keys() == 101


def test_lost_set_is_built_again_from_copies(host: Host) -> None:
    """Without a current set the good copies make one, asked or not."""
    host.update()
    (host.state / "sets/current").unlink()

    result = host.update()

    assert result.exit_status == 0
    assert host.keys() == 100


def test_second_update_at_the_same_time_steps_back(host: Host) -> None:
    """The timer and a person do not write the same files at once."""
    host.update()
    with (host.state / "lists/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        result = host.update()

    assert (result.exit_status, result.reason) == (4, "another update is running")


def test_fault_in_one_format_does_not_stop_the_others(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected error in one list is reported with it; the rest is published."""
    host.add("two", b"1\n", format="maltrail", options={"form": "list"}, info="x")
    monkeypatch.setattr(plain, "indicator", _broken)

    result = host.update()

    assert "fault in the format" in host.report(result, "one").error
    assert host.report(result, "two").outcome == "new"


def test_full_disk_fails_the_update_and_keeps_the_set(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No space for the new set: status 4 with the reason; the current one stays."""
    host.update()
    host.server.serve("/one", GOOD + b"new.example.org\n")
    host.now += HOUR
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2500, hard))
    try:
        result = host.update()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert result.exit_status == 4
    assert "large" in result.reason
    assert host.keys() == 100


def test_a_folder_carried_from_another_host_serves_all_lists(host: Host, tmp_path: Path) -> None:
    """A host without Internet reads what a host with it keeps under `lists`."""
    host.add("two", b"two.example.org\n")
    host.update()
    carried = tmp_path / "carried"
    (host.state / "lists").rename(carried)
    host.server.requests.clear()
    settings = host.settings()
    mirrored = msgspec.structs.replace(settings.update, mirror=str(carried))
    there = msgspec.structs.replace(settings, update=mirrored)

    result = update(there, tmp_path / "there", host.now, progress=_ignore)

    assert (result.status, result.keys) == ("published", 101)
    assert host.server.requests == []
    (carried / "two").unlink()
    result = update(there, tmp_path / "there", host.now + DAY, progress=_ignore)
    assert "no file named two" in host.report(result, "two").error
    assert (host.report(result, "two").why, result.exit_status) == ("file", 0)


def test_lists_are_fetched_side_by_side_and_few_at_once(tmp_path: Path) -> None:
    """As many as there are workers are under way together, never more."""
    together = Barrier(3)
    lock = Lock()
    now = most = 0

    def page(line: Line) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(5)
        line.answer(b"%b.example.org\n" % line.path[1:].encode())
        with lock:
            now -= 1

    with fault_server(None) as server:
        lists = []
        for name in ("a", "b", "c", "d", "e", "f"):
            server.pages[f"/{name}"] = page
            url = f"{server.url}/{name}"
            lists.append(Options(name=name, url=url, format="plain", insecure_http=True))
        settings = Settings(update=Update(defaults=False, lists=tuple(lists)))
        fetcher = Fetcher(workers=3, pause=_ignore)

        result = update(settings, tmp_path, 1.8e9, fetcher=fetcher, progress=_ignore)

    assert (result.status, result.keys) == ("published", 6)
    assert most == 3
    assert [report.name for report in result.lists] == ["a", "b", "c", "d", "e", "f"]


def test_a_person_at_a_terminal_sees_progress_and_a_log_does_not(host: Host) -> None:
    """One line that is written over, never longer than the terminal, and gone at the end."""
    host.add("two", b"two.example.org\n")
    seen, terminal = os.openpty()
    with os.fdopen(terminal, "w") as stream, redirect_stderr(stream):
        update(host.settings(), host.state, host.now, fetcher=Fetcher(pause=_ignore))
        stream.flush()
        written = ""
        while not written.endswith("building ...\r\x1b[K"):
            written += os.read(seen, 65536).decode()
    os.close(seen)
    log = io.StringIO()
    with redirect_stderr(log):
        update(host.settings(), host.state, host.now + HOUR, fetcher=Fetcher(pause=_ignore))

    shown = written.split("\r\x1b[K")
    assert "1 of 2 lists" in shown[1]
    assert "building ..." in shown
    assert shown[-1] == ""
    assert all(len(line) < 80 for line in shown)
    assert log.getvalue() == ""


def test_result_and_state_are_plain_data(host: Host) -> None:
    """Both can be shown as JSON, for `--json` and the table of lists."""
    result = host.update()

    shown = json.loads(msgspec.json.encode(result))

    assert shown["lists"][0]["name"] == "one"
    state = json.loads((host.state / "lists/state.json").read_bytes())
    assert state["lists"]["one"]["rows"] == 100


def _ignore(value: object) -> None:
    del value


def _broken(text: str) -> str:
    raise ZeroDivisionError(text)
