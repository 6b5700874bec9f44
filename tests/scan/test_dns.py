"""DNS over UDP: which questions and answers are sighted, and which messages are none."""

import struct

import pytest

from agent.dns_details import updated
from agent.model import Sighting
from agent.scan import stats
from tests import packets
from tests.scan.scanning import A6, B6, A, B, count, make, scan, seen

NAME = "evil.example.org"


def ask(message: bytes) -> bytes:
    """Send a message from a client to a resolver."""
    return packets.udp_frame(A, 50000, B, 53, message)


def answer(message: bytes) -> bytes:
    """Send a message from a resolver to its client."""
    return packets.udp_frame(B, 53, A, 50000, message)


def raw(question: bytes, *, flags: int = 0x0100, questions: int = 1) -> bytes:
    """Build a message around the bytes of a question."""
    return struct.pack("!HHHHHH", 0x1234, flags, questions, 0, 0, 0) + question


def refused(message: bytes) -> bool:
    """Tell whether a message is counted as malformed and not sighted."""
    scanner = make(NAME, "org")
    scanner.scan(packets.batch([ask(message)]))
    assert count(scanner, stats.ERRORS) == 0
    assert scanner.drain(True, "") == []
    assert count(scanner, stats.DNS_QUERIES) + count(scanner, stats.DNS_RESPONSES) == 0
    return count(scanner, stats.DNS_MALFORMED) == 1


@pytest.mark.parametrize(
    "type_",
    [
        packets.A,
        packets.NS,
        packets.CNAME,
        packets.SOA,
        packets.PTR,
        packets.MX,
        packets.TXT,
        packets.AAAA,
        packets.SRV,
        packets.HTTPS,
        255,
        252,
        0,
        65535,
    ],
)
def test_questions_of_every_type_are_sighted(type_: int) -> None:
    """AAAA and PTR too, which Maltrail leaves out, and types that nobody has assigned."""
    assert seen([NAME], [ask(packets.dns_query(NAME, type_))]) == ["question"]


@pytest.mark.parametrize("class_", [1, 3, 4, 255])
def test_questions_of_every_class_are_sighted(class_: int) -> None:
    """Chaos and Hesiod resolve names as well."""
    assert seen([NAME], [ask(packets.dns_query(NAME, class_=class_))]) == ["question"]


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        (NAME, True),
        ("EVIL.Example.ORG", True),
        (f"www.{NAME}", True),
        (f"a.b.c.d.{NAME}", True),
        (f"xx{NAME}", False),
        ("example.org", False),
        (f"{NAME}.net", False),
        ("evil.example.or", False),
        (f"{NAME}x", False),
        ("evil-example.org", False),
    ],
)
def test_name_and_everything_below_it_is_listed(name: str, listed: bool) -> None:
    """Rule T-5.6: the name in any case and its children, at label boundaries."""
    assert seen([NAME], [ask(packets.dns_query(name))]) == ["question"] * listed


def test_last_label_alone_is_a_key() -> None:
    """A listed top level covers all below it, and the single-label name itself."""
    frames = [ask(packets.dns_query(name)) for name in ("evil.xyz", "xyz", "xyz.org")]

    assert seen(["xyz"], frames) == ["question", "question"]


def test_question_and_answer_are_two_kinds() -> None:
    """The response bit decides, and both carry the listed name."""
    frames = [
        ask(packets.dns_query(NAME)),
        answer(packets.dns_response(NAME, [(packets.A, "192.0.2.1")])),
        answer(packets.dns_response(NAME, code=3)),
    ]

    found = scan([NAME], frames)

    assert [(sighting.what, sighting.count) for sighting in found] == [
        ("question", 1),
        ("answer", 2),
    ]


def test_sighting_keeps_the_message_for_who_decodes_it() -> None:
    """The packet is the DNS message, over whatever it came."""
    message = packets.dns_query(NAME, edns=True)

    (sighting,) = scan([NAME], [ask(message)])

    assert sighting.packet == message


def test_dns_is_read_on_any_port() -> None:
    """Source or destination port 53 (rule T-8), in IPv6 too, or any port by content."""
    query = packets.dns_query(NAME)
    for frame in (
        packets.udp_frame(A, 53, B, 53, query),
        packets.udp_frame(A, 53, B, 9999, query),
        packets.udp_frame(A, 9999, B, 53, query),
        packets.udp_frame(A6, 9999, B6, 53, query),
        packets.udp_frame(A, 5353, B, 5353, query),
        packets.udp_frame(A, 40000, B, 8053, query),
    ):
        assert seen([NAME], [frame]) == ["question"]


