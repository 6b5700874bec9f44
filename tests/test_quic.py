"""QUIC: hellos are found in Initial packets however they are cut, in bounded work and memory."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import hello, quic
from agent.model import Endpoint
from agent.quic import Found, QuicHellos
from tests import packets, quic_packets

CLIENT, SERVER = Endpoint("192.168.1.10", 50000), Endpoint("203.0.113.80", 443)
NAME = "evil.example.org"
HELLO = packets.client_hello(NAME, versions=(0x0304,), alpn=("h3",))
NOW = packets.START_US


def offer(
    datagrams: list[bytes],
    hellos: QuicHellos | None = None,
    *,
    source: Endpoint = CLIENT,
    now_us: int = NOW,
) -> list[Found]:
    """Hand datagrams of one client over."""
    hellos = hellos or QuicHellos()
    return [
        found for datagram in datagrams for found in hellos.take(source, SERVER, datagram, now_us)
    ]


def names(found: list[Found]) -> list[str]:
    """Return the server names of hellos."""
    parsed = [hello.parse(one.hello) for one in found]
    return [one.server_name for one in parsed if one]


@pytest.mark.parametrize(
    ("version", "key", "iv", "protection"),
    [
        # RFC 9001 appendix A.1 and RFC 9369 appendix A.1.
        (
            quic_packets.V1,
            "1f369613dd76d5467730efcbe3b1a22d",
            "fa044b2f42a3fd3b46fb255c",
            "9f50449e04a0e810283a1e9933adedd2",
        ),
        (
            quic_packets.V2,
            "8b1a0bc121284290a29e0971b5cd045d",
            "91f73e2351d8fa91660e909f",
            "45b95e15235d6f45a6b19cbcb0294ba9",
        ),
    ],
)
def test_packets_of_these_tests_are_protected_as_the_rfc_shows(
    version: int, key: str, iv: str, protection: str
) -> None:
    """The builder stands on published vectors."""
    derived = quic_packets.keys(version, bytes.fromhex("8394c8f03e515708"))

    assert [part.hex() for part in derived] == [key, iv, protection]


@pytest.mark.parametrize(
    "version", [quic_packets.V1, quic_packets.V2, quic_packets.DRAFT29, quic_packets.DRAFT27]
)
def test_hello_in_one_packet_is_found(version: int) -> None:
    """Whole, byte for byte."""
    packet = quic_packets.initial([quic_packets.crypto(0, HELLO)], version=version)

    assert offer([packet]) == [Found(HELLO, is_whole=True)]


@pytest.mark.parametrize("id_size", [8, 13, 20])
def test_connection_id_may_have_any_size_of_a_client(id_size: int) -> None:
    """RFC 9000 section 7.2: at least 8 bytes; section 17.2: at most 20."""
    packet = quic_packets.initial(
        [quic_packets.crypto(0, HELLO)], connection_id=bytes(range(id_size)), source_id=b"abc"
    )

    assert names(offer([packet])) == [NAME]


def test_packet_number_and_token_make_no_difference() -> None:
    """A client that comes back after a Retry sends a token and counts on."""
    packet = quic_packets.initial(
        [quic_packets.crypto(0, HELLO)], token=b"token" * 20, number=70_000
    )

    assert names(offer([packet])) == [NAME]


@pytest.mark.parametrize(
    "before", [b"\x01", b"\x02\x05\x00\x00\x03", b"\x03\x05\x00\x01\x03\x00\x01\x01\x02\x03", b"\0"]
)
def test_other_frames_are_passed_over(before: bytes) -> None:
    """PING, ACK, ACK with a range and ECN counts, PADDING."""
    packet = quic_packets.initial([before, quic_packets.crypto(0, HELLO)])

    assert names(offer([packet])) == [NAME]


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 3))
def test_hello_in_any_order_of_pieces_and_packets_is_found_once(
    seed: int, pieces: int, datagrams: int
) -> None:
    """Browsers shuffle CRYPTO frames and spread them over packets and datagrams."""
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    places = sorted(draw.sample(range(1, len(HELLO)), pieces))
    frames = [
        quic_packets.crypto(start, HELLO[start:end])
        for start, end in zip([0, *places], [*places, len(HELLO)], strict=True)
    ]
    draw.shuffle(frames)
    sent = [
        quic_packets.initial(frames[index::datagrams], number=index, size=700)
        for index in range(min(datagrams, len(frames)))
    ]

    (found,) = [one.hello for one in offer(sent) if one.is_whole]

    assert found == HELLO


def test_several_packets_in_one_datagram_are_read() -> None:
    """RFC 9000 section 12.2."""
    half = len(HELLO) // 2
    first = quic_packets.initial([quic_packets.crypto(0, HELLO[:half])], size=600)
    second = quic_packets.initial([quic_packets.crypto(half, HELLO[half:])], number=1, size=500)

    assert offer([first + second]) == [Found(HELLO, is_whole=True)]


def test_name_is_told_before_the_hello_is_whole() -> None:
    """The second datagram may never be captured; the fingerprint waits for it."""
    first = quic_packets.initial([quic_packets.crypto(0, HELLO[:200])])
    rest = quic_packets.initial([quic_packets.crypto(200, HELLO[200:])], number=1)
    hellos = QuicHellos()

    assert names(offer([first], hellos)) == [NAME]
    assert offer([rest], hellos) == [Found(HELLO, is_whole=True, is_name_new=False)]


def test_gap_is_noticed() -> None:
    """Bytes behind a hole are not glued to those before it."""
    packet = quic_packets.initial(
        [quic_packets.crypto(0, HELLO[:50]), quic_packets.crypto(60, HELLO[60:])]
    )
    filler = quic_packets.initial([quic_packets.crypto(50, HELLO[50:60])], number=1)
    hellos = QuicHellos()

    assert offer([packet], hellos) == []
    assert offer([filler], hellos) == [Found(HELLO, is_whole=True)]


def test_retransmission_adds_nothing() -> None:
    """A hello under construction counts once."""
    first = quic_packets.initial([quic_packets.crypto(0, HELLO[:200])])

    assert len(offer([first, first, first])) == 1


def test_server_may_have_asked_for_another_connection_id() -> None:
    """The keys stay those of the first id (RFC 9001 section 5.2), or follow a Retry's."""
    first = quic_packets.initial([quic_packets.crypto(0, HELLO[:100])])
    moved = quic_packets.initial(
        [quic_packets.crypto(100, HELLO[100:])],
        number=1,
        connection_id=b"\x22" * 8,
        key_id=b"\x11" * 8,
    )
    retried = quic_packets.initial(
        [quic_packets.crypto(0, HELLO)], number=1, connection_id=b"\x33" * 8
    )

    assert [one.hello for one in offer([first, moved])] == [HELLO]
    assert [one.hello for one in offer([first, retried])] == [HELLO]


