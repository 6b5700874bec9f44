"""Hosts files: names behind sink addresses, and nothing of the machine's own."""

from tests.feeds.parsing import keys, parse

PAGE = b"# list\n0.0.0.0 evil.example.org\n127.0.0.1 a.example.net b.example.net\n"


def test_every_name_of_a_line_is_a_key() -> None:
    """Names, blanks and tabs between them, comments behind them."""
    page = (
        b"0.0.0.0 a.example.org b.example.org # both\n127.0.0.1\tc.example.org\n:: d.example.org\n"
    )

    assert keys("hosts", page) == [f"{name}.example.org" for name in "abcd"]


def test_own_names_of_a_machine_are_no_rows() -> None:
    """What every hosts file starts with is neither a trail nor a reject."""
    page = (
        b"127.0.0.1 localhost\n::1 ip6-localhost\n255.255.255.255 broadcasthost\n0.0.0.0 0.0.0.0\n"
    )

    assert parse("hosts", page)[0] == []
    assert not parse("hosts", page)[1]


def test_real_address_and_what_is_no_name_are_rejected() -> None:
    """A line that blocks nothing, an address and a URL where a name belongs."""
    page = b"198.51.100.7 www.example.org\n0.0.0.0 198.51.100.9\n0.0.0.0 evil.example.org/x\n"

    trails, rejected = parse("hosts", page)

    assert not trails
    assert rejected == {"no sink address before the names": 1, "not a name": 2}