@pytest.mark.parametrize("key", [B, f"{B}:53", "198.51.100.0/24", A])
def test_question_to_a_listed_resolver_is_sighted(key: str) -> None:
    """Rule T-8.6: the resolver with its port, bare or by network, else the client."""
    assert seen([key], [ask(packets.dns_query("harmless.example.net"))]) == ["question"]


def test_malformed_message_to_a_listed_resolver_is_a_datagram() -> None:
    """What is no DNS on port 53 is still traffic with a listed address."""
    assert seen([B], [ask(b"rubbish")]) == ["datagram"]


@pytest.mark.parametrize("flags", [0x0000, 0x0100, 0x0500, 0x0110, 0x0120, 0x8180, 0x8583, 0x81B0])
def test_standard_queries_and_responses_are_read(flags: int) -> None:
    """Recursion, authority, checking and authentic-data bits and any code make no difference."""
    message = raw(packets.dns_name(NAME) + b"\0\1\0\1", flags=flags)

    assert seen([NAME], [ask(message)]) == ["answer" if flags & 0x8000 else "question"]


@pytest.mark.parametrize("flags", [0x0800, 0x1000, 0x1800, 0x3000, 0x4000, 0x7800, 0x0200])
def test_other_operations_and_cut_messages_are_refused(flags: int) -> None:
    """Status and what nobody defined carry no question in our sense (rule T-8.6)."""
    assert refused(raw(packets.dns_name(NAME) + b"\0\1\0\1", flags=flags))


def test_message_without_a_question_is_refused() -> None:
    """There is no name to look at."""
    assert refused(raw(packets.dns_name(NAME) + b"\0\1\0\1", questions=0))


def test_only_the_first_of_several_questions_is_read() -> None:
    """Resolvers answer no more than one either."""
    first, second = (packets.dns_name(name) + b"\0\1\0\1" for name in ("a.example.net", NAME))

    assert seen([NAME], [ask(raw(first + second, questions=2))]) == []
    assert seen([NAME], [ask(raw(second + first, questions=2))]) == ["question"]


@pytest.mark.parametrize("name", [b"\xc0\x0c", b"\x04evil\xc0\x0c", b"\x40" + b"a" * 64, b"\x80"])
def test_pointers_and_odd_lengths_in_questions_are_refused(name: bytes) -> None:
    """A question has nothing to point at; 01 and 10 label types are no lengths (RFC 1035 4.1.4)."""
    assert refused(raw(name + b"\0\0\1\0\1"))


@pytest.mark.parametrize("c", [b" ", b"\0", b"\n", b"'", b"*", b"/", b":", b"@", b"\x7f", b"\xc3"])
def test_name_with_a_character_that_no_key_has_is_refused(c: bytes) -> None:
    """Such a name cannot be listed; a dot inside a label would forge a boundary."""
    assert refused(raw(b"\x03a" + c + b"b" + packets.dns_name("org") + b"\0\1\0\1"))


def test_dot_inside_a_label_forges_no_boundary() -> None:
    """The bytes `evil.example` in one label are not two."""
    assert refused(raw(b"\x0cevil.example" + packets.dns_name("org") + b"\0\1\0\1"))


@pytest.mark.parametrize("label", ["_dmarc", "-", "0", "a_b", "xn--bcher-kva", "-x-", "x" * 63])
def test_every_label_that_is_legal_on_the_wire_is_read(label: str) -> None:
    """Underscores, digits, hyphens anywhere, punycode and 63 bytes."""
    assert seen([NAME], [ask(packets.dns_query(f"{label}.{NAME}"))]) == ["question"]


def test_longest_name_is_read_and_found() -> None:
    """253 characters: as key and as child of one."""
    below = ".".join(["a" * 63] * 3 + ["b" * 44])
    longest = f"{below}.{NAME}"
    assert len(longest) == 253

    assert seen([NAME], [ask(packets.dns_query(longest))]) == ["question"]
    assert seen([longest], [ask(packets.dns_query(longest))]) == ["question"]


def test_name_beyond_the_longest_is_refused() -> None:
    """RFC 1035 section 2.3.4; what is longer is no name."""
    assert refused(packets.dns_query(".".join(["a" * 63] * 4 + ["org"])))


def test_127_labels_are_read() -> None:
    """The most labels that fit."""
    name = ".".join(["a"] * 127)
    assert len(name) == 253

    assert seen([".".join(["a"] * 5)], [ask(packets.dns_query(name))]) == ["question"]


