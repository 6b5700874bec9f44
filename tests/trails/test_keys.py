"""Keys: every spelling of CONTRACT section 6 in both dialects, what is inert, and spelling back."""

import ipaddress

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from agent.scan import layout
from agent.trails.keys import Dialect, Inert, Key, parse, spell

DIALECTS: tuple[Dialect, ...] = ("own", "maltrail")

FOUR = ipaddress.IPv4Address("198.51.100.7").packed
SIX = ipaddress.IPv6Address("2001:db8::7").packed
SHA1, SHA256, MD5 = "ab" * 20, "CD" * 32, "0123456789abcdef" * 2
JA4 = "t13d1516h2_8daaf6152771_e5627efa2ab1"


def domain(name: str, flags: int = 0) -> Key:
    """Return the key of a name."""
    return Key(layout.DOMAIN, name.encode(), flags)


def url(text: str) -> Key:
    """Return the key of a URL."""
    return Key(layout.URL, text.encode())


def path(text: str) -> Key:
    """Return the key of a path."""
    return Key(layout.PATH, text.encode())


BOTH = {
    # networks
    "198.51.100.0/24": Key(layout.NET4, bytes([198, 51, 100, 0, 24])),
    "198.51.100.77/24": Key(layout.NET4, bytes([198, 51, 100, 0, 24])),
    "128.0.0.0/1": Key(layout.NET4, bytes([128, 0, 0, 0, 1])),
    "198.51.100.7/32": Key(layout.IP4, FOUR),
    "2001:db8::/32": Key(layout.NET6, bytes.fromhex("20010db8") + bytes(12) + b"\x20"),
    "2001:DB8:0::1/32": Key(layout.NET6, bytes.fromhex("20010db8") + bytes(12) + b"\x20"),
    "2001:db8::7/128": Key(layout.IP6, SIX),
    # addresses
    "198.51.100.7": Key(layout.IP4, FOUR),
    "  198.51.100.7\t": Key(layout.IP4, FOUR),
    "2001:db8::7": Key(layout.IP6, SIX),
    "2001:0DB8:0000:0000:0000:0000:0000:0007": Key(layout.IP6, SIX),
    "[2001:db8::7]": Key(layout.IP6, SIX),
    "::ffff:198.51.100.7": Key(layout.IP6, bytes(10) + b"\xff\xff" + FOUR),
    "::": Key(layout.IP6, bytes(16)),
    # addresses with ports
    "198.51.100.7:443": Key(layout.IP4_PORT, FOUR + b"\x01\xbb"),
    "198.51.100.7:0": Key(layout.IP4_PORT, FOUR + b"\0\0"),
    "198.51.100.7:65535": Key(layout.IP4_PORT, FOUR + b"\xff\xff"),
    "[2001:db8::7]:443": Key(layout.IP6_PORT, SIX + b"\x01\xbb"),
    "[2001:DB8:0:0::7]:443": Key(layout.IP6_PORT, SIX + b"\x01\xbb"),
    # URLs
    "evil.example.org/": url("evil.example.org/"),
    "evil.example.org/a/b.php?c=d": url("evil.example.org/a/b.php?c=d"),
    "Evil.Example.ORG/A": url("evil.example.org/a"),
    "evil.example.org/a/": url("evil.example.org/a"),
    "evil.example.org//a///b": url("evil.example.org/a/b"),
    "evil.example.org.:80/a": url("evil.example.org/a"),
    "evil.example.org:8080/a": url("evil.example.org:8080/a"),
    "http://evil.example.org": url("evil.example.org/"),
    "https://user:secret@evil.example.org/a": url("evil.example.org/a"),
    "hxxp://evil.example.org/a": url("evil.example.org/a"),
    "198.51.100.7/a": url("198.51.100.7/a"),
    "198.51.100.7:8080/": url("198.51.100.7:8080/"),
    "[2001:db8::7]:8080/a": url("[2001:db8::7]:8080/a"),
    "http://198.51.100.7/24": url("198.51.100.7/24"),
    "bücher.example/a": url("xn--bcher-kva.example/a"),
    # paths
    "/gate.php": path("/gate.php"),
    "/GATE.php?ID=": path("/gate.php?id="),
    "/a/b/": path("/a/b"),
    "//a////b": path("/a/b"),
    # hashes and fingerprints
    SHA1: Key(layout.CERTIFICATE, SHA1.encode()),
    SHA256: Key(layout.CERTIFICATE, SHA256.lower().encode()),
    MD5: Key(layout.JA3, MD5.encode()),
    JA4: Key(layout.JA4, JA4.encode()),
    JA4.upper(): Key(layout.JA4, JA4.encode()),
    "q13i0310h3_55b375c5d22e_cd85d2d88918": Key(
        layout.JA4, b"q13i0310h3_55b375c5d22e_cd85d2d88918"
    ),
    # names
    "evil.example.org": domain("evil.example.org"),
    "EVIL.Example.org.": domain("evil.example.org"),
    "_dmarc.evil-host.org": domain("_dmarc.evil-host.org"),
    "xyz": domain("xyz"),
    "xyz.": domain("xyz"),
    "bücher.example": domain("xn--bcher-kva.example"),
    "xn--bcher-kva.example": domain("xn--bcher-kva.example"),
    "1and1.evil.org": domain("1and1.evil.org"),
    "evil.123": domain("evil.123"),
    "a" * 63 + ".org": domain("a" * 63 + ".org"),
    "*.evil.example.org": domain("evil.example.org", layout.BELOW_ONLY),
    # what looks like something else
    "abcdef": domain("abcdef"),
    "ab" * 15: domain("ab" * 15),
    "evil.local": domain("evil.local"),
}

