"""The status page: one document for people at `/`, and the same for programs at `/status.json`.

No script, no picture, nothing from elsewhere: the content security policy allows the one style
sheet by its hash and nothing else. The page does not reload itself: that would move a reader's
place, and close what was opened.
"""

import base64
import hashlib
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from string import Template
from typing import NamedTuple

import msgspec

from agent.deliver.entry import severity_word
from agent.deliver.http import Answer as HttpAnswer
from agent.deliver.http import Page
from agent.deliver.markup import Markup, element, joined
from agent.deliver.status import Board
from agent.deliver.status_document import Level, Setting, Status, Told
from agent.deliver.status_judge import age

HTML = "text/html; charset=utf-8"
JSON = "application/json"

WORDS: dict[Level, str] = {"good": "Good", "warning": "Look", "bad": "Fault", "unknown": "Unknown"}
"""What a level is called: colour and shape never say it alone."""

SUMMARY: dict[Level, str] = {
    "good": "all is well",
    "warning": "something needs a look",
    "bad": "something does not work",
    "unknown": "not all is known yet",
}

NONE = "-"


class _Column(NamedTuple):
    head: str
    kind: str = ""  # a class of the style sheet


def status_pages(board: Board) -> dict[str, Page]:
    """Return what is served of the status."""

    def status() -> Status:
        return board.status(time.monotonic(), time.time())

    return {
        "/": Page(lambda: HttpAnswer(page(status()), HTML, policy=policy()), is_for_people=True),
        "/status.json": Page(lambda: HttpAnswer(document(status()), JSON), is_for_people=True),
    }


def document(status: Status) -> bytes:
    """Return the status as JSON."""
    return msgspec.json.format(msgspec.json.encode(status), indent=1) + b"\n"


@cache
def style() -> str:
    """Return the style sheet."""
    return Path(__file__).with_name("status.css").read_text(encoding="utf-8")


