"""The eleven columns of Maltrail's log."""

import csv

import msgspec
import pytest

from agent.model import Endpoint
from outputs._formats import FORMATS
from tests.outputs.maltrail_reader import read_line
from tests.outputs.samples import AGENT, EVENT, delivery

render = FORMATS["maltrail-line"]


def columns(line: str) -> list[str]:
    """Read a line as Maltrail's own server does, CSV with blanks, and as a strict reader does."""
    (row,) = csv.reader([line], delimiter=" ", strict=True)
    assert row == read_line(line)
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
