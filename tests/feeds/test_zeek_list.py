"""Zeek's intelligence files: types that are seen on the wire, labels, and rows that are none."""

import pytest

from agent.model import Source
from feeds import Origin
from tests.feeds.parsing import keys, parse, skipped

SHA1 = "2c322ae2b7fe91391345e070b63668978bb1c9da"
JA4 = "t13d1516h2_8daaf6152771_b186095e22b6"

PAGE = (
    b"#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.url\n"
    b"evil.example.org\tIntel::DOMAIN\tsource1\tQakBot\thttps://r.example/1\n"
    b"198.51.100.7\tIntel::ADDR\tsource1\t-\t-\n"
    b"evil.example.org/gate.php\tIntel::URL\tsource1\t-\t-\n"
    b"2c322ae2b7fe91391345e070b63668978bb1c9da\tIntel::CERT_HASH\tsource1\t-\t-\n"
)


def row(indicator: str, type_: str) -> bytes:
    """Return a page of one row."""
    return f"#fields\tindicator\tindicator_type\n{indicator}\t{type_}\n".encode()


@pytest.mark.parametrize(
    ("indicator", "type_"),
    [
        ("198.51.100.7", "Intel::ADDR"),
        ("2001:db8::1", "Intel::ADDR"),
        ("198.51.100.0/24", "Intel::SUBNET"),
        ("evil.example.org", "Intel::DOMAIN"),
        ("evil.example.org/gate.php", "Intel::URL"),
        ("/gate.php", None),
        (SHA1, "Intel::CERT_HASH"),
        ("Evil Bot/1.0", "Intel::SOFTWARE"),
        ("e7d705a3286e19ea42f587b344ee6865", "Intel::JA3"),
        (JA4, "Intel::JA4"),
    ],
)
def test_indicator_becomes_the_key_of_its_type(indicator: str, type_: str | None) -> None:
    """Each type that is seen on the wire; a path alone is no URL of Zeek's."""
    if type_ is None:
        assert parse("zeek", row(indicator, "Intel::URL"))[1].total() == 1
    else:
        assert keys("zeek", row(indicator, type_)) == [indicator]


def test_label_and_reference_come_from_the_columns() -> None:
    """An unset column is nothing, and the list's own word stands in."""
    origin = Origin(source=Source("x"), info="{meta.desc} (malware)", reference="here")

    trails, _ = parse("zeek", PAGE, origin, unnamed="intel")

    assert [(trail.info, trail.reference) for trail in trails[:2]] == [
        ("qakbot (malware)", "https://r.example/1"),
        ("intel (malware)", "here"),
    ]


@pytest.mark.parametrize("type_", ["Intel::EMAIL", "Intel::FILE_HASH", "Intel::USER_NAME"])
def test_type_that_is_not_on_the_wire_is_passed_over(type_: str) -> None:
    """Counted, no reject."""
    assert parse("zeek", row("x@example.org", type_)) == ([], {})
    assert skipped("zeek", row("x@example.org", type_)).total() == 1


def test_row_that_is_none_is_rejected() -> None:
    """Blanks for tabs, and a value that is not what its type says."""
    page = (
        b"#fields\tindicator\tindicator_type\n"
        b"evil.example.org Intel::DOMAIN\n"
        b"evil.example.org\tIntel::ADDR\n"
        b"a.example.org\tIntel::DOMAIN\n"
    )

    trails, rejected = parse("zeek", page)

    assert [trail.key for trail in trails] == ["a.example.org"]
    assert rejected.total() == 2


@pytest.mark.parametrize(
    "page", [b"evil.example.org\tIntel::DOMAIN\n", b"#fields\tvalue\ttype\nx\ty\n"]
)
def test_page_without_its_columns_is_no_list(page: bytes) -> None:
    """Nothing says what is what."""
    with pytest.raises(ValueError, match="#fields"):
        parse("zeek", page)
