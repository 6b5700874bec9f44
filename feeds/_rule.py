"""Read one rule of Suricata or Snort: its header, its options, and what its contents anchor."""

import re
from collections.abc import Iterator

import msgspec

MAX_CONTENTS = 64
"""Contents of one rule; the longest public ones have about forty."""

_HEADER = re.compile(
    r"(?P<action>\w+)\s+(?P<protocol>[\w-]+)\s+"
    r"(?P<source>\S+|\[[^\]]*\])\s+(?P<source_port>\S+|\[[^\]]*\])\s+"
    r"(?P<arrow><-|->|<>)\s+"
    r"(?P<target>\S+|\[[^\]]*\])\s+(?P<target_port>\S+|\[[^\]]*\])\s*"
    r"\((?P<options>.*)\)\s*"
)
_OPTION = re.compile(r"(?:[^;\\]|\\.)+")
_HEX = re.compile(r"\|([0-9A-Fa-f \t]*)\|")
_ESCAPED = re.compile(r'\\([\\";:|])')

# Sticky buffers stand before their contents, modifiers after the one that they are about.
_STICKY = {
    "dns.query": "dns",
    "dns_query": "dns",
    "tls.sni": "sni",
    "tls_sni": "sni",
    "http.host": "host",
    "http.host.raw": "host",
    "http.uri": "uri",
    "http.uri.raw": "uri",
    "http.method": "method",
    "http.user_agent": "agent",
    "ja3.hash": "ja3",
    "ja3_hash": "ja3",
    "ja4.hash": "ja4",
    "tls.cert_fingerprint": "certificate",
    "tls_cert_fingerprint": "certificate",
}
_MODIFIERS = {
    "http_host": "host",
    "http_raw_host": "host",
    "http_uri": "uri",
    "http_raw_uri": "uri",
    "http_method": "method",
    "http_user_agent": "agent",
}

# Say nothing about what must be in a packet, or only when to tell.
_NEUTRAL = frozenset(
    {
        *("msg", "sid", "rev", "gid", "classtype", "reference", "metadata", "priority", "target"),
        *("flow", "fast_pattern", "nocase", "noalert", "tag", "flags", "dns.opcode", "requires"),
    }
)


class Content(msgspec.Struct, kw_only=True):
    """A text that a buffer must hold; `starts` and `ends` say that nothing is before or behind."""

    buffer: str
    text: str
    starts: bool = False
    ends: bool = False
    dot_before: bool = False

    @property
    def is_whole(self) -> bool:
        """Tell whether the buffer must be this text and nothing else."""
        return self.starts and self.ends


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. `beyond` names an option that asks for more than is read here, or is empty."""

    action: str
    source: str
    source_port: str
    target: str
    target_port: str
    contents: tuple[Content, ...]
    fingerprints: tuple[str, ...]
    beyond: str
    message: str
    class_type: str
    sid: str


def read(text: str) -> Rule:
    """Return the rule of one line; raise ValueError where it is none."""
    header = _HEADER.fullmatch(text)
    if header is None:
        raise ValueError("not a rule")
    options = _Options(header["options"])
    backwards = header["arrow"] == "<-"
    sides = [("source", "source_port"), ("target", "target_port")]
    (source, source_port), (target, target_port) = reversed(sides) if backwards else sides
    return Rule(
        action=header["action"],
        source=header[source],
        source_port=header[source_port],
        target=header[target],
        target_port=header[target_port],
        contents=tuple(options.contents),
        fingerprints=tuple(options.fingerprints),
        beyond=options.beyond,
        message=options.said.get("msg", ""),
        class_type=options.said.get("classtype", ""),
        sid=options.said.get("sid", ""),
    )


class _Options:
    """The options of one rule, read from left to right."""

    def __init__(self, text: str) -> None:
        self.contents: list[Content] = []
        self.fingerprints: list[str] = []
        self.said: dict[str, str] = {}
        self.beyond = ""
        self._buffer = ""
        self._dot_before = False
        self._size = ""
        self._last: Content | None = None
        for name, value in _split(text):
            self._read(name, value)
        self._leave_buffer()

    def _read(self, name: str, value: str) -> None:
        if name in _STICKY:
            self._leave_buffer()
            self._buffer = _STICKY[name]
            self._dot_before, self._size, self._last = False, "", None
        elif name == "content":
            self._content(value)
        elif name == "dotprefix":
            self._dot_before = True
        elif name == "tls.fingerprint":
            self.fingerprints.append(_unquoted(value))
        elif name in _NEUTRAL or _says_nothing(name, value):
            self.said.setdefault(name, _unquoted(value))
        elif name == "bsize" and self._last is None:
            self._size = value
        elif self._last is None or not _anchor(self._last, name, value):
            self.beyond = self.beyond or name

    def _leave_buffer(self) -> None:
        """Note a size that is all that is said of a buffer."""
        if self._size and self._last is None:
            self.beyond = self.beyond or "bsize"

    def _content(self, value: str) -> None:
        if value.startswith("!") or len(self.contents) >= MAX_CONTENTS:
            self.beyond = self.beyond or "content"
            return
        text = _decoded(_unquoted(value))
        self._last = Content(buffer=self._buffer, text=text, dot_before=self._dot_before)
        self.contents.append(self._last)
        # The size of a buffer may stand before what is in it.
        if self._size and not _anchor(self._last, "bsize", self._size):
            self.beyond = self.beyond or "bsize"


def _anchor(content: Content, name: str, value: str) -> bool:
    """Take what an option says of a content; tell whether it was understood."""
    is_length = value == str(len(content.text))
    if name in _MODIFIERS:
        content.buffer = _MODIFIERS[name]
    elif name == "startswith" or (name == "depth" and is_length):
        content.starts = True
    elif name == "endswith" or (name == "isdataat" and value.replace(" ", "") == "!1,relative"):
        content.ends = True
    elif name == "bsize" and is_length:
        content.starts = content.ends = True
    else:
        return name == "offset" and value == "0"
    return True


def _says_nothing(name: str, value: str) -> bool:
    """Tell options that only limit how often to tell, or only leave a mark, from conditions."""
    if name == "threshold":
        return "type limit" in value
    return name in ("flowbits", "xbits") and value.startswith(("set", "unset", "noalert"))


def _split(text: str) -> Iterator[tuple[str, str]]:
    for option in _OPTION.findall(text):
        name, _, value = option.partition(":")
        if name.strip():
            yield name.strip(), value.strip()


def _unquoted(value: str) -> str:
    return value.removeprefix('"').removesuffix('"')


def _decoded(text: str) -> str:
    """Put back what stands between bars as hexadecimal bytes, and escaped characters."""

    def put_back(match: re.Match[str]) -> str:
        digits = "".join(match[1].split())
        if len(digits) % 2:
            raise ValueError("hexadecimal bytes cut in half")
        return bytes.fromhex(digits).decode("latin-1")

    return _HEX.sub(put_back, _ESCAPED.sub(r"\1", text))
