"""What was said, from frames to hits: shown by the scanner, judged, muted, bounded, counted."""

import pytest

from agent.behaviours import load
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
from tests.wired import NOTHING, Rows, allow_list, trail_set

CLIENT, SERVER, INSIDE = "192.168.1.20", "203.0.113.80", "192.168.1.80"
SECOND = 1_000_000


class Room:
    """One scanner with the gates of all behaviours, and the room that judges what it shows."""

    def __init__(self, *allowed: str, options: Options | None = None, rows: Rows = NOTHING) -> None:
        own, published = empty_set(0), trail_set(rows)
        self.allow = allow_list(*allowed)
        self.contents = Contents(
            examining(load(options or Options())),
            Trails(own, published),
            self.allow,
            Home(Networks().home),
            SeverityTable(),
        )
        self.scanner = Scanner(
            own.buffer,
            published.buffer,
            merged_filters(own, published),
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
