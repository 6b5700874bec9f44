"""Filters that the kernel runs before it copies a packet: what a capture keeps while it sheds.

Strategy: a classic BPF program (linux/filter.h) that opens what mirrors put around a packet, as
libpcap's filters do not: tags, MPLS, PPPoE, and one tunnel of GRE, ERSPAN, VXLAN, GENEVE, GTP-U or
IP. There are no loops, so each header is read as often as the named bounds say. A filter of the
site's stays in front, as the kernel has it: what it refuses is refused.
"""

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterable
from enum import Enum
from itertools import pairwise
from typing import NamedTuple


class Keep(Enum):
    """What passes; each keeps less than the one before."""

    ALL = 0
    NO_BULK = 1
    """TCP segments from BULK bytes on go, unless a request, a hello or DNS begins in them."""
    NO_STREAMS = 2
    """All TCP data but DNS goes, and what stays closed to us unless it is short."""
    SHORT = 3
    """DNS, attempts to connect, pings and datagrams below SHORT_BYTES."""
    NAMES = 4
    """DNS, and one of SAMPLE of what SHORT keeps beside it."""


BULK_BYTES = 1000
SHORT_BYTES = 200
CLOSED_BYTES = 400
"""A question, an attempt and most answers are shorter, whatever is around them."""
SAMPLE = 8

TAGS, TAGS_BEFORE = 4, 2
"""VLAN tags in each of the two layers, and how many of them before MPLS."""
LABELS = 4
EXTENSIONS = 4
"""Of IPv6."""
MAX_INSTRUCTIONS = 4096  # linux/bpf_common.h: BPF_MAXINSNS

_ETHERNET = 1  # pcap/bpf.h: DLT_EN10MB
_IP_LINKS = frozenset((12, 14, 101, 113, 228, 229, 276))
"""Raw IP, and cooked ones, of which the kernel's filter sees the network layer alone."""

_Row = tuple[int, int, int, int]

# linux/bpf_common.h
_LD_WORD, _LD_HALF, _LD_BYTE = 0x20, 0x28, 0x30  # at k
_IND_HALF, _IND_BYTE = 0x48, 0x50  # at X + k
_LD_M, _ST_M = 0x60, 0x02
_LDX_IMMEDIATE = 0x01
_ADD, _AND, _RSH, _LSH, _MOD, _ADD_X = 0x04, 0x54, 0x74, 0x64, 0x94, 0x0C
_TAX, _TXA, _RETURN = 0x07, 0x87, 0x06
_JA, _JEQ, _JGT, _JGE, _JSET = 0x05, 0x15, 0x25, 0x35, 0x45
_REACH = 255  # of a test
_PROTOCOL_AT, _RANDOM_AT = 0xFFFFF000, 0xFFFFF000 + 56  # linux/filter.h: SKF_AD_*
_LEN = 0x80

_IP4, _IP6, _ETHER, _PPPOE = 0x0800, 0x86DD, 0x6558, 0x8864
_VLANS, _MPLS = (0x8100, 0x88A8, 0x9100), (0x8847, 0x8848)
_ICMP, _IPIP, _TCP, _UDP, _SIX, _GRE, _ICMP6 = 1, 4, 6, 17, 41, 47, 58
_VXLAN, _GENEVE, _GTP = (4789, 8472), 6081, 2152
_DNS = 53
_SYN, _ENDS = 0x02, 0x07
_HANDSHAKE = 0x16

_SO_FILTER = 26  # asm-generic/socket.h: SO_ATTACH_FILTER to set, SO_GET_FILTER to get


class _Step(NamedTuple):
    """An instruction, or where `label` is; a jump goes to `target` where its test holds."""

    code: int = 0
    k: int = 0
    target: str = ""
    label: str = ""


