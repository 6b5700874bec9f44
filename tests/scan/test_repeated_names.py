"""Names that come again: what is remembered of them changes nothing of what is seen."""

from collections.abc import Callable

import pytest

from agent.scan import stats
from tests import packets
from tests.scan.scanning import A, B, buffers, count, make, randomness, scan

NAME = "evil.example.org"
CANDIDATE = "botnet77.example.net"
KEYS = (NAME, "other.example.org/a", "re:botnet[0-9]+")


def question(name: str) -> bytes:
    """Return the frame of a question."""
    return packets.udp_frame(A, 1000, B, 53, packets.dns_query(name))


def answer(name: str) -> bytes:
    """Return the frame of its answer."""
    return packets.udp_frame(B, 53, A, 1000, packets.dns_response(name, [(1, "192.0.2.1")]))


def request(name: str) -> bytes:
    """Return the frame of a request to a host."""
    return packets.tcp_frame(A, 1000, B, 80, packets.http_request("/a", name))


KINDS = (question, answer, request)


def observed(names: list[str], build: Callable[[str], bytes], batches: int) -> list[str]:
    """Return what is sighted of frames with these names, each group in a batch of its own."""
    scanner = make(*KEYS)
    found = []
    for number in range(batches):
        frames = [build(name) for name in names]
        scanner.scan(packets.batch(frames, start_us=packets.START_US + number * 1_000_000))
        found += [f"{one.what} {one.count}" for one in scanner.drain(True, "")]
    assert count(scanner, stats.ERRORS) == 0
    return found


@pytest.mark.parametrize("build", KINDS)
@pytest.mark.parametrize("name", [NAME, f"www.{NAME}", CANDIDATE])
def test_each_packet_with_a_listed_name_counts(build: Callable[[str], bytes], name: str) -> None:
    """In one group, where the first is not answered yet, and in those that follow."""
    names = [name, "harmless.example.com", name, "harmless.example.com", name]

    first, *rest = observed(names, build, 3)

    assert first.endswith(" 3")
    assert rest == [first, first]


@pytest.mark.parametrize("build", KINDS)
def test_names_not_listed_are_not_shown_however_often(build: Callable[[str], bytes]) -> None:
    """Names that differ in a byte only, in how they are divided, or begin alike."""
    names = ["a.example.com", "b.example.com", "aexample.com", "abcdefgh.ij", "abcdefghij"]

    assert observed(names * 10, build, 3) == []


def test_what_was_unknown_is_seen_when_it_is_listed() -> None:
    """New sets begin with nothing."""
    scanner = make("unrelated.example")
    frames = [build(NAME) for build in KINDS]
    scanner.scan(packets.batch(frames * 2))
    before = len(scanner.drain(True, ""))

    scanner.adopt(*buffers([NAME]))
    scanner.scan(packets.batch(frames, start_us=packets.START_US + 1_000_000))

    assert (before, len(scanner.drain(True, ""))) == (0, 3)


def test_a_host_asked_for_by_name_is_seen_with_its_listed_path() -> None:
    """What is known of a name says nothing of URLs."""
    frames = [question("other.example.org"), request("other.example.org")]

    assert [one.what for one in scan(KEYS, frames * 2)] == ["http"]


def test_repeated_names_yield_what_single_ones_do() -> None:
    """One batch of many packets, and each packet in a scanner of its own."""
    random = randomness(7)
    words = ("evil", "www", "example", "botnet1", "org", "net", "longer-than-a-word", "x", "co_m")
    names = [".".join(random.choices(words, k=random.randint(1, 4))) for _ in range(40)]
    frames = [random.choice(KINDS)(random.choice([NAME, *names])) for _ in range(400)]
    keys = (*KEYS, "example.org", "www.net")

    alone = [sum(one.count for one in scan(keys, [frame])) for frame in frames[:100]]
    together = sum(one.count for one in scan(keys, frames[:100]))

    assert together == sum(alone) > 0
