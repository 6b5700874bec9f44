"""What dnslib makes of the message behind a hit: type, answers, response code.

A hit does not depend on it: a message that dnslib refuses is told by its name alone.
"""

import dnslib
from dnslib.dns import DNSError

from agent.model import Dns

MAX_ANSWERS = 10


def details(message: bytes, name: str) -> Dns:
    """Describe a DNS message whose first question is `name`."""
    try:
        record = dnslib.DNSRecord.parse(message)
        kind = _type_name(record.questions[0].qtype)
        response = bool(record.header.qr)
        answers = tuple(str(answer.rdata)[:255] for answer in record.rr[:MAX_ANSWERS])
        code = str(dnslib.RCODE.get(record.header.rcode)) if response else ""
    except (DNSError, IndexError, ValueError, UnicodeError):
        return Dns(question=name, type="", response=len(message) > 2 and bool(message[2] & 0x80))
    return Dns(question=name, type=kind, response=response, answers=answers, response_code=code)


def _type_name(number: int) -> str:
    try:
        return str(dnslib.QTYPE[number])
    except DNSError:
        return f"TYPE{number}"  # RFC 3597 section 5
