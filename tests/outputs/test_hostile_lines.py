"""No event, however hostile, makes a line that a strict reader of its format reads differently."""

import msgspec
import pytest
from hypothesis import given, settings

from agent.config import ConfigError
from agent.model import Delivery, Endpoint, Event
from outputs._fit import fit
from outputs._formats import FORMATS, LEAST
from outputs._header import Facility, Style, header
from tests.outputs import fuzz, syslog_reader
from tests.outputs.expected import judge
from tests.outputs.samples import (
    BAITS,
    EVENT,
    EVENTS,
    FULL,
    always,
    delivery,
    filled,
    hostile_events,
)
from tests.outputs.test_shelf import make

NAMES = sorted(FORMATS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_ordinary_events_read_back_field_by_field(name: str, kind: str) -> None:
    """The readers are no stricter than what we send every day."""
    sent = delivery(EVENTS[kind], seq=7)

    judge(name, FORMATS[name](sent), sent)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", range(len(BAITS)))
def test_a_bait_in_every_text_reads_back(name: str, number: int) -> None:
    """Each bait stands in every field that the wire or a list can fill."""
    sent = delivery(filled(always(BAITS[number])))

    judge(name, FORMATS[name](sent), sent)


@pytest.mark.parametrize("name", NAMES)
def test_ten_samples_of_8_kb_are_cut_and_read_back(name: str) -> None:
    """Nothing that a flood of long values fills makes a line that grows without bound."""
    samples = tuple(f"{number}" + "x" * 8192 for number in range(10))
    sent = delivery(msgspec.structs.replace(FULL, samples=samples))

    judge(name, FORMATS[name](sent), sent)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(event=hostile_events)
def test_hostile_events_read_back_field_by_field(name: str, event: Event) -> None:
    """One line, in the format, with every field as it was cleaned."""
    sent = delivery(event)

    judge(name, FORMATS[name](sent), sent)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("limit", [1200, 2048, 8192])
def test_events_that_were_cut_to_fit_read_back(name: str, limit: int) -> None:
    """Never longer than the limit, always valid, and told as truncated."""
    limit = max(limit, LEAST.get(name, 0))
    made = fuzz.Maker(limit)
    for _ in range(40):
        sent = delivery(made.event())

        data, used = fit(sent, fuzz.encoder(name), limit)

        assert len(data) <= limit
        judge(name, data.decode(), used)
        assert used is sent or "truncated" in used.event.tags


@pytest.mark.parametrize("name", sorted(LEAST))
@pytest.mark.parametrize("kind", ["syslog", "logstash"])
def test_a_size_into_which_no_event_fits_is_refused(kind: str, name: str) -> None:
    """Else every single event would be dropped as too big."""
    told = f"max_bytes: format {name} needs {LEAST[name]} or more, found 1400"
    with pytest.raises(ConfigError, match=told):
        make(kind, address="127.0.0.1:5140", format=name, max_bytes=1400)


@pytest.mark.parametrize("name", NAMES)
def test_an_event_of_baits_always_fits_a_datagram(name: str) -> None:
    """What is sent by default has room for the worst that the wire can make."""
    for bait in BAITS:
        sent = delivery(filled(always(bait * 10)))

        data, used = fit(sent, fuzz.encoder(name), 8192)

        judge(name, data.decode(), used)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("facility", ["user", "local0", "local7"])
@settings(max_examples=20, deadline=None)
@given(event=hostile_events)
def test_headers_stand_before_any_line(name: str, facility: Facility, event: Event) -> None:
    """RFC 5424 and RFC 3164 both end where the line begins."""
    text = FORMATS[name](delivery(event))

    for style, read in (
        ("rfc5424", syslog_reader.read_rfc5424),
        ("rfc3164", syslog_reader.read_rfc3164),
    ):
        message = read((header(event, _style(style), facility) + text).encode())

        assert message.text == text
        assert message.app == "maltrail-agent"
        assert message.severity in (2, 3, 4, 5, 6)


@pytest.mark.parametrize("name", NAMES)
def test_streams_of_hostile_lines_fall_apart_into_them(name: str) -> None:
    """With either framing every message comes out as it went in."""
    made = fuzz.Maker(1)
    sent = [delivery(made.event()) for _ in range(50)]
    messages = [_message(name, each) for each in sent]

    octets = b"".join(b"%d %b" % (len(message), message) for message in messages)
    lines = b"".join(message + b"\n" for message in messages)

    assert syslog_reader.read_octet_counted(octets) == messages
    assert syslog_reader.read_lf_framed(lines) == messages
    bare = b"".join(FORMATS[name](each).encode() + b"\n" for each in sent)
    assert len(syslog_reader.read_lf_framed(bare)) == len(sent)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_event_gives_the_same_line_whether_it_needs_cleaning_or_not(name: str) -> None:
    """A hidden character that is cleaned away leaves the line of the event without it."""
    dirty = msgspec.structs.replace(FULL, info=FULL.info + "\u200b", site="l\x00ab")

    assert FORMATS[name](delivery(dirty)) == FORMATS[name](delivery(FULL))


def test_a_zone_of_an_address_is_left_out_of_cef() -> None:
    """The format's address fields take none; the address itself must not be lost."""
    event = msgspec.structs.replace(EVENT, source=Endpoint("fe80::1%eth0", 1))

    assert "c6a2=fe80::1 " in FORMATS["cef"](delivery(event))


def _style(name: str) -> Style:
    return "rfc5424" if name == "rfc5424" else "rfc3164"


def _message(name: str, sent: Delivery) -> bytes:
    return (header(sent.event, "rfc5424", "local0") + FORMATS[name](sent)).encode()
