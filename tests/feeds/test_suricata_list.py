"""Rules: those that only name an indicator become trails, the others are passed over."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.model import Source
from feeds import Origin
from feeds._rule import read
from tests.feeds.parsing import keys, parse, skipped

SHA1 = "0123456789abcdef0123456789abcdef01234567"
COLONS = ":".join(SHA1[at : at + 2] for at in range(0, 40, 2))
HOME = "$HOME_NET any -> $EXTERNAL_NET any"

PAGE = f"""\
# Rules
alert dns $HOME_NET any -> any any (msg:"CnC Domain in DNS Query"; dns.query; dotprefix; \\
    content:".evil.example.org"; endswith; nocase; classtype:trojan-activity; sid:1; rev:2;)
alert tcp $HOME_NET any -> [198.51.100.7,198.51.100.8] any (msg:"Known CnC"; flags:S; \
threshold: type limit, track by_src, seconds 60, count 1; flowbits:set,ET.Evil; \
reference:url,x.example; sid:2; rev:1;)
alert tls $EXTERNAL_NET any -> $HOME_NET any (msg:"Certificate"; tls.fingerprint:"{COLONS}"; sid:3;)
#alert dns $HOME_NET any -> any any (msg:"Off"; dns.query; content:"off.example.org"; bsize:15;)
""".encode()


def rule(options: str, header: str = f"alert http {HOME}") -> bytes:
    """Return a rule as a page."""
    return f'{header} (msg:"A rule"; {options} classtype:trojan-activity; sid:1; rev:1;)\n'.encode()


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ('dns.query; content:"evil.example.org"; nocase; bsize:16;', "evil.example.org"),
        (
            'dns_query; content:"evil|2e|example|2E|org"; depth:16; isdataat:!1,relative; nocase;',
            "evil.example.org",
        ),
        ('dns.query; dotprefix; content:".evil.example.org"; endswith;', "evil.example.org"),
        ('dns.query; content:".evil.example.org"; endswith;', ".evil.example.org"),
        ('tls.sni; content:"evil.example.org"; startswith; endswith;', "evil.example.org"),
        ('http.host; content:"evil.example.org"; bsize:16; fast_pattern;', "evil.example.org"),
        ('http.host; content:"198.51.100.7"; bsize:12;', "198.51.100.7/"),
        (
            (
                'flow:established,from_client; http.method; content:"GET"; http.uri; '
                'content:"/mozi.m"; depth:7; endswith; nocase; http.host; content:"198.51.100.7"; '
                "depth:12; isdataat:!1,relative;"
            ),
            "198.51.100.7/mozi.m",
        ),
        (
            (
                'content:"GET"; http_method; content:"/bin.sh"; http_uri; depth:7; '
                'isdataat:!1,relative; nocase; content:"evil.example.org"; http_host; depth:16; '
                "isdataat:!1,relative;"
            ),
            "evil.example.org/bin.sh",
        ),
        ('http.user_agent; content:"Evil|3b| Bot"; bsize:9;', "Evil; Bot"),
        ('http.user_agent; bsize:9; content:"Evil|3b| Bot";', "Evil; Bot"),
        ('flowbits:set,ET.x; dns.query; bsize:16; content:"evil.example.org";', "evil.example.org"),
        ('ja3.hash; content:"e7d705a3286e19ea42f587b344ee6865";', None),
        ('ja3_hash; content:"E7D705A3286E19EA42F587B344EE6865";', None),
        (f'tls.cert_fingerprint; content:"{COLONS}";', SHA1),
        (f'tls.fingerprint:"{COLONS}";', SHA1),
    ],
)
def test_rule_that_only_names_an_indicator_becomes_its_key(options: str, key: str | None) -> None:
    """Buffers before their contents or modifiers behind them, hexadecimal or not."""
    assert keys("suricata", rule(options)) == [key or "e7d705a3286e19ea42f587b344ee6865"]


@pytest.mark.parametrize(
    "options",
    [
        'dns.query; content:"evil.example.org"; nocase;',
        'dns.query; content:"evil"; endswith;',
        'dns_query; content:".to"; isdataat:!1,relative;',
        'dns.query; content:!"good.example.org"; content:"evil.example.org"; bsize:16;',
        'dns.query; content:"evil.example.org"; bsize:16; pcre:"/x/";',
        'dns.query; content:"evil.example.org"; bsize:16; http.uri; content:"/x"; bsize:2;',
        'dns.query; content:"evil.example.org"; bsize:20;',
        'dns.query; content:"evil."; content:"example.org"; endswith;',
        'http.uri; content:"/gate.php"; bsize:9;',
        'dns.query; bsize:20; content:"evil.example.org"; endswith;',
        'dns.query; content:"evil.example.org"; endswith; http.user_agent; bsize:16;',
        'http.user_agent; bsize:16; dns.query; content:"evil.example.org"; endswith;',
        'http.method; content:"GET"; dns.query; endswith; content:"evil.example.org";',
        f'ja3.hash; content:"{"a" * 32}"; tls.sni; content:"cdn.org"; endswith;',
        'http.host; content:"evil.example.org"; bsize:16; http.uri; content:"/x"; startswith;',
        'http.host; content:"00.7"; endswith;',
        'http.user_agent; content:"Evil"; startswith;',
        'content:"evil.example.org"; isdataat:!1,relative;',
        'flowbits:isset,x; dns.query; content:"evil.example.org"; bsize:16;',
        'detection_filter:track by_src, count 30, seconds 60; tls.fingerprint:"x";',
        f'tls.fingerprint:"{COLONS}"; content:"x";',
        "",
    ],
)
def test_rule_that_asks_for_more_is_passed_over(options: str) -> None:
    """What a key would widen is no trail and no reject."""
    assert parse("suricata", rule(options)) == ([], {})
    assert skipped("suricata", rule(options)).total() == 1


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("alert tcp $HOME_NET any -> [198.51.100.7,198.51.100.0/24] any", 2),
        ("alert ip [198.51.100.7] any -> $HOME_NET any", 1),
        ("drop tcp $HOME_NET any <> 2001:db8::1 any", 1),
        ("alert tcp $HOME_NET any -> 198.51.100.7 443", 1),
        ("alert tcp $HOME_NET any -> [198.51.100.7,198.51.100.8] [80,443]", 4),
        ("alert tcp $HOME_NET any -> [198.51.100.7, 198.51.100.8] any", 2),
        ("alert tcp $HOME_NET any -> [198.51.100.7,!198.51.100.8] any", 0),
        ("alert tcp $HOME_NET any -> [198.51.100.7,[198.51.100.8]] any", 0),
        ("alert tcp $HOME_NET any -> !198.51.100.7 any", 0),
        ("alert tcp $HOME_NET any -> 198.51.100.7 1024:", 0),
        ("alert tcp $HOME_NET any -> 198.51.100.7 $HTTP_PORTS", 0),
        ("alert tcp $HOME_NET any -> 198.51.100.0/24 443", 0),
        ("alert tcp 198.51.100.7 any -> 198.51.100.8 any", 0),
        ("alert tcp any any -> any any", 0),
        ("pass tcp $HOME_NET any -> 198.51.100.7 any", 0),
    ],
)
def test_addresses_in_a_header_become_keys(header: str, expected: int) -> None:
    """Plain lists on one side, with any port or with numbers."""
    page = rule("flow:to_server;", header)

    assert len(keys("suricata", page)) == expected
    assert skipped("suricata", page).total() == (expected == 0)


def test_port_in_a_header_stays_with_the_address() -> None:
    """An address and a port are less than an address."""
    page = rule("flow:to_server;", "alert tcp $HOME_NET any -> 198.51.100.7 443")

    assert keys("suricata", page) == ["198.51.100.7:443"]


def test_disabled_rules_are_counted_and_comments_are_not() -> None:
    """A rule behind `#` is off; prose is no rule."""
    page = b"# Rules of the house\n" + b"#" + rule('dns.query; content:"a.example.org"; bsize:13;')

    assert parse("suricata", page) == ([], {})
    assert skipped("suricata", page) == {"disabled": 1}


def test_rules_of_an_archive_are_read() -> None:
    """As the publisher packs them; other files in it are not rules."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, body in {
            "rules/b.rules": rule('dns.query; content:"b.example.org"; bsize:13;'),
            "rules/a.rules": rule('dns.query; content:"a.example.org"; bsize:13;'),
            "rules/LICENSE": b"Some terms\n",
        }.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))

    assert keys("suricata", out.getvalue()) == ["a.example.org", "b.example.org"]


