"""What was said, from frames to hits: shown by the scanner, judged, muted, bounded, counted."""

import pytest

from agent.behaviours import bank, load
from agent.config import Networks, Options
from agent.contents import MAX_A_SECOND, Contents, examining
from agent.direction import Home
from agent.model import Endpoint, Hit
from agent.scan import stats
from agent.scan.scanner import Scanner
from agent.sets import empty_set, merged_filters
from agent.severity import SeverityTable
from agent.trails.find import Trails
from tests import packets
from tests.packets import START_US
from tests.scan.scanning import randomness
from tests.wired import NOTHING, Rows, allow_list, trail_set

CLIENT, SERVER, INSIDE = "192.168.1.20", "203.0.113.80", "192.168.1.80"
SECOND = 1_000_000


class Room:
    """One scanner with the gates of all behaviours, and the room that judges what it shows."""

    def __init__(self, *allowed: str, options: Options | None = None, rows: Rows = NOTHING) -> None:
        own, published = empty_set(0), trail_set(rows)
        self.allow = allow_list(*allowed)
        loaded = load(options or Options())
        self.contents = Contents(
            examining(loaded),
            Trails(own, published),
            self.allow,
            Home(Networks().home),
            SeverityTable(),
        )
        self.banks = [bank(loaded, 64, 1, 0, "")]
        self.contents.banks = self.banks
        self.scanner = Scanner(
            own.buffer,
            published.buffer,
            merged_filters(own, published),
            self.banks[0],
            wanted=self.contents.wanted,
        )

    def hits(self, *frames: bytes, second: float = 0.0) -> list[Hit]:
        """Return what the frames of that second lead to."""
        start = START_US + round(second * SECOND)
        self.scanner.scan(packets.batch(frames, start_us=start, step_us=1))
        found = [
            hit for seen in self.scanner.drain(True, "") for hit in self.contents.examine(seen)
        ]
        for token in self.contents.take_harmless():
            self.scanner.learn(token)
        return found

    def requests(self, target: str, second: float = 0.0, **more: str) -> list[Hit]:
        """Return what one request of the client to the server leads to."""
        client, server = more.pop("client", CLIENT), more.pop("server", SERVER)
        request = packets.http_request(target, more.pop("host", "shop.example"), **more)  # type: ignore[arg-type]
        return self.hits(packets.tcp_frame(client, 40000, server, 80, request), second=second)


def test_a_hit_says_what_was_asked_of_whom() -> None:
    """Type, trail and info are Maltrail's; who attacks what with what is ours."""
    (hit,) = Room().requests("/a?id=1'%20UNION%20SELECT%20pw", client=SERVER, server=INSIDE)

    assert (hit.class_id, hit.type) == ("behaviour-http_attack", "URL")
    assert hit.trail == "shop.example(/a?id=1'%20union%20select%20pw)"
    assert (hit.info, hit.reference) == ("potential sql injection (suspicious)", "(heuristic)")
    assert (hit.indicator, hit.where) == (f"potential sql injection from {SERVER}", "http.url")
    assert (hit.source, hit.destination) == (Endpoint(SERVER, 40000), Endpoint(INSIDE, 80))
    assert (hit.direction, hit.outcome, hit.severity_id) == ("inbound", "answered", 6)
    assert hit.http is not None
    assert hit.http.host == "shop.example"
    assert hit.evidence["class"] == "sql injection"


def test_a_host_that_is_allowed_does_not_hide_an_attack() -> None:
    """The client chooses what it claims (fault D-42)."""
    room = Room("shop.example")

    assert len(room.requests("/?id=1+union+select+2")) == 1


def test_an_allowed_client_is_counted_instead_of_told() -> None:
    """A scanner of the site's own."""
    room = Room(f"{CLIENT}/32")

    assert room.requests("/?id=1+union+select+2") == []
    assert room.allow.counts()["entry"] == 1


