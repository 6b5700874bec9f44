"""pcapng files of several link types, snap lengths or byte orders, which libpcap gives up.

https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html; sections are those of this draft.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MAX_BLOCK = 16 << 20
"""Bytes of one block, as in libpcap: more is no packet."""
MAX_INTERFACES = 65_536
"""Of one section: an obsolete packet block cannot name more."""
MAGIC = b"\x0a\x0d\x0d\x0a"
"""How a file begins, in either byte order."""

_INTERFACE, _OBSOLETE, _SIMPLE, _PACKET = 1, 2, 3, 6
_BYTE_ORDER = 0x1A2B3C4D
_NO_LENGTH = 12  # type and both lengths
_END, _RESOLUTION, _OFFSET = 0, 9, 14  # options, section 3.5 and 4.2
_MICROSECONDS = 1_000_000
_LINKS = {100: 11, 101: 12, 246: 18}
"""Link types whose number in memory (DLT_*) differs from the one in a file (LINKTYPE_*)."""


class Torn(Exception):  # noqa: N818 - a state of the file rather than a fault
    """A file that breaks off; the text is the reason."""


class Packet(NamedTuple):
    """One packet: libpcap's link type, microseconds since 1970, its bytes as far as captured."""

    link: int
    time_us: int
    data: bytes


class _Interface(NamedTuple):
    """`units` a second, from `offset` seconds after 1970 on."""

    link: int
    snaplen: int
    units: int
    offset: int

    def time_us(self, high: int, low: int) -> int:
        """Return the time of a packet in microseconds."""
        return (high << 32 | low) * _MICROSECONDS // self.units + self.offset * _MICROSECONDS


def read(file: BinaryIO) -> Iterator[Packet]:
    """Yield all packets of all sections in order; raise Torn where the file breaks off.

    A simple packet block has no time: 0.
    """
    order = "<"
    interfaces: list[_Interface] = []
    while head := file.read(8):
        if len(head) < 8:
            raise Torn("a block is cut short")
        if head.startswith(MAGIC):
            order = _section(head, file)
            interfaces = []
            continue
        kind, length = struct.unpack(f"{order}II", head)
        body = _body(file, length)
        if kind == _INTERFACE:
            if len(interfaces) >= MAX_INTERFACES:
                raise Torn(f"a section of more than {MAX_INTERFACES} interfaces")
            interfaces.append(_interface(order, body))
        elif kind in (_PACKET, _OBSOLETE, _SIMPLE):
            yield _packet(order, kind, body, interfaces)


def _section(head: bytes, file: BinaryIO) -> str:
    """Read the rest of a section header and return the section's byte order; section 4.1."""
    magic = file.read(4)
    for order in "<>":
        if magic == struct.pack(f"{order}I", _BYTE_ORDER):
            (length,) = struct.unpack(f"{order}I", head[4:])
            body = _body(file, length - 4)
            if len(body) < 12:
                raise Torn("a section header is cut short")
            major, minor = struct.unpack(f"{order}HH", body[:4])
            if major != 1:
                raise Torn(f"a section of version {major}.{minor}, expected 1")
            return order
    raise Torn("a section header without a byte order")


def _body(file: BinaryIO, length: int) -> bytes:
    """Return what stands between the two lengths of a block whose header was read."""
    if length < _NO_LENGTH or length > MAX_BLOCK or length % 4:
        raise Torn(f"a block of {length} bytes")
    body = file.read(length - 8)
    if len(body) < length - 8:
        raise Torn("a block is cut short")
    return body[:-4]


def _interface(order: str, body: bytes) -> _Interface:
    """Read an interface description, section 4.2."""
    if len(body) < 8:
        raise Torn("an interface description is cut short")
    link, _, snaplen = struct.unpack(f"{order}HHI", body[:8])
    units, offset = _MICROSECONDS, 0
    at = 8
    while at + 4 <= len(body):
        code, size = struct.unpack_from(f"{order}HH", body, at)
        value = body[at + 4 : at + 4 + size]
        if code == _END:
            break
        if code == _RESOLUTION and len(value) == 1:
            power = value[0] & 0x7F
            units = 1 << power if value[0] & 0x80 else 10**power
        elif code == _OFFSET and len(value) == 8:
            (offset,) = struct.unpack(f"{order}q", value)
        at += 4 + (size + 3) // 4 * 4
    return _Interface(_LINKS.get(link, link), snaplen, units, offset)


def _packet(order: str, kind: int, body: bytes, interfaces: list[_Interface]) -> Packet:
    """Read a packet block of any of the three kinds, sections 4.3, 4.4 and A."""
    try:
        if kind == _SIMPLE:
            number, start = 0, 4
            high = low = 0
            (size,) = struct.unpack_from(f"{order}I", body)
        else:
            start = 20
            name = "I" if kind == _PACKET else "Hxx"
            number, high, low, size, _ = struct.unpack_from(f"{order}{name}IIII", body)
    except struct.error as error:
        raise Torn("a packet block is cut short") from error
    if number >= len(interfaces):
        raise Torn(f"a packet of interface {number}, which nothing describes")
    interface = interfaces[number]
    if kind == _SIMPLE:
        size = min(size, interface.snaplen or size, len(body) - start)
        return Packet(interface.link, 0, body[start : start + size])
    if size > len(body) - start:
        raise Torn(f"a packet of {size} bytes in a block of {len(body) - start}")
    return Packet(interface.link, interface.time_us(high, low), body[start : start + size])
