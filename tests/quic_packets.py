"""QUIC Initial packets for tests, protected as a client does it (RFC 9001, RFC 9369)."""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

V1, V2, DRAFT29, DRAFT27 = 1, 0x6B3343CF, 0xFF00001D, 0xFF00001B

SALTS = {
    V1: "38762cf7f55934b34d179ae6a4c80cadccbb7f0a",
    V2: "0dede3def700a6db819381be6e269dcbf9bd2ed9",
    DRAFT29: "afbfec289993d24c9e9786f19c6111e04390a899",
    DRAFT27: "c3eef712c72ebb5a11a7d2432bb46365bef9f502",
}
"""RFC 9001 section 5.2, RFC 9369 section 3.3.1 and drafts of the former."""


class Keys(NamedTuple):
    """What protects a client's Initial packets."""

    key: bytes
    iv: bytes
    protection: bytes


def keys(version: int, connection_id: bytes) -> Keys:
    """Derive a client's Initial keys."""
    extract = HMAC(bytes.fromhex(SALTS[version]), hashes.SHA256())
    extract.update(connection_id)
    client = _expand(extract.finalize(), b"client in", 32)
    prefix = b"quicv2" if version == V2 else b"quic"
    return Keys(
        _expand(client, prefix + b" key", 16),
        _expand(client, prefix + b" iv", 12),
        _expand(client, prefix + b" hp", 16),
    )


def _expand(secret: bytes, label: bytes, size: int) -> bytes:
    name = b"tls13 " + label
    info = struct.pack("!HB", size, len(name)) + name + b"\0"
    return HKDFExpand(hashes.SHA256(), size, info).derive(secret)


def varint(value: int) -> bytes:
    """Encode a variable-length integer (RFC 9000 section 16)."""
    for width, limit in ((1, 6), (2, 14), (4, 30), (8, 62)):
        if value < 1 << limit:
            mark = {1: 0, 2: 1, 4: 2, 8: 3}[width] << (8 * width - 2)
            return (mark | value).to_bytes(width, "big")
    raise ValueError(value)


def crypto(offset: int, data: bytes) -> bytes:
    """Build a CRYPTO frame."""
    return b"\x06" + varint(offset) + varint(len(data)) + data


def initial(
    frames: Iterable[bytes],
    *,
    version: int = V1,
    connection_id: bytes = b"\x11" * 8,
    source_id: bytes = b"",
    token: bytes = b"",
    number: int = 0,
    size: int = 1162,
    key_id: bytes | None = None,
) -> bytes:
    """Build one protected Initial packet; `size` is that of its padded payload.

    `key_id` is the connection id that the keys come from, where it is another one.
    """
    payload = b"".join(frames).ljust(size, b"\0")
    first = (0xD0 if version == V2 else 0xC0) | 0x03
    header = (
        bytes([first])
        + struct.pack("!I", version)
        + bytes([len(connection_id)])
        + connection_id
        + bytes([len(source_id)])
        + source_id
        + varint(len(token))
        + token
        + struct.pack("!H", 0x4000 | (len(payload) + 4 + 16))
    )
    place = len(header)
    header += number.to_bytes(4, "big")
    secret = keys(version, connection_id if key_id is None else key_id)
    nonce = (int.from_bytes(secret.iv, "big") ^ number).to_bytes(12, "big")
    packet = header + AESGCM(secret.key).encrypt(nonce, payload, header)
    protection = Cipher(algorithms.AES(secret.protection), modes.ECB()).encryptor()  # noqa: S305
    mask = protection.update(packet[place + 4 : place + 20])
    number_bytes = bytes(a ^ b for a, b in zip(packet[place : place + 4], mask[1:5], strict=True))
    masked = bytes([packet[0] ^ (mask[0] & 0x0F)])
    return masked + packet[1:place] + number_bytes + packet[place + 4 :]