def test_packet_cut_by_the_capture_is_read_as_far_as_it_goes() -> None:
    """A snap length leaves the beginning, where the name mostly is."""
    packet = quic_packets.initial([quic_packets.crypto(0, HELLO)])

    assert names(offer([packet[:400]])) == [NAME]


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\xc0",
        bytes(1200),
        b"\xc0" + bytes(1199),
        b"\x40" + b"\x55" * 1199,
        b"\xc0\x0a\x0a\x0a\x0a\x08" + bytes(1194),
        b"\xf0\x00\x00\x00\x01\x08" + bytes(1194),
    ],
)
def test_other_datagrams_cost_no_decryption(datagram: bytes) -> None:
    """Short headers, version negotiation, unknown versions, Retry."""
    hellos = QuicHellos()

    assert offer([datagram], hellos) == []
    assert hellos.dropped[quic.REFUSED] == 0


def test_servers_packets_are_refused_and_counted() -> None:
    """A server's keys are others, though its packets look the same."""
    hellos = QuicHellos()
    packet = quic_packets.initial([quic_packets.crypto(0, HELLO)], key_id=b"\x99" * 8)

    assert offer([packet], hellos) == []
    assert hellos.dropped[quic.REFUSED] == 1


def test_budget_of_a_second_holds_and_comes_back() -> None:
    """A flood of spoofed addresses costs a tenth of a core, and says so."""
    hellos = QuicHellos()
    garbage = quic_packets.initial([b""], key_id=b"\x99" * 8, size=40)
    for number in range(quic.PER_SECOND + 7):
        offer([garbage], hellos, source=Endpoint(f"10.0.{number >> 8}.{number & 255}", 1))
    packet = quic_packets.initial([quic_packets.crypto(0, HELLO)])

    assert offer([packet], hellos) == []
    assert hellos.dropped[quic.BUDGET] == 8
    assert names(offer([packet], hellos, now_us=NOW + 1_000_000)) == [NAME]


