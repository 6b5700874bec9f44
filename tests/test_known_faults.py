"""Faults of the Maltrail sensor and its peers that concern matching: each decided, each asserted.

Named after the reference texts: `d31` is D-31 of detection.md section 10, `p4` item 4 of peers.md
section 0, `p1_2` its feature matrix 1.2. What is decided otherwise than one might wish says why.
"""

import hashlib
import ipaddress
from pathlib import Path

import pytest

from agent import config
from agent.allow import AllowList
from agent.model import Hit, Source, Trail
from agent.scan import stats
from agent.sets import merged_filters
from agent.trails.build import Builder
from agent.trails.find import Trails
from agent.trails.keys import Inert, parse
from agent.trails.set import TrailSet
from tests import packets, quic_packets
from tests.packets import CLIENT, SERVER
from tests.test_names import segments
from tests.wired import NOTHING, Rows, Wired, trail_set

NAME = "evil.org"
RESOLVER = "192.0.2.53"
SIX, SIX_SERVER = "fd00::10", "2001:db8::80"
HELLO = packets.client_hello(NAME)
DER = packets.noise(3000, b"certificate")
EVIL: Rows = {NAME: "malware"}
LISTED: Rows = {SERVER: "malware"}


def query(name: str = NAME, type_: int = packets.A, port: int = 53, class_: int = 1) -> bytes:
    """Return a client's question."""
    message = packets.dns_query(name, type_, class_=class_)
    return packets.udp_frame(CLIENT, 40000, RESOLVER, port, message)


def request(*lines: str, end: str = "\r\n", body: bytes = b"") -> bytes:
    """Return a request of these lines."""
    payload = end.join([*lines, "", ""]).encode() + body
    return packets.tcp_frame(CLIENT, 50000, SERVER, 8080, payload)


def wheres(frame: bytes, published: Rows = EVIL, own: Rows = NOTHING) -> list[str]:
    """Return where a frame leads to hits."""
    return [hit.where for hit in Wired(published, own).hits(frame)]


def only(hits: list[Hit]) -> Hit:
    """Return the one hit there is."""
    assert len(hits) == 1, hits
    return hits[0]


# --- 10.1 and 10.2: where the Rust sensor differs from the Python one -------------------------


@pytest.mark.parametrize("pattern", ["re:evil(?=x)", "re:(a)\\1", "evil[0-9]+(?!x)"])
def test_d9_a_pattern_that_is_not_linear_is_inert_and_told(pattern: str) -> None:
    """No list may make matching slow: what RE2 refuses is counted with a sample, not dropped."""
    builder = Builder(0)
    dialect = "own" if pattern.startswith("re:") else "maltrail"
    trail = Trail(key=pattern, info="x", reference="x", source=Source("t"), dialect=dialect)  # type: ignore[arg-type]

    assert builder.add(trail) == "pattern that RE2 refuses"
    assert TrailSet(builder.to_bytes(), "t").info.inert["pattern that RE2 refuses"].samples == (
        pattern,
    )


def test_d12_a_truncated_pattern_is_inert_rather_than_repaired() -> None:
    """A repair guesses what a list meant; the count and the sample let its keeper know."""
    with pytest.raises(Inert, match="RE2 refuses"):
        parse("evil[0-9]+(a|b", "maltrail")


def test_d20_udp_to_a_malware_address_is_told() -> None:
    """Whatever the info says."""
    frame = packets.udp_frame(CLIENT, 1, SERVER, 4444, b"x")

    assert wheres(frame, LISTED) == ["ip.dst"]


def test_d21_two_questions_on_one_socket_in_one_second_are_both_examined() -> None:
    """No filter by addresses and second stands in front of the parser."""
    wired = Wired({NAME: "x", "bad.net": "x"})

    assert [hit.indicator for hit in wired.hits(query(), query("bad.net"))] == [NAME, "bad.net"]


def test_d23_a_host_that_the_capture_cut_is_read_as_far_as_it_goes() -> None:
    """A whole name without its line end is itself; a cut one is another name."""
    whole = f"GET / HTTP/1.1\r\nHost: {NAME}".encode()

    assert wheres(packets.tcp_frame(CLIENT, 1, SERVER, 80, whole)) == ["http.host"]
    assert wheres(packets.tcp_frame(CLIENT, 1, SERVER, 80, whole[:-2])) == []


