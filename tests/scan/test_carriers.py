"""Names and certificates in other carriers than TLS over TCP: found by content, on any port."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha1

import pytest

from agent.scan import stats
from tests import carried, packets
from tests.scan.scanning import A6, B6, A, B, count, make, randomness, scan, sized

NAME = "evil.example.org"
DER = carried.der()
OTHER = carried.der(700, b"2")
HELLO = packets.tls_record(packets.client_hello(NAME))
FLIGHT = packets.tls_record(packets.server_hello() + packets.certificate(DER, OTHER))

Frames = Sequence[bytes]


def keys() -> list[str]:
    """Return the name and both certificates."""
    return [NAME, sha1(DER).hexdigest(), sha1(OTHER).hexdigest()]  # noqa: S324 - a list's key


def tcp(*payloads: bytes, port: int = 999, answers: bool = False) -> list[bytes]:
    """Send segments one behind the other, to a server or from it."""
    ends = (B, port, A, 50000) if answers else (A, 50000, B, port)
    places = [sum(map(len, payloads[:number])) for number in range(len(payloads))]
    return [
        packets.tcp_frame(*ends, payload, sequence=1 + place)
        for payload, place in zip(payloads, places, strict=True)
    ]


def udp(*payloads: bytes, port: int = 999) -> list[bytes]:
    """Send datagrams."""
    return [packets.udp_frame(A, 50000, B, port, payload) for payload in payloads]


SCANNER = make(*keys())
"""For all tests that only ask what is in some packets; it is empty after each."""


def said(frames: Frames) -> list[str]:
    """Return the names and the certificates that are sighted."""
    SCANNER.scan(packets.batch(frames))
    SCANNER.finish()
    found = SCANNER.drain(True, "")
    names = [NAME for one in found if one.fields.get("name", b"").decode() == NAME]
    names += [NAME for one in found if one.what == "http"]
    ders = {DER: "first", OTHER: "second"}
    return names + sorted(ders.get(one.packet, "?") for one in found if one.what == "certificate")


BOTH = ["first", "second"]

SEGMENTS: Mapping[str, tuple[bytes, list[str]]] = {
    "tds-client": (carried.tds(HELLO), [NAME]),
    "tds-server": (carried.tds(FLIGHT, kind=4), BOTH),
    "proxy-1": (carried.proxy(HELLO), [NAME]),
    "proxy-2": (carried.proxy(HELLO, 2), [NAME]),
    "proxy-request": (carried.proxy(packets.http_request("/", NAME)), [NAME]),
    "rdp": (carried.rdp([DER, OTHER]), BOTH),
    "opc-ua": (carried.opc(DER + OTHER), BOTH),
    "gssapi-client": (carried.adat(HELLO, reply=False), [NAME]),
    "gssapi-server": (carried.adat(FLIGHT, reply=True), BOTH),
}
"""What begins a stream of its own, and what is in it."""

DATAGRAMS: Mapping[str, tuple[bytes, list[str]]] = {
    "dtls-hello": (carried.dtls_hello_datagram(NAME), [NAME]),
    "dtls-cookie": (carried.dtls_hello_datagram(NAME, bytes(20)), [NAME]),
    "dtls-certificates": (
        carried.dtls_record(carried.dtls_message(packets.server_hello()))
        + carried.dtls_record(carried.dtls_message(packets.certificate(DER, OTHER), number=1)),
        BOTH,
    ),
    "dtls-one-record": (
        carried.dtls_record(
            carried.dtls_message(packets.server_hello())
            + carried.dtls_message(packets.certificate(DER), number=1)
        ),
        ["first"],
    ),
    "openvpn-hello": (carried.openvpn(HELLO, 1, acknowledged=1), [NAME]),
    "openvpn-signed": (carried.openvpn(HELLO, 1, signature=20), [NAME]),
    "openvpn-sha256": (carried.openvpn(HELLO, 1, signature=32, acknowledged=2), [NAME]),
    "openvpn-sha512": (carried.openvpn(FLIGHT, 1, signature=64, key=3), BOTH),
    "openvpn-md5": (carried.openvpn(FLIGHT, 1, signature=16, acknowledged=1), BOTH),
}

ON_IKE: Mapping[str, tuple[bytes, list[str]]] = {
    "ike-1": (carried.ike([DER, OTHER], version=0x10), BOTH),
    "ike-2": (carried.ike([DER, OTHER]), BOTH),
    "ike-behind-a-marker": (bytes(4) + carried.ike([DER]), ["first"]),
    "ike-first-byte-of-quic": (b"\xdd" + carried.ike([DER])[1:], ["first"]),
}

TARGETS = {
    "socks4": carried.socks4("198.51.100.66"),
    "socks4a": carried.socks4(NAME),
    "socks5": carried.socks5("198.51.100.66"),
    "socks5-name": carried.socks5(NAME),
}


@pytest.mark.parametrize("name", SEGMENTS)
def test_what_a_segment_carries_is_found(name: str) -> None:
    """Whole, on any port, in either direction."""
    payload, expected = SEGMENTS[name]

    for port in (25, 999, 3389):
        assert said(tcp(payload, port=port)) == expected
    assert said(tcp(payload, answers=True)) == expected


@pytest.mark.parametrize("name", DATAGRAMS)
def test_what_a_datagram_carries_is_found(name: str) -> None:
    """Whole, on any port."""
    payload, expected = DATAGRAMS[name]

    for port in (999, 1194, 443):
        assert said(udp(payload, port=port)) == expected


@pytest.mark.parametrize("name", ON_IKE)
@pytest.mark.parametrize("port", [500, 4500])
def test_certificates_of_ike_are_found(name: str, port: int) -> None:
    """Its initiator's cookie begins as it likes, so that its ports are asked first."""
    payload, expected = ON_IKE[name]

    assert said(udp(payload, port=port)) == expected


