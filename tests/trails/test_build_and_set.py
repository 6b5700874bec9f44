"""A set file: what goes in is found again, the same input is the same bytes, damage is refused."""

import ipaddress
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.model import Source, Trail
from agent.scan import layout
from agent.trails.build import MAX_SAMPLES, Builder, Refused, SetInfo
from agent.trails.keys import parse
from agent.trails.pack import Packer
from agent.trails.set import SetError, TrailSet
from tests.scan.scanning import randomness, sized

SEED = 0xDECAF
BUILT_US = 1_700_000_000_000_000

EVERY_KIND = {
    "evil.example.org": "domain",
    "xyz": "domain",
    "198.51.100.7": "ip",
    "198.51.100.7:443": "ip-port",
    "2001:db8::7": "ip",
    "[2001:db8::7]:443": "ip-port",
    "198.51.100.0/24": "network",
    "2001:db8::/32": "network",
    "evil.example.org/": "url",
    "evil.example.org/gate.php": "url",
    "/gate.php?id=": "path",
    "ua:Evil/1.0": "user-agent",
    "ab" * 20: "certificate",
    "cd" * 32: "certificate",
    "ef" * 16: "ja3",
    "t13d1516h2_8daaf6152771_e5627efa2ab1": "ja4",
    r"re:dga[0-9]+\.example": "pattern",
}


def trail(
    key: str,
    info: str = "malware",
    source: Source | str = "list",
    *,
    reference: str = "ref",
) -> Trail:
    """Make a trail of our own dialect."""
    named = Source(source) if isinstance(source, str) else source
    return Trail(key=key, info=info, reference=reference, source=named)


def built(trails: Iterable[Trail | str], seed: int = SEED) -> TrailSet:
    """Build a set in memory."""
    return TrailSet(set_bytes(trails, seed), "memory")


def set_bytes(trails: Iterable[Trail | str], seed: int = SEED) -> bytes:
    """Build the bytes of a set."""
    builder = Builder(seed, BUILT_US)
    for one in trails:
        builder.add(trail(one) if isinstance(one, str) else one)
    return builder.to_bytes()


def written(path: Path, trails: Iterable[Trail | str] = tuple(EVERY_KIND)) -> Path:
    """Write a set to a file as the updater does."""
    path.write_bytes(set_bytes(trails))
    path.chmod(0o644)
    return path


def has(trails: TrailSet, text: str) -> bool:
    """Tell whether a key of our own dialect is in a set."""
    key = parse(text)
    number = trails.find(key.kind, key.key)
    return number >= 0 and trails.row(number).raw == key.key


# --- what goes in is found again ----------------------------------------------------------------


def test_key_of_every_kind_is_found_with_what_the_list_said() -> None:
    """Exact keys by their bytes, patterns among the rows of their kind."""
    trails = built(trail(key, f"info of {key}") for key in EVERY_KIND)

    for text in EVERY_KIND:
        key = parse(text)
        if key.kind == layout.PATTERN:
            (number,) = trails.rows(layout.PATTERN)
        else:
            number = trails.find(key.kind, key.key)
        row = trails.row(number)
        assert (row.kind, row.raw, row.flags) == key
        assert (row.info, row.reference) == (f"info of {text}", "ref")
        assert row.sources == (Source("list"),)


def test_info_counts_keys_by_kind_and_names_sources() -> None:
    """What `trails info` shows."""
    info = built([*EVERY_KIND, trail("x.example", source="other")]).info

    counts = dict.fromkeys(EVERY_KIND.values(), 0)
    for kind in EVERY_KIND.values():
        counts[kind] += 1
    counts["domain"] += 1
    assert info.counts == counts
    assert info.keys == len(EVERY_KIND) + 1
    assert info.sources == ("list", "other")
    assert info.built_us == BUILT_US
    assert (info.ungated, info.inert) == (0, {})


