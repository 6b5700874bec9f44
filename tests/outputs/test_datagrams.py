"""syslog and logstash over UDP: headers, addresses, refusals, the size of a datagram."""

import contextlib
import json
import os
import re
import socket

import msgspec
import pytest
from hypothesis import given, settings

import outputs
from agent.config import ConfigError
from agent.link import Flow
from agent.model import Event
from outputs import _address
from outputs._header import header, severity
from tests.outputs import cef_reader
from tests.outputs.receivers import UdpReceiver, closed_port
from tests.outputs.samples import EVENT, FULL, delivery, hostile_events
from tests.outputs.test_shelf import make


def send(receiver: UdpReceiver, kind: str, event: Event = EVENT, **options: object) -> bytes:
    """Send one event and return what arrived."""
    output = make(kind, address=receiver.address, **options)
    output.open()
    output.write((delivery(event),))
    output.close()
    return receiver.next()


def test_syslog_is_rfc5424_with_cef_by_default(receiver: UdpReceiver) -> None:
    """Priority, precise time, host, program, process, class, no structured data, the event."""
    text = send(receiver, "syslog").decode()

    start, message = text[: text.index("CEF:0|")], text[text.index("CEF:0|") :]
    assert start == (
        f"<130>1 2023-11-14T22:13:21.000007Z sensor1.example.org maltrail-agent {os.getpid()} "
        "trail-domain - "
    )
    assert cef_reader.read(message).extension["cs5"] == "evil.biz"


def test_syslog_can_be_rfc3164(receiver: UdpReceiver) -> None:
    """The day is padded with a blank, times are UTC, and the tag keeps CEF from becoming one."""
    event = msgspec.structs.replace(EVENT, time_us=1_700_000_001_000_007 - 6 * 86_400_000_000)

    text = send(receiver, "syslog", event, header="rfc3164", facility="local5").decode()

    host = "sensor1.example.org"
    assert text.startswith(f"<170>Nov  8 22:13:21 {host} maltrail-agent[{os.getpid()}]: CEF:0|")


def test_syslog_can_be_bare(receiver: UdpReceiver) -> None:
    """Nothing stands before the event."""
    assert send(receiver, "syslog", header="bare").startswith(b"CEF:0|")


@pytest.mark.parametrize("name", ["maltrail", "ecs"])
def test_syslog_carries_any_format(receiver: UdpReceiver, name: str) -> None:
    """JSON is a message like any other."""
    text = send(receiver, "syslog", format=name).decode()

    assert json.loads(text[text.index("{") :])


def test_logstash_sends_a_document_without_a_header(receiver: UdpReceiver) -> None:
    """One JSON object a datagram; the default is Maltrail's."""
    assert json.loads(send(receiver, "logstash"))["timestamp"] == 1_700_000_001
    assert json.loads(send(receiver, "logstash", format="ecs"))["ecs"]


def test_severities_are_mapped_and_never_an_emergency() -> None:
    """Info 6, low 5, medium 4, high 3, critical 2."""
    mapped = [severity(value) for value in (0, 1, 3, 6, 8, 10)]

    assert mapped == [6, 6, 5, 4, 3, 2]


@settings(max_examples=200, deadline=None)
@given(hostile_events)
def test_a_hostile_sensor_name_cannot_break_the_header(event: Event) -> None:
    """Seven fields, always, whatever the name holds."""
    text = header(event, "rfc5424", "local0")

    assert re.fullmatch(r"<1\d\d>1 \S{27} \S{1,255} maltrail-agent \d+ \S{1,32} - ", text)
    assert "CEF:" not in text
    assert "|" not in text


