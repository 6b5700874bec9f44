"""Names and digests in every protocol, from frames to hits: split, joined, encrypted, answered."""

import hashlib
import itertools
from collections.abc import Sequence

import pytest

from agent import hello
from agent.match import Look
from agent.scan import stats
from tests import packets, quic_packets
from tests.wired import Wired

CLIENT, SERVER = "192.168.1.10", "203.0.113.80"
NAME = "evil.org"
DER = packets.noise(1500, b"certificate")
"""What a scanner sees of a certificate: bytes that it hashes."""


def segments(
    payload: bytes,
    cuts: Sequence[int],
    *,
    port: int = 443,
    order: Sequence[int] | None = None,
    from_server: bool = False,
) -> list[bytes]:
    """Send a payload cut at these places, in another order where one is given."""
    places = [0, *cuts, len(payload)]
    made = []
    for start, end in itertools.pairwise(places):
        piece = payload[start:end]
        source, destination = (SERVER, CLIENT) if from_server else (CLIENT, SERVER)
        ports = (port, 50000) if from_server else (50000, port)
        segment = packets.tcp(
            *ports, piece, flags=packets.ACK, sequence=(0xFFFFFF00 + start) % 2**32
        )
        made.append(packets.ethernet(packets.ip(source, destination, packets.TCP, segment)))
    return [made[index] for index in order] if order else made


def wheres(keys: dict[str, str], frames: list[bytes]) -> list[str]:
    """Return where these frames lead to hits."""
    wired = Wired({}, own=keys)
    found = [hit.where for hit in wired.hits(*frames)]
    assert wired.scanner.statistics()[stats.ERRORS] == 0
    return found


def flight(*records: bytes) -> bytes:
    """Build a server's flight of TLS 1.2."""
    return packets.tls_record(packets.server_hello()) + b"".join(records)


CERTIFICATES = packets.tls_record(packets.certificate(DER, packets.noise(900, b"issuer")))


@pytest.mark.parametrize("size", [1, 3, 7, 100, 517])
def test_hello_in_segments_of_any_size_is_found_once(size: int) -> None:
    """Post-quantum hellos no longer fit one segment."""
    payload = packets.tls_record(packets.client_hello(NAME, padding=1900))
    cuts = list(range(size, len(payload), size))

    assert wheres({NAME: "malware"}, segments(payload, cuts)) == ["tls.sni"]


def test_hello_cut_at_every_byte_is_found_once() -> None:
    """The name may stand in either part, or across the cut."""
    payload = packets.tls_record(packets.client_hello(NAME))
    for cut in range(1, len(payload)):
        assert wheres({NAME: "malware"}, segments(payload, [cut])) == ["tls.sni"], cut