class _Assembler:
    """Writes instructions; labels are resolved at the end, forwards, as far as needed."""

    def __init__(self) -> None:
        self._steps: list[_Step] = []

    def do(self, code: int, k: int = 0) -> None:
        self._steps.append(_Step(code, k))

    def go(self, target: str) -> None:
        self._steps.append(_Step(_JA, 0, target))

    def when(self, test: int, k: int, target: str) -> None:
        """Go there where A fulfils a test."""
        self._steps.append(_Step(test, k, target))

    def at(self, label: str) -> None:
        self._steps.append(_Step(label=label))

    def skip(self, count: int) -> None:
        """Go on so many bytes; A is lost."""
        self.do(_TXA)
        self.do(_ADD, count)
        self.do(_TAX)

    def skip_more(self) -> None:
        """Go on as many bytes as A says."""
        self.do(_ADD_X)
        self.do(_TAX)

    def rows(self) -> list[_Row]:
        """Return the program, written from its end, as all jumps lead there.

        A test that does not reach its target jumps over a jump that does.
        """
        places: dict[str, int] = {}
        found: list[_Row] = []
        for step in reversed(self._steps):
            if step.label:
                places[step.label] = len(found)
                continue
            if not step.target:
                found.append((step.code, 0, 0, step.k))
                continue
            distance = len(found) - places[step.target]
            if step.code == _JA or distance > _REACH:
                found.append((_JA, 0, 0, distance))
                over = (0, 1)
            else:
                over = (distance, 0)
            if step.code != _JA:
                found.append((step.code, *over, step.k))
        return found[::-1]


def program(keep: Keep, datalink: int, snaplen: int) -> list[_Row]:
    """Return what keeps that on a link type, cut to `snaplen`; link types not known keep all."""
    asm = _Assembler()
    if keep is Keep.ALL or (datalink != _ETHERNET and datalink not in _IP_LINKS):
        asm.do(_RETURN, snaplen)
        return asm.rows()
    if datalink == _ETHERNET:
        asm.do(_LD_HALF, 12)
        asm.do(_LDX_IMMEDIATE, 14)
    else:
        asm.do(_LD_WORD, _PROTOCOL_AT)
        asm.do(_LDX_IMMEDIATE, 0)
    for inside, after in pairwise(("outer", "inner", "")):
        _link(asm, inside)
        _ip(asm, inside)
        _transport(asm, inside, after)
    _judge(asm, keep)
    asm.at("keep")
    asm.do(_RETURN, snaplen)
    asm.at("drop")
    asm.do(_RETURN, 0)
    return asm.rows()


def _link(asm: _Assembler, layer: str) -> None:
    """A is an EtherType, X where what it names begins; find the IP header."""
    for number in range(TAGS):
        if number == TAGS_BEFORE:
            _labels(asm, layer)
        asm.at(f"{layer}-tag-{number}")
        asm.when(_JEQ, _IP4, f"{layer}-4")
        asm.when(_JEQ, _IP6, f"{layer}-6")
        asm.when(_JEQ, _PPPOE, f"{layer}-pppoe")
        if number < TAGS_BEFORE:
            for kind in _MPLS:
                asm.when(_JEQ, kind, f"{layer}-mpls")
        for kind in _VLANS:
            asm.when(_JEQ, kind, f"{layer}-vlan-{number}")
        asm.go("closed")
        asm.at(f"{layer}-vlan-{number}")
        _skip_to(asm, 2, 4)
        if number == TAGS_BEFORE - 1:
            asm.go(f"{layer}-tag-{TAGS_BEFORE}")
    asm.when(_JEQ, _IP4, f"{layer}-4")
    asm.when(_JEQ, _IP6, f"{layer}-6")
    asm.go("closed")

    asm.at(f"{layer}-pppoe")
    _skip_to(asm, 6, 8)
    asm.when(_JEQ, 0x0021, f"{layer}-4")  # RFC 1332, RFC 5072
    asm.when(_JEQ, 0x0057, f"{layer}-6")
    asm.go("closed")


