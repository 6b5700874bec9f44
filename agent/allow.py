"""The allow-list: what is never reported, why, until when, and how often it suppressed something.

Strategy: entries come from the built-in list, from files and from the configuration, and are kept
as rows with a counter each, so that nothing is suppressed uncounted. Of several entries that say
the same thing the site's own one counts: configuration before files before built-in. Plain names
and networks are found by look-up; entries with more keys are weighed one by one, for hits only.

The rule for names: entry E suppresses a hit of trail K on name N when N is E or lies below E, and
K is not more specific than E. The longest match wins: with `example.com` allowed, a trail
`example.com` or `com` is silent on `www.example.com`, a trail `bad.example.com` is not, and
neither is a trail on one page, `example.com/bad`. Keys that name no host (paths, patterns, user
agents) are never more specific than an allowed name. A network suppresses hits on every address
in it.

What a client says of itself (the Host of a request, the name in a hello) excuses a path, an agent
or a fingerprint only where the site itself allowed that name: a built-in entry would be an
invitation to claim to be going there.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from agent import config
from agent.config import ConfigError, is_expired
from agent.direction import packed
from agent.model import CANARY
from agent.names import ascii_glob, ascii_name
from agent.scopes import PACKET_KEYS, Judged, Prefix, Test, scopes, tests

Kind = Literal["builtin", "file", "entry"]

_log = logging.getLogger("agent.allow")

BUILTIN = Path(__file__).with_name("allow.txt")

_EXPECTED = "expected a domain, an address or a network such as 192.0.2.0/24"
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LOOKS_LIKE_ADDRESS = re.compile(r"[0-9.]+|.*:.*")
_MAX_NAME = 253
_CACHED_ADDRESSES = 8192
_LONGEST_ADDRESS = 64
"""Characters of an address that is remembered, with brackets and a zone."""
MAX_COUNTED = 100
"""Entries whose suppressions are a metric each; those of the rest are one together."""
OTHERS = "others"


@dataclass(slots=True, eq=False)
class Entry:
    """One thing that is allowed.

    `text` is its normal spelling, `origin` says where it stands (`file:line`, `builtin` or
    `allow_list.entries[i]`), `until` is its last day, `hits` counts what it suppressed. `domain`
    or `network` is what hits are on, or neither; `tests` are what else must hold, of the packet
    too where `depends_on_packet`; `trail` is what they say of the trail's key, stars allowed.
    """

    text: str
    kind: Kind
    origin: str
    reason: str = ""
    until: date | None = None
    hits: int = 0
    domain: str = field(default="", repr=False)
    network: Prefix | None = field(default=None, repr=False)
    tests: tuple[Test, ...] = field(default=(), repr=False)
    depends_on_packet: bool = field(default=False, repr=False)
    trail: str = field(default="", repr=False)

    def covers(self, about: str, key: str) -> bool:
        """Tell whether a hit of trail `key` on the name or address `about` is in its scope."""
        if self.network is not None:
            return self.network.holds(about)
        if not self.domain:
            return True
        name = about.rstrip(".").lower()
        is_inside = name == self.domain or name.endswith(f".{self.domain}")
        return is_inside and not _is_more_specific(key, name, self.domain)


class _Address(NamedTuple):
    """Whether a text is an address at all, and the entry of the smallest network around it."""

    is_one: bool
    entry: Entry | None


_NO_ADDRESS = _Address(is_one=False, entry=None)


class AllowList:
    """All entries that are in force; look-ups cost one probe a label or a prefix length.

    What was found of an address is remembered until entries come or go, in a cache of fixed size.
    `has_scopes` tells whether there are entries with more keys, which `allows_hit` weighs.
    `edition` is another object as soon as other entries are in force.
    """

    def __init__(self, entries: Iterable[Entry], now_us: int) -> None:
        """Take entries, the preferred first of those that say the same."""
        self._entries = tuple(entries)
        self._enforce(now_us)

    @classmethod
    def load(cls, settings: config.AllowList, now_us: int) -> AllowList:
        """Read what the configuration names; raise ConfigError naming the file and line.

        A folder stands for the `*.txt` files in it. The default path need not exist.
        """
        entries = [_configured(entry, index) for index, entry in enumerate(settings.entries)]
        default = config.AllowList().files
        for name in settings.files:
            for path in _text_files(Path(name), required=name not in default):
                entries += _read(path, "file")
        if settings.builtin:
            entries += _read(BUILTIN, "builtin")
        return cls(entries, now_us)

    def expire(self, now_us: int) -> None:
        """Put out of force what has run out by now, and log it; cheap when nothing has."""
        if is_expired(self._first_until, now_us):
            before = self.active()
            self._enforce(now_us)
            for entry in before:
                if is_expired(entry.until, now_us):
                    _log.info("allow-list entry %s (%s) has ended", entry.text, entry.origin)

    def domain(self, name: str) -> Entry | None:
        """Find the longest allowed name that is this name or a parent of it; counts nothing."""
        rest = name.rstrip(".").lower()
        while rest:
            entry = self._domains.get(rest)
            if entry is not None:
                return entry
            rest = rest.partition(".")[2]
        return None

    def address(self, text: str) -> Entry | None:
        """Find the smallest allowed network around this address; counts nothing."""
        return self._address(text).entry

    def _address(self, text: str) -> _Address:
        if len(text) > _LONGEST_ADDRESS:  # a name
            return self._find_address(text)
        return self._remembered(text)

    def _find_address(self, text: str) -> _Address:
        raw = packed(text)
        if raw is None:
            return _NO_ADDRESS
        number, bits = int.from_bytes(raw, "big"), len(raw) * 8
        by_length = self._networks.get(bits, {})
        for length in sorted(by_length, reverse=True):
            entry = by_length[length].get(number >> (bits - length))
            if entry is not None:
                return _Address(is_one=True, entry=entry)
        return _Address(is_one=True, entry=None)

    def allows_name(
        self, name: str, key: str, count: int = 1, *, claimed: bool = False
    ) -> Entry | None:
        """Return the entry that suppresses a hit of trail `key` on `name`, and count it there.

        With `claimed` the trail is not about the name, which only the client told.
        """
        entry = self.domain(name)
        if entry is None or _is_more_specific(key, name, entry.text):
            return None
        if claimed and entry.kind == "builtin":
            return None
        entry.hits += count
        return entry

    def allows(
        self, about: str, key: str, count: int = 1, *, claimed: bool = False
    ) -> Entry | None:
        """Do as allows_address or allows_name, by what `about` is."""
        address = self._address(about)
        if not address.is_one:
            return self.allows_name(about, key, count, claimed=claimed)
        if address.entry is not None:
            address.entry.hits += count
        return address.entry

    def allows_hit(self, judged: Judged, about: str) -> Entry | None:
        """Return the entry with more keys than a name or network that suppresses a hit, counted.

        `about` is the name or address that the hit is on. The canary always passes: without it
        nobody knows whether anything is detected.
        """
        hit = judged.hit
        if not self._scoped or hit.indicator == CANARY:
            return None
        for entry in self._scoped:
            if entry.covers(about, hit.indicator) and all(test(judged) for test in entry.tests):
                entry.hits += hit.count
                return entry
        return None

    def allows_address(self, address: str, count: int = 1) -> Entry | None:
        """Return the entry that suppresses a hit on `address`, and count it there."""
        entry = self.address(address)
        if entry is not None:
            entry.hits += count
        return entry

    def counts(self) -> Mapping[Kind, int]:
        """Return how many hits were suppressed by each kind of entry."""
        counts: dict[Kind, int] = {"builtin": 0, "file": 0, "entry": 0}
        for entry in self._entries:
            counts[entry.kind] += entry.hits
        return counts

    def suppressed(self) -> Mapping[str, int]:
        """Return how many hits each entry suppressed, by its text; MAX_COUNTED and the rest."""
        found: Counter[str] = Counter()
        for entry in self._entries:
            if entry.hits:
                known = entry.text in found or len(found) < MAX_COUNTED
                found[entry.text if known else OTHERS] += entry.hits
        return found

    def active(self) -> tuple[Entry, ...]:
        """Return the entries that have not run out and that none before them makes idle."""
        found = [*self._domains.values(), *self._scoped]
        for by_length in self._networks.values():
            for by_prefix in by_length.values():
                found += by_prefix.values()
        return tuple(found)

    def __iter__(self) -> Iterator[Entry]:
        """Iterate over all entries, also those that have run out or are shadowed."""
        return iter(self._entries)

    def __len__(self) -> int:
        """Return the number of entries, also those that have run out or are shadowed."""
        return len(self._entries)

    def _enforce(self, now_us: int) -> None:
        """Index what has not run out, beside the old index: readers never see half of it."""
        domains: dict[str, Entry] = {}
        networks: dict[int, dict[int, dict[int, Entry]]] = {}
        valid = [entry for entry in self._entries if not is_expired(entry.until, now_us)]
        for entry in valid:
            if entry.tests:
                continue
            if entry.network is None:
                domains.setdefault(entry.domain, entry)
            else:
                bits, length, prefix = entry.network
                networks.setdefault(bits, {}).setdefault(length, {}).setdefault(prefix, entry)
        self._domains, self._networks = domains, networks
        self._remembered = lru_cache(maxsize=_CACHED_ADDRESSES)(self._find_address)
        self.edition = object()
        self._scoped = tuple(entry for entry in valid if entry.tests)
        self.has_scopes = bool(self._scoped)
        self._first_until = min((entry.until for entry in valid if entry.until), default=None)


def checked_name(text: str) -> str:
    """Return a domain as the wire spells it; raise ValueError for what is no name."""
    name = ascii_name(text)
    for label in name.split("."):
        if not _LABEL.fullmatch(label):
            raise ValueError(f"{label!r} is no label of a name")
    if len(name) > _MAX_NAME:
        raise ValueError(f"longer than {_MAX_NAME} characters")
    return name


def _is_more_specific(key: str, name: str, allowed: str) -> bool:
    """Tell whether a trail's key says more about `name` than the allowed name does."""
    host, slash, page = key.lower().lstrip(".").partition("/")
    host = host.removesuffix(".")
    folded = name.rstrip(".").lower()
    if folded != host and not folded.endswith(f".{host}"):
        return False  # a pattern, a path, a user agent: they name no host
    return bool(host) and (len(host) > len(allowed) or bool(slash and page and host == allowed))


