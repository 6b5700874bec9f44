"""Which packets that rules need `capture.filter` keeps out: asked of libpcap, by samples."""

import socket
import struct
from collections.abc import Iterable
from typing import NamedTuple

from agent.capture import open_records
from agent.finding import Finding

_OUTSIDE, _OUTSIDE_6 = "203.0.113.9", "2001:db8::9"
_INSIDE_6 = "fd00::10"
_TCP, _UDP, _ICMP, _GRE = 6, 17, 1, 47
_SYN, _SYN_ACK, _DATA = 0x02, 0x12, 0x18
_HIGH = 40_000
_MAX_NETWORKS = 8
"""Networks of ours that samples are made for: what a filter says of addresses differs by them."""


class _Need(NamedTuple):
    """What rules need, and a packet of it; what goes `back` comes from outside."""

    what: str
    protocol: int
    source: int = _HIGH
    destination: int = _HIGH
    flags: int = 0
    version: int = 4
    back: bool = False
    is_later_fragment: bool = False


_NEEDS = (
    _Need("DNS questions", _UDP, destination=53),
    _Need("DNS answers", _UDP, source=53, back=True),
    _Need("DNS over TCP", _TCP, destination=53, flags=_DATA),
    _Need("attempts to connect", _TCP, destination=8443, flags=_SYN),
    _Need("answers to attempts", _TCP, source=8443, flags=_SYN_ACK, back=True),
    _Need("HTTP requests", _TCP, destination=80, flags=_DATA),
    _Need("HTTP requests on other ports", _TCP, destination=8080, flags=_DATA),
    _Need("TLS names", _TCP, destination=443, flags=_DATA),
    _Need("TLS certificates", _TCP, source=443, flags=_DATA, back=True),
    _Need("QUIC", _UDP, destination=443),
    _Need("ICMP", _ICMP),
    _Need("datagrams to other ports", _UDP, destination=6881),
    _Need("fragments", _UDP, is_later_fragment=True),
    _Need("tunnels", _GRE),
    _Need("IPv6", _UDP, destination=53, version=6),
    _Need("IPv6", _TCP, destination=8443, flags=_SYN, version=6),
)


def check_needs(text: str, home: Iterable[str]) -> Finding:
    """Return what a filter that compiles keeps out; `home` are our networks, IPv4 in CIDR form."""
    inside = [_host(network) for network in home if ":" not in network][:_MAX_NETWORKS]
    passed = _passed(text, inside or ["192.168.1.10"])
    if not passed:
        return Finding(
            "warning",
            "capture.filter passes none of the packets that rules need, from networks.home or to "
            "them; leave it empty, or see with maltrail-agent coverage --live what is left",
        )
    hidden = dict.fromkeys(need.what for need in _NEEDS if need not in passed)
    if not hidden:
        return Finding("ok", "capture.filter passes all that rules need")
    return Finding(
        "warning", f"capture.filter hides {', '.join(hidden)}; leave it empty, or let these pass"
    )


def _passed(text: str, inside: Iterable[str]) -> set[_Need]:
    """Return the needs of which some sample passes; raise pcapy.PcapError for a bad filter."""
    samples = [(need, _frame(need, host)) for need in _NEEDS for host in inside]
    handle = open_records(frame for _, frame in samples)
    passed = set()
    try:
        handle.setfilter(text)
        while (packet := handle.next())[0] is not None:
            passed.add(samples[packet[0].getts()[0]][0])
    finally:
        handle.close()
    return passed


def _frame(need: _Need, inside: str) -> bytes:
    """Return a packet of that kind over Ethernet; sums are left out, as no filter looks at them."""
    ports = struct.pack("!HH", need.source, need.destination)
    if need.protocol == _TCP:
        payload = ports + struct.pack("!IIBBHHH", 1, 1, 0x50, need.flags, 1024, 0, 0) + b"x" * 20
    elif need.protocol == _UDP:
        payload = ports + struct.pack("!HH", 28, 0) + b"x" * 20
    else:
        payload = b"\x08\0\0\0" if need.protocol == _ICMP else b"\0\0\x08\0"
    if need.version == 6:
        return _ethernet(0x86DD, _ipv6(need, payload))
    return _ethernet(0x0800, _ipv4(need, inside, payload))


def _ethernet(kind: int, packet: bytes) -> bytes:
    return b"\2\0\0\0\0\2\2\0\0\0\0\1" + kind.to_bytes(2, "big") + packet


def _ipv4(need: _Need, inside: str, payload: bytes) -> bytes:
    ends = (socket.inet_aton(inside), socket.inet_aton(_OUTSIDE))
    source, destination = reversed(ends) if need.back else ends
    offset = 185 if need.is_later_fragment else 0
    length = 20 + len(payload)
    head = struct.pack("!BBHHHBBH", 0x45, 0, length, 1, offset, 64, need.protocol, 0)
    return head + source + destination + payload


def _ipv6(need: _Need, payload: bytes) -> bytes:
    ends = (_INSIDE_6, _OUTSIDE_6)
    source, destination = (socket.inet_pton(socket.AF_INET6, end) for end in ends)
    head = struct.pack("!IHBB", 6 << 28, len(payload), need.protocol, 64)
    return head + source + destination + payload


def _host(network: str) -> str:
    """Return an address of a network: its tenth, or its first where it is smaller."""
    address, _, bits = network.partition("/")
    number = int.from_bytes(socket.inet_aton(address), "big")
    return socket.inet_ntoa((number + (10 if int(bits or 32) <= 28 else 0)).to_bytes(4, "big"))