@pytest.mark.parametrize(
    ("sensor", "host"),
    [
        ("sensor1.example.org.", "sensor1.example.org"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("a:-b", "a--b"),
        ("", "-"),
    ],
)
def test_the_header_holds_a_name_or_an_address(sensor: str, host: str) -> None:
    """syslog-ng refuses a line whose host has a colon and is no address."""
    text = header(msgspec.structs.replace(EVENT, sensor=sensor), "rfc5424", "local0")

    assert text.split(" ")[2] == host


def test_ipv6_receivers_are_reached() -> None:
    """An address in brackets is connected over IPv6, and told as a flow."""
    receiver = UdpReceiver("::1")
    output = make("syslog", address=receiver.address)

    output.open()
    output.write((delivery(),))

    assert receiver.next().startswith(b"<130>1 ")
    (flow,) = output.flows()
    assert (flow.protocol, flow.remote, flow.remote_port) == ("udp", "::1", receiver.port)
    output.close()
    receiver.close()


def test_a_flow_names_both_ends(receiver: UdpReceiver) -> None:
    """The sensor compares packets with both."""
    output = make("syslog", address=receiver.address)
    output.open()
    output.write((delivery(),))

    _, sender = receiver.socket.recvfrom(9000)

    assert output.flows() == (Flow("udp", "127.0.0.1", sender[1], "127.0.0.1", receiver.port),)
    output.close()


def test_a_closed_port_is_noticed_with_the_first_batch() -> None:
    """Nothing of a batch that nobody took counts as sent."""
    output = make("syslog", address=f"127.0.0.1:{closed_port()}")
    output.open()

    with pytest.raises(ConnectionRefusedError):
        output.write((delivery(),))
    output.close()


def test_the_next_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` is ::1 first on many hosts, while the receiver listens on 127.0.0.1 only."""
    receiver = UdpReceiver("127.0.0.1")
    found = [
        (socket.AF_INET6, socket.SOCK_DGRAM, 17, "", ("::1", receiver.port, 0, 0)),
        (socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("127.0.0.1", receiver.port)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    output = make("syslog", address=f"localhost:{receiver.port}")

    output.open()
    with pytest.raises(ConnectionRefusedError):
        output.write((delivery(),))
    output.open()
    output.write((delivery(),))

    assert receiver.next()
    output.close()
    receiver.close()


def test_an_event_that_is_too_long_is_reduced_and_says_so(receiver: UdpReceiver) -> None:
    """Optional parts go first, then texts are cut; the tag and the counter tell."""
    samples = tuple("x" * 200 for _ in range(10))
    event = msgspec.structs.replace(FULL, samples=samples, observed="y" * 3000, trail="z" * 3000)
    output = make("logstash", address=receiver.address, max_bytes=2000)
    output.open()

    output.write((delivery(event), delivery(EVENT)))

    first = receiver.next()
    document = json.loads(first)
    assert len(first) <= 2000
    assert document["tags"] == ["truncated"]
    assert document["event_id"] == EVENT.event_id
    assert "samples" not in document
    assert "tags" not in json.loads(receiver.next())
    assert output.counts.truncated == 1
    output.close()


def test_what_is_optional_goes_before_texts_are_cut(receiver: UdpReceiver) -> None:
    """When leaving out samples is enough, nothing else is touched."""
    samples = tuple("x" * 400 for _ in range(10))
    event = msgspec.structs.replace(FULL, samples=samples)

    document = json.loads(send(receiver, "logstash", event, max_bytes=4000))

    assert document["tags"] == ["dmz", "truncated"]
    assert document["evidence"]
    assert document["http"]


def test_an_event_that_never_fits_is_rejected_and_the_others_are_sent(
    receiver: UdpReceiver,
) -> None:
    """It would be tried for ever otherwise."""
    endless = msgspec.structs.replace(EVENT, incident_id="漢" * 4000, event_id="漢" * 4000)
    output = make("logstash", address=receiver.address)
    output.open()

    with pytest.raises(outputs.Rejected) as caught:
        output.write((delivery(), delivery(endless), delivery()))

    assert caught.value.indexes == (1,)
    assert caught.value.reason == "too-big"
    assert receiver.next()
    assert receiver.next()
    assert receiver.is_empty()
    output.close()


@settings(max_examples=100, deadline=None)
@given(hostile_events)
def test_every_event_fits_the_smallest_datagram(event: Event) -> None:
    """Nothing that the wire can hold makes an event that cannot be sent, in any format."""
    with contextlib.closing(UdpReceiver()) as receiver:
        for kind, name in (("syslog", "cef"), ("syslog", "ecs"), ("logstash", "maltrail")):
            output = make(kind, address=receiver.address, format=name, max_bytes=4096)
            with contextlib.closing(output):
                output.open()
                output.write((delivery(event),))
            assert len(receiver.next()) <= 4096


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("siem.example.org:6514", ("siem.example.org", 6514)),
        ("siem.example.org", ("siem.example.org", 514)),
        ("192.0.2.1:514", ("192.0.2.1", 514)),
        ("[2001:db8::1]:6514", ("2001:db8::1", 6514)),
        ("[2001:db8::1]", ("2001:db8::1", 514)),
        ("2001:db8::1", ("2001:db8::1", 514)),
        ("[fe80::1%eth0]:514", ("fe80::1%eth0", 514)),
    ],
)
def test_addresses_are_read_as_people_write_them(text: str, expected: tuple[str, int]) -> None:
    """Names, IPv4, IPv6 with and without brackets, with and without a port."""
    assert expected == _address.parse(text, 514)


@pytest.mark.parametrize(
    "text", ["", "host:", "host:0", "host:70000", "a b:5", "http://x:80", ":5"]
)
def test_an_address_that_is_none_is_refused(text: str) -> None:
    """The message says what was expected."""
    with pytest.raises(ValueError, match="expected host:port"):
        _address.parse(text, 514)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("syslog", {"adress": "x:1"}, "outputs.x: adress: unknown key; did you mean 'address'?"),
        ("syslog", {"address": "x:99999"}, "outputs.x.address: expected host:port"),
        ("syslog", {"address": "x", "max_bytes": 100}, "max_bytes: expected 1200 to 65507"),
        ("syslog", {"address": "x", "rate": 0}, "rate: expected 1 to"),
        ("logstash", {"address": "x"}, "outputs.x.address: expected host:port"),
        ("logstash", {"address": "x:1", "format": "cef"}, "format: invalid enum value"),
        ("file", {"path": "events.log"}, "path: expected an absolute path"),
        (
            "syslogg",
            {},
            "outputs.x.type: outputs: no 'syslogg'; did you mean 'syslog'? there are: file, kafka",
        ),
    ],
)
def test_a_wrong_setting_is_named(kind: str, options: dict[str, object], message: str) -> None:
    """One line with the key, what was expected, and a hint."""
    with pytest.raises(ConfigError) as caught:
        make(kind, **options)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
