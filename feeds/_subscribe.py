"""Take a finished set from a publisher: verified, fresh, newer than what was taken before.

Order matters: nothing of a manifest is believed before its signature, nothing of a set file is
unpacked before its hash, nothing is published before the gate.
"""

import contextlib
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urljoin

import msgspec

from agent.config import ConfigError, Origin, Settings
from agent.scan import layout
from agent.trails.diff import changes
from agent.trails.publish import current_set, is_usable, publish, sets_folder
from agent.trails.set import SetError, TrailSet
from feeds import _gate, _signing
from feeds._bundle import FORMAT, MANIFEST, Envelope, Manifest
from feeds._catalog import Feed
from feeds._fetch import Fetcher, FetchError, Validators, too_slow
from feeds._parallel import Overdue, within
from feeds._result import UpdateResult, Why
from feeds._state import Taken

MAX_MANIFEST = 64 << 10
"""A manifest has some hundred bytes, and one signature for each of the publisher's keys."""

MAX_UNPACKED = 4 << 30
"""A set's offsets are 32-bit: none is larger."""

_CHUNK = 1 << 20


class Unusable(Exception):  # noqa: N818 - a verdict on what was offered
    """What a publisher offers and we do not take; `why` is one of a closed set of words."""

    def __init__(self, why: Why, text: str) -> None:
        super().__init__(text)
        self.why: Why = why


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One attempt to take the set that `origin` offers."""

    settings: Settings
    origin: Origin
    state_dir: Path
    now: float
    force: bool
    dry_run: bool
    fetcher: Fetcher
    progress: Callable[[str], None]

    def run(self, taken: Taken) -> tuple[UpdateResult, Taken]:
        """Ask, check and publish; return the result and what was taken last."""
        try:
            manifest = self._manifest(taken)
            if self._is_taken(manifest, taken):
                reason = f"set {manifest.set_id[:12]} was taken already"
                return self._result("unchanged", reason, manifest), _taken(manifest)
            return self._take(manifest, taken)
        except Unusable as error:
            result = UpdateResult(
                status="failed", reason=str(error), why=error.why, dry_run=self.dry_run
            )
            return result, taken

    def _take(self, manifest: Manifest, taken: Taken) -> tuple[UpdateResult, Taken]:
        folder = sets_folder(self.state_dir)
        packed, building = folder / ".packed", folder / ".building"
        try:
            self.progress(f"set {manifest.set_id[:12]} ...")
            self._fetch_set(manifest, packed)
            _unpack(packed, building, manifest)
            result = self._judge(_opened(building, manifest), manifest)
            if result.status != "published" or self.dry_run:
                return result, taken
            publish(building, self.state_dir)
            return result, _taken(manifest)
        finally:
            packed.unlink(missing_ok=True)
            building.unlink(missing_ok=True)

    def _judge(self, new: TrailSet, manifest: Manifest) -> UpdateResult:
        current = _gate.open_current(self.state_dir)
        protect = self.settings.trails.protect
        verdict = _gate.judge(new, current, self.settings.update.gate, protect)
        changed = changes(current, new) if self.dry_run else ()
        if verdict.why and not (self.force and verdict.why != "empty"):
            reason = f"{verdict.reason}; if that is right, run: maltrail-agent update --force"
            result = self._result("refused", reason, manifest)
            return msgspec.structs.replace(result, why=verdict.why, changes=changed)
        reason = f"set {manifest.set_id[:12]} with {manifest.keys} keys"
        return msgspec.structs.replace(self._result("published", reason, manifest), changes=changed)

    def _manifest(self, taken: Taken) -> Manifest:
        """Fetch and believe a manifest; raise Unusable."""
        path = sets_folder(self.state_dir) / ".manifest"
        try:
            self._fetch(MANIFEST, path, 1)
            data = path.read_bytes()
        finally:
            path.unlink(missing_ok=True)
        manifest = opened_manifest(data, self.origin.keys)
        self._check_time(manifest, taken)
        return manifest

    def _check_time(self, manifest: Manifest, taken: Taken) -> None:
        """Raise Unusable for a manifest that is too old, or older than one taken before."""
        if manifest.expires <= self.now:
            hours = (self.now - manifest.expires) / 3600
            raise Unusable(
                "expired",
                f"the bundle expired {hours:.0f} hours ago: the publisher has stopped, or "
                "somebody holds its newer bundles back; look there",
            )
        if self.force:
            return
        if manifest.serial < taken.serial or (
            manifest.serial == taken.serial and manifest.sha256 != taken.sha256
        ):
            raise Unusable(
                "replayed",
                f"the bundle's serial is {manifest.serial}, one with {taken.serial} was taken "
                "before: an old one is played again; where the publisher was set up anew, run: "
                "maltrail-agent update --force",
            )

    def _is_taken(self, manifest: Manifest, taken: Taken) -> bool:
        """Tell whether there is nothing to do; a set that a person went back to stays."""
        current = current_set(self.state_dir)
        if current is None or self.force or not is_usable(current):
            return False
        return manifest.set_id == current.stem or manifest.sha256 == taken.sha256

    def _fetch_set(self, manifest: Manifest, packed: Path) -> None:
        max_mb = (manifest.size >> 20) + 1
        if max_mb > self.origin.max_mb:
            raise Unusable("format", f"the set has {max_mb} MB, more than update.from.max_mb")
        self._fetch(manifest.file, packed, max_mb)
        with packed.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != manifest.sha256:
            raise Unusable("hash", "the set file is not the one that was signed: its hash differs")

    def _fetch(self, name: str, target: Path, max_mb: int) -> None:
        feed = self._feed(name, max_mb)
        try:
            try:
                fetch = partial(self.fetcher.fetch, feed, target, Validators())
                within(feed.timeout + self.fetcher.grace, fetch)
            except Overdue as overdue:
                raise too_slow(feed) from overdue
        except FetchError as error:
            raise Unusable("unreachable", f"{name}: {error}") from error

    def _feed(self, name: str, max_mb: int) -> Feed:
        """Describe a file of the bundle as something to fetch; raise ConfigError."""
        origin = self.origin
        base = origin.url if origin.url.endswith("/") else f"{origin.url}/"
        try:
            return Feed(
                name="bundle",
                url=urljoin(base, name) if "://" in base else base + name,
                format="",
                info="",
                reference="",
                period=origin.timeout.__class__(3600),
                insecure_http=origin.insecure_http,
                ca_file=origin.ca_file,
                max_mb=max_mb,
                timeout=origin.timeout,
            )
        except ValueError as error:
            raise ConfigError(f"update.from.{error}") from error

    def _result(self, status: str, reason: str, manifest: Manifest) -> UpdateResult:
        return msgspec.convert(
            {
                "status": status,
                "reason": reason,
                "set_id": manifest.set_id,
                "keys": manifest.keys,
                "dry_run": self.dry_run,
            },
            UpdateResult,
        )


def opened_manifest(data: bytes, keys: tuple[str, ...]) -> Manifest:
    """Return the manifest in `data` if one of `keys` signed it; raise Unusable."""
    trusted = _signing.trusted(keys)
    if len(data) > MAX_MANIFEST:
        raise Unusable("format", f"{MANIFEST} is longer than any of ours")
    try:
        envelope = msgspec.json.decode(data, type=Envelope)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unusable("format", f"{MANIFEST} is no bundle's manifest: {error}") from error
    signed = bytes(envelope.manifest)
    if not _signing.is_signed(signed, envelope.signatures, trusted):
        by = ", ".join(sorted(envelope.signatures))[:200] or "nobody"
        raise Unusable("signature", f"signed by none of update.from.keys (it is signed by {by!a})")
    try:
        _check_versions(signed)
        return msgspec.json.decode(signed, type=Manifest)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unusable("format", f"{MANIFEST}: {error}") from error


class _Versions(msgspec.Struct):
    """What every version of the manifest has."""

    format: int
    set_format: int


def _check_versions(signed: bytes) -> None:
    """Raise Unusable where publisher and agent are of different versions; say which is older."""
    found = msgspec.json.decode(signed, type=_Versions)
    for what, theirs, ours in (
        ("the bundle", found.format, FORMAT),
        ("the set", found.set_format, layout.FORMAT_VERSION),
    ):
        if theirs != ours:
            older = "this agent" if theirs > ours else "the publisher"
            raise Unusable(
                "format",
                f"{what} has format version {theirs}, this agent reads {ours}; update {older}",
            )


def _unpack(packed: Path, target: Path, manifest: Manifest) -> None:
    """Decompress a set file whose hash was checked, to the size that was signed."""
    if manifest.unpacked > MAX_UNPACKED:
        raise Unusable("format", "the set is larger than any can be")
    # Readers refuse a set that a group could write, whatever the umask.
    descriptor = os.open(target, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o640)
    size = 0
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in _unpacked(packed):
                size += len(chunk)
                if size > manifest.unpacked:
                    break
                file.write(chunk)
    except zlib.error as error:
        raise Unusable("set", f"the set file cannot be unpacked: {error}") from error
    if size != manifest.unpacked:
        raise Unusable("set", "the set file does not unpack to the size that was signed")


def _unpacked(packed: Path) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 16)
    with packed.open("rb") as file:
        while not decompressor.eof:
            data = decompressor.unconsumed_tail or file.read(_CHUNK)
            if not data:
                return
            yield decompressor.decompress(data, _CHUNK)


def _opened(path: Path, manifest: Manifest) -> TrailSet:
    try:
        opened = TrailSet.open(path)
        opened.verify()
    except SetError as error:
        raise Unusable("set", f"the set cannot be used: {error}") from error
    if opened.info.set_id != manifest.set_id:
        raise Unusable("set", "the set is not the one that its manifest names")
    return opened


def _taken(manifest: Manifest) -> Taken:
    return Taken(serial=manifest.serial, sha256=manifest.sha256, expires=manifest.expires)


def clean(state_dir: Path) -> None:
    """Remove what an interrupted run left behind."""
    for name in (".packed", ".building", ".manifest"):
        with contextlib.suppress(FileNotFoundError):
            (sets_folder(state_dir) / name).unlink()
