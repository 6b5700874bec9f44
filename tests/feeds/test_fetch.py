"""Fetching: verified, conditional, bounded, retried, and never downgraded."""

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.config import ConfigError, Duration
from feeds._catalog import Feed
from feeds._fetch import Fetched, Fetcher, FetchError, Validators
from tests.feeds.list_server import Answer, ListServer, connect_proxy


class Clock:
    """A clock that pauses move forward."""

    def __init__(self, step: float = 0.0) -> None:
        self.now = 0.0
        self.step = step
        self.pauses: list[float] = []

    def __call__(self) -> float:
        """Return the time, and let some pass."""
        self.now += self.step
        return self.now

    def pause(self, seconds: float) -> None:
        """Let time pass without waiting for it."""
        self.pauses.append(seconds)
        self.now += seconds


class Site:
    """Fetches pages of one server into one folder."""

    def __init__(self, server: ListServer, folder: Path, certificate: Path | None) -> None:
        self.server = server
        self.target = folder / "fresh"
        self.certificate = certificate
        self.clock = Clock()
        self.proxy: str | None = None

    def fetch(self, url: str, known: Validators | None = None, **changes: Any) -> Fetched | None:
        """Fetch `url` as a list; changes are keys of the list."""
        ca_file = None if self.certificate is None else str(self.certificate)
        keys = {"name": "test", "format": "plain", "ca_file": ca_file, **changes}
        feed = Feed(url=url, info="x", reference="x", period=Duration(3600), **keys)
        fetcher = Fetcher(self.proxy, self.clock, self.clock.pause, lambda: 0.5)
        try:
            return fetcher.fetch(feed, self.target, known or Validators())
        finally:
            fetcher.close()


@pytest.fixture
def site(server: ListServer, tmp_path: Path, certificate: Path) -> Site:
    """Return a client of the HTTPS server that trusts its certificate."""
    return Site(server, tmp_path, certificate)


def test_list_is_stored_with_what_the_server_said_of_it(site: Site) -> None:
    """Body, digest and validators of a plain answer."""
    url = site.server.serve("/l", b"a.example.org\n", ETag='"1"', Last_Modified="yesterday")

    fetched = site.fetch(url)

    assert fetched is not None
    assert fetched.validators == Validators('"1"', "yesterday")
    assert site.target.read_bytes() == b"a.example.org\n"
    assert site.server.requests[0][1]["User-Agent"].startswith("maltrail-agent/")


def test_unchanged_list_is_not_sent_again(site: Site) -> None:
    """The server's own validators come back to it; 304 leaves the copy alone."""
    site.server.pages["/l"] = _not_modified_for('"1"')

    assert site.fetch(site.server.url + "/l", Validators('"1"', "yesterday")) is None
    assert site.server.requests[0][1]["If-Modified-Since"] == "yesterday"
    assert not site.target.exists()


def test_not_modified_without_a_question_is_an_error(site: Site) -> None:
    """304 to an unconditional request is no list."""
    site.server.pages["/l"] = Answer(status=304)

    with pytest.raises(FetchError, match="304"):
        site.fetch(site.server.url + "/l")


def test_compression_on_the_way_is_kept_for_the_reader(site: Site) -> None:
    """A gzip answer is stored as it came: the one bounded reader undoes it."""
    site.server.serve("/l", gzip.compress(b"x"), Content_Encoding="gzip")

    site.fetch(site.server.url + "/l")

    assert gzip.decompress(site.target.read_bytes()) == b"x"


def test_unknown_certificate_is_refused(server: ListServer, tmp_path: Path) -> None:
    """A server that nobody vouches for is not asked, and not asked again."""
    site = Site(server, tmp_path, None)

    with pytest.raises(FetchError, match="certificate"):
        site.fetch(server.serve("/l", b"a.example.org\n"))

    assert server.requests == []
    assert site.clock.pauses == []


def test_redirect_is_followed_but_never_to_plain_http(site: Site, plain_server: ListServer) -> None:
    """Https leads to https; a redirect to http is refused before it is asked."""
    site.server.serve("/l", b"x")
    site.server.pages["/moved"] = Answer(status=301, headers={"Location": "/l"})
    site.server.pages["/down"] = Answer(
        status=302, headers={"Location": plain_server.serve("/l", b"x")}
    )

    assert site.fetch(site.server.url + "/moved") is not None
    with pytest.raises(FetchError, match="https to http"):
        site.fetch(site.server.url + "/down")
    assert plain_server.requests == []


def test_redirects_in_a_circle_end(site: Site) -> None:
    """A server cannot send us round and round."""
    site.server.pages["/a"] = Answer(status=302, headers={"Location": "/a"})

    with pytest.raises(FetchError, match="redirects"):
        site.fetch(site.server.url + "/a")


def test_plain_http_needs_the_lists_consent(plain_server: ListServer, tmp_path: Path) -> None:
    """`insecure_http` fetches without TLS; the catalogue's check refuses it otherwise."""
    site = Site(plain_server, tmp_path, None)

    assert site.fetch(plain_server.serve("/l", b"x"), insecure_http=True) is not None
    with pytest.raises(ValueError, match="plain http"):
        site.fetch(plain_server.url + "/l")


