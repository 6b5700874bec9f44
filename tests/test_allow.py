"""The allow-list: what it suppresses, what it does not, and how it reads its files."""

from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import config
from agent.allow import BUILTIN, MAX_COUNTED, OTHERS, AllowList, Entry, checked_name
from agent.config import Allowed, ConfigError, Network
from agent.model import CANARY, Endpoint, Source, Trail
from agent.scopes import Judged
from agent.trails.build import Builder
from agent.trails.find import Trails
from agent.trails.set import TrailSet
from tests import packets
from tests.packets import CLIENT, SERVER
from tests.wired import Wired

DAY_US = 86_400_000_000


def of_lines(folder: Path, text: str) -> AllowList:
    """Load one file as the only source of entries."""
    path = folder / "own.txt"
    path.write_text(text, encoding="utf-8")
    return AllowList.load(config.AllowList(builtin=False, files=(str(path),)), 0)


def of_entries(*entries: Allowed, now_us: int = 0) -> AllowList:
    """Load configuration entries as the only source."""
    return AllowList.load(config.AllowList(builtin=False, files=(), entries=entries), now_us)


def text_of(entry: Entry | None) -> str | None:
    """Return what an entry says, or None for none."""
    return None if entry is None else entry.text


BUILT_IN = AllowList.load(config.AllowList(files=()), 0)


def test_every_built_in_row_has_its_reason() -> None:
    """A row that nobody can justify does not belong there."""
    assert [entry.text for entry in BUILT_IN if not entry.reason] == []


def test_the_built_in_list_is_sorted_out() -> None:
    """No row stands twice and none lies below another, where it would never be counted."""
    rows = [line.partition("#")[0].strip() for line in BUILTIN.read_text().splitlines()]
    names = {row for row in rows if row}

    assert len(names) == len([row for row in rows if row]) == len(BUILT_IN)
    for name in names - {"127.0.0.0/8"}:
        parents = {name.split(".", n)[-1] for n in range(1, name.count(".") + 1)}
        assert not parents & names or name[0].isdigit(), name


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "1.0.0.1",
        "8.8.8.8",
        "8.8.4.4",
        "9.9.9.9",
        "149.112.112.112",
        "208.67.222.222",
        "208.67.220.220",
        "2001:4860:4860:0:0:0:0:8888",
        "::ffff:8.8.8.8",
        "127.0.0.53",
        "::1",
        "0.0.0.0",
    ],
)
def test_public_resolvers_are_allowed(address: str) -> None:
    """Lists name them again and again, in every spelling."""
    assert BUILT_IN.address(address) is not None


@pytest.mark.parametrize("address", ["8.8.8.9", "1.1.1.2", "203.0.113.7", "2606:4700::1", "", "x"])
def test_no_cloud_range_is_allowed(address: str) -> None:
    """The built-in list never allows what strangers rent."""
    assert BUILT_IN.address(address) is None


@pytest.mark.parametrize(
    "name", ["www.google.com", "GOOGLE.COM", "google.com.", "localhost", "0.debian.pool.ntp.org"]
)
def test_a_name_below_an_allowed_one_is_allowed(name: str) -> None:
    """A domain covers itself and everything below it, in any case, with or without end dot."""
    assert BUILT_IN.domain(name) is not None


@pytest.mark.parametrize(
    "name", ["notgoogle.com", "google.com.evil.example", "com", "ntp.org", "", ".", "localhost.x"]
)
def test_a_neighbour_of_an_allowed_name_is_not(name: str) -> None:
    """Only whole labels count."""
    assert BUILT_IN.domain(name) is None


def test_the_longest_allowed_name_is_found() -> None:
    """The most exact row is the one that counts."""
    allowed = of_entries(Allowed(domain="example.com"), Allowed(domain="www.example.com"))

    assert text_of(allowed.domain("a.www.example.com")) == "www.example.com"
    assert text_of(allowed.domain("a.b.example.com")) == "example.com"


