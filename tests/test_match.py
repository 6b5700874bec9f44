"""From frames to hits: what is said of a packet whose address, name or URL is listed."""

import msgspec
import pytest

from agent import match
from agent.model import Endpoint, Hit
from tests import carried, packets
from tests.packets import CLIENT, SERVER
from tests.wired import Wired, allow_list, trails

RESOLVER = "192.0.2.53"
PHONE, PHONE_SERVER = "fd00::10", "2001:db8::80"


def query(name: str, type_: int = packets.A, resolver: str = RESOLVER) -> bytes:
    """Return a client's question."""
    return packets.udp_frame(CLIENT, 40000, resolver, 53, packets.dns_query(name, type_))


def answer(name: str, code: int = 0) -> bytes:
    """Return the resolver's answer."""
    message = packets.dns_response(name, [] if code else [(packets.A, SERVER)], code=code)
    return packets.udp_frame(RESOLVER, 53, CLIENT, 40000, message)


def request(target: str = "/", host: str | None = "www.example.com", **more: str) -> bytes:
    """Return a client's HTTP request to SERVER."""
    payload = packets.http_request(
        target, host, method=more.get("method", "GET"), user_agent=more.get("agent", "Test/1.0")
    )
    return packets.tcp_frame(CLIENT, 50000, SERVER, int(more.get("port", "80")), payload)


def hello(name: str) -> bytes:
    """Return a client's TLS hello."""
    return packets.tcp_frame(CLIENT, 50001, SERVER, 443, packets.tls_hello_payload(name))


def syn(destination: str = SERVER, port: int = 443, source: str = CLIENT) -> bytes:
    """Return a connection attempt."""
    return packets.syn_frame(source, 50002, destination, port)


def only(hits: list[Hit]) -> Hit:
    """Return the one hit there is."""
    assert len(hits) == 1, hits
    return hits[0]


# --- DNS --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "type_",
    [packets.A, packets.AAAA, packets.PTR, packets.MX, packets.TXT, packets.HTTPS, 255, 999],
)
def test_a_question_of_any_type_is_matched(type_: int) -> None:
    """A client without IPv4 asks for other records only (D-31)."""
    hit = only(Wired({"evil.org": "malware"}).hits(query("www.evil.org", type_)))

    assert (hit.class_id, hit.where, hit.type) == ("trail-domain", "dns.question", "DNS")
    assert (hit.trail, hit.indicator, hit.observed) == (
        "(www).evil.org",
        "evil.org",
        "www.evil.org",
    )
    assert (hit.protocol, hit.direction, hit.outcome) == ("UDP", "outbound", "unknown")
    assert hit.dns is not None
    assert hit.dns.question == "www.evil.org"
    assert not hit.dns.response


def test_a_question_is_matched_in_lower_case() -> None:
    """Resolvers mix cases on purpose (0x20 encoding)."""
    assert (
        only(Wired({"evil.org": "malware"}).hits(query("wWw.EVIL.oRg"))).observed == "www.evil.org"
    )


def test_a_question_over_version_six_is_matched() -> None:
    """The same rule for IPv6 clients."""
    frame = packets.udp_frame(PHONE, 40000, "2001:db8::53", 53, packets.dns_query("evil.org"))

    hit = only(Wired({"evil.org": "malware"}).hits(frame))

    assert hit.source == Endpoint(PHONE, 40000)
    assert hit.destination == Endpoint("2001:db8::53", 53)


@pytest.mark.parametrize(
    "name",
    ["evil.local", "evil.example", "evil.arpa", "x.intranet.evil.org", "evil.home", "evil.lan"],
)
def test_names_that_never_leave_a_site_are_ignored_in_questions(name: str) -> None:
    """Rule T-8.4; the same name in a hello is a connection that was made."""
    wired = Wired({name: "malware"})

    assert wired.hits(query(name), answer(name)) == []
    assert only(wired.hits(hello(name))).where == "tls.sni"


