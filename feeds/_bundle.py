"""A bundle: a trail set for a fleet, in a folder that any web server can serve.

`manifest.json` names the set file by the hash of its content and is signed as a whole, with the
signatures beside it in the same file: one rename switches everything. Set files never change, so
a reader that fetched the old manifest finds the old file.
"""

import gzip
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.scan import layout
from agent.trails.publish import sync_file, sync_folder, write_atomically
from agent.trails.set import TrailSet
from feeds import _signing

FORMAT = 1
"""Version of the manifest; a reader refuses any other and says which side is older."""

MANIFEST = "manifest.json"
SUFFIX = ".set.gz"

KEEP = 3
"""Set files kept in the folder: readers that hold an older manifest still find theirs."""

LEVEL = 6
"""Of gzip: a set of 1.8 million keys takes some seconds and a third of its size."""

_CHUNK = 1 << 20


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed. Times are seconds since 1970; `sha256` and `size` are of the packed file.

    `serial` grows with every manifest of a publisher, so that an old one is told from a new one.
    """

    format: int
    set_format: int
    serial: int
    created: int
    expires: int
    set_id: str
    keys: int
    sha256: str
    size: int
    unpacked: int

    @property
    def file(self) -> str:
        """Return the name of the set file beside the manifest."""
        return self.sha256 + SUFFIX


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest file: the signed bytes as they are, and signatures by public key."""

    manifest: msgspec.Raw
    signatures: dict[str, str]


def write(
    path: Path, folder: Path, signers: Sequence[Ed25519PrivateKey], valid: float, now: float
) -> Manifest:
    """Publish the set at `path` into `folder`, good for `valid` seconds from `now`.

    The same set again gets a new manifest with a later expiry and the file stays. Raise SetError
    where `path` is no set, OSError where the folder cannot be written.
    """
    opened = TrailSet.open(path)
    opened.verify()
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    before = _before(folder)
    packed = _again(before, opened, folder) or _pack(path, folder)
    manifest = Manifest(
        format=FORMAT,
        set_format=layout.FORMAT_VERSION,
        serial=max(int(now), before.serial + 1 if before else 0),
        created=int(now),
        expires=int(now + valid),
        set_id=opened.info.set_id,
        keys=opened.info.keys,
        sha256=packed.sha256,
        size=packed.size,
        unpacked=packed.unpacked,
    )
    write_atomically(folder / MANIFEST, seal(manifest, signers), 0o644)
    _prune(folder, manifest)
    return manifest


def seal(manifest: Manifest, signers: Sequence[Ed25519PrivateKey]) -> bytes:
    """Return the manifest file: the manifest and one signature for each key."""
    data = msgspec.json.encode(manifest)
    signatures = {_signing.public_text(key): _signing.sign(key, data) for key in signers}
    envelope = Envelope(manifest=msgspec.Raw(data), signatures=signatures)
    return msgspec.json.encode(envelope) + b"\n"


class _Packed(NamedTuple):
    """A set file in the folder: hash and size of what is served, size of what is in it."""

    sha256: str
    size: int
    unpacked: int


def _again(before: Manifest | None, opened: TrailSet, folder: Path) -> _Packed | None:
    """Return the file of the manifest before where it holds the same set."""
    if before is None or not (folder / before.file).is_file():
        return None
    if (before.set_id, before.set_format) != (opened.info.set_id, layout.FORMAT_VERSION):
        return None
    return _Packed(before.sha256, before.size, before.unpacked)


def _pack(path: Path, folder: Path) -> _Packed:
    """Compress `path` into the folder, the same bytes every time."""
    fresh = folder / ".set.new"
    try:
        with (
            path.open("rb") as source,
            fresh.open("wb") as raw,
            gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as target,
        ):
            shutil.copyfileobj(source, target, _CHUNK)
        sync_file(fresh)
        with fresh.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        packed = _Packed(digest, fresh.stat().st_size, path.stat().st_size)
        fresh.chmod(0o644)
        fresh.replace(folder / f"{digest}{SUFFIX}")
        sync_folder(folder)
    finally:
        fresh.unlink(missing_ok=True)
    return packed


def _before(folder: Path) -> Manifest | None:
    """Return the manifest that is there, None without one that can be read."""
    try:
        envelope = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Envelope)
        return msgspec.json.decode(envelope.manifest, type=Manifest)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _prune(folder: Path, manifest: Manifest) -> None:
    """Remove all set files but the newest few."""
    files = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
    for path in files[:-KEEP]:
        if path.name != manifest.file:
            path.unlink()
