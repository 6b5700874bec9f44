"""JSON documents: rows at a path, fields inside them, filters, and rows that are none."""

from collections.abc import Mapping
from typing import Any

import pytest

from agent.config import ConfigError, convert
from agent.model import Source
from feeds import Origin
from feeds.json import Config
from tests.feeds.parsing import keys, parse, skipped

PAGE = b"""\
{"meta": {"generated": "2026-08-01"},
 "data": [
  {"ip": "198.51.100.7", "port": 443, "family": "QakBot", "seen": "2026-07-01T10:00:00Z"},
  {"ip": "2001:db8::7", "port": "8443", "family": "AsyncRAT", "seen": "2026-07-02T10:00:00Z"}
 ]}
"""
OPTIONS: Mapping[str, Any] = {
    "rows": "$.data[*]",
    "value": "ip",
    "port": "port",
    "first_seen": "seen",
}


def test_rows_at_a_path_become_trails() -> None:
    """Fields are paths inside a row; the label takes what the row says."""
    origin = Origin(source=Source("x"), info="{family} (malware)")

    trails, rejected = parse("json", PAGE, origin, **OPTIONS)

    assert [trail.key for trail in trails] == ["198.51.100.7:443", "[2001:db8::7]:8443"]
    assert trails[0].info == "qakbot (malware)"
    assert trails[0].source == Source("x", "2026-07-01", "")
    assert not rejected


def test_rows_may_be_values_in_lists_of_objects() -> None:
    """Onionoo lists addresses of relays; the row itself is the indicator."""
    page = b'{"relays":[{"or_addresses":["198.51.100.7:9001","[2001:db8::1]:9001"]},{}]}'

    assert keys("json", page, rows="relays[*].or_addresses[*]", value="$") == [
        "198.51.100.7:9001",
        "[2001:db8::1]:9001",
    ]


def test_members_of_an_object_may_hold_the_rows() -> None:
    """A dump keyed by number; a wildcard stands for members as for elements."""
    page = b'{"1":[{"value":"a.example.org"}],"2":[{"value":"b.example.org"}]}'

    assert keys("json", page, rows="*[*]") == ["a.example.org", "b.example.org"]


def test_filters_pass_over_rows_and_count_them() -> None:
    """One of the values wanted, none of those unwanted, enough confidence, a known type."""
    page = b"""[
      {"value": "a.example.org", "type": "domain", "sure": 75, "on": true},
      {"value": "b.example.org", "type": "domain", "sure": 74.9, "on": true},
      {"value": "c.example.org", "type": "domain", "sure": "100", "on": false},
      {"value": "d.example.org", "type": "domain", "sure": 100, "on": true, "gone": "2026-01-01"},
      {"value": "0123456789abcdef0123456789abcdef", "type": "md5_hash", "sure": 100, "on": true}
    ]"""
    options = {
        "where": {"on": ("true",)},
        "unless": {"gone": ("2026-01-01",)},
        "at_least": {"sure": 75},
        "type": "type",
        "kinds": {"domain": "domain"},
    }

    assert keys("json", page, **options) == ["a.example.org"]
    assert skipped("json", page, **options) == {"not wanted": 3, "of another type": 1}


def test_last_day_of_a_row_goes_with_it() -> None:
    """Merging drops it when that is over."""
    page = b'[{"value":"a.example.org","until":"2026-09-20T00:00:00"},{"value":"b.example.org"}]'

    trails, _ = parse("json", page, expires="until")

    assert [trail.expires for trail in trails] == ["2026-09-20", ""]


def test_what_is_no_row_is_rejected_with_its_reason_and_the_rest_is_read() -> None:
    """Nothing at the path, no indicator, a port that is none, nesting without end, megabytes."""
    deep = b"[" * 100_000 + b"]" * 100_000
    page = b'[7,{"value":"two words"},%s,"%s",{"value":"a.example.org"}]' % (deep, b"x" * 2_000_000)

    trails, rejected = parse("json", page)

    assert [trail.key for trail in trails] == ["a.example.org"]
    assert rejected.total() == 4
    assert rejected["not JSON"] == rejected["longer than 1 MB"] == 1


def test_document_that_breaks_off_is_an_error() -> None:
    """Half a document is no shorter list."""
    with pytest.raises(ValueError, match="ends in the middle"):
        parse("json", PAGE[:-5], **OPTIONS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": "data[?(@.x)]"}, "no path"),
        ({"value": "a[*]"}, "more than one field"),
        ({"where": {"a[*].b": ("x",)}}, "more than one field"),
        ({"kind": "pattern"}, "'pattern' is none of"),
        ({"type": "t"}, "expected both or none"),
        ({"type": "t", "kinds": {"x": "y"}}, "'y' is none of"),
    ],
)
def test_option_that_cannot_be_is_named(options: dict[str, object], message: str) -> None:
    """At the start, with the list's key."""
    with pytest.raises(ConfigError, match=message):
        convert(options, Config, "mine.options")
