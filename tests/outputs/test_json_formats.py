"""The JSON formats: Maltrail's twelve keys first, ECS as Elasticsearch maps it, always strict."""

import json
from typing import Any

import msgspec
import pytest

from agent.model import Endpoint, Http, Source
from outputs._formats import FORMATS
from tests.outputs.samples import AGENT, EMPTY, EVENT, FULL, RUN_ID, delivery

THEIRS = "timestamp sensor severity src_ip src_port dst_ip dst_port proto type trail info reference"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def strict(line: str) -> dict[str, Any]:
    """Parse a line as JSON; raise ValueError for NaN, raw controls and doubled keys."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("a key twice")
        return dict(pairs)

    assert line.isascii()
    assert line.isprintable()
    document = json.loads(line, parse_constant=_refuse, object_pairs_hook=unique)
    assert isinstance(document, dict)
    return document


def test_the_first_twelve_keys_are_maltrails_own() -> None:
    """A receiver of Maltrail's JSON finds the bytes it is used to."""
    line = FORMATS["maltrail"](delivery())

    assert line.startswith(
        '{"timestamp": 1700000001, "sensor": "sensor1.example.org", "severity": "high", '
        '"src_ip": "10.0.0.5", "src_port": 40000, "dst_ip": "8.8.8.8", "dst_port": 53, '
        '"proto": "UDP", "type": "DNS", "trail": "(www).evil.biz", '
        '"info": "asyncrat (malware)", "reference": "(static)", '
    )


def test_our_keys_follow_with_the_contracts_names() -> None:
    """Everything of the event is there, objects where they apply."""
    document = strict(FORMATS["maltrail"](delivery(FULL, seq=9)))

    assert [*document][:12] == THEIRS.split()
    ours = {key: document[key] for key in [*document][12:]}
    assert ours == {
        "time": "2023-11-14T22:13:21.000007Z",
        "class": "trail-domain",
        "severity_id": 10,
        "indicator": "evil.biz",
        "observed": "www.evil.biz",
        "where": "dns.question",
        "sources": [
            {"name": "static", "first_seen": "", "last_seen": ""},
            {"name": "urlhaus", "first_seen": "2026-01-02", "last_seen": "2026-02-03"},
        ],
        "direction": "outbound",
        "outcome": "answered",
        "event_id": "a" * 32,
        "incident_id": "b" * 32,
        "run_id": RUN_ID,
        "seq": 9,
        "count": 3,
        "total": 7,
        "first": "2023-11-14T22:13:20.000000Z",
        "last": "2023-11-14T22:13:22.500000Z",
        "state": "update",
        "set": "0123456789ab",
        "dns": {
            "question": "www.evil.biz",
            "type": "A",
            "response_code": "NOERROR",
            "answers": ["192.0.2.1"],
        },
        "http": {
            "method": "GET",
            "url": "www.evil.biz/a?b=c",
            "host": "www.evil.biz",
            "user_agent": "curl/8",
        },
        "tls": {
            "server_name": "www.evil.biz",
            "ja3": "d" * 32,
            "ja4": "t13d",
            "certificate_sha256": "ab" * 32,
        },
        "tunnel": {
            "type": "vxlan",
            "id": "42",
            "source": "192.0.2.8",
            "destination": "192.0.2.9",
        },
        "vlan": [10, 20],
        "interface": "eth0",
        "samples": ["www.evil.biz", "mail.evil.biz"],
        "evidence": {"ports": 51, "ratio": 0.5, "note": "x"},
        "community_id": "1:abc=",
        "src_name": "reception",
        "dst_name": "core-resolver",
        "site": "lab",
        "tags": ["dmz"],
    }


def test_what_has_no_port_or_address_says_dash() -> None:
    """Maltrail's rule: a port is a number or "-"; an address that is not there is "-"."""
    document = strict(FORMATS["maltrail"](delivery(AGENT)))

    values = [document[key] for key in ("src_ip", "src_port", "dst_ip", "dst_port", "proto")]
    assert values == ["-"] * 5


def test_the_trail_of_type_port_is_a_number() -> None:
    """Maltrail sends a number there, and mappings rely on it."""
    event = msgspec.structs.replace(EVENT, type="PORT", trail="23")

    assert strict(FORMATS["maltrail"](delivery(event)))["trail"] == 23


