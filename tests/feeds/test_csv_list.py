"""CSV lists: headers in three places, filters, labels and dates from columns."""

from collections.abc import Mapping
from typing import Any

import pytest

from agent.model import Source
from feeds import Origin
from tests.feeds.parsing import parse

PAGE = b'# list\nhost,port\n"198.51.100.7","443"\n'
OPTIONS: Mapping[str, Any] = {"value": "host", "port": "port"}

FEODO = b"""\
# abuse.ch Feodo Tracker
#
"first_seen_utc","dst_ip","dst_port","c2_status","last_online","malware"
"2025-12-30 13:56:31","198.51.100.16","443","online","2026-03-12","QakBot"
"2025-12-30 13:56:31","198.51.100.17","443","offline","2026-03-12","QakBot"
"2025-12-30 13:56:31","198.51.100.18","none","online","2026-03-12","QakBot"
# END 3 entries
"""


def test_rows_that_pass_the_filter_become_address_and_port() -> None:
    """An offline server is left out, a port that is none rejected, dates become days."""
    origin = Origin(source=Source("feodo"), info="{malware} (malware)", reference="abuse.ch")

    trails, rejected = parse(
        "csv",
        FEODO,
        origin,
        value="dst_ip",
        port="dst_port",
        where={"c2_status": ("online",)},
        first_seen="first_seen_utc",
        last_seen="last_online",
    )

    assert [trail.key for trail in trails] == ["198.51.100.16:443"]
    assert trails[0].info == "qakbot (malware)"
    assert Source("feodo", "2025-12-30", "2026-03-12") == trails[0].source
    assert rejected == {"not a port": 1}


def test_header_in_a_comment_is_read() -> None:
    """abuse.ch comments its header out; words that say nothing leave the label."""
    page = (
        b"##\r\n# Terms\r\n#\r\n# Listingdate,SHA1,Listingreason\r\n"
        b"2026-04-29 12:00:00," + b"a" * 40 + b",AsyncRAT C&C\r\n"
    )
    origin = Origin(source=Source("sslbl"), info="{Listingreason} c2 cert (suspicious)")

    trails, _ = parse(
        "csv", page, origin, header="comment", value="SHA1", kind="certificate", drop_words=("C&C",)
    )

    assert trails[0].info == "asyncrat c2 cert (suspicious)"
    assert trails[0].kind == "certificate"


def test_columns_without_a_header_go_by_number() -> None:
    """A list without a header names its columns by number; the day may come first."""
    trails, _ = parse(
        "csv",
        b"x;evil.example.org;01-08-2026\n",
        header="none",
        delimiter=";",
        value=1,
        first_seen=2,
    )

    assert trails[0].key == "evil.example.org"
    assert trails[0].source.first_seen == "2026-08-01"


def test_named_columns_skip_a_header_that_appears_after_all() -> None:
    """Where `columns` names what the publisher later puts first, that row is no indicator."""
    trails, rejected = parse(
        "csv", b"Day,Host\n1,a.example.org\n", header="none", columns=("day", "host"), value="host"
    )

    assert [trail.key for trail in trails] == ["a.example.org"]
    assert not rejected


def test_missing_column_is_an_error() -> None:
    """A list that lost a column is refused as a whole, not read from the wrong one."""
    with pytest.raises(ValueError, match="no column 'dst_ip'"):
        parse("csv", b"ip,port\n1.2.3.4,80\n", value="dst_ip")


def test_label_from_a_row_is_cut_and_cleaned() -> None:
    """Text of a row cannot carry control characters or kilobytes into every event."""
    origin = Origin(source=Source("x"), info="{1} (malware)")

    trails, _ = parse(
        "csv", b"evil.example.org,A\x1b[31m" + b"b" * 999 + b"\n", origin, header="none", value=0
    )

    assert trails[0].info.isprintable()
    assert len(trails[0].info) < 160


def test_empty_label_has_a_stand_in() -> None:
    """A row without a family says so in the list's own words."""
    origin = Origin(source=Source("x"), info="{1} (malware)")

    trails, _ = parse("csv", b"a.example.org,\n", origin, header="none", value=0, unnamed="feodo")

    assert trails[0].info == "feodo (malware)"
