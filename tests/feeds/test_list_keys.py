"""API keys: from a file that others cannot read, to the publisher alone, in no line of ours."""

import io
import logging
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from agent.config import ConfigError, Duration, Options, Settings, Update, parse
from agent.trails.publish import current_set
from agent.trails.set import TrailSet
from feeds import _catalog
from feeds._catalog import Feed
from feeds._fetch import Fetcher, FetchError, Validators
from feeds._key import MAX_KEY, Key
from feeds._update import update
from tests.feeds.list_server import Answer, ListServer, list_server

SECRET = "s3cret+/=key"  # noqa: S105 - of nobody


class Room:
    """A list that takes a key, and the file that holds it."""

    def __init__(self, server: ListServer, folder: Path, certificate: Path) -> None:
        self.server = server
        self.target = folder / "fresh"
        self.certificate = certificate
        self.file = folder / "secret"
        self.write(SECRET.encode() + b"\n")

    def write(self, data: bytes, mode: int = 0o640) -> None:
        """Write the key file."""
        self.file.write_bytes(data)
        self.file.chmod(mode)

    def fetch(self, url: str, **keys: Any) -> None:
        """Fetch a list with the key."""
        keys = {"key_file": str(self.file), "ca_file": str(self.certificate), **keys}
        feed = Feed(
            name="test",
            url=url,
            format="plain",
            info="x",
            reference="x",
            period=Duration(3600),
            **keys,
        )
        fetcher = Fetcher(pause=_ignore)
        try:
            fetcher.fetch(feed, self.target, Validators())
        finally:
            fetcher.close()


@pytest.fixture
def room(server: ListServer, tmp_path: Path, certificate: Path) -> Room:
    """Return a client of the HTTPS server with a key."""
    return Room(server, tmp_path, certificate)


def test_key_goes_into_the_url_encoded(room: Room) -> None:
    """It takes the place of {key}, and no other address is asked."""
    room.server.serve("/x.csv?auth-key=s3cret%2B%2F%3Dkey&days=1", b"x")

    room.fetch(room.server.url + "/x.csv?auth-key={key}&days=1")

    assert [path for path, _ in room.server.requests] == [
        "/x.csv?auth-key=s3cret%2B%2F%3Dkey&days=1"
    ]


def test_key_goes_into_the_header(room: Room) -> None:
    """As it is."""
    room.fetch(room.server.serve("/l", b"x"), key_header="Auth-Key")

    assert room.server.requests[0][1]["Auth-Key"] == SECRET


def test_key_is_shown_to_the_lists_own_server_only(room: Room, certificate: Path) -> None:
    """A redirect elsewhere is followed without it, one on the same server with it."""
    with list_server(certificate) as other:
        room.server.pages["/l"] = Answer(status=302, headers={"Location": other.serve("/l", b"x")})
        room.server.pages["/m"] = Answer(status=302, headers={"Location": "/n"})
        room.server.serve("/n", b"x")

        room.fetch(room.server.url + "/l", key_header="Auth-Key")
        room.fetch(room.server.url + "/m", key_header="Auth-Key")

        assert "Auth-Key" not in other.requests[0][1]
    assert [headers.get("Auth-Key") for _, headers in room.server.requests] == [SECRET] * 3


def test_key_is_read_at_each_try(room: Room) -> None:
    """A key that was changed needs no restart of anything."""
    url = room.server.serve("/l", b"x")
    room.fetch(url, key_header="Auth-Key")
    room.write(b"new")

    room.fetch(url, key_header="Auth-Key")

    assert room.server.requests[-1][1]["Auth-Key"] == "new"


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604, 0o602, 0o650])
def test_key_file_that_others_may_use_is_refused(room: Room, mode: int) -> None:
    """A secret that all can read is none; nothing is asked."""
    room.write(b"x", mode)

    with pytest.raises(FetchError, match="others may use it; chmod 0640") as raised:
        room.fetch(room.server.url + "/l", key_header="Auth-Key")

    assert raised.value.why == "key"
    assert room.server.requests == []


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"a\nb", b"a\r\nX-Header: b", b"\xff\xfe", b"x" * (MAX_KEY + 1), b"a\x00b"],
)
def test_key_file_without_a_key_is_refused(room: Room, data: bytes) -> None:
    """What would break a request, or is no key at all, is told without what the file holds."""
    room.write(data)

    with pytest.raises(FetchError, match="expected one line of printable ASCII"):
        room.fetch(room.server.url + "/l", key_header="Auth-Key")


def test_key_file_that_is_missing_or_none_is_named(room: Room, tmp_path: Path) -> None:
    """One line with the path."""
    for path, said in ((tmp_path / "missing", "cannot be read"), (tmp_path, "is no file")):
        with pytest.raises(FetchError, match=said) as raised:
            room.fetch(room.server.url + "/l", key_header="Auth-Key", key_file=str(path))
        assert str(path) in str(raised.value)