OWN = {
    ".evil.example.org": domain("evil.example.org", layout.BELOW_ONLY),
    ".xyz": domain("xyz", layout.BELOW_ONLY),
    "www.evil.example.org": domain("www.evil.example.org"),
    "re:dga[0-9]+\\.Com": Key(layout.PATTERN, b"dga[0-9]+\\.Com", layout.ANCHORED),
    "re:evil": Key(layout.PATTERN, b"evil", layout.ANCHORED),
    "ua:Evil/1.0 (x)": Key(layout.USER_AGENT, b"Evil/1.0 (x)"),
    "ua: Evil ": Key(layout.USER_AGENT, b"Evil"),
    "ua:/path": Key(layout.USER_AGENT, b"/path"),
}

MALTRAIL = {
    ".evil.example.org": domain("evil.example.org"),
    ".xyz": domain("xyz"),
    "www.evil.example.org": domain("evil.example.org"),
    "WWW.evil.example.org.": domain("evil.example.org"),
    "www.com": domain("www.com"),
    "www.xyz.": domain("www.xyz"),
    "www.evil.example.org/a": url("www.evil.example.org/a"),
    r"dga[0-9]+\.example\.com": Key(layout.PATTERN, rb"dga[0-9]+\.example\.com"),
    r"evil\..*\.com": Key(layout.PATTERN, rb"evil\..*\.com"),
    r"[a-z]evil.com": Key(layout.PATTERN, rb"[a-z]evil.com"),
    "[2001:db8::7]:53": Key(layout.IP6_PORT, SIX + b"\0\x35"),
}

