"""What carries TLS and certificates besides TLS over TCP, built byte by byte for tests."""

import base64
import struct
from collections.abc import Sequence

from tests import packets

SECURITY = 0x0C02


def der(size: int = 600, seed: bytes = b"") -> bytes:
    """Return what looks like a certificate from outside: a DER sequence of that size."""
    return b"\x30\x82" + struct.pack("!H", size - 4) + packets.noise(size - 4, b"der" + seed)


def dtls_record(body: bytes, *, number: int = 0, epoch: int = 0, version: int = 0xFEFD) -> bytes:
    """Put a handshake message into a DTLS record."""
    sequence = struct.pack("!HIH", epoch, 0, number)
    return struct.pack("!BH", 22, version) + sequence + struct.pack("!H", len(body)) + body


def dtls_message(
    message: bytes, *, number: int = 0, offset: int = 0, size: int | None = None
) -> bytes:
    """Return the part of a TLS handshake message that DTLS sends from `offset` on."""
    kind, body = message[:1], message[4:]
    part = body[offset : None if size is None else offset + size]
    header = kind + message[1:4] + struct.pack("!H", number) + offset.to_bytes(3, "big")
    return header + len(part).to_bytes(3, "big") + part


def dtls_hello(message: bytes, cookie: bytes = b"") -> bytes:
    """Return a ClientHello with the cookie that DTLS puts behind the session id."""
    place = 4 + 34 + 1 + message[38]
    body = message[4:place] + bytes([len(cookie)]) + cookie + message[place:]
    return message[:1] + len(body).to_bytes(3, "big") + body


def dtls_hello_datagram(name: str, cookie: bytes = b"") -> bytes:
    """Return a client's first datagram."""
    hello = dtls_hello(packets.client_hello(name), cookie)
    return dtls_record(dtls_message(hello))


def openvpn(
    tls: bytes, number: int, *, signature: int = 0, acknowledged: int = 0, key: int = 0
) -> bytes:
    """Put TLS into a packet of OpenVPN's control channel, signed with `tls-auth` where asked."""
    signed = (
        packets.noise(signature, b"hmac") + struct.pack("!II", number, 99) if signature else b""
    )
    head = bytes([4 << 3 | key]) + b"SESSION1" + signed + bytes([acknowledged])
    head += b"\0\0\0\1" * acknowledged + (b"SESSION2" if acknowledged else b"")
    return head + struct.pack("!I", number) + tls


def tds(tls: bytes, *, kind: int = 0x12) -> bytes:
    """Put TLS into a packet of SQL Server's protocol."""
    return struct.pack("!BBHHBB", kind, 1, 8 + len(tls), 0, 1, 0) + tls


def ike(certificates: Sequence[bytes], *, version: int = 0x20, encoding: int = 4) -> bytes:
    """Build an IKE message with a proposal and certificates, of version 1 (0x10) or 2."""
    certificate = 6 if version == 0x10 else 37
    kinds = [1 if version == 0x10 else 33, *[certificate] * len(certificates), 0]
    bodies = [bytes(8), *(bytes([encoding]) + one for one in certificates)]
    chain = b"".join(
        struct.pack("!BBH", kinds[place + 1], 0, 4 + len(body)) + body
        for place, body in enumerate(bodies)
    )
    head = b"INITIATO" + b"RESPONDE" + bytes([kinds[0], version, 2, 0]) + bytes(4)
    return head + struct.pack("!I", 28 + len(chain)) + chain


def rdp(certificates: Sequence[bytes]) -> bytes:
    """Build an MCS Connect Response with the chain of RDP's standard security."""
    chain = struct.pack("<II", 0x80000002, len(certificates))
    chain += b"".join(struct.pack("<I", len(one)) + one for one in certificates) + bytes(16)
    security = struct.pack("<IIII", 2, 2, 32, len(chain)) + packets.noise(32, b"random") + chain
    blocks = struct.pack("<HHII", 0x0C01, 12, 0x80004, 0)
    blocks += struct.pack("<HH", SECURITY, 4 + len(security)) + security
    user = b"\x00\x05\x00\x14\x7c\x00\x01\x2a\x14\x76\x0a\x01\x01\x00\x01\xc0\x00McDn"
    user += struct.pack("!H", 0x8000 | len(blocks)) + blocks
    response = b"\x7f\x66\x82\x05\x71\x0a\x01\x00\x02\x01\x00\x30\x1a" + bytes(26) + user
    return struct.pack("!BBH", 3, 0, 7 + len(response)) + b"\x02\xf0\x80" + response


def opc(certificate: bytes, policy: bytes = b"http://opcfoundation.org/UA/SecurityPolicy") -> bytes:
    """Build an OpenSecureChannel message of OPC UA, whose body is encrypted."""
    head = struct.pack("<II", 7, len(policy)) + policy
    head += struct.pack("<I", len(certificate)) + certificate + struct.pack("<I", 20) + bytes(20)
    body = packets.noise(256, b"opc")
    return b"OPNF" + struct.pack("<I", 8 + len(head) + len(body)) + head + body


def adat(tls: bytes, *, reply: bool) -> bytes:
    """Put TLS into a line of FTP's AUTH GSSAPI: the client's command, or the server's reply."""
    return (b"335 ADAT=" if reply else b"ADAT ") + base64.b64encode(tls) + b"\r\n"


def proxy(payload: bytes, version: int = 1) -> bytes:
    """Put the PROXY protocol's header in front."""
    if version == 1:
        return b"PROXY TCP4 192.0.2.1 192.0.2.2 50000 443\r\n" + payload
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12) + payload


def socks4(target: str, port: int = 443, user: bytes = b"u") -> bytes:
    """Ask a SOCKS 4 proxy for an address, or a SOCKS 4a proxy for a name."""
    head = struct.pack("!BBH", 4, 1, port)
    if target.replace(".", "").isdigit():
        return head + bytes(map(int, target.split("."))) + user + b"\0"
    return head + b"\0\0\0\1" + user + b"\0" + target.encode() + b"\0"


def socks5(target: str, port: int = 443) -> bytes:
    """Ask a SOCKS 5 proxy for an address or a name."""
    if target.replace(".", "").isdigit():
        return b"\5\1\0\1" + bytes(map(int, target.split("."))) + struct.pack("!H", port)
    return b"\5\1\0\3" + bytes([len(target)]) + target.encode() + struct.pack("!H", port)
