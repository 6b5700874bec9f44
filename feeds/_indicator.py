"""Bring one value of a public list into the spelling of keys (CONTRACT section 6)."""

import re

from agent.scan import layout
from agent.trails import keys

MAX_KEY = 2048
"""Longer values are rejected: requests are rarely longer, and a key is held in every sensor."""

MAX_USER_AGENT = 512
"""The longest in lists of malware have some 300 characters."""

KINDS = frozenset({"", *layout.KIND_NAMES} - {"pattern", "user-agent-pattern"})
"""Kinds that a public list may name; patterns are refused whatever it says."""

_NAMES = ("", "domain")
_ADDRESSES = ("", "ip")
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_ADDRESS = re.compile(rf"(?:{_OCTET}\.){{3}}{_OCTET}")
_NAME = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z][A-Za-z0-9-]{0,62}")
_REFANG = (("[.]", "."), ("(.)", "."), ("[:]", ":"), ("hxxp", "http"), ("[://]", "://"))
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,15}://")
_DEFAULT_PORTS = {"http://": ":80", "https://": ":443", "ftp://": ":21"}
_HOST = re.compile(
    r"(?:\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?"
    r"|\.?[\w-]+(?:\.[\w-]+)*\.[^\W\d_][\w-]*\.?(?::\d{1,5})?"  # no top-level name is a number
    r"|\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?"
    r"|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,40})"
)
# Nine values in ten: a name or an address, to which no rule of spelling applies.
_SIMPLE = re.compile(
    r"[\w-]+(?:\.[\w-]+)*\.[A-Za-z][\w-]*|\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?", re.ASCII
)
_SUFFIX = re.compile(r"\.[^\W_][\w-]*")
_NETWORK = re.compile(r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]{2,39}(?:\.\d{1,3}){0,3})/\d{1,3}")
_HASH = re.compile(r"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")
_JA4 = re.compile(r"[tq][0-9a-z]{9}_[0-9a-f]{12}_[0-9a-f]{12}")
# U+FFFD marks bytes that were not UTF-8. Angle brackets and quotes are what HTML leaves behind.
_NEVER = re.compile('[ <>"`\\\\\ufffd]')


def indicator(text: str, kind: str = "") -> str:
    """Return `text` as a key of dialect `own`; raise ValueError with a fixed reason.

    Defanged dots and schemes are put back, scheme, user, default port and fragment go (none is
    seen on the wire as such), a bare URL of a host becomes `host/`, `*.x` becomes `.x`. Patterns
    are refused: a downloaded list must not be able to say `re:.*`. A `kind` is one of KINDS that
    the value must be of; a User-Agent is only recognised by it. What `agent.trails.keys` takes
    for inert is refused here with its reason.
    """
    # Nine rows in ten: nothing to put back, nothing to refuse.
    if kind in _NAMES and _NAME.fullmatch(text) and len(text) <= keys.MAX_NAME:
        return text
    if kind in _ADDRESSES and _ADDRESS.fullmatch(text):
        return text
    value = _user_agent(text) if kind == "user-agent" else _spelled(text)
    keys.parse(value, kind=kind)
    return value


def indicator_of(text: str, kinds: tuple[str, ...]) -> str:
    """Return `text` as a key that is of one of these kinds by its shape; raise ValueError."""
    value = _spelled(text)
    if kind_of(value) not in kinds:
        raise ValueError("not of the kind that the list says")
    return value


def kind_of(key: str) -> str:
    """Return the kind of a key that `indicator` returned."""
    return layout.KIND_NAMES[keys.parse(key).kind]


def fingerprint(text: str) -> str:
    """Return a certificate's SHA-1 or SHA-256, with or without colons; raise ValueError."""
    return indicator(text.replace(":", ""), "certificate")


def address_and_port(address: str, port: str) -> str:
    """Return `address:port`; raise ValueError for a name, a network and what is no port."""
    if not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) <= 65_535):
        raise ValueError("not a port")
    number = int(port)
    value = _spelled(address).strip("[]")
    return indicator(f"[{value}]:{number}" if ":" in value else f"{value}:{number}", "ip-port")


def _user_agent(text: str) -> str:
    value = text.strip()
    if not 3 <= len(value) <= MAX_USER_AGENT:
        raise ValueError("too short or too long")
    if not value.isprintable() or "\ufffd" in value:
        raise ValueError("characters that no User-Agent holds")
    if value.startswith(("re:", "ua:")):
        raise ValueError("a pattern, which no list may bring")
    return value


def _spelled(text: str) -> str:
    value = text.strip()
    if _SIMPLE.fullmatch(value) and len(value) <= MAX_KEY and "hxxp" not in value:
        return value
    for written, meant in _REFANG:
        if written in value:
            value = value.replace(written, meant)
    if not 3 <= len(value) <= MAX_KEY:
        raise ValueError("too short or too long")
    if _NEVER.search(value) or not value.isprintable():
        raise ValueError("blanks, quotes or characters that no indicator holds")
    scheme = _SCHEME.match(value)
    if scheme:
        return _url(value[scheme.end() :], scheme[0].lower())
    if value.startswith("*."):
        value = value[1:]
    if value.startswith("/"):
        return value
    if _HOST.fullmatch(value) or _SUFFIX.fullmatch(value) or _NETWORK.fullmatch(value):
        return value
    if _HASH.fullmatch(value) or _JA4.fullmatch(value):
        return value
    if "/" in value and not value.startswith(("re:", "ua:")):
        return _url(value, "")
    raise ValueError("not an address, name, URL or fingerprint")


def _url(rest: str, scheme: str) -> str:
    """Return `host/path` of a URL without its scheme; raise ValueError."""
    rest = rest.split("#", 1)[0]
    cut = re.search(r"[/?]", rest)
    host, path = (rest[: cut.start()], rest[cut.start() :]) if cut else (rest, "/")
    if path.startswith("?"):
        path = "/" + path
    host = host.rsplit("@", 1)[-1]
    host = host.removesuffix(_DEFAULT_PORTS.get(scheme, "\0"))
    if not _HOST.fullmatch(host):
        raise ValueError("a URL without a usable host")
    return host + path
