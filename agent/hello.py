"""What a TLS ClientHello says: names for a hit's details, and the fingerprints JA3 and JA4.

The scanner finds server names itself (agent.scan.tls); this reader runs for the few hellos that
are worth more: those that a trail explains, those of a fingerprint not judged yet, and QUIC's.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

CLIENT_HELLO = 1
SERVER_NAME, GROUPS, POINT_FORMATS, SIGNATURES, PROTOCOLS, VERSIONS = 0, 10, 11, 13, 16, 43
ENCRYPTED_HELLO = 0xFE0D
"""RFC 9849; what stands in `server_name` beside it names the front, not the destination."""

MAX_NAME = 253
NO_HASH = "0" * 12
"""JA4's word for the hash of nothing."""

DTLS = 0xFE
"""The upper byte of DTLS's versions, which count down: RFC 6347 section 4.1."""

_VERSION_NAMES = {
    0xFEFF: "1.0",
    0xFEFD: "1.2",
    0xFEFC: "1.3",
    0x0002: "2.0",
    0x0300: "3.0",
    0x0301: "1.0",
    0x0302: "1.1",
} | {
    0x0303: "1.2",
    0x0304: "1.3",
}
_JA4_VERSIONS = {
    0xFEFF: "d1",
    0xFEFD: "d2",
    0xFEFC: "d3",
    0x0002: "s2",
    0x0300: "s3",
    0x0301: "10",
    0x0302: "11",
} | {
    0x0303: "12",
    0x0304: "13",
}


class Hello(NamedTuple):
    """A ClientHello (RFC 8446 section 4.1.2), GREASE values (RFC 8701) left out of every list.

    `versions` are those of the extension, empty without one. `is_whole` is false where the bytes
    end early: then the lists are as far as they go, and a fingerprint would be a wrong one.
    """

    version: int
    server_name: str
    ciphers: tuple[int, ...]
    extensions: tuple[int, ...]
    groups: tuple[int, ...]
    point_formats: tuple[int, ...]
    signatures: tuple[int, ...]
    protocols: tuple[bytes, ...]
    versions: tuple[int, ...]
    is_whole: bool

    @property
    def is_encrypted(self) -> bool:
        """Tell whether an encrypted hello is inside, or what looks like one (GREASE ECH)."""
        return ENCRYPTED_HELLO in self.extensions

    @property
    def best_version(self) -> int:
        """Return the highest version that the client offers."""
        if self.version >> 8 == DTLS:
            return min((v for v in self.versions if v >> 8 == DTLS), default=self.version)
        return max(self.versions, default=self.version)

    @property
    def version_name(self) -> str:
        """Return the highest version as `1.3`, empty for what is none."""
        return _VERSION_NAMES.get(self.best_version, "")

    def ja3(self) -> str:
        """Return the JA3 digest: MD5 over the five lists in the order they were sent."""
        lists = (
            self.ciphers,
            self.extensions,
            self.groups,
            self.point_formats,
        )
        text = ",".join([str(self.version), *("-".join(map(str, part)) for part in lists)])
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    def ja4(self, transport: str = "t") -> str:
        """Return the JA4 fingerprint; `transport` is `t` for TCP, `q` for QUIC, `d` for DTLS."""
        head = (
            transport
            + _JA4_VERSIONS.get(self.best_version, "00")
            + ("d" if SERVER_NAME in self.extensions else "i")
            + f"{min(len(self.ciphers), 99):02d}{min(len(self.extensions), 99):02d}"
            + _ja4_protocol(self.protocols)
        )
        told = sorted(kind for kind in self.extensions if kind not in (SERVER_NAME, PROTOCOLS))
        extensions = _hex(told)
        if self.signatures:
            extensions += "_" + _hex(self.signatures)
        ciphers = _digest(_hex(sorted(self.ciphers)))
        return f"{head}_{ciphers}_{_digest(extensions) if told else NO_HASH}"


