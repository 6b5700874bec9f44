"""MISP: feeds with their events, events of an export, and results of a search for attributes.

Source: the core format (draft-dulaunoy-misp-core-format), sections 2.2 to 2.5.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

import msgspec

from agent.model import Source, Trail
from feeds import Origin, Part, Unused
from feeds._archive import files, is_archive
from feeds._indicator import address_and_port, fingerprint, indicator, indicator_of
from feeds._json_path import steps
from feeds._json_text import MAX_VALUE, decoded, excerpt, values
from feeds._label import Label, day

MAX_EVENT = 32 << 20
"""Bytes of one event, which is held while it is read; the largest in public feeds are some MB."""

MAX_MANIFEST = 8 << 20
"""Bytes of a feed's manifest; the largest public one, of 2,000 events, has 2 MB."""

MAX_EVENTS = 10_000
"""Events of a feed, each of which is a request the first time."""

MAX_TAGS = 1_000
"""Tags of one event that are looked at for a family's name."""

PLACES = ("family", "event", "category", "type", "comment")

_EVENTS = {
    "event": steps("Event"),
    "of response": steps("response[*].Event"),
    "of list": steps("[*].Event"),
    "attribute": steps("response.Attribute[*]"),
}
_OF_EVENT = {
    "info": steps("info"),
    "date": steps("date"),
    "tag": steps("Tag[*]"),
}
_ATTRIBUTES = {"attribute": steps("Attribute[*]"), "of object": steps("Object[*].Attribute[*]")}
_HEAD = 4096
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MANIFEST = re.compile(rb'\s*\{\s*"[0-9a-fA-F-]{36}"\s*:')
_HASHES = re.compile(rb"[0-9a-f]{32},[0-9a-f-]{36}\s")
_NUMBER = re.compile(r" - [SG]\d{4}")  # ATT&CK's, behind a name
_GALAXIES = (
    "malpedia",
    "malware",
    "ransomware",
    "tool",
    "botnet",
    "rat",
    "banker",
    "threat-actor",
    "intrusion-set",
)


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`{family}`, `{event}`, `{category}`, `{type}`, `{comment}` in the list's `info`.

    The family is what a galaxy's tag of the attribute or its event names, else the event's title.
    `drop_words` are left out; `unnamed` stands in for nothing. Where `all` is true, attributes
    count that their author does not mean for detection (`to_ids`).
    """

    drop_words: tuple[str, ...] = ()
    unnamed: str = "malware"
    all: bool = False


class _Tag(msgspec.Struct, frozen=True):
    name: str = ""


class _Title(msgspec.Struct, frozen=True):
    info: str = ""
    date: str = ""


class _Attribute(msgspec.Struct, frozen=True):
    """What is read of an attribute; numbers come as text from some servers."""

    type: str
    value: str
    category: str = ""
    comment: str | None = ""
    to_ids: bool | int | str = False
    deleted: bool | int | str = False
    timestamp: int | str = ""
    first_seen: str | None = None
    last_seen: str | None = None
    Tag: tuple[_Tag, ...] = ()
    Event: _Title = _Title()


class _Entry(msgspec.Struct, frozen=True, gc=False):
    """What is read of an event in a manifest."""

    timestamp: int | str = 0


class _Event(msgspec.Struct, frozen=True):
    """What an event says of all its attributes."""

    info: str = ""
    date: str = ""
    family: str = ""


_ENTRIES = msgspec.json.Decoder(dict[str, _Entry])
_ATTRIBUTE = msgspec.json.Decoder(_Attribute)
_TAG = msgspec.json.Decoder(_Tag)
_TEXT = msgspec.json.Decoder(str)


def parse(content: BinaryIO, config: Config, origin: Origin, unused: Unused) -> Iterator[Trail]:
    """Yield a trail for each attribute that is meant for detection and seen on the wire.

    Of an archive the files `*.json` are read, in the order of their names; one that is no JSON
    is a reject.
    """
    reader = _Reader(config, origin, unused)
    if _HASHES.match(content.read(_HEAD)):
        raise ValueError("hashes.csv tells values only by their MD5; name manifest.json instead")
    content.seek(0)
    if not is_archive(content):
        yield from reader.document(content)
        return
    for file in files(content, ".json"):
        try:
            yield from reader.document(file)
        except ValueError as error:
            unused.reject(str(error), "")


def parts(content: BinaryIO) -> Sequence[Part]:
    """Return the files of a feed's events where content is its `manifest.json`, newest first.

    Raise ValueError for a manifest that names too many.
    """
    head = content.read(_HEAD)
    if not _MANIFEST.match(head):
        return ()
    text = head + content.read(MAX_MANIFEST - len(head))
    try:
        entries = decoded(_ENTRIES, text)
    except ValueError as error:
        raise ValueError("a manifest that is damaged, or too long") from error
    if len(entries) > MAX_EVENTS:
        raise ValueError(f"a manifest of more than {MAX_EVENTS} events")
    found = [
        # A name that is a path would lead elsewhere.
        Part(name=f"{uuid}.json", version=_seconds(entry.timestamp))
        for uuid, entry in entries.items()
        if _UUID.fullmatch(uuid)
    ]
    return sorted(found, key=lambda part: (-part.version, part.name))


def _seconds(text: int | str) -> int:
    digits = str(text)
    return int(digits) if re.fullmatch(r"\d{1,10}", digits, re.ASCII) else 0


class _Reader:
    """Makes trails of events and attributes."""

    def __init__(self, config: Config, origin: Origin, unused: Unused) -> None:
        self._all = config.all
        self._origin = origin
        self._unused = unused
        self._label = Label(origin.info, config.drop_words, config.unnamed, PLACES)

    def document(self, content: BinaryIO) -> Iterator[Trail]:
        """Yield the trails of events or attributes; raise ValueError for what is no JSON."""
        for name, raw in values(content, _EVENTS, MAX_EVENT):
            if raw is None:
                self._unused.reject(f"an event longer than {MAX_EVENT >> 20} MB", "")
            elif name == "attribute":
                yield from self.attribute(raw, None)
            else:
                yield from self.event(raw)

    def event(self, raw: bytes) -> Iterator[Trail]:
        """Yield the trails of an event; its title may stand behind its attributes."""
        try:
            event = _described(raw)
        except ValueError:
            self._unused.reject("not an event", excerpt(raw))
            return
        for _, attribute in values(io.BytesIO(raw), _ATTRIBUTES):
            if attribute is None:
                # Attached samples: nothing that is seen on the wire as such.
                self._unused.skip(f"longer than {MAX_VALUE >> 20} MB")
            else:
                yield from self.attribute(attribute, event)

    def attribute(self, raw: bytes, event: _Event | None) -> Iterator[Trail]:
        """Yield the trail of an attribute, which brings its event along where it has none."""
        try:
            found = decoded(_ATTRIBUTE, raw)
        except ValueError:
            self._unused.reject("not an attribute", excerpt(raw))
            return
        reason = self._passed_over(found)
        if reason:
            self._unused.skip(reason)
            return
        try:
            key, kind = _key(found.type, found.value)
        except ValueError as error:
            self._unused.reject(str(error), f"{found.type} {found.value}")
            return
        event = event or _Event(found.Event.info, day(found.Event.date))
        yield Trail(
            key=key,
            info=self._info(found, event),
            reference=self._origin.reference,
            source=self._source(found, event),
            kind=kind,
        )

    def _passed_over(self, found: _Attribute) -> str:
        if _is_true(found.deleted):
            return "deleted"
        if found.type not in _TYPES:
            return "of a type that is not seen on the wire"
        if not self._all and not _is_true(found.to_ids):
            return "not meant for detection"
        return ""

    def _info(self, found: _Attribute, event: _Event) -> str:
        said = {
            "family": _family(tag.name for tag in found.Tag) or event.family or event.info,
            "event": event.info,
            "category": found.category,
            "type": found.type,
            "comment": found.comment or "",
        }
        return self._label.fill(said.__getitem__)

    def _source(self, found: _Attribute, event: _Event) -> Source:
        """Date an attribute: a report of years ago is no word of today's."""
        source = self._origin.source
        changed = day(str(found.timestamp))
        first = day(found.first_seen or "") or event.date or changed
        last = day(found.last_seen or "") or changed
        return Source(source.name, first or source.first_seen, last or source.last_seen)


