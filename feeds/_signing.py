"""Ed25519 signatures (RFC 8032): keys as text, signing, checking.

A public key is written `ed25519:` and 32 bytes in base64; a private key is a PKCS #8 PEM file that
only its owner may read, as OpenSSL writes it.
"""

import base64
import binascii
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from agent.config import ConfigError

PREFIX = "ed25519:"

_PURPOSE = b"maltrail-agent bundle manifest\n"
"""Signed in front of the data: a signature made for something else never fits here."""


def make_key(path: Path) -> str:
    """Write a new private key to `path`, which must not exist; return its public key.

    Raise OSError.
    """
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    return public_text(private)


def load_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key; raise ConfigError naming the file."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path}: is no private key; make one: trails keygen") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path}: is no Ed25519 key; make one: maltrail-agent trails keygen")
    return key


def public_text(private: Ed25519PrivateKey) -> str:
    """Return the public key of a private one, as `update.from.keys` takes it."""
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return PREFIX + base64.b64encode(raw).decode()


def sign(private: Ed25519PrivateKey, data: bytes) -> str:
    """Return the signature of `data` in base64."""
    return base64.b64encode(private.sign(_PURPOSE + data)).decode()


def trusted(keys: Sequence[str]) -> Mapping[str, Ed25519PublicKey]:
    """Return public keys by their text; raise ConfigError for one that is none."""
    return {text: _public(text) for text in keys}


def is_signed(
    data: bytes, signatures: Mapping[str, str], keys: Mapping[str, Ed25519PublicKey]
) -> bool:
    """Tell whether one of `keys` signed `data`; `signatures` are by public key."""
    return any(
        _fits(key, signatures[text], data) for text, key in keys.items() if text in signatures
    )


def _fits(key: Ed25519PublicKey, signature: str, data: bytes) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), _PURPOSE + data)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _public(text: str) -> Ed25519PublicKey:
    try:
        if not text.startswith(PREFIX):
            raise ValueError("no prefix")
        return Ed25519PublicKey.from_public_bytes(
            base64.b64decode(text.removeprefix(PREFIX), validate=True)
        )
    except (binascii.Error, ValueError) as error:
        raise ConfigError(
            f"update.from.keys: {text!r} is no public key; expected ed25519:... as "
            "`maltrail-agent trails keygen` prints it"
        ) from error
