"""Direction: which side is ours."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import Networks
from agent.direction import Home, packed
from agent.model import Direction

HOME = Home(Networks().home)


@pytest.mark.parametrize(
    ("source", "destination", "direction"),
    [
        ("192.168.1.5", "203.0.113.7", "outbound"),
        ("203.0.113.7", "192.168.1.5", "inbound"),
        ("10.0.0.1", "172.31.255.255", "internal"),
        ("203.0.113.7", "198.51.100.1", "external"),
        ("fe80::1", "2001:db8::1", "outbound"),
        ("2001:db8::1", "fd00::1", "inbound"),
        ("::1", "127.0.0.1", "internal"),
    ],
)
def test_direction_is_told_from_home(source: str, destination: str, direction: Direction) -> None:
    """The four directions, in both address families, with the default networks."""
    assert direction == HOME.direction(source, destination)


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("172.15.255.255", False),
        ("172.16.0.0", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("::ffff:10.1.2.3", True),
        ("fe80::1%eth0", True),
        ("[fd00::1]", True),
        ("", False),
        ("evil.example", False),
        ("10.0.0", False),
        ("10.0.0.1,203.0.113.7", False),
        ("10.0.0.1\x00", False),
    ],
)
def test_home_has_exact_borders(address: str, ours: bool) -> None:
    """First and last addresses belong, their neighbours and rubbish do not."""
    assert ours == HOME.is_home(address)


def test_nothing_is_home_without_networks() -> None:
    """A sensor that watches a transit link may have no home at all."""
    nowhere = Home([])

    assert nowhere.direction("10.0.0.1", "10.0.0.2") == "external"


def test_a_single_address_is_a_network() -> None:
    """`networks.home` may name single hosts."""
    host = Home(["203.0.113.7/32", "2001:db8::1"])

    assert host.is_home("203.0.113.7")
    assert host.is_home("2001:db8:0::1")
    assert not host.is_home("203.0.113.8")


def test_a_bad_network_is_refused() -> None:
    """Text that is no network raises at once, not at the first packet."""
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/99"):
        Home(["10.0.0.0/99"])


_V4 = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
_V6 = st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address)
_NETWORKS = st.lists(
    st.tuples(_V4, st.integers(0, 32)) | st.tuples(_V6, st.integers(0, 128)), max_size=8
).map(lambda rows: [ipaddress.ip_network(f"{a}/{n}", strict=False) for a, n in rows])


@settings(deadline=None)
@given(_NETWORKS, _V4 | _V6)
def test_the_ranges_agree_with_the_networks(
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network],
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """Overlapping, nested and touching networks give what asking each of them gives."""
    plain = getattr(address, "ipv4_mapped", None) or address
    expected = any(plain in network for network in networks)

    assert expected == Home(map(str, networks)).is_home(str(address))


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    """Whatever stands in an address field, the answer is bytes of an address or None."""
    raw = packed(text)

    assert raw is None or len(raw) in {4, 16}
