"""Read syslog: frames of a stream (RFC 6587) and headers (RFC 5424, RFC 3164), strictly."""

import re
from datetime import datetime
from typing import NamedTuple

MAX_FRAME = 1 << 20

# RFC 5424 section 6: PRI without leading zeros, version 1, printable ASCII fields of these lengths.
_RFC5424 = re.compile(
    rb"<(0|[1-9]\d{0,2})>1 "
    rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)) "
    rb"([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) - (.*)",
    re.DOTALL,
)
# RFC 3164 section 4.1: the day is padded with a blank, the tag has at most 32 characters.
_RFC3164 = re.compile(
    rb"<(0|[1-9]\d{0,2})>"
    rb"((?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (?: [1-9]|[12]\d|3[01]) "
    rb"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d) "
    rb"([!-~]{1,255}) ([A-Za-z0-9-]{1,32})\[(\d+)\]: (.*)",
    re.DOTALL,
)


class SyslogError(ValueError):
    """The bytes are no syslog."""


class Message(NamedTuple):
    """A message: facility, severity, time as it was written, fields of the header, and the text."""

    facility: int
    severity: int
    time: str
    host: str
    app: str
    message_id: str
    text: str


def read_rfc5424(data: bytes) -> Message:
    """Read one message without structured data and byte order mark; raise SyslogError."""
    found = _RFC5424.fullmatch(data)
    if not found:
        raise SyslogError(f"no RFC 5424: {data[:120]!r}")
    priority, time, host, app, _, message_id, text = found.groups()
    datetime.fromisoformat(time.decode())
    return _message(priority, time, host, app, message_id.decode(), text)


def read_rfc3164(data: bytes) -> Message:
    """Read one message; raise SyslogError."""
    found = _RFC3164.fullmatch(data)
    if not found:
        raise SyslogError(f"no RFC 3164: {data[:120]!r}")
    priority, time, host, app, _, text = found.groups()
    return _message(priority, time, host, app, "", text)


def _message(
    priority: bytes, time: bytes, host: bytes, app: bytes, message_id: str, text: bytes
) -> Message:
    number = int(priority)
    if number > 191:
        raise SyslogError(f"PRI {number}")
    if b"|" in host or b"CEF:" in host + app:
        raise SyslogError("a CEF codec would end the header early")
    if text.startswith(b"\xef\xbb\xbf") or b"\n" in text or b"\x00" in text:
        raise SyslogError("a byte order mark, a line feed or NUL in the text")
    return Message(
        number // 8,
        number % 8,
        time.decode(),
        host.decode(),
        app.decode(),
        message_id,
        text.decode("utf-8", "strict"),
    )


def read_octet_counted(stream: bytes) -> list[bytes]:
    """Return the messages of a stream of `LENGTH SP MESSAGE`; raise SyslogError."""
    messages = []
    while stream:
        found = re.match(rb"([1-9]\d*) ", stream)
        if not found or int(found[1]) > MAX_FRAME:
            raise SyslogError(f"no length: {stream[:40]!r}")
        end = found.end() + int(found[1])
        if end > len(stream):
            raise SyslogError("the last frame is torn")
        messages.append(stream[found.end() : end])
        stream = stream[end:]
    return messages


def read_lf_framed(stream: bytes) -> list[bytes]:
    """Return the messages of a stream of lines; raise SyslogError."""
    if stream and not stream.endswith(b"\n"):
        raise SyslogError("the last line is torn")
    lines = stream.split(b"\n")[:-1]
    if any(line[:1].isdigit() for line in lines):
        raise SyslogError("a line that a receiver takes for an octet count")
    return lines