@pytest.mark.parametrize(
    ("name", "key", "suppressed"),
    [
        ("example.com", "example.com", True),
        ("www.example.com", "example.com", True),
        ("www.example.com", "com", True),
        ("WWW.Example.com.", "Example.com", True),
        ("bad.example.com", "bad.example.com", False),
        ("a.bad.example.com", "bad.example.com", False),
        ("a.bad.example.com", ".bad.example.com", False),
        ("a.example.com", ".example.com", True),
        ("example.com", "example.com/", True),
        ("example.com", "example.com/bad.exe", False),
        ("bad.example.com", "bad.example.com/", False),
        ("www.example.com", "re:www[.]example[.]com", True),
        ("www.example.com", "/gate.php", True),
        ("www.example.com", "ua:a-very-long-user-agent-indeed/1.0", True),
        ("other.example", "example", False),
        ("www.example.com", "", True),
    ],
)
def test_an_exact_trail_beats_an_allowed_ancestor(name: str, key: str, suppressed: bool) -> None:
    """The longest match wins between the allowed name and the trail's key."""
    allowed = of_entries(Allowed(domain="example.com"))

    assert suppressed == (allowed.allows_name(name, key) is not None)


def test_nothing_is_suppressed_uncounted() -> None:
    """Each suppression counts at its entry and kind; asking alone counts nothing."""
    allowed = of_entries(Allowed(domain="example.com"), Allowed(network=Network("192.0.2.0/24")))

    allowed.domain("example.com")
    allowed.address("192.0.2.1")
    allowed.allows_name("bad.example.com", "bad.example.com")
    first = allowed.allows_name("www.example.com", "example.com", count=3)
    second = allowed.allows_address("192.0.2.9")

    assert first is not None
    assert second is not None
    assert (first.hits, second.hits) == (3, 1)
    assert allowed.counts() == {"builtin": 0, "file": 0, "entry": 4}


def test_the_smallest_network_is_found() -> None:
    """Of nested networks the most exact one counts."""
    allowed = of_entries(
        Allowed(network=Network("10.0.0.0/8")),
        Allowed(network=Network("10.1.2.3/32")),
        Allowed(network=Network("2001:db8::/32")),
    )

    assert text_of(allowed.address("10.1.2.3")) == "10.1.2.3"
    assert text_of(allowed.address("10.1.2.4")) == "10.0.0.0/8"
    assert text_of(allowed.address("2001:db8::5")) == "2001:db8::/32"
    assert allowed.address("2001:db9::5") is None


def test_an_entry_ends_after_its_last_day() -> None:
    """On the day of `until` it still holds, on the next it does not, without a reload."""
    allowed = of_entries(Allowed(domain="example.com", until=date(1970, 1, 2)), now_us=0)

    allowed.expire(2 * DAY_US - 1)
    assert allowed.domain("example.com") is not None
    allowed.expire(2 * DAY_US)
    assert allowed.domain("example.com") is None


