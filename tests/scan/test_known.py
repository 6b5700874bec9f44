"""Heads of known-good flows: passed over while a worker is overloaded, and only those."""

from agent.scan import stats
from agent.scan.scanner import Scanner
from tests import packets
from tests.scan.scanning import A6, B6, A, B, buffers, count, make

EVIL = "evil.example.org"
GOOD = packets.http_request("/x", "www.example.net")
BAD = packets.http_request("/x", EVIL)
HELLO = packets.tls_hello_payload("www.example.net")


def overloaded(*, skips: bool = True) -> Scanner:
    """Make a scanner of a worker that sheds heads of known-good flows, or learns of them."""
    scanner = make(EVIL)
    scanner.pass_over_known(1, int(skips))
    return scanner


def send(scanner: Scanner, *payloads: bytes, source: str = A, server: str = B) -> int:
    """Send each head in a batch of its own; return how many were passed over."""
    before = count(scanner, stats.HEADS_SKIPPED)
    for number, payload in enumerate(payloads):
        frame = packets.tcp_frame(source, 50000 + number, server, 443, payload)
        scanner.scan(packets.batch([frame]))
    return count(scanner, stats.HEADS_SKIPPED) - before


def test_heads_of_a_flow_that_matched_nothing_are_passed_over() -> None:
    """From the second on: requests, hellos, and what a server answers with."""
    scanner = overloaded()

    assert send(scanner, GOOD, GOOD, HELLO) == 2
    assert send(scanner, GOOD, source="10.0.0.67") == 0
    assert send(scanner, GOOD, server="198.51.100.8") == 0
    assert send(scanner, GOOD, GOOD, source=A6, server=B6) == 1


def test_a_worker_that_keeps_up_reads_every_head() -> None:
    """Nothing is learned, nothing is passed over; what was learned is forgotten."""
    scanner = make(EVIL)
    assert send(scanner, GOOD, GOOD) == 0
    scanner.pass_over_known(1, 1)
    assert send(scanner, GOOD, GOOD) == 1
    scanner.pass_over_known(0, 0)
    assert send(scanner, GOOD) == 0
    scanner.pass_over_known(1, 1)
    assert send(scanner, GOOD) == 0


def test_learning_passes_nothing_over() -> None:
    """The level before only takes note."""
    scanner = overloaded(skips=False)
    assert send(scanner, GOOD, GOOD) == 0
    scanner.pass_over_known(1, 1)
    assert send(scanner, GOOD) == 1


def test_flow_of_which_something_is_shown_is_read_on() -> None:
    """However often, and also within one batch."""
    scanner = overloaded()

    assert send(scanner, BAD, BAD, GOOD) == 0
    scanner.scan(packets.batch([packets.tcp_frame(A, 1, B, 443, one) for one in [BAD, GOOD, BAD]]))
    assert sum(one.count for one in scanner.drain(True, "")) == 4


def test_head_that_is_not_read_yet_makes_nothing_known() -> None:
    """A hello in two segments, whose name stands in the second."""
    scanner = overloaded()
    hello = packets.tls_hello_payload(EVIL)
    for sequence, part in ((1, hello[:60]), (61, hello[60:])):
        frame = packets.tcp_frame(A, 50000, B, 443, part, sequence=sequence)
        scanner.scan(packets.batch([frame]))

    assert [one.what for one in scanner.drain(True, "")] == ["tls"]
    assert send(scanner, HELLO) == 0


def test_names_asked_for_and_attempts_are_never_passed_over() -> None:
    """DNS and listed addresses are seen to the last."""
    scanner = make(EVIL, B)
    scanner.pass_over_known(1, 1)
    query = packets.dns_query(EVIL)
    frames = [
        packets.udp_frame(A, 50000, "198.51.100.9", 53, query),
        packets.tcp_frame(A, 50000, "198.51.100.9", 53, packets.dns_over_tcp(query)),
        packets.syn_frame(A, 50000, B, 443),
    ]
    for _ in range(3):
        scanner.scan(packets.batch(frames))

    seen = {(one.what, one.protocol): one.count for one in scanner.drain(True, "")}
    assert seen == {("question", 17): 3, ("question", 6): 3, ("syn", 6): 3}


def test_new_sets_are_asked_about_every_flow() -> None:
    """What matched nothing before may be listed now."""
    scanner = overloaded()
    assert send(scanner, GOOD, GOOD) == 1
    scanner.adopt(*buffers(["www.example.net"]))
    assert send(scanner, GOOD) == 0
    assert [one.what for one in scanner.drain(True, "")] == ["http"]
