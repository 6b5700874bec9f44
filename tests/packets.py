"""Packets and capture files for tests, demo and benchmarks, built byte by byte.

Layers are functions from bytes to bytes, written inside out:
`ethernet(ipv4("192.0.2.1", "192.0.2.2", TCP, tcp(1024, 80, flags=SYN)))`. Below them are short cuts
for whole frames (`tcp_frame`, `udp_frame`, `icmp_frame`) that choose IPv4 or IPv6 by the address.
Lengths are right, and so are checksums, unless a caller asks for something else.
"""

import hashlib
import ipaddress
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from agent.model import PacketBatch

NULL, ETHERNET, PPP, RAW, LOOP, SLL, SLL2 = 0, 1, 9, 12, 108, 113, 276
"""Link types as libpcap calls them after opening (DLT_*)."""

_DLT_TO_FILE = {RAW: 101}
"""Link types whose number in a file (LINKTYPE_*) differs from the one in memory."""

IPV4, IPV6, ARP, VLAN, QINQ, MPLS = 0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8, 0x8847
PPPOE_DISCOVERY, PPPOE_SESSION = 0x8863, 0x8864

HOP_BY_HOP, ICMP, IPIP, TCP, UDP = 0, 1, 4, 6, 17
SIX_IN_FOUR, ROUTING, FRAGMENT, GRE, ICMPV6, DESTINATION_OPTIONS = 41, 43, 44, 47, 58, 60

FIN, SYN, RST, PSH, ACK, URG = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, HTTPS = 1, 2, 5, 6, 12, 15, 16, 28, 33, 65

START_US = 1_700_000_000_000_000
"""Time of the first packet where a test does not care: 2023-11-14 22:13:20 UTC."""

Timed = tuple[int, bytes]
"""A packet as capture writers take it: microseconds since 1970, bytes."""

CLIENT, SERVER = "192.168.1.10", "203.0.113.80"

_CLIENT_MAC, _SERVER_MAC = bytes.fromhex("02000000000a"), bytes.fromhex("020000000001")
_GREASE = 0x8A8A  # one of the sixteen values of RFC 8701 that browsers mix in
_CIPHERS = (
    0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x009C,
    0x009D, 0x002F, 0x0035,
)  # fmt: skip
_SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)


# --- link layers ------------------------------------------------------------------------------


def ethernet(
    payload: bytes,
    ethertype: int | None = None,
    *,
    vlans: Sequence[int] = (),
    tag: int = VLAN,
    source: bytes = _CLIENT_MAC,
    destination: bytes = _SERVER_MAC,
) -> bytes:
    """Put `payload` into an Ethernet frame; without `ethertype` by its IP version.

    `vlans` are tags, outermost first; the outermost of several has the EtherType `tag`.
    """
    kind = _ethertype(payload) if ethertype is None else ethertype
    for index in range(len(vlans) - 1, -1, -1):
        payload, kind = (
            struct.pack("!HH", vlans[index], kind) + payload,
            tag if index == 0 else VLAN,
        )
    return destination + source + struct.pack("!H", kind) + payload


def pppoe(payload: bytes, *, session: int = 1, protocol: int | None = None) -> bytes:
    """Put `payload` into a PPPoE session packet, to go below `ethernet(..., PPPOE_SESSION)`."""
    inner = ppp(payload, protocol=protocol)[2:]
    return struct.pack("!BBHH", 0x11, 0, session, len(inner)) + inner


def ppp(payload: bytes, *, protocol: int | None = None) -> bytes:
    """Put `payload` below a PPP header with address and control bytes (link type PPP)."""
    if protocol is None:
        protocol = 0x0057 if _ethertype(payload) == IPV6 else 0x0021
    return struct.pack("!BBH", 0xFF, 0x03, protocol) + payload


def mpls(payload: bytes, labels: Sequence[int]) -> bytes:
    """Put `payload` below MPLS labels, to go below `ethernet(..., MPLS)`."""
    last = len(labels) - 1
    stack = (label << 12 | (index == last) << 8 | 64 for index, label in enumerate(labels))
    return b"".join(struct.pack("!I", entry) for entry in stack) + payload


def sll(payload: bytes, ethertype: int | None = None) -> bytes:
    """Put `payload` below a Linux cooked header, version 1 (what `any` delivers)."""
    kind = _ethertype(payload) if ethertype is None else ethertype
    return struct.pack("!HHH8sH", 0, 1, 6, _CLIENT_MAC, kind) + payload


