"""Bundles end to end: published, served over HTTPS, taken; if bad, the old set stands."""

import gzip
import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from agent import health
from agent.config import ConfigError, Duration, Gate, Origin, Settings, Trails, Update
from agent.deliver.lists import Lists
from agent.ids import random_ids
from agent.model import Source, Trail
from agent.notices import AgentNotices
from agent.scan import layout
from agent.trails.build import Builder
from agent.trails.publish import current_set, publish, rollback
from agent.trails.set import TrailSet
from feeds import _bundle, _signing
from feeds._bundle import MANIFEST, Manifest
from feeds._fetch import Fetcher
from feeds._result import UpdateResult
from feeds._subscribe import Unusable, opened_manifest
from feeds._update import update
from tests.feeds.list_server import Answer, ListServer, list_server, make_certificate

NOW = 1_800_000_000.0
HOUR = 3600.0
WEEK = 7 * 86400.0
KEY = _signing.public_text(Ed25519PrivateKey.from_private_bytes(bytes(32)))


class Fleet:
    """A publisher with its folder behind a web server, and one agent that takes its sets."""

    def __init__(self, server: ListServer, room: Path, certificate: Path) -> None:
        self.server = server
        self.room = room
        self.state = room / "state"
        self.folder = room / "www"
        self.signer = new_key(room / "one.pem")
        self.now = NOW
        self.gate = Gate()
        self.protect: tuple[str, ...] = ()
        self.origin = Origin(
            url=f"{server.url}/bundle",
            keys=(_signing.public_text(self.signer),),
            ca_file=str(certificate),
            timeout=Duration(20),
        )

    def publish(
        self, names: int = 100, first: str = "", signers: list[Ed25519PrivateKey] | None = None
    ) -> Manifest:
        """Publish a set of so many names, and serve the folder."""
        path = self.room / "built.set"
        builder = Builder(1, 0)
        for key in [f"{n}.evil.example.org" for n in range(names)] + ([first] if first else []):
            builder.add(Trail(key=key, info="x", reference="r", source=Source("list")))
        builder.write(path)
        manifest = _bundle.write(path, self.folder, signers or [self.signer], WEEK, self.now)
        self.serve()
        return manifest

    def serve(self) -> None:
        """Serve the folder as it is."""
        for path in self.folder.iterdir():
            self.server.serve(f"/bundle/{path.name}", path.read_bytes())

    def forge(self, change: Callable[[Manifest], Manifest]) -> None:
        """Serve a manifest that was changed and signed again by the publisher."""
        envelope = msgspec.json.decode((self.folder / MANIFEST).read_bytes(), type=_bundle.Envelope)
        changed = change(msgspec.json.decode(envelope.manifest, type=Manifest))
        self.server.serve(f"/bundle/{MANIFEST}", _bundle.seal(changed, [self.signer]))

    def update(self, **keys: Any) -> UpdateResult:
        """Let the agent update now."""
        settings = Settings(
            trails=Trails(protect=self.protect),
            update=Update(origin=self.origin, gate=self.gate),
        )
        fetcher = Fetcher(pause=_ignore)
        return update(settings, self.state, self.now, fetcher=fetcher, progress=_ignore, **keys)

    @property
    def current(self) -> str:
        """Return the id of the set in use, nothing without one."""
        path = current_set(self.state)
        return path.stem if path else ""

    def told(self) -> list[str]:
        """Return what deliver's events say of the last update."""
        lists = Lists(self.state, AgentNotices("s", "", (), random_ids()))
        lists.refresh()
        return [event.info for event in lists.tell(int(self.now * 1e6))]


def new_key(path: Path) -> Ed25519PrivateKey:
    """Make a key as `trails keygen` does."""
    _signing.make_key(path)
    return _signing.load_key(path)


@pytest.fixture
def fleet(server: ListServer, tmp_path: Path, certificate: Path) -> Iterator[Fleet]:
    """Run a publisher and an agent that took nothing yet."""
    yield Fleet(server, tmp_path, certificate)
    left = [path.name for path in (tmp_path / "state").rglob(".*") if path.name != ".lock"]
    assert left == [], "a temporary file was left behind"


