"""Keys: from the spelling a list uses to the kind and bytes that the set stores.

CONTRACT section 6 for our own dialect, rules T-2 to T-7 for Maltrail's. A key that no observed
value could ever equal raises Inert with the reason, so that nothing is lost silently.
"""

import ipaddress
import re
import socket
from typing import Literal, NamedTuple

from agent.names import DOTS, ascii_name
from agent.scan import layout
from agent.trails import patterns

Dialect = Literal["own", "maltrail"]

MAX_NAME = 253  # RFC 1035 section 2.3.4, without the root's dot


class Key(NamedTuple):
    """What the set stores: a kind of agent.scan.layout, the key's bytes, flags."""

    kind: int
    key: bytes
    flags: int = 0


class Inert(ValueError):  # noqa: N818 - a verdict on a row, not a failure
    """A key that can never match; the text is the reason, from a closed set."""


_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z][a-z0-9-]{0,62}")
_ODD_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9-]{1,63}")
_IP4 = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}")
_IP4_PORT = re.compile(r"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}):(\d{1,5})")
_IP6_PORT = re.compile(r"\[([0-9a-f:.]+)\]:(\d{1,5})")
_HEX = re.compile(r"[0-9a-f]+")
_JA4 = re.compile(
    r"[tqd](?:[0-9]{2}|s[123]|d[123])[di][0-9]{4}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}"
)
_MALTRAIL_PATTERN = re.compile(r"[\].][*+]|\[[a-z0-9_.\-]+\]", re.IGNORECASE)  # rule T-7
_SLASHES = re.compile("//+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)

HEX_KINDS = {40: layout.CERTIFICATE, 64: layout.CERTIFICATE, 32: layout.JA3}


def parse(text: str, dialect: Dialect = "own", kind: str = "") -> Key:
    """Return the key that `text` names; raise Inert with the reason where nothing can match.

    `kind` is a name of layout.KIND_NAMES where the list knows better than the shape.
    """
    lowered = text.strip().lower()
    if not kind and _NAME.fullmatch(lowered) and len(lowered) <= MAX_NAME and "." in lowered:
        if dialect == "maltrail":
            lowered = _without_www(lowered)
        return Key(layout.DOMAIN, lowered.encode())
    try:
        found = _parse_other(text.strip(), lowered, dialect, kind)
    except UnicodeEncodeError as error:
        raise Inert("is no text") from error
    if len(found.key) > layout.MAX_KEY_BYTES:
        raise Inert("longer than a captured packet")
    return found


def _parse_other(text: str, lowered: str, dialect: Dialect, kind: str) -> Key:
    if not text:
        raise Inert("empty")
    if kind:
        return _parse_kind(text, lowered, dialect, kind)
    if dialect == "own":
        prefixed = _parse_prefixed(text)
        if prefixed:
            return prefixed
    elif _MALTRAIL_PATTERN.search(text) and not _IP6_PORT.fullmatch(lowered):
        return _pattern(layout.PATTERN, text, 0)
    scheme = _SCHEME.match(lowered)
    if scheme:
        rest = lowered[scheme.end() :]
        return _url(rest if "/" in rest else rest + "/")
    return _parse_shape(lowered, dialect)


def _parse_prefixed(text: str) -> Key | None:
    if text.startswith("ua:re:"):
        return _pattern(layout.USER_AGENT_PATTERN, text[6:], 0)
    if text.startswith("ua:"):
        return _user_agent(text[3:])
    if text.startswith("re:"):
        return _pattern(layout.PATTERN, text[3:], layout.ANCHORED)
    return None


def _parse_kind(text: str, lowered: str, dialect: Dialect, kind: str) -> Key:
    if kind == "user-agent":
        return _user_agent(text)
    if kind == "pattern":
        return _pattern(layout.PATTERN, text, layout.ANCHORED if dialect == "own" else 0)
    if kind == "user-agent-pattern":
        return _pattern(layout.USER_AGENT_PATTERN, text, 0)
    if kind == "url":
        scheme = _SCHEME.match(lowered)
        rest = lowered[scheme.end() :] if scheme else lowered
        return _url(rest if "/" in rest else rest + "/")
    found = _parse_shape(lowered, dialect)
    if layout.KIND_NAMES[found.kind] != kind:
        raise Inert(f"is not of the kind {kind}")
    return found


def _parse_shape(text: str, dialect: Dialect) -> Key:
    """Decide by shape; `text` is lower case and has no scheme."""
    if text.startswith("/"):
        return _path(text)
    if "/" in text:
        return _network(text) or _url(text)
    if _HEX.fullmatch(text) and len(text) in HEX_KINDS:
        return Key(HEX_KINDS[len(text)], text.encode())
    if _JA4.fullmatch(text):
        return Key(layout.JA4, text.encode())
    address = _address(text)
    if address:
        return address
    return _name(text, dialect)


def _address(text: str) -> Key | None:
    if _IP4.fullmatch(text):
        return Key(layout.IP4, _packed4(text))
    with_port = _IP4_PORT.fullmatch(text)
    if with_port:
        return Key(layout.IP4_PORT, _packed4(with_port[1]) + _port(with_port[2]))
    with_port = _IP6_PORT.fullmatch(text)
    if with_port:
        return Key(layout.IP6_PORT, _packed6(with_port[1]) + _port(with_port[2]))
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if bare.count(":") >= 2:
        return Key(layout.IP6, _packed6(bare))
    return None


def _packed4(text: str) -> bytes:
    try:
        # Takes what ipaddress takes of dotted quads, at an eighth of the price.
        return socket.inet_pton(socket.AF_INET, text)
    except OSError as error:
        raise Inert("is no IPv4 address") from error


def _packed6(text: str) -> bytes:
    try:
        return ipaddress.IPv6Address(text).packed
    except ValueError as error:
        raise Inert("is no IPv6 address") from error


def _port(text: str) -> bytes:
    if int(text) > 65535:
        raise Inert("has a port above 65535")
    return int(text).to_bytes(2, "big")


def _network(text: str) -> Key | None:
    address, _, length = text.partition("/")
    if not length.isdecimal() or not (_IP4.fullmatch(address) or address.count(":") >= 2):
        return None
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise Inert("is no network") from error
    if network.prefixlen == 0:
        raise Inert("covers every address")
    if network.prefixlen == network.max_prefixlen:
        kind = layout.IP4 if network.version == 4 else layout.IP6
        return Key(kind, network.network_address.packed)
    kind = layout.NET4 if network.version == 4 else layout.NET6
    return Key(kind, network.network_address.packed + bytes([network.prefixlen]))


def _path(text: str) -> Key:
    path = text.rstrip("/")  # observed paths lose theirs, rule T-13.8
    if not path:
        raise Inert("matches every request")
    return Key(layout.PATH, _SLASHES.sub("/", path).encode())


def _url(text: str) -> Key:
    host, _, path = text.partition("/")
    host = host.rpartition("@")[2].removesuffix(":80").rstrip(".")
    if not host or host.endswith(":80"):
        raise Inert("has no host")
    if not host.isascii():
        host = _ascii_name(host)
    path = _SLASHES.sub("/", f"/{path.rstrip('/')}")
    return Key(layout.URL, f"{host}{path}".encode())


def _name(text: str, dialect: Dialect) -> Key:
    text = text.translate(DOTS)
    below = layout.BELOW_ONLY if dialect == "own" and text.startswith(".") else 0
    name = text.removeprefix("*").strip(".")
    if text.startswith("*."):
        below = layout.BELOW_ONLY
    if not name.isascii():
        name = _ascii_name(name)
    if dialect == "maltrail":
        name = _without_www(name)
    if len(name) > MAX_NAME or not _ODD_NAME.fullmatch(name):
        raise Inert("is no domain name, address, URL, path, hash or pattern")
    if name.replace(".", "").isdecimal():
        raise Inert("is neither a name nor an address")
    return Key(layout.DOMAIN, name.encode(), below)


def _without_www(name: str) -> str:
    """Take off `www.`, which the parent walk covers anyway, but never leave a top level alone."""
    rest = name.removeprefix("www.")
    return rest if "." in rest else name


def _ascii_name(name: str) -> str:
    try:
        return ascii_name(name)
    except ValueError as error:
        raise Inert("is no name that IDNA can encode") from error


def _user_agent(text: str) -> Key:
    if not text.strip():
        raise Inert("empty")
    return Key(layout.USER_AGENT, text.strip().encode())


def _pattern(kind: int, text: str, flags: int) -> Key:
    problem = patterns.problem(text)
    if problem:
        raise Inert(problem)
    return Key(kind, text.encode(), flags)


def spell(kind: int, key: bytes, flags: int = 0) -> str:
    """Return a stored key in the spelling that users and events see (RFC 5952 for IPv6)."""
    if kind in (layout.IP4, layout.IP6):
        return str(ipaddress.ip_address(key))
    if kind == layout.IP4_PORT:
        return f"{ipaddress.IPv4Address(key[:4])}:{int.from_bytes(key[4:], 'big')}"
    if kind == layout.IP6_PORT:
        return f"[{ipaddress.IPv6Address(key[:16])}]:{int.from_bytes(key[16:], 'big')}"
    if kind in (layout.NET4, layout.NET6):
        return f"{ipaddress.ip_address(key[:-1])}/{key[-1]}"
    text = key.decode("utf-8", "backslashreplace")
    if flags & layout.BELOW_ONLY:
        return f".{text}"
    return text
