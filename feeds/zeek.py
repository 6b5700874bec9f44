"""Zeek's intelligence files: tab-separated, columns named by a line that starts with `#fields`."""

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

import msgspec

from agent.model import Trail
from feeds import Origin, Unused
from feeds._indicator import fingerprint, indicator, indicator_of
from feeds._label import Label, clean
from feeds._lines import lines

_FIELDS = "#fields\t"
_UNSET = ("-", "")

PLACES = ("meta.source", "meta.desc", "indicator_type")


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`{meta.desc}`, `{meta.source}` and `{indicator_type}` in the list's `info` are filled in.

    `drop_words` are left out of them; `unnamed` stands in for nothing.
    """

    drop_words: tuple[str, ...] = ()
    unnamed: str = "malware"


def parse(content: BinaryIO, config: Config, origin: Origin, unused: Unused) -> Iterator[Trail]:
    """Yield a trail for each row of a type that is seen on the wire; no fields, no list."""
    label = Label(origin.info, config.drop_words, config.unnamed, PLACES)
    names: list[str] = []
    for line in lines(content):
        if line.startswith(_FIELDS):
            names = _names(line)
        elif line and not line.startswith("#"):
            if not names:
                raise ValueError("no line of #fields before the first row")
            trail = _trail(line, names, label, origin, unused)
            if trail is not None:
                yield trail


def _names(line: str) -> list[str]:
    names = line.removeprefix(_FIELDS).split("\t")
    if "indicator" not in names or "indicator_type" not in names:
        raise ValueError("#fields names no indicator and indicator_type")
    return names


def _trail(
    line: str, names: list[str], label: Label, origin: Origin, unused: Unused
) -> Trail | None:
    values = line.split("\t")
    if len(values) != len(names):
        unused.reject("another number of columns than #fields", line)
        return None
    row = {
        name: "" if value in _UNSET else value for name, value in zip(names, values, strict=True)
    }
    read = _READ.get(row["indicator_type"])
    if read is None:
        unused.skip("of a type that is not seen on the wire")
        return None
    try:
        key, kind = read(row["indicator"])
    except ValueError as error:
        unused.reject(str(error), line)
        return None
    return Trail(
        key=key,
        info=label.fill(lambda place: row.get(place, "")),
        reference=clean(row.get("meta.url", "")) or origin.reference,
        source=origin.source,
        kind=kind,
    )


def _address(text: str) -> tuple[str, str]:
    return indicator(text, "ip"), ""


def _network(text: str) -> tuple[str, str]:
    return indicator_of(text, ("network", "ip")), ""


def _name(text: str) -> tuple[str, str]:
    return indicator(text, "domain"), ""


def _url(text: str) -> tuple[str, str]:
    return indicator(text, "url"), "url"


def _certificate(text: str) -> tuple[str, str]:
    return fingerprint(text), ""


def _ja3(text: str) -> tuple[str, str]:
    return indicator(text, "ja3"), ""


def _ja4(text: str) -> tuple[str, str]:
    return indicator(text, "ja4"), ""


def _software(text: str) -> tuple[str, str]:
    """Read what Zeek compares with the User-Agent of a request."""
    return indicator(text, "user-agent"), "user-agent"


_READ: Mapping[str, Callable[[str], tuple[str, str]]] = {
    "Intel::ADDR": _address,
    "Intel::SUBNET": _network,
    "Intel::DOMAIN": _name,
    "Intel::URL": _url,
    "Intel::CERT_HASH": _certificate,
    "Intel::SOFTWARE": _software,
    # Of the packages ja3 and ja4, not of Zeek itself.
    "Intel::JA3": _ja3,
    "Intel::JA4": _ja4,
}
