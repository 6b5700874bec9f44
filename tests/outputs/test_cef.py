"""CEF: the mapping of the contract, and no input that a strict reader reads differently."""

import msgspec
import pytest

from agent import __version__
from agent.model import Endpoint
from outputs._cef import Cef
from outputs._text import MARK
from tests.outputs import cef_reader
from tests.outputs.samples import AGENT, EMPTY, EVENT, FULL, RUN_ID, delivery

render = Cef()


def test_an_event_is_mapped_as_the_contract_says() -> None:
    """Every field has its key; custom fields have their labels."""
    parsed = cef_reader.read(render(delivery(FULL, seq=9)))

    assert parsed.header == (
        "0",
        "Maltrail",
        "maltrail-agent",
        __version__,
        "trail-domain",
        "Listed domain seen",
        "10",
    )
    assert parsed.extension == {
        "rt": "1700000001000",
        "start": "1700000000000",
        "end": "1700000002500",
        "cnt": "3",
        "dvchost": "sensor1.example.org",
        "deviceExternalId": "sensor1.example.org",
        "deviceInboundInterface": "eth0",
        "src": "10.0.0.5",
        "spt": "40000",
        "dst": "8.8.8.8",
        "dpt": "53",
        "proto": "UDP",
        "app": "DNS",
        "cat": "DNS",
        "act": "detected",
        "externalId": "a" * 32,
        "cs1": "(www).evil.biz",
        "cs1Label": "trail",
        "cs2": "asyncrat (malware)",
        "cs2Label": "info",
        "cs3": "(static)",
        "cs3Label": "reference",
        "cs4": "dns.question",
        "cs4Label": "matchedIn",
        "cs5": "evil.biz",
        "cs5Label": "indicator",
        "cs6": "b" * 32,
        "cs6Label": "incidentId",
        "cn1": "7",
        "cn1Label": "total",
        "cn2": "9",
        "cn2Label": "seq",
        "flexString1": RUN_ID,
        "flexString1Label": "runId",
        "flexString2": "0123456789ab",
        "flexString2Label": "trailSet",
        "deviceDirection": "1",
        "request": "http://www.evil.biz/a?b=c",
        "requestMethod": "GET",
        "requestClientApplication": "curl/8",
        "shost": "reception",
        "dhost": "www.evil.biz",
        "fileHash": "ab" * 32,
        "msg": (
            "(www).evil.biz: asyncrat (malware); DNS A question NOERROR; "
            "in vxlan 42 from 192.0.2.8 to 192.0.2.9; VLAN 10/20; outbound, answered; "
            "3 of 7 observations, update; ports 51, ratio 0.5, note x"
        ),
    }


def test_ipv6_goes_to_its_own_fields() -> None:
    """The format's src and dst are IPv4 only; ports stay where they are."""
    event = msgspec.structs.replace(
        EVENT, source=Endpoint("2001:db8::1", 0), destination=Endpoint("fe80::1", 53)
    )

    fields = cef_reader.read(render(delivery(event))).extension

    assert fields["c6a2"] == "2001:db8::1"
    assert fields["c6a2Label"] == "Source IPv6 Address"
    assert fields["c6a3"] == "fe80::1"
    assert fields["c6a3Label"] == "Destination IPv6 Address"
    assert fields["spt"] == "0"
    assert "src" not in fields
    assert "dst" not in fields


def test_agent_events_have_no_addresses_and_no_direction() -> None:
    """What does not apply is not there, and the numbers are told in the message."""
    fields = cef_reader.read(render(delivery(AGENT))).extension

    assert not {"src", "dst", "spt", "dpt", "proto", "deviceDirection"} & set(fields)
    assert fields["msg"] == "maltrail-agent is alive; packets 12, drops 0"


def test_all_numbers_of_a_heartbeat_are_told() -> None:
    """They are more than `msg` has room for, and stand where traffic has its indicator."""
    numbers = {f"counter_number_{number}": number for number in range(100)}
    event = msgspec.structs.replace(AGENT, evidence=numbers)

    fields = cef_reader.read(render(delivery(event))).extension

    assert fields["cs5Label"] == "evidence"
    told = dict(part.split(" ") for part in fields["cs5"].split(", "))
    assert told == {key: str(value) for key, value in numbers.items()}
    assert fields["msg"].endswith("[...]")


def test_an_event_with_nothing_in_it_is_still_cef() -> None:
    """Empty values are left out with their labels, never written empty."""
    fields = cef_reader.read(render(delivery(EMPTY))).extension

    assert "cs1" not in fields
    assert "cs1Label" not in fields
    assert "dvchost" not in fields


@pytest.mark.parametrize(
    ("field", "key", "length"), [("sensor", "dvchost", 100), ("trail", "cs1", 4000)]
)
def test_an_over_long_value_is_cut_not_dropped(field: str, key: str, length: int) -> None:
    """The library would drop the whole field without a word."""
    event = msgspec.structs.replace(EVENT, **{field: "x" * 9000})

    value = cef_reader.read(render(delivery(event))).extension[key]

    assert len(value) == length
    assert value.endswith(MARK)


def test_a_field_that_the_library_refuses_is_counted_and_left_out() -> None:
    """An address that is none costs its field, not the event."""
    formatter = Cef()
    event = msgspec.structs.replace(EVENT, source=Endpoint("not:an:address", 1))

    fields = cef_reader.read(formatter(delivery(event))).extension

    assert formatter.errors == 1
    assert "c6a2" not in fields
    assert "c6a2Label" not in fields
    assert fields["dst"] == "8.8.8.8"