def sll2(payload: bytes, ethertype: int | None = None, *, interface: int = 2) -> bytes:
    """Put `payload` below a Linux cooked header, version 2."""
    kind = _ethertype(payload) if ethertype is None else ethertype
    return struct.pack("!HHIHBB8s", kind, 0, interface, 1, 0, 6, _CLIENT_MAC) + payload


def null(payload: bytes, *, family: int | None = None, order: str = "<") -> bytes:
    """Put `payload` below a BSD loopback header; `order` is `<` for NULL, `>` for LOOP."""
    if family is None:
        family = 30 if _ethertype(payload) == IPV6 else 2
    return struct.pack(f"{order}I", family) + payload


def _ethertype(payload: bytes) -> int:
    return IPV6 if payload[:1] and payload[0] >> 4 == 6 else IPV4


# --- network and transport --------------------------------------------------------------------


def ipv4(
    source: str,
    destination: str,
    protocol: int,
    payload: bytes,
    *,
    options: bytes = b"",
    identification: int = 0,
    fragment_offset: int = 0,
    more_fragments: bool = False,
    ttl: int = 64,
    length: int | None = None,
) -> bytes:
    """Build an IPv4 packet; `fragment_offset` counts bytes, `length` overrides the total length."""
    options += bytes(-len(options) % 4)
    header_length = 20 + len(options)
    addresses = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(destination).packed
    if not fragment_offset and not more_fragments:
        payload = _with_checksum(addresses, protocol, payload)
    header = (
        struct.pack(
            "!BBHHHBBH",
            0x40 | header_length // 4,
            0,
            header_length + len(payload) if length is None else length,
            identification,
            more_fragments << 13 | fragment_offset // 8,
            ttl,
            protocol,
            0,
        )
        + addresses
        + options
    )
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def ipv6(
    source: str,
    destination: str,
    protocol: int,
    payload: bytes,
    *,
    extensions: Sequence[tuple[int, bytes]] = (),
    hop_limit: int = 64,
    length: int | None = None,
) -> bytes:
    """Build an IPv6 packet; `extensions` are header types with their bodies, first one first.

    A body is what follows the next-header byte and the length byte, and is padded to eight bytes.
    """
    addresses = ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address(destination).packed
    payload = _with_checksum(addresses, protocol, payload)
    following = protocol
    for kind, body in reversed(extensions):
        body += bytes(-(len(body) + 2) % 8)  # noqa: PLW2901 - padded here, used once
        units = 0 if kind == FRAGMENT else (len(body) + 2) // 8 - 1
        payload = bytes([following, units]) + body + payload
        following = kind
    total = len(payload) if length is None else length
    return struct.pack("!IHBB", 6 << 28, total, following, hop_limit) + addresses + payload


def ip(source: str, destination: str, protocol: int, payload: bytes) -> bytes:
    """Build an IPv4 or IPv6 packet, as the addresses say."""
    build = ipv6 if ":" in source else ipv4
    return build(source, destination, protocol, payload)


def tcp(
    source: int,
    destination: int,
    payload: bytes = b"",
    *,
    flags: int = PSH | ACK,
    sequence: int = 1,
    acknowledgement: int = 0,
    options: bytes = b"",
    window: int = 64240,
) -> bytes:
    """Build a TCP segment; its checksum is filled in by the IP layer."""
    options += bytes(-len(options) % 4)
    offset = (20 + len(options)) // 4 << 12 | flags
    ports = struct.pack("!HHII", source, destination, sequence, acknowledgement)
    return ports + struct.pack("!HHHH", offset, window, 0, 0) + options + payload


def udp(source: int, destination: int, payload: bytes = b"", *, length: int | None = None) -> bytes:
    """Build a UDP datagram; its checksum is filled in by the IP layer."""
    total = 8 + len(payload) if length is None else length
    return struct.pack("!HHHH", source, destination, total, 0) + payload


def icmp(kind: int = 8, code: int = 0, payload: bytes = bytes(8)) -> bytes:
    """Build an ICMP or ICMPv6 message: type, code, checksum, then `payload`."""
    return struct.pack("!BBH", kind, code, 0) + payload


def gre(
    payload: bytes,
    *,
    protocol: int | None = None,
    checksum_: bool = False,
    key: int | None = None,
    sequence: int | None = None,
) -> bytes:
    """Put `payload` below a GRE header; its checksum stays 0."""
    flags = checksum_ << 15 | (key is not None) << 13 | (sequence is not None) << 12
    header = struct.pack("!HH", flags, _ethertype(payload) if protocol is None else protocol)
    header += bytes(4 * checksum_)
    header += b"".join(struct.pack("!I", word) for word in (key, sequence) if word is not None)
    return header + payload