def test_d24_a_request_without_a_body_has_no_candidate_with_an_empty_query() -> None:
    """A key that ends in a question mark means an empty query that was sent."""
    assert wheres(request("GET /gate HTTP/1.1", "Host: a.net"), {"/gate?": "x"}) == []
    assert wheres(request("GET /gate? HTTP/1.1", "Host: a.net"), {"/gate?": "x"}) == ["http.path"]


def test_d25_doubled_slashes_are_folded_in_the_trail_too() -> None:
    """What is shown is what was compared."""
    hit = only(Wired({"/bad.php": "x"}).hits(request("GET //bad.php HTTP/1.1", "Host: a.net")))

    assert hit.trail == "(a.net)/bad.php"


# --- 10.3 visibility --------------------------------------------------------------------------


def test_d30_names_in_hello_quic_and_host_are_matched_without_any_setting() -> None:
    """Not only where an A query is seen; each place for itself."""
    hello = packets.tcp_frame(CLIENT, 1, SERVER, 443, packets.tls_record(HELLO))
    initial = quic_packets.initial([quic_packets.crypto(0, HELLO)])
    quic = packets.udp_frame(CLIENT, 2, SERVER, 443, initial)
    http = request("GET / HTTP/1.1", f"Host: {NAME}")

    assert [wheres(frame) for frame in (hello, quic, http)] == [
        ["tls.sni"],
        ["quic.sni"],
        ["http.host"],
    ]


@pytest.mark.parametrize("type_", [packets.AAAA, packets.PTR, packets.HTTPS, packets.TXT, 255])
def test_d31_questions_of_every_type_are_matched(type_: int) -> None:
    """A client without IPv4 asks for nothing else."""
    assert wheres(query(type_=type_)) == ["dns.question"]


@pytest.mark.parametrize("class_", [1, 3, 255])
def test_d31_questions_of_every_class_are_matched(class_: int) -> None:
    """CHAOS is asked for versions, ANY for everything."""
    assert wheres(query(class_=class_)) == ["dns.question"]


@pytest.mark.parametrize("port", [53, 5353, 5355, 1053, 31337])
def test_d32_dns_is_known_by_content_on_any_port(port: int) -> None:
    """Multicast DNS, LLMNR, resolvers on high ports."""
    assert wheres(query(port=port)) == ["dns.question"]


def test_d32_dns_over_tcp_is_read() -> None:
    """Also several messages in one segment."""
    payload = packets.dns_over_tcp(packets.dns_query("a.net"))
    payload += packets.dns_over_tcp(packets.dns_query(NAME))

    assert wheres(packets.tcp_frame(CLIENT, 40000, RESOLVER, 53, payload)) == ["dns.question"]


@pytest.mark.parametrize("flags", [0x8180, 0x81A0, 0x8190, 0x8580, 0x8100])
def test_d33_answers_are_read_whatever_their_flags(flags: int) -> None:
    """A validating resolver sets AD, an authority AA, an old one no RA."""
    message = bytearray(packets.dns_response("www.a.net", [(packets.A, SERVER)]))
    message[2:4] = flags.to_bytes(2, "big")
    frame = packets.udp_frame(RESOLVER, 53, CLIENT, 40000, bytes(message))

    assert wheres(frame, LISTED) == ["dns.answer"]


def test_d33_a_truncated_answer_is_waited_for_over_tcp() -> None:
    """Decided: the client asks again (RFC 1035 section 4.2.1), and that is read."""
    message = bytearray(packets.dns_response("www.a.net", [(packets.A, SERVER)]))
    whole = packets.dns_over_tcp(bytes(message))
    message[2] |= 2
    cut = packets.udp_frame(RESOLVER, 53, CLIENT, 40000, bytes(message))

    assert wheres(cut, LISTED) == []
    assert wheres(packets.tcp_frame(RESOLVER, 53, CLIENT, 40000, whole), LISTED) == ["dns.answer"]