def test_a_listed_resolver_is_told_with_the_name_asked() -> None:
    """Rule T-8.6: with its port before the bare address, and a name of its own beside it."""
    wired = Wired({f"{RESOLVER}:53": "rogue dns", "192.0.2.54": "known attacker", "evil.org": "x"})

    assert wired.told(query("good.org")) == [("ip.dst", "IPORT", f"{RESOLVER} (good.org)")]
    assert wired.told(query("good.net", resolver="192.0.2.54")) == [
        ("ip.dst", "IP", "192.0.2.54 (good.net)")
    ]
    assert wired.told(query("evil.org")) == [
        ("ip.dst", "IPORT", f"{RESOLVER} (evil.org)"),
        ("dns.question", "DNS", "evil.org"),
    ]


def test_a_listed_client_is_told_where_its_resolver_is_not_listed() -> None:
    """Rule T-8.6: the destination comes first, the source only without it."""
    frame = packets.udp_frame("203.0.113.9", 40000, CLIENT, 53, packets.dns_query("good.org"))

    assert Wired({"203.0.113.9": "known attacker"}).told(frame) == [("ip.src", "IP", "203.0.113.9")]
    assert Wired({"203.0.113.9": "known attacker", CLIENT: "own"}).told(frame) == [
        ("ip.dst", "IP", f"{CLIENT} (good.org)")
    ]


def test_an_answer_is_told_as_the_clients_doing() -> None:
    """Direction is the opener's, the outcome is known; malware that answers is critical."""
    wired = Wired({"evil.org": "evil (malware)"})

    asked = only(wired.hits(query("evil.org")))
    answered = only(wired.hits(answer("evil.org")))

    assert (asked.outcome, asked.severity_id, asked.where) == ("unknown", 8, "dns.question")
    assert (answered.outcome, answered.severity_id, answered.where) == (
        "answered",
        10,
        "dns.answer",
    )
    assert asked.direction == answered.direction == "outbound"
    assert answered.source == Endpoint(RESOLVER, 53)
    assert answered.dns is not None
    assert (answered.dns.response, answered.dns.answers) == (True, (SERVER,))


def test_an_answer_that_there_is_no_such_name_is_an_answer() -> None:
    """The response code says what it was."""
    hit = only(Wired({"evil.org": "malware"}).hits(answer("evil.org", code=3)))

    assert hit.dns is not None
    assert hit.dns.response_code == "NXDOMAIN"


def test_a_flood_of_one_question_is_one_hit_with_a_count() -> None:
    """Repeats between drains cost no hits."""
    hit = only(Wired({"evil.org": "malware"}).hits(*[query("evil.org")] * 500))

    assert hit.count == 500


def test_a_pattern_is_found_behind_the_scanners_gate() -> None:
    """Names that may match a pattern reach it; those that only look so do not report."""
    wired = Wired({r"dga[0-9]+\.wildcard-test\.com": "malware"})

    assert wired.told(query("dga1234.wildcard-test.com"), query("dgax.wildcard-test.com")) == [
        ("dns.question", "DNS", "dga1234.wildcard-test.com")
    ]


def test_gateways_and_related_pages_are_found_in_questions() -> None:
    """Rules T-5.5 and T-5.9 pass the scanner's gate."""
    wired = Wired({"badsite.onion": "malware", "evilname": "malware"})

    assert [trail for _, _, trail in wired.told(query("badsite.onion.to"))] == [
        "badsite.onion(.to)"
    ]
    assert [trail for _, _, trail in wired.told(query("evilname.ip-adress.com"))] == [
        "evilname(.ip-adress.com)"
    ]


# --- addresses --------------------------------------------------------------------------------


def test_a_connection_to_a_listed_address_with_port_is_told_so() -> None:
    """Rule T-10a: the form with the port wins; type and class say which it was."""
    wired = Wired({f"{SERVER}:443": "c2 (malware)", SERVER: "bare (malware)"})

    with_port, bare = only(wired.hits(syn())), only(wired.hits(syn(port=80)))

    assert (with_port.class_id, with_port.type, with_port.trail) == (
        "trail-ip-port",
        "IPORT",
        f"{SERVER}:443",
    )
    assert (bare.class_id, bare.type, bare.trail) == ("trail-ip", "IP", SERVER)
    assert with_port.protocol == "TCP"


