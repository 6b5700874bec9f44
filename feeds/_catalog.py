"""The known lists and the site's own, as typed settings."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
import yaml

from agent.config import ConfigError, Duration, Options, Update, convert
from agent.model import Source
from feeds import Origin

CATALOG = "catalog.yaml"

KEY_PLACE = "{key}"
"""Where a URL takes the key."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")

Standing = Literal["vague", "specific", "curated"]
"""Whose label wins: curated over specific over vague. `min_feeds` asks about vague lists only."""


Class = Literal["malware", "malicious", "suspicious"]
"""How bad what a list names is: the word in brackets at the end of its labels (Maltrail's own)."""

Use = Literal["detect", "protect"]
"""What a list is for: its rows are trails, or what no other list may name."""


class Feed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One list: where it is, in which format, what its rows mean and on which terms it comes.

    `url` is https, `file://` or an absolute path; a folder means the file in it that is named
    after the list. `class` ends every label: without one, a family's bare name says nothing of how
    bad it is, and severity goes by that word. Lists of one `publisher` count as one voice for
    `min_feeds`. `may_be_empty` accepts a list without rows. `trusted` believes a list that names
    private or shared addresses and popular names. `use: protect` makes a list's names, addresses
    and networks what others must not name. `ca_file` adds a certificate authority for an internal
    server. `reason` says why a known list is off.

    A list that needs a key says in `key` where a site gets its own; the key goes where the URL
    has `{key}`, or into the header `key_header`, and is read from `key_file` at each try.
    """

    name: str
    url: str
    format: str
    info: str
    reference: str
    period: Duration
    class_: Class | None = msgspec.field(default=None, name="class")
    options: Options = Options()
    use: Use = "detect"
    standing: Standing = "specific"
    publisher: str = ""
    licence: str = ""
    terms: str = ""
    reason: str = ""
    default: bool = False
    insecure_http: bool = False
    ca_file: str | None = None
    key: str = ""
    key_header: str = ""
    key_file: str | None = None
    may_be_empty: bool = False
    trusted: bool = False
    max_mb: int = 64
    max_expanded_mb: int = 512
    timeout: Duration = Duration(300)

    def __post_init__(self) -> None:
        """Refuse names that are no file names, and transport that could be tampered with."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name: expected a-z, 0-9, - and _, found {self.name!r}")
        scheme = urlsplit(self.url).scheme
        if scheme == "http" and not self.insecure_http:
            raise ValueError("url: plain http can be tampered with; use https or insecure_http")
        if scheme not in ("http", "https", "file") and not self.url.startswith("/"):
            raise ValueError("url: expected https://, file:/// or an absolute path")
        if self.period < 60:
            raise ValueError("period: expected at least 1m")
        if self.class_ and self.info.endswith(f"({self.class_})"):
            raise ValueError(f"info: class adds ({self.class_}) to it; leave it out of one")
        if min(self.max_mb, self.max_expanded_mb) < 1 or self.timeout <= 0:
            raise ValueError("max_mb, max_expanded_mb, timeout: expected more than zero")
        self._check_key(scheme)

    def _check_key(self, scheme: str) -> None:
        """Refuse a key that would have nowhere to go, or would go where anybody reads it."""
        if self.key_header and not _HEADER.fullmatch(self.key_header):
            raise ValueError("key_header: expected the name of a header, such as Auth-Key")
        if self.key_file is not None and not self.takes_key:
            raise ValueError(f"key_file: the list takes no key: no {KEY_PLACE} in url, key_header")
        if scheme == "http" and self.takes_key:
            raise ValueError("url: a key is never sent over plain http; use https")
        if KEY_PLACE in urlsplit(self.url).netloc:
            raise ValueError(f"url: {KEY_PLACE} belongs into its path or query")

    @property
    def takes_key(self) -> bool:
        """Tell whether there is a place for a key."""
        return KEY_PLACE in self.url or bool(self.key_header)

    @property
    def voice(self) -> str:
        """Whom to count for `min_feeds`: mirrors and one publisher's lists are one voice."""
        return self.publisher or self.name

    @property
    def origin(self) -> Origin:
        """What every row of the list has in common."""
        info = f"{self.info} ({self.class_})" if self.class_ else self.info
        return Origin(source=Source(self.name), info=info, reference=self.reference)


def known() -> Mapping[str, Feed]:
    """Return all lists of the catalogue by name; raise ConfigError for a faulty catalogue."""
    return {name: convert(raw, Feed, f"{CATALOG}: {name}") for name, raw in _raw().items()}


def enabled(update: Update) -> list[Feed]:
    """Return the lists in use, by name: the default ones and those the site names.

    An entry of `update.lists` with the name of a known list changes that one key by key;
    `enabled: false` turns it off. `update.mirror` takes the place of all servers. Raise
    ConfigError naming the entry.
    """
    chosen = {
        name: raw for name, raw in _raw().items() if update.defaults and raw.get("default", False)
    }
    keys = dict.fromkeys(chosen, CATALOG)
    for index, entry in enumerate(update.lists):
        key = f"update.lists[{index}]"
        name = entry.get("name")
        if not isinstance(name, str):
            raise ConfigError(f"{key}.name: is missing; name a list, see `maltrail-agent feeds`")
        base = _raw().get(name, {"name": name, "period": "1d"})
        if len(base) == 2 and "url" not in entry:
            raise ConfigError(f"{key}.name: no known list {name!r}; add its url, format and info")
        is_on = entry.get("enabled", True)
        if not isinstance(is_on, bool):
            raise ConfigError(f"{key}.enabled: expected true or false, found {is_on!r}")
        chosen.pop(name, None)
        if is_on:
            chosen[name] = _changed(base, entry, key)
            keys[name] = key
    feeds = [convert(chosen[name], Feed, keys[name]) for name in sorted(chosen)]
    if update.mirror is not None:
        return [_mirrored(feed, update.mirror) for feed in feeds]
    for feed in feeds:
        if feed.takes_key and feed.key_file is None:
            where = f" (from {feed.key})" if feed.key else ""
            raise ConfigError(
                f"{keys[feed.name]}.key_file: is missing; {feed.name} needs a key: name a file "
                f"that holds yours{where}"
            )
    return feeds


def _mirrored(feed: Feed, folder: str) -> Feed:
    """Return a list that is read from a folder, unless it is on this host already."""
    if not feed.url.startswith("http"):
        return feed
    return msgspec.structs.replace(feed, url=folder, key_header="", key_file=None)


def _changed(base: Mapping[str, Any], entry: Mapping[str, Any], key: str) -> dict[str, Any]:
    changed = {**base, **{k: v for k, v in entry.items() if k != "enabled"}}
    options = entry.get("options", {})
    if not isinstance(options, Mapping):
        raise ConfigError(f"{key}.options: expected keys and values")
    # Options belong to a format: a list that changes its format starts with none.
    same_format = "format" not in entry or entry["format"] == base.get("format")
    changed["options"] = {**base.get("options", {}), **options} if same_format else dict(options)
    if "info" not in changed:
        changed["info"] = str(changed["name"])
    changed.setdefault("reference", str(changed["name"]))
    return changed


@cache
def _raw() -> Mapping[str, Mapping[str, Any]]:
    """Read the catalogue once; it is part of the program, so a fault in it is ours."""
    text = resources.files("feeds").joinpath(CATALOG).read_text(encoding="utf-8")
    raw = yaml.safe_load(text)
    return {name: {"name": name, **entry} for name, entry in raw.items()}