def _labels(asm: _Assembler, layer: str) -> None:
    """Find what MPLS is around: IP, or a frame behind a control word (RFC 4385)."""
    asm.at(f"{layer}-mpls")
    for _ in range(LABELS):
        asm.do(_IND_BYTE, 2)
        asm.do(_ST_M, 0)
        asm.skip(4)
        asm.do(_LD_M, 0)
        asm.when(_JSET, 1, f"{layer}-bottom")
    asm.go("closed")
    asm.at(f"{layer}-bottom")
    _version(asm, layer)
    asm.when(_JGT, 0, "closed")
    _skip_to(asm, 16, 18)


def _skip_to(asm: _Assembler, at: int, count: int) -> None:
    """Load the half word `at` and go on `count` bytes."""
    asm.do(_IND_HALF, at)
    asm.do(_ST_M, 0)
    asm.skip(count)
    asm.do(_LD_M, 0)


def _version(asm: _Assembler, layer: str) -> None:
    """Go to IP where it begins here; else A is the half byte in which its version would be."""
    asm.do(_IND_BYTE)
    asm.do(_RSH, 4)
    asm.when(_JEQ, 4, f"{layer}-4")
    asm.when(_JEQ, 6, f"{layer}-6")


def _ip(asm: _Assembler, layer: str) -> None:
    """Find the transport header; M[1] is its protocol."""
    asm.at(f"{layer}-4")
    asm.do(_IND_BYTE, 9)
    asm.do(_ST_M, 1)
    asm.do(_IND_HALF, 6)
    asm.when(_JSET, 0x1FFF, "fragment")
    asm.do(_IND_BYTE)
    asm.do(_AND, 15)
    asm.do(_LSH, 2)
    asm.skip_more()
    asm.go(f"{layer}-transport")

    asm.at(f"{layer}-6")
    asm.do(_IND_BYTE, 6)
    asm.do(_ST_M, 1)
    asm.skip(40)
    for number in range(EXTENSIONS):
        asm.do(_LD_M, 1)
        for kind in (0, 43, 60):  # RFC 8200: options, routing
            asm.when(_JEQ, kind, f"{layer}-options-{number}")
        asm.when(_JEQ, 44, f"{layer}-part-{number}")
        asm.go(f"{layer}-transport")
        asm.at(f"{layer}-options-{number}")
        asm.do(_IND_BYTE)
        asm.do(_ST_M, 1)
        asm.do(_IND_BYTE, 1)
        asm.do(_ADD, 1)
        asm.do(_LSH, 3)
        asm.skip_more()
        asm.go(f"{layer}-next-{number}")
        asm.at(f"{layer}-part-{number}")
        asm.do(_IND_BYTE)
        asm.do(_ST_M, 1)
        asm.do(_IND_HALF, 2)
        asm.when(_JSET, 0xFFF8, "fragment")
        asm.skip(8)
        asm.at(f"{layer}-next-{number}")


def _transport(asm: _Assembler, layer: str, inside: str) -> None:
    """Judge by protocol, or open a tunnel and go on in layer `inside`, where there is one."""
    asm.at(f"{layer}-transport")
    asm.do(_LD_M, 1)
    asm.when(_JEQ, _TCP, "tcp")
    asm.when(_JEQ, _UDP, f"{layer}-udp")
    asm.when(_JEQ, _ICMP, "icmp")
    asm.when(_JEQ, _ICMP6, "icmp")
    if not inside:
        asm.go("closed")
        asm.at(f"{layer}-udp")
        asm.go("udp")
        return
    asm.when(_JEQ, _IPIP, f"{inside}-4")
    asm.when(_JEQ, _SIX, f"{inside}-6")
    asm.when(_JEQ, _GRE, "gre")
    asm.go("closed")
    _gre(asm, inside)
    _erspan(asm)

    asm.at(f"{layer}-udp")
    asm.do(_IND_HALF, 2)
    for port in _VXLAN:
        asm.when(_JEQ, port, "vxlan")
    asm.when(_JEQ, _GENEVE, "geneve")
    asm.when(_JEQ, _GTP, "gtp")
    asm.go("udp")
    _geneve(asm, inside)
    _gtp(asm, inside)
    asm.at("vxlan")  # RFC 7348
    asm.skip(16)
    asm.at("frame")
    _skip_to(asm, 12, 14)


