"""STIX 2.1: bundles and TAXII envelopes; indicators whose pattern is a list of plain values."""

from collections.abc import Iterator, Mapping
from typing import BinaryIO

import msgspec

from agent.model import Source, Trail
from feeds import Origin, Unused
from feeds._indicator import address_and_port, fingerprint, indicator, indicator_of
from feeds._json_path import steps
from feeds._json_text import MAX_VALUE, decoded, excerpt, values
from feeds._label import Label, day
from feeds._stix_pattern import TOO_MUCH, Alternative, Beyond, read

MAX_NAMES = 50_000
"""Names of malware and actors kept to label indicators with; the largest bundles have hundreds."""

MAX_RELATIONS = 200_000
"""Relations of indicators to these that are kept; beyond, indicators go without a family."""

PLACES = ("family", "name", "type")

_OBJECTS = {"object": steps("objects[*]")}
_NAMED = frozenset(
    {"malware", "threat-actor", "intrusion-set", "campaign", "tool", "infrastructure"}
)
_SILENT = (".type", ":protocols[0]", ":protocols[*]")
"""What is said beside an address: its type and protocol, which a key does not tell apart."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`{family}`, `{name}` and `{type}` in the list's `info` are filled in.

    The family is what a relation says that the indicator indicates, the type its first indicator
    type or label. `drop_words` are left out; `unnamed` stands in for nothing. Indicators of less
    than `min_confidence` (0 to 100) are passed over; those that say none are not.
    """

    drop_words: tuple[str, ...] = ()
    unnamed: str = "malware"
    min_confidence: int = 0


class _Object(msgspec.Struct, frozen=True):
    """What is read of any object."""

    type: str = ""
    id: str = ""
    name: str = ""
    revoked: bool = False
    pattern: str = ""
    pattern_type: str = "stix"
    created: str = ""
    valid_from: str = ""
    valid_until: str = ""
    confidence: int | None = None
    indicator_types: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    relationship_type: str = ""
    source_ref: str = ""
    target_ref: str = ""


_DECODER = msgspec.json.Decoder(_Object)


def parse(content: BinaryIO, config: Config, origin: Origin, unused: Unused) -> Iterator[Trail]:
    """Yield a trail for each value that an indicator in force names."""
    label = Label(origin.info, config.drop_words, config.unnamed, PLACES)
    families = _families(content) if "family" in label.places else {}
    content.seek(0)
    for _, raw in values(content, _OBJECTS):
        if raw is None:
            unused.reject(f"longer than {MAX_VALUE >> 20} MB", "")
            continue
        try:
            found = decoded(_DECODER, raw)
        except ValueError:
            unused.reject("not an object of STIX 2.1", excerpt(raw))
            continue
        if found.type != "indicator":
            continue
        reason = _passed_over(found, config)
        if reason:
            unused.skip(reason)
        else:
            yield from _trails(found, families, label, origin, unused)


def _families(content: BinaryIO) -> Mapping[str, str]:
    """Return the name of what each indicator indicates, by the indicator's id."""
    names: dict[str, str] = {}
    relations: dict[str, str] = {}
    for _, raw in values(content, _OBJECTS):
        try:
            found = decoded(_DECODER, raw or b"{}")
        except ValueError:
            continue  # counted when it is read as a row
        if found.type in _NAMED and len(names) < MAX_NAMES:
            names[found.id] = found.name
        elif (
            found.type == "relationship"
            and found.relationship_type == "indicates"
            and len(relations) < MAX_RELATIONS
        ):
            relations.setdefault(found.source_ref, found.target_ref)
    return {source: names[target] for source, target in relations.items() if target in names}


def _passed_over(found: _Object, config: Config) -> str:
    if found.revoked:
        return "revoked"
    if found.pattern_type != "stix":
        return "a pattern of another language"
    if found.confidence is not None and found.confidence < config.min_confidence:
        return "of too little confidence"
    return ""


def _trails(
    found: _Object, families: Mapping[str, str], label: Label, origin: Origin, unused: Unused
) -> Iterator[Trail]:
    try:
        alternatives = read(found.pattern)
    except Beyond as reason:
        unused.skip(str(reason))
        return
    except ValueError as error:
        unused.reject(str(error), found.pattern)
        return
    said = {
        "family": families.get(found.id, ""),
        "name": found.name,
        "type": next(iter((*found.indicator_types, *found.labels)), ""),
    }
    info = label.fill(said.__getitem__)
    source = origin.source
    first = day(found.valid_from or found.created)
    source = Source(source.name, first or source.first_seen, source.last_seen)
    for alternative in alternatives:
        try:
            key, kind = _key(alternative)
        except Beyond as reason:
            unused.skip(str(reason))
        except ValueError as error:
            unused.reject(str(error), found.pattern)
        else:
            yield Trail(
                key=key,
                info=info,
                reference=origin.reference,
                source=source,
                kind=kind,
                expires=day(found.valid_until),
            )


def _key(alternative: Alternative) -> tuple[str, str]:
    """Return the key of comparisons that must all hold, and its kind; raise Beyond, ValueError."""
    said = {
        comparison.path.replace("'", "").lower(): comparison
        for comparison in alternative
        if not comparison.path.endswith(_SILENT)
    }
    paths = set(said)
    if paths == {"network-traffic:dst_ref.value", "network-traffic:dst_port"}:
        address = said["network-traffic:dst_ref.value"].value
        return address_and_port(address, said["network-traffic:dst_port"].value), ""
    if paths == {"domain-name:value", "domain-name:resolves_to_refs[*].value"}:
        return indicator(said["domain-name:value"].value, "domain"), ""
    if len(alternative) > 1 and len(paths) != 1:
        raise Beyond(TOO_MUCH)
    if not paths:
        raise Beyond("nothing that is seen on the wire")
    (path,) = paths
    return _of_path(path, said[path].value)


def _of_path(path: str, value: str) -> tuple[str, str]:
    if path in _ADDRESSES:
        return indicator_of(value, ("ip", "network")), ""
    if path == "domain-name:value":
        return indicator(value, "domain"), ""
    if path == "url:value":
        return indicator(value, "url"), "url"
    if path in _CERTIFICATES:
        return fingerprint(value), ""
    if path == _USER_AGENT:
        return indicator(value, "user-agent"), "user-agent"
    raise Beyond("nothing that is seen on the wire")


_ADDRESSES = frozenset(
    {
        "ipv4-addr:value",
        "ipv6-addr:value",
        "network-traffic:dst_ref.value",
        "network-traffic:src_ref.value",
    }
)
_CERTIFICATES = frozenset(
    {
        "x509-certificate:hashes.sha-1",
        "x509-certificate:hashes.sha1",
        "x509-certificate:hashes.sha-256",
        "x509-certificate:hashes.sha256",
    }
)
_USER_AGENT = "network-traffic:extensions.http-request-ext.request_header.user-agent"