def test_root_question_is_counted_and_matches_nothing() -> None:
    """The empty name is asked for all day and matches no key."""
    scanner = make(NAME, "org")

    scanner.scan(packets.batch([ask(packets.dns_query(""))]))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.DNS_QUERIES) == 1
    assert count(scanner, stats.DNS_MALFORMED) == 0


def test_question_cut_off_at_any_byte_is_refused() -> None:
    """Type and class must be there (rule T-8.6)."""
    message = packets.dns_query(NAME)

    assert all(refused(message[:length]) for length in range(len(message)))
    assert seen([NAME], [ask(message)]) == ["question"]


def test_different_names_between_the_same_hosts_are_told_apart() -> None:
    """What is asked makes a sighting, not who asks."""
    names = [f"{label}.{NAME}" for label in "abc"]

    found = scan([NAME], [ask(packets.dns_query(name)) for name in (*names, *names)])

    assert [sighting.count for sighting in found] == [2, 2, 2]
    assert names == [_name(sighting) for sighting in found]


@pytest.mark.parametrize(
    ("pattern", "name", "passes"),
    [
        (r"dga[0-9]+\.wildcard\.net", "dga77.wildcard.net", True),
        (r"dga[0-9]+\.wildcard\.net", "dga77.example.net", False),
        (r"[a-z]+[0-9]+", "anything.example.net", True),
    ],
)
def test_name_that_may_match_a_pattern_is_sighted(pattern: str, name: str, passes: bool) -> None:
    """The gate lets names with a pattern's literal pass; a pattern without one passes all."""
    assert seen([f"re:{pattern}"], [ask(packets.dns_query(name))]) == ["question"] * passes


@pytest.mark.parametrize("name", ["abcdefgh.onion.to", "evil.com.ip-adress.com"])
def test_gateways_to_listed_names_are_sighted(name: str) -> None:
    """Rules T-5.5 and T-5.9 read the name itself."""
    assert seen(["harmless.example.net"], [ask(packets.dns_query(name))]) == ["question"]


def _name(sighting: Sighting) -> str:
    labels, at = [], 12
    while size := sighting.packet[at]:
        labels.append(sighting.packet[at + 1 : at + 1 + size].decode())
        at += 1 + size
    return ".".join(labels)


@pytest.mark.parametrize("flags", [0x2000, 0xA000, 0x2400])
def test_zone_of_a_notification_is_a_name(flags: int) -> None:
    """RFC 1996: a server tells another one that a zone changed; and the answer to that."""
    message = raw(packets.dns_name(NAME) + b"\0\6\0\1", flags=flags)

    assert seen([NAME], [ask(message)]) == ["answer" if flags & 0x8000 else "question"]


def update(*owners: bytes, prerequisites: int = 0, tail: bytes = b"") -> bytes:
    """Build an update of a zone (RFC 2136) with records that name these owners."""
    zone = packets.dns_name("zone.example.net") + b"\0\6\0\1"
    records = b"".join(one + b"\0\1\0\1\0\0\0\0\0\4\1\2\3\4" for one in owners)
    counts = (1, prerequisites, len(owners) - prerequisites, 0)
    return struct.pack("!HHHHHH", 7, 0x2800, *counts) + zone + records + tail


def test_names_that_an_update_is_about_are_seen() -> None:
    """Prerequisites and changes; an owner may point back into the zone."""
    below = b"\4host\xc0\x0c"
    own = packets.dns_name(NAME)
    for message in (update(own), update(below, own, prerequisites=1), update(own, below)):
        assert seen([NAME], [ask(message)]) == ["question"]
        assert [name for name in updated(message, "zone.example.net") if name == NAME] == [NAME]
    assert seen(["host.zone.example.net"], [ask(update(below))]) == ["question"]
    assert updated(update(below), "zone.example.net") == ["host.zone.example.net"]
    assert updated(packets.dns_query(NAME), NAME) == []


def test_update_that_is_cut_or_damaged_is_survived() -> None:
    """At every byte, with a tail, each byte changed; and pointers that go round."""
    message = update(b"\4host\xc0\x0c", packets.dns_name(NAME), b"\xc0\x40", prerequisites=1)
    scanner = make(NAME)
    for size in range(len(message)):
        damaged = message[:size] + b"\xff" + message[size + 1 :]
        for one in (message[:size], damaged, message + damaged):
            scanner.scan(packets.batch([ask(one)]))
            updated(one, "")

    assert count(scanner, stats.ERRORS) == 0
    assert updated(update(b"\xc0\x22" * 20), "") == []
