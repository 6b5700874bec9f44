"""What the kernel keeps while a worker sheds: DNS to the last, whatever is around it."""

import socket

import pytest

from agent.capture import Interface
from agent.config import Capture
from agent.kernel_filter import CLOSED_BYTES, SAMPLE, Keep, program
from bench.live.place import NEAR, Namespace, Place, place
from tests import layered, packets
from tests.kernel import kept
from tests.layered import MEDIA, ONLY_FOUR, ONLY_SIX, TUNNELS, Wrap

A, B, A6, B6 = "10.0.0.5", "198.51.100.7", "2001:db8::5", "2001:db8:1::7"
ETHERNET = {name: one.wrap for name, one in MEDIA.items() if one.datalink == packets.ETHERNET}
WRAPS: dict[str, Wrap] = {"bare": layered.frame, **ETHERNET}
WRAPS |= {name: one.wrap for name, one in TUNNELS.items()}
OPENED = {
    *("bare", "qinq", "qinq-9100", "mpls", "mpls-upstream", "mpls-in-vlan", "pseudowire", "pppoe"),
    *("pppoe-in-mpls", "ipip", "6in4", "4in6", "6in6", "gre", "gre-options", "gre-bridged"),
    *("gre-in-6", "erspan-1", "erspan-2", "erspan-3", "erspan-3-sub-header", "vxlan"),
    *("vxlan-linux", "geneve", "geneve-options", "gtp"),
}
"""What the kernel opens; the rest is judged by its length, or as the datagram that it is."""


def packet(kind: str, a: str, b: str) -> bytes:
    """Build an IP packet of a kind."""
    hello = packets.tls_record(packets.client_hello("www.example.com", padding=1300))
    protocol, segment = {
        "question": (packets.UDP, packets.udp(5000, 53, packets.dns_query("a.example.com"))),
        "answer": (packets.UDP, packets.udp(53, 5000, bytes(1200))),
        "question-tcp": (packets.TCP, packets.tcp(5000, 53, bytes(40))),
        "attempt": (packets.TCP, packets.tcp(5000, 443, flags=packets.SYN)),
        "hello": (packets.TCP, packets.tcp(5000, 443, hello)),
        "bulk": (packets.TCP, packets.tcp(443, 5000, b"\x17" * 1200)),
        "media": (packets.UDP, packets.udp(999, 5000, bytes(1200))),
    }[kind]
    return packets.ip(a, b, protocol, segment)


def wrapped(name: str, kind: str) -> list[bytes]:
    """Return such packets in a wrapping, of each version that it takes."""
    pairs = [] if name in ONLY_SIX else [(A, B)]
    pairs += [] if name in ONLY_FOUR else [(A6, B6)]
    return [WRAPS[name](packet(kind, *pair)) for pair in pairs]


def passing(keep: Keep, name: str, kind: str) -> set[bool]:
    """Tell which of them pass on Ethernet."""
    return set(kept(program(keep, packets.ETHERNET, 2048), wrapped(name, kind)))


@pytest.mark.parametrize("name", WRAPS)
def test_questions_and_attempts_pass_whatever_is_around_them(name: str) -> None:
    """At every level but the last, which samples what is not known to be a question."""
    for keep in (Keep.ALL, Keep.NO_BULK, Keep.NO_STREAMS, Keep.SHORT):
        for kind in ("question", "question-tcp", "attempt"):
            assert passing(keep, name, kind) == {True}, (keep, kind)


@pytest.mark.parametrize("name", sorted(OPENED))
def test_what_can_be_opened_is_judged_by_what_is_in_it(name: str) -> None:
    """As the same packet without a wrapping is."""
    for keep in Keep:
        for kind in ("question", "answer", "question-tcp", "hello", "bulk", "media"):
            assert passing(keep, name, kind) == passing(keep, "bare", kind), (keep, kind)


@pytest.mark.parametrize("name", sorted(WRAPS.keys() - OPENED))
def test_what_cannot_be_opened_is_not_taken_for_bulk(name: str) -> None:
    """A hello may be in it."""
    assert passing(Keep.NO_BULK, name, "hello") == {True}


def test_what_cannot_be_opened_goes_by_its_length() -> None:
    """A question is short, whatever is around it."""
    frames = [packets.ethernet(bytes(size - 14), 0x894F) for size in (CLOSED_BYTES - 1, 900)]

    assert kept(program(Keep.NO_STREAMS, packets.ETHERNET, 2048), frames) == [True, False]