def test_neighbours_of_keys_are_not_found() -> None:
    """A bit more, less, or in another table is another key."""
    trails = built(EVERY_KIND)

    for text in EVERY_KIND:
        key = parse(text)
        if key.kind == layout.PATTERN:
            continue
        for other in (key.key[:-1], key.key + b"x", key.key[:-1] + bytes([key.key[-1] ^ 1])):
            assert trails.find(key.kind, other) == -1, (text, other)
    for table in (layout.DOMAIN, *range(layout.URL, layout.TABLES)):
        assert (trails.find(table, b"evil.example.org") >= 0) == (table == layout.DOMAIN)
        assert trails.find(table, b"") == -1
        assert trails.find(table, b"x" * 100_000) == -1
    assert trails.find(layout.PATTERN, rb"dga[0-9]+\.example") == -1


@pytest.mark.parametrize("table", [layout.IP4, layout.IP4_PORT, layout.NET4])
def test_address_of_the_wrong_size_is_not_found(table: int) -> None:
    """Asking an IPv4 table for an IPv6 address is asking for what is not there."""
    assert built(EVERY_KIND).find(table, ipaddress.IPv6Address("2001:db8::7").packed) == -1


def test_longest_network_around_an_address_is_found_first() -> None:
    """Of nested networks the most specific one explains an address, in both IP versions."""
    nested4 = ["198.0.0.0/7", "198.51.0.0/16", "198.51.100.0/24", "198.51.100.4/30"]
    nested6 = ["2000::/15", "2001:db8::/32", "2001:db8::/64", "2001:db8::8/126"]
    trails = built([*nested4, *nested6])

    def around(text: str) -> str:
        number = trails.find_network(ipaddress.ip_address(text).packed)
        return trails.row(number).key if number >= 0 else ""

    assert [
        around(a) for a in ("199.1.1.1", "198.51.7.7", "198.51.100.9", "198.51.100.7")
    ] == nested4
    assert around("197.255.255.255") == around("200.0.0.0") == ""
    inside = ("2001:1::", "2001:db8:1::", "2001:db8::4", "2001:db8::b")
    assert [around(address) for address in inside] == nested6
    assert around("2002::") == around("1fff::") == ""


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.ip_addresses(), st.integers(1, 128)), min_size=1, max_size=12),
    st.lists(st.ip_addresses(), max_size=8),
)
def test_networks_agree_with_the_standard_library(
    drawn: list[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]],
    addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address],
) -> None:
    """Random networks of any length, random addresses in and out of them."""
    networks = {
        ipaddress.ip_network((address, min(length, address.max_prefixlen - 1)), strict=False)
        for address, length in drawn
    }
    trails = built(str(network) for network in networks)

    for address in [*addresses, *(address for address, _ in drawn)]:
        around = [network for network in networks if address in network]
        longest = max(around, key=lambda network: network.prefixlen, default="")
        number = trails.find_network(address.packed)
        assert (trails.row(number).key if number >= 0 else "") == str(longest)


def test_sources_are_united_and_the_later_label_wins() -> None:
    """Precedence is the order of adding; nothing of who says so is lost."""
    trails = built(
        [
            trail("evil.org", "first", Source("a", "2024-01-05", "2024-02-01")),
            trail("evil.org", "second", Source("b", "2024-03-01", "")),
            trail("evil.org", "third", Source("a", "2023-12-24", "2024-01-31"), reference="new"),
        ]
    )

    row = trails.row(trails.find(layout.DOMAIN, b"evil.org"))

    assert trails.info.keys == 1
    assert (row.info, row.reference) == ("third", "new")
    assert row.sources == (
        Source("a", "2023-12-24", "2024-02-01"),
        Source("b", "2024-03-01", ""),
    )


def test_day_that_one_list_does_not_know_is_taken_from_the_other() -> None:
    """An empty first day is no early one."""
    trails = built(
        [
            trail("evil.org", source=Source("a", "", "2024-02-01")),
            trail("evil.org", source=Source("a", "2024-01-01", "")),
        ]
    )

    assert trails.row(0).sources == (Source("a", "2024-01-01", "2024-02-01"),)