def vxlan(frame: bytes, *, network: int = 1) -> bytes:
    """Put an Ethernet frame below a VXLAN header, to go below `udp(..., 4789)`."""
    return struct.pack("!II", 0x08000000, network << 8) + frame


def checksum(data: bytes) -> int:
    """Compute the Internet checksum (RFC 1071)."""
    words = struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2))
    total: int = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def _with_checksum(addresses: bytes, protocol: int, payload: bytes) -> bytes:
    """Fill in a checksum that is still zero, where the header is whole."""
    place = {TCP: 16, UDP: 6, ICMP: 2, ICMPV6: 2}.get(protocol)
    if place is None or len(payload) < place + 2 or payload[place : place + 2] != b"\0\0":
        return payload
    pseudo = b"" if protocol == ICMP else addresses + struct.pack("!II", len(payload), protocol)
    value = checksum(pseudo + payload) or 0xFFFF
    return payload[:place] + struct.pack("!H", value) + payload[place + 2 :]


# --- whole frames -----------------------------------------------------------------------------


def tcp_frame(
    source: str,
    source_port: int,
    destination: str,
    destination_port: int,
    payload: bytes = b"",
    *,
    flags: int = PSH | ACK,
    sequence: int = 1,
    acknowledgement: int = 0,
    vlans: Sequence[int] = (),
) -> bytes:
    """Build an Ethernet frame with one TCP segment."""
    segment = tcp(
        source_port,
        destination_port,
        payload,
        flags=flags,
        sequence=sequence,
        acknowledgement=acknowledgement,
    )
    return ethernet(ip(source, destination, TCP, segment), vlans=vlans)


def syn_frame(source: str, source_port: int, destination: str, destination_port: int) -> bytes:
    """Build an Ethernet frame with a pure SYN."""
    return tcp_frame(source, source_port, destination, destination_port, flags=SYN)


def udp_frame(
    source: str,
    source_port: int,
    destination: str,
    destination_port: int,
    payload: bytes = b"",
    *,
    vlans: Sequence[int] = (),
) -> bytes:
    """Build an Ethernet frame with one UDP datagram."""
    datagram = udp(source_port, destination_port, payload)
    return ethernet(ip(source, destination, UDP, datagram), vlans=vlans)


def icmp_frame(source: str, destination: str, kind: int | None = None) -> bytes:
    """Build an Ethernet frame with an echo request, or another ICMP or ICMPv6 type."""
    if ":" in source:
        return ethernet(ipv6(source, destination, ICMPV6, icmp(128 if kind is None else kind)))
    return ethernet(ipv4(source, destination, ICMP, icmp(8 if kind is None else kind)))


# --- DNS --------------------------------------------------------------------------------------


