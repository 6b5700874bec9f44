"""A MISP feed over HTTPS: its manifest, then the events that changed, newest first."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.config import Options, Settings, Update
from agent.trails.publish import current_set
from agent.trails.set import TrailSet
from feeds._fetch import Fetcher
from feeds._result import ListReport, UpdateResult
from feeds._update import update
from tests.feeds.list_server import Answer, ListServer
from tests.feeds.test_misp_list import attribute, event

HOUR = 3600.0
UUIDS = [f"00000000-0000-4000-8000-{number:012}" for number in range(20)]


class Feed:
    """A feed of events on a server, and an agent that uses it."""

    def __init__(self, server: ListServer, state: Path, certificate: Path) -> None:
        self.server = server
        self.state = state
        self.certificate = certificate
        self.now = 1_785_000_000.0
        self.changed: dict[str, int] = {}
        self.fetcher = Fetcher(pause=_ignore, workers=1)

    def put(self, number: int, name: str) -> None:
        """Add an event that names one host, or change it."""
        uuid = UUIDS[number]
        body = json.dumps(
            event(attribute("domain", name, timestamp=str(int(self.now))), uuid=uuid)
        ).encode()
        self.server.serve(f"/feed/{uuid}.json", body)
        self.changed[uuid] = int(self.now) + number
        self.index()

    def index(self, extra: Mapping[str, Any] | None = None) -> None:
        """Serve the manifest."""
        manifest = {
            uuid: {"info": "x", "date": "2026-07-01", "timestamp": str(changed)}
            for uuid, changed in self.changed.items()
        }
        self.server.serve("/feed/manifest.json", json.dumps(manifest | dict(extra or {})).encode())

    def update(self) -> UpdateResult:
        """Run an update an hour later; tell what the server was asked for."""
        self.now += HOUR
        self.server.requests.clear()
        entry = Options(
            name="soc",
            url=f"{self.server.url}/feed/manifest.json",
            format="misp",
            period="1h",
            info="{event}",
            ca_file=str(self.certificate),
        )
        settings = Settings(update=Update(defaults=False, lists=(entry,)))
        return update(settings, self.state, self.now, fetcher=self.fetcher, progress=_ignore)

    def asked(self) -> list[str]:
        """Return the files that the last update asked for."""
        return [path.rpartition("/")[2].removesuffix(".json") for path, _ in self.server.requests]

    def names(self) -> set[str]:
        """Return the keys of the set in use."""
        current = current_set(self.state)
        assert current is not None
        trails = TrailSet.open(current)
        return {trails.row(number).key for number in range(trails.info.keys)}

    def report(self, result: UpdateResult) -> ListReport:
        """Return what became of the feed."""
        (report,) = result.lists
        return report


@pytest.fixture
def feed(server: ListServer, tmp_path: Path, certificate: Path) -> Iterator[Feed]:
    """Return a feed of three events."""
    feed = Feed(server, tmp_path / "state", certificate)
    for number, name in enumerate("abc"):
        feed.put(number, f"{name}.evil.org")
    yield feed
    assert not list((tmp_path / "state").glob("*/.*.new")), "a temporary file was left behind"


def test_all_events_of_a_manifest_are_read_newest_first(feed: Feed) -> None:
    """What matters most comes first, in case the time does not do."""
    result = feed.update()

    assert result.status == "published"
    assert feed.names() == {"a.evil.org", "b.evil.org", "c.evil.org"}
    assert feed.asked() == ["manifest", UUIDS[2], UUIDS[1], UUIDS[0]]


def test_only_events_that_changed_are_asked_for(feed: Feed) -> None:
    """Others are taken from the copy; one that the manifest no longer names goes."""
    feed.update()
    feed.put(1, "changed.evil.org")
    del feed.changed[UUIDS[0]]
    feed.index()

    result = feed.update()

    assert result.status == "published"
    assert feed.asked() == ["manifest", UUIDS[1]]
    assert feed.names() == {"changed.evil.org", "c.evil.org"}


def test_feed_in_which_nothing_changed_is_unchanged(feed: Feed) -> None:
    """The same events make the same copy."""
    feed.update()

    result = feed.update()

    assert result.status == "unchanged"
    assert feed.asked() == ["manifest"]


def test_event_that_fails_stays_as_it_was_and_is_asked_again(feed: Feed) -> None:
    """Even where the server says that the manifest has not changed."""
    feed.update()
    feed.put(1, "changed.evil.org")
    page = feed.server.pages[f"/feed/{UUIDS[1]}.json"]
    feed.server.pages[f"/feed/{UUIDS[1]}.json"] = Answer(b"not now", 404)
    feed.update()
    assert feed.names() == {"a.evil.org", "b.evil.org", "c.evil.org"}
    feed.server.pages[f"/feed/{UUIDS[1]}.json"] = page

    feed.update()

    assert feed.asked() == ["manifest", UUIDS[1]]
    assert feed.names() == {"a.evil.org", "changed.evil.org", "c.evil.org"}


def test_server_that_is_down_is_not_asked_for_every_event(feed: Feed) -> None:
    """The list fails, and says why; the next update tries again."""
    for number in range(3, 20):
        feed.put(number, f"{number}.evil.org")
    for path in list(feed.server.pages):
        if "manifest" not in path:
            feed.server.pages[path] = Answer(b"not now", 404)

    report = feed.report(feed.update())

    assert (report.outcome, report.error) == ("missing", "answered with status 404")
    assert len(feed.asked()) == 6


def test_what_there_is_no_time_for_comes_with_the_next_update(feed: Feed) -> None:
    """An update takes what its time allows, newest first."""
    clock = 0.0
    for number in (1, 2):
        page = feed.server.pages[f"/feed/{UUIDS[number]}.json"]

        def slow(headers: Mapping[str, str], page: Answer | Any = page) -> Answer:
            nonlocal clock
            del headers
            clock += 200.0
            assert isinstance(page, Answer)
            return page

        feed.server.pages[f"/feed/{UUIDS[number]}.json"] = slow
    feed.fetcher = Fetcher(pause=_ignore, workers=1, clock=lambda: clock)

    rows = [feed.report(feed.update()).rows for _ in range(2)]

    assert rows == [1, 3]


def test_damaged_event_costs_that_event(feed: Feed) -> None:
    """An error page in its place, or half of it."""
    feed.server.serve(f"/feed/{UUIDS[1]}.json", b"<html>error</html>")

    report = feed.report(feed.update())

    assert feed.names() == {"a.evil.org", "c.evil.org"}
    assert (report.rows, report.rejected) == (2, 1)


@pytest.mark.parametrize("name", ["../../etc/passwd", "https://elsewhere.example/x", "x", ""])
def test_name_that_leads_elsewhere_is_not_followed(feed: Feed, name: str) -> None:
    """Events are files beside the manifest, named after their UUID."""
    feed.index({name: {"timestamp": "9999999999"}})

    assert feed.update().status == "published"
    assert feed.asked() == ["manifest", UUIDS[2], UUIDS[1], UUIDS[0]]


def test_feed_in_a_folder_is_read_from_there(feed: Feed, tmp_path: Path) -> None:
    """A mirror without a server."""
    folder = tmp_path / "feed"
    folder.mkdir()
    for path, page in feed.server.pages.items():
        assert isinstance(page, Answer)
        (folder / path.rpartition("/")[2]).write_bytes(page.body)
    entry = Options(name="soc", url=str(folder / "manifest.json"), format="misp")
    settings = Settings(update=Update(defaults=False, lists=(entry,)))

    result = update(settings, feed.state, feed.now, progress=_ignore)

    assert (result.status, result.keys) == ("published", 3)


def _ignore(value: object) -> None:
    del value