@pytest.mark.parametrize("name", SEGMENTS)
def test_what_a_segment_carries_may_be_cut_anywhere(name: str) -> None:
    """Its head is put together; the first segment has to show what it is."""
    payload, expected = SEGMENTS[name]
    for place in range(24, len(payload), sized(1, 17)):
        found = said(tcp(payload[:place], payload[place:]))
        assert found == expected or (found == [] and place < 130), place


@pytest.mark.parametrize("name", ["rdp", "opc-ua", "gssapi-server"])
def test_segments_of_a_few_bytes_are_put_together(name: str) -> None:
    """Behind a first one that shows what it is."""
    payload, expected = SEGMENTS[name]
    rest = [payload[at : at + 5] for at in range(40, len(payload), 5)]

    assert said(tcp(payload[:40], *rest)) == expected


@pytest.mark.parametrize("name", [*SEGMENTS, *DATAGRAMS, *ON_IKE])
def test_what_is_cut_off_is_not_made_up(name: str) -> None:
    """A capture that ends at any byte."""
    everything = {**SEGMENTS, **DATAGRAMS, **ON_IKE}
    payload, expected = everything[name]
    send: Callable[[bytes], Frames] = tcp if name in SEGMENTS else udp
    for size in range(1, len(payload), sized(3, 41)):
        found = said(send(payload[:size]))
        assert set(found) <= set(expected), size


@pytest.mark.parametrize("name", [*SEGMENTS, *DATAGRAMS])
def test_what_follows_changes_nothing(name: str) -> None:
    """Bytes behind it in the same segment; a datagram ends with what it carries."""
    payload, expected = {**SEGMENTS, **DATAGRAMS}[name]
    tail = b"" if name in DATAGRAMS and "openvpn" in name else packets.noise(90, b"tail")
    send: Callable[[bytes], Frames] = tcp if name in SEGMENTS else udp

    assert said(send(payload + tail)) == expected


def test_any_corrupt_byte_is_survived() -> None:
    """One byte at a time, several values: nothing is read behind the end."""
    draw = randomness(11)
    scanner = make(*keys())
    for payload, port in (
        *((payload, 0) for payload, _ in SEGMENTS.values()),
        *((payload, 0) for payload in TARGETS.values()),
        *((payload, 999) for payload, _ in DATAGRAMS.values()),
        *((payload, 500) for payload, _ in ON_IKE.values()),
    ):
        for place in range(0, min(len(payload), 400), sized(1, 9)):
            for value in (0, 0xFF, draw.randrange(256)):
                damaged = payload[:place] + bytes([value]) + payload[place + 1 :]
                source = 1024 + draw.randrange(60_000)
                ends = (A, source, B, port or 999, damaged)
                frame = packets.udp_frame(*ends) if port else packets.tcp_frame(*ends)
                scanner.scan(packets.batch([frame]))
    scanner.finish()
    scanner.drain(True, "")

    assert count(scanner, stats.ERRORS) == 0