def _described(raw: bytes) -> _Event:
    info = date = family = ""
    tags = 0
    for name, value in values(io.BytesIO(raw), _OF_EVENT):
        if value is None:
            continue
        if name == "tag":
            tags += 1
            if tags <= MAX_TAGS:
                family = family or _family([decoded(_TAG, value).name])
        elif name == "info":
            info = decoded(_TEXT, value)
        else:
            date = day(decoded(_TEXT, value))
    return _Event(info, date, family)


def _family(tags: Iterator[str] | list[str]) -> str:
    """Return the name that the first tag of a galaxy gives: `misp-galaxy:malpedia="Emotet"`."""
    for tag in tags:
        galaxy, _, name = tag.partition("=")
        if galaxy.removeprefix("misp-galaxy:").removeprefix("mitre-") in _GALAXIES:
            return _NUMBER.sub("", name.strip('"'))
    return ""


def _is_true(value: bool | int | str) -> bool:
    return value is True or value in (1, "1", "true")


def _key(type_: str, value: str) -> tuple[str, str]:
    """Return the key of an attribute and its kind; raise ValueError."""
    first, _, second = value.partition("|")
    role = _TYPES[type_]
    if role == "address":
        return indicator_of(value, ("ip", "network")), ""
    if role == "address and port":
        return address_and_port(first, second), ""
    if role == "name":
        return indicator(first, "domain"), ""
    if role == "url":
        return indicator(value, "url"), "url"
    if role == "url or path":
        return indicator_of(value, ("url", "path")), ""
    if role == "certificate":
        return fingerprint(value), ""
    if role == "user-agent":
        return indicator(value, "user-agent"), "user-agent"
    return indicator(value, role), ""


_TYPES: Mapping[str, str] = {
    "ip-src": "address",
    "ip-dst": "address",
    "ip-src|port": "address and port",
    "ip-dst|port": "address and port",
    "domain": "name",
    "hostname": "name",
    # What a name resolved to may be anybody's; the name is what the report is about.
    "domain|ip": "name",
    "hostname|port": "name",
    "url": "url",
    "uri": "url or path",
    "user-agent": "user-agent",
    "x509-fingerprint-sha1": "certificate",
    "x509-fingerprint-sha256": "certificate",
    "ja3-fingerprint-md5": "ja3",
    "ja4-fingerprint": "ja4",
    "ja4": "ja4",
}