@pytest.mark.parametrize(
    ("keys", "flags"),
    [
        ([".evil.org"], layout.BELOW_ONLY),
        (["evil.org"], 0),
        ([".evil.org", "evil.org"], 0),
        (["evil.org", ".evil.org"], 0),
        ([".evil.org", "*.evil.org"], layout.BELOW_ONLY),
    ],
)
def test_below_only_holds_while_every_list_says_so(keys: list[str], flags: int) -> None:
    """A key listed with and without its leading dot means both."""
    trails = built(keys)

    assert trails.info.keys == 1
    assert trails.row(0).flags == flags


def test_text_of_labels_survives() -> None:
    """Any script, empty texts, and the same text as info and reference."""
    labels = [("злой", "参考"), ("", ""), ("same", "same"), ("same", "x" * 5000), ("a\tb\n", '"')]
    trails = built(
        trail(f"n{number}.example", info, reference=reference)
        for number, (info, reference) in enumerate(labels)
    )

    found = [trails.row(number) for number in trails.rows(layout.DOMAIN)]
    assert [(row.info, row.reference) for row in found] == labels


def test_inert_rows_are_counted_with_samples() -> None:
    """What can never match is left out, by reason, with the first few to look at."""
    builder = Builder(SEED, BUILT_US)
    reasons = [builder.add(trail(f"bad name {number}.org")) for number in range(MAX_SAMPLES + 3)]
    reasons += [builder.add(trail("/")), builder.add(trail("x" * 9000))]

    trails = TrailSet(builder.to_bytes(), "memory")

    wrong = "is no domain name, address, URL, path, hash or pattern"
    assert reasons == [wrong] * (MAX_SAMPLES + 3) + ["matches every request", wrong]
    samples = tuple(f"bad name {number}.org" for number in range(MAX_SAMPLES))
    assert trails.info.inert == {
        wrong: Refused(MAX_SAMPLES + 4, samples),
        "matches every request": Refused(1, ("/",)),
    }
    assert trails.info.keys == 0


def test_samples_of_inert_rows_are_distinct_and_printable() -> None:
    """A terminal shows them; a row that a list repeats is one sample."""
    builder = Builder(SEED, BUILT_US)
    for key in (*("re:(",) * 5, "re:(\x1b[31m", "re:(é"):
        assert builder.add(trail(key)) == "pattern that RE2 refuses"

    refused = TrailSet(builder.to_bytes(), "memory").info.inert["pattern that RE2 refuses"]

    assert refused == Refused(7, ("re:(", "re:(\\x1b[31m", "re:(é"))


def test_quarantined_keys_are_kept_as_lines() -> None:
    """What is kept out can be read again."""
    builder = Builder(SEED, BUILT_US)
    builder.add(trail("evil.org"))
    builder.quarantine("8.8.8.8", "well-known resolver")
    builder.quarantine("1.1.1.1", "well-known resolver")

    trails = TrailSet(builder.to_bytes(), "memory")

    assert trails.lines(layout.SECTION_QUARANTINED) == (
        "8.8.8.8\twell-known resolver",
        "1.1.1.1\twell-known resolver",
    )
    assert trails.info.quarantined == 2
    assert built(["evil.org"]).lines(layout.SECTION_QUARANTINED) == ()


def test_patterns_without_a_literal_are_counted() -> None:
    """They cost every name a match."""
    assert built(["re:[a-z]+[0-9]+", "re:evil[0-9]+"]).info.ungated == 1


def test_row_numbers_outside_the_set_are_refused() -> None:
    """A number from another set raises rather than reads elsewhere."""
    trails = built(["evil.org"])

    for number in (-1, 1, 1 << 40):
        with pytest.raises(IndexError):
            trails.row(number)