@pytest.mark.parametrize(
    ("answers", "rows", "where"),
    [
        ([(packets.A, "198.51.100.1"), (packets.A, SERVER)], LISTED, "dns.answer"),
        ([(packets.AAAA, SIX_SERVER)], {SIX_SERVER: "x"}, "dns.answer"),
        ([(packets.CNAME, f"cdn.{NAME}"), (packets.A, "198.51.100.1")], EVIL, "dns.cname"),
        ([(packets.A, SERVER)], {"203.0.113.0/24": "x"}, "dns.answer"),
    ],
)
def test_d33_everything_in_an_answer_is_matched(
    answers: list[tuple[int, str]], rows: Rows, where: str
) -> None:
    """The second address, version 6, the alias, a network."""
    message = packets.dns_response("www.a.net", answers)

    assert wheres(packets.udp_frame(RESOLVER, 53, CLIENT, 40000, message), rows) == [where]


@pytest.mark.parametrize("flags", [0x02, 0x42, 0x82, 0xC2])
def test_d34_an_attempt_with_congestion_bits_is_an_attempt(flags: int) -> None:
    """SYN set and ACK clear."""
    assert wheres(packets.tcp_frame(CLIENT, 1, SERVER, 443, flags=flags), LISTED) == ["ip.dst"]


def test_d35_an_address_with_port_is_matched_over_udp() -> None:
    """As over TCP."""
    frame = packets.udp_frame(CLIENT, 1, SERVER, 4444, b"x")

    assert wheres(frame, {f"{SERVER}:4444": "x"}) == ["ip.dst"]
    assert wheres(frame, {f"{SERVER}:4445": "x"}) == []


def test_d35_a_connection_that_began_unseen_is_told_by_what_it_says() -> None:
    """Decided: data without an attempt is no address hit, or each packet of it would be weighed.

    Its attempt, answer or refusal is; and a request names its destination.
    """
    data = packets.tcp_frame(CLIENT, 1, SERVER, 443, b"\x17\x03\x03\x00\x01x", flags=0x18)
    http = request("GET / HTTP/1.1", "Host: a.net")

    assert wheres(data, LISTED) == []
    assert wheres(http, LISTED) == ["ip.dst"]


def test_d36_names_over_ipv6_and_behind_extension_headers_are_matched() -> None:
    """Hop-by-hop options, then the hello."""
    segment = packets.tcp(50000, 443, packets.tls_record(HELLO), flags=0x18)
    plain = packets.ipv6(SIX, SIX_SERVER, packets.TCP, segment)
    hop = bytes([packets.TCP, 0, 1, 4, 0, 0, 0, 0])
    extended = packets.ipv6(SIX, SIX_SERVER, 0, hop + segment)

    for packet in (plain, extended):
        assert wheres(packets.ethernet(packet)) == ["tls.sni"]


def test_d36_a_certificate_over_ipv6_is_matched() -> None:
    """Of several segments, too."""
    der = packets.noise(800, b"six")
    flight = packets.tls_record(packets.server_hello()) + packets.tls_record(
        packets.certificate(der)
    )
    segment = packets.tcp(443, 50000, flight, flags=0x18)
    packet = packets.ethernet(packets.ipv6(SIX_SERVER, SIX, packets.TCP, segment))
    digest = hashlib.sha1(der, usedforsecurity=False).hexdigest()

    assert wheres(packet, NOTHING, {digest: "x"}) == ["tls.certificate"]


@pytest.mark.parametrize("tag", [0x8100, 0x88A8, 0x9100])
def test_d37_two_vlan_tags_are_taken_off(tag: int) -> None:
    """QinQ with any outer type."""
    inner = packets.ipv4(
        CLIENT, RESOLVER, packets.UDP, packets.udp(40000, 53, packets.dns_query(NAME))
    )

    assert wheres(packets.ethernet(inner, vlans=[7, 9], tag=tag)) == ["dns.question"]


def test_d38_a_tunnel_is_opened() -> None:
    """GRE here; the others have tests of their own."""
    inner = packets.ipv4(
        CLIENT, RESOLVER, packets.UDP, packets.udp(40000, 53, packets.dns_query(NAME))
    )
    outer = packets.ipv4("192.0.2.1", "192.0.2.2", 47, packets.gre(inner))

    assert wheres(packets.ethernet(outer)) == ["dns.question"]


@pytest.mark.parametrize("size", [1, 40, 300])
def test_d39_a_hello_in_pieces_is_read(size: int) -> None:
    """Post-quantum hellos no longer fit one segment."""
    payload = packets.tls_record(packets.client_hello(NAME, padding=1500))
    frames = segments(payload, list(range(size, len(payload), size)))

    assert [hit.where for hit in Wired(EVIL).hits(*frames)] == ["tls.sni"]