INERT = {
    "": "empty",
    "   ": "empty",
    "/": "matches every request",
    "//": "matches every request",
    "0.0.0.0/0": "covers every address",
    "::/0": "covers every address",
    "198.51.100.0/33": "is no network",
    "2001:db8::/129": "is no network",
    "198.51.100.300/24": "is no network",
    "198.51.100.300": "is no IPv4 address",
    "01.2.3.4": "is no IPv4 address",
    "198.51.100.7:65536": "has a port above 65535",
    "198.51.100.300:80": "is no IPv4 address",
    "2001:db8::7::8": "is no IPv6 address",
    "[2001:db8:::7]:80": "is no IPv6 address",
    "1.2.3": "is neither a name nor an address",
    "1.2.3.4.5": "is neither a name nor an address",
    "12345": "is neither a name nor an address",
    "evil example.org": "is no domain name, address, URL, path, hash or pattern",
    "evil.exam_ple": "is no domain name, address, URL, path, hash or pattern",
    "a..b": "is no domain name, address, URL, path, hash or pattern",
    "evil.org:443": "is no domain name, address, URL, path, hash or pattern",
    "a" * 64 + ".org": "is no domain name, address, URL, path, hash or pattern",
    ".": "is no domain name, address, URL, path, hash or pattern",
    "user@evil.org": "is no domain name, address, URL, path, hash or pattern",
    "é" * 64 + ".org": "is no name that IDNA can encode",
    "http:///a": "has no host",
    ".:80/a": "has no host",
    "evil.org:80./a": "has no host",
    "evil.org:80:80/a": "has no host",
    "/" + "a" * 3000: "longer than a captured packet",
    "/\ud800": "is no text",
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("text", BOTH)
def test_spelling_that_both_dialects_share(text: str, dialect: Dialect) -> None:
    """Networks, addresses, URLs, paths, hashes, fingerprints and names."""
    assert parse(text, dialect) == BOTH[text]


@pytest.mark.parametrize("text", OWN)
def test_spelling_of_our_own_dialect(text: str) -> None:
    """Prefix forms, anchored patterns, a leading dot for below only."""
    assert parse(text, "own") == OWN[text]


@pytest.mark.parametrize("text", MALTRAIL)
def test_spelling_of_maltrails_dialect(text: str) -> None:
    """Patterns by shape and unanchored (rule T-7), `www.` taken off (rule T-2)."""
    assert parse(text, "maltrail") == MALTRAIL[text]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("text", INERT)
def test_row_that_can_never_match_is_inert_with_its_reason(text: str, dialect: Dialect) -> None:
    """Nothing is lost silently."""
    with pytest.raises(Inert) as caught:
        parse(text, dialect)

    assert str(caught.value) == INERT[text]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ua:", "empty"),
        ("ua:  ", "empty"),
        ("re:", "empty"),
        ("re:(", "pattern that RE2 refuses"),
        ("re:a(?=b)", "pattern that RE2 refuses"),
        ("re:" + "a" * 9000, "pattern is too long"),
        ("ua:re:", "empty"),
        ("ua:re:a(?=b)", "pattern that RE2 refuses"),
    ],
)
def test_prefix_form_without_use_is_inert(text: str, reason: str) -> None:
    """Our own dialect tells what is wrong behind the prefix."""
    with pytest.raises(Inert) as caught:
        parse(text)

    assert str(caught.value) == reason


@pytest.mark.parametrize("text", ["ua:Evil", "re:evil"])
def test_maltrails_dialect_has_no_prefix_forms(text: str) -> None:
    """There a colon is only that of a port."""
    with pytest.raises(Inert):
        parse(text, "maltrail")


@pytest.mark.parametrize("text", ["a[0-9](", "(?=a)[0-9]", "[a-z]++"])
def test_maltrail_pattern_that_cannot_run_is_inert(text: str) -> None:
    """RE2 decides."""
    with pytest.raises(Inert, match="RE2 refuses"):
        parse(text, "maltrail")


@pytest.mark.parametrize(
    ("text", "kind", "key"),
    [
        ("Evil/1.0", "user-agent", Key(layout.USER_AGENT, b"Evil/1.0")),
        ("ua:x", "user-agent", Key(layout.USER_AGENT, b"ua:x")),
        ("dga[0-9]", "pattern", Key(layout.PATTERN, b"dga[0-9]", layout.ANCHORED)),
        ("evil.org", "url", url("evil.org/")),
        ("http://evil.org/A", "url", url("evil.org/a")),
        ("198.51.100.7", "url", url("198.51.100.7/")),
        ("198.51.100.7/24", "url", url("198.51.100.7/24")),
        ("evil.org", "domain", domain("evil.org")),
        ("198.51.100.7", "ip", Key(layout.IP4, FOUR)),
        ("[2001:db8::7]:1", "ip-port", Key(layout.IP6_PORT, SIX + b"\0\1")),
        ("198.51.100.0/24", "network", Key(layout.NET4, bytes([198, 51, 100, 0, 24]))),
        (SHA1, "certificate", Key(layout.CERTIFICATE, SHA1.encode())),
        (MD5, "ja3", Key(layout.JA3, MD5.encode())),
        (JA4, "ja4", Key(layout.JA4, JA4.encode())),
        ("/A", "path", path("/a")),
    ],
)
def test_list_that_knows_the_kind_decides(text: str, kind: str, key: Key) -> None:
    """Shapes are for lists that do not say."""
    assert parse(text, "own", kind) == key


