"""Cut credentials out of what was seen on the wire: URLs, headers, forms and JSON.

Strategy: names decide (password, token, session, ...), written plainly or percent-encoded, also
inside an encoded URL. A value is cut to the next `&` or blank, whatever is in it: rather too much
than too little. Everything is linear in the text's length.
"""

import re
from urllib.parse import unquote

import msgspec

from agent.model import Event

CUT = "(cut)"

_EQUALS = re.compile(r"=|%(?:25)*3[Dd]")
_PARTS = re.compile(r"([&\s]+)")
_NAME_AT_END = re.compile(r"[\w.\[\]-]*$")
_NAME_LENGTH = 96
"""Characters before a `=` in which the name is looked for."""

_USER = re.compile(r"//[^/\s?#]*@")
_USER_ENCODED = re.compile(r"(%(?:25)*2[Ff]%(?:25)*2[Ff])[^/\s?#]{0,512}(%(?:25)*40)")
_USER_AT_START = re.compile(r"^(\(?)[^/\s?#:@]*:[^/\s?#]*@")
_SCHEME = re.compile(
    r"\b(basic|bearer|digest|negotiate|ntlm|apikey)((?:\s|%20|\+)+)[^\s&,;\"']+", re.IGNORECASE
)
_HEADER = re.compile(
    r"((?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]{0,40}(?:key|token|auth)[\w-]{0,40})(\s*:\s*)[^\r\n]+",
    re.IGNORECASE,
)
_FIELD = re.compile(r"""["']([\w.\[\]-]{1,64})\\*["']\s*:\s*""")
_VALUE = re.compile(
    r"""\\*"(?:[^"\\]|\\.)*(?:"|\\?$)|\\*'(?:[^'\\]|\\.)*(?:'|\\?$)|[^,}\]\s]*""", re.DOTALL
)
_ELEMENT = re.compile(r"<([\w:.-]{1,64})((?:\s[^<>]{0,200})?)>([^<]+)")
_PART = re.compile(r"""(name=["']?([\w.\[\]-]{1,64})["']?[^\r\n]{0,200}\r?\n\r?\n)([^\r\n]*)""")

_WORDS = (
    "pass",
    "pwd",
    "secret",
    "token",
    "auth",
    "session",
    "sessid",
    "credential",
    "apikey",
    "accesskey",
    "privatekey",
    "signature",
    "jwt",
    "cookie",
)
_WHOLE = frozenset(("pw", "pin", "otp", "sid", "sig", "key", "ticket", "sas"))


def without_credentials(event: Event) -> Event:
    """Return the event with nothing of the wire's credentials in it; itself where none are."""
    http = event.http
    if http is not None:
        http = msgspec.structs.replace(
            http, url=cut(http.url), host=cut(http.host), user_agent=cut(http.user_agent)
        )
    elif not event.where.startswith(("http", "proxy")) and not event.samples and not event.evidence:
        return event
    left = msgspec.structs.replace(
        event,
        trail=cut(event.trail),
        observed=cut(event.observed),
        samples=tuple(map(cut, event.samples)),
        evidence={
            key: cut(value) if isinstance(value, str) else value
            for key, value in event.evidence.items()
        },
        http=http,
    )
    return event if left == event else left


def cut(text: str) -> str:
    """Return a text without credentials."""
    if ":" in text or "<" in text or "\n" in text:
        text = _HEADER.sub(_cut_header, text)
        text = _cut_fields(text)
        text = _ELEMENT.sub(_cut_element, text)
        text = _PART.sub(_cut_part, text)
    # Before the users of URLs, as a value may hold an @.
    if "=" in text or "%" in text:
        text = "".join(map(_cut_parameter, _PARTS.split(text)))
    if "%" in text:
        text = _USER_ENCODED.sub(rf"\1{CUT}\2", text)
    if "@" in text:
        text = _USER.sub(f"//{CUT}@", text)
        text = _USER_AT_START.sub(rf"\1{CUT}@", text)
    if " " in text or "+" in text or "%20" in text or "\t" in text:
        text = _SCHEME.sub(rf"\1\2{CUT}", text)
    return text


def is_secret(name: str) -> bool:
    """Tell whether a parameter, field or element of this name holds a credential."""
    for _ in range(3):  # as often as something may be encoded
        name = unquote(name)
    known = _NAME_AT_END.search(name.casefold())
    word = re.sub(r"[\W_]", "", known[0]) if known else ""
    if word in _WHOLE or any(word.endswith(end) for end in ("sid", "sig")):
        return True
    return any(one in word for one in _WORDS)


def _cut_parameter(part: str) -> str:
    """Cut a text without `&` and blanks behind the first name that holds a credential."""
    begin = 0
    for equals in _EQUALS.finditer(part):
        name = part[max(begin, equals.start() - _NAME_LENGTH) : equals.start()]
        if name and is_secret(name):
            return part[: equals.end()] + CUT
        begin = equals.end()
    return part


def _cut_header(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}{CUT}"


def _cut_fields(text: str) -> str:
    """Cut the values of JSON's fields, also where the JSON stands in a string of JSON."""
    kept = []
    at = 0
    for field in _FIELD.finditer(text):
        if field.start() < at or not is_secret(field[1]):
            continue
        value = _VALUE.match(text, field.end())
        kept += [text[at : field.end()], f'"{CUT}"']
        at = value.end() if value else field.end()
    return "".join((*kept, text[at:]))


def _cut_element(match: re.Match[str]) -> str:
    return f"<{match[1]}{match[2]}>{CUT}" if is_secret(match[1]) else match[0]


def _cut_part(match: re.Match[str]) -> str:
    return f"{match[1]}{CUT}" if is_secret(match[2]) else match[0]