def _configured(allowed: config.Allowed, index: int) -> Entry:
    """Make an entry of the configuration; raise ConfigError."""
    origin = f"allow_list.entries[{index}]"
    text = allowed.network if allowed.network is not None else (allowed.domain or "")
    entry = Entry("", "entry", origin, allowed.reason)
    if text:
        try:
            entry = _entry(text, "entry", origin, allowed.reason)
        except ValueError as error:
            raise ConfigError(f"{origin}: {text!r}: {error}; {_EXPECTED}") from error
    entry.until = allowed.until
    entry.tests = tuple(tests(allowed, origin))
    keys = dict(scopes(allowed))
    entry.depends_on_packet = not PACKET_KEYS.isdisjoint(keys)
    entry.trail = ascii_glob(allowed.trail or "")
    said = [f"{key} {value}" for key, value in keys.items()]
    entry.text = ", ".join([entry.text, *said] if entry.text else said)
    return entry


def _text_files(path: Path, required: bool) -> list[Path]:
    """List the files that a configured path stands for."""
    try:
        if path.is_dir():
            return sorted(path.glob("*.txt"))
        if path.exists() or required:
            return [path]
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    return []


def _read(path: Path, kind: Kind) -> list[Entry]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}; correct allow_list.files"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    entries = []
    for number, line in enumerate(text.split("\n"), 1):
        value, _, comment = (part.strip() for part in line.partition("#"))
        if not value:
            continue
        origin = "builtin" if kind == "builtin" else f"{path}:{number}"
        try:
            entries.append(_entry(value, kind, origin, comment))
        except ValueError as error:
            raise ConfigError(f"{path}:{number}: {value!r}: {error}; {_EXPECTED}") from error
    return entries


def _entry(text: str, kind: Kind, origin: str, reason: str) -> Entry:
    """Parse a name or network; raise ValueError saying what is wrong with it."""
    if "/" not in text and not _LOOKS_LIKE_ADDRESS.fullmatch(text):
        if text.startswith(("*", ".")):
            raise ValueError("a domain covers everything below it, write it without '*' or dot")
        name = checked_name(text)
        return Entry(name, kind, origin, reason, domain=name)
    prefix = Prefix.of(text.strip("[]"))
    return Entry(prefix.text, kind, origin, reason, network=prefix)
