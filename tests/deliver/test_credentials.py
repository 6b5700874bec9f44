"""Credentials that were seen on the wire do not leave the host: in no field and no format."""

import json
import time
import timeit
from collections.abc import Callable, Mapping
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.deliver.credentials import CUT, cut, is_secret, without_credentials
from agent.model import TRAIL_URL, Event, Http
from outputs._formats import FORMATS
from tests.outputs.samples import BAITS, EVENT, FULL, delivery, hostile_events

SECRET = "Zq7xW"  # noqa: S105 - what is looked for
"""What must not be found; short enough to be in no other field by chance."""

PARAMETERS = (
    *("password", "passwd", "user_pwd", "api_key", "apikey", "access_token", "auth", "sid"),
    *("PHPSESSID", "client_secret", "X-Amz-Signature", "sig", "p%61ssword", "login[pass]"),
)

values = st.text(
    st.characters(min_codepoint=33, exclude_characters="&#", exclude_categories=["C", "Z"]),
    max_size=12,
).map(lambda text: text + SECRET + text)

TEMPLATES: Mapping[str, Callable[[str, str], str]] = {
    "parameter": lambda name, value: f"/a?user=x&{name}={value}&z=1",
    "first": lambda name, value: f"/a?{name}={value}",
    "path": lambda name, value: f"/a;{name}={value}",
    "encoded": lambda name, value: f"/r?u={quote(f'http://a/?b=c&{name}={value}', safe='')}&z=1",
    "twice": lambda name, value: f"/r?u={quote(quote(f'http://a/?{name}={value}', safe=''))}",
    "form": lambda name, value: f"a=b&{name}={value}",
    "cookie": lambda name, value: f"Cookie: a=b; {name}={value}",
    "line": lambda name, value: f"tried {name}={value} twice",
}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(TEMPLATES)), st.sampled_from(PARAMETERS), values)
def test_the_value_of_such_a_parameter_is_cut(place: str, name: str, value: str) -> None:
    """Wherever it stands, however it is encoded, whatever else is in it."""
    assert SECRET not in cut(TEMPLATES[place](name, value))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(("password", "apiKey", "access_token", "x-auth")), st.text(max_size=20))
def test_the_value_of_such_a_json_field_is_cut(name: str, around: str) -> None:
    """Quotes, backslashes and blanks in it included; also in JSON inside JSON, also cut off."""
    text = json.dumps({"user": "bob", name: f"{around} {SECRET}{around}", "n": 1})
    nested = json.dumps({"a": "b", "body": text})

    assert SECRET not in cut(text)
    assert SECRET not in cut(nested)
    assert SECRET not in cut(text[: text.index(SECRET) + len(SECRET)])
    assert "bob" in cut(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("http://bob:{}@evil.org/x", f"http://{CUT}@evil.org/x"),
        ("bob:{}@evil.org/x", f"{CUT}@evil.org/x"),
        ("(bob:{}@)evil.org", f"({CUT}@)evil.org"),
        ("/r?u=http%3A%2F%2Fbob%3A{}%40a.org", f"/r?u=http%3A%2F%2F{CUT}%40a.org"),
        ("Authorization: Basic {}", f"Authorization: {CUT}"),
        ("GET / Bearer {} x", f"GET / Bearer {CUT} x"),
        ("X-Api-Key: {}\r\nHost: a", f"X-Api-Key: {CUT}\r\nHost: a"),
        ("<Password>a {} b</Password>", f"<Password>{CUT}</Password>"),
        ('name="password"\r\n\r\n{}\r\n--b', f'name="password"\r\n\r\n{CUT}\r\n--b'),
    ],
)
def test_other_places_of_credentials(text: str, left: str) -> None:
    """What is around them stays."""
    assert cut(text.format(SECRET)) == left


@pytest.mark.parametrize(
    "text",
    [
        "/index.php?id=1&page=2#top",
        "evil.org:8080/path",
        "(www).evil.biz",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
        "[2001:db8::1]:443",
        "basic",
        '{"user": "bob", "n": 1}',
        *(bait for bait in BAITS if "src=" not in bait),
    ],
)
def test_what_holds_no_credential_stays_as_it_is(text: str) -> None:
    """An analyst needs the rest."""
    assert cut(text) == text


@pytest.mark.parametrize("name", PARAMETERS)
def test_names_of_credentials_are_known(name: str) -> None:
    """In any spelling."""
    assert is_secret(name)
    assert is_secret(name.upper().replace("%61", "%41"))


@pytest.mark.parametrize("name", ["id", "page", "q", "user", "name", "", "lang", "side"])
def test_other_names_are_none(name: str) -> None:
    """Whole words where a part would be too common."""
    assert not is_secret(name)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(TEMPLATES)), st.sampled_from(PARAMETERS), values)
def test_no_format_shows_a_credential(place: str, name: str, value: str) -> None:
    """In every field that repeats what was seen."""
    seen = TEMPLATES[place](name, value)
    event = msgspec.structs.replace(
        EVENT,
        class_id=TRAIL_URL,
        where="http.url",
        trail=f"(www).evil.biz({seen})",
        observed=seen,
        http=Http(method="GET", url=f"http://bob:{SECRET}@evil.biz{seen}", host="evil.biz"),
        samples=(seen, "evil.biz/x"),
        evidence={"request": seen, "count": 3},
    )
    left = without_credentials(event)

    for render in FORMATS.values():
        line = render(delivery(left))
        assert SECRET not in line
        assert "evil.biz" in line


@settings(max_examples=100, deadline=None)
@given(hostile_events)
def test_any_event_can_be_cut(event: Event) -> None:
    """And cutting again changes nothing."""
    once = without_credentials(event)

    assert without_credentials(once) == once


def test_an_event_without_credentials_is_handed_on_as_it_is() -> None:
    """Nothing is made anew for the many that have none."""
    assert without_credentials(EVENT) is EVENT
    assert without_credentials(FULL) is FULL


@pytest.mark.parametrize(
    ("unit", "end"),
    [("=", ""), ("%2F", ""), ("x-", ":"), ("name=", "\n"), ('"a":', ""), ("<a ", "")],
)
def test_texts_made_to_be_slow_are_not(unit: str, end: str) -> None:
    """Eight times as long takes about eight times as long, not sixty-four times."""
    few = 1000 // len(unit)
    short, long = unit * few + end, unit * few * 8 + end

    assert _seconds(long) < 24 * max(_seconds(short), 0.0005)


def _seconds(text: str) -> float:
    """Return the least of the seconds of processor time that cutting takes."""
    return min(timeit.repeat(lambda: cut(text), timer=time.process_time, number=1, repeat=15))
