"""MISP warninglists: names, addresses and networks; lists that compare otherwise are refused."""

import pytest

from agent.config import ConfigError, Options, Update
from feeds._reader import readers
from tests.feeds.parsing import keys, parse, skipped

PAGE = b"""\
{
  "description": "Public resolvers",
  "list": ["198.51.100.53", "2001:db8::/32", ".dns.example", "resolver.example.org"],
  "matching_attributes": ["ip-dst", "domain"],
  "name": "Some resolvers",
  "type": "hostname",
  "version": 20260801
}
"""


def test_values_become_keys() -> None:
    """A leading dot goes: the name itself is meant too."""
    assert keys("misp_warninglist", PAGE) == [
        "198.51.100.53",
        "2001:db8::/32",
        "dns.example",
        "resolver.example.org",
    ]


def test_list_of_harmless_things_is_never_used_for_detection() -> None:
    """A resolver everybody uses is nothing to alert on."""
    entry = Options(name="soc", url="/lists/resolvers.json", format="misp_warninglist")
    used = Update(defaults=False, lists=(Options(entry, use="protect"),))

    assert [reader.feed.use for reader in readers(used)] == ["protect"]
    with pytest.raises(ConfigError, match=r"soc\.use: .*expected protect"):
        readers(Update(defaults=False, lists=(entry,)))


@pytest.mark.parametrize("type_", [b"substring", b"regex"])
def test_list_that_compares_parts_is_refused(type_: bytes) -> None:
    """`exam` as a substring is no name to protect."""
    with pytest.raises(ValueError, match="parts of values"):
        parse("misp_warninglist", PAGE.replace(b"hostname", type_))


def test_value_that_is_no_key_is_rejected() -> None:
    """Numbers and sentences; a hash is one, and nothing that is protected."""
    page = b'{"type":"string","list":[7,"two words","%s","a.example.org"]}' % (b"a" * 32)

    trails, rejected = parse("misp_warninglist", page)

    assert [trail.key for trail in trails] == ["a.example.org"]
    assert rejected.total() == 2
    assert skipped("misp_warninglist", page).total() == 1
