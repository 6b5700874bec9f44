"""Quarantine: what no public list may name, and what beside it may be listed."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import ConfigError
from agent.trails.keys import Inert, parse
from feeds import _quarantine
from feeds._quarantine import ABOVE, HUGE, POPULAR, PROTECTED, RESERVED, SHARED, Quarantine


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("10.1.2.3", RESERVED),
        ("10.1.2.3:443", RESERVED),
        ("127.0.0.1/x", RESERVED),
        ("192.168.0.0/24", RESERVED),
        ("255.255.255.255", RESERVED),
        ("ff02::fb", RESERVED),
        ("104.16.1.2", SHARED),
        ("104.16.1.2:443", SHARED),
        ("104.16.0.0/12", SHARED),
        ("104.16.1.0/24", SHARED),
        ("104.16.1.2/", SHARED),
        ("104.16.1.2:8080/", SHARED),
        ("[2606:4700::1]:443", SHARED),
        ("github.com", POPULAR),
        ("www.github.com", POPULAR),
        (".github.com", POPULAR),
        ("github.com/", POPULAR),
        ("com", ABOVE),
        ("co.uk", ABOVE),
        ("8.0.0.0/6", HUGE),
        ("2000::/8", HUGE),
    ],
)
def test_what_would_flood_a_site_is_kept_out(key: str, reason: str) -> None:
    """Whole names, whole addresses, and whatever lies around them."""
    assert Quarantine().reason(parse(key), "x") == reason


@pytest.mark.parametrize(
    "key",
    [
        "evil.github.com",
        "github.com/evil/payload.exe",
        "104.16.1.2/payload.exe",
        "notgithub.com",
        "198.51.100.7",
        "11.0.0.1",
        "104.15.255.255",
        "104.32.0.0",
        "xyz",
        "/gate.php",
        "a" * 40,
    ],
)
def test_what_is_beside_it_may_be_listed(key: str) -> None:
    """A page of a platform, a neighbour of a range, a name that ends alike."""
    assert Quarantine().reason(parse(key), "x") == ""


@pytest.mark.parametrize("info", ["sinkhole abuse (malware)", "parking site (suspicious)"])
def test_sinkholes_and_parking_sites_answer_from_anywhere(info: str) -> None:
    """Answers with these addresses are what is looked for."""
    assert Quarantine().reason(parse("10.1.2.3"), info) == ""


@pytest.mark.parametrize("info", ["free web hosting (suspicious)", "dynamic domain (suspicious)"])
def test_providers_are_listed_for_what_is_below_them(info: str) -> None:
    """Their own names never alert (rule T-5.6), their customers' do."""
    assert Quarantine().reason(parse("wix.com"), info) == ""
    assert Quarantine().reason(parse("wix.com"), "phishing") == POPULAR


def test_a_site_protects_its_own() -> None:
    """Names and networks, with what lies above and around them."""
    judge = Quarantine(["Shop.Example.com", "192.0.2.0/24"])

    assert judge.reason(parse("shop.example.com"), "x") == PROTECTED
    assert judge.reason(parse("example.com"), "x") == ABOVE
    assert judge.reason(parse("192.0.2.9:80"), "x") == PROTECTED
    assert judge.reason(parse("192.0.0.0/16"), "x") != ""
    assert judge.reason(parse("other.example.com"), "x") == ""


@pytest.mark.parametrize("text", ["http://x", "not a name", "", "192.0.2.1/24"])
def test_what_is_neither_name_nor_network_is_an_error(text: str) -> None:
    """It would protect nothing, silently."""
    with pytest.raises(ConfigError, match=r"trails\.protect"):
        Quarantine([text])


def test_the_data_files_hold_what_they_say() -> None:
    """Every line is a name, or a network without host bits; none is there twice."""
    names = _quarantine.popular_names()
    networks = _quarantine._lines("cdn.txt")

    assert len(set(names)) == len(names) > 200
    assert all(parse(name).key.decode() == name for name in names)
    assert len(set(networks)) == len(networks) > 50
    assert all(ipaddress.ip_network(text) for text in networks)


@given(st.ip_addresses(v=4))
def test_an_address_is_kept_out_exactly_where_a_range_holds_it(
    address: ipaddress.IPv4Address,
) -> None:
    """The search agrees with asking every range."""
    ranges = [ipaddress.ip_network(text) for text in _quarantine._RESERVED]
    ranges += [ipaddress.ip_network(text) for text in _quarantine._lines("cdn.txt")]

    expected = any(address in network for network in ranges)

    assert bool(Quarantine().reason(parse(str(address)), "x")) == expected


@given(st.text(max_size=60))
def test_no_key_raises(text: str) -> None:
    """Whatever a list says: it is judged, or it was no key."""
    try:
        key = parse(text, "maltrail")
    except Inert:
        return
    assert isinstance(Quarantine().reason(key, ""), str)
