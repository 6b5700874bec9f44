"""Which trail explains a value: names, addresses, requests; own trails before published ones."""

import pytest

from agent.trails import find
from agent.trails.find import Trails, bracket
from tests.wired import trails


def told(asked: Trails, name: str) -> str | None:
    """Return the trail, with its brackets, that explains a name."""
    found = asked.name(name)
    return found.trail if found else None


@pytest.mark.parametrize(
    ("name", "trail"),
    [
        ("evil.example.org", "evil.example.org"),
        ("www.evil.example.org", "(www).evil.example.org"),
        ("a.b.evil.example.org", "(a.b).evil.example.org"),
        ("evil.example.org.test", None),
        ("notevil.example.org", None),
        ("example.org", None),
        ("", None),
    ],
)
def test_a_name_matches_itself_and_everything_below(name: str, trail: str | None) -> None:
    """Whole labels only; what is not the indicator stands in brackets (E-4, T-5.6)."""
    assert told(trails({"evil.example.org": "malware"}), name) == trail


def test_the_most_specific_name_wins() -> None:
    """Of a name and its parents the longest that is listed explains it."""
    asked = trails({"example.org": "parent", "bad.example.org": "child", "org": "label"})

    found = [asked.name(name) for name in ("x.bad.example.org", "x.example.org", "x.y.org")]

    assert [f and f.row.info for f in found] == ["child", "parent", "label"]


def test_a_single_label_matches_all_below_and_the_single_label_name() -> None:
    """A listed top-level name covers its names (T-5.6), and what a local client calls just so."""
    asked = trails({"evilname": "malware"})

    assert told(asked, "a.b.evilname") == "(a.b).evilname"
    assert told(asked, "evilname") == "evilname"
    assert told(asked, "evilname.org") is None


def test_a_leading_dot_means_only_below() -> None:
    """`.example.org` in an own list spares the name itself (CONTRACT section 6)."""
    asked = trails({}, own={".example.org": "below"})

    assert told(asked, "example.org") is None
    assert told(asked, "a.example.org") == "(a).example.org"


@pytest.mark.parametrize("name", ["198.51.100.7", "1.2.3.4.5", "123"])
def test_digits_and_dots_are_no_name(name: str) -> None:
    """An address that stands where a name should is not looked up as one (T-5.2)."""
    assert trails({"[0-9]+": "any digits"}).name(name) is None


@pytest.mark.parametrize(
    "name", ["a b.evil.org", "evil.o_rg", "evil.org.", "a..evil.org", "-" * 64]
)
def test_what_is_no_name_is_never_found(name: str) -> None:
    """Odd bytes, an underscore in the last label, empty and long labels (T-5.4)."""
    assert trails({"evil.org": "malware", "org": "malware"}).name(name) is None


@pytest.mark.parametrize("name", ["ns1.evil.org", "dns.evil.org", "rns2.evil.org", "mx.evil.org"])
@pytest.mark.parametrize("info", ["domain (suspicious)", "sinkhole owner (malware)"])
def test_servers_names_of_a_suspicious_domain_are_spared(name: str, info: str) -> None:
    """The infrastructure exception of T-5.6; how often is counted."""
    asked = trails({"evil.org": info})

    assert told(asked, name) is None
    assert asked.skipped == 1
    assert told(asked, f"x{name}") is not None


def test_servers_names_of_malware_are_reported() -> None:
    """The exception is about suspicious zones and sinkholes, not about malware."""
    assert told(trails({"evil.org": "malware"}), "ns1.evil.org") == "(ns1).evil.org"


def test_a_spared_match_goes_on_with_the_next_parent() -> None:
    """An exception skips one key, it does not end the walk."""
    asked = trails({"evil.org": "domain (suspicious)", "org": "malware"})

    assert told(asked, "ns1.evil.org") == "(ns1.evil).org"


@pytest.mark.parametrize("info", ["dynamic domain (suspicious)", "free web hosting (suspicious)"])
def test_a_providers_front_page_is_spared_its_customers_are_not(info: str) -> None:
    """The service-front exception of T-5.6: the bare name and www."""
    asked = trails({"dyn.example": info})

    assert told(asked, "dyn.example") is None
    assert told(asked, "www.dyn.example") is None
    assert told(asked, "www.customer.dyn.example") is None
    assert told(asked, "customer.dyn.example") == "(customer).dyn.example"
    assert asked.skipped == 3


