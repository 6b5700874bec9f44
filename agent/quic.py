"""TLS hellos out of QUIC Initial packets (RFC 9000, 9001 and 9369), in bounded work and memory.

An Initial packet is encrypted with keys that anyone can derive from its first connection id, so a
sensor can read it, at some 80 microseconds each. A hello may be cut into CRYPTO frames in any order
over several packets and datagrams. The tag is not verified, so that a cut packet can be read: what
was encrypted with other keys shows by frames that no Initial packet may hold.
"""

import hashlib
import hmac
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from agent.hello import parse
from agent.model import Endpoint

MAX_CONNECTIONS = 512
"""Hellos under construction: a busy gateway's handshakes of a second or two."""
MAX_HELLO = 16_384
"""Bytes of one hello; post-quantum ones have 2,000, the largest seen in captures 11,000."""
MAX_PIECES = 32
"""CRYPTO frames kept of one hello; browsers send up to a dozen."""
PER_SECOND = 1_000
"""Packets decrypted in a second: a tenth of a core."""
PER_SOURCE = 100
"""Of these from one address, so that one sender of garbage does not starve all others."""
MAX_SOURCES = 4_096
"""Addresses counted in one second; beyond, new ones are not decrypted."""
KEPT_US = 10_000_000
"""How long a hello may take: clients give up sooner."""

MIN_CLIENT_ID = 8  # RFC 9000 section 7.2: what a client draws for its first packets
MAX_ID = 20
SAMPLE = 16
TAG = 16

BUDGET, SOURCE_BUDGET, REFUSED, EVICTED, TOO_LARGE = (
    "budget",
    "source",
    "refused",
    "evicted",
    "size",
)
"""Why a packet or connection was given up; `refused` is one that these keys do not open."""

READ, NO_NAME, ENCRYPTED = "read", "no-name", "encrypted"
"""What hellos that were read are counted by: all, those without a name, those with ECH."""


class _Version(NamedTuple):
    salt: bytes
    label: str
    initial: int


def _versions() -> dict[int, _Version]:
    draft22 = bytes.fromhex("7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a")
    draft23 = bytes.fromhex("c3eef712c72ebb5a11a7d2432bb46365bef9f502")
    draft29 = bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899")
    one = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
    two = bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9")
    found = {0xFF000016: draft22, 0xFACEB001: draft22, 0xFACEB002: draft23, 1: one}
    found |= {0xFF000000 + number: draft23 for number in range(23, 29)}
    found |= {0xFF000000 + number: draft29 for number in range(29, 33)}
    found |= {0xFF000000 + number: one for number in (33, 34)}
    versions = {number: _Version(salt, "quic", 0) for number, salt in found.items()}
    return versions | {
        0x6B3343CF: _Version(two, "quicv2", 1),
        0x709A50C4: _Version(two, "quicv2", 1),
    }


VERSIONS = _versions()
"""Versions whose Initial packets can be read: 1, 2, and the drafts and forks still seen."""


class Found(NamedTuple):
    """A hello, from its handshake type on; not whole where its end is still to come.

    `is_name_new` is false where its name was in an earlier part.
    """

    hello: bytes
    is_whole: bool
    is_name_new: bool = True


class _Refused(Exception):  # noqa: N818 - an answer, not a fault
    """These keys do not open this packet."""


class _Keys:
    """A client's Initial keys, RFC 9001 section 5.2."""

    def __init__(self, version: _Version, connection_id: bytes) -> None:
        initial = hmac.digest(version.salt, connection_id, "sha256")
        client = _expand(initial, "client in", 32)
        self._cipher = algorithms.AES(_expand(client, f"{version.label} key", 16))
        self._iv = int.from_bytes(_expand(client, f"{version.label} iv", 12), "big")
        protection = algorithms.AES(_expand(client, f"{version.label} hp", 16))
        self._mask = Cipher(protection, modes.ECB()).encryptor()  # noqa: S305 - RFC 9001 section 5.4.3

    def open(self, packet: bytes, number_at: int, end: int) -> bytes:
        """Return the payload of packet[:end], as much as is there. Raise _Refused."""
        sample = packet[number_at + 4 : number_at + 4 + SAMPLE]
        if len(sample) < SAMPLE:
            raise _Refused
        mask = self._mask.update(sample)
        first = packet[0] ^ (mask[0] & 0x0F)
        size = (first & 3) + 1
        number = bytes(
            a ^ b for a, b in zip(packet[number_at : number_at + size], mask[1:], strict=False)
        )
        nonce = (self._iv ^ int.from_bytes(number, "big")).to_bytes(12, "big")
        # AES-GCM is this counter mode behind the first block, which makes the tag.
        counter = modes.CTR(nonce + b"\0\0\0\2")
        return (
            Cipher(self._cipher, counter).decryptor().update(packet[number_at + size : end - TAG])
        )


