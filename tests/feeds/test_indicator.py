"""Values of lists as keys: what is let through, the set takes; the short way is the long one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.scan import layout
from agent.trails import keys
from feeds import _indicator
from feeds._indicator import KINDS, address_and_port, fingerprint, indicator

PARTS = st.sampled_from(
    [
        *("a", "evil", "example", "org", "xn--", "com", ".", ".", "..", "-", "_", "*", "www", "é"),
        *("198.51.100.7", "300", "/", "//", ":", "::", "80", ":443", "65536", "[", "]", "2001:db8"),
        *(
            "http",
            "hxxp",
            "://",
            "[.]",
            "#",
            "?",
            "=",
            "@",
            " ",
            "\t",
            "\x00",
            "%",
            "\u202e",
            "/24",
        ),
        *(
            "a" * 32,
            "A" * 40,
            "0" * 64,
            "t13d1516h2_8daaf6152771_b186095e22b6",
            "re:",
            "ua:",
            "x" * 70,
        ),
    ]
)
VALUES = st.lists(PARTS, max_size=8).map("".join) | st.text(max_size=40)


@given(text=VALUES, kind=st.sampled_from(sorted(KINDS)))
def test_what_is_let_through_is_a_key(text: str, kind: str) -> None:
    """A key of that kind, never a pattern, in one line; else ValueError."""
    try:
        found = indicator(text, kind)
    except ValueError:
        return
    key = keys.parse(found, kind=kind)
    assert found.isprintable()
    assert not found.startswith(("re:", "ua:"))
    assert key.key


@given(octets=st.lists(st.integers(0, 300).map(str) | st.just("01"), min_size=4, max_size=4))
def test_short_way_for_addresses_is_the_long_one(octets: list[str]) -> None:
    """What it takes is an address; what it does not, the long way refuses or reads alike."""
    text = ".".join(octets)
    is_short = _indicator._ADDRESS.fullmatch(text) is not None
    try:
        key = keys.parse(text)
    except keys.Inert:
        assert not is_short
        return
    assert is_short
    assert layout.KIND_NAMES[key.kind] == "ip"
    assert indicator(text) == text


@given(text=VALUES)
def test_short_way_for_names_is_the_long_one(text: str) -> None:
    """A plain name is the same key either way, but for `hxxp`, which a name may begin with."""
    if "hxxp" not in text and _indicator._NAME.fullmatch(text) and len(text) <= keys.MAX_NAME:
        assert indicator(text) == _indicator._spelled(text)
        assert keys.parse(text).key == text.lower().encode()


@given(text=VALUES, port=VALUES)
def test_address_and_port_of_rubbish_is_a_key_or_refused(text: str, port: str) -> None:
    """Nothing else comes of it."""
    try:
        found = address_and_port(text, port)
    except ValueError:
        return
    assert keys.parse(found, kind="ip-port").key


@given(text=VALUES)
def test_fingerprint_of_rubbish_is_a_key_or_refused(text: str) -> None:
    """Colons between bytes go."""
    try:
        found = fingerprint(text)
    except ValueError:
        return
    assert keys.parse(found, kind="certificate").key


@pytest.mark.parametrize(
    ("address", "port", "expected"),
    [
        ("198.51.100.7", "443", "198.51.100.7:443"),
        ("2001:db8::1", "443", "[2001:db8::1]:443"),
        ("[2001:db8::1]", "0443", "[2001:db8::1]:443"),
        ("198[.]51.100.7", "1", "198.51.100.7:1"),
    ],
)
def test_address_and_port_are_one_key(address: str, port: str, expected: str) -> None:
    """Version 6 in brackets."""
    assert address_and_port(address, port) == expected


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("198.51.100.7", "0"),
        ("198.51.100.7", "65536"),
        ("198.51.100.7", "x"),
        ("198.51.100.7", "\u0664"),
        ("198.51.100.7", "9" * 5000),
        ("evil.example.org", "443"),
        ("198.51.100.0/24", "443"),
    ],
)
def test_what_is_no_address_with_a_port_is_refused(address: str, port: str) -> None:
    """A name would need no port, a network has none."""
    with pytest.raises(ValueError, match=r"port|kind|name|address|usable"):
        address_and_port(address, port)