def test_a_published_set_is_taken_and_is_the_same_file(fleet: Fleet) -> None:
    """Content, id and bytes are the publisher's; the set can be opened and verified."""
    manifest = fleet.publish()

    result = fleet.update()

    assert (result.status, result.exit_status, result.keys) == ("published", 0, 100)
    assert fleet.current == manifest.set_id
    current = current_set(fleet.state)
    assert current is not None
    assert current.read_bytes() == (fleet.room / "built.set").read_bytes()
    TrailSet.open(current).verify()


def test_the_same_set_again_costs_one_small_request(fleet: Fleet) -> None:
    """A manifest that names what is in use ends the update, also with a new serial and expiry."""
    fleet.publish()
    fleet.update()
    fleet.now += HOUR
    fleet.publish()
    fleet.server.requests.clear()

    result = fleet.update()

    assert result.status == "unchanged"
    assert [path for path, _ in fleet.server.requests] == [f"/bundle/{MANIFEST}"]
    assert health.read(fleet.state / health.FILE).expires == fleet.now + WEEK


def test_any_of_two_trusted_keys_will_do(fleet: Fleet) -> None:
    """Rotation: agents trust both, the publisher changes over, agents drop the old one."""
    other = new_key(fleet.room / "two.pem")
    keys = (*fleet.origin.keys, _signing.public_text(other))
    fleet.origin = msgspec.structs.replace(fleet.origin, keys=keys)
    fleet.publish(100)
    assert fleet.update().status == "published"
    fleet.now += HOUR
    fleet.publish(101, signers=[other])
    assert fleet.update().status == "published"
    fleet.now += HOUR
    fleet.origin = msgspec.structs.replace(fleet.origin, keys=keys[:1])
    fleet.publish(102, signers=[fleet.signer, other])

    assert fleet.update().status == "published"


def _wrong_key(fleet: Fleet) -> None:
    fleet.publish(101, signers=[new_key(fleet.room / "mallory.pem")])


def _stolen_signature(fleet: Fleet) -> None:
    """Another key's signature under the trusted key's name."""
    fleet.publish(101)
    data = (fleet.folder / MANIFEST).read_bytes()
    fleet.server.serve(f"/bundle/{MANIFEST}", data.replace(b'"keys":101', b'"keys":102'))


def _no_signature(fleet: Fleet) -> None:
    fleet.publish(101)
    data = msgspec.json.decode((fleet.folder / MANIFEST).read_bytes())
    data["signatures"] = {}
    fleet.server.serve(f"/bundle/{MANIFEST}", msgspec.json.encode(data))


def _expired(fleet: Fleet) -> None:
    fleet.publish(101)
    fleet.now += WEEK + HOUR


def _replayed(fleet: Fleet) -> None:
    """What was current before the set in use is served again, properly signed and not expired."""
    old = {path.name: path.read_bytes() for path in fleet.folder.iterdir()}
    fleet.now += HOUR
    fleet.publish(101)
    fleet.update()
    fleet.now += HOUR
    for name, body in old.items():
        fleet.server.serve(f"/bundle/{name}", body)


def _truncated(fleet: Fleet) -> None:
    manifest = fleet.publish(101)
    body = (fleet.folder / manifest.file).read_bytes()
    fleet.server.serve(f"/bundle/{manifest.file}", body[:-100])


def _other_content(fleet: Fleet) -> None:
    manifest = fleet.publish(101)
    fleet.server.serve(f"/bundle/{manifest.file}", gzip.compress(b"something else"))


def _set_file_gone(fleet: Fleet) -> None:
    manifest = fleet.publish(101)
    fleet.server.pages[f"/bundle/{manifest.file}"] = Answer(b"gone", 404)


def _manifest_gone(fleet: Fleet) -> None:
    fleet.server.pages.clear()


def _portal(fleet: Fleet) -> None:
    fleet.server.serve(f"/bundle/{MANIFEST}", b"<!DOCTYPE html><html>log in</html>")


def _huge_manifest(fleet: Fleet) -> None:
    fleet.server.serve(f"/bundle/{MANIFEST}", b" " * 100_000)


def _newer_bundle_format(fleet: Fleet) -> None:
    fleet.publish(101)
    fleet.forge(lambda manifest: msgspec.structs.replace(manifest, format=_bundle.FORMAT + 1))


def _older_set_format(fleet: Fleet) -> None:
    fleet.publish(101)
    version = layout.FORMAT_VERSION - 1
    fleet.forge(lambda manifest: msgspec.structs.replace(manifest, set_format=version))


