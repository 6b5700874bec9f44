"""MISP: events and attributes; what is not meant for detection, deleted or never on the wire."""

import json
from typing import Any

import pytest

from agent.model import Source
from feeds import Origin
from tests.feeds.parsing import keys, parse, skipped

SHA1 = "0123456789abcdef0123456789abcdef01234567"
SHA256 = SHA1 + "89abcdef0123456789abcdef"
JA4 = "t13d1516h2_8daaf6152771_b186095e22b6"


def attribute(type_: str, value: str, **keys: Any) -> dict[str, Any]:
    """Return an attribute as a feed has it."""
    return {
        "uuid": "5f8f4f3e-0000-4000-8000-000000000001",
        "type": type_,
        "category": "Network activity",
        "to_ids": True,
        "timestamp": "1603642920",
        "comment": "",
        "value": value,
        **keys,
    }


def event(*attributes: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """Return an event as a feed's file has it; its title stands behind the attributes."""
    return {
        "Event": {
            "uuid": "a6ef17d6-91cb-4a05-b10b-2f045daf874c",
            "date": "2020-10-25",
            "Attribute": list(attributes),
            "info": "OSINT - a campaign",
            "threat_level_id": "1",
            "Tag": [{"name": "tlp:white"}, {"name": 'misp-galaxy:malpedia="Emotet"'}],
            **keys,
        }
    }


PAGE = json.dumps(
    event(
        attribute("domain", "evil.example.org"),
        attribute("ip-dst|port", "198.51.100.7|443"),
        attribute("url", "http://evil.example.org/gate.php"),
        Object=[{"name": "ip-port", "Attribute": [attribute("ip-dst", "198.51.100.8")]}],
    ),
    indent=1,
).encode()


@pytest.mark.parametrize(
    ("type_", "value", "key"),
    [
        ("ip-src", "198.51.100.7", "198.51.100.7"),
        ("ip-dst", "198.51.100.0/24", "198.51.100.0/24"),
        ("ip-dst", "2001:db8::1", "2001:db8::1"),
        ("ip-dst|port", "198.51.100.7|443", "198.51.100.7:443"),
        ("ip-src|port", "2001:db8::1|443", "[2001:db8::1]:443"),
        ("domain", "evil[.]example.org", "evil.example.org"),
        ("hostname", "a.evil.example.org", "a.evil.example.org"),
        ("domain|ip", "evil.example.org|198.51.100.7", "evil.example.org"),
        ("hostname|port", "evil.example.org|8080", "evil.example.org"),
        ("url", "https://evil.example.org/a?b=c", "evil.example.org/a?b=c"),
        ("url", "http://evil.example.org", "evil.example.org/"),
        ("uri", "/gate.php", "/gate.php"),
        ("uri", "http://evil.example.org/gate.php", "evil.example.org/gate.php"),
        ("user-agent", "Mozilla/4.0 (Evil Bot)", "Mozilla/4.0 (Evil Bot)"),
        ("x509-fingerprint-sha1", SHA1.upper(), SHA1.upper()),
        ("x509-fingerprint-sha256", SHA256, SHA256),
        ("ja3-fingerprint-md5", "e7d705a3286e19ea42f587b344ee6865", None),
        ("ja4-fingerprint", JA4, JA4),
    ],
)
def test_attribute_becomes_the_key_of_its_type(type_: str, value: str, key: str | None) -> None:
    """Each type that is seen on the wire."""
    page = json.dumps(event(attribute(type_, value))).encode()

    assert keys("misp", page) == [key or value]


def test_label_and_days_come_from_attribute_and_event() -> None:
    """A galaxy's tag names the family; the last change is the last word of the author."""
    origin = Origin(source=Source("circl"), info="{family} ({category})", reference="circl.lu")
    page = json.dumps(event(attribute("domain", "evil.example.org"))).encode()

    (trail,), _ = parse("misp", page, origin)

    assert trail.info == "emotet (network activity)"
    assert trail.reference == "circl.lu"
    assert trail.source == Source("circl", "2020-10-25", "2020-10-25")


def test_tag_of_the_attribute_wins_and_a_title_stands_in() -> None:
    """The nearest name, and the event's title where no galaxy has one."""
    own = attribute("domain", "a.example.org", Tag=[{"name": 'misp-galaxy:tool="Cobalt Strike"'}])
    origin = Origin(source=Source("x"), info="{family}")
    named = json.dumps(event(own)).encode()
    bare = json.dumps(event(attribute("domain", "a.example.org"), Tag=[])).encode()

    assert [trail.info for trail in parse("misp", named, origin)[0]] == ["cobalt strike"]
    assert [trail.info for trail in parse("misp", bare, origin)[0]] == ["osint - a campaign"]


def test_what_is_not_meant_for_detection_is_passed_over() -> None:
    """Context, deleted attributes and files are no rejects."""
    page = json.dumps(
        event(
            attribute("domain", "a.example.org", to_ids=False),
            attribute("domain", "b.example.org", deleted=True),
            attribute("sha256", SHA256),
            attribute("attachment", "sample.bin", data="QUFB" * 500_000),
            attribute("domain", "c.example.org", to_ids="1"),
        )
    ).encode()

    assert keys("misp", page) == ["c.example.org"]
    assert not parse("misp", page)[1]
    assert skipped("misp", page).total() == 4
    assert keys("misp", page, all=True) == ["a.example.org", "c.example.org"]


@pytest.mark.parametrize(
    "document",
    [
        {"response": [event(attribute("domain", "evil.example.org"))]},
        [event(attribute("domain", "evil.example.org"))],
        {
            "response": {
                "Attribute": [
                    attribute(
                        "domain",
                        "evil.example.org",
                        Event={"info": "OSINT - a campaign", "date": "2020-10-25"},
                    )
                ]
            }
        },
    ],
)
def test_answers_of_a_server_are_read_too(document: object) -> None:
    """Events in a response or a list, and attributes that bring their event along."""
    origin = Origin(source=Source("x"), info="{event}")

    (trail,), rejected = parse("misp", json.dumps(document).encode(), origin)

    assert (trail.key, trail.info) == ("evil.example.org", "osint - a campaign")
    assert not rejected


def test_events_one_after_the_other_are_one_list() -> None:
    """A mirror of a feed, all its events in one file."""
    page = b"".join(
        json.dumps(event(attribute("domain", f"{name}.example.org"))).encode() + b"\n"
        for name in "ab"
    )

    assert keys("misp", page) == ["a.example.org", "b.example.org"]


def test_what_is_no_indicator_is_rejected() -> None:
    """A name that is none, a port that is missing, an attribute without a value."""
    broken = {"type": "domain", "to_ids": True}
    page = json.dumps(
        event(attribute("domain", "two words"), attribute("ip-dst|port", "198.51.100.7"), broken)
    ).encode()

    trails, rejected = parse("misp", page)

    assert not trails
    assert rejected.total() == 3


def test_hashes_of_a_feed_are_told_from_its_manifest() -> None:
    """A value that is only known by its MD5 cannot be looked for."""
    page = b"9f86d081884c7d659a2feaa0c55ad015,a6ef17d6-91cb-4a05-b10b-2f045daf874c\n"

    with pytest.raises(ValueError, match=r"name manifest\.json instead"):
        parse("misp", page)


def test_feed_as_csv_is_read_with_columns() -> None:
    """A server's CSV says in `type` what a value is and in `to_ids` what it is for."""
    page = (
        b"uuid,event_id,category,type,value,comment,to_ids,date\n"
        b'"u1",1,"Network activity","domain","evil.example.org","",1,1603642920\n'
        b'"u2",1,"Network activity","ip-dst","198.51.100.7","",1,1603642920\n'
        b'"u3",1,"Network activity","domain","good.example.org","",0,1603642920\n'
        b'"u4",1,"Payload delivery","md5","d41d8cd98f00b204e9800998ecf8427e","",1,1603642920\n'
    )
    options: dict[str, Any] = {
        "value": "value",
        "type": "type",
        "kinds": {"domain": "domain", "hostname": "domain", "ip-dst": "ip", "url": "url"},
        "where": {"to_ids": ("1",)},
        "last_seen": "date",
    }

    trails, rejected = parse("csv", page, **options)

    assert [trail.key for trail in trails] == ["evil.example.org", "198.51.100.7"]
    assert trails[0].source.last_seen == "2020-10-25"
    assert not rejected


def test_place_that_the_format_has_not_is_an_error() -> None:
    """A label's mistake is told instead of shown in every event."""
    with pytest.raises(ValueError, match=r"no \{famly\}; it has"):
        parse("misp", PAGE, Origin(source=Source("x"), info="{famly}"))