def test_one_source_cannot_spend_the_budget_of_all() -> None:
    """PER_SOURCE packets a second are read, the rest is counted."""
    hellos = QuicHellos()
    garbage = quic_packets.initial([b""], key_id=b"\x99" * 8, size=40)
    offer([garbage] * (quic.PER_SOURCE + 5), hellos)
    packet = quic_packets.initial([quic_packets.crypto(0, HELLO)])

    assert hellos.dropped[quic.SOURCE_BUDGET] == 5
    assert names(offer([packet], hellos, source=Endpoint("10.0.0.7", 1))) == [NAME]


def test_half_open_hellos_are_capped_and_forgotten() -> None:
    """The oldest go first; what takes too long is begun anew."""
    hellos = QuicHellos()
    first = quic_packets.initial([quic_packets.crypto(0, HELLO[:100])])
    rest = quic_packets.initial([quic_packets.crypto(100, HELLO[100:])], number=1)
    second = 0
    for number in range(quic.MAX_CONNECTIONS + 3):
        second = number // 100
        source = Endpoint(f"10.0.{number >> 8}.{number & 255}", 1)
        offer([first], hellos, source=source, now_us=NOW + second * 1_000_000)
    last = Endpoint("10.0.2.2", 1)

    assert hellos.dropped[quic.EVICTED] == 3
    late = NOW + second * 1_000_000 + quic.KEPT_US + 1
    assert offer([rest], hellos, source=last, now_us=late) == []


@pytest.mark.parametrize("offset", [quic.MAX_HELLO, 2**40])
def test_stream_beyond_any_hello_is_given_up(offset: int) -> None:
    """Offsets are the sender's; memory is ours."""
    hellos = QuicHellos()
    packet = quic_packets.initial([quic_packets.crypto(offset, b"x")])

    assert offer([packet], hellos) == []
    assert hellos.dropped[quic.TOO_LARGE] == 1


def test_crumbs_are_given_up() -> None:
    """One byte a frame would be a thousand pieces."""
    hellos = QuicHellos()
    frames = [quic_packets.crypto(2 * at, b"x") for at in range(quic.MAX_PIECES + 1)]

    assert offer([quic_packets.initial(frames)], hellos) == []
    assert hellos.dropped[quic.TOO_LARGE] == 1


@given(st.binary(max_size=200))
def test_any_payload_is_survived(payload: bytes) -> None:
    """Frames are the sender's: bytes of any kind never raise."""
    quic.crypto_frames(payload)
    offer([quic_packets.initial([payload], size=100)])


@given(st.binary(max_size=1300), st.sampled_from(sorted(quic.VERSIONS)))
def test_any_datagram_is_survived(tail: bytes, version: int) -> None:
    """Whatever follows a known version."""
    offer([tail, b"\xc3" + version.to_bytes(4, "big") + tail])


def test_every_corrupted_byte_is_survived() -> None:
    """A flipped bit yields a hello, a part of one, or nothing; never an error."""
    packet = quic_packets.initial([quic_packets.crypto(0, HELLO)], size=len(HELLO) + 10)
    for at in range(len(packet)):
        offer([packet[:at] + bytes([packet[at] ^ 0x55]) + packet[at + 1 :]])