class _Packet(NamedTuple):
    """One Initial packet from its first byte, where its number lies and where it ends or would."""

    version: int
    connection_id: bytes
    packet: bytes
    number_at: int
    end: int


class _Hello:
    """Pieces of one client's CRYPTO stream."""

    def __init__(self, packet: _Packet, now_us: int) -> None:
        self.started_us = now_us
        self.was_told = False
        self.pieces: dict[int, bytes] = {}
        self._keys = _Keys(VERSIONS[packet.version], packet.connection_id)
        self._ids = packet.connection_id

    def open(self, packet: _Packet) -> list[tuple[int, bytes]]:
        """Return a packet's CRYPTO frames; a server may have asked for another id (RFC 9000 7.2).

        Raise _Refused.
        """
        try:
            return self._frames(packet)
        except _Refused:
            if packet.connection_id == self._ids:
                raise
            self._keys = _Keys(VERSIONS[packet.version], packet.connection_id)
            self._ids = packet.connection_id
            return self._frames(packet)

    def _frames(self, packet: _Packet) -> list[tuple[int, bytes]]:
        payload = self._keys.open(packet.packet, packet.number_at, packet.end)
        frames = crypto_frames(payload, is_cut=packet.end > len(packet.packet))
        if frames is None:
            raise _Refused
        return frames

    def joined(self) -> bytes:
        """Return the stream from its beginning up to the first gap."""
        stream = b""
        for offset in sorted(self.pieces):
            if offset > len(stream):
                break
            stream += self.pieces[offset][len(stream) - offset :]
        return stream


class QuicHellos:
    """Collects hellos; one thread.

    `dropped` counts by reason what was given up, `said` the hellos that were read.
    """

    def __init__(self) -> None:
        self.said: Counter[str] = Counter(dict.fromkeys((READ, NO_NAME, ENCRYPTED), 0))
        self.dropped: Counter[str] = Counter(
            {BUDGET: 0, SOURCE_BUDGET: 0, REFUSED: 0, EVICTED: 0, TOO_LARGE: 0}
        )
        self._hellos: OrderedDict[tuple[Endpoint, Endpoint], _Hello] = OrderedDict()
        self._second = 0
        self._spent = 0
        self._sources: Counter[str] = Counter()

    def note(self, server_name: str, *, is_new: bool, is_encrypted: bool) -> None:
        """Count a hello that was read: its name once, ECH once it is whole."""
        self.said[READ] += is_new
        self.said[NO_NAME] += is_new and not server_name
        self.said[ENCRYPTED] += is_encrypted

    def take(
        self, source: Endpoint, destination: Endpoint, datagram: bytes, now_us: int
    ) -> Iterator[Found]:
        """Yield what this datagram adds: the hello's beginning as soon as it is one, then whole."""
        self._expire(now_us)
        conversation = (source, destination)
        for packet in packets(datagram):
            if not self._may(source.address, now_us) or not self._read(
                conversation, packet, now_us
            ):
                break
        hello = self._hellos.get(conversation)
        if hello:
            yield from self._ready(conversation, hello)

    def _read(self, conversation: tuple[Endpoint, Endpoint], packet: _Packet, now_us: int) -> bool:
        """Add what one packet brings; tell whether the next one is worth a look."""
        hello = self._hellos.get(conversation) or _Hello(packet, now_us)
        try:
            frames = hello.open(packet)
        except _Refused:
            self.dropped[REFUSED] += 1
            return False
        return not frames or self._keep(conversation, hello, frames)

    def _keep(
        self,
        conversation: tuple[Endpoint, Endpoint],
        hello: _Hello,
        frames: Iterable[tuple[int, bytes]],
    ) -> bool:
        """Add pieces; tell whether they had room."""
        for offset, piece in frames:
            if offset + len(piece) > MAX_HELLO or len(hello.pieces) >= MAX_PIECES:
                self.dropped[TOO_LARGE] += 1
                self._hellos.pop(conversation, None)
                return False
            if len(piece) > len(hello.pieces.get(offset, b"")):
                hello.pieces[offset] = piece
        if conversation not in self._hellos:
            if len(self._hellos) >= MAX_CONNECTIONS:
                self._hellos.popitem(last=False)
                self.dropped[EVICTED] += 1
            self._hellos[conversation] = hello
        return True

    def _ready(self, conversation: tuple[Endpoint, Endpoint], hello: _Hello) -> Iterator[Found]:
        stream = hello.joined()
        if len(stream) < 4:
            return
        size = 4 + int.from_bytes(stream[1:4], "big")
        if len(stream) >= size:
            del self._hellos[conversation]
            yield Found(stream[:size], is_whole=True, is_name_new=not hello.was_told)
        elif not hello.was_told and _has_name(stream):
            # The rest may never come, or not be captured.
            hello.was_told = True
            yield Found(stream, is_whole=False)

    def _may(self, address: str, now_us: int) -> bool:
        second = now_us // 1_000_000
        if second != self._second:
            self._second, self._spent = second, 0
            self._sources.clear()
        if self._spent >= PER_SECOND or (
            address not in self._sources and len(self._sources) >= MAX_SOURCES
        ):
            self.dropped[BUDGET] += 1
            return False
        if self._sources[address] >= PER_SOURCE:
            self.dropped[SOURCE_BUDGET] += 1
            return False
        self._spent += 1
        self._sources[address] += 1
        return True

    def _expire(self, now_us: int) -> None:
        """Forget what was begun too long ago; a client that sends on begins anew."""
        while self._hellos:
            conversation, hello = next(iter(self._hellos.items()))
            if now_us - hello.started_us < KEPT_US:
                return
            del self._hellos[conversation]