def test_downloads_from_an_allowed_host_are_counted_instead_of_told() -> None:
    """Rules about what a client fetches do believe the name."""
    room = Room("vendor.example")

    assert room.requests("/setup.exe", host="dl.vendor.example") == []
    assert room.allow.counts()["entry"] == 1
    assert len(room.requests("/setup.exe", host="other.example")) == 1


def test_what_was_told_of_a_client_is_not_told_again_for_a_while() -> None:
    """As long as `repeat` says; of another client it is."""
    room = Room(options=Options(direct_download={"repeat": 60}))

    assert len(room.requests("/a.exe", 0)) == 1
    assert room.requests("/a.exe", 30) == []
    assert len(room.requests("/a.exe", 31, client="192.168.1.21")) == 1
    assert len(room.requests("/a.exe", 61)) == 1
    assert room.contents.counts()["muted"] == 1


def test_attacks_are_counted_not_muted() -> None:
    """The condenser folds them."""
    room = Room()

    assert [len(room.requests("/?q=<script>x</script>", n)) for n in range(3)] == [1, 1, 1]


def test_verdicts_are_remembered() -> None:
    """The same from another client is not judged again."""
    room = Room()

    for number in range(5):
        assert room.requests("/?q=<script>x</script>", client=f"192.168.1.{number + 1}")

    assert room.contents.counts()["judged"] == 2  # the User-Agent, the request
    assert room.contents.counts()["remembered"] == 4


def test_an_agent_of_many_clients_is_judged_once() -> None:
    """All of them are shown before the scanner can learn that it is harmless; a tool's is told."""
    room = Room()
    request = packets.http_request("/", "shop.example", user_agent="Browser/1.0")
    attack = packets.http_request("/", "shop.example", user_agent="masscan/1.0")
    clients = [f"192.168.1.{number + 1}" for number in range(5)]

    frames = [
        packets.tcp_frame(client, 40000, SERVER, 80, asked)
        for client in clients
        for asked in (request, attack)
    ]

    assert [hit.source.address for hit in room.hits(*frames)] == clients
    assert room.contents.counts()["judged"] == 2
    assert room.contents.counts()["remembered"] == 8


def test_harmless_requests_reach_python_once() -> None:
    """A gate lets them pass, the behaviours do not mind, the scanner learns that."""
    room = Room()

    assert room.requests("/?q=select+one") == []
    before = room.contents.counts()["judged"]
    assert room.requests("/?q=select+one") == []
    assert room.contents.counts()["judged"] == before


def test_a_flood_of_attacks_is_judged_as_far_as_the_budget_goes() -> None:
    """The rest of that second is counted, by the scanner or here; the next second is judged."""
    room = Room()
    flood = [
        packets.tcp_frame(
            CLIENT, 40000, SERVER, 80, packets.http_request(f"/?id={n}+union+select+{n}")
        )
        for n in range(3000)
    ]

    told = room.hits(*flood)

    assert 0 < len(told) <= MAX_A_SECOND
    shed = room.scanner.statistics()[stats.SHED_REQUESTS]
    assert len(told) + shed + room.contents.counts()["over_budget"] == 3000
    assert len(room.requests("/?id=1+union+select+2", 1)) == 1


def test_exact_matches_come_through_a_flood_of_attacks() -> None:
    """Candidates have records of their own."""
    room = Room(rows={"198.51.100.66": "malware"})
    flood = [
        packets.tcp_frame(CLIENT, 40000, SERVER, 80, packets.http_request(f"/?id={n}+union+select"))
        for n in range(5000)
    ]
    room.scanner.scan(packets.batch([*flood, packets.syn_frame(CLIENT, 1, "198.51.100.66", 443)]))

    assert "syn" in [sighting.what for sighting in room.scanner.drain(True, "")]


def test_behaviours_can_be_switched_off_singly_and_together() -> None:
    """Then the scanner shows nothing for them."""
    room = Room(options=Options(http_attack={"enabled": False}))
    assert room.requests("/?id=1+union+select+2") == []
    assert room.contents.wanted.literals == ()

    off = Room(options=Options(enabled=False))
    assert off.requests("/a.exe", user_agent="masscan/1.0") == []