def test_both_sides_are_told_each_for_itself() -> None:
    """A listed source is no longer hidden by a listed destination (D-47)."""
    wired = Wired({"203.0.113.9": "known attacker", CLIENT: "own"})

    assert wired.told(syn(CLIENT, source="203.0.113.9")) == [
        ("ip.dst", "IP", CLIENT),
        ("ip.src", "IP", "203.0.113.9"),
    ]


def test_both_ends_in_one_listed_network_are_one_observation() -> None:
    """An event's counts add up to the packets that there were."""
    wired = Wired({"198.18.0.0/16": "mass scanner"})

    hits = wired.hits(syn("198.18.1.1", source="198.18.2.2"))

    assert [(hit.where, hit.count) for hit in hits] == [("ip.dst", 1), ("ip.src", 0)]


def test_a_repeat_is_told_as_the_first_time_but_for_its_packet() -> None:
    """What a trail comes to is remembered; who spoke, when and how often is not."""
    wired = Wired({SERVER: "c2 (malware)"})
    (first,) = wired.hits(syn())
    (again,) = wired.hits(*[syn(source="192.168.7.7")] * 2)

    assert again.source.address == "192.168.7.7"
    assert again.count == 2
    assert msgspec.structs.replace(again, source=first.source, count=1) == msgspec.structs.replace(
        first, first_us=again.first_us, last_us=again.last_us
    )


def test_a_repeat_is_judged_anew_when_trails_change() -> None:
    """A reload may word the same address otherwise, or list it no more."""
    wired = Wired({SERVER: "c2 (malware)"})
    before = only(wired.hits(syn()))

    wired.matcher.trails = trails({SERVER: "known attacker"}, {})
    told = only(wired.hits(syn()))
    wired.matcher.trails = trails({"192.0.2.1": "other"})

    assert (before.info, before.severity_id) == ("c2 (malware)", 8)
    assert (told.info, told.severity_id) == ("known attacker", 3)
    assert wired.hits(syn()) == []


def test_a_repeat_is_judged_anew_when_the_allow_list_changes() -> None:
    """An entry that comes keeps it quiet, and counts all of it."""
    wired = Wired({SERVER: "c2 (malware)"})
    wired.hits(syn())

    wired.matcher.allow = allow_list(SERVER)

    assert wired.hits(syn(), syn()) == []
    assert [entry.hits for entry in wired.matcher.allow] == [2]


def test_an_end_that_the_scanner_did_not_find_is_looked_up_for_the_watch_only() -> None:
    """It would be found listed a second time; who explains wants to know of both."""
    wired = Wired({SERVER: "c2 (malware)"})
    seen: list[match.Look] = []

    hit = only(wired.hits(syn()))
    wired.matcher.watch = seen.append
    wired.hits(syn())

    assert hit.where == "ip.dst"
    assert [(look.where, look.verdict) for look in seen] == [
        ("ip.dst", "told"),
        ("ip.src", "not listed"),
    ]


def test_severity_of_a_repeat_is_that_of_its_port() -> None:
    """Maltrail knows parked sites by web ports only (rule T-10a)."""
    wired = Wired({SERVER: "parking site (suspicious)"})

    assert [only(wired.hits(syn(port=port))).severity_id for port in (443, 8443, 443)] == [6, 3, 6]