def test_d39_a_certificate_longer_than_a_segment_is_read() -> None:
    """Most chains are."""
    flight = packets.tls_record(packets.server_hello()) + packets.tls_record(
        packets.certificate(DER)
    )
    digest = hashlib.sha1(DER, usedforsecurity=False).hexdigest()
    frames = segments(flight, list(range(1400, len(flight), 1400)), from_server=True)

    hits = Wired(NOTHING, {digest: "x"}).hits(*frames)

    assert [hit.where for hit in hits] == ["tls.certificate"]


def test_d39_a_request_line_in_pieces_is_read() -> None:
    """And its headers."""
    payload = packets.http_request("/", NAME)
    frames = segments(payload, [3, 30], port=8080)

    assert [hit.where for hit in Wired(EVIL).hits(*frames)] == ["http.host"]


def test_d39_a_gap_in_quic_crypto_is_noticed() -> None:
    """Half a hello is no hello, the rest completes it."""
    half = len(HELLO) // 2
    later = quic_packets.initial([quic_packets.crypto(half, HELLO[half:])], number=1)
    first = quic_packets.initial([quic_packets.crypto(0, HELLO[:half])], number=0)
    wired = Wired(EVIL)

    sent = [packets.udp_frame(CLIENT, 2, SERVER, 443, data) for data in (later, first)]

    assert wired.hits(sent[0]) == []
    assert [hit.where for hit in wired.hits(sent[1])] == ["quic.sni"]


@pytest.mark.parametrize(
    ("lines", "end"),
    [
        (("GET / HTTP/1.1", f"HOST: {NAME}"), "\r\n"),
        (("GET / HTTP/1.1", f"host:{NAME}"), "\r\n"),
        (("GET / HTTP/1.1", f"Host: {NAME}"), "\n"),
        (("GET / HTTP/1.1", "A: b", f"hOsT:\t{NAME} "), "\n"),
        (("GET / HTTP/1.1", "Host:", f" {NAME}"), "\r\n"),
        (("GET / HTTP/1.1", "Host: ", f"\t {NAME}"), "\n"),
    ],
)
def test_d40_header_names_in_any_case_bare_line_feeds_and_folds_are_read(
    lines: tuple[str, ...], end: str
) -> None:
    """RFC 9110 section 5.1, RFC 9112 sections 2.2 and 5.2."""
    assert wheres(request(*lines, end=end)) == ["http.host"]


def test_d40_a_folded_agent_is_read() -> None:
    """Its value begins in the next line."""
    frame = request("GET / HTTP/1.1", "Host: a.net", "User-Agent:", " Evil/1.0", "X: y")

    assert wheres(frame, NOTHING, {"ua:Evil/1.0": "x"}) == ["http.user_agent"]


def test_d40_a_fold_that_comes_with_the_next_segment_is_waited_for() -> None:
    """A Host without a value is no Host yet."""
    payload = f"GET / HTTP/1.1\r\nHost:\r\n {NAME}\r\n\r\n".encode()
    frames = segments(payload, [payload.index(b"\r\n ") + 2], port=80)

    assert [hit.where for hit in Wired(EVIL).hits(*frames)] == ["http.host"]


# --- 10.3 evasion and blind spots in rules ----------------------------------------------------


def test_d41_many_questions_below_a_name_do_not_hide_a_listed_one() -> None:
    """Counting and matching know nothing of each other."""
    wired = Wired({"bad.tunnel.net": "x"})
    noise = [query(f"n{number}.tunnel.net") for number in range(1100)]

    assert [hit.indicator for hit in wired.hits(*noise, query("bad.tunnel.net"))] == [
        "bad.tunnel.net"
    ]


def allowing(text: str, published: Rows, own: Rows = NOTHING) -> Wired:
    """Return scanner and matcher with the built-in allow-list and these settings."""
    settings = config.parse(f"allow_list: {{files: []{text}}}", "test").allow_list
    wired = Wired(published, own)
    wired.matcher.allow = AllowList.load(settings, 0)
    return wired