def test_truncated_answer_is_an_error(site: Site) -> None:
    """Fewer bytes than promised are no list; it is tried again."""
    site.server.pages["/l"] = Answer(b"a.example.org\n", length=100)

    with pytest.raises(FetchError, match="truncated"):
        site.fetch(site.server.url + "/l")

    assert len(site.server.requests) == 3


def test_server_trouble_is_retried_with_growing_pauses(site: Site) -> None:
    """5xx twice, then data: the list is fetched after two jittered pauses."""
    site.server.pages["/l"] = _in_turn(Answer(status=503), Answer(status=500), Answer(b"x"))

    assert site.fetch(site.server.url + "/l") is not None
    assert site.clock.pauses == [2.0, 4.0]


def test_asked_pause_is_honoured_when_short(site: Site) -> None:
    """Retry-After of seconds is waited for; one of an hour ends this run's tries."""
    site.server.pages["/l"] = _in_turn(
        Answer(status=429, headers={"Retry-After": "7"}), Answer(b"x")
    )
    site.server.pages["/no"] = Answer(status=429, headers={"Retry-After": "3600"})

    assert site.fetch(site.server.url + "/l") is not None
    assert site.clock.pauses == [7.0]
    with pytest.raises(FetchError, match="429"):
        site.fetch(site.server.url + "/no")
    assert site.clock.pauses == [7.0]


def test_refusal_is_not_retried(site: Site) -> None:
    """404 stays 404."""
    with pytest.raises(FetchError, match="404"):
        site.fetch(site.server.url + "/nothing")

    assert len(site.server.requests) == 1


def test_size_is_bounded(site: Site) -> None:
    """More than max_mb is not read to its end."""
    url = site.server.serve("/l", bytes((1 << 20) + 1))

    with pytest.raises(FetchError, match="larger than 1 MB"):
        site.fetch(url, max_mb=1)


def test_time_is_bounded_over_all_tries(site: Site) -> None:
    """A list gets its time once: not again for each try or each byte."""
    site.clock.step = 4.0
    url = site.server.serve("/l", b"x" * 500_000)

    with pytest.raises(FetchError, match="within 10 seconds"):
        site.fetch(url, timeout=Duration(10))


def test_server_that_is_gone_is_an_error_after_three_tries(tmp_path: Path) -> None:
    """Nobody listens: said in one line."""
    site = Site(ListServer("https://127.0.0.1:1"), tmp_path, None)

    with pytest.raises(FetchError, match="no answer") as raised:
        site.fetch("https://127.0.0.1:1/l")

    assert len(site.clock.pauses) == 2
    assert "\n" not in str(raised.value)


def test_proxy_is_used_and_its_password_sent_to_it(site: Site) -> None:
    """Lists go through the proxy, verified end to end."""
    url = site.server.serve("/l", b"x")
    with connect_proxy() as (address, asked):
        site.proxy = f"http://user:word@{address}"

        assert site.fetch(url) is not None

    assert asked == [url.removeprefix("https://").removesuffix("/l"), "Basic dXNlcjp3b3Jk"]


def test_unreachable_proxy_tells_no_password(site: Site) -> None:
    """An error about the proxy can be logged."""
    site.proxy = "http://user:secret@127.0.0.1:1"

    with pytest.raises(FetchError) as raised:
        site.fetch(site.server.serve("/l", b"x"))

    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("proxy", ["127.0.0.1:3128", "socks5://h:1", "http://"])
def test_faulty_proxy_is_named(site: Site, proxy: str) -> None:
    """A proxy that cannot be used is an error with its key."""
    site.proxy = proxy

    with pytest.raises(ConfigError, match=r"update\.proxy"):
        site.fetch(site.server.url + "/l")


def test_file_is_copied_once(site: Site, tmp_path: Path) -> None:
    """A site without Internet names a file; while it is the same it is not copied again."""
    source = tmp_path / "mirror.txt"
    source.write_bytes(b"x")

    fetched = site.fetch(f"file://{source}")
    assert fetched is not None
    assert site.target.read_bytes() == b"x"
    assert site.fetch(str(source), fetched.validators) is None


def test_folder_means_the_file_named_after_the_list(site: Site, tmp_path: Path) -> None:
    """One folder of files serves all lists; a missing one is named."""
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "test.csv.gz").write_bytes(b"x")
    (mirror / "tester.csv").write_bytes(b"y")

    assert site.fetch(str(mirror)) is not None
    assert site.target.read_bytes() == b"x"
    with pytest.raises(FetchError, match="no file named other"):
        site.fetch(str(mirror), name="other")


def test_file_that_is_none_is_refused(site: Site, tmp_path: Path) -> None:
    """A missing file or a device is an error, not a hang."""
    for path in (tmp_path / "missing", Path("/dev/zero")):
        with pytest.raises(FetchError, match="no such file"):
            site.fetch(str(path))


def _not_modified_for(etag: str) -> Callable[[Mapping[str, str]], Answer]:
    def page(headers: Mapping[str, str]) -> Answer:
        return Answer(status=304) if headers.get("If-None-Match") == etag else Answer(b"x")

    return page


def _in_turn(*answers: Answer) -> Callable[[Mapping[str, str]], Answer]:
    pending = iter(answers)

    def page(headers: Mapping[str, str]) -> Answer:
        return next(pending)

    return page