def test_a_page_of_ip_adress_com_is_about_the_name_in_front() -> None:
    """Rule T-5.5, exactly that name and not its parents."""
    asked = trails({"evilname": "malware", "evil.org": "malware"})

    assert told(asked, "evilname.ip-adress.com") == "evilname(.ip-adress.com)"
    assert told(asked, "evil.org.ip-adress.com") == "evil.org(.ip-adress.com)"
    assert told(asked, "www.evil.org.ip-adress.com") is None


def test_a_gateway_to_an_onion_service_is_about_the_service() -> None:
    """Rule T-5.9."""
    asked = trails({"badsite.onion": "malware"})

    assert told(asked, "badsite.onion.to") == "badsite.onion(.to)"
    assert told(asked, "badsite.onion.gate.example") == "badsite.onion(.gate.example)"
    assert told(asked, "other.onion.to") is None


def test_a_pattern_is_bracketed_as_maltrail_does() -> None:
    """The measured example of rule T-7: unanchored, the dot goes to the indicator's side."""
    asked = trails({r"\b(foo|bar)[0-9]+\.evil\.(com|net)": "malware"})

    assert told(asked, "aa.bar77.evil.com.zz.org") == "(aa).bar77.evil.com(.zz.org)"
    assert told(asked, "bar77.evil.com") == "bar77.evil.com"
    assert told(asked, "bar.evil.com") is None


def test_the_leftmost_pattern_wins() -> None:
    """The place decides, not the order of the patterns (T-7)."""
    asked = trails({r"zzz[0-9]+": "right", r"aaa[0-9]+": "left"})

    found = asked.name("zzz1.aaa1.org")

    assert found is not None
    assert found.row.info == "right"


def test_an_own_pattern_is_anchored_to_labels() -> None:
    """In our dialect a pattern stands for whole labels up to the end (CONTRACT section 6)."""
    asked = trails({}, own={r"re:dga[0-9]+\.org": "malware"})

    assert told(asked, "x.dga7.org") is not None
    assert told(asked, "xdga7.org") is None
    assert told(asked, "dga7.org.net") is None


def test_an_exact_name_comes_before_a_pattern() -> None:
    """Patterns are asked only where nothing else was found (T-5.8)."""
    asked = trails({"dga1.org": "exact", r"dga[0-9]+\.org": "pattern"})

    found = asked.name("dga1.org")

    assert found is not None
    assert found.row.info == "exact"


def test_verdicts_of_patterns_do_not_grow_without_bound() -> None:
    """Ten thousand different names are remembered in bounded space, and answers stay right."""
    asked = trails({r"dga[0-9]+\.org": "pattern"})

    assert all(asked.name(f"dga{n}.org") for n in range(10_000))
    assert not any(asked.name(f"good{n}.org") for n in range(10_000))


def test_an_address_with_its_port_comes_before_the_address() -> None:
    """Rule T-10a.2."""
    asked = trails({"198.51.100.7:443": "port", "198.51.100.7": "bare"})

    found = [asked.address("198.51.100.7", port) for port in (443, 80, None)]

    assert [f and f.trail for f in found] == ["198.51.100.7:443", "198.51.100.7", "198.51.100.7"]


def test_the_longest_network_wins_and_the_address_comes_before_it() -> None:
    """A /32 row is the address; of networks the most specific one is told, with the address."""
    asked = trails({"198.51.0.0/16": "wide", "198.51.100.0/24": "narrow", "198.51.100.7/32": "one"})

    found = [asked.address(f"198.51.{rest}", 80) for rest in ("100.7", "100.8", "9.9")]

    assert [f and f.row.info for f in found] == ["one", "narrow", "wide"]
    assert [f and f.trail for f in found] == [
        "198.51.100.7",
        "198.51.100.0/24 (198.51.100.8)",
        "198.51.0.0/16 (198.51.9.9)",
    ]


