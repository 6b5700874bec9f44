"""Rules of Suricata, and of Snort where they look alike: those that only name an indicator.

A rule is read where its whole condition is one name, URL, fingerprint or list of addresses; what
a key cannot express is passed over and counted. Sources: Suricata's guide, chapters "Rules
Format", "Payload Keywords", "DNS Keywords", "SSL/TLS Keywords", "JA3 and JA4 Keywords".
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from agent.model import Trail
from feeds import Origin, Unused
from feeds._archive import files
from feeds._indicator import address_and_port, fingerprint, indicator, indicator_of
from feeds._label import Label
from feeds._lines import lines
from feeds._rule import Content, Rule, read

MAX_ADDRESSES = 20_000
"""Addresses of one rule: public rules have some hundred; a line ends before this anyway."""

MAX_PORTS = 16
"""Ports of one rule that are taken one by one."""

MAX_RULE = 1 << 18
"""Characters of a rule that goes on over several lines."""

PLACES = ("msg", "classtype", "sid")

_ALERTS = frozenset({"alert", "drop", "reject", "rejectsrc", "rejectdst", "rejectboth"})
_DISABLED = re.compile(r"#+\s*(?:alert|drop|reject|pass|log)\w*\s+[\w-]+\s")
_NAMES = frozenset({"dns", "sni", "host"})


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`{msg}`, `{classtype}` and `{sid}` in the list's `info` are filled in.

    `drop_words` are left out of them; `unnamed` stands in for nothing. Rules whose class is in
    `without` are passed over.
    """

    drop_words: tuple[str, ...] = ()
    unnamed: str = "malware"
    without: tuple[str, ...] = ()


class _Beyond(Exception):  # noqa: N818 - a verdict on a rule, not a failure
    """A rule that says more than a key can; the text is the reason."""


def parse(content: BinaryIO, config: Config, origin: Origin, unused: Unused) -> Iterator[Trail]:
    """Yield a trail for each indicator that is the whole condition of a rule.

    Of an archive the files `*.rules` are read, in the order of their names.
    """
    label = Label(origin.info, config.drop_words, config.unnamed, PLACES)
    for file in files(content, ".rules"):
        yield from _of_file(file, config, label, origin, unused)


def _of_file(
    content: BinaryIO, config: Config, label: Label, origin: Origin, unused: Unused
) -> Iterator[Trail]:
    for text in _rules(content, unused):
        try:
            rule = read(text)
            if rule.class_type in config.without:
                unused.skip("of a class that is not wanted")
                continue
            found = list(_indicators(rule))
        except _Beyond as reason:
            unused.skip(str(reason))
            continue
        except ValueError as error:
            unused.reject(str(error), text)
            continue
        said = {"msg": rule.message, "classtype": rule.class_type, "sid": rule.sid}
        info = label.fill(said.__getitem__)
        for key, kind in found:
            yield Trail(
                key=key, info=info, reference=origin.reference, source=origin.source, kind=kind
            )


def _rules(content: BinaryIO, unused: Unused) -> Iterator[str]:
    """Yield rules, each on one line; count those that are commented out."""
    begun = ""
    for line in lines(content):
        text = begun + line.strip()
        if text.startswith("#"):
            if _DISABLED.match(text) and "->" in text and "(" in text:
                unused.skip("disabled")
            begun = ""
        elif text.endswith("\\"):
            begun = text[:-1]
            if len(begun) > MAX_RULE:
                raise ValueError(f"a rule is longer than {MAX_RULE} characters")
        else:
            begun = ""
            if text:
                yield text


def _indicators(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield keys with their kinds; raise _Beyond, or ValueError for what is no indicator."""
    if rule.action not in _ALERTS:
        raise _Beyond("not an alert")
    if rule.beyond:
        raise _Beyond("conditions that a key cannot express")
    contents = [content for content in rule.contents if content.buffer != "method"]
    if rule.fingerprints:
        if contents:
            raise _Beyond("conditions that a key cannot express")
        for value in rule.fingerprints:
            yield fingerprint(value), ""
    elif contents:
        yield _of_contents(contents)
    else:
        for key in _of_header(rule):
            yield key, ""


def _of_contents(contents: list[Content]) -> tuple[str, str]:
    buffers = sorted(content.buffer for content in contents)
    if buffers == ["host", "uri"]:
        host, uri = sorted(contents, key=lambda content: content.buffer)
        if not (host.is_whole and uri.is_whole and uri.text.startswith("/")):
            raise _Beyond("a part of a URL")
        return indicator(host.text + uri.text, "url"), "url"
    if len(contents) > 1:
        raise _Beyond("conditions that a key cannot express")
    (content,) = contents
    if content.buffer in _NAMES:
        return _of_name(content)
    if content.buffer in ("ja3", "ja4"):
        return indicator(content.text.lower(), content.buffer), ""
    if content.buffer == "certificate":
        return fingerprint(content.text), ""
    if content.buffer == "agent" and content.is_whole:
        return indicator(content.text, "user-agent"), "user-agent"
    raise _Beyond("a part of a packet")


def _of_name(content: Content) -> tuple[str, str]:
    """Return the name at the end of what was asked for, and whether only names below it."""
    if not content.ends:
        raise _Beyond("a part of a name")
    name = content.text.removeprefix(".") if content.dot_before else content.text
    if "." not in name.strip("."):
        raise _Beyond("a whole top-level domain")
    if content.buffer == "host" and re.fullmatch(r"[\d.]+|\[[\da-f:.]+\]", name):
        if not content.starts:
            raise _Beyond("a part of an address")
        return indicator(name + "/", "url"), "url"
    return indicator(name, "domain"), ""


def _of_header(rule: Rule) -> Iterator[str]:
    """Yield the addresses of the side that names them."""
    sides = [
        (addresses, ports)
        for addresses, ports in (
            (rule.source, rule.source_port),
            (rule.target, rule.target_port),
        )
        if not (addresses == "any" or addresses.startswith(("$", "!$")))
    ]
    if len(sides) != 1:
        raise _Beyond("no indicator" if not sides else "addresses on both sides")
    addresses, ports = sides[0]
    numbers = _members(ports) if ports != "any" else []
    for address in _members(addresses, MAX_ADDRESSES):
        key = indicator_of(address, ("ip", "network"))
        if not numbers:
            yield key
        for number in numbers:
            if "/" in key or not number.isdecimal():
                raise _Beyond("ports that a key cannot express")
            yield address_and_port(key, number)


def _members(text: str, limit: int = MAX_PORTS) -> list[str]:
    """Return the members of a group such as `[a,b]`; raise _Beyond for what is more than that."""
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    members = [member.strip() for member in inner.split(",")]
    if any(mark in inner for mark in "![$") or len(members) > limit:
        raise _Beyond("a group that is not a plain list")
    return members