def test_the_last_level_keeps_one_of_so_many_attempts() -> None:
    """By chance, so that whoever tries again is seen in the end; questions all pass."""
    frames = [packets.syn_frame(A, 1024 + number, B, 443) for number in range(4000)]

    passed = sum(kept(program(Keep.NAMES, packets.ETHERNET, 2048), frames))

    assert 0.7 * 4000 / SAMPLE < passed < 1.3 * 4000 / SAMPLE
    assert passing(Keep.NAMES, "bare", "question") == {True}


@pytest.mark.parametrize("kind", ["answer", "bulk"])
def test_fragments_of_answers_pass_and_those_of_streams_go(kind: str) -> None:
    """Only the first one of a datagram has ports."""
    four = packet(kind, A, B)[20:]
    six = packet(kind, A6, B6)[40:]
    protocol = packets.UDP if kind == "answer" else packets.TCP
    frames = [
        packets.ethernet(packets.ipv4(A, B, protocol, four[800:], fragment_offset=800)),
        packets.ethernet(
            packets.ipv6(
                A6, B6, 44, bytes([protocol, 0]) + (800).to_bytes(2) + bytes(4) + six[800:]
            )
        ),
    ]

    for keep in (Keep.NO_STREAMS, Keep.SHORT, Keep.NAMES):
        passed = kept(program(keep, packets.ETHERNET, 2048), frames)
        assert passed == [kind == "answer"] * 2, keep


def test_ipv6_with_extension_headers_is_read_to_its_end() -> None:
    """Options, routing, an atomic fragment."""
    options = bytes([43, 0]) + bytes(6)
    routing = bytes([44, 0]) + bytes(6)
    last = bytes([packets.UDP, 0]) + bytes(6)
    question = packets.udp(5000, 53, packets.dns_query("a.example.com"))
    frame = packets.ethernet(packets.ipv6(A6, B6, 0, options + routing + last + question))

    assert kept(program(Keep.NAMES, packets.ETHERNET, 2048), [frame] * 20) == [True] * 20


def test_cut_packets_end_the_program() -> None:
    """It reads nothing behind them: what has no ports is dropped, or kept as what is not known."""
    whole = [frame for name in WRAPS for frame in wrapped(name, "question")]
    for frame in whole:
        cut = [frame[:size] for size in range(14, len(frame))]
        kept(program(Keep.SHORT, packets.ETHERNET, 2048), cut)


def test_link_types_without_a_program_keep_all() -> None:
    """802.11, for example."""
    assert kept(program(Keep.NAMES, 105, 2048), [bytes(60)]) == [True]


@pytest.mark.root
@pytest.mark.parametrize(
    ("name", "filter_"),
    [
        (NEAR, ""),
        (NEAR, "not port 999"),
        (NEAR, "not port 999 and not vlan"),
        ("any", ""),
        ("any", "not port 999"),
    ],
)
def test_the_sites_filter_stays_in_front(name: str, filter_: str) -> None:
    """Both have to be fulfilled, also on `any`; all comes back with the last change."""
    frames = [
        packets.udp_frame(A, 5000, B, 53, packets.dns_query("a.example.com")),
        packets.udp_frame(A, 5000, B, 999, bytes(40)),
        packets.udp_frame(A, 5000, B, 998, bytes(900)),
        packets.tcp_frame(A, 5000, B, 443, b"\x17" * 1200),
    ]
    with place() as here, here.inside.entered():
        reader = Interface(name, Capture(interfaces=(name,), filter=filter_))
        with reader:
            told = []
            for keep in (Keep.SHORT, Keep.ALL):
                reader.keep(keep)
                told.append([len(_received(here, reader, frame)) for frame in frames])

    others = int(not filter_)
    assert told == [[1, others, 0, 0], [1, others, 1, 1]]


def _received(here: Place, reader: Interface, frame: bytes) -> list[bytes]:
    """Send a frame from the other end and return what is read."""
    _send(here.outside, frame)
    found = []
    while reader.poll(0.3):
        batch = reader.read()
        if batch:
            found += [each for _, each in packets.packets_of(batch)]
    return found


def _send(side: Namespace, frame: bytes) -> None:
    with side.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.sendto(frame, ("live-far", 0))