def test_what_is_remembered_of_hits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers choose ports; what finds no room is worded again."""
    monkeypatch.setattr(match, "MAX_WORDED", 4)
    wired = Wired({SERVER: "c2 (malware)"})

    ports = [only(wired.hits(syn(port=port))).destination.port for port in range(1000, 1010)]

    assert ports == list(range(1000, 1010))


def test_an_address_in_a_listed_network_is_told_with_the_network() -> None:
    """The longest network decides; the trail shows network and address."""
    wired = Wired({"203.0.0.0/16": "wide", "203.0.113.0/24": "narrow (malware)"})

    hit = only(wired.hits(syn()))

    assert (hit.class_id, hit.info) == ("trail-network", "narrow (malware)")
    assert (hit.indicator, hit.trail) == ("203.0.113.0/24", f"203.0.113.0/24 ({SERVER})")


@pytest.mark.parametrize(
    ("info", "frame", "direction", "severity"),
    [
        ("known attacker", syn(), "outbound", 3),
        ("evil (malware)", syn(CLIENT, source=SERVER), "inbound", 3),
        ("parking site (suspicious)", syn(port=8080), "outbound", 3),
        ("parking site (suspicious)", syn(port=80), "outbound", 6),
        ("evil (malware)", syn(), "outbound", 8),
        ("known attacker", syn(CLIENT, source=SERVER), "inbound", 3),
        ("phishing", syn(), "outbound", 6),
        ("bad reputation", syn(), "outbound", 3),
    ],
    ids=lambda value: "frame" if isinstance(value, bytes) else str(value),
)
def test_what_maltrail_suppresses_is_reported_low(
    info: str, frame: bytes, direction: str, severity: int
) -> None:
    """CONTRACT section 5: nothing that is listed goes unseen, its severity says how bad it is."""
    hit = only(Wired({SERVER: info}).hits(frame))

    assert (hit.direction, hit.severity_id) == (direction, severity)


def test_own_trails_are_high_and_marked() -> None:
    """What a site lists itself matters to it, and can be masked per output."""
    hit = only(Wired({SERVER: "bad reputation"}, own={SERVER: "ours"}).hits(syn()))

    assert (hit.custom, hit.info, hit.severity_id) == (True, "ours", 8)


def test_a_datagram_is_matched_with_its_port_too() -> None:
    """Maltrail consults only the address (D-35) and suppressed malware once (D-20)."""
    frame = packets.udp_frame(CLIENT, 40000, SERVER, 4444, b"hello")

    assert Wired({f"{SERVER}:4444": "c2 (malware)"}).told(frame) == [
        ("ip.dst", "IPORT", f"{SERVER}:4444")
    ]
    assert only(Wired({SERVER: "malware"}).hits(frame)).severity_id == 8


@pytest.mark.parametrize(
    "frame",
    [
        packets.icmp_frame(CLIENT, SERVER),
        packets.ethernet(packets.ipv4(CLIENT, SERVER, packets.GRE, bytes(24))),
    ],
    ids=["icmp", "gre"],
)
def test_protocols_without_ports_have_none(frame: bytes) -> None:
    """Rule T-12."""
    hit = only(Wired({SERVER: "malware"}).hits(frame))

    assert hit.source.port is None
    assert hit.destination.port is None
    assert hit.type == "IP"


def test_an_echo_reply_says_nothing() -> None:
    """Only who asks is told (T-12)."""
    assert Wired({SERVER: "malware"}).hits(packets.icmp_frame(SERVER, CLIENT, 0)) == []


def test_version_six_echo_requests_are_matched() -> None:
    """ICMPv6 has its own label."""
    hit = only(Wired({PHONE_SERVER: "malware"}).hits(packets.icmp_frame(PHONE, PHONE_SERVER)))

    assert (hit.protocol, hit.trail) == ("ICMPV6", PHONE_SERVER)


def test_an_attempt_with_ecn_bits_is_an_attempt() -> None:
    """Maltrail's test for a bare SYN flag misses them (D-34)."""
    frame = packets.tcp_frame(CLIENT, 50002, SERVER, 443, flags=packets.SYN | 0xC0)

    assert only(Wired({SERVER: "malware"}).hits(frame)).where == "ip.dst"


@pytest.mark.parametrize(
    ("flags", "outcome", "severity"),
    [
        (packets.SYN | packets.ACK, "answered", 10),
        (packets.RST | packets.ACK, "refused", 8),
    ],
)
def test_the_answer_to_an_attempt_is_no_second_one(flags: int, outcome: str, severity: int) -> None:
    """It comes from the other side (T-10b): nothing to count, but what came of the attempt."""
    frame = packets.tcp_frame(SERVER, 443, CLIENT, 50002, flags=flags)

    hit = only(Wired({SERVER: "malware"}).hits(frame))

    assert (hit.count, hit.outcome, hit.direction) == (0, outcome, "outbound")
    assert (hit.source.address, hit.destination.address) == (CLIENT, SERVER)
    assert hit.severity_id == severity