def test_the_end_of_an_entry_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Events that come again have a cause."""
    allowed = of_entries(Allowed(domain="example.com", until=date(1970, 1, 1)))
    with caplog.at_level("INFO"):
        allowed.expire(DAY_US)
        allowed.expire(2 * DAY_US)

    assert [record.getMessage() for record in caplog.records] == [
        "allow-list entry example.com (allow_list.entries[0]) has ended"
    ]


def test_what_has_run_out_uncovers_what_it_hid() -> None:
    """An expired row does not stand in the way of a lasting one with the same name."""
    soon = Allowed(domain="google.com", until=date(1970, 1, 1))
    allowed = AllowList.load(config.AllowList(files=(), entries=(soon,)), 0)

    before = allowed.domain("google.com")
    allowed.expire(DAY_US)
    after = allowed.domain("google.com")

    assert before is not None
    assert after is not None
    assert (before.origin, after.origin) == ("allow_list.entries[0]", "builtin")


def test_an_expired_entry_is_not_in_force_at_start() -> None:
    """Time passed before the start counts too."""
    ended = Allowed(domain="example.com", until=date(2020, 1, 1))

    assert of_entries(ended, now_us=1_700_000_000_000_000).domain("example.com") is None


def test_a_file_is_read_as_people_write_it(tmp_path: Path) -> None:
    """Comments, blank lines, case, end dots, IDN, byte order mark and CRLF are understood."""
    allowed = of_lines(
        tmp_path,
        "\ufeff# ours\r\n\r\n Example.COM.   # the shop \r\nmünchen.example\n"
        "192.0.2.0/24\n2001:DB8::1 # six\n[2001:db8::2]\n_dmarc.example.net",
    )

    shop = allowed.domain("www.example.com")
    assert shop is not None
    assert (shop.reason, shop.origin) == ("the shop", f"{tmp_path / 'own.txt'}:3")
    assert allowed.domain("xn--mnchen-3ya.example") is not None
    assert allowed.address("192.0.2.77") is not None
    assert text_of(allowed.address("2001:db8::1")) == "2001:db8::1"
    assert allowed.address("2001:db8::2") is not None
    assert allowed.domain("_dmarc.example.net") is not None


def test_a_folder_stands_for_its_text_files(tmp_path: Path) -> None:
    """Only `*.txt` files of the folder are read."""
    (tmp_path / "a.txt").write_text("a.example\n")
    (tmp_path / "b.txt").write_text("b.example\n")
    (tmp_path / "b.txt.old").write_text("this is no list\n")

    allowed = AllowList.load(config.AllowList(builtin=False, files=(str(tmp_path),)), 0)

    assert [entry.text for entry in allowed] == ["a.example", "b.example"]


def test_only_the_default_path_may_be_missing(tmp_path: Path) -> None:
    """A fresh host has no own allow-list; a named one that is missing is a mistake."""
    named = str(tmp_path / "gone.txt")

    AllowList.load(config.AllowList(), 0)
    with pytest.raises(ConfigError, match=r"gone\.txt: cannot be read: No such file"):
        AllowList.load(config.AllowList(files=(named,)), 0)


@pytest.mark.parametrize(
    "line",
    [
        "bad name",
        "http://example.com/x",
        "*.example.com",
        ".example.com",
        "10.0.0.1/8",
        "1.2.3",
        "10.0.0.0/33",
        "a..b",
        "-x.example",
        "2001:db8::/200",
        "x" * 64,
        "a." * 130 + "b",
        "é" * 80,
    ],
)
def test_a_bad_line_is_one_error_with_its_place(tmp_path: Path, line: str) -> None:
    """The message names file and line, the text, and what was expected; it is one line."""
    with pytest.raises(ConfigError) as caught:
        of_lines(tmp_path, f"good.example\n{line}\n")

    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'own.txt'}:2: ")
    assert "expected a domain, an address or a network" in message
    assert "\n" not in message


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 name the file and the place."""
    path = tmp_path / "own.txt"
    path.write_bytes(b"ok.example\n\xff\xfe\n")

    with pytest.raises(ConfigError, match=r"own\.txt: is not UTF-8 text \(byte 11\)"):
        AllowList.load(config.AllowList(files=(str(path),)), 0)


def test_a_bad_entry_names_its_key() -> None:
    """The message points into the configuration."""
    with pytest.raises(ConfigError, match=r"allow_list\.entries\[1\]: 'no name'"):
        of_entries(Allowed(domain="ok.example"), Allowed(domain="no name"))


def test_own_rows_count_before_files_and_built_in(tmp_path: Path) -> None:
    """Of rows that say the same, the one nearest to the site's hand is counted."""
    path = tmp_path / "own.txt"
    path.write_text("google.com\ngithub.com\n")
    settings = config.AllowList(files=(str(path),), entries=(Allowed(domain="google.com"),))
    allowed = AllowList.load(settings, 0)

    kinds = [
        entry.kind
        for name in ("google.com", "github.com", "debian.org")
        if (entry := allowed.allows_name(name, name)) is not None
    ]

    assert kinds == ["entry", "file", "builtin"]
    assert allowed.counts() == {"builtin": 1, "file": 1, "entry": 1}


