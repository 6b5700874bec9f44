"""Coverage: what was not read is named, counted, and told while it is most of the traffic."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent import coverage
from agent.blind_spots import SILENT_WINDOWS, BlindSpots
from agent.coverage import DERIVED, NAMELESS, UNREAD_PROTOCOL, Counted
from agent.faults import Faults
from agent.ids import derived_ids
from agent.model import Event
from agent.notices import AgentNotices
from agent.scan import stats
from tests import layered, packets, quic_packets
from tests.commands import run

A, B = "10.0.0.5", "198.51.100.7"


def counters(**given: int) -> dict[str, int]:
    """Return all counters, zero but for those given."""
    return {**dict.fromkeys((*stats.NAMES, *DERIVED), 0), **given}


def capture(path: Path, frames: list[bytes], datalink: int = packets.ETHERNET) -> Path:
    """Write frames to a file."""
    return packets.write_pcap(path / "c.pcap", packets.timed(frames), datalink)


def hello(name: str | None, port: int = 443) -> bytes:
    """Build a frame with a hello."""
    return packets.tcp_frame(A, 50000, B, port, packets.tls_hello_payload(name))


def report(path: Path) -> dict[str, object]:
    """Run the command for programs."""
    said = run("coverage", "--json", path)
    assert said.err == ""
    document = json.loads(said.out)
    assert isinstance(document, dict)
    return document


def missed(path: Path) -> Mapping[str, int]:
    """Return what the report says would have been missed."""
    entries = report(path)["missed"]
    assert isinstance(entries, list)
    return {entry["what"]: entry["number"] for entry in entries}


def test_capture_in_which_all_is_read_misses_nothing(tmp_path: Path) -> None:
    """ARP and spanning tree hold no names, so nobody misses them."""
    frames = [
        packets.udp_frame(A, 50000, B, 53, packets.dns_query("www.example.com")),
        packets.tcp_frame(A, 50000, B, 80, packets.http_request()),
        hello("www.example.com"),
        packets.ethernet(bytes(28), packets.ARP),
        packets.ethernet(b"\x42\x42\x03" + bytes(40), 43),
        layered.TUNNELS["vxlan"].wrap(packets.ipv4(A, B, packets.UDP, packets.udp(1, 2))),
    ]
    said = run("coverage", capture(tmp_path, frames))

    assert said.status == 0
    assert "nothing that was captured stayed unread" in said.out
    assert "6 packets" in said.out
    assert "tunnels    vxlan 1" in said.out
    assert "DNS questions 1, HTTP requests 1, TLS server names 1" in said.out


def test_what_was_not_read_is_named_and_counted(tmp_path: Path) -> None:
    """One line for each kind, in the order of layers."""
    *_, last = (
        packets.ethernet(
            packets.ipv4(A, B, packets.UDP, bytes(64), fragment_offset=at, more_fragments=True)
        )
        for at in (0, 64)
    )
    frames = [
        packets.ethernet(b"", 0x88E5),
        packets.ethernet(b"", 0x88E5),
        packets.ethernet(packets.ipv4(A, B, 50, bytes(40))),
        packets.ethernet(b"", packets.IPV4),
        packets.tcp_frame(A, 1, B, 2, bytes(100))[:80],
        last,
        hello(None),
        hello("dns.example.net", 853),
        hello("dns.example.net"),
        hello("mozilla.cloudflare-dns.com"),
        packets.tcp_frame(A, 1, B, 80, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ]

    assert missed(capture(tmp_path, frames)) == {
        "packets of EtherType 0x88e5 (MACsec, encrypted)": 2,
        "packets of IP protocol 50 (ESP, encrypted)": 1,
        "packets cut in their headers": 1,
        "packets cut by the snap length": 1,
        "datagrams of which fragments are missing": 1,
        "TLS hellos without a server name": 1,
        "names asked of DNS over TLS": 1,
        "names asked of DNS over HTTPS, by the resolver's name": 3,
        "connections in HTTP/2 without TLS": 1,
    }


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("dns.google", True),
        ("doh.opendns.com", True),
        ("cloudflare-dns.com", True),
        ("a.dns", True),
        ("dnsx.example.com", False),
        ("xdns.example.com", False),
        ("www.example.com", False),
        ("dn-s.example.com", False),
    ],
)
def test_resolvers_are_known_by_their_names(tmp_path: Path, name: str, is_one: bool) -> None:
    """A label `dns`, `doh` or one that ends in `-dns`."""
    document = report(capture(tmp_path, [hello(name)]))

    counted = document["counters"]
    assert isinstance(counted, dict)
    assert counted["doh_hellos"] == is_one


def test_unknown_link_type_is_a_finding(tmp_path: Path) -> None:
    """Exit status 1 where most of the traffic cannot be read, with what to do."""
    path = capture(tmp_path, [bytes(60)] * 1000, 147)

    said = run("coverage", path)

    assert said.status == 1
    assert "1000 of 1000 packets could not be read" in said.out
    assert "1000  packets of link type 147, 100.0 % of 1000" in said.out


def test_encrypted_packets_are_not_read(tmp_path: Path) -> None:
    """A sensor that sees ESP alone sees addresses and nothing else; one of OSPF misses nothing."""
    esp = packets.ethernet(packets.ipv4(A, B, 50, bytes(40)))
    ospf = packets.ethernet(packets.ipv4(A, B, 89, bytes(40)))

    said = run("coverage", capture(tmp_path, [esp] * 900 + [ospf] * 200))

    assert said.status == 1
    assert "18.2 % of 1100 read" in said.out
    assert "900 of 1100 packets could not be read" in said.out


def test_sound_dns_without_a_name_is_not_malformed(tmp_path: Path) -> None:
    """Resolvers ask for the root; answers cut to fit a datagram come again over TCP."""
    root = packets.dns_query("")
    cut = packets.dns_response("www.example.com")
    cut = cut[:2] + bytes([cut[2] | 2]) + cut[3:]
    frames = [
        packets.udp_frame(A, 50000, B, 53, root),
        packets.udp_frame(B, 53, A, 50000, root[:2] + bytes([root[2] | 0x80]) + root[3:]),
        packets.udp_frame(B, 53, A, 50000, cut),
        packets.udp_frame(A, 50000, B, 53, bytes(5)),
    ]
    path = capture(tmp_path, frames)

    assert missed(path) == {"DNS messages that are malformed": 1}
    counted = report(path)["counters"]
    assert isinstance(counted, dict)
    assert (counted["dns_queries"], counted["dns_responses"]) == (1, 2)


def test_capture_that_breaks_off_is_missed(tmp_path: Path) -> None:
    """What stands behind the tear was not read."""
    path = capture(tmp_path, [hello("www.example.com")] * 2)
    path.write_bytes(path.read_bytes()[:-1])

    said = run("coverage", path)

    assert "captures that break off, from there on, 100.0 % of 1" in said.out
    assert "nothing that was captured stayed unread" not in said.out


def test_quic_hellos_are_read_or_counted_by_reason(tmp_path: Path) -> None:
    """What only looks like a QUIC hello is refused."""
    message = packets.client_hello("www.example.com")
    good = quic_packets.initial([quic_packets.crypto(0, message)])
    bad = quic_packets.initial([quic_packets.crypto(0, message)], connection_id=b"\x12" * 8)
    first = len(bad) - 16 - 1162  # of the payload: a frame of another kind
    frames = [
        packets.udp_frame(A, 50000, B, 443, good),
        packets.udp_frame(
            A, 50001, B, 443, bad[:first] + bytes([bad[first] ^ 16]) + bad[first + 1 :]
        ),
    ]
    path = capture(tmp_path, frames)

    assert missed(path) == {"QUIC packets not read (refused)": 1}
    assert report(path)["quic"] == {
        "read": 1,
        "refused": 1,
        **dict.fromkeys(("no-name", "encrypted"), 0),
        **dict.fromkeys(("budget", "source", "evicted", "size", "no-room"), 0),
    }


def test_quic_hellos_without_a_name_and_with_ech_are_counted(tmp_path: Path) -> None:
    """As those over TCP are; one that comes in two packets is one."""
    ech = packets.client_hello("front.example.com", extensions=[(0xFE0D, bytes(40))])
    messages = [packets.client_hello("www.example.com"), packets.client_hello(None), ech]
    frames = [
        packets.udp_frame(
            A, 50000 + number, B, 443, quic_packets.initial([quic_packets.crypto(0, message)])
        )
        for number, message in enumerate(messages)
    ]
    for at in (0, 300):
        part = ech[at : at + 300] if at == 0 else ech[at:]
        piece = quic_packets.initial([quic_packets.crypto(at, part)], connection_id=b"\x55" * 8)
        frames.append(packets.udp_frame(A, 51000, B, 443, piece))
    path = capture(tmp_path, frames)

    assert missed(path) == {
        "QUIC hellos without a server name": 1,
        "QUIC hellos whose destination is encrypted (ECH)": 2,
    }
    quic = report(path)["quic"]
    assert isinstance(quic, dict)
    assert quic["read"] == 4


def test_hellos_of_googles_own_quic_are_read(tmp_path: Path) -> None:
    """Their names are plain."""
    tags = b"SNI\0" + (15).to_bytes(4, "little") + b"www.example.com"
    said = b"\x0d" + bytes(8) + b"Q043\x01" + bytes(20) + b"CHLO\x01\0\0\0" + tags + bytes(60)
    path = capture(tmp_path, [packets.udp_frame(A, 50000, B, 443, said)])

    quic = report(path)["quic"]

    assert isinstance(quic, dict)
    assert (quic["read"], quic["no-name"]) == (1, 0)


@pytest.mark.parametrize("wraps", [0, 1, 2])
def test_packet_that_was_cut_counts_once_whatever_lies_in_it(tmp_path: Path, wraps: int) -> None:
    """Each of its IP headers says more than was captured."""
    frame = packets.ethernet(packets.ipv4(A, B, packets.UDP, packets.udp(1, 2, bytes(200))))
    for _ in range(wraps):
        frame = layered.TUNNELS["vxlan"].wrap(frame[14:])
    path = capture(tmp_path, [frame[:-50], frame[:-60]])

    assert missed(path) == {"packets cut by the snap length": 2}


def test_tunnel_in_which_no_ip_stands_is_missed(tmp_path: Path) -> None:
    """The outer header says that IP follows, and something else does."""
    wrong = packets.ethernet(packets.ipv4(A, B, packets.IPIP, b"\x10" + bytes(40)))

    found = missed(capture(tmp_path, [wrong, packets.ethernet(b"", 0x88E5)]))

    assert found == {
        "packets of EtherType 0x88e5 (MACsec, encrypted)": 1,
        "packets in which no IP stands where it should": 1,
    }


def test_captures_or_live_but_not_both(tmp_path: Path) -> None:
    """Usage is one line and status 2."""
    for arguments in ([], ["--live", tmp_path]):
        said = run("coverage", *arguments)

        assert said.status == 2
        assert said.err.startswith("maltrail-agent: coverage: expected captures or --live")


def test_drops_are_missed_first() -> None:
    """What the kernel dropped nobody can read."""
    counted = Counted(counters(packets=90), dropped=10)

    (entry,) = coverage.missed(counted)

    assert (entry.number, entry.of) == (10, 100)
    assert "capture.buffer_mb" in entry.remedy


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tls_hellos": 100, "tcp_accepts": 1}, "answers of TCP servers"),
        ({"dns_queries": 100, "dns_responses": 1}, "answers of DNS servers"),
        ({"tcp_accepts": 100, "syn": 1}, "what TCP clients send"),
        ({"dns_responses": 100, "dns_queries": 1}, "what DNS clients ask"),
    ],
)
def test_one_direction_alone_is_noticed(given: Mapping[str, int], words: str) -> None:
    """By what must have come: who is answered asked, who speaks TLS was answered."""
    (trouble,) = coverage.troubles(counters(packets=5000, **given))

    assert trouble.key == "one-sided"
    assert words in trouble.what


@pytest.mark.parametrize(
    "given",
    [
        {"syn": 5000},
        {"syn": 5000, "tcp_refusals": 5000},
        {"tls_hellos": 100, "tcp_accepts": 100, "syn": 100},
        {"tls_hellos": 99},
        {"not_ip": 5000, NAMELESS: 4000},
        {UNREAD_PROTOCOL: 2500},
    ],
)
def test_scans_and_quiet_links_are_no_blind_spots(given: Mapping[str, int]) -> None:
    """Attempts without answers, few hellos, and ARP prove nothing."""
    assert list(coverage.troubles(counters(packets=5000, **given))) == []


class Watch:
    """Blind spots with windows that a test gives."""

    def __init__(self) -> None:
        notices = AgentNotices("sensor", "", (), derived_ids(b"x" * 16))
        self._spots = BlindSpots(Faults(notices))
        self._totals = counters()
        self._now_us = 0

    def window(self, **given: int) -> list[str]:
        """Return the events of a window in which this was counted."""
        self._totals = {name: n + given.get(name, 0) for name, n in self._totals.items()}
        self._now_us += 60_000_000
        return [_told(event) for event in self._spots.tell(self._totals, self._now_us)]


def _told(event: Event) -> str:
    return f"{event.class_id} {event.state}: {event.info}"


def test_undecodable_traffic_is_told_once_and_when_it_is_over() -> None:
    """A window with few packets decides nothing."""
    watch = Watch()

    assert watch.window(packets=2000) == []
    (begun,) = watch.window(packets=2000, not_ip=1500)
    assert begun.startswith("agent-degraded open: 1500 of 2000 packets could not be read")
    assert watch.window(packets=2000, not_ip=1500) == []
    assert watch.window(packets=20) == []
    (ended,) = watch.window(packets=2000)
    assert ended.startswith("agent-degraded closed: traffic is no longer undecodable")


def test_absent_traffic_is_told_after_five_minutes() -> None:
    """A sensor that sees nothing must not look healthy."""
    watch = Watch()

    told = [watch.window() for _ in range(SILENT_WINDOWS + 2)]

    assert [len(events) for events in told] == [0] * (SILENT_WINDOWS - 1) + [1, 0, 0]
    assert "no packet was captured for 300 seconds" in told[SILENT_WINDOWS - 1][0]
    (ended,) = watch.window(packets=1)
    assert "closed" in ended


def test_what_a_switch_sends_by_itself_is_no_traffic() -> None:
    """It goes on where the mirror was taken away: LLDP alone is absence, ARP is not."""
    watch = Watch()

    told = [watch.window(packets=2, from_switch=2) for _ in range(SILENT_WINDOWS)]

    assert [len(events) for events in told] == [0] * (SILENT_WINDOWS - 1) + [1]
    assert "but what a switch sends by itself" in told[-1][0]
    (ended,) = watch.window(packets=3, from_switch=2)
    assert "no longer absent" in ended
    lldp, arp = ("EtherType", 0x88CC, 5), ("EtherType", 0x0806, 7)
    assert coverage.derived([lldp, arp])[coverage.FROM_SWITCH] == 5


def test_one_sided_traffic_is_told_and_ends() -> None:
    """With the direction that is missing."""
    watch = Watch()

    (begun,) = watch.window(packets=500, tls_hellos=200)
    assert "one direction is not seen: answers of TCP servers" in begun
    assert watch.window(packets=500, tls_hellos=20) == []
    (ended,) = watch.window(packets=500, tls_hellos=200, tcp_accepts=200, syn=200)
    assert "no longer one-sided" in ended


def test_fragments_that_contradict_each_other_are_told_and_end() -> None:
    """Receivers differ in whom they believe, so that somebody may hide what they get."""
    watch = Watch()

    (begun,) = watch.window(packets=500, fragments=40, fragments_overlapping=3)
    assert begun.startswith("agent-degraded open: 3 IP fragments contradict others")
    assert watch.window(packets=500, fragments_overlapping=1) == []
    (ended,) = watch.window(packets=500, fragments=40)
    assert ended.startswith("agent-degraded closed: traffic is no longer contradictory")