def _other_set_id(fleet: Fleet) -> None:
    fleet.publish(101)
    fleet.forge(lambda manifest: msgspec.structs.replace(manifest, set_id="0" * 64))


def _bomb(fleet: Fleet) -> None:
    """A file that unpacks to more than the manifest says."""
    packed = gzip.compress(bytes(50 << 20))
    digest = hashlib.sha256(packed).hexdigest()
    fleet.publish(101)
    fleet.forge(
        lambda m: msgspec.structs.replace(m, sha256=digest, size=len(packed), unpacked=1000)
    )
    fleet.server.serve(f"/bundle/{digest}{_bundle.SUFFIX}", packed)


def _no_set_inside(fleet: Fleet) -> None:
    packed = gzip.compress(b"x" * 5000)
    digest = hashlib.sha256(packed).hexdigest()
    fleet.publish(101)
    fleet.forge(
        lambda m: msgspec.structs.replace(m, sha256=digest, size=len(packed), unpacked=5000)
    )
    fleet.server.serve(f"/bundle/{digest}{_bundle.SUFFIX}", packed)


@pytest.mark.parametrize(
    ("spoil", "why", "said"),
    [
        (_wrong_key, "signature", "signed by none of update.from.keys"),
        (_stolen_signature, "signature", "signed by none"),
        (_no_signature, "signature", "signed by 'nobody'"),
        (_expired, "expired", "expired 1 hours ago"),
        (_replayed, "replayed", "an old one is played again"),
        (_truncated, "hash", "its hash differs"),
        (_other_content, "hash", "its hash differs"),
        (_set_file_gone, "unreachable", "404"),
        (_manifest_gone, "unreachable", "404"),
        (_portal, "format", "no bundle's manifest"),
        (_huge_manifest, "format", "longer than any"),
        (_newer_bundle_format, "format", "this agent reads 1; update this agent"),
        (_older_set_format, "format", "update the publisher"),
        (_other_set_id, "set", "not the one that its manifest names"),
        (_bomb, "set", "size that was signed"),
        (_no_set_inside, "set", "cannot be used"),
    ],
)
def test_whatever_is_wrong_the_old_set_stands_and_all_say_why(
    fleet: Fleet, spoil: Callable[[Fleet], None], why: str, said: str
) -> None:
    """Exit status 4, the reason on the result, in the metric's file and in the event."""
    fleet.publish()
    fleet.update()
    spoil(fleet)
    before = fleet.current

    result = fleet.update()

    assert (result.status, result.exit_status, result.why) == ("failed", 4, why)
    assert said in result.reason
    assert fleet.current == before != ""
    reported = health.read(fleet.state / health.FILE)
    assert (reported.status, reported.why) == ("failed", why)
    if why == "unreachable":
        assert fleet.told() == []
        fleet.now += 2 * 86400
    assert fleet.told() == [f"list bundle: {result.reason}"]


def test_a_replay_is_refused_by_the_agent_that_lost_its_set_too(fleet: Fleet) -> None:
    """The serial is remembered apart from the set, so that deleting one does not open the door."""
    fleet.publish(100)
    old = {path.name: path.read_bytes() for path in fleet.folder.iterdir()}
    fleet.now += HOUR
    fleet.publish(101)
    fleet.update()
    (fleet.state / "sets/current").unlink()
    for name, body in old.items():
        fleet.server.serve(f"/bundle/{name}", body)

    assert fleet.update().why == "replayed"


def test_a_publisher_that_was_set_up_anew_is_taken_with_force(fleet: Fleet) -> None:
    """Its serial begins lower; a person says that this is right."""
    fleet.now += HOUR
    fleet.publish(100)
    fleet.update()
    for path in fleet.folder.iterdir():
        path.unlink()
    fleet.now -= HOUR
    fleet.publish(101)

    assert fleet.update().why == "replayed"
    assert fleet.update(force=True).status == "published"


def test_a_publisher_whose_clock_went_back_still_counts_up(fleet: Fleet) -> None:
    """The serial is one more than the last, whatever the clock says."""
    first = fleet.publish(100)
    fleet.now -= 10 * HOUR

    assert fleet.publish(101).serial == first.serial + 1