def dns_name(name: str | bytes) -> bytes:
    """Encode a name as labels; the root is the empty name."""
    raw = name.encode("latin-1") if isinstance(name, str) else name
    labels = [label for label in raw.split(b".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def dns_query(
    name: str | bytes,
    type_: int = A,
    *,
    identification: int = 0x1234,
    flags: int = 0x0100,
    class_: int = 1,
    edns: bool = False,
) -> bytes:
    """Build a DNS query with one question."""
    header = struct.pack("!HHHHHH", identification, flags, 1, 0, 0, int(edns))
    option = struct.pack("!BHHIH", 0, 41, 1232, 0, 0) if edns else b""
    return header + dns_name(name) + struct.pack("!HH", type_, class_) + option


def dns_response(
    name: str | bytes,
    answers: Sequence[tuple[int, str | bytes]] = (),
    *,
    type_: int = A,
    code: int = 0,
    identification: int = 0x1234,
    compressed: bool = True,
    ttl: int = 300,
) -> bytes:
    """Build a DNS response; an answer is a type with its address, name (str) or raw data (bytes).

    After a CNAME the following answers belong to the name it points at.
    """
    header = struct.pack("!HHHHHH", identification, 0x8180 | code, 1, len(answers), 0, 0)
    question = dns_name(name) + struct.pack("!HH", type_, 1)
    owner = b"\xc0\x0c" if compressed else dns_name(name)
    records = b""
    for kind, value in answers:
        data = _dns_data(kind, value)
        records += owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data
        if kind == CNAME:
            owner = data
    return header + question + records


def dns_over_tcp(message: bytes) -> bytes:
    """Put the length in front that DNS over TCP has."""
    return struct.pack("!H", len(message)) + message


def _dns_data(kind: int, value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    if kind in (A, AAAA):
        return ipaddress.ip_address(value).packed
    if kind == TXT:
        return bytes([len(value)]) + value.encode("latin-1")
    if kind == MX:
        return struct.pack("!H", 10) + dns_name(value)
    return dns_name(value)


# --- HTTP -------------------------------------------------------------------------------------


def http_request(
    target: str = "/",
    host: str | None = "www.example.com",
    *,
    method: str = "GET",
    user_agent: str
    | None = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    headers: Sequence[tuple[str, str]] = (("Accept", "*/*"),),
    body: bytes = b"",
    version: str = "HTTP/1.1",
) -> bytes:
    """Build an HTTP request; None leaves the header out."""
    lines = [f"{method} {target} {version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    if user_agent is not None:
        lines.append(f"User-Agent: {user_agent}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def http_response(
    body: bytes = b"",
    *,
    status: str = "200 OK",
    headers: Sequence[tuple[str, str]] = (("Server", "nginx"), ("Content-Type", "text/html")),
) -> bytes:
    """Build an HTTP response with its length."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


# --- TLS --------------------------------------------------------------------------------------


def tls_record(body: bytes, *, kind: int = 22, version: int = 0x0301) -> bytes:
    """Put `body` into one TLS record; kind 22 is handshake, 23 application data."""
    return struct.pack("!BHH", kind, version, len(body)) + body


def client_hello(
    server_name: str | None = "www.example.com",
    *,
    alpn: Sequence[str] = ("h2", "http/1.1"),
    ciphers: Sequence[int] = _CIPHERS,
    versions: Sequence[int] = (0x0304, 0x0303),
    grease: bool = True,
    extensions: Sequence[tuple[int, bytes]] = (),
    padding: int = 0,
    seed: bytes = b"",
) -> bytes:
    """Build a ClientHello handshake message as a browser sends it, without the record header.

    `extensions` are added after the usual ones; `padding` makes the message that long at least,
    as post-quantum key shares do; `seed` varies the random bytes.
    """
    extra = (_GREASE,) if grease else ()
    fields: list[tuple[int, bytes]] = [(_GREASE, b"")] if grease else []
    if server_name is not None:
        name = server_name.encode("latin-1")
        fields.append((0, _vector(2, b"\0" + _vector(2, name))))
    fields += [
        (23, b""),  # extended master secret
        (0xFF01, b"\0"),  # renegotiation info
        (10, _vector(2, _words((*extra, 29, 23, 24)))),  # supported groups
        (11, b"\x01\x00"),  # point formats
        (35, b""),  # session ticket
    ]
    if alpn:
        names = b"".join(_vector(1, protocol.encode("latin-1")) for protocol in alpn)
        fields.append((16, _vector(2, names)))
    fields += [(5, b"\x01\0\0\0\0"), (13, _vector(2, _words(_SIGNATURES)))]
    if 0x0304 in versions:
        share = struct.pack("!HH", 29, 32) + noise(32, b"share" + seed)
        grease_share = struct.pack("!HHB", _GREASE, 1, 0) if grease else b""
        fields += [(51, _vector(2, grease_share + share)), (45, b"\x01\x01")]
        fields.append((43, _vector(1, _words((*extra, *versions)))))
    fields += extensions
    start = (
        b"\x03\x03"
        + noise(32, b"random" + seed)
        + _vector(1, noise(32, b"session" + seed))
        + _vector(2, _words((*extra, *ciphers)))
        + b"\x01\x00"
    )
    encoded = b"".join(struct.pack("!H", kind) + _vector(2, body) for kind, body in fields)
    missing = padding - (4 + len(start) + 2 + len(encoded))
    if missing >= 4:
        encoded += struct.pack("!H", 21) + _vector(2, bytes(missing - 4))
    return b"\x01" + _vector(3, start + _vector(2, encoded))


def server_hello(*, version: int = 0x0303, cipher: int = 0xC02F, seed: bytes = b"") -> bytes:
    """Build a ServerHello handshake message, TLS 1.2, without the record header."""
    body = struct.pack("!H", version) + noise(32, b"server" + seed) + b"\0"
    return b"\x02" + _vector(3, body + struct.pack("!HB", cipher, 0))


def certificate(*der: bytes) -> bytes:
    """Build a TLS 1.2 Certificate handshake message, without the record header."""
    return b"\x0b" + _vector(3, _vector(3, b"".join(_vector(3, one) for one in der)))


def tls_hello_payload(server_name: str | None = "www.example.com") -> bytes:
    """Build what a client sends first on port 443: a ClientHello in one record."""
    return tls_record(client_hello(server_name))


def noise(size: int, seed: bytes = b"") -> bytes:
    """Return bytes that look random and are the same for the same seed."""
    return hashlib.shake_128(seed).digest(size)


def _vector(width: int, body: bytes) -> bytes:
    return len(body).to_bytes(width, "big") + body


def _words(values: Sequence[int]) -> bytes:
    return struct.pack(f"!{len(values)}H", *values)


# --- captures ---------------------------------------------------------------------------------


def timed(frames: Iterable[bytes], *, start_us: int = START_US, step_us: int = 1000) -> list[Timed]:
    """Give frames times, `step_us` apart."""
    return [(start_us + index * step_us, frame) for index, frame in enumerate(frames)]


def batch(
    frames: Iterable[bytes],
    *,
    datalink: int = ETHERNET,
    start_us: int = START_US,
    step_us: int = 1000,
    interface: str = "test0",
) -> PacketBatch:
    """Build the batch that capture would hand on for these frames."""
    packets = timed(frames, start_us=start_us, step_us=step_us)
    return batch_of(packets, datalink=datalink, interface=interface)


def batch_of(
    packets: Sequence[Timed], *, datalink: int = ETHERNET, interface: str = "test0"
) -> PacketBatch:
    """Build the batch that capture would hand on for these packets."""
    data = b"".join(frame for _, frame in packets)
    meta = bytearray()
    offset = 0
    for time_us, frame in packets:
        meta += struct.pack("=IIII", *divmod(time_us, 1_000_000), offset, len(frame))
        offset += len(frame)
    return PacketBatch(datalink, data, bytes(meta), interface)


def pcap_bytes(
    packets: Iterable[Timed],
    *,
    datalink: int = ETHERNET,
    snaplen: int = 262_144,
    nanoseconds: bool = False,
    order: str = "<",
) -> bytes:
    """Build a classic capture file; `order` is `<` or `>`, packets are cut to `snaplen`."""
    magic, scale = (0xA1B23C4D, 1000) if nanoseconds else (0xA1B2C3D4, 1)
    link = _DLT_TO_FILE.get(datalink, datalink)
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, snaplen, link)]
    record = struct.Struct(f"{order}IIII")
    for time_us, packet in packets:
        seconds, fraction = divmod(time_us, 1_000_000)
        cut = packet[:snaplen]
        parts += [record.pack(seconds, fraction * scale, len(cut), len(packet)), cut]
    return b"".join(parts)


def pcapng_bytes(
    packets: Iterable[Timed],
    *,
    datalink: int = ETHERNET,
    snaplen: int = 262_144,
    order: str = "<",
) -> bytes:
    """Build a pcapng file: one section, one interface, enhanced packet blocks."""
    link = _DLT_TO_FILE.get(datalink, datalink)
    parts = [
        pcapng_block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order),
        pcapng_block(1, struct.pack(f"{order}HHI", link, 0, snaplen), order),
    ]
    for time_us, packet in packets:
        cut = packet[:snaplen]
        fields = (0, time_us >> 32, time_us & 0xFFFFFFFF, len(cut), len(packet))
        parts.append(pcapng_block(6, struct.pack(f"{order}IIIII", *fields) + cut, order))
    return b"".join(parts)


def pcapng_block(kind: int, body: bytes, order: str = "<") -> bytes:
    """Build one pcapng block, padded and with both its lengths."""
    body += bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + length + body + length


def write_pcap(path: Path, packets: Iterable[Timed], datalink: int = ETHERNET) -> Path:
    """Write a classic capture file and return its path."""
    path.write_bytes(pcap_bytes(packets, datalink=datalink))
    return path


def write_pcapng(path: Path, packets: Iterable[Timed], datalink: int = ETHERNET) -> Path:
    """Write a pcapng file and return its path."""
    path.write_bytes(pcapng_bytes(packets, datalink=datalink))
    return path


def packets_of(batch_: PacketBatch) -> Iterator[Timed]:
    """Take a batch apart: what a test compares with what it wrote."""
    for seconds, microseconds, offset, length in struct.iter_unpack("=IIII", batch_.meta):
        yield seconds * 1_000_000 + microseconds, batch_.data[offset : offset + length]
