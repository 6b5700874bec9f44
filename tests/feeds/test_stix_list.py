"""STIX 2.1: plain patterns become keys; what a key cannot express is passed over and counted."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.model import Source
from feeds import Origin
from feeds._stix_pattern import MAX_ALTERNATIVES, Beyond, read
from tests.feeds.parsing import keys, parse, skipped

SHA1 = "0123456789abcdef0123456789abcdef01234567"


def indicator(pattern: str, **keys: Any) -> dict[str, Any]:
    """Return an indicator as a bundle has it."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--00000000-0000-4000-8000-000000000001",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-02T00:00:00.000Z",
        "name": "A server",
        "indicator_types": ["malicious-activity"],
        "pattern": pattern,
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        **keys,
    }


def bundle(*objects: dict[str, Any]) -> bytes:
    """Return a bundle."""
    return json.dumps(
        {"type": "bundle", "id": "bundle--0", "objects": list(objects)}, indent=1
    ).encode()


PAGE = bundle(
    {"type": "identity", "id": "identity--1", "name": "Somebody"},
    indicator("[domain-name:value = 'evil.example.org']"),
    indicator("[network-traffic:dst_ref.value = '198.51.100.7' AND network-traffic:dst_port = 80]"),
    indicator(
        "[url:value = 'http://evil.example.org/gate.php'] OR [ipv4-addr:value = '192.0.2.1']"
    ),
)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[domain-name:value = 'evil.example.org']", ["evil.example.org"]),
        ("[ipv4-addr:value = '198.51.100.7']", ["198.51.100.7"]),
        ("[ipv4-addr:value = '198.51.100.0/24']", ["198.51.100.0/24"]),
        ("[ipv6-addr:value ISSUBSET '2001:db8::/32']", ["2001:db8::/32"]),
        ("[url:value = 'https://evil.example.org/a']", ["evil.example.org/a"]),
        (f"[x509-certificate:hashes.'SHA-1' = '{SHA1}']", [SHA1]),
        (f"[x509-certificate:hashes.SHA256 = '{SHA1 + 'a' * 24}']", [SHA1 + "a" * 24]),
        (
            (
                "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = "
                "'198.51.100.7' AND network-traffic:dst_port = 443]"
            ),
            ["198.51.100.7:443"],
        ),
        (
            (
                "[(network-traffic:dst_port = '443' AND "
                "network-traffic:dst_ref.value = '2001:db8::1') "
                "AND network-traffic:protocols[*] = 'tcp']"
            ),
            ["[2001:db8::1]:443"],
        ),
        (
            "[domain-name:value = 'a.example.org' OR domain-name:value = 'b.example.org']",
            ["a.example.org", "b.example.org"],
        ),
        (
            "[domain-name:value IN ('a.example.org', 'b.example.org')]",
            ["a.example.org", "b.example.org"],
        ),
        (
            "[domain-name:value = 'a.example.org'] OR ([ipv4-addr:value = '192.0.2.1'])",
            ["a.example.org", "192.0.2.1"],
        ),
        (
            (
                "[domain-name:value = 'a.example.org' AND "
                "domain-name:resolves_to_refs[*].value = '192.0.2.1']"
            ),
            ["a.example.org"],
        ),
        (
            (
                "[network-traffic:src_ref.value = '192.0.2.1' OR "
                "network-traffic:dst_ref.value = '192.0.2.1']"
            ),
            ["192.0.2.1", "192.0.2.1"],
        ),
        (
            (
                "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = "
                "'Evil/1.0 (it\\'s)']"
            ),
            ["Evil/1.0 (it's)"],
        ),
    ],
)
def test_plain_pattern_becomes_keys(pattern: str, expected: list[str]) -> None:
    """One comparison, lists of them, address with port."""
    assert keys("stix", bundle(indicator(pattern))) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "[domain-name:value LIKE '%.example.org']",
        "[domain-name:value MATCHES '.*']",
        "[domain-name:value != 'example.org']",
        "[domain-name:value NOT = 'example.org']",
        "[NOT domain-name:value = 'example.org']",
        "[domain-name:value = 'a.example.org'] AND [domain-name:value = 'b.example.org']",
        "[domain-name:value = 'a.example.org'] FOLLOWEDBY [ipv4-addr:value = '192.0.2.1']",
        "[domain-name:value = 'a.example.org'] WITHIN 300 SECONDS",
        "[domain-name:value = 'a.example.org' AND url:value = 'http://a.example.org/']",
        "[file:hashes.MD5 = 'e7d705a3286e19ea42f587b344ee6865']",
        "[email-addr:value = 'a@example.org']",
        "(" * 50 + "[domain-name:value = 'a.example.org']" + ")" * 50,
        "[" + " AND ".join(["(domain-name:value = 'a.b' OR domain-name:value = 'c.d')"] * 20) + "]",
    ],
)
def test_pattern_beyond_keys_is_passed_over(pattern: str) -> None:
    """It is right, and nothing here can express it: counted, no reject, no key."""
    assert parse("stix", bundle(indicator(pattern))) == ([], {})
    assert skipped("stix", bundle(indicator(pattern))).total() == 1