def test_a_flood_at_a_listed_address_is_one_hit() -> None:
    """Whatever the client's ports, the service is the same."""
    frames = [packets.syn_frame(CLIENT, 1024 + n, SERVER, 443) for n in range(1000)]

    assert only(Wired({SERVER: "malware"}).hits(*frames)).count == 1000


def test_tags_and_times_are_kept() -> None:
    """The hit says when, how often, on which interface and which VLAN."""
    frame = packets.tcp_frame(CLIENT, 50002, SERVER, 443, flags=packets.SYN, vlans=(7,))

    hit = only(Wired({SERVER: "malware"}).hits(frame, frame))

    assert (hit.first_us, hit.last_us) == (packets.START_US, packets.START_US + 1000)
    assert (hit.count, hit.vlans, hit.interface) == (2, (7,), "test0")


# --- HTTP -------------------------------------------------------------------------------------


def test_a_request_to_a_listed_address_is_told_with_its_host() -> None:
    """Rule T-13.2: the host must begin with a letter; its port is cut."""
    wired = Wired({SERVER: "evil (malware)"})

    assert wired.told(request(host="www.good.org:8080", port="8080")) == [
        ("ip.dst", "IP", f"{SERVER} (www.good.org)")
    ]
    assert wired.told(request("/2", host=SERVER)) == []


def test_a_listed_host_is_found_in_the_header() -> None:
    """Case, port and a trailing dot do not matter (D-45)."""
    wired = Wired({"evil.org": "malware"})

    for number, host in enumerate(
        (
            "evil.org",
            "WWW.Evil.Org",
            "www.evil.org:8080",
            "evil.org.",
            "evil.org.:80",
            "u:p@evil.org",
        )
    ):
        hit = only(wired.hits(request(f"/{number}", host)))
        assert (hit.where, hit.class_id, hit.type) == ("http.host", "trail-domain", "DNS"), host
        assert hit.indicator == "evil.org"
        assert hit.http is not None
        assert hit.http.method == "GET"


@pytest.mark.parametrize(
    "header", ["host: evil.org", "HOST:evil.org", "Host:   evil.org  ", "hOsT:\tevil.org"]
)
def test_header_names_have_no_case(header: str) -> None:
    """RFC 9112; Maltrail knows one spelling only (D-40)."""
    payload = f"GET / HTTP/1.1\r\nAccept: */*\r\n{header}\r\n\r\n".encode()

    frame = packets.tcp_frame(CLIENT, 50000, SERVER, 80, payload)

    assert [where for where, _, _ in Wired({"evil.org": "malware"}).told(frame)] == ["http.host"]


def test_a_listed_path_is_found_at_any_host() -> None:
    """A bare path is the class trail-path, told in its URL."""
    hit = only(Wired({"/bad.php": "malware"}).hits(request("/bad.php?x=1", "victim.org")))

    assert (hit.class_id, hit.where, hit.type) == ("trail-path", "http.path", "URL")
    assert hit.trail == "(victim.org)/bad.php(?x=1)"
    assert hit.observed == "victim.org/bad.php?x=1"


