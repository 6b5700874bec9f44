"""What dnslib makes of the message behind a hit: type, answers, response code.

A hit does not depend on it: a message that dnslib refuses is told by its name alone.
"""

from collections.abc import Iterator
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop

import dnslib
from dnslib.buffer import BufferError as DnsBufferError
from dnslib.dns import DNSError

from agent.model import Dns

MAX_ANSWERS = 10
MAX_OWNERS = 32
"""Records of an update that are looked at, as many as the scanner does."""
UPDATE = 5  # RFC 2136
ONE = b"\0\1"
ADDRESSES = {b"\0\1\0\1": 4, b"\0\34\0\1": 16}
"""Size by type and class: A and AAAA, IN."""
MAX_LABELS = 136
"""Labels of a name, with the pointers between them."""
REFUSED = (DNSError, DnsBufferError, IndexError, ValueError, UnicodeError)
"""What dnslib raises at a message, some of it only when a record is written out."""


@lru_cache(maxsize=1)  # trails and behaviours ask for the same message, one after the other
def details(message: bytes, name: str) -> Dns:
    """Describe a DNS message whose first question is `name`."""
    try:
        record = dnslib.DNSRecord.parse(message)
        kind = _type_name(record.questions[0].qtype)
        response = bool(record.header.qr)
        answers = tuple(str(answer.rdata)[:255] for answer in record.rr[:MAX_ANSWERS])
        code = str(dnslib.RCODE.get(record.header.rcode)) if response else ""
    except REFUSED:
        return Dns(question=name, type="", response=len(message) > 2 and bool(message[2] & 0x80))
    return Dns(question=name, type=kind, response=response, answers=answers, response_code=code)


def updated(message: bytes, zone: str) -> list[str]:
    """Return the names besides its zone that an update is about, each once, in lower case."""
    if len(message) < 12 or message[2] & 0xF8 != UPDATE << 3:
        return []
    places = _Places(message)
    places.skip_question()
    names = dict.fromkeys(places.owners())
    return [name for name in names if name and name != zone]


def addresses(message: bytes) -> list[str] | None:
    """Return the addresses that a message answers with, at most ten.

    None where it answers with something else as well, is cut, or has not one question.
    """
    if len(message) < 12 or message[4:6] != ONE:
        return None
    places = _Places(message)
    places.skip_question()
    return places.addresses()


class _Places:
    """Walks the records of a message, whatever their types; what is cut ends it."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._at = 12

    def skip_question(self) -> None:
        """Step over the zone."""
        _, self._at = self._name(self._at)
        self._at += 4

    def owners(self) -> Iterator[str]:
        """Yield the owner of each prerequisite and each change."""
        head = self._message
        count = int.from_bytes(head[6:8], "big") + int.from_bytes(head[8:10], "big")
        for _ in range(min(count, MAX_OWNERS)):
            name, at = self._name(self._at)
            if at + 10 > len(self._message):
                return
            yield name
            self._at = at + 10 + int.from_bytes(self._message[at + 8 : at + 10], "big")

    def addresses(self) -> list[str] | None:
        """Return the addresses of the records from here on, None where others are among them."""
        message = self._message
        found = []
        for _ in range(min(int.from_bytes(message[6:8], "big"), MAX_ANSWERS)):
            _, at = self._name(self._at)
            size = ADDRESSES.get(message[at : at + 4])
            self._at = at + 10 + (size or 0)
            if size is None or self._at > len(message):
                return None
            if int.from_bytes(message[at + 8 : at + 10], "big") != size:
                return None
            family = AF_INET if size == 4 else AF_INET6
            found.append(inet_ntop(family, message[at + 10 : self._at]))
        return found

    def _name(self, at: int) -> tuple[str, int]:
        """Return the name at a place and the place behind it; pointers are followed, bounded."""
        labels: list[str] = []
        behind = 0
        for _ in range(MAX_LABELS):
            if at >= len(self._message):
                return "", len(self._message)
            size = self._message[at]
            if size == 0:
                return ".".join(labels).lower(), behind or at + 1
            if size >= 192:
                behind = behind or at + 2
                at = int.from_bytes(self._message[at : at + 2], "big") & 0x3FFF
                continue
            label = self._message[at + 1 : at + 1 + size]
            labels.append(label.decode("ascii", "backslashreplace"))
            at += 1 + size
        return "", behind or len(self._message)


def _type_name(number: int) -> str:
    try:
        return str(dnslib.QTYPE[number])
    except DNSError:
        return f"TYPE{number}"  # RFC 3597 section 5