class _End(Exception):  # noqa: N818 - an answer, not a fault
    """The bytes end before the structure does."""


class _Reader:
    """Takes numbers and vectors off bytes; raises _End."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        part = self.data[self.at : self.at + size]
        if len(part) < size:
            raise _End
        self.at += size
        return part

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, width: int) -> bytes:
        return self.take(self.number(width))


def parse(message: bytes) -> Hello | None:
    """Read a handshake message that begins with its type; None where it is no ClientHello.

    What is cut off is read as far as it goes.
    """
    size = 4 + int.from_bytes(message[1:4], "big")
    reader = _Reader(message[:size])
    try:
        if reader.number(1) != CLIENT_HELLO:
            return None
        reader.number(3)
        version = reader.number(2)
        reader.take(32)
        reader.vector(1)
        ciphers = tuple(_numbers(reader.vector(2), 2))
        reader.vector(1)
    except _End:
        return None
    pairs, is_whole = _extensions(reader)
    parts = dict(reversed(pairs))  # the first of a kind counts, RFC 8446 section 4.2
    return Hello(
        version=version,
        server_name=_server_name(parts.get(SERVER_NAME, b"")),
        ciphers=ciphers,
        extensions=tuple(kind for kind, _ in pairs if not _is_grease(kind)),
        groups=tuple(_numbers(parts.get(GROUPS, b"")[2:], 2)),
        point_formats=tuple(parts.get(POINT_FORMATS, b"")[1:]),
        signatures=tuple(_numbers(parts.get(SIGNATURES, b"")[2:], 2)),
        protocols=tuple(_protocols(parts.get(PROTOCOLS, b"")[2:])),
        versions=tuple(_numbers(parts.get(VERSIONS, b"")[1:], 2)),
        is_whole=is_whole and len(message) >= size,
    )


def join_records(data: bytes) -> bytes:
    """Return the handshake bytes of TLS records that follow each other (RFC 8446 section 5.1)."""
    parts = []
    at = 0
    while at + 5 <= len(data) and data[at] == 22:
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        parts.append(data[at + 5 : at + 5 + size])
        at += 5 + size
    return b"".join(parts)


def _extensions(reader: _Reader) -> tuple[list[tuple[int, bytes]], bool]:
    """Return kinds and bodies in order, and whether all were there."""
    pairs: list[tuple[int, bytes]] = []
    if reader.at == len(reader.data):
        return pairs, True  # a hello without any, as of SSL 3
    try:
        size = reader.number(2)
        end = reader.at + size
        while reader.at < end:
            pairs.append((reader.number(2), reader.vector(2)))
    except _End:
        return pairs, False
    return pairs, True


def _server_name(body: bytes) -> str:
    reader = _Reader(body)
    try:
        reader.number(2)
        kind = reader.number(1)
        name = reader.vector(2)
    except _End:
        return ""
    if kind != 0 or not 0 < len(name) <= MAX_NAME:
        return ""
    return name.decode("ascii", "backslashreplace").lower().removesuffix(".")


def _protocols(data: bytes) -> Iterator[bytes]:
    reader = _Reader(data)
    try:
        while reader.at < len(data):
            yield reader.vector(1)
    except _End:
        return


def _numbers(data: bytes, size: int) -> Iterator[int]:
    for at in range(0, len(data) - size + 1, size):
        value = int.from_bytes(data[at : at + size], "big")
        if not _is_grease(value):
            yield value


def _is_grease(value: int) -> bool:
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def _ja4_protocol(protocols: Sequence[bytes]) -> str:
    """Return the first and last character of the first protocol, by hex digits where not plain."""
    if not protocols or not protocols[0]:
        return "00"
    first, last = protocols[0][:1], protocols[0][-1:]
    if first.isalnum() and last.isalnum():
        return (first + last).decode()
    return first.hex()[0] + last.hex()[1]


def _hex(values: Iterable[int]) -> str:
    return ",".join(f"{value:04x}" for value in values)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else NO_HASH
