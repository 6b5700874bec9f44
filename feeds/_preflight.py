"""What `check` finds of lists: one finding a line, without asking any server."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from agent.config import ConfigError, Settings
from feeds import _signing
from feeds._catalog import Feed
from feeds._fetch import Fetcher
from feeds._key import key_of
from feeds._trouble import Unfit
from feeds._update import lists_of

REMEDY = "the group maltrail-update must be able to read it"


class Finding(NamedTuple):
    """One line of `check`."""

    level: Literal["ok", "warning", "failure"]
    text: str


def check(settings: Settings) -> Iterator[Finding]:
    """Yield what is right and wrong with lists, their keys and the proxy."""
    origin = settings.update.origin
    try:
        lists = [reader.feed for reader in lists_of(settings)]
        if origin is not None:
            _signing.trusted(origin.keys)
        for feed in lists:
            Fetcher(settings.update.proxy).prepare(feed)
    except ConfigError as error:
        yield Finding("failure", str(error))
        return
    if origin is not None:
        signed = "" if origin.keys else ", not signed"
        yield Finding("ok" if signed == "" else "warning", f"update: from {origin.url}{signed}")
        return
    found = f"update: {len(lists)} lists"
    yield Finding("ok", found) if lists else Finding("warning", f"{found}; only own trails match")
    for feed in lists:
        yield from _of_list(feed)


def _of_list(feed: Feed) -> Iterator[Finding]:
    """Yield what a person should know of one list in use."""
    name = f"update: {feed.name}"
    try:
        key_of(feed)
    except Unfit as error:
        yield Finding("failure", f"{name}: {error}; {REMEDY}")
    if feed.insecure_http and feed.url.startswith("http://"):
        yield Finding("warning", f"{name}: comes over plain http; anybody on the way can change it")
    if feed.reason:
        yield Finding("ok", f"{name}: on by your word; its licence: {feed.licence} ({feed.terms})")