@pytest.mark.parametrize("key", ["/gate.php", "ua:Evil/1.0", "ua:re:evil"])
def test_d42_claiming_to_go_to_a_platform_excuses_nothing(key: str) -> None:
    """The client chooses its Host: a built-in entry covers names, not what is said beside them."""
    wired = allowing("", NOTHING, {key: "x"})
    frame = request("GET /gate.php HTTP/1.1", "Host: www.google.com", "User-Agent: Evil/1.0")

    assert len(wired.hits(frame)) == 1


def test_d42_what_the_site_itself_allows_is_excused() -> None:
    """It knows its hosts; the destination's address is told all the same."""
    allowed = ", entries: [{domain: shop.net}]"
    frame = request("GET /gate.php HTTP/1.1", "Host: shop.net")

    assert allowing(allowed, {"/gate.php": "x"}).hits(frame) == []
    assert len(allowing(allowed, {"/gate.php": "x", SERVER: "x"}).hits(frame)) == 1


@pytest.mark.parametrize("host", ["google.com@evil.org", "user:pass@evil.org", "evil.org:8080"])
def test_d42_a_host_with_more_than_a_name_is_matched_by_its_name(host: str) -> None:
    """What stands before @ is no host."""
    assert wheres(request("GET / HTTP/1.1", f"Host: {host}")) == ["http.host"]


@pytest.mark.parametrize("path", ["/ads/gate.php", "/downloads/gate.php", "/x?u=/ads&gate"])
def test_d43_no_word_in_a_path_switches_matching_off(path: str) -> None:
    """Neither `ads` nor anything else."""
    assert wheres(request(f"GET {path} HTTP/1.1", "Host: a.net"), {path: "x"}) == ["http.path"]


@pytest.mark.parametrize(
    "lines",
    [
        ("GET / HTTP/1.1", "Host: evil.org."),
        ("GET http://evil.org./ HTTP/1.1", "Host: a.net"),
        ("GET http://user@evil.org/ HTTP/1.1", "Host: a.net"),
        ("GET http://u:p@evil.org:8080/ HTTP/1.1", "Host: a.net"),
        ("CONNECT evil.org.:443 HTTP/1.1", "Host: a.net"),
    ],
)
def test_d45_end_dots_and_user_names_hide_no_name(lines: tuple[str, ...]) -> None:
    """In Host, absolute target and CONNECT."""
    assert wheres(request(*lines)) in (["http.host"], ["proxy.target"])


def test_d46_forwarded_addresses_have_a_field_of_their_own() -> None:
    """The source is the packet's."""
    frame = request("GET / HTTP/1.1", f"Host: {NAME}", "X-Forwarded-For: 198.51.100.77")

    hit = only(Wired(EVIL).hits(frame))

    assert hit.source.address == CLIENT
    assert hit.http is not None
    assert hit.http.forwarded == ("198.51.100.77",)


def test_d47_a_listed_destination_does_not_hide_a_listed_source() -> None:
    """Each side for itself, whatever their infos."""
    rows = {"203.0.113.9": "malware", SERVER: "known attacker"}

    hits = Wired(rows).hits(packets.syn_frame("203.0.113.9", 1, SERVER, 80))

    assert [hit.where for hit in hits] == ["ip.dst", "ip.src"]


@pytest.mark.parametrize("info", ["known attacker", "malware", "parking site (suspicious)"])
def test_d47_an_address_is_told_on_every_way(info: str) -> None:
    """TCP, UDP, ICMP, as resolver, as HTTP destination: severity tells them apart, not silence."""
    rows = {SERVER: info}
    message = packets.dns_query("a.net")
    for frame in (
        packets.syn_frame(CLIENT, 1, SERVER, 25),
        packets.udp_frame(CLIENT, 1, SERVER, 25, b"x"),
        packets.icmp_frame(CLIENT, SERVER),
        packets.udp_frame(CLIENT, 40000, SERVER, 53, message),
        packets.tcp_frame(CLIENT, 1, SERVER, 80, packets.http_request("/", "a.net")),
    ):
        assert "ip.dst" in wheres(frame, rows)


# --- 10.3 indicators --------------------------------------------------------------------------


def test_d55_networks_are_matched() -> None:
    """The smallest around the address, version 6 too."""
    rows = {"203.0.113.0/24": "x", "203.0.0.0/16": "y", "2001:db8::/32": "z"}

    hit = only(Wired(rows).hits(packets.syn_frame(CLIENT, 1, SERVER, 443)))
    assert (hit.class_id, hit.indicator) == ("trail-network", "203.0.113.0/24")
    assert wheres(packets.syn_frame(SIX, 1, SIX_SERVER, 443), rows) == ["ip.dst"]


