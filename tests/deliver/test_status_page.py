"""The page as HTML and JSON: everything is told, nothing in it can do anything, it is legible."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.deliver.markup import Markup, element
from agent.deliver.status_document import Status
from agent.deliver.status_page import document, page, policy, style
from tests.deliver.statuses import HOSTILE, STATUS, filled
from tests.outputs.samples import BAITS


class Read(HTMLParser):
    """What a browser finds in a page: elements, attributes and texts."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: set[tuple[str, str]] = set()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(data.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Expect the element that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)


def shape(data: bytes) -> tuple[list[str], set[tuple[str, str]]]:
    """Return what a page is made of, without its texts."""
    read = Read(data)
    assert read.open == []
    return read.elements, read.attributes


def test_the_page_tells_what_the_document_tells() -> None:
    """Answers, outputs, interfaces, lists, what is not read, events, settings."""
    told = " ".join(Read(page(STATUS)).texts)

    for text in (
        *("sensor1.example.org, lab", "412 packets/s", "Fault", "look at it"),
        *("siem (syslog)", "siem.example.com:6514", "not open", "4 s ago", "1,234"),
        *("eth0", "9,000,000", "210", "urlhaus", "90,000", "0123456789ab", "1,500,000 domain"),
        *("TLS hellos whose destination is encrypted (ECH)", "3.0%", "leave the keys out"),
        *("critical (10)", "info (1)", "(www).evil.biz", "[2001:db8::1]:53", "agent-start"),
        *("http.status", "1 settings of this host"),
    ):
        assert text in told, text


def test_json_tells_the_same_to_programs() -> None:
    """It can be read back whole."""
    assert msgspec.json.decode(document(STATUS), type=Status) == STATUS


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    """No script, no picture, no form; links lead to our own pages only."""
    elements, attributes = shape(page(STATUS))

    assert not {"script", "img", "iframe", "form", "input", "link", "object"} & set(elements)
    assert {name for _, name in attributes} == {
        *("lang", "charset", "name", "content", "class", "href", "accesskey", "datetime"),
        *("scope", "data-head"),
    }
    assert re.findall(rb'href="([^"]*)"', page(STATUS)) == [b"/", b"/status.json", b"/metrics"]
    assert not re.search(r"url\(|@import|\$", style())


def test_metrics_that_are_switched_off_are_not_linked() -> None:
    """A link that leads nowhere would look like a fault."""
    off = msgspec.structs.replace(STATUS, settings=())

    assert b"/metrics" not in page(off)


def test_the_policy_allows_the_one_style_sheet_and_nothing_else() -> None:
    """By its hash, which is that of what stands in the page."""
    sheet = page(STATUS).decode().partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()

    assert policy().split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "sandbox",
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_text(text: str) -> None:
    """Wherever they stand, the page is made of the same elements."""
    assert shape(page(filled(text))) == shape(page(filled("x")))


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(BAITS) | st.text(min_size=1, max_size=60))
def test_no_text_changes_what_the_page_is_made_of(text: str) -> None:
    """Whatever a name holds that can be told at all."""
    told = text.encode("utf-8", "replace").decode() or "x"

    assert shape(page(filled(told))) == shape(page(filled("x")))


def test_text_is_escaped_unless_it_was_built_as_markup() -> None:
    """In contents and in attributes."""
    assert element("b", "<i>", Markup("<br>"), class_='"x"') == (
        '<b class="&quot;x&quot;">&lt;i&gt;<br></b>'
    )


# Contrast


def themes() -> dict[str, dict[str, str]]:
    """Return the colours of the light and the dark theme by name."""
    light, dark = style().split("prefers-color-scheme: dark")
    dark = dark.partition("* { box-sizing")[0]
    pattern = r"--([a-z]+): (#[0-9a-f]{6});"
    return {"light": dict(re.findall(pattern, light)), "dark": dict(re.findall(pattern, dark))}


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2), from 1 to 21."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_has_contrast(theme: str) -> None:
    """Ours AAA (1.4.6: 7 to 1), quiet and coloured ones AA (1.4.3: 4.5 to 1), on either ground."""
    colours = themes()[theme]

    for ground in ("page", "sheet"):
        assert contrast(colours["text"], colours[ground]) >= 7
        for name in ("quiet", "link", "good", "warning", "bad", "unknown"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)


def test_the_measure_of_contrast_is_the_known_one() -> None:
    """Black on white is 21 to 1, and this grey the darkest that fails AA."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
