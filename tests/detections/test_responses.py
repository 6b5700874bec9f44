"""Responses that tell of trouble (H-12), without the faults D-54 found in Maltrail's."""

import pytest

from agent.detections.http_response import Config, Detection
from tests import packets
from tests.detections.seen import response

DETECTION = Detection(Config())


def judge(body: bytes = b"", **headers: str) -> tuple[str, str]:
    """Return trail and info of a response, empty for none."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    finding = DETECTION.examine(response(packets.http_response(body, headers=named)))
    return (finding.trail, finding.info) if finding else ("", "")


@pytest.mark.parametrize(
    ("headers", "body", "trail"),
    [
        ({"Server": "sinkhole"}, b"", "Server: sinkhole"),
        ({"X-Sinkhole": "malware"}, b"", "X-Sinkhole:"),
        ({"Set_Cookie": "snkz=1"}, b"", "Set-Cookie: snkz="),
        ({}, b"<html>This is a sinkhole", "This is a sinkhole"),
        ({}, b"Sinkholed by someone", "Sinkholed by"),
    ],
)
def test_sinkholes_are_told(headers: dict[str, str], body: bytes, trail: str) -> None:
    """By header or text."""
    assert judge(body, **headers) == (trail, "sinkhole response (malware)")


@pytest.mark.parametrize(
    "title", [b"<title>This domain name has been seized by", b"<TITLE>DOMAIN SEIZED"]
)
def test_seized_domains_are_told(title: bytes) -> None:
    """By the title of the page, in any case."""
    assert judge(title + b"</title>")[1] == "seized domain (suspicious)"
    assert judge(b"<p>Domain Seized</p>") == ("", "")


@pytest.mark.parametrize("value", ["application/x-sh", "Application/X-SH; charset=utf-8"])
def test_script_types_are_told(value: str) -> None:
    """With or without parameters."""
    assert judge(Content_Type=value) == ("application/x-sh", "content type (suspicious)")


def test_ordinary_responses_are_not_told() -> None:
    """A type in the text is none in the head."""
    assert judge(b"Content-Type: application/x-sh", Content_Type="text/html") == ("", "")
    assert judge(b"x", Server="nginx") == ("", "")
