"""Every fault that a server can have: each time the old set stands, and all places say why."""

import gzip
import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent import cli, health
from agent.config import Duration, Options, Origin, Settings, Update
from agent.deliver.lists import Lists
from agent.ids import random_ids
from agent.model import Source, Trail
from agent.notices import AgentNotices
from agent.trails.build import Builder
from agent.trails.publish import current_set
from agent.trails.set import TrailSet
from feeds import _bundle, _signing
from feeds._bundle import MANIFEST
from feeds._fetch import Fetcher
from feeds._result import UpdateResult
from feeds._update import update
from tests.feeds.fault_server import WAIT, Authority, Fault, FaultServer, Line, fault_server

NOW = 1_800_000_000.0
HOUR = 3600.0
DAY = 86400.0
GOOD = b"".join(b"%d.evil.example.org\n" % n for n in range(100))
QUIET = 0.15
"""Seconds without a byte after which a server that hangs is taken for dead here."""

SPEED = 10
"""How much faster than the wall's a clock runs that makes a list's second a tenth."""


class Site:
    """An agent with one list, or one publisher, and the server that both are on."""

    def __init__(self, server: FaultServer, state: Path, authority: Authority) -> None:
        self.server = server
        self.state = state
        self.now = NOW
        self.ca_file = authority.file
        self.url = server.serve("/one", GOOD)
        self.keys: dict[str, Any] = {}
        self.origin: Origin | None = None
        self.fetcher: dict[str, Any] = {}

    def expect_silence(self) -> None:
        """Wait but shortly for a byte."""
        self.fetcher = {"quiet": QUIET}

    def expect_trickle(self) -> None:
        """Let all time that a list has pass at once; a server is patient with a slow machine."""
        self.keys["timeout"] = "1s"
        if self.origin is not None:
            self.origin = msgspec.structs.replace(self.origin, timeout=Duration(1))
        self.fetcher = {"clock": lambda: time.monotonic() * SPEED, "grace": 0.1}

    def update(self) -> UpdateResult:
        """Run an update when the list is due again."""
        self.now += HOUR
        entry = {
            "name": "one",
            "url": self.url,
            "format": "plain",
            "period": "1h",
            "timeout": "60s",
            "max_mb": 1,
            "max_expanded_mb": 2,
            "ca_file": str(self.ca_file),
            **self.keys,
        }
        lists = () if self.origin else (Options(entry),)
        settings = Settings(update=Update(defaults=False, lists=lists, origin=self.origin))
        fetcher = Fetcher(pause=_ignore, **self.fetcher)
        return update(settings, self.state, self.now, fetcher=fetcher, progress=_ignore)

    def told(self) -> list[str]:
        """Return what deliver's events say two days later."""
        lists = Lists(self.state, AgentNotices("s", "", (), random_ids()))
        lists.refresh()
        return [event.info for event in lists.tell(int((self.now + 2 * DAY) * 1e6))]

    def metrics(self) -> set[tuple[str, ...]]:
        """Return the series that say how the update and its lists did, without their prefix."""
        lists = Lists(self.state, AgentNotices("s", "", (), random_ids()))
        lists.refresh()
        return {
            (sample.name.removeprefix("maltrail_agent_"), *sample.labels.values())
            for metric in lists.metrics()
            for sample in metric.samples
            if sample.value
        }

    def standing(self) -> bytes:
        """Return the set in use, which must be sound."""
        current = current_set(self.state)
        assert current is not None
        TrailSet.open(current).verify()
        return current.read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the authority that agents trust."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Path:
    """Return the server's proper certificate."""
    return authority.issue("server")


@pytest.fixture
def site(certificate: Path, authority: Authority, tmp_path: Path) -> Iterator[Site]:
    """Return an agent that has published the good list once."""
    with fault_server(certificate) as server:
        site = Site(server, tmp_path / "state", authority)
        assert site.update().status == "published"
        yield site


def _status(status: int) -> Fault:
    return lambda line: line.answer(b"sorry\n", status)


def _redirect_in_a_circle(line: Line) -> None:
    line.answer(b"", 302, Location="/one")


def _redirect_to_http(line: Line) -> None:
    line.answer(b"", 301, Location="http://127.0.0.1:1/one")


def _redirect_to_nowhere(line: Line) -> None:
    line.answer(b"", 301, Location="https://[oops/")


def _redirect_to_a_file(line: Line) -> None:
    line.answer(b"", 301, Location="file:///etc/passwd")


def _hang(line: Line) -> None:
    line.hang()