@pytest.mark.parametrize(
    "pattern",
    ["", "evil.example.org", "[domain-name:value]", "[domain-name:value = ]", "[= 'x']", "['x'"],
)
def test_text_that_is_no_pattern_is_rejected(pattern: str) -> None:
    """Each such row is a fault of the list."""
    assert parse("stix", bundle(indicator(pattern)))[1].total() == 1


def test_revoked_and_foreign_indicators_are_passed_over_and_the_end_goes_along() -> None:
    """Merging drops what is no longer valid when that day is over."""
    page = bundle(
        indicator("[domain-name:value = 'a.example.org']", revoked=True),
        indicator("alert dns any any -> any any (sid:1;)", pattern_type="suricata"),
        indicator("[domain-name:value = 'b.example.org']", confidence=10),
        indicator("[domain-name:value = 'c.example.org']", valid_until="2026-03-01T00:00:00Z"),
    )

    (trail,), rejected = parse("stix", page, min_confidence=50)

    assert trail.key == "c.example.org"
    assert trail.expires == "2026-03-01"
    assert trail.source.first_seen == "2026-01-01"
    assert not rejected
    assert skipped("stix", page, min_confidence=50).total() == 3


def test_family_is_what_the_indicator_indicates() -> None:
    """Relations and names may stand anywhere in the bundle."""
    page = bundle(
        indicator("[domain-name:value = 'a.example.org']", id="indicator--1"),
        indicator("[domain-name:value = 'b.example.org']", id="indicator--2"),
        {
            "type": "relationship",
            "relationship_type": "indicates",
            "source_ref": "indicator--1",
            "target_ref": "malware--1",
        },
        {"type": "malware", "id": "malware--1", "name": "QakBot", "is_family": True},
    )
    origin = Origin(source=Source("x"), info="{family} ({type})")

    trails, _ = parse("stix", page, origin)

    assert [trail.info for trail in trails] == [
        "qakbot (malicious-activity)",
        "malware (malicious-activity)",
    ]


def test_envelope_of_taxii_is_read_too() -> None:
    """It has objects as a bundle has."""
    page = json.dumps(
        {"more": False, "objects": [indicator("[domain-name:value = 'a.example.org']")]}
    ).encode()

    assert keys("stix", page) == ["a.example.org"]


@given(
    st.lists(
        st.sampled_from(
            [
                *("[", "]", "(", ")", ",", " AND ", " OR ", " NOT ", " = ", " IN ", " ISSUBSET "),
                *("domain-name:value", "url:value", "'x'", "'x", "1", " WITHIN ", "\\", "\n", "é"),
            ]
        ),
        max_size=40,
    )
)
def test_any_pattern_is_read_or_refused(parts: list[str]) -> None:
    """Alternatives, a verdict, or ValueError; never more than is allowed for."""
    try:
        found = read("".join(parts))
    except (Beyond, ValueError):
        return
    assert 0 < len(found) <= MAX_ALTERNATIVES