def test_numbers_that_json_lacks_become_null() -> None:
    """NaN and infinity would make the line unreadable."""
    event = msgspec.structs.replace(EVENT, evidence={"a": float("nan"), "b": float("inf")})

    assert strict(FORMATS["maltrail"](delivery(event)))["evidence"] == {"a": None, "b": None}


def test_ecs_has_the_fields_that_elastic_expects() -> None:
    """Nested objects, the contract's module and dataset, upper-case hashes, real addresses."""
    document = strict(FORMATS["ecs"](delivery(FULL, seq=9)))

    assert document["@timestamp"] == "2023-11-14T22:13:21.000007Z"
    assert document["event"]["module"] == "maltrail_agent"
    assert document["event"]["dataset"] == document["data_stream"]["dataset"]
    assert document["event"]["kind"] == "alert"
    assert document["event"]["code"] == "trail-domain"
    assert document["event"]["severity"] == 10
    ours = {"address": "10.0.0.5", "ip": "10.0.0.5", "port": 40000, "domain": "reception"}
    assert document["source"] == ours
    assert document["network"]["transport"] == "udp"
    assert document["network"]["vlan"] == {"id": "10"}
    assert document["network"]["inner"] == {"vlan": {"id": "20"}}
    assert document["dns"]["question"] == {"name": "www.evil.biz", "type": "A"}
    assert document["tls"]["server"]["hash"] == {"sha256": "AB" * 32}
    assert document["threat"]["indicator"]["type"] == "domain-name"
    assert document["observer"]["vendor"] == "Maltrail"
    assert document["observer"]["product"] == "maltrail-agent"
    assert document["related"]["ip"] == [
        "10.0.0.5",
        "8.8.8.8",
        "192.0.2.8",
        "192.0.2.9",
        "192.0.2.1",
    ]
    assert document["maltrail"]["tunnel"] == {
        "type": "vxlan",
        "id": "42",
        "source": {"ip": "192.0.2.8"},
        "destination": {"ip": "192.0.2.9"},
    }
    assert document["maltrail"]["seq"] == 9
    assert document["maltrail"]["run_id"] == RUN_ID
    assert document["maltrail"]["evidence"] == {"ports": 51, "ratio": 0.5, "note": "x"}
    assert "host" not in document


@pytest.mark.parametrize(
    ("class_id", "indicator", "expected"),
    [
        ("trail-ip-port", "192.0.2.1:80", {"type": "ipv4-addr", "ip": "192.0.2.1", "port": 80}),
        ("trail-ip-port", "[2001:db8::1]:80", {"type": "ipv6-addr", "ip": "2001:db8::1"}),
        ("trail-ip", "2001:db8::1", {"type": "ipv6-addr", "ip": "2001:db8::1"}),
        ("trail-network", "192.0.2.0/24", {"type": "ipv4-addr", "name": "192.0.2.0/24"}),
        ("trail-url", "evil.biz/a", {"type": "url", "url": {"original": "evil.biz/a"}}),
    ],
)
def test_ecs_types_an_indicator(class_id: str, indicator: str, expected: dict[str, Any]) -> None:
    """The indicator is of a STIX type and its address is one."""
    event = msgspec.structs.replace(EVENT, class_id=class_id, indicator=indicator)

    found = strict(FORMATS["ecs"](delivery(event)))["threat"]["indicator"]

    assert expected.items() <= found.items()


def test_ecs_of_an_agent_event_is_no_alert() -> None:
    """What the agent says of itself claims no rule, no network and no threat."""
    document = strict(FORMATS["ecs"](delivery(AGENT)))

    assert document["event"]["kind"] == "event"
    assert not {"rule", "threat", "source", "network"} & set(document)


@pytest.mark.parametrize("name", ["maltrail", "ecs"])
def test_an_event_with_nothing_in_it_is_still_json(name: str) -> None:
    """No field may be taken for granted."""
    assert strict(FORMATS[name](delivery(EMPTY)))