def test_the_gate_judges_a_bundle_too(fleet: Fleet) -> None:
    """Signed or not: a set that shrank, grew or names popular sites needs a person's word."""
    fleet.publish(100)
    fleet.update()
    for names, first, why in (
        (40, "", "shrunk"),
        (300, "", "grown"),
        (100, "google.com", "popular"),
    ):
        fleet.now += HOUR
        fleet.publish(names, first)

        result = fleet.update()

        assert (result.status, result.exit_status, result.why) == ("refused", 3, why)
        assert "--force" in result.reason
        assert fleet.told() == [f"list trail-set: {result.reason}"]
    assert fleet.update(force=True).status == "published"


def test_a_host_that_fetched_lists_itself_takes_its_first_bundle(fleet: Fleet) -> None:
    """Its set holds other lists: what they do not name is no growth."""
    small = fleet.room / "small.set"
    builder = Builder(1, 0)
    builder.add(Trail(key="x.example.org", info="x", reference="r", source=Source("other")))
    builder.write(small)
    publish(small, fleet.state)
    fleet.publish(100)

    assert fleet.update().status == "published"


def test_the_gates_limits_are_settings(fleet: Fleet) -> None:
    """What is too much is the site's to say."""
    fleet.publish(100)
    fleet.update()
    fleet.gate = Gate(max_shrink=70, max_growth=300)
    fleet.now += HOUR
    fleet.publish(40)
    assert fleet.update().status == "published"
    fleet.now += HOUR
    fleet.publish(120)

    assert fleet.update().status == "published"


def test_a_protected_name_is_as_good_as_a_popular_one(fleet: Fleet) -> None:
    """The site's own names are refused in sets that others make."""
    fleet.protect = ("ours.example.com",)
    fleet.publish(100)
    fleet.update()
    fleet.now += HOUR
    fleet.publish(100, "ours.example.com")

    assert "ours.example.com" in fleet.update().reason


def test_a_dry_run_takes_nothing_and_tells_what_would_change(fleet: Fleet) -> None:
    """Neither set nor serial is kept."""
    fleet.publish(100)
    fleet.update()
    fleet.now += HOUR
    fleet.publish(101)
    before = {p: p.read_bytes() for p in fleet.state.rglob("*") if p.is_file()}

    result = fleet.update(dry_run=True)

    assert result.status == "published"
    assert result.changes == ("list domain +1 -0", "all keys +1 -0")
    assert before == {p: p.read_bytes() for p in fleet.state.rglob("*") if p.is_file()}