@pytest.mark.parametrize(
    ("key", "target", "host"),
    [
        ("a.net/dir/", "/dir", "a.net"),
        ("a.net/dir/", "/dir/", "a.net"),
        ("203.0.113.80/mirai.x86", "/mirai.x86", SERVER),
        ("a.net:8080/x", "/x", "a.net:8080"),
    ],
)
def test_d55_urls_with_an_end_slash_a_number_or_a_port_are_reached(
    key: str, target: str, host: str
) -> None:
    """None of them is a dead row."""
    assert "http.url" in wheres(request(f"GET {target} HTTP/1.1", f"Host: {host}"), {key: "x"})


def test_d56_the_hundred_and_first_pattern_matches_too() -> None:
    """Of whatever list."""
    rows = {f"pattern{number}[0-9]+[.]net": "x" for number in range(150)}

    hit = only(Wired(rows).hits(query("pattern149777.net")))

    assert hit.indicator == "pattern149[0-9]+[.]net"


def test_d56_a_question_mark_in_a_pattern_is_no_query() -> None:
    """The key is not cut there."""
    assert wheres(query("evil-77.net"), {"evil-?[0-9]+[.]net": "x"}) == ["dns.question"]


def test_d57_a_name_that_is_listed_later_is_found_at_once() -> None:
    """Nothing is remembered over a change of sets."""
    wired = Wired(NOTHING, {"re:zz[0-9]+": "x"})
    assert wired.hits(query(), query("zz7.net")) == []

    own, published = trail_set({"re:zz[0-9]+[.]net": "x"}, "own"), trail_set(EVIL)
    wired.matcher.trails = Trails(own, published)
    wired.scanner.adopt(own.buffer, published.buffer, merged_filters(own, published))

    assert [hit.indicator for hit in wired.hits(query(), query("zz7.net"))] == [
        NAME,
        "zz[0-9]+[.]net",
    ]


def test_d58_a_more_exact_trail_beats_an_allowed_name() -> None:
    """Below an allowed platform, too; what the allow-list silences is told at build."""
    wired = allowing("", {"bad.google.com": "x", "google.com": "x"})

    assert [hit.indicator for hit in wired.hits(query("www.google.com"), query("bad.google.com"))]
    assert wired.hits(query("www.google.com")) == []


def test_d59_allow_lists_know_comments_and_any_case(tmp_path: Path) -> None:
    """No row is dead for how it is written."""
    path = tmp_path / "a.txt"
    path.write_text("EVIL.Org   # ours\n")
    settings = config.AllowList(builtin=False, files=(str(path),))
    wired = Wired(EVIL)
    wired.matcher.allow = AllowList.load(settings, 0)

    assert wired.hits(query()) == []


@pytest.mark.parametrize(
    "spelling",
    [
        "2001:db8::80",
        "2001:DB8:0:0:0:0:0:80",
        "[2001:db8::80]",
        "2001:0db8:0000:0000:0000:0000:0000:0080",
    ],
)
def test_d60_ipv6_keys_match_in_any_spelling(spelling: str) -> None:
    """And are told in one (RFC 5952)."""
    hit = only(Wired({spelling: "x"}).hits(packets.syn_frame(SIX, 1, SIX_SERVER, 443)))

    assert hit.indicator == str(ipaddress.ip_address(SIX_SERVER))


# --- 10.3 output and operation, as far as a hit is concerned ----------------------------------


def test_d61_own_trails_are_severe() -> None:
    """A site that writes a trail itself means it."""
    hit = only(Wired(NOTHING, {NAME: "my list"}).hits(query()))

    assert (hit.custom, hit.severity_id) == (True, 8)


def test_d65_a_hit_says_what_where_whose_and_which_way() -> None:
    """Nothing has to be parsed back from the trail's text."""
    hit = only(Wired(EVIL).hits(query(f"www.{NAME}", packets.AAAA)))

    assert (hit.class_id, hit.indicator, hit.observed, hit.where) == (
        "trail-domain",
        NAME,
        f"www.{NAME}",
        "dns.question",
    )
    assert (hit.direction, [source.name for source in hit.sources]) == ("outbound", ["test"])
    assert hit.dns is not None
    assert hit.dns.type == "AAAA"