@pytest.mark.parametrize(
    ("key", "target", "host", "trail"),
    [
        ("evil.org/bad/path", "/bad/path", "evil.org", "evil.org/bad/path"),
        ("evil.org/bad/path", "/BAD/Path", "Evil.ORG", "evil.org/bad/path"),
        ("evil.org/bad/path", "/bad/path/", "evil.org", "evil.org/bad/path(/)"),
        ("evil.org/bad/path", "//bad//path", "evil.org", "evil.org/bad/path"),
        ("evil.org/bad", "/bad/file", "evil.org", "evil.org/bad(/file)"),
        ("evil.org/bad", "/other/bad", "evil.org", "evil.org/bad (evil.org/other/bad)"),
        ("evil.org/bad", "/bad", "www.evil.org", None),
        ("evil.org/", "/anything", "evil.org", "evil.org/"),
        ("evil.org/", "/", "evil.org", "evil.org/"),
        ("evil.org:8080/bad", "/bad", "evil.org:8080", "evil.org:8080/bad"),
        ("evil.org:8080/bad", "/bad", "evil.org", None),
        ("evil.org/bad", "/bad", "evil.org:80", "evil.org/bad"),
        ("/gate.php?id=", "/gate.php?id=77&x=1", "a.com", "(a.com)/gate.php?id=(77&x=1)"),
        ("/gate.php?id=", "/a/gate.php?id=77&x=1", "a.com", None),
        ("/gate.php?id=&x=", "/a/gate.php?id=77&x=1", "a.com",
         "/gate.php?id=&x= (a.com/a/gate.php?id=77&x=1)"),
        ("/d", "/a/b/c/d?p=1", "a.com", "(a.com/a/b/c)/d(?p=1)"),
        ("/a/b", "/a/b/c", "a.com", "(a.com)/a/b(/c)"),
    ],
)  # fmt: skip
def test_urls_are_found_by_candidates(key: str, target: str, host: str, trail: str | None) -> None:
    """Rules T-13.8 and T-13.9: the whole path, without its query, its last part, its folder."""
    told = [t for where, _, t in Wired({key: "malware"}).told(request(target, host))]

    assert told == ([trail] if trail else [])


def test_a_request_without_host_has_the_destination_for_one() -> None:
    """An old client or a bot (T-13.2)."""
    wired = Wired({f"{SERVER}/bot.sh": "malware"})

    assert wired.told(request("/bot.sh", None)) == [("http.url", "URL", f"{SERVER}/bot.sh")]


@pytest.mark.parametrize(
    ("target", "method"),
    [
        ("http://www.evil.org/x", "GET"),
        ("HTTP://WWW.EVIL.ORG/x", "GET"),
        ("http://www.evil.org", "GET"),
        ("http://www.evil.org:8080/x", "POST"),
        ("http://user:secret@www.evil.org/x", "GET"),
        ("ftp://www.evil.org/x", "GET"),
        ("www.evil.org:443", "CONNECT"),
        ("www.evil.org.:443", "CONNECT"),
    ],
)
def test_what_a_proxy_is_asked_for_is_the_target(target: str, method: str) -> None:
    """Absolute form and CONNECT: no Host header counts (T-13.4), userinfo is cut (D-45)."""
    frame = request(target, "proxy.good.org", method=method, port="3128")

    assert Wired({"evil.org": "malware"}).told(frame) == [("proxy.target", "DNS", "(www).evil.org")]


def test_a_listed_url_is_found_through_a_proxy() -> None:
    """The path behind the authority is looked up as usual."""
    frame = request("http://evil.org/bad?x=1", "evil.org", port="3128")

    assert Wired({"evil.org/bad": "malware"}).told(frame) == [
        ("http.url", "URL", "evil.org/bad(?x=1)")
    ]


def test_a_url_in_a_parameter_is_no_proxy_target() -> None:
    """A redirect's parameter is part of an ordinary path."""
    assert Wired({"evil.org": "malware"}).told(request("/go?to=http://evil.org/", "good.org")) == []


def test_a_user_agent_is_found_exactly() -> None:
    """Class and type of its own; the agent is what was observed."""
    wired = Wired({}, own={"ua:Evil/1.0": "evil bot"})

    hit = only(wired.hits(request(agent="Evil/1.0")))

    assert (hit.class_id, hit.type, hit.where) == ("trail-user-agent", "UA", "http.user_agent")
    assert (hit.trail, hit.observed) == ("Evil/1.0", "Evil/1.0")
    assert wired.hits(request("/2", agent="evil/1.0")) == []