def test_random_keys_are_all_found_and_foreign_ones_are_not() -> None:
    """A hundred thousand of each, of every table that lists fill, under a drawn seed."""
    draw = randomness(8)
    size = sized(100_000, 4000)
    made: dict[str, Callable[[], str]] = {
        "domain": lambda: f"{draw.getrandbits(40):x}.n{draw.randrange(99)}.example",
        "ip": lambda: str(ipaddress.IPv4Address(draw.getrandbits(32))),
        "ip-port": lambda: f"{ipaddress.IPv4Address(draw.getrandbits(32))}:{draw.randrange(65536)}",
        "ip6": lambda: str(ipaddress.IPv6Address(draw.getrandbits(128))),
        "ip6-port": lambda: (
            f"[{ipaddress.IPv6Address(draw.getrandbits(128))}]:{draw.randrange(99)}"
        ),
        "url": lambda: f"h{draw.randrange(999)}.example/{draw.getrandbits(40):x}",
        "path": lambda: f"/{draw.getrandbits(40):x}/x.php",
        "hash": lambda: f"{draw.getrandbits(160):040x}",
    }
    listed = {make() for make in made.values() for _ in range(size // len(made))}
    foreign = {make() for make in made.values() for _ in range(size // len(made))} - listed
    builder = Builder()
    for text in sorted(listed):
        assert builder.add(trail(text)) is None

    trails = TrailSet(builder.to_bytes(), "memory")

    assert trails.info.keys == len(listed)
    assert [text for text in listed if not has(trails, text)] == []
    assert [text for text in foreign if has(trails, text)] == []
    numbers = [trails.find(*parse(text)[:2]) for text in listed]
    assert sorted(numbers) == list(range(len(listed)))


def test_names_that_are_each_others_parents_and_prefixes_are_told_apart() -> None:
    """Keys that share bytes at either end."""
    names = [".".join(["a"] * size) for size in range(2, 60)]
    names += [f"{'b' * size}.example" for size in range(1, 60)]
    trails = built(names[::2])

    assert [name for name in names if has(trails, name)] == names[::2]


# --- the same input is the same bytes -----------------------------------------------------------


def test_same_input_and_seed_are_the_same_bytes() -> None:
    """A build can be repeated and compared."""
    assert set_bytes(EVERY_KIND) == set_bytes(EVERY_KIND)
    assert set_bytes(EVERY_KIND) != set_bytes(EVERY_KIND, SEED + 1)


def test_seed_is_drawn_unless_given() -> None:
    """Nobody outside can choose names that collide."""
    assert Builder().seed != Builder().seed


def test_content_hash_tells_what_a_set_means() -> None:
    """Order, seed, time of building and last-seen days change nothing that is reported."""
    trails = [
        trail("evil.org", "x", Source("a", "2024-01-01", "2024-02-02")),
        trail("evil.net", "y", Source("b", "2024-01-01", "2024-02-02")),
        trail("198.51.100.7", "x", Source("a", "2024-01-01", "2024-02-03")),
        trail("198.51.100.7", "x", Source("b", "2023-01-01", "2024-02-03")),
    ]
    later = [_seen_later(one) for one in trails]

    ids = {
        built(trails).info.set_id,
        built(reversed(trails)).info.set_id,
        built(trails, SEED + 1).info.set_id,
        built(later).info.set_id,
        TrailSet(_with(Builder(1), reversed(later)).to_bytes(), "memory").info.set_id,
    }

    assert len(ids) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"key": "evil.net"},
        {"key": ".evil.org"},
        {"key": "evil.org/"},
        {"info": "y"},
        {"reference": "y"},
        {"source": Source("b", "2024-01-01")},
        {"source": Source("a", "2024-01-02")},
        {"source": Source("a")},
    ],
)
def test_content_hash_changes_with_what_is_reported(change: dict[str, str | Source]) -> None:
    """Key, flags, labels, sources and first days are what events tell."""
    fields = {"key": "evil.org", "info": "x", "reference": "x", "source": Source("a", "2024-01-01")}
    others = [trail("a.example"), trail("z.example")]

    before = built([*others, Trail(**fields)]).info.set_id  # type: ignore[arg-type]
    after = built([*others, Trail(**{**fields, **change})]).info.set_id  # type: ignore[arg-type]

    assert before != after


def test_set_id_is_the_beginning_of_the_content_hash() -> None:
    """Events carry its first twelve hex digits."""
    trails = built(["evil.org"])

    assert trails.set_id == trails.info.set_id[:12]
    assert len(trails.info.set_id) == 64


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.integers(0, layout.KINDS - 1), st.binary(min_size=1, max_size=20), st.integers(0, 3)
        ),
        max_size=60,
        unique_by=lambda row: row[:2],
    )
)
def test_rows_are_sorted_by_kind_and_key(rows: list[tuple[int, bytes, int]]) -> None:
    """Two sets can be compared by walking both once; a shorter key precedes its extensions."""
    packer = Packer(SEED)
    for kind, key, flags in rows:
        assert packer.find(kind, key) == -1
        packer.append(kind, key, flags, 7, 9)
    assert [packer.find(kind, key) for kind, key, _ in rows] == list(range(len(rows)))

    packer.sort()

    found = [(packer.kind(n), packer.key(n), packer.flags(n)) for n in range(packer.count)]
    assert found == sorted(rows)
    for kind in range(layout.KINDS):
        assert packer.first_row(kind) == sum(row[0] < kind for row in rows)