def test_label_comes_from_the_rule() -> None:
    """Its message or class, without words that say nothing; classes can be left out."""
    origin = Origin(source=Source("et"), info="{msg} (malware)")
    page = rule('dns.query; content:"evil.example.org"; bsize:16;')

    (trail,), _ = parse("suricata", page, origin, drop_words=("a ",))

    assert trail.info == "rule (malware)"
    assert skipped("suricata", page, without=("trojan-activity",)).total() == 1


@pytest.mark.parametrize(
    "page",
    [
        b"evil.example.org\n",
        b"alert tcp any any -> any\n",
        rule('dns.query; content:"two words.example"; endswith;'),
        rule('dns.query; content:"x|2|.example.org"; endswith;'),
        rule('ja3.hash; content:"abc";'),
        rule("flow:to_server;", "alert tcp $HOME_NET any -> 300.1.2.3 any"),
    ],
)
def test_what_is_no_rule_or_no_indicator_is_rejected(page: bytes) -> None:
    """Each is a fault of the list."""
    trails, rejected = parse("suricata", page)

    assert not trails
    assert rejected.total() == 1


@given(
    st.lists(
        st.sampled_from(
            [
                *("alert", " tcp ", " any", " -> ", "(", ")", ";", ":", '"', "\\", "|", "content"),
                *("dns.query", "bsize", "2e", "[1.2.3.4]", "$X", "!", " ", "é", "endswith"),
            ]
        ),
        max_size=60,
    )
)
def test_any_text_is_a_rule_or_refused(parts: list[str]) -> None:
    """Nothing else comes of it."""
    try:
        found = read("".join(parts))
    except ValueError:
        return
    assert found.action