@settings(deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_no_text_from_the_wire_breaks_a_look_up(name: str, key: str) -> None:
    """Names and addresses from packets are hostile: they find nothing, and raise nothing."""
    BUILT_IN.allows_name(name, key)
    BUILT_IN.allows_address(name)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_a_spelling_is_stable(text: str) -> None:
    """What was once spelled as the wire does is spelled so again; anything else is refused."""
    try:
        name = checked_name(text)
    except ValueError:
        return

    assert name.isascii()
    assert name == checked_name(name)


# --- entries with more keys -------------------------------------------------------------------

EVIL = {"evil.org": "evil (malware)", SERVER: "known attacker", "203.0.113.9": "tor exit"}


def quiet(scope: str, *frames: bytes) -> bool:
    """Tell whether one entry of the configuration keeps all that these frames lead to quiet."""
    text = f"allow_list: {{builtin: false, files: [], entries: [{{{scope}, reason: x}}]}}"
    wired = Wired(EVIL)
    wired.matcher.allow = AllowList.load(config.parse(text, "test").allow_list, 0)
    hits = wired.hits(*frames)
    counted = sum(wired.matcher.allow.suppressed().values())
    assert (not hits) == (counted > 0), "what is kept quiet is counted, what is told is not"
    return not hits


QUERY = packets.udp_frame(CLIENT, 40000, "192.0.2.53", 53, packets.dns_query("www.evil.org"))
ANSWER = packets.udp_frame(
    "192.0.2.53",
    53,
    CLIENT,
    40000,
    packets.dns_response("www.evil.org", [(packets.A, "198.51.100.1")]),
)
OUT = packets.syn_frame(CLIENT, 50000, SERVER, 443)
BACK = packets.tcp_frame(SERVER, 443, CLIENT, 50000, b"", flags=0x12)


@pytest.mark.parametrize(
    ("scope", "frame", "expected"),
    [
        ("trail: evil.org", QUERY, True),
        ("trail: EVIL.*", QUERY, True),
        ("trail: www.evil.org", QUERY, False),  # the key, not the value
        ("info: malware", QUERY, True),
        ("info: '^known'", QUERY, False),
        ("list: test", QUERY, True),
        ("list: other", QUERY, False),
        ("reference: '(te*'", QUERY, True),
        ("reference: test", QUERY, False),
        ("class: trail-domain", QUERY, True),
        ("class: trail-ip*", QUERY, False),
        ("class: trail-ip*", OUT, True),
        (f"source: {CLIENT}", QUERY, True),
        ("source: 192.168.0.0/16", ANSWER, True),  # the answer belongs to who asked
        ("source: 192.0.2.53", ANSWER, False),
        ("destination: 192.0.2.53", ANSWER, True),
        (f"destination: {SERVER}", OUT, True),
        (f"source: {SERVER}", OUT, False),
        ("port: 53", ANSWER, True),
        ("port: 443", OUT, True),
        ("port: 50000", OUT, False),  # the service's, not the client's
        ("port: 443, direction: outbound", OUT, True),
        ("port: 443, direction: inbound", OUT, False),
        (f"network: {SERVER}, port: 443", OUT, True),
        (f"network: {SERVER}, port: 80", OUT, False),
        ("network: 203.0.113.0/24, source: 10.0.0.0/8", OUT, False),
        ("domain: evil.org, source: 192.168.1.0/24", QUERY, True),
        ("domain: org, source: 192.168.1.0/24", QUERY, False),  # the trail is more exact
        ("domain: evil.org, source: 10.0.0.0/8", QUERY, False),
        ("domain: vil.org, port: 53", QUERY, False),
        ("trail: evil.org, source: '2001:db8::/32'", QUERY, False),
    ],
)
def test_every_key_of_an_entry_must_hold(scope: str, frame: bytes, expected: bool) -> None:
    """Of what was found and of the conversation, whichever side sent the packet."""
    assert quiet(scope, frame) is expected


def test_a_list_is_allowed_only_where_it_stands_alone() -> None:
    """Another list that names the trail too is no party to the exception."""
    builder = Builder(0)
    for name in ("noisy", "good"):
        trail = Trail(key="evil.org", info="x", reference="y", source=Source(name))
        assert builder.add(trail) is None
    own = TrailSet(Builder(0).to_bytes(), "none")
    found = Trails(own, TrailSet(builder.to_bytes(), "test"))
    wired = Wired({"evil.org": "x"})
    wired.matcher.trails = found
    wired.matcher.allow = of_entries(Allowed(list_name="noisy"))

    assert len(wired.hits(QUERY)) == 1


def test_an_answer_to_an_attempt_is_of_the_same_conversation() -> None:
    """The attempt is kept quiet, and so is what came of it."""
    assert quiet(f"source: {CLIENT}, port: 443", OUT, BACK)


def test_a_behaviour_is_allowed_by_its_class_and_source() -> None:
    """An own scanner is known, others are not."""
    allow = of_entries(Allowed(class_id="behaviour-port_scan", source=Network("10.0.0.9/32")))
    hit = msgspec.structs.replace(
        Wired(EVIL).hits(QUERY)[0], class_id="behaviour-port_scan", indicator="10.0.0.9"
    )

    scanner, other = Endpoint("10.0.0.9", None), Endpoint("10.0.0.8", None)

    assert allow.allows_hit(Judged(hit, scanner, other), scanner.address) is not None
    assert allow.allows_hit(Judged(hit, other, scanner), other.address) is None


def test_no_entry_hides_the_canary() -> None:
    """Nobody would know any more whether anything is detected."""
    wired = Wired({CANARY: "canary"})
    wired.matcher.allow = of_entries(Allowed(class_id="trail-*"), Allowed(info="."))

    frame = packets.udp_frame(CLIENT, 40000, "192.0.2.53", 53, packets.dns_query(CANARY))

    assert len(wired.hits(frame)) == 1


def test_an_entry_with_more_keys_ends_too() -> None:
    """Its last day is its last."""
    allowed = of_entries(Allowed(trail="evil.org", until=date(1970, 1, 1)))
    wired = Wired(EVIL)
    wired.matcher.allow = allowed

    before = wired.hits(QUERY)
    allowed.expire(DAY_US)

    assert (before, len(wired.hits(QUERY)), len(allowed.active())) == ([], 1, 0)


def test_an_address_is_not_remembered_beyond_its_entry() -> None:
    """What was found of an address is forgotten when an entry ends."""
    entry = Allowed(network=Network("198.51.100.0/24"), until=date(1970, 1, 1))
    allowed = of_entries(entry)

    before = allowed.allows("198.51.100.7", "198.51.100.7", 3)
    allowed.expire(DAY_US)

    assert before is not None
    assert before.hits == 3
    assert allowed.allows("198.51.100.7", "198.51.100.7") is None
    assert allowed.address("198.51.100.7") is None


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{reason: x}", "expected at least one of domain, network, trail, info, reference, list"),
        ("{direction: inbound}", "expected at least one of domain"),
        ("{direction: up}", "allow_list.entries[0].direction: "),
        ("{port: 70000}", "port: expected 0 to 65535, found 70000"),
        ("{info: '('}", "info: is not a regular expression"),
        ("{trail: ' '}", "trail: expected some text"),
        ("{list: ''}", "list: expected some text"),
        ("{source: everywhere}", "allow_list.entries[0].source: "),
        ("{sauce: 10.0.0.1}", "did you mean 'source'?"),
    ],
)
def test_an_entry_that_cannot_be_meant_is_refused(entry: str, expected: str) -> None:
    """With its place and what was expected."""
    with pytest.raises(ConfigError) as caught:
        config.parse(f"allow_list: {{entries: [{entry}]}}", "config.yaml")

    assert expected in str(caught.value).replace("[...]", "[0]")


def test_an_unknown_class_is_refused() -> None:
    """It would never allow anything."""
    with pytest.raises(ConfigError, match=r"entries\[0\]\.class: 'trail-dns' matches no class"):
        of_entries(Allowed(class_id="trail-dns"))


def test_what_is_suppressed_is_a_metric_for_each_of_some_entries() -> None:
    """Files may have thousands of rows; a metric has not."""
    names = [f"n{number}.example" for number in range(MAX_COUNTED + 3)]
    allowed = of_entries(*(Allowed(domain=name) for name in names))
    for name in names:
        allowed.allows_name(name, name)

    counted = allowed.suppressed()

    assert (len(counted), counted[OTHERS], counted["n0.example"]) == (MAX_COUNTED + 1, 3, 1)