def test_ecs_leaves_out_an_address_that_is_none() -> None:
    """Elasticsearch would refuse the whole document."""
    event = msgspec.structs.replace(EVENT, source=Endpoint("gateway", 1))

    assert strict(FORMATS["ecs"](delivery(event)))["source"] == {"address": "gateway", "port": 1}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("evil.biz", {"domain": "evil.biz"}),
        ("evil.biz:8080", {"domain": "evil.biz", "port": 8080}),
        ("[2001:db8::1]:80", {"domain": "2001:db8::1", "port": 80}),
        ("[2001:db8::1]", {"domain": "2001:db8::1"}),
        ("2001:db8::1", {"domain": "2001:db8::1"}),
        ("evil.biz:99999", {"domain": "evil.biz:99999"}),
        ("evil.biz:", {"domain": "evil.biz:"}),
    ],
)
def test_ecs_parts_the_port_from_the_host(host: str, expected: dict[str, Any]) -> None:
    """A search for the domain finds it whatever the port was."""
    event = msgspec.structs.replace(FULL, http=Http(method="GET", url="/a", host=host))

    url = strict(FORMATS["ecs"](delivery(event)))["url"]

    assert {key: value for key, value in url.items() if key in ("domain", "port")} == expected


@pytest.mark.parametrize("day", ["2026-13-45", "2026-02-30", "yesterday", "", "0000-00-00"])
def test_ecs_leaves_out_a_day_that_is_none(day: str) -> None:
    """Lists say many things; Elasticsearch would refuse the whole document."""
    event = msgspec.structs.replace(EVENT, sources=(Source("x", day, "2026-02-28"),))

    document = strict(FORMATS["ecs"](delivery(event)))

    assert document["maltrail"]["sources"] == [{"name": "x", "last_seen": "2026-02-28"}]
    assert "first_seen" not in document["threat"]["indicator"]


def test_ecs_names_evidence_so_that_no_field_is_value_and_object() -> None:
    """A dot would make an object of the part before it."""
    event = msgspec.structs.replace(AGENT, evidence={"a": 1, "a.b": 2, "queue full": 3, "": 4})

    evidence = strict(FORMATS["ecs"](delivery(event)))["maltrail"]["evidence"]

    assert evidence == {"a": 1, "a_b": 2, "queue_full": 3, "_": 4}


@pytest.mark.parametrize(
    ("class_id", "kind", "outcome"),
    [
        ("agent-start", ["start"], None),
        ("agent-stop", ["end"], None),
        ("agent-reload", ["change"], None),
        ("agent-heartbeat", ["info"], None),
        ("agent-loss", ["info"], "failure"),
    ],
)
def test_ecs_tells_trouble_of_the_agent_as_a_failure(
    class_id: str, kind: list[str], outcome: str | None
) -> None:
    """The category `host` knows no type `error`."""
    event = msgspec.structs.replace(AGENT, class_id=class_id)

    found = strict(FORMATS["ecs"](delivery(event)))["event"]

    assert (found["category"], found["type"]) == (["host"], kind)
    assert found.get("outcome") == outcome


def test_ecs_tells_the_end_of_trouble_as_a_success() -> None:
    """One incident: it failed, it works."""
    event = msgspec.structs.replace(AGENT, class_id="agent-degraded", state="closed")

    assert strict(FORMATS["ecs"](delivery(event)))["event"]["outcome"] == "success"


@pytest.mark.parametrize("name", ["maltrail", "ecs"])
@pytest.mark.parametrize("text", ["é", 'a "b" \\ c', "\x7f", "\U0001f9a0", "\ud800", "a\nb"])
def test_json_is_ascii_whatever_is_in_it(name: str, text: str) -> None:
    """Receivers guess encodings; nobody guesses ASCII wrong."""
    event = msgspec.structs.replace(FULL, info=text)

    assert FORMATS[name](delivery(event)).isascii()


@pytest.mark.parametrize("name", ["maltrail", "ecs"])
@pytest.mark.parametrize("length", [3999, 4000, 4001, 4002, 8001, 12003])
@pytest.mark.parametrize("before", [0, 1, 100, 3999, 4000])
def test_a_text_is_cut_at_the_limit_wherever_it_stands(name: str, length: int, before: int) -> None:
    """Not one character sooner or later, in a line of any length."""
    event = msgspec.structs.replace(FULL, info="y" * before, site="x" * length)

    document = strict(FORMATS[name](delivery(event)))

    site = document["maltrail"]["site"] if name == "ecs" else document["site"]
    assert site == ("x" * length if length <= 4000 else "x" * 3995 + "[...]")


@pytest.mark.parametrize("name", ["maltrail", "ecs"])
def test_times_beyond_the_calendar_are_the_last_of_it(name: str) -> None:
    """A capture file may claim any time; the event must still be told."""
    event = msgspec.structs.replace(FULL, first_us=2**62)

    assert "9999-12-31T23:59:59.999999Z" in FORMATS[name](delivery(event))