def _has_name(stream: bytes) -> bool:
    begun = parse(stream)
    return begun is not None and begun.server_name != ""


def packets(datagram: bytes) -> Iterator[_Packet]:
    """Yield the client's Initial packets of a datagram (RFC 9000 sections 12.2 and 17.2.2)."""
    at = 0
    while at + 7 < len(datagram):
        first = datagram[at]
        number = int.from_bytes(datagram[at + 1 : at + 5], "big")
        version = VERSIONS.get(number)
        if first & 0xC0 != 0xC0 or version is None:
            return
        size = datagram[at + 5]
        connection_id = datagram[at + 6 : at + 6 + size]
        place = at + 6 + size
        if size > MAX_ID or place >= len(datagram):
            return
        place += 1 + datagram[place]
        is_initial = (first >> 4) & 3 == version.initial
        if is_initial:
            token, place = _variable(datagram, place)
            place += token
        length, place = _variable(datagram, place)
        end = place + length
        if length <= TAG:
            return
        if is_initial and size >= MIN_CLIENT_ID:
            yield _Packet(number, connection_id, datagram[at:end], place - at, end - at)
        at = end


def crypto_frames(payload: bytes, *, is_cut: bool = False) -> list[tuple[int, bytes]] | None:
    """Return offset and bytes of the CRYPTO frames; None where other frames are among them.

    RFC 9000 section 12.4 allows PADDING, PING, ACK and CRYPTO while a client says hello. A frame
    beyond the end is another frame too, unless the payload `is_cut`.
    """
    found = []
    at = 0
    while at < len(payload):
        kind = payload[at]
        at += 1
        if kind in (0, 1):
            continue
        if kind in (2, 3):
            at = _skip_ack(payload, at, kind)
        elif kind == 6:
            offset, at = _variable(payload, at)
            length, at = _variable(payload, at)
            piece = payload[at : at + length]
            if len(piece) < length and not is_cut:
                return None
            found.append((offset, piece))
            at += length
        else:
            return None
    return found


def _skip_ack(payload: bytes, at: int, kind: int) -> int:
    _, at = _variable(payload, at)
    _, at = _variable(payload, at)
    ranges, at = _variable(payload, at)
    for _ in range(2 * min(ranges, len(payload)) + 1 + (3 if kind == 3 else 0)):
        _, at = _variable(payload, at)
    return at


def _variable(data: bytes, at: int) -> tuple[int, int]:
    """Return a variable-length integer and the place behind it (RFC 9000 section 16).

    Beyond the end the number is 0 and the place stays there.
    """
    if at >= len(data):
        return 0, len(data)
    size = 1 << (data[at] >> 6)
    if at + size > len(data):
        return 0, len(data)
    value = int.from_bytes(data[at : at + size], "big")
    return value & ((1 << (8 * size - 2)) - 1), at + size


def _expand(secret: bytes, label: str, size: int) -> bytes:
    """HKDF-Expand-Label (RFC 8446 section 7.1); one round of SHA-256 suffices for 32 bytes."""
    name = b"tls13 " + label.encode()
    info = size.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0\1"
    return hmac.digest(secret, info, hashlib.sha256)[:size]
