"""Fetch one list into a file: verified, conditional, bounded in time and size, retried."""

import hashlib
import logging
import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import IncompleteRead
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as QuietError

from agent import __version__
from feeds._catalog import Feed
from feeds._connections import Connections
from feeds._key import Key, key_of
from feeds._trouble import Unfit, Word

ATTEMPTS = 3
"""One try and two more: a list that is down now is tried again at the next run anyway."""

BACKOFF = 2.0
"""Seconds before the second try, doubled for the third, times a random 0.5 to 1.5: hundreds of
hosts lost the same server at the same moment."""

MAX_RETRY_AFTER = 60.0
"""A server that asks for a longer pause gets it until the next run, not inside this one."""

MAX_REDIRECTS = 5

QUIET = 30.0
"""Seconds without a byte after which a server is taken for dead."""

WORKERS = 8
"""Lists fetched at once: fifty lists need not wait for each other, and eight downloads fill any
line; each has a thread of its own."""

GRACE = 1.0
"""Seconds beyond a list's time until its fetch is given up: where it can, it says itself what it
waited for."""

USER_AGENT = f"maltrail-agent/{__version__}"

_CHUNK = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_COMPRESSED = (".gz", ".tgz", ".xz", ".bz2", ".zip")


# At debug level it logs the addresses that it asks for, and some hold a key.
logging.getLogger("urllib3").setLevel(logging.WARNING)


class FetchError(Unfit):
    """A list that could not be fetched; the text says why, in one line without secrets."""

    def __init__(self, why: Word, text: str, *, again: bool = False, after: float = 0.0) -> None:
        super().__init__(why, text)
        self.again = again
        self.after = after


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server said of the copy at hand, to ask whether it has changed."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole new copy on disk."""

    sha256: str
    size: int
    validators: Validators