def test_hostile_bytes_become_escapes() -> None:
    """What is no UTF-8 in target and agent neither stops matching nor reaches outputs raw."""
    payload = b"GET /\xff\xfe HTTP/1.1\r\nHost: evil.org\r\nUser-Agent: \x80\r\n\r\n"

    hit = only(
        Wired({"evil.org": "malware"}).hits(packets.tcp_frame(CLIENT, 50000, SERVER, 80, payload))
    )

    assert hit.http is not None
    assert hit.http.url == "http://evil.org/\\xff\\xfe"
    assert hit.http.user_agent == "\\x80"


def test_a_path_of_foreign_letters_is_found() -> None:
    """Keys and requests are compared as bytes of UTF-8."""
    payload = "GET /böse HTTP/1.1\r\nHost: a.org\r\n\r\n".encode()
    frame = packets.tcp_frame(CLIENT, 50000, SERVER, 80, payload)

    assert Wired({"/böse": "malware"}).told(frame) == [("http.path", "URL", "(a.org)/böse")]


# --- TLS --------------------------------------------------------------------------------------


def test_a_server_name_is_found_on_any_port() -> None:
    """Rule T-14, IPv6 included."""
    wired = Wired({"evil.org": "evil (malware)"})
    payload = packets.tls_hello_payload("WWW.evil.org")
    frame = packets.tcp_frame(PHONE, 50001, PHONE_SERVER, 8443, payload)

    hit = only(wired.hits(frame))

    assert (hit.where, hit.class_id, hit.type) == ("tls.sni", "trail-domain", "DNS")
    assert (hit.trail, hit.protocol, hit.direction) == ("(www).evil.org", "TCP", "outbound")
    assert hit.tls is not None
    assert (hit.tls.server_name, hit.tls.version) == ("www.evil.org", "1.3")


def test_a_hello_without_a_listed_name_says_nothing() -> None:
    """Neither a clean name nor none."""
    nameless = packets.tcp_frame(CLIENT, 1, SERVER, 443, packets.tls_hello_payload(None))

    assert Wired({"evil.org": "malware"}).hits(hello("good.org"), nameless) == []


def test_a_listed_body_does_not_hide_behind_another_of_the_same_request() -> None:
    """Same client, server, host and path within one second."""
    frames = [
        packets.tcp_frame(
            CLIENT,
            50000 + number,
            SERVER,
            80,
            packets.http_request("/submit", "evil.org", method="POST", body=body),
        )
        for number, body in enumerate((b"q=0", b"q=1"))
    ]

    told = Wired({"evil.org": "malware", "/submit?q=1": "x"}).told(*frames)

    assert [where for where, _, _ in told] == ["http.host", "http.host", "http.body"]


# --- the allow-list ---------------------------------------------------------------------------


def test_an_allowed_name_keeps_quiet_and_is_counted() -> None:
    """What is not reported is counted by the entry, as often as it was seen."""
    wired = Wired({"good.org": "mistake"}, allowed=["good.org"])

    assert wired.hits(*[query("www.good.org")] * 3, hello("good.org")) == []
    assert wired.entry("good.org").hits == 4


def test_a_more_specific_trail_still_reports() -> None:
    """The longest match wins, between trails and allow-list too."""
    wired = Wired({"bad.good.org": "malware", "good.org/bad": "malware"}, allowed=["good.org"])

    assert wired.told(query("x.bad.good.org")) == [("dns.question", "DNS", "(x).bad.good.org")]
    assert wired.told(request("/bad", "good.org")) == [("http.url", "URL", "good.org/bad")]


def test_an_allowed_address_keeps_only_itself_quiet() -> None:
    """A trail on the other side is reported (D-67)."""
    wired = Wired({SERVER: "malware", "203.0.113.9": "malware"}, allowed=["203.0.113.80/32"])

    assert wired.hits(syn()) == []
    assert wired.told(syn(SERVER, source="203.0.113.9")) == [("ip.src", "IP", "203.0.113.9")]
    assert wired.entry(SERVER).hits == 2