@cache
def policy() -> str:
    """Return the content security policy (CSP level 3): the style sheet, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
    )


@cache
def _template() -> Template:
    return Template(Path(__file__).with_name("status.html").read_text(encoding="utf-8"))


def page(status: Status) -> bytes:
    """Return the status as HTML."""
    parts = (
        _header(status),
        element("main", *_sections(status)),
        _footer(status),
    )
    title = f"{SUMMARY[status.level]}: {status.sensor}"
    filled = _template().substitute(title=joined([title]), style=style(), body=joined(parts))
    return filled.encode()


def _header(status: Status) -> Markup:
    site = f"{status.sensor}, {status.site}" if status.site else status.sensor
    return element(
        "header",
        element("h1", site),
        _level(status.level, SUMMARY[status.level]),
        element(
            "p", _moment(status.time), " UTC · ", element("a", "Reload", href="/", accesskey="r")
        ),
    )


def _sections(status: Status) -> list[Markup]:
    return [
        _answers(status),
        *([_troubles(status)] if status.troubles else []),
        _section("Outputs", _outputs(status)),
        _section("Traffic", _interfaces(status)),
        _section("Trails and lists", _trails(status), _lists(status)),
        _section("Not read", _missed(status)),
        _section("Last detections", _detections(status)),
        _section("The agent about itself", _notices(status)),
        _section("Configuration", _settings(status)),
    ]


def _footer(status: Status) -> Markup:
    links = [element("a", "The same for programs", href="/status.json")]
    if any(one.key == "http.metrics" and one.value == "true" for one in status.settings):
        links += [Markup(" · "), element("a", "Metrics", href="/metrics")]
    return element("footer", *links)


def _section(head: str, *content: str) -> Markup:
    return element("section", element("h2", head), element("div", *content, class_="sheet"))


def _answers(status: Status) -> Markup:
    rows = []
    for answer in status.answers:
        remedy = element("small", answer.remedy) if answer.remedy else ""
        told = element("dd", answer.text, remedy)
        level = element("dd", _level(answer.level, WORDS[answer.level]))
        rows.append(element("div", element("dt", answer.question), level, told))
    return element("dl", *rows, class_="answers")


def _troubles(status: Status) -> Markup:
    lines = (
        element("li", f"{told.info} (for {age(status.time - told.time)})")
        for told in status.troubles
    )
    return _section("What does not work now", element("ul", *lines))


def _outputs(status: Status) -> Markup:
    columns = (
        *(_Column("Output"), _Column("To", "wide"), _Column("State")),
        *(_Column("Last taken"), _Column("Sent", "number"), _Column("Waiting", "number")),
        *(_Column("Lost", "number"), _Column("Journal")),
    )
    rows = []
    for one in status.outputs:
        state = _level("good", "open") if one.is_connected else _level("bad", "not open")
        error = f" ({one.last_error})" if one.last_error and not one.is_connected else ""
        waits = f" for {age(status.time - one.oldest)}" if one.oldest else ""
        lost = ", ".join(f"{count:,} {reason}" for reason, count in one.lost.items())
        rows.append(
            [
                *(f"{one.name} ({one.type})", one.to, joined([state, error])),
                *(_ago(status.time, one.last_success), f"{one.sent:,}"),
                *(f"{one.waiting:,}{waits}", lost or "0", one.journal),
            ]
        )
    return _table(columns, rows, "No output is configured: events are counted and forgotten.")


def _interfaces(status: Status) -> Markup:
    columns = (
        *(_Column("Interface"), _Column("State"), _Column("Packets", "number")),
        *(
            _Column("Dropped by the kernel", "number"),
            _Column("Dropped by the interface", "number"),
        ),
        _Column("Left out under load", "number"),
    )
    rows = []
    for one in status.traffic.interfaces:
        state = _level("good", "open") if one.is_open else _level("bad", "not open")
        shed = f"{one.shed:,}" + (f" (level {one.shed_level})" if one.shed_level else "")
        rows.append(
            [
                *(one.name, state, f"{one.packets:,}", f"{one.dropped_kernel:,}"),
                *(f"{one.dropped_interface:,}", shed),
            ]
        )
    return _table(columns, rows, "Nothing is captured.")


def _trails(status: Status) -> Markup:
    found = status.detection
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.trails.items() if count)
    built = f"built {_ago(status.time, found.built)}" if found.built else ""
    parts = [f"Set {found.set}" if found.set else "No trail set", built, kinds]
    parts.append(f"{found.own_trails:,} own trails")
    parts.append(f"{'compiled' if found.is_compiled else 'plain'} scanner")
    told = "; ".join(filter(None, parts)) + "."
    updates = status.updates
    if updates.ended:
        told += f" The last update ended {_ago(status.time, updates.ended)}: {updates.status}"
        told += f", {updates.reason}." if updates.reason else "."
    return element("p", told)


def _lists(status: Status) -> Markup:
    columns = (
        *(_Column("List"), _Column("State"), _Column("Last good"), _Column("Trails", "number")),
        _Column("Why", "wide"),
    )
    rows = []
    for one in status.updates.lists:
        state = _level("warning", "failing") if one.failing else _level("good", "good")
        good = _ago(status.time, one.last_success)
        rows.append([one.name, state, good, f"{one.trails:,}", one.error])
    return _table(columns, rows, "No update has run yet.")


def _missed(status: Status) -> Markup:
    columns = (
        *(_Column("What"), _Column("How often", "number"), _Column("Share", "number")),
        _Column("What can be done", "wide"),
    )
    rows = [
        [one.what, f"{one.number:,}", f"{one.number / one.of:.1%}" if one.of else NONE, one.remedy]
        for one in status.coverage.missed
    ]
    return _table(columns, rows, "Nothing of what was captured stayed unread.")


def _detections(status: Status) -> Markup:
    columns = (
        *(_Column("When (UTC)", "when"), _Column("Severity", "when"), _Column("What", "word")),
        *(_Column("Trail", "wide"), _Column("Info", "word"), _Column("From", "address")),
        *(_Column("To", "address"), _Column("In all", "number")),
    )
    rows = [
        [
            *(_moment(told.time), _severity(told), told.class_id, told.trail, told.info),
            *(told.source, told.destination, f"{told.total:,}"),
        ]
        for told in status.detections
    ]
    return _table(columns, rows, "Nothing was detected since deliver started.")


def _notices(status: Status) -> Markup:
    columns = (_Column("When (UTC)", "when"), _Column("Class"), _Column("What", "wide"))
    rows = [[_moment(told.time), told.class_id, told.info] for told in status.notices]
    return _table(columns, rows, "Nothing yet.")


def _settings(status: Status) -> Markup:
    changed = [one for one in status.settings if not one.is_default]
    defaults = [one for one in status.settings if one.is_default]
    return joined(
        (
            _details(f"{len(changed)} settings of this host", changed),
            _details(f"{len(defaults)} settings with their default", defaults),
        )
    )


def _details(head: str, settings: Sequence[Setting]) -> Markup:
    rows = [[one.key, one.value] for one in settings]
    table = _table((_Column("Key"), _Column("Value", "wide")), rows, "None.")
    return element("details", element("summary", head), table)


def _table(columns: Sequence[_Column], rows: Sequence[Sequence[str]], nothing: str) -> Markup:
    """Return a table; where it has no rows, what that means."""
    if not rows:
        return element("p", nothing, class_="none")
    heads = (
        element("th", column.head, scope="col", class_=column.kind)
        if column.kind
        else element("th", column.head, scope="col")
        for column in columns
    )
    lines = (
        element("tr", *(_cell(one, text) for one, text in zip(columns, row, strict=True)))
        for row in rows
    )
    head = element("thead", element("tr", *heads))
    return element("table", head, element("tbody", *lines))


def _cell(column: _Column, text: str) -> Markup:
    told = element("span", text) if text else ""
    attributes = {"data_head": column.head} | ({"class_": column.kind} if column.kind else {})
    return element("td", told, **attributes)


def _level(level: Level, text: str) -> Markup:
    return element("span", text, class_=f"level {level}")


def _severity(told: Told) -> str:
    return f"{severity_word(told.severity_id)} ({told.severity_id})"


def _moment(at: float) -> Markup:
    """Return a time for people, and exactly for programs."""
    moment = time.gmtime(at)
    exact = time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)
    return element("time", time.strftime("%Y-%m-%d %H:%M:%S", moment), datetime=exact)


def _ago(now: float, at: float) -> str:
    return f"{age(now - at)} ago" if at else "never"