def test_a_set_in_the_other_versions_format_is_fetched_again(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Publisher and agent were upgraded: the set that was taken already is one no more."""
    with monkeypatch.context() as other:
        other.setattr(layout, "FORMAT_VERSION", layout.FORMAT_VERSION + 1)
        fleet.publish()
        fleet.update()
    fleet.now += HOUR
    manifest = fleet.publish()

    result = fleet.update()

    assert result.status == "published"
    assert fleet.current == manifest.set_id
    assert fleet.update().status == "unchanged"


def test_a_rolled_back_bundle_stays_until_the_next_one(fleet: Fleet) -> None:
    """What a person went back to is what the next updates keep, until something new comes."""
    first = fleet.publish(100)
    fleet.update()
    fleet.now += HOUR
    fleet.publish(101)
    fleet.update()
    rollback(fleet.state)
    assert fleet.current == first.set_id

    assert fleet.update().status == "unchanged"
    assert fleet.current == first.set_id
    fleet.now += HOUR
    fleet.publish(102)
    assert fleet.update().status == "published"


def test_the_same_set_is_not_packed_again(fleet: Fleet) -> None:
    """A timer that publishes every quarter of an hour costs a signature, and agents nothing."""
    first = fleet.publish(100)
    file = fleet.folder / first.file
    before = file.stat().st_ino
    fleet.now += HOUR

    second = fleet.publish(100)

    assert (second.file, file.stat().st_ino) == (first.file, before)
    assert (second.serial, second.expires) == (int(fleet.now), int(fleet.now + WEEK))


def test_a_damaged_manifest_in_the_folder_is_replaced(fleet: Fleet) -> None:
    """Publishing goes on; the set is packed anew."""
    fleet.publish(100)
    (fleet.folder / MANIFEST).write_bytes(b"{half")

    fleet.publish(100)

    assert fleet.update().status == "published"


def test_only_the_newest_set_files_stay_in_the_folder(fleet: Fleet) -> None:
    """A few, for readers that hold an older manifest."""
    for names in range(100, 106):
        fleet.now += HOUR
        fleet.publish(names)

    assert len(list(fleet.folder.glob("*.gz"))) == _bundle.KEEP


def test_all_the_world_may_read_the_folder_and_nobody_the_key(fleet: Fleet) -> None:
    """A web server runs as somebody else."""
    fleet.publish()

    assert {path.stat().st_mode & 0o777 for path in fleet.folder.iterdir()} == {0o644}
    assert (fleet.room / "one.pem").stat().st_mode & 0o777 == 0o600


def test_a_certificate_of_a_stranger_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    """A bundle is fetched over verified TLS as well: who can read it is not everybody."""
    fleet.publish()
    (tmp_path / "other").mkdir()
    stranger = make_certificate(tmp_path / "other")
    fleet.origin = msgspec.structs.replace(fleet.origin, ca_file=str(stranger))

    result = fleet.update()

    assert result.why == "unreachable"
    assert "certificate was refused" in result.reason


@pytest.mark.parametrize("key", ["ed25519:short", "rsa:x", "ed25519:" + "A" * 100, ""])
def test_a_key_that_is_none_is_named(fleet: Fleet, key: str) -> None:
    """A copying mistake is a configuration error, not a wrong signature."""
    fleet.origin = msgspec.structs.replace(fleet.origin, keys=(key,))
    fleet.publish()

    with pytest.raises(ConfigError, match=r"update\.from\.keys: .* is no public key"):
        fleet.update()


def test_a_key_file_that_is_none_is_named(tmp_path: Path) -> None:
    """Missing, no PEM, or a key of another kind: one line each."""
    path = tmp_path / "key.pem"
    with pytest.raises(ConfigError, match="cannot be read"):
        _signing.load_key(path)
    path.write_text("hello")
    with pytest.raises(ConfigError, match="is no private key"):
        _signing.load_key(path)
    command = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(ConfigError, match="is no Ed25519 key"):
        _signing.load_key(path)


def test_a_key_of_openssl_is_as_good(tmp_path: Path) -> None:
    """The file is a standard one: an HSM's or a vault's export works too."""
    path = tmp_path / "key.pem"
    command = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    key = _signing.load_key(path)

    text = _signing.public_text(key)
    signature = _signing.sign(key, b"data")

    assert _signing.is_signed(b"data", {text: signature}, _signing.trusted([text]))
    assert not _signing.is_signed(b"date", {text: signature}, _signing.trusted([text]))


def test_a_signature_for_another_purpose_does_not_fit(fleet: Fleet) -> None:
    """The same key may sign other things; their signatures are of no use here."""
    import base64

    text = _signing.public_text(fleet.signer)
    signature = base64.b64encode(fleet.signer.sign(b"data")).decode()

    assert not _signing.is_signed(b"data", {text: signature}, _signing.trusted([text]))


@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["manifest", "signatures", "format", "x"]), inner)
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
)
def test_rubbish_is_no_manifest(data: bytes) -> None:
    """Whatever a server sends: refused in words, nothing else is raised."""
    with pytest.raises(Unusable):
        opened_manifest(data, (KEY,))


@given(st.binary(max_size=80), st.integers(0, 79))
def test_no_changed_byte_keeps_its_signature(data: bytes, at: int) -> None:
    """Every byte of a manifest counts."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signatures = {KEY: _signing.sign(private, data)}
    changed = bytearray(data or b"x")
    changed[at % len(changed)] ^= 1

    assert _signing.is_signed(data, signatures, _signing.trusted([KEY]))
    assert not _signing.is_signed(bytes(changed), signatures, _signing.trusted([KEY]))


def test_a_maltrail_server_is_taken_unsigned_and_marked_so(
    certificate: Path, tmp_path: Path
) -> None:
    """Its /trails are three columns; the set is built and gated here."""
    csv = "".join(f"{n}.evil.example.org,x (malware),(static)\n" for n in range(100))
    with list_server(certificate) as server:
        url = server.serve("/trails", csv.encode())
        origin = Origin(url=url, format="maltrail", ca_file=str(certificate))
        settings = Settings(update=Update(origin=origin))

        result = update(settings, tmp_path, NOW, fetcher=Fetcher(pause=_ignore), progress=_ignore)

    assert (result.status, result.keys) == ("published", 100)
    assert result.reason.endswith("not signed")
    assert health.read(tmp_path / health.FILE).signed is False


def _ignore(value: object) -> None:
    del value