def test_dtls_certificates_are_put_together_from_their_parts() -> None:
    """In any order, over datagrams; those of another connection stay out."""
    message = packets.certificate(DER, OTHER)
    size = len(message) - 4
    parts = [
        carried.dtls_record(carried.dtls_message(message, number=2, offset=at, size=400))
        for at in range(0, size, 400)
    ]
    apart = packets.udp_frame(A, 50001, B, 999, parts[0])

    assert said(udp(*parts)) == BOTH
    assert said(udp(*parts[::-1])) == BOTH
    assert said([apart, *udp(*parts[1:])]) == []


def test_openvpn_flight_is_put_together_from_its_packets() -> None:
    """By their numbers; one that comes twice counts once."""
    parts = [FLIGHT[at : at + 500] for at in range(0, len(FLIGHT), 500)]
    sent = [
        carried.openvpn(part, 4 + number, signature=20, acknowledged=number % 3)
        for number, part in enumerate(parts)
    ]

    assert said(udp(*sent)) == BOTH
    assert said(udp(sent[0], sent[0], *sent[1:])) == BOTH
    assert said(udp(*sent[1:])) == []


def test_openvpn_is_read_over_tcp() -> None:
    """A length stands in front of each packet."""
    packet = carried.openvpn(HELLO, 1, acknowledged=1)

    assert said(tcp(len(packet).to_bytes(2, "big") + packet)) == [NAME]


def test_sightings_of_heads_over_udp_say_so() -> None:
    """Certificates put together from datagrams are not TCP's."""
    (sighting,) = scan(keys(), udp(DATAGRAMS["dtls-one-record"][0]))

    assert (sighting.what, sighting.protocol) == ("certificate", packets.UDP)


def test_names_that_socks_is_asked_for_are_seen() -> None:
    """Clients of a proxy need no DNS."""
    for name in ("socks4a", "socks5-name"):
        (sighting,) = scan([NAME], tcp(TARGETS[name], port=1080))

        assert (sighting.what, sighting.fields["target"]) == ("http", f"{NAME}:443".encode())


def test_addresses_that_a_proxy_is_asked_for_are_seen() -> None:
    """By SOCKS, in a request, in a hello; not again where the packet itself goes there."""
    evil, evil6 = "198.51.100.66", "2001:db8::66:1"
    for name in ("socks4", "socks5"):
        assert [one.what for one in scan([evil], tcp(TARGETS[name]))] == ["http"]
    for target, host in ((f"http://{evil}/x", evil), (f"http://[{evil6}]:81/", f"[{evil6}]:81")):
        request = packets.http_request(target, host)
        assert [one.what for one in scan([evil, evil6], tcp(request, port=8080))] == ["http"]
    hello = packets.tls_record(packets.client_hello(evil))
    assert [one.what for one in scan([evil], tcp(hello))] == ["tls"]
    straight = packets.tcp_frame(A, 50000, evil, 443, hello)
    assert scan([evil], [straight]) == []
    straight6 = packets.tcp_frame(A6, 1, evil6, 80, packets.http_request("/", f"[{evil6}]"))
    assert [one.what for one in scan([evil6], [straight6])] == ["http"]
    assert scan(["2001:db8::67:1"], [straight6]) == []


@pytest.mark.parametrize("six", [False, True])
def test_segment_that_overtakes_the_one_in_which_a_head_begins_is_found(six: bool) -> None:
    """Sent later, captured earlier."""
    client, server = (A6, B6) if six else (A, B)
    parts = [FLIGHT[:300], FLIGHT[300:340], FLIGHT[340:]]
    frames = [
        packets.tcp_frame(client, 50000, server, 443, part, sequence=5 + place)
        for part, place in zip(parts, (0, 300, 340), strict=True)
    ]
    first, second, third = frames

    assert said([second, first, third]) == BOTH
    assert said([third, second, first]) == BOTH
    stranger = packets.tcp_frame(client, 50001, server, 443, parts[1], sequence=305)
    assert said([stranger, first, third]) == []


def test_bulk_that_begins_like_a_carrier_is_turned_away() -> None:
    """Each first byte, noise behind it: no head is opened."""
    scanner = make(*keys())
    for first in range(256):
        payload = bytes([first]) + packets.noise(1200, bytes([first]))
        scanner.scan(packets.batch([*tcp(payload), *udp(payload)]))
    scanner.finish()

    assert [one for one in scanner.drain(True, "") if one.what != "quic"] == []
    assert count(scanner, stats.STREAMS) <= 26  # letters may begin a request
