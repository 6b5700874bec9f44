"""JSON lines: a path to the indicator, a line of metadata, and what is no row."""

from tests.feeds.parsing import keys, parse

PAGE = b'{"value":"198.51.100.0/24"}\n{"value":"evil.example.org"}\n'


def test_networks_are_read_and_the_metadata_line_is_no_row() -> None:
    """The layout of Spamhaus DROP."""
    page = (
        b'{"cidr":"198.51.100.0/24","sblid":"SBL1","rir":"ripe"}\n'
        b'{"cidr":"2001:db8::/32","sblid":"SBL2","rir":"ripe"}\n'
        b'{"type":"metadata","timestamp":1791060242,"records":2}\n'
    )

    trails, rejected = parse("jsonl", page, value="cidr", skip="type")

    assert [trail.key for trail in trails] == ["198.51.100.0/24", "2001:db8::/32"]
    assert not rejected


def test_path_leads_into_objects() -> None:
    """Dots separate the keys of a path."""
    assert keys("jsonl", b'{"ioc":{"name":"evil.example.org"}}\n', value="ioc.name") == [
        "evil.example.org"
    ]


def test_what_is_no_row_is_rejected_with_its_reason() -> None:
    """No object, no text at the path, no indicator, nesting without end."""
    page = b'[1]\n{"value":7}\n{"value":"two words"}\n' + b'{"a":' * 5000 + b"\n"

    trails, rejected = parse("jsonl", page)

    assert not trails
    assert sorted(rejected.values()) == [1, 1, 2]