def _gre(asm: _Assembler, inside: str) -> None:
    """Open what RFC 2784 and RFC 2890 describe; M[2] keeps its flags."""
    asm.at("gre")
    asm.do(_IND_HALF, 2)
    asm.do(_ST_M, 0)
    asm.do(_IND_HALF)
    asm.when(_JSET, 7, "closed")  # version 1 is PPTP's
    asm.do(_ST_M, 2)
    asm.skip(4)
    for number, flag in enumerate((0x8000, 0x2000, 0x1000)):
        asm.do(_LD_M, 2)
        asm.when(_JSET, flag, f"gre-more-{number}")
        asm.go(f"gre-next-{number}")
        asm.at(f"gre-more-{number}")
        asm.skip(4)
        asm.at(f"gre-next-{number}")
    asm.do(_LD_M, 0)
    asm.when(_JEQ, _ETHER, "frame")
    asm.when(_JEQ, 0x88BE, "erspan")
    asm.when(_JEQ, 0x22EB, "erspan-3")
    asm.go(f"{inside}-tag-0")


def _erspan(asm: _Assembler) -> None:
    """Open ERSPAN; type I has no header of its own, and GRE tells no sequence number."""
    asm.at("erspan")
    asm.do(_LD_M, 2)
    asm.when(_JSET, 0x1000, "erspan-2")
    asm.go("frame")
    asm.at("erspan-2")
    asm.skip(8)
    asm.go("frame")
    asm.at("erspan-3")
    asm.do(_IND_BYTE, 11)
    asm.do(_AND, 1)  # an optional header of eight bytes
    asm.do(_LSH, 3)
    asm.do(_ADD, 12)
    asm.skip_more()
    asm.go("frame")


def _geneve(asm: _Assembler, inside: str) -> None:
    """Open what RFC 8926 describes, behind UDP."""
    asm.at("geneve")
    asm.do(_IND_HALF, 10)
    asm.do(_ST_M, 0)
    asm.do(_IND_BYTE, 8)
    asm.do(_AND, 0x3F)
    asm.do(_LSH, 2)
    asm.do(_ADD, 16)
    asm.skip_more()
    asm.do(_LD_M, 0)
    asm.when(_JEQ, _ETHER, "frame")
    asm.go(f"{inside}-tag-0")


def _gtp(asm: _Assembler, inside: str) -> None:
    """Open what 3GPP TS 29.281 section 5.1 describes, behind UDP."""
    asm.at("gtp")
    asm.do(_IND_HALF, 8)
    asm.when(_JSET, 0x0400, "closed")  # extension headers
    asm.do(_ST_M, 0)
    asm.do(_AND, 0xFF)
    asm.when(_JEQ, 0xFF, "gtp-packet")
    asm.go("closed")
    asm.at("gtp-packet")
    asm.skip(16)
    asm.do(_LD_M, 0)
    asm.when(_JSET, 0x0300, "gtp-more")
    asm.go("gtp-inside")
    asm.at("gtp-more")
    asm.skip(4)
    asm.at("gtp-inside")
    _version(asm, inside)
    asm.go("closed")