def test_rows_of_a_kind_come_in_order_of_their_keys() -> None:
    """What diffs walk."""
    trails = built(["c.org", "a.org", "b.org", "/x", "1.2.3.4"])

    assert [trails.row(n).key for n in trails.rows(layout.DOMAIN)] == ["a.org", "b.org", "c.org"]
    assert [trails.row(n).key for n in trails.rows(layout.PATH)] == ["/x"]
    assert list(trails.rows(layout.JA3)) == []


# --- files --------------------------------------------------------------------------------------


def test_written_file_opens_verifies_and_says_the_same(tmp_path: Path) -> None:
    """What the updater writes is what the sensor maps."""
    builder = _with(Builder(SEED), map(trail, EVERY_KIND))

    info: SetInfo = builder.write(tmp_path / "a.set")
    trails = TrailSet.open(tmp_path / "a.set")
    trails.verify()

    assert trails.info == info
    assert trails.seed == SEED
    assert all(has(trails, text) for text in EVERY_KIND if not text.startswith("re:"))


def test_every_damaged_byte_is_found_by_verifying(tmp_path: Path) -> None:
    """A flipped bit in any section, the header or the padding between never passes."""
    good = written(tmp_path / "good.set").read_bytes()
    sections = layout.unpack_header(good[: layout.HEADER_BYTES]).sections
    places = [0, 8, 12, 20, 30, 60, 100, 500, layout.HEADER_BYTES - 1, len(good) - 1]
    for offset, length in sections:
        places += [offset, offset + length // 2, offset + length - 1] if length else []
    assert sum(length > 0 for _, length in sections) >= 10

    for place in places:
        broken = bytearray(good)
        broken[place] ^= 0x10
        (tmp_path / "broken.set").write_bytes(broken)
        with pytest.raises(SetError, match=r"broken\.set: ") as caught:
            TrailSet.open(tmp_path / "broken.set").verify()
        assert "\n" not in str(caught.value)


def test_set_in_memory_is_verified_too() -> None:
    """The own set never is a file."""
    good = set_bytes(["evil.org"])
    broken = bytearray(good)
    broken[-1] ^= 1

    TrailSet(good, "own trails").verify()
    with pytest.raises(SetError, match="own trails: is damaged"):
        TrailSet(bytes(broken), "own trails").verify()


@pytest.mark.parametrize("left", [0, 1, 8, 1023, 1024, 1025, 5000, -8, -1])
def test_truncated_file_is_refused_at_opening(tmp_path: Path, left: int) -> None:
    """A mapping that ends early would kill the reader."""
    path = written(tmp_path / "a.set")
    path.write_bytes(path.read_bytes()[:left])

    with pytest.raises(SetError, match=r"too short|cut off"):
        TrailSet.open(path)


def test_grown_file_is_refused(tmp_path: Path) -> None:
    """Somebody appended to what is immutable."""
    path = written(tmp_path / "a.set")
    path.write_bytes(path.read_bytes() + bytes(8))

    with pytest.raises(SetError, match="cut off or grown"):
        TrailSet.open(path)


@pytest.mark.parametrize(
    "content", [b"<html>" * 1000, bytes(5000), b"\x7fELF" + bytes(5000), b"trail,info\n" * 500]
)
def test_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """An error page, zeros, a program, a list."""
    (tmp_path / "a.set").write_bytes(content)

    with pytest.raises(SetError, match=r"a\.set: is not a trail set"):
        TrailSet.open(tmp_path / "a.set")


def test_set_without_trails_is_refused(tmp_path: Path) -> None:
    """It would make the sensor blind."""
    with pytest.raises(SetError, match="holds no trails"):
        TrailSet.open(written(tmp_path / "a.set", []))


def test_newer_format_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """Lists may be built by a newer agent than reads them."""
    path = written(tmp_path / "a.set")
    header = layout.unpack_header(path.read_bytes()[: layout.HEADER_BYTES])
    newer = layout.pack_header(header._replace(version=layout.FORMAT_VERSION + 1))
    path.write_bytes(newer + path.read_bytes()[layout.HEADER_BYTES :])

    with pytest.raises(SetError, match=r"format version .* upgrade"):
        TrailSet.open(path)


def test_older_format_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """Its bytes mean something else; the next update builds it anew."""
    path = written(tmp_path / "a.set")
    header = layout.unpack_header(path.read_bytes()[: layout.HEADER_BYTES])
    older = layout.pack_header(header._replace(version=layout.FORMAT_VERSION - 1))
    path.write_bytes(older + path.read_bytes()[layout.HEADER_BYTES :])

    expected = rf"a\.set: has format version {layout.FORMAT_VERSION - 1}, .* build it again"
    with pytest.raises(SetError, match=expected):
        TrailSet.open(path)


@pytest.mark.parametrize(
    "section", [(1 << 40, 8), (0, 8), (1025, 8), (layout.HEADER_BYTES, 1 << 40)]
)
def test_section_outside_the_file_is_refused(tmp_path: Path, section: tuple[int, int]) -> None:
    """Even under a sound digest: a file may be made with intent."""
    path = written(tmp_path / "a.set")
    data = path.read_bytes()
    header = layout.unpack_header(data[: layout.HEADER_BYTES])
    for number in range(layout.SECTIONS):
        sections = (*header.sections[:number], section, *header.sections[number + 1 :])
        raw = layout.pack_header(header._replace(sections=sections))
        path.write_bytes(raw + data[layout.HEADER_BYTES :])
        with pytest.raises(SetError, match="section outside"):
            TrailSet.open(path)


def test_missing_file_is_refused_in_one_line(tmp_path: Path) -> None:
    """With the path and the reason."""
    with pytest.raises(SetError, match=r"gone\.set: cannot be opened: No such file"):
        TrailSet.open(tmp_path / "gone.set")


@pytest.mark.parametrize(("mode", "refused"), [(0o664, True), (0o646, True), (0o444, False)])
def test_file_that_others_may_write_is_refused_with_the_remedy(
    tmp_path: Path, mode: int, refused: bool
) -> None:
    """Whoever writes a set decides what is reported."""
    path = written(tmp_path / "a.set")
    path.chmod(mode)

    if not refused:
        assert TrailSet.open(path).info.keys
        return
    with pytest.raises(SetError, match=r"chmod go-w .*a\.set"):
        TrailSet.open(path)


@pytest.mark.root
def test_file_of_another_user_is_refused(tmp_path: Path) -> None:
    """Root, the updater and the caller are trusted."""
    path = written(tmp_path / "a.set")
    os.chown(path, 54321, -1)

    with pytest.raises(SetError, match="belongs to user 54321; expected root, maltrail-update"):
        TrailSet.open(path)


def test_pipe_folder_and_device_are_refused(tmp_path: Path) -> None:
    """Opening them neither blocks nor reads."""
    os.mkfifo(tmp_path / "pipe", 0o600)

    for path in (tmp_path / "pipe", tmp_path, Path("/dev/null")):
        with pytest.raises(SetError, match="is not a regular file"):
            TrailSet.open(path)


def test_link_to_a_good_set_is_followed(tmp_path: Path) -> None:
    """`current` is a link; what it leads to is judged, not the link."""
    good = written(tmp_path / "a.set")
    (tmp_path / "current").symlink_to(good.name)
    (tmp_path / "dangling").symlink_to("gone.set")

    TrailSet.open(tmp_path / "current").verify()
    with pytest.raises(SetError, match="No such file"):
        TrailSet.open(tmp_path / "dangling")
    good.chmod(0o666)
    with pytest.raises(SetError, match="chmod"):
        TrailSet.open(tmp_path / "current")


def test_open_set_outlives_its_file(tmp_path: Path) -> None:
    """A reload that is refused, a replacement and a deletion leave the old set as it was."""
    path = written(tmp_path / "a.set")
    old = TrailSet.open(path)

    written(tmp_path / "b.set", ["other.example"]).rename(path)
    new = TrailSet.open(path)
    (tmp_path / "c.set").write_bytes(b"<html>" * 500)
    (tmp_path / "c.set").rename(path)
    with pytest.raises(SetError):
        TrailSet.open(path)
    path.unlink()

    assert has(old, "evil.example.org")
    assert old.row(0).info == "malware"
    assert old.lines(layout.SECTION_QUARANTINED) == ()
    assert has(new, "other.example")
    assert not has(new, "evil.example.org")


def test_closed_set_lets_go_of_what_nobody_else_reads(tmp_path: Path) -> None:
    """Closing is harmless for scanners that share the buffer."""
    trails = TrailSet.open(written(tmp_path / "a.set"))
    buffer = trails.buffer

    trails.close()

    assert bytes(memoryview(buffer)[:8]) == layout.MAGIC


def test_full_disk_leaves_no_set(tmp_path: Path) -> None:
    """A write that fails raises, and what there is does not open."""
    builder = _with(Builder(SEED), map(trail, EVERY_KIND))

    with pytest.raises(OSError, match="No space left"):
        builder.write(Path("/dev/full"))


def _with(builder: Builder, trails: Iterable[Trail]) -> Builder:
    for one in trails:
        builder.add(one)
    return builder


def _seen_later(one: Trail) -> Trail:
    source = Source(one.source.name, one.source.first_seen, "2025-05-05")
    return trail(one.key, one.info, source, reference=one.reference)


def test_each_key_keeps_its_own_source_and_label() -> None:
    """Many sources in one set: none is taken for another."""
    builder = Builder(1)
    for n in range(300):
        source = Source(f"list{n}", "2026-01-02", "2026-03-04")
        builder.add(Trail(key=f"k{n:03}.org", info=f"i{n}", reference=f"r{n}", source=source))

    opened = TrailSet(builder.to_bytes(), "many")

    rows = [opened.row(n) for n in range(300)]
    assert [row.sources for row in rows] == [
        (Source(f"list{n}", "2026-01-02", "2026-03-04"),) for n in range(300)
    ]
    assert [(row.info, row.reference) for row in rows] == [(f"i{n}", f"r{n}") for n in range(300)]