def test_no_error_and_no_log_tells_the_key(
    room: Room, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, truncated, malformed or unreachable: the key stays where it is."""
    caplog.set_level(logging.DEBUG)
    page = "/l?k=s3cret%2B%2F%3Dkey"
    room.server.pages[page] = Answer(b"x", length=10)
    urls = [
        room.server.url + "/l?k={key}",
        room.server.url + "/missing?k={key}",
        "https://127.0.0.1:1/l?k={key}",
        "https://127.0.0.1:99999/l?k={key}",
        "https://[::1/l?k={key}".replace("[::1", "a b"),
    ]

    for url in urls:
        with pytest.raises(FetchError) as raised:
            room.fetch(url)
        assert "s3cret" not in str(raised.value)

    assert "s3cret" not in caplog.text


def test_key_has_no_spelling() -> None:
    """Neither as text nor in a debugger's line; in a text it is cut however it is written."""
    key = Key(SECRET)

    assert "s3cret" not in f"{key} {key!r} {[key]}"
    assert key.cut(f"<{SECRET}> <s3cret%2B%2F%3Dkey>") == "<(key)> <(key)>"
    assert Key().cut("text") == "text"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("url: 'https://h.example/l', key_file: /x", "the list takes no key"),
        ("url: 'http://h.example/{key}', insecure_http: true, key_file: /x", "never sent over"),
        ("url: 'https://{key}.h.example/', key_file: /x", "path or query"),
        ("url: 'https://h.example/', key_header: 'a: b', key_file: /x", "name of a header"),
        ("url: 'https://h.example/', key_header: Auth-Key", r"lists\[0\]\.key_file: is missing"),
        ("url: 'https://h.example/{key}'", "mine needs a key: name a file"),
    ],
)
def test_key_that_is_set_up_wrong_is_named(keys: str, said: str) -> None:
    """Before anything is asked."""
    text = f"update:\n  lists: [{{name: mine, format: plain, {keys}}}]"

    with pytest.raises(ConfigError, match=said):
        _catalog.enabled(parse(text, "test").update)


THREATFOX = (
    b"################\r\n# ThreatFox IOCs: CSV format\r\n"
    b'# "first_seen_utc","ioc_id","ioc_value","ioc_type","threat_type","fk_malware",'
    b'"malware_alias",'
    b'"malware_printable","last_seen_utc","confidence_level","is_compromised","reference","tags"\r\n'
    b'"2026-07-04 22:19:04", "1", "evil.example.org", "domain", "payload_delivery", "js.x", '
    b'"None", '
    b'"ClearFake", "", "100", "False", "None", "a,b"\r\n'
    b'"2026-07-04 22:19:04", "2", "198.51.100.7:443", "ip:port", "botnet_cc", "win.x", "None", '
    b'"QakBot", "", "75", "False", "None", ""\r\n'
    b'"2026-07-04 22:19:04", "3", "shop.example.com", "domain", "botnet_cc", "win.x", "None", '
    b'"QakBot", "", "100", "True", "None", ""\r\n'
    b"# Number of entries: 3\r\n"
)


def test_threatfox_needs_only_its_key_file(room: Room, tmp_path: Path) -> None:
    """Naming the list and the file turns it on; the zip is read, the key goes where it belongs."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("full.csv", THREATFOX)
    known = urlsplit(_catalog.known()["threatfox"].url)
    place = f"{known.path}?{known.query}"
    room.server.serve(place.replace("{key}", "s3cret%2B%2F%3Dkey"), packed.getvalue())
    entry = {"name": "threatfox", "key_file": str(room.file)}
    (there,) = _catalog.enabled(Update(defaults=False, lists=(Options(entry),)))
    here = {"url": room.server.url + place, "ca_file": str(room.certificate)}
    lists = (Options({**entry, **here}),)
    settings = Settings(update=Update(defaults=False, lists=lists))

    result = update(settings, tmp_path / "state", 1.8e9, fetcher=Fetcher(pause=_ignore))

    assert there.key_file == str(room.file)
    assert (result.status, result.keys, result.lists[0].error) == ("published", 2, "")
    current = current_set(tmp_path / "state")
    assert current is not None
    opened = TrailSet.open(current)
    found = [opened.row(number) for number in range(opened.info.keys)]
    assert {(row.key, row.info) for row in found} == {
        ("evil.example.org", "clearfake (malware)"),
        ("198.51.100.7:443", "qakbot (malware)"),
    }
    state = (tmp_path / "state/lists/state.json").read_text()
    assert "{key}" in state
    assert "s3cret" not in state


def test_list_without_its_key_is_not_used_unless_named() -> None:
    """No list that needs a key is on by default."""
    assert not [feed.name for feed in _catalog.enabled(Update()) if feed.takes_key]


def _ignore(value: object) -> None:
    del value
