"""Fetch one list into a file: verified, conditional, bounded in time and size, retried."""

import hashlib
import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit, urlunsplit
from urllib.request import url2pathname

import urllib3
from urllib3.exceptions import HTTPError, IncompleteRead, SSLError

from agent import __version__
from agent.config import ConfigError
from feeds._catalog import Feed

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

USER_AGENT = f"maltrail-agent/{__version__}"

_CHUNK = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_COMPRESSED = (".gz", ".tgz", ".xz", ".bz2", ".zip")


class FetchError(Exception):
    """A list that could not be fetched; the text says why, in one line without secrets."""

    def __init__(self, why: str, *, again: bool = False, after: float = 0.0) -> None:
        super().__init__(why)
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
    """Fetches lists through one proxy. Clock, pause and chance are arguments for tests' sake."""

    proxy: str | None = None
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    _pools: dict[str | None, urllib3.PoolManager] = field(default_factory=dict)

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

    def close(self) -> None:
        """Close the connections that were kept open."""
        for pool in self._pools.values():
            pool.clear()

    def _once(self, feed: Feed, target: Path, known: Validators, deadline: float) -> Fetched | None:
        try:
            return self._follow(feed, target, known, deadline)
        except SSLError as error:
            raise FetchError(f"its certificate was refused: {_short(error)}") from error
        except HTTPError as error:
            if any(isinstance(part, IncompleteRead) for part in (error, *error.args)):
                raise FetchError("truncated: the connection ended early", again=True) from error
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                raise FetchError(f"its certificate was refused: {_short(error)}") from error
            raise FetchError(f"no answer: {_short(error)}", again=True) from error
        except ConnectionError as error:
            raise FetchError(f"no answer: {error.strerror}", again=True) from error

    def _follow(
        self, feed: Feed, target: Path, known: Validators, deadline: float
    ) -> Fetched | None:
        """Ask, and follow redirects ourselves: none may lead from https to http."""
        url = feed.url
        for _ in range(MAX_REDIRECTS + 1):
            left = deadline - self.clock()
            if left <= 0:
                raise _too_slow(feed)
            response = self._pool(feed).request(
                "GET",
                url,
                headers=_headers(url, known),
                timeout=urllib3.Timeout(connect=min(QUIET, left), read=min(QUIET, left)),
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
                    raise _refused(response)
                return self._save(response, feed, target, deadline)
            finally:
                # Never handed back with an unread body, which would be read as the next answer.
                response.close()
        raise FetchError(f"more than {MAX_REDIRECTS} redirects")

    def _save(
        self, response: urllib3.BaseHTTPResponse, feed: Feed, target: Path, deadline: float
    ) -> Fetched:
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise FetchError(f"sent in the encoding {encoding[:20]!r}, which was not asked for")
        limit = feed.max_mb << 20
        digest = hashlib.sha256()
        size = 0
        with target.open("wb") as file:
            # read1 returns with what is there: a server that trickles meets the deadline.
            while chunk := response.read1(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise FetchError(f"is larger than {feed.max_mb} MB (max_mb)")
                if self.clock() >= deadline:
                    raise _too_slow(feed)
                digest.update(chunk)
                file.write(chunk)
        _check_length(response.headers, size)
        headers = response.headers
        validators = Validators(headers.get("ETag", ""), headers.get("Last-Modified", ""))
        return Fetched(digest.hexdigest(), size, validators)

    def _pool(self, feed: Feed) -> urllib3.PoolManager:
        pool = self._pools.get(feed.ca_file)
        if pool is None:
            pool = _new_pool(self.proxy, _context(feed))
            self._pools[feed.ca_file] = pool
        return pool


def _context(feed: Feed) -> ssl.SSLContext:
    """Return what verifies servers; raise ConfigError for a CA file that cannot be used."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if feed.ca_file is not None:
        try:
            context.load_verify_locations(feed.ca_file)
        except OSError as error:
            raise ConfigError(
                f"{feed.name}.ca_file: {feed.ca_file}: no certificates can be read from it: {error}"
            ) from error
    return context


def _new_pool(proxy: str | None, context: ssl.SSLContext) -> urllib3.PoolManager:
    """Return a pool that verifies certificates; raise ConfigError for a faulty proxy."""
    if proxy is None:
        return urllib3.PoolManager(ssl_context=context)
    parts = urlsplit(proxy)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("update.proxy: expected http://host:port or https://host:port")
    headers = None
    if parts.username is not None:
        secret = f"{parts.username}:{parts.password or ''}"
        headers = urllib3.make_headers(proxy_basic_auth=secret)
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
    return urllib3.ProxyManager(
        bare, proxy_headers=headers, ssl_context=context, proxy_ssl_context=context
    )


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


def _redirected(url: str, location: str) -> str:
    """Return where a redirect leads; raise FetchError where that would be less safe."""
    target = urljoin(url, location)
    scheme = urlsplit(target).scheme
    if not location or scheme not in ("http", "https"):
        raise FetchError("a redirect without a usable address")
    if scheme == "http" and url.startswith("https://"):
        raise FetchError("a redirect from https to http, which is never followed")
    return target


def _refused(response: urllib3.BaseHTTPResponse) -> FetchError:
    """Turn a status that is no success into an error that says whether to ask again."""
    status = response.status
    again = status in (408, 425, 429) or status >= 500
    after = response.headers.get("Retry-After", "")
    pause = float(after) if after.isascii() and after.isdecimal() and len(after) < 6 else 0.0
    if pause > MAX_RETRY_AFTER:
        again = False
    return FetchError(f"answered with status {status}", again=again, after=pause)


def _check_length(headers: Mapping[str, str], size: int) -> None:
    """Raise FetchError where fewer bytes came than were promised."""
    promised = headers.get("Content-Length", "")
    if promised.isascii() and promised.isdecimal() and int(promised) != size:
        raise FetchError(f"truncated: {size} of {promised} bytes came", again=True)


def _too_slow(feed: Feed) -> FetchError:
    return FetchError(f"not finished within {feed.timeout:g} seconds (timeout)")


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
            raise FetchError(f"{source}: there is no such file")
        status = source.stat()
        version = Validators(f"{status.st_mtime_ns}-{status.st_size}")
        if version == known:
            return None
        with source.open("rb") as reading, target.open("wb") as writing:
            digest, size = _copied(reading, writing, feed)
    except OSError as error:
        raise FetchError(f"{place}: cannot be read: {error.strerror}") from error
    return Fetched(digest, size, version)


def _named_in(folder: Path, name: str) -> Path:
    """Return the file in `folder` that is named after the list, whatever its endings."""
    found = sorted(path for path in folder.iterdir() if path.name.split(".")[0] == name)
    if len(found) != 1:
        what = "several files" if found else "no file"
        raise FetchError(f"{folder}: {what} named {name}, expected one, for example {name}.txt")
    return found[0]


def _copied(reading: BinaryIO, writing: BinaryIO, feed: Feed) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    while chunk := reading.read(_CHUNK):
        size += len(chunk)
        if size > feed.max_mb << 20:
            raise FetchError(f"is larger than {feed.max_mb} MB (max_mb)")
        digest.update(chunk)
        writing.write(chunk)
    return digest.hexdigest(), size