def test_d67_an_allowed_side_does_not_hide_the_other() -> None:
    """An entry is about what is listed, or says so with `source` and `destination`."""
    rows = {SERVER: "x", "203.0.113.9": "x"}
    wired = allowing(f", entries: [{{network: {SERVER}}}]", rows)

    hits = wired.hits(packets.syn_frame("203.0.113.9", 1, SERVER, 80))

    assert [hit.where for hit in hits] == ["ip.src"]


def test_d68_a_certificate_is_of_a_conversation_that_the_client_opened() -> None:
    """The source is the packet's, the direction is not."""
    der = packets.noise(500, b"d68")
    flight = packets.tls_record(packets.server_hello()) + packets.tls_record(
        packets.certificate(der)
    )
    digest = hashlib.sha256(der).hexdigest()
    frame = packets.tcp_frame(SERVER, 443, CLIENT, 50000, flight)

    hit = only(Wired(NOTHING, {digest: "x"}).hits(frame))

    assert (hit.source.address, hit.direction, hit.outcome) == (SERVER, "outbound", "answered")


# --- peers.md sections 0 and 1 ----------------------------------------------------------------


def test_p4_the_name_of_a_hello_that_hides_another_is_labelled() -> None:
    """ECH: the outer name is not the destination."""
    hello = packets.client_hello(NAME, extensions=[(0xFE0D, bytes(40))])
    frame = packets.tcp_frame(CLIENT, 1, SERVER, 443, packets.tls_record(hello))

    hit = only(Wired(EVIL).hits(frame))

    assert hit.tls is not None
    assert hit.tls.encrypted_hello


def test_p7_a_flood_costs_counts_and_hides_nothing() -> None:
    """10,000 attempts at a listed address are one sighting, and the name beside them is seen."""
    wired = Wired({SERVER: "x", NAME: "x"})
    flood = [
        packets.syn_frame(f"198.51.{number >> 8}.{number & 255}", 1, SERVER, 443)
        for number in range(5000)
    ]

    hits = wired.hits(*flood, query())

    assert sum(hit.count for hit in hits if hit.indicator == SERVER) == 5000
    assert [hit.where for hit in hits if hit.indicator == NAME] == ["dns.question"]
    assert wired.scanner.statistics()[stats.SHED] == 0


@pytest.mark.parametrize(
    ("key", "name", "found"),
    [
        (NAME, NAME, True),
        (NAME, f"a.b.{NAME}", True),
        (NAME, f"not{NAME}", False),
        ("xyz", "anything.xyz", True),
        ("xyz", "xyz", True),
        ("xyz.net", "abcxyz.net", False),
    ],
)
def test_p1_2_a_name_covers_everything_below_it(key: str, name: str, found: bool) -> None:
    """Suricata and Zeek match whole names only; bare top levels are keys too."""
    assert wheres(query(name), {key: "x"}) == (["dns.question"] if found else [])


def test_p1_2_every_list_that_names_a_trail_is_told() -> None:
    """Not only the last one read."""
    builder = Builder(0)
    for name in ("one", "two"):
        builder.add(Trail(key=NAME, info=name, reference="x", source=Source(name)))
    wired = Wired(NOTHING)
    own, published = trail_set(NOTHING), TrailSet(builder.to_bytes(), "test")
    wired.matcher.trails = Trails(own, published)
    wired.scanner.adopt(own.buffer, published.buffer, merged_filters(own, published))

    assert [source.name for source in only(wired.hits(query())).sources] == ["one", "two"]


@pytest.mark.parametrize(
    "key",
    [
        f"{SERVER}:443",
        SERVER,
        "203.0.113.0/24",
        NAME,
        f"{NAME}/x",
        "/x",
        "ua:Evil",
        "ua:re:evil",
        "re:ev[a-z]+",
        "a" * 32,
        "b" * 40,
        "c" * 64,
        "t13d1516h2_8daaf6152771_b186095e22b6",
    ],
)
def test_p1_2_every_kind_of_indicator_is_a_key(key: str) -> None:
    """None of them is an inert row."""
    assert Wired(NOTHING, {key: "x"}).trails.own.info.keys == 1
