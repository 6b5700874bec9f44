"""What an HTTP/2 client says in the clear, built byte by byte: frames and HPACK."""

import struct
from collections.abc import Sequence

from agent.scan.http2 import CODE_LENGTHS, STATIC

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, SETTINGS, CONTINUATION, DATA = 1, 4, 9, 0
END_HEADERS, PADDED, PRIORITY = 4, 8, 0x20

Field = tuple[str, str]


def frame(kind: int, payload: bytes, flags: int = 0, stream: int = 1) -> bytes:
    """Build one frame."""
    return len(payload).to_bytes(3, "big") + struct.pack("!BBI", kind, flags, stream) + payload


def request(
    path: str = "/",
    authority: str = "www.example.com",
    *,
    method: str = "GET",
    fields: Sequence[Field] = (("user-agent", "curl/8"),),
) -> list[Field]:
    """Return the fields of a request."""
    pseudo = [(":method", method), (":scheme", "http")]
    pseudo += [(":path", path)] if path else []
    return [*pseudo, (":authority", authority), *fields]


class Client:
    """Encodes blocks as a client does; `coded` uses Huffman's code, `indexed` fills the table."""

    def __init__(self, *, coded: bool = True, indexed: bool = True) -> None:
        self._coded = coded
        self._indexed = indexed
        self._table: list[Field] = []

    def block(self, fields: Sequence[Field]) -> bytes:
        """Encode a list of fields."""
        return b"".join(self._field(field) for field in fields)

    def _field(self, field: Field) -> bytes:
        known = [*STATIC, *self._table]
        if field in known:
            return number(known.index(field) + 1, 7, 0x80)
        names = [name for name, _ in known]
        index = names.index(field[0]) + 1 if field[0] in names else 0
        head = number(index, 6, 0x40) if self._indexed else number(index, 4, 0)
        name = b"" if index else text(field[0], coded=self._coded)
        if self._indexed:
            self._table.insert(0, field)
        return head + name + text(field[1], coded=self._coded)


def says(*requests: Sequence[Field], client: Client | None = None) -> bytes:
    """Return a connection's first bytes: preface, settings, and the requests."""
    client = client or Client()
    blocks = [client.block(fields) for fields in requests]
    frames = [
        frame(HEADERS, block, END_HEADERS, stream=1 + 2 * place)
        for place, block in enumerate(blocks)
    ]
    return PREFACE + frame(SETTINGS, bytes(6), stream=0) + b"".join(frames)


def number(value: int, bits: int, flags: int) -> bytes:
    """Encode a number, RFC 7541 section 5.1."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([flags | value])
    value -= most
    out = [flags | most]
    while value > 127:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def text(value: str, *, coded: bool) -> bytes:
    """Encode a text, RFC 7541 section 5.2."""
    raw = value.encode("latin-1")
    if not coded:
        return number(len(raw), 7, 0) + raw
    bits = "".join(CODES[byte] for byte in raw)
    bits += "1" * (-len(bits) % 8)
    packed = int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""
    return number(len(packed), 7, 0x80) + packed


def _codes() -> dict[int, str]:
    """Number the codes of RFC 7541 appendix B."""
    codes, code, before = {}, 0, 5
    for size, group in CODE_LENGTHS:
        code <<= size - before
        before = size
        for byte in group:
            codes[byte] = f"{code:0{size}b}"
            code += 1
    return codes


CODES = _codes()