def _judge(asm: _Assembler, keep: Keep) -> None:
    """Keep or drop what was found: X is where it begins; `closed` could not be opened."""
    few = "sample" if keep is Keep.NAMES else "keep"
    asm.at("tcp")
    _keep_dns(asm)
    if keep is Keep.NO_BULK:
        asm.do(_LEN)
        asm.when(_JGE, BULK_BYTES, "bulk")
        asm.go("keep")
        asm.at("bulk")
        asm.do(_IND_BYTE, 12)
        asm.do(_RSH, 4)
        asm.do(_LSH, 2)
        asm.skip_more()
        asm.do(_IND_BYTE)
        asm.when(_JEQ, _HANDSHAKE, "keep")
        asm.when(_JGT, ord("Z"), "drop")
        asm.when(_JGE, ord("A"), "keep")
        asm.go("drop")
        for label in ("udp", "icmp", "fragment", "closed"):
            asm.at(label)
        asm.go("keep")
        return
    asm.do(_IND_BYTE, 13)
    if keep is Keep.NAMES:
        asm.do(_AND, 0x12)
        asm.when(_JEQ, _SYN, "sample")
    else:
        asm.when(_JSET, _ENDS if keep is Keep.NO_STREAMS else _SYN, "keep")
    asm.go("drop")

    asm.at("udp")
    _keep_dns(asm)
    if keep is Keep.NO_STREAMS:
        asm.go("keep")
    else:
        asm.do(_IND_HALF, 4)
        asm.when(_JGE, SHORT_BYTES, "drop")
        asm.go(few)

    asm.at("icmp")
    asm.go(few)

    asm.at("fragment")  # of an answer, perhaps
    asm.do(_LD_M, 1)
    asm.when(_JEQ, _TCP, "drop")
    asm.go("keep")

    asm.at("closed")
    asm.do(_LEN)
    asm.when(_JGE, CLOSED_BYTES, "drop")
    asm.go("keep")

    asm.at("sample")
    asm.do(_LD_WORD, _RANDOM_AT)
    asm.do(_MOD, SAMPLE)
    asm.when(_JEQ, 0, "keep")
    asm.go("drop")


def _keep_dns(asm: _Assembler) -> None:
    for at in (0, 2):
        asm.do(_IND_HALF, at)
        asm.when(_JEQ, _DNS, "keep")


class KernelFilter:
    """The filter of one capture socket: the site's, which it has by then, and ours behind it."""

    def __init__(self, descriptor: int, datalink: int, snaplen: int) -> None:
        """Take what the socket has; raise OSError."""
        self._descriptor = descriptor
        self._datalink = datalink
        self._snaplen = snaplen
        self._site = _attached(descriptor)

    def keep(self, keep: Keep) -> None:
        """Have this kept from now on: the kernel swaps programs at once. Raise OSError.

        Where it has no room for two of them (net.core.optmem_max of 20 kB) the site's alone, which
        is short, comes in between, so that nothing is lost.
        """
        try:
            self._attach(keep)
        except OSError as error:
            if error.errno != errno.ENOMEM:
                raise
            self._attach(Keep.ALL)
            self._attach(keep)

    def _attach(self, keep: Keep) -> None:
        ours = program(keep, self._datalink, self._snaplen)
        attach(self._descriptor, [*_in_front(self._site), *ours])


def attach(descriptor: int, rows: Iterable[_Row]) -> None:
    """Put a program in the place of the one that a socket has; raise OSError."""
    packed = [struct.pack("=HBBI", *row) for row in rows]
    memory = ctypes.create_string_buffer(b"".join(packed))
    filter_ = struct.pack("@HP", len(packed), ctypes.addressof(memory))
    with socket.socket(fileno=os.dup(descriptor)) as duplicate:
        duplicate.setsockopt(socket.SOL_SOCKET, _SO_FILTER, filter_)


def _attached(descriptor: int) -> list[_Row]:
    """Return the program that a socket has, none where it has none."""
    memory = ctypes.create_string_buffer(8 * MAX_INSTRUCTIONS)
    count = ctypes.c_uint(MAX_INSTRUCTIONS)  # in instructions, unlike other options' bytes
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.getsockopt(descriptor, socket.SOL_SOCKET, _SO_FILTER, memory, ctypes.byref(count)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return list(struct.iter_unpack("=HBBI", memory.raw[: 8 * count.value]))


def _in_front(site: list[_Row]) -> list[_Row]:
    """Return a program that goes on behind its end instead of keeping a packet."""
    last = len(site) - 1
    return [
        (_JA, 0, 0, last - at) if row[0] == _RETURN and row[3] else row
        for at, row in enumerate(site)
    ]