def test_an_answer_from_a_sinkhole_is_told() -> None:
    """By the address that a list names so, wherever it stands among the answers (H-11)."""
    room = Room(rows={"198.51.100.90": "sinkhole testsink (malware)"})
    answer = packets.dns_response("lost.example.com", [(1, "192.0.2.1"), (1, "198.51.100.90")])

    (hit,) = room.hits(packets.udp_frame("192.0.2.53", 53, CLIENT, 40000, answer))

    assert (hit.info, hit.trail) == ("sinkholed by testsink (malware)", "(lost.example).com")
    assert (hit.direction, hit.severity_id, hit.indicator) == ("outbound", 8, "lost.example.com")


def test_a_random_looking_name_is_told_to_the_client_that_asked() -> None:
    """The resolver only answers."""
    answer = packets.dns_response("xkqwzlvbnmfghjd.com", code=3)

    (hit,) = Room().hits(packets.udp_frame("192.0.2.53", 53, CLIENT, 40000, answer))

    assert (hit.class_id, hit.indicator) == ("behaviour-random_name", "xkqwzlvbnmfghjd.com")
    assert (hit.direction, hit.dns and hit.dns.response_code) == ("outbound", "NXDOMAIN")


def test_names_that_stay_on_the_site_are_not_judged() -> None:
    """Rule T-8.4."""
    question = packets.dns_query("a" * 40 + ".printers.local")

    assert Room().hits(packets.udp_frame(CLIENT, 40000, "192.0.2.53", 53, question)) == []


def test_a_resolver_over_tls_is_told_once_a_day() -> None:
    """By its name, to the client that uses it."""
    room = Room()
    hello = packets.tcp_frame(
        CLIENT, 40000, "192.0.2.9", 443, packets.tls_hello_payload("dns.quad9.net")
    )

    (hit,) = room.hits(hello)
    assert (hit.class_id, hit.where, hit.indicator) == (
        "behaviour-encrypted_dns",
        "tls.sni",
        "dns.quad9.net",
    )
    assert hit.severity_id == 3
    assert room.hits(hello, second=3600) == []


@pytest.mark.parametrize(("client", "severity"), [(CLIENT, 6), (SERVER, 3)])
def test_a_suspicious_agent_from_outside_weighs_less(client: str, severity: int) -> None:
    """The internet is full of scanners; inside there should be none."""
    (hit,) = Room().requests("/", user_agent="masscan/1.0", client=client, server=INSIDE)

    assert (hit.class_id, hit.trail) == ("behaviour-user_agent", "masscan(/1.0)")
    assert hit.severity_id == severity


def asks(name: str, client: str = CLIENT, type_: int = packets.A) -> bytes:
    """Return a question of a client."""
    return packets.udp_frame(client, 40000, "192.0.2.53", 53, packets.dns_query(name, type_))


def lacks(name: str, client: str = CLIENT) -> bytes:
    """Return an answer to a client that a name does not exist."""
    answer = packets.dns_response(name, code=3)
    return packets.udp_frame("192.0.2.53", 53, client, 40000, answer)


def classes(hits: list[Hit]) -> list[str]:
    """Return the classes of hits."""
    return sorted({hit.class_id.removeprefix("behaviour-") for hit in hits})


def words(count: int, length: int = 8) -> list[str]:
    """Return so many different labels that look drawn by lot."""
    draw = randomness(7)
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    return ["".join(draw.choice(letters) for _ in range(length)) for _ in range(count)]


def test_exhaustion_is_told_once_for_all_who_ask() -> None:
    """Many clients, one domain; just below the threshold it is silent (H-7)."""
    few, many = Room(), Room()
    frames = [
        asks(f"{w}.victim.example.org", f"10.0.{n % 200}.7") for n, w in enumerate(words(1300))
    ]

    assert classes(few.hits(*frames[:850])) == []
    hits = many.hits(*frames)
    assert [hit.indicator for hit in hits] == ["example.org"]
    assert hits[0].info == "potential dns exhaustion (suspicious)"
    assert hits[0].evidence["names"] == pytest.approx(1300, rel=0.1)