def test_forced_pattern_of_maltrails_dialect_is_unanchored() -> None:
    """The dialect decides where a pattern may match."""
    assert parse("evil", "maltrail", "pattern") == Key(layout.PATTERN, b"evil")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("evil.org", "ip"),
        ("198.51.100.7", "domain"),
        (MD5, "certificate"),
        ("198.51.100.7", "ip-port"),
        ("evil.org", "network"),
        ("Evil(", "user-agent-pattern"),
        ("", "domain"),
        ("", "user-agent"),
    ],
)
def test_key_that_is_not_of_the_lists_kind_is_inert(text: str, kind: str) -> None:
    """A list of addresses with a name in it has a fault there."""
    with pytest.raises(Inert):
        parse(text, "own", kind)


@pytest.mark.parametrize(
    ("key", "spelled"),
    [
        (Key(layout.IP6, bytes.fromhex("20010db8000000000000000000010000")), "2001:db8::1:0"),
        (Key(layout.IP6_PORT, SIX + b"\x01\xbb"), "[2001:db8::7]:443"),
        (Key(layout.NET6, bytes.fromhex("20010db8") + bytes(12) + b"\x20"), "2001:db8::/32"),
        (Key(layout.NET4, bytes([10, 0, 0, 0, 8])), "10.0.0.0/8"),
        (Key(layout.IP4_PORT, FOUR + b"\0\x50"), "198.51.100.7:80"),
        (domain("evil.org", layout.BELOW_ONLY), ".evil.org"),
        (Key(layout.PATTERN, b"evil[0-9]", layout.ANCHORED), "evil[0-9]"),
        (Key(layout.USER_AGENT, b"\xff!"), "\\xff!"),
    ],
)
def test_key_is_spelled_as_users_write_it(key: Key, spelled: str) -> None:
    """RFC 5952 for IPv6, bytes that are no text escaped."""
    assert spell(*key) == spelled


TEXTS = st.one_of(
    st.text(max_size=40),
    st.text("ab.:/[]-_*%@?0123456789w&= é", max_size=40),
    st.characters(categories=["Cs"]).map(lambda surrogate: f"/{surrogate}"),
    st.from_regex(r"\A(https?://)?[a-c.]{1,9}(:[0-9]{1,6})?/[a-c/?=]{0,9}\Z"),
    st.ip_addresses().map(str),
    st.ip_addresses().flatmap(lambda ip: st.integers(0, 130).map(lambda n: f"{ip}/{n}")),
    st.ip_addresses(v=4).flatmap(lambda ip: st.integers(0, 70000).map(lambda n: f"{ip}:{n}")),
    st.ip_addresses(v=6).flatmap(lambda ip: st.integers(0, 70000).map(lambda n: f"[{ip}]:{n}")),
    st.text("re:ua[]()*+?.\\ab", max_size=20),
)


@settings(deadline=None)
@given(TEXTS, st.sampled_from(DIALECTS), st.sampled_from(["", *layout.KIND_NAMES]))
def test_any_text_is_a_key_or_inert(text: str, dialect: Dialect, kind: str) -> None:
    """Lists hold anything; one row never ends an update."""
    try:
        key = parse(text, dialect, kind)
    except Inert:
        return

    assert 0 < len(key.key) <= layout.MAX_KEY_BYTES
    assert 0 <= key.kind < layout.KINDS
    assert not kind or layout.KIND_NAMES[key.kind] == kind or kind in ("ip", "network")


@settings(deadline=None)
@given(TEXTS, st.sampled_from(DIALECTS))
@example("host:80:80/", "own")
@example("host:80./a", "own")
@example("a@b@c/", "own")
def test_spelled_key_is_the_key_again(text: str, dialect: Dialect) -> None:
    """What `explain`, diffs and events show can be looked up."""
    try:
        key = parse(text, dialect)
    except Inert:
        assume(False)
        return
    kind = layout.KIND_NAMES[key.kind]
    shown = spell(*key)
    again: Dialect = "own"
    if key.kind == layout.PATTERN and not key.flags:
        again = "maltrail"

    forced = kind if kind in ("pattern", "user-agent", "url") else ""

    assert parse(shown, again, forced) == key