@dataclass(slots=True)
class Fetcher:
    """Fetches lists through one proxy, from several threads at once.

    Clock, pause, chance and limits are arguments for tests' sake.
    """

    proxy: str | None = None
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    quiet: float = QUIET
    grace: float = GRACE
    workers: int = WORKERS
    _connections: Connections = field(init=False)

    def __post_init__(self) -> None:
        """Make what keeps connections."""
        self._connections = Connections(self.proxy, self.workers)

    def fetch(self, feed: Feed, target: Path, known: Validators) -> Fetched | None:
        """Write the list to `target`; return None where it has not changed. Raise FetchError."""
        if not feed.url.startswith(("http://", "https://")):
            return _from_disk(feed, target, known)
        deadline = self.clock() + feed.timeout
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(feed, target, known, deadline)
            except FetchError as error:
                wait = max(error.after, BACKOFF * 2 ** (attempt - 1) * (0.5 + self.chance()))
                if not error.again or attempt >= ATTEMPTS or self.clock() + wait >= deadline:
                    raise
                self.pause(wait)

    def prepare(self, feed: Feed) -> None:
        """Make what a list's connections need; raise ConfigError for a faulty proxy or CA file."""
        if feed.url.startswith("https://"):
            self._connections.pool(feed.name, feed.ca_file)

    def close(self) -> None:
        """Close the connections that were kept open."""
        self._connections.close()

    def _once(self, feed: Feed, target: Path, known: Validators, deadline: float) -> Fetched | None:
        try:
            key = key_of(feed)
        except Unfit as error:
            raise FetchError(error.why, str(error)) from error
        try:
            return self._follow(feed, key, target, known, deadline)
        except SSLError as error:
            said = key.cut(_short(error))
            raise FetchError("certificate", f"its certificate was refused: {said}") from error
        except HTTPError as error:
            raise _no_answer(error, key) from error
        except ConnectionError as error:
            raise FetchError("unreachable", f"no answer: {error.strerror}", again=True) from error

    def _follow(
        self, feed: Feed, key: Key, target: Path, known: Validators, deadline: float
    ) -> Fetched | None:
        """Ask, and follow redirects ourselves: none may lead from https to http."""
        url = first = key.in_url(feed.url)
        for _ in range(MAX_REDIRECTS + 1):
            left = deadline - self.clock()
            if left <= 0:
                raise too_slow(feed)
            headers = _headers(url, known)
            if feed.key_header and _site(url) == _site(first):
                headers[feed.key_header] = key.in_header()
            response = self._connections.pool(feed.name, feed.ca_file).request(
                "GET",
                url,
                headers=headers,
                timeout=urllib3.Timeout(connect=min(self.quiet, left), read=min(self.quiet, left)),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                if response.status in _REDIRECTS:
                    url = _redirected(url, response.headers.get("Location", ""))
                    continue
                if response.status == 304 and known != Validators():
                    return None
                if response.status != 200:
                    raise _refused(response, feed)
                return self._save(response, feed, target, deadline)
            finally:
                # Never handed back with an unread body, which would be read as the next answer.
                response.close()
        raise FetchError("redirect", f"more than {MAX_REDIRECTS} redirects")

    def _save(
        self, response: urllib3.BaseHTTPResponse, feed: Feed, target: Path, deadline: float
    ) -> Fetched:
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            said = f"sent in the encoding {encoding[:20]!r}, which was not asked for"
            raise FetchError("encoding", said)
        promised = _promised(response.headers)
        limit = feed.max_mb << 20
        if promised is not None and promised > limit:
            raise _too_large(feed)
        digest = hashlib.sha256()
        size = 0
        with target.open("wb") as file:
            # read1 returns with what is there: a server that trickles meets the deadline.
            while chunk := response.read1(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise _too_large(feed)
                if self.clock() >= deadline:
                    raise too_slow(feed)
                digest.update(chunk)
                file.write(chunk)
        if promised is not None and promised != size:
            said = f"truncated: {size} of {promised} bytes came"
            raise FetchError("truncated", said, again=True)
        headers = response.headers
        validators = Validators(headers.get("ETag", ""), headers.get("Last-Modified", ""))
        return Fetched(digest.hexdigest(), size, validators)


def too_slow(feed: Feed) -> FetchError:
    """Return the error for a list that took longer than it may."""
    return FetchError("timeout", f"not finished within {feed.timeout:g} seconds (timeout)")


def _no_answer(error: HTTPError, key: Key) -> FetchError:
    """Say in words what urllib3 says in exceptions."""
    if any(isinstance(part, IncompleteRead) for part in (error, *error.args)):
        return FetchError("truncated", "truncated: the connection ended early", again=True)
    said = key.cut(_short(error))
    if isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return FetchError("certificate", f"its certificate was refused: {said}")
    if isinstance(error, QuietError) and not isinstance(error, NewConnectionError):
        return FetchError("timeout", f"no answer: {said}", again=True)
    return FetchError("unreachable", f"no answer: {said}", again=True)


def _headers(url: str, known: Validators) -> dict[str, str]:
    # A file that is compressed already gains nothing, and some servers then compress twice.
    is_packed = urlsplit(url).path.endswith(_COMPRESSED)
    headers = {
        "User-Agent": USER_AGENT,
        "Accept": "*/*",
        "Accept-Encoding": "identity" if is_packed else "gzip",
    }
    if known.etag:
        headers["If-None-Match"] = known.etag
    if known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    return headers


def _site(url: str) -> tuple[str, str]:
    """Return what a key may be shown to: a scheme with host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _redirected(url: str, location: str) -> str:
    """Return where a redirect leads; raise FetchError where that would be less safe."""
    try:
        target = urljoin(url, location)
        scheme = urlsplit(target).scheme
    except ValueError:
        location = scheme = ""
    if not location or scheme not in ("http", "https"):
        raise FetchError("redirect", "a redirect without a usable address")
    if scheme == "http" and url.startswith("https://"):
        raise FetchError("redirect", "a redirect from https to http, which is never followed")
    return target


def _refused(response: urllib3.BaseHTTPResponse, feed: Feed) -> FetchError:
    """Turn a status that is no success into an error that says whether to ask again."""
    status = response.status
    if status in (401, 403) and feed.takes_key:
        return FetchError("key", f"answered with status {status}: the key of key_file is refused")
    again = status in (408, 425, 429) or status >= 500
    after = response.headers.get("Retry-After", "")
    pause = float(after) if after.isascii() and after.isdecimal() and len(after) < 6 else 0.0
    if pause > MAX_RETRY_AFTER:
        again = False
    return FetchError("status", f"answered with status {status}", again=again, after=pause)


def _promised(headers: Mapping[str, str]) -> int | None:
    """Return the length that was promised, None without a usable one."""
    promised = headers.get("Content-Length", "")
    is_number = promised.isascii() and promised.isdecimal() and len(promised) < 20
    return int(promised) if is_number else None


def _too_large(feed: Feed) -> FetchError:
    return FetchError("too-large", f"is larger than {feed.max_mb} MB (max_mb)")


def _short(error: Exception) -> str:
    """Say an error in one short line; its chain holds the rest."""
    text = " ".join(str(error).split())
    # urllib3 puts the pool's address in front, which names nothing that the list does not.
    return text.rpartition("): ")[2][:200] or type(error).__name__


def _from_disk(feed: Feed, target: Path, known: Validators) -> Fetched | None:
    """Copy a list from a file or folder of this host; raise FetchError."""
    place = Path(url2pathname(urlsplit(feed.url).path) if "://" in feed.url else feed.url)
    try:
        source = _named_in(place, feed.name) if place.is_dir() else place
        # A pipe would hold us up, a device would never end.
        if not source.is_file():
            raise FetchError("file", f"{source}: there is no such file")
        status = source.stat()
        version = Validators(f"{status.st_mtime_ns}-{status.st_size}")
        if version == known:
            return None
        with source.open("rb") as reading, target.open("wb") as writing:
            digest, size = _copied(reading, writing, feed)
    except OSError as error:
        raise FetchError("file", f"{place}: cannot be read: {error.strerror}") from error
    return Fetched(digest, size, version)


def _named_in(folder: Path, name: str) -> Path:
    """Return the file in `folder` that is named after the list, whatever its endings."""
    found = sorted(path for path in folder.iterdir() if path.name.split(".")[0] == name)
    if len(found) != 1:
        what = "several files" if found else "no file"
        said = f"{folder}: {what} named {name}, expected one, for example {name}.txt"
        raise FetchError("file", said)
    return found[0]


def _copied(reading: BinaryIO, writing: BinaryIO, feed: Feed) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    while chunk := reading.read(_CHUNK):
        size += len(chunk)
        if size > feed.max_mb << 20:
            raise _too_large(feed)
        digest.update(chunk)
        writing.write(chunk)
    return digest.hexdigest(), size