def test_many_names_that_do_not_exist_are_told_to_their_client() -> None:
    """Also in a private network (fault D-51); of several clients each counts for itself."""
    room = Room()

    assert classes(room.hits(*[lacks(f"nx{n}.dgaparent.net") for n in range(18)])) == []
    assert classes(room.hits(*[lacks(f"ny{n}.dgaparent.net", "10.9.9.9") for n in range(18)])) == []
    (hit,) = room.hits(*[lacks(f"nz{n}.dgaparent.net") for n in range(8)], second=5)
    assert (hit.class_id, hit.trail, hit.info) == (
        "behaviour-nxdomain_flood",
        "(*).dgaparent.net",
        "excessive no such domain (suspicious)",
    )
    assert hit.source == Endpoint("192.0.2.53", 53)


def test_one_name_again_and_again_and_search_lists_are_no_flood() -> None:
    """Hosts ask for wpad all day, and try names of elsewhere below the site's own domain."""
    room = Room()

    assert room.hits(*[lacks("wpad.corp-site.org")] * 60) == []
    assert room.hits(*[lacks(f"www.shop{n}.com.corp-site.org") for n in range(60)]) == []


def test_an_hour_later_names_count_anew() -> None:
    """What came in one hour does not add up to the next."""
    room = Room()

    assert room.hits(*[lacks(f"a{n}.dgaparent.net") for n in range(15)]) == []
    assert room.hits(*[lacks(f"b{n}.dgaparent.net") for n in range(15)], second=3700) == []


def test_a_tunnel_is_told_by_its_long_names() -> None:
    """Many different ones of one client within a minute; fewer, shorter or spread are silent."""
    long_names = [asks(f"{w}.{w[:20]}.tun.example.org") for w in words(200, 40)]

    assert classes(Room().hits(*long_names[:58])) == ["long_name"]
    assert "dns_tunnel" in classes(Room().hits(*long_names))
    assert classes(Room().hits(*[asks(f"{w}.example.org") for w in words(200, 18)])) == []
    room = Room()
    assert "dns_tunnel" not in classes(
        [hit for n in range(100) for hit in room.hits(long_names[n], second=n * 2)]
    )


def test_a_tunnel_in_text_records_is_told_by_shorter_names() -> None:
    """TXT and NULL carry the data back."""
    frames = [asks(f"{w}.tun.example.org", type_=packets.TXT) for w in words(200, 18)]

    (hit,) = Room().hits(*frames)
    assert (hit.class_id, hit.indicator) == ("behaviour-dns_tunnel", "example.org")
    assert hit.evidence["data_records"] == hit.evidence["questions"]


def test_look_ups_of_reputation_are_no_tunnel() -> None:
    """Nor exhaustion: below quiet_names.txt."""
    frames = [asks(f"{w}.avts.mcafee.com") for w in words(1300, 32)]

    assert Room().hits(*frames) == []


def ping(data: bytes, client: str = CLIENT) -> bytes:
    """Return an echo request with this data."""
    return packets.ethernet(
        packets.ipv4(client, "203.0.113.9", 1, packets.icmp(8, 0, bytes(4) + data))
    )


def test_echo_requests_that_differ_are_a_tunnel() -> None:
    """Ordinary ones differ in their time and counter only; few are silent."""
    draw = randomness(3)
    ordinary = [ping(n.to_bytes(24, "big") + bytes(range(40))) for n in range(300)]
    odd = [ping(bytes(24) + draw.randbytes(40)) for _ in range(120)]

    assert Room().hits(*ordinary) == []
    assert Room().hits(*odd[:45]) == []
    (hit,) = Room().hits(*odd)
    assert (hit.class_id, hit.indicator) == ("behaviour-icmp_tunnel", "203.0.113.9")
    assert (hit.severity_id, hit.protocol, hit.source.port) == (6, "ICMP", None)


