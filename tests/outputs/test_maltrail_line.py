"""The eleven columns of Maltrail's log."""

import csv

import msgspec
import pytest
from hypothesis import given, settings

from agent.model import Endpoint, Event
from outputs._formats import FORMATS
from outputs._text import clean
from tests.outputs.samples import AGENT, EVENT, delivery, hostile_events

render = FORMATS["maltrail-line"]


def columns(line: str) -> list[str]:
    """Read a line as Maltrail's own server does: CSV with blanks."""
    (row,) = csv.reader([line], delimiter=" ", strict=True)
    return row


def test_a_line_is_as_maltrail_writes_it_in_utc() -> None:
    """The example of the specification, byte by byte."""
    assert render(delivery()) == (
        '"2023-11-14 22:13:21.000007" sensor1.example.org 10.0.0.5 40000 8.8.8.8 53 UDP DNS '
        '(www).evil.biz "asyncrat (malware)" (static)'
    )


def test_nothing_is_a_dash() -> None:
    """Empty text and port 0 are written as a dash."""
    event = msgspec.structs.replace(AGENT, source=Endpoint("10.0.0.1", 0))

    assert columns(render(delivery(event)))[2:7] == ["10.0.0.1", "-", "-", "-", "-"]


@pytest.mark.parametrize("info", ['say "hi"', '"', '" "', "a  b"])
def test_quotes_are_doubled(info: str) -> None:
    """A column with a blank or a quote is quoted as CSV."""
    event = msgspec.structs.replace(EVENT, info=info)

    assert columns(render(delivery(event)))[9] == info


@settings(max_examples=150, deadline=None)
@given(hostile_events)
def test_hostile_values_read_back_column_by_column(event: Event) -> None:
    """Always one line of eleven columns, each as it was cleaned."""
    line = render(delivery(event))

    row = columns(line)
    assert len(row) == 11
    assert "\n" not in line
    texts = (event.trail, event.info, event.reference)
    assert row[8:] == [(clean(text) if text else "-") or "-" for text in texts]