def test_version_six_addresses_match_in_any_spelling() -> None:
    """Keys are compared as numbers, ports and networks included."""
    asked = trails(
        {"[2001:DB8:0::1]:443": "port", "2001:db8:0:0::2": "bare", "2001:db8:ff::/48": "net"}
    )

    assert [
        found.trail if found else None
        for found in (
            asked.address("2001:db8::1", 443),
            asked.address("2001:db8::1", 80),
            asked.address("2001:db8::2", 80),
            asked.address("2001:db8:ff:1::9", None),
        )
    ] == ["[2001:db8::1]:443", None, "2001:db8::2", "2001:db8:ff::/48 (2001:db8:ff:1::9)"]


@pytest.mark.parametrize(
    ("key", "own"),
    [
        ("a.evil.org", "evil.org"),
        ("198.51.100.7:443", "198.51.100.0/24"),
        ("198.51.100.7", "198.51.100.0/24"),
    ],
)
def test_an_own_trail_wins_over_a_more_specific_published_one(key: str, own: str) -> None:
    """What a site lists itself is never hidden by what others list."""
    asked = trails({key: "published"}, own={own: "own"})

    found = asked.name("a.evil.org") if "evil" in key else asked.address("198.51.100.7", 443)

    assert found is not None
    assert (found.custom, found.row.info) == (True, "own")


def test_a_url_is_found_by_path_by_host_and_path_and_by_host() -> None:
    """Each candidate alone, then behind the host; the bare host last (T-13.9, T-13.10)."""
    asked = trails({"/bad.php": "path", "evil.org/x": "both", "evil.org/": "host"})

    found = [
        asked.url("evil.org", "/bad.php?x=1", ["/bad.php?x=1", "/bad.php"]),
        asked.url("good.org", "/bad.php", ["/bad.php"]),
        asked.url("evil.org", "/x", ["/x"]),
        asked.url("evil.org", "/y", ["/y"]),
        asked.url("good.org", "/x", ["/x"]),
    ]

    assert [f and f.trail for f in found] == [
        "(evil.org)/bad.php(?x=1)",
        "(good.org)/bad.php",
        "evil.org/x",
        "evil.org/",
        None,
    ]


def test_a_user_agent_is_exact() -> None:
    """Neither case nor a part is enough (CONTRACT section 6)."""
    asked = trails({}, own={"ua:Evil/1.0": "malware"})

    assert asked.user_agent("Evil/1.0") is not None
    assert asked.user_agent("evil/1.0") is None
    assert asked.user_agent("Evil/1.0 (X11)") is None


def test_a_key_that_is_no_part_of_the_url_is_told_in_front() -> None:
    """A candidate without its parameters' values does not stand in the URL as such."""
    assert bracket("a.com/g.php?id=7&x=1", "/g.php?id=") == "(a.com)/g.php?id=(7&x=1)"
    assert (
        bracket("a.com/g.php?id=7&x=1", "/g.php?id=&x=") == "/g.php?id=&x= (a.com/g.php?id=7&x=1)"
    )


def test_addresses_are_remembered_in_bounded_room() -> None:
    """Strangers choose addresses: what is remembered of them is forgotten when it is too much."""
    found = trails({"10.0.0.1:80": "malware", "10.0.0.2": "attacker"})
    for number in range(3 * find.MAX_ADDRESSES):
        assert found.address(f"172.16.{number >> 8}.{number & 255}", 80) is None

    with_port = found.address("10.0.0.1", 80)
    assert with_port is not None
    assert found.address("10.0.0.1", 80) == with_port
    assert found.address("10.0.0.1", 81) is None
    bare = found.address("10.0.0.2", 81)
    assert bare is not None
    assert bare.row.key == "10.0.0.2"


@pytest.mark.parametrize("text", ["", "evil.org", "10.0.0", "::g", "10.0.0.1 "])
def test_text_that_is_no_address_is_refused(text: str) -> None:
    """Callers hand on what the scanner formatted, or check before."""
    with pytest.raises(ValueError, match="is no address"):
        trails({"10.0.0.2": "attacker"}).address(text, None)