def _hang_in_the_body(line: Line) -> None:
    line.head(Content_Length="5000")
    line.send(GOOD[:500])
    line.hang()


def _trickle(line: Line) -> None:
    line.head(Content_Length=str(len(GOOD)))
    line.trickle(GOOD, 0.01)


def _trickle_of_headers(line: Line) -> None:
    line.send(b"HTTP/1.1 200 OK\r\n")
    line.trickle(b"X-Padding: " + b"x" * 5000, 0.01)


def _trickle_of_chunk_sizes(line: Line) -> None:
    line.head(Transfer_Encoding="chunked")
    line.trickle(b"0" * 5000, 0.01)


def _promises(line: Line) -> None:
    """Say without end that an answer will come; each is a whole head, so no reader gets tired."""
    while not line.is_over.wait(0.01):
        line.head(100)


SILENT = (_hang, _hang_in_the_body)
TRICKLING = (_trickle, _trickle_of_headers, _trickle_of_chunk_sizes, _promises)


def _ten_gigabytes_promised(line: Line) -> None:
    line.head(Content_Length=str(10 << 30))
    while True:
        line.send(b"x.example.org\n" * 4096)


def _ten_gigabytes_streamed(line: Line) -> None:
    line.head(Transfer_Encoding="chunked")
    part = b"x.example.org\n" * 4096
    for _ in range((10 << 30) // len(part)):
        line.send(b"%x\r\n%b\r\n" % (len(part), part))


BOMB = gzip.compress(bytes(16 << 20)) * 40
"""16 MB of nothing, forty times over, in some 650 kB."""


def _gzip_bomb(line: Line) -> None:
    line.answer(BOMB, Content_Encoding="gzip")


def _cut_connection(line: Line) -> None:
    line.head(Content_Length=str(len(GOOD)))
    line.send(GOOD[: len(GOOD) // 2])


def _cut_without_a_length(line: Line) -> None:
    """The connection's end is all that tells the list's."""
    line.head()
    line.send(GOOD[: len(GOOD) * 9 // 20])


def _cut_chunks(line: Line) -> None:
    line.head(Transfer_Encoding="chunked")
    line.send(b"%x\r\n%b" % (len(GOOD), GOOD[: len(GOOD) // 2]))


def _cut_gzip(line: Line) -> None:
    line.answer(gzip.compress(GOOD)[:-20], Content_Encoding="gzip")


def _brotli(line: Line) -> None:
    line.answer(b"\x1b\x03\x00", Content_Encoding="br")


def _not_http(line: Line) -> None:
    line.send(b"220 mail.example.com ESMTP\r\n")


def _closed_at_once(line: Line) -> None:
    del line


def _body(body: bytes) -> Fault:
    return lambda line: line.answer(body)


PLAYED: list[tuple[str, Fault, str, str]] = [
    ("redirects in a circle", _redirect_in_a_circle, "redirect", "more than 5 redirects"),
    ("redirect to http", _redirect_to_http, "redirect", "from https to http"),
    ("redirect to no address", _redirect_to_nowhere, "redirect", "without a usable address"),
    ("redirect to a file", _redirect_to_a_file, "redirect", "without a usable address"),
    ("304 without a question", _status(304), "status", "answered with status 304"),
    *(
        (f"status {status}", _status(status), "status", f"answered with status {status}")
        for status in (101, 103, 204, 206, 300, 400, 401, 403, 404, 407, 410, 418, 429, 451)
    ),
    *(
        (f"status {status}", _status(status), "status", f"answered with status {status}")
        for status in (500, 501, 502, 503, 504, 599)
    ),
    ("hang", _hang, "timeout", "no answer"),
    ("hang in the body", _hang_in_the_body, "timeout", "no answer"),
    ("trickle", _trickle, "timeout", "not finished within 1 seconds"),
    ("trickle of headers", _trickle_of_headers, "timeout", "not finished within 1 seconds"),
    ("trickle of chunks", _trickle_of_chunk_sizes, "timeout", "not finished within 1 seconds"),
    ("100 without end", _promises, "timeout", "not finished within 1 seconds"),
    ("10 GB promised", _ten_gigabytes_promised, "too-large", "larger than 1 MB"),
    ("10 GB streamed", _ten_gigabytes_streamed, "too-large", "larger than 1 MB"),
    ("gzip bomb", _gzip_bomb, "too-large", "decompresses to more than 2 MB"),
    ("HTML", _body(b"<!DOCTYPE html><title>log in</title>"), "html", "HTML instead of data"),
    ("empty", _body(b""), "empty", "is empty"),
    ("only comments", _body(b"# nothing\n"), "empty", "is empty"),
    ("half", _cut_connection, "truncated", "truncated"),
    ("half without a length", _cut_without_a_length, "shrunk", "shrank from 100 to 4"),
    ("half of a chunk", _cut_chunks, "truncated", "truncated"),
    ("half of a gzip", _cut_gzip, "truncated", "damaged or truncated compression"),
    ("brotli, not asked for", _brotli, "encoding", "sent in the encoding 'br'"),
    ("UTF-16", _body(GOOD.decode().encode("utf-16")), "encoding", "UTF-16"),
    ("no text at all", _body(bytes(range(128, 256)) * 50), "rejected", "were rejected"),
    ("shrunk by more than half", _body(GOOD[:900]), "shrunk", "shrank from 100 to"),
    ("all rows rejected", _body(b"try again later\n" * 100), "rejected", "all 100 rows"),
    ("most rows rejected", _body(b"try again later\n" * 200 + GOOD), "rejected", "200 of 300"),
    ("one endless line", _body(b"x" * 500_000), "format", "a line is longer"),
    ("another protocol", _not_http, "unreachable", "no answer"),
    ("closed at once", _closed_at_once, "unreachable", "no answer"),
]


@pytest.mark.parametrize(
    ("fault", "why", "said"), [pytest.param(*row, id=name) for name, *row in PLAYED]
)
def test_whatever_a_server_does_the_old_set_stands_and_all_say_why(
    site: Site, fault: Fault, why: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Exit status 4; the reason in result, log and metric, and in the event when it lasts."""
    before = site.standing()
    site.server.pages["/one"] = fault
    if fault in SILENT:
        site.expect_silence()
    if fault in TRICKLING:
        site.expect_trickle()

    result = site.update()

    _stands(site, result, before, why, said)
    assert any(said in record.message for record in caplog.records)


def _stands(site: Site, result: UpdateResult, before: bytes, why: str, said: str) -> None:
    assert (result.status, result.exit_status, result.why) == ("failed", 4, "unreachable")
    (report,) = result.lists
    assert (report.outcome, report.why) == ("kept", why)
    assert said in report.error
    assert report.error in result.reason
    assert site.standing() == before
    assert (site.state / "lists/one").read_bytes() == GOOD
    found = site.metrics()
    assert ("list_failing", "one", why) in found
    assert ("update_result", "failed", "unreachable") in found
    assert ("list_up", "one") not in found
    assert site.told() == [f"list one: {report.error}"]
    assert not list(site.state.glob("lists/.*.new"))


def test_what_is_too_large_is_not_taken_in(site: Site) -> None:
    """A promised size is refused unread; a stream is left soon after the limit."""
    site.server.pages["/one"] = _ten_gigabytes_streamed
    before = site.server.sent

    site.update()

    assert site.server.sent - before < 12 << 20


def _wrong_authority(authority: Authority, room: Path) -> Path:
    return Authority(room, "stranger").issue("server")


def _wrong_name(authority: Authority, room: Path) -> Path:
    return authority.issue("elsewhere", "192.0.2.1")


def _expired_certificate(authority: Authority, room: Path) -> Path:
    return authority.issue("old", valid=timedelta(hours=-1))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(_wrong_authority, "certificate", id="wrong authority"),
        pytest.param(_wrong_name, "127.0.0.1", id="wrong name"),
        pytest.param(_expired_certificate, "expired", id="expired"),
    ],
)
def test_a_bad_certificate_is_never_accepted_and_nothing_is_asked(
    site: Site, authority: Authority, tmp_path: Path, make: Callable[..., Path], said: str
) -> None:
    """No request leaves, no second try is made, the old set stands."""
    before = site.standing()
    with fault_server(make(authority, tmp_path)) as other:
        site.url = other.serve("/one", GOOD + b"new.example.org\n")

        result = site.update()

        assert other.asked == []
    _stands(site, result, before, "certificate", "its certificate was refused")
    assert said in result.lists[0].error


def test_a_server_that_never_shakes_hands_is_left(site: Site) -> None:
    """It takes the connection and then says nothing."""
    before = site.standing()
    site.expect_silence()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        site.url = f"https://127.0.0.1:{silent.getsockname()[1]}/one"

        result = site.update()

    _stands(site, result, before, "timeout", "no answer")


def test_a_server_that_is_gone_is_told(site: Site) -> None:
    """Nobody listens."""
    before = site.standing()
    site.url = "https://127.0.0.1:1/one"

    _stands(site, site.update(), before, "unreachable", "Connection refused")


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("url", "header"),
    [("{}?auth-key={{key}}", ""), ("{}", "Auth-Key")],
    ids=["in the URL", "in a header"],
)
def test_a_wrong_key_is_told_apart_and_never_shown(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture, status: int, url: str, header: str
) -> None:
    """Refused with 401 or 403 where a key was sent; no file, log or line of ours holds the key."""
    caplog.set_level(logging.DEBUG)
    before = site.standing()
    secret = tmp_path / "secret"
    secret.write_text("s3cret/key\n")
    secret.chmod(0o640)
    site.keys = {"key_file": str(secret), "key_header": header}
    path = "/one" if header else "/one?auth-key=s3cret%2Fkey"
    site.server.pages[path] = _status(status)
    site.url = url.format(site.url)

    result = site.update()

    _stands(site, result, before, "key", f"status {status}: the key of key_file is refused")
    asked, headers = site.server.asked[-1]
    assert (asked, headers.get("Auth-Key", "")) == (path, "s3cret/key" if header else "")
    written = b"".join(file.read_bytes() for file in site.state.rglob("*") if file.is_file())
    for told in (written.decode("latin-1"), caplog.text, str(result)):
        assert "s3cret" not in told


def test_a_list_among_others_fails_alone(site: Site, tmp_path: Path) -> None:
    """The others are published, status 0; the metric and the event name the one."""
    other = tmp_path / "two.txt"
    other.write_text("two.example.org\n")
    entries = (
        Options(name="one", url=site.url, format="plain", period="1h", ca_file=str(site.ca_file)),
        Options(name="two", url=str(other), format="plain"),
    )
    site.server.pages["/one"] = _status(404)
    settings = Settings(update=Update(defaults=False, lists=entries))
    site.now += HOUR

    result = update(settings, site.state, site.now, fetcher=Fetcher(pause=_ignore))

    assert (result.status, result.exit_status, result.keys) == ("published", 0, 101)
    assert ("list_failing", "one", "status") in site.metrics()
    assert site.told() == ["list one: answered with status 404"]


def test_the_command_says_why_and_exits_with_4(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One word on standard output, one line on standard error."""
    config = tmp_path / "config.yaml"
    config.write_text(
        "update:\n  defaults: false\n  lists:\n"
        f"    - {{name: one, url: '{site.url}', format: plain, ca_file: {site.ca_file}}}\n"
    )
    command = ["update", "-c", str(config), "--state-dir", str(tmp_path / "other"), "--force"]
    assert cli.main(command) == 0
    site.server.pages["/one"] = _status(404)
    capsys.readouterr()

    assert cli.main(command) == 4

    out, err = capsys.readouterr()
    assert out == "failed\n"
    assert "no list could be fetched: one: answered with status 404" in err


def test_an_interrupt_ends_an_update_that_waits(site: Site, tmp_path: Path) -> None:
    """A person who has enough is not kept waiting by a server that hangs; the old set stands."""
    config = tmp_path / "config.yaml"
    entry = f"{{name: one, url: '{site.url}', format: plain, ca_file: {site.ca_file}}}"
    config.write_text(f"update: {{defaults: false, lists: [{entry}]}}\n")
    before = site.standing()
    site.server.pages["/one"] = _hang
    site.server.asked.clear()
    # A shell has its background jobs ignore interrupts, and what they start inherits that.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "agent", "update", "--force"]
    command += ["-c", str(config), "--state-dir", str(site.state)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as running:
        site.server.wait_until_asked()
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=WAIT)

    assert running.returncode == 130
    assert said == b""
    assert site.standing() == before


class Publisher:
    """Signs sets into the folder that the site's server shows."""

    def __init__(self, site: Site, room: Path) -> None:
        self.site = site
        self.room = room
        self.folder = room / "www"
        self.signer = Ed25519PrivateKey.generate()

    def publish(self, names: int, signer: Ed25519PrivateKey | None = None) -> None:
        """Serve a new bundle."""
        path = self.room / "built.set"
        builder = Builder(1, 0)
        for number in range(names):
            source = Source("list")
            key = f"{number}.evil.example.org"
            builder.add(Trail(key=key, info="x", reference="r", source=source))
        builder.write(path)
        _bundle.write(path, self.folder, [signer or self.signer], 7 * DAY, self.site.now)
        self.serve(self.files())

    def files(self) -> dict[str, bytes]:
        """Return what is served."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def serve(self, files: dict[str, bytes]) -> None:
        """Serve these files."""
        for name, body in files.items():
            self.site.server.serve(f"/bundle/{name}", body)


@pytest.fixture
def publisher(certificate: Path, authority: Authority, tmp_path: Path) -> Iterator[Publisher]:
    """Return a publisher whose first bundle the agent has taken."""
    with fault_server(certificate) as server:
        site = Site(server, tmp_path / "state", authority)
        publisher = Publisher(site, tmp_path)
        site.origin = Origin(
            url=f"{server.url}/bundle",
            keys=(_signing.public_text(publisher.signer),),
            ca_file=str(authority.file),
            timeout=Duration(60),
        )
        publisher.publish(100)
        assert site.update().status == "published"
        yield publisher


def _of_manifest(fault: Fault) -> Callable[[Publisher], None]:
    def spoil(publisher: Publisher) -> None:
        if fault in SILENT:
            publisher.site.expect_silence()
        if fault in TRICKLING:
            publisher.site.expect_trickle()
        publisher.site.server.pages[f"/bundle/{MANIFEST}"] = fault

    return spoil


def _of_set(fault: Fault) -> Callable[[Publisher], None]:
    def spoil(publisher: Publisher) -> None:
        publisher.publish(101)
        for name in publisher.files():
            if name != MANIFEST:
                publisher.site.server.pages[f"/bundle/{name}"] = fault

    return spoil


def _signed_by_another(publisher: Publisher) -> None:
    publisher.publish(101, Ed25519PrivateKey.generate())


def _expired(publisher: Publisher) -> None:
    publisher.publish(101)
    publisher.site.now += 8 * DAY


def _replayed(publisher: Publisher) -> None:
    old = publisher.files()
    publisher.site.now += HOUR
    publisher.publish(101)
    assert publisher.site.update().status == "published"
    publisher.serve(old)


BUNDLES: list[tuple[str, Callable[[Publisher], None], str, str]] = [
    ("wrong key", _signed_by_another, "signature", "signed by none of update.from.keys"),
    ("expired", _expired, "expired", "expired 2"),
    ("replayed", _replayed, "replayed", "an old one is played again"),
    ("404", _of_manifest(_status(404)), "unreachable", "status 404"),
    ("500", _of_set(_status(500)), "unreachable", "status 500"),
    ("redirect to http", _of_manifest(_redirect_to_http), "unreachable", "from https to http"),
    ("hang", _of_manifest(_hang), "unreachable", "no answer"),
    ("trickle", _of_manifest(_trickle_of_headers), "unreachable", "not finished within 1 seconds"),
    ("10 GB", _of_manifest(_ten_gigabytes_streamed), "unreachable", "larger than 1 MB"),
    ("bomb", _of_set(_body(BOMB)), "hash", "its hash differs"),
    ("HTML", _of_manifest(_body(b"<html>log in</html>")), "format", "no bundle's manifest"),
    ("empty", _of_manifest(_body(b"")), "format", "no bundle's manifest"),
    ("half", _of_set(_cut_connection), "unreachable", "truncated"),
]


@pytest.mark.parametrize(
    ("spoil", "why", "said"), [pytest.param(*row, id=name) for name, *row in BUNDLES]
)
def test_whatever_a_publisher_does_the_old_set_stands_and_all_say_why(
    publisher: Publisher, spoil: Callable[[Publisher], None], why: str, said: str
) -> None:
    """Exit status 4; the reason in the result, the metric and the event."""
    site = publisher.site
    spoil(publisher)
    before = site.standing()

    result = site.update()

    assert (result.status, result.exit_status, result.why) == ("failed", 4, why)
    assert said in result.reason
    assert site.standing() == before
    assert {("update_result", "failed", why), ("list_failing", "bundle", why)} <= site.metrics()
    assert site.told() == [f"list bundle: {result.reason}"]
    assert health.read(site.state / health.FILE).status == "failed"


def test_a_publisher_with_a_bad_certificate_is_not_asked(
    publisher: Publisher, authority: Authority, tmp_path: Path
) -> None:
    """What a fleet looks for is fetched over verified TLS only."""
    site = publisher.site
    before = site.standing()
    with fault_server(_wrong_name(authority, tmp_path)) as other:
        assert site.origin is not None
        site.origin = msgspec.structs.replace(site.origin, url=f"{other.url}/bundle")

        result = site.update()

        assert other.asked == []
    assert result.why == "unreachable"
    assert "its certificate was refused" in result.reason
    assert site.standing() == before


def _ignore(value: object) -> None:
    del value