def test_workers_count_together() -> None:
    """The kernel spreads a client's questions; each looks at its share, the rooms unite them."""
    loaded = load(Options())
    room = Room()
    room.contents.banks = [bank(loaded, 64, 4, 0, "") for _ in range(4)]
    own = empty_set(0)
    scanners = [
        Scanner(own.buffer, own.buffer, merged_filters(own, own), one, wanted=room.contents.wanted)
        for one in room.contents.banks
    ]
    frames = [lacks(f"n{n}.dgaparent.net") for n in range(30)]

    for number, scanner in enumerate(scanners):
        scanner.scan(packets.batch(frames[number::4], step_us=1))
    hits = [
        hit
        for scanner in scanners
        for seen in scanner.drain(True, "")
        for hit in room.contents.examine(seen)
    ]

    assert classes(hits) == ["nxdomain_flood"]
    assert len(hits) == 1


LONG = "k" * 30 + ".tracker.example.org"


def visit(name: str) -> bytes:
    """Return a hello of the client for a server's name."""
    return packets.tcp_frame(CLIENT, 40000, SERVER, 443, packets.tls_hello_payload(name))


def test_long_names_are_told_wherever_they_stand() -> None:
    """In questions, hellos, hosts and targets of proxies (rules T-5 and H-10)."""
    for hits, where in (
        (Room().hits(asks(LONG)), "dns.question"),
        (Room().hits(visit(LONG)), "tls.sni"),
        (Room().requests("/", host=f"{LONG}:8080"), "http.host"),
        (Room().requests(f"http://{LONG}/", host="x.example"), "proxy.target"),
    ):
        (hit,) = hits
        assert (hit.class_id, hit.where) == ("behaviour-long_name", where)
        assert (hit.observed, hit.indicator) == (LONG, "example.org")
        assert hit.outcome == ("unknown" if where == "dns.question" else "answered")
        said = hit.dns.question if hit.dns else hit.tls.server_name if hit.tls else hit.http
        assert said


def test_a_name_is_told_once_by_question_hello_and_request() -> None:
    """They are of one visit."""
    room = Room()

    assert len(room.hits(asks(LONG), visit(LONG))) == 1
    assert room.requests("/", second=5, host=LONG) == []


@pytest.mark.parametrize("host", ["k" * 24 + ".example.org", "k" * 30, "k" * 30 + "<b>.org"])
def test_ordinary_hosts_and_what_is_no_name_are_silent(host: str) -> None:
    """Up to the threshold, without a domain, or with what no name holds (rule T-5.4)."""
    assert Room().requests("/", host=host) == []


def test_a_name_that_a_trail_explains_is_left_to_it() -> None:
    """Rule H-10 judges what nothing matched; also of names that do not exist."""
    room = Room(rows={"example.org": "family (malware)", "xkqwzlvbnmfghjd.com": "dga (malware)"})

    assert room.hits(asks(LONG), visit(LONG)) == []
    assert room.requests("/", host=LONG) == []
    assert room.hits(*[lacks(f"nx{n}.example.org") for n in range(30)]) == []
    assert room.hits(lacks("xkqwzlvbnmfghjd.com")) == []


def test_a_download_that_a_trail_explains_is_left_to_it() -> None:
    """Rules H-15 to H-19 come after T-13.9 and T-13.10; another host's file is told."""
    room = Room(rows={"evil.example/setup.exe": "x", "/bad.exe": "x", "all.example/": "x"})

    assert room.requests("/setup.exe", host="evil.example") == []
    assert room.requests("/bad.exe", host="any.example") == []
    assert room.requests("/other.exe", host="all.example") == []
    assert len(room.requests("/setup.exe", host="good.example")) == 1


def test_a_listed_path_does_not_hide_an_attack() -> None:
    """The client chooses the path."""
    room = Room(rows={"/login.php": "x"})

    assert len(room.requests("/login.php?id=1+union+select+2")) == 1