@pytest.mark.parametrize("size", [1, 5, 60, 400])
def test_hello_spread_over_records_is_found_once(size: int) -> None:
    """RFC 8446 section 5.1 lets a message continue in the next record."""
    message = packets.client_hello(NAME)
    payload = b"".join(
        packets.tls_record(message[at : at + size]) for at in range(0, len(message), size)
    )

    assert wheres({NAME: "malware"}, segments(payload, [])) == ["tls.sni"]
    assert wheres({NAME: "malware"}, segments(payload, [len(payload) // 2])) == ["tls.sni"]


def test_middle_segments_may_come_in_another_order() -> None:
    """The first one shows what it is; the others may overtake each other."""
    payload = packets.tls_record(packets.client_hello(NAME, padding=1900))
    frames = segments(payload, [20, 60, 400, 900], order=[0, 3, 1, 2, 2, 4])

    assert wheres({NAME: "malware"}, frames) == ["tls.sni"]


def test_sequence_numbers_may_wrap() -> None:
    """They do in these tests: the first byte is 256 before the end of all numbers."""
    payload = packets.tls_record(packets.client_hello("a" * 60 + "." + "b" * 60 + "." + NAME))

    assert wheres({NAME: "malware"}, segments(payload, [50, 100, 150, 200, 250, 256])) == [
        "tls.sni"
    ]


@pytest.mark.parametrize("kind", ["ja3", "ja4"])
@pytest.mark.parametrize("cuts", [[], [600], [10, 20, 30]])
def test_fingerprints_are_found(kind: str, cuts: list[int]) -> None:
    """JA3 and JA4 of hellos, whole or in segments, with or without a name."""
    message = packets.client_hello(None, padding=700)
    parsed = hello.parse(message)
    assert parsed is not None
    key = parsed.ja3() if kind == "ja3" else parsed.ja4()

    assert wheres({key: "malware"}, segments(packets.tls_record(message), cuts)) == [f"tls.{kind}"]


def test_harmless_fingerprint_is_judged_once() -> None:
    """A client's hellos are looked at in Python once, until sets change; listed ones each time."""
    wired = Wired({}, own={"0" * 32: "malware"})
    frames = segments(packets.tls_record(packets.client_hello(None)), [])
    assert wired.hits(*frames) == []
    for token in wired.matcher.take_harmless():
        wired.scanner.learn(token)

    wired.scanner.scan(packets.batch(frames))

    assert wired.scanner.drain(True, "") == []


def spoken(where: str, name: str, leads_to: str = "") -> bytes:
    """Return a packet that has the name as question, as answer or in a hello."""
    if where == "dns.question":
        return packets.udp_frame(CLIENT, 40000, SERVER, 53, packets.dns_query(name))
    if where == "dns.answer":
        answers = [(packets.CNAME, leads_to)] if leads_to else [(packets.A, "198.51.100.7")]
        return packets.udp_frame(SERVER, 53, CLIENT, 40000, packets.dns_response(name, answers))
    return segments(packets.tls_record(packets.client_hello(name)), [])[0]


@pytest.mark.parametrize("where", ["dns.question", "dns.answer", "tls.sni"])
def test_name_that_matches_no_pattern_after_all_is_judged_once(where: str) -> None:
    """It holds what a pattern needs; names that match are told each time."""
    wired = Wired({r"dga[0-9]+\.wildcard-test\.com": "malware"})
    harmless, listed = (
        spoken(where, "w7.wildcard-test.com"),
        spoken(where, "dga7.wildcard-test.com"),
    )

    def shown(frame: bytes) -> int:
        wired.scanner.scan(packets.batch([frame]))
        found = wired.scanner.drain(True, "")
        assert [hit for one in found for hit in wired.matcher.match(one)] == []
        for token in wired.matcher.take_harmless():
            wired.scanner.learn(token)
        return len(found)

    assert [shown(harmless) for _ in range(3)] == [1, 0, 0]
    for _ in range(2):
        assert [hit.where for hit in wired.hits(listed)] == [where]
        assert wired.matcher.take_harmless() == []
    if where == "dns.answer":
        leads = spoken(where, "w7.wildcard-test.com", "dga7.wildcard-test.com")
        assert [hit.where for hit in wired.hits(leads)] == ["dns.cname"]


def test_name_is_judged_anew_for_who_wants_it_explained() -> None:
    """Whoever watches is told of each of them."""
    wired = Wired({r"dga[0-9]+\.wildcard-test\.com": "malware"})
    looks: list[Look] = []
    wired.matcher.watch = looks.append

    assert wired.hits(spoken("dns.question", "w7.wildcard-test.com")) == []
    assert "w7.wildcard-test.com" in [look.observed for look in looks]
    assert wired.matcher.take_harmless() == []


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
@pytest.mark.parametrize("size", [0, 1000, 333, 9])
def test_certificate_is_found_over_any_number_of_segments(digest: str, size: int) -> None:
    """Rule T-16 without its limit to one segment; in the same record as the hello, or its own."""
    key = hashlib.new(digest, DER).hexdigest()
    one_record = packets.tls_record(packets.server_hello() + packets.certificate(DER))
    for payload in (flight(CERTIFICATES), one_record):
        cuts = list(range(size, len(payload), size)) if size else []
        found = wheres({key: "malware"}, segments(payload, cuts, from_server=True))
        assert found == ["tls.certificate"]


def test_certificate_hit_names_the_server_and_its_digests() -> None:
    """Who showed what; the connection was answered."""
    wired = Wired({}, own={hashlib.sha1(DER).hexdigest(): "malware"})  # noqa: S324 - a key

    (hit,) = wired.hits(*segments(flight(CERTIFICATES), [], from_server=True))

    assert (hit.source.address, hit.destination.address) == (SERVER, CLIENT)
    assert (hit.direction, hit.outcome, hit.type) == ("outbound", "answered", "CERT")
    assert hit.tls is not None
    assert hit.tls.certificate_sha256 == hashlib.sha256(DER).hexdigest()


@pytest.mark.parametrize("version", [quic_packets.V1, quic_packets.V2, quic_packets.DRAFT29])
@pytest.mark.parametrize("port", [443, 4433])
def test_name_in_quic_is_found(version: int, port: int) -> None:
    """Rule T-15, on any port."""
    message = packets.client_hello(NAME, versions=(0x0304,), alpn=("h3",))
    packet = quic_packets.initial([quic_packets.crypto(0, message)], version=version)

    assert wheres({NAME: "malware"}, [packets.udp_frame(CLIENT, 50000, SERVER, port, packet)]) == [
        "quic.sni"
    ]


def test_fingerprint_in_quic_is_found() -> None:
    """JA4 with its mark for QUIC."""
    message = packets.client_hello(NAME, versions=(0x0304,), alpn=("h3",))
    parsed = hello.parse(message)
    assert parsed is not None
    packet = quic_packets.initial([quic_packets.crypto(0, message)])
    frames = [packets.udp_frame(CLIENT, 50000, SERVER, 443, packet)]

    assert wheres({parsed.ja4("q"): "malware"}, frames) == ["quic.ja4"]


def test_encrypted_hello_labels_the_front() -> None:
    """What the name says is not where the client goes."""
    message = packets.client_hello(NAME, extensions=[(0xFE0D, bytes(60))])

    (hit,) = Wired({NAME: "malware"}).hits(*segments(packets.tls_record(message), []))

    assert hit.tls is not None
    assert hit.tls.encrypted_hello


@pytest.mark.parametrize("size", [0, 1, 2, 13, 40])
def test_dns_over_tcp_is_read_however_it_is_cut(size: int) -> None:
    """RFC 7766: several messages in one connection, each behind its length."""
    payload = b"".join(
        packets.dns_over_tcp(packets.dns_query(name)) for name in ("good.org", NAME, f"x.{NAME}")
    )
    cuts = list(range(size, len(payload), size)) if size else []

    found = wheres({NAME: "malware"}, segments(payload, cuts, port=53))

    assert found == ["dns.question", "dns.question"]


def test_answers_are_looked_up() -> None:
    """Addresses, aliases, and the names of answers whose question nobody saw."""
    message = packets.dns_response(
        "www.good.org", [(packets.CNAME, "cdn.evil.org"), (packets.A, "198.51.100.9")]
    )
    frame = packets.udp_frame("192.0.2.53", 53, CLIENT, 40000, message)

    assert wheres({NAME: "malware"}, [frame]) == ["dns.cname"]
    assert wheres({"198.51.100.9": "malware"}, [frame]) == ["dns.answer"]
    assert wheres({"good.org": "malware"}, [frame]) == ["dns.answer"]
    assert wheres({"198.51.100.10": "malware"}, [frame]) == []


@pytest.mark.parametrize("size", [1, 2, 30, 77])
def test_request_in_segments_is_read_once(size: int) -> None:
    """Host and path may stand in different segments."""
    payload = packets.http_request("/gate.php?id=7", NAME, user_agent="Evil/1")
    cuts = list(range(size, len(payload), size))

    assert wheres({NAME: "malware"}, segments(payload, cuts, port=80)) == ["http.host"]
    assert wheres({"/gate.php?id=": "malware"}, segments(payload, cuts, port=80)) == ["http.path"]
    assert wheres({"ua:Evil/1": "malware"}, segments(payload, cuts, port=80)) == ["http.user_agent"]


def test_pipelined_requests_are_all_read() -> None:
    """RFC 9112 section 9.3.2; the last one may be cut."""
    requests = [packets.http_request(f"/{n}", "good.org") for n in range(5)]
    payload = b"".join([*requests, packets.http_request("/bad", NAME)])

    assert wheres({NAME: "malware"}, segments(payload, [], port=80)) == ["http.host"]
    assert wheres({NAME: "malware"}, segments(payload, [len(payload) - 9], port=80)) == [
        "http.host"
    ]


def test_body_is_a_candidate() -> None:
    """Rule T-13.8: the path, a question mark and the body, in this segment or the next."""
    payload = packets.http_request("/submit", "good.org", method="POST", body=b"Q=%31&x=2")
    keys = {"/submit?q=1&x=2": "malware"}
    wired = Wired(keys)

    (hit,) = wired.hits(*segments(payload, [], port=80))

    assert (hit.where, hit.type) == ("http.body", "HTTP")
    assert hit.trail == r"good.org(/submit \(POST Q=%31&x=2\))"
    assert wheres(keys, segments(payload, [len(payload) - 9], port=80)) == ["http.body"]
    assert wheres(keys, segments(payload, [len(payload) - 4], port=80)) == ["http.body"]


def test_clients_that_proxies_name_are_told() -> None:
    """X-Forwarded-For and its relatives, in a field of their own."""
    payload = (
        f"GET / HTTP/1.1\r\nHost: {NAME}\r\nX-Forwarded-For: 198.51.100.1, 2001:db8::1\r\n"
        'Forwarded: for="[2001:db8::2]:80";proto=http\r\n\r\nX-Real-IP: 198.51.100.9\r\n'
    ).encode()

    hit = Wired({NAME: "malware"}).hits(*segments(payload, [], port=80))[0]

    assert hit.http is not None
    assert hit.http.forwarded == ("198.51.100.1", "2001:db8::1", "2001:db8::2")


def test_flood_of_half_open_heads_is_bounded_and_counted() -> None:
    """Heads that never end are given up, the oldest first; whole ones are found all the same."""
    wired = Wired({NAME: "malware"})
    half = packets.tls_record(packets.client_hello(None, padding=1900))[:40]
    frames = [
        packets.tcp_frame(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 50000, SERVER, 443, half)
        for n in range(5000)
    ]

    found = wired.hits(*frames, *segments(packets.tls_record(packets.client_hello(NAME)), []))
    counted = wired.scanner.statistics()

    assert [hit.where for hit in found] == ["tls.sni"]
    assert counted[stats.STREAMS] >= 4000
    assert counted[stats.STREAMS_EVICTED] >= 3000
    assert counted[stats.ERRORS] == 0


@pytest.mark.parametrize(("answers", "outcome"), [(True, "answered"), (False, "unknown")])
def test_datagrams_have_an_opener_and_an_outcome(answers: bool, outcome: str) -> None:
    """Who spoke first opened the conversation; whoever speaks back answers it."""
    wired = Wired({SERVER: "malware"})
    frames = [packets.udp_frame(CLIENT, 40000, SERVER, 4500, b"x")]
    if answers:
        frames.append(packets.udp_frame(SERVER, 4500, CLIENT, 40000, b"y"))

    hits = wired.hits(*frames)

    assert {hit.direction for hit in hits} == {"outbound"}
    assert hits[-1].outcome == outcome