def test_an_allowed_resolver_does_not_hide_the_name_asked() -> None:
    """Each finding has its own exception."""
    wired = Wired({RESOLVER: "rogue dns", "evil.org": "malware"}, allowed=[RESOLVER])

    assert wired.told(query("evil.org")) == [("dns.question", "DNS", "evil.org")]


def test_an_allowed_host_keeps_paths_and_agents_quiet() -> None:
    """Paths and agents name no host, so that they are never more specific than an allowed one."""
    wired = Wired({"/bad.php": "x"}, own={"ua:Test/1.0": "x"}, allowed=["good.org", SERVER])

    assert wired.hits(request("/bad.php", "www.good.org")) == []
    assert wired.hits(request("/bad.php", SERVER)) == []
    assert len(wired.hits(request("/bad.php", "other.org"))) == 2


@pytest.mark.parametrize(
    ("key", "target", "host"),
    [
        ("/a b/c!.php", "/a%20b/c%21.php", "www.example.com"),
        ("/a%20b", "/a%20b", "www.example.com"),
        ("www.example.com/a/b", "/%61//%62", "www.example.com"),
        ("/x?u=http:/y", "/x?u=http%3A%2F%2Fy", "www.example.com"),
        ("www.example.com:81/a b", "/a%20b", "www.example.com:81"),
        ("www.example.com:81/", "/", "www.example.com:81"),
        ("/gate.php", "/gate.php and more", "www.example.com"),
    ],
)
def test_a_url_is_found_in_each_spelling(key: str, target: str, host: str) -> None:
    """As it was sent, decoded once, up to a blank."""
    hit = only(Wired({}, own={key: "malware"}).hits(request(target, host)))

    assert hit.indicator == key
    assert hit.where in ("http.url", "http.path")


@pytest.mark.parametrize(
    ("key", "target", "host"),
    [
        ("/a b", "/a%2520b", "www.example.com"),
        ("/a", "/a%20b", "www.example.com"),
        ("www.example.com/", "/", "www.example.com:81"),
        ("www.example.com:81/", "/", "www.example.com"),
        ("www.example.com:81/", "/", "www.example.com:82"),
        ("/100%", "/100%25%", "www.example.com"),
    ],
)
def test_other_spellings_are_other_urls(key: str, target: str, host: str) -> None:
    """Decoded once only; the host exactly, with its port."""
    assert Wired({}, own={key: "malware"}).hits(request(target, host)) == []


@pytest.mark.parametrize(
    ("key", "target", "host", "where"),
    [
        ("66.66.66.66", "http://66.66.66.66/x", "66.66.66.66", "proxy.target"),
        ("66.66.66.66", "/x", "66.66.66.66:8080", "http.host"),
        ("2001:db8::66", "http://[2001:db8::66]/", "[2001:db8::66]", "proxy.target"),
        ("66.66.66.0/24", "66.66.66.66:443", "66.66.66.66:443", "http.host"),
    ],
)
def test_an_address_that_a_proxy_is_asked_for_is_matched(
    key: str, target: str, host: str, where: str
) -> None:
    """The packet goes to the proxy; Maltrail looks at that alone."""
    hit = only(Wired({}, own={key: "malware"}).hits(request(target, host)))

    assert (hit.indicator, hit.where) == (key, where)


def test_a_listed_server_is_told_once_where_its_host_is_its_address() -> None:
    """An attempt is an observation of an address; a request that goes there is none."""
    told = Wired({SERVER: "malware"}).told(syn(), request("/", SERVER))

    assert [where for where, _, _ in told] == ["ip.dst"]


def test_a_hello_over_datagrams_is_described_as_such() -> None:
    """DTLS's versions count down; JA4 says d, JA3 is for TCP."""
    frame = packets.udp_frame(CLIENT, 50000, SERVER, 999, carried.dtls_hello_datagram("evil.org"))

    hit = only(Wired({"evil.org": "malware"}).hits(frame))

    assert hit.tls
    assert (hit.where, hit.protocol, hit.tls.server_name) == ("tls.sni", "UDP", "evil.org")
    assert (hit.tls.ja3, hit.tls.ja4[:1]) == ("", "d")
