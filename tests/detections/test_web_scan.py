"""Web scan: what was not found counts, what was found does not."""

from agent.behaviours import Behaviours, bank, key_detections, load
from agent.config import Networks, Options
from agent.direction import Home
from agent.model import Hit
from agent.scan.scanner import Scanner
from agent.sets import empty_set, merged_filters
from agent.severity import SeverityTable
from tests import packets
from tests.packets import START_US
from tests.wired import allow_list

CLIENT, SERVER = "203.0.113.9", "192.168.1.80"
SECOND = 1_000_000


class Room:
    """One scanner, its counters, and the behaviours that read them."""

    def __init__(self) -> None:
        loaded = load(Options())
        self.bank = bank(loaded, 64, 1, 0, "")
        home, none = Home(Networks().home), empty_set(0)
        self.behaviours = Behaviours(key_detections(loaded), allow_list(), home, SeverityTable())
        self.behaviours.banks = [self.bank]
        self.scanner = Scanner(none.buffer, none.buffer, merged_filters(none, none), self.bank)

    def hits(self, *frames: bytes, second: float = 0.0, step_us: int = 1) -> list[Hit]:
        """Return what these frames lead to, once nothing answers any more."""
        start = START_US + round(second * SECOND)
        self.scanner.scan(packets.batch(frames, start_us=start, step_us=step_us))
        self.behaviours.take(self.bank.hot().keys)
        return self.behaviours.end(start + len(frames) * step_us)


def exchange(target: str, status: str = "", port: int = 40000) -> list[bytes]:
    """Return a request and, with a status, its response."""
    frames = [packets.tcp_frame(CLIENT, port, SERVER, 80, packets.http_request(target))]
    if status:
        answer = packets.http_response(b"x", status=status)
        frames.append(packets.tcp_frame(SERVER, 80, CLIENT, port, answer))
    return frames


def asked(targets: list[str], status: str = "") -> list[bytes]:
    """Return exchanges about all targets, each on a connection of its own."""
    return [f for n, target in enumerate(targets) for f in exchange(target, status, 40000 + n)]


def test_a_scan_is_told_above_the_threshold() -> None:
    """Ten are silent, eleven tell; unanswered, refused or missing."""
    for status in ("", "404 Not Found", "403 Forbidden"):
        assert Room().hits(*asked([f"/p{n}/x" for n in range(10)], status)) == []
        (hit,) = Room().hits(*asked([f"/p{n}/x" for n in range(11)], status))
        assert (hit.type, hit.trail, hit.info) == ("PATH", "*", "potential web scanning")
        assert (hit.indicator, hit.severity_id) == (CLIENT, 3)


def test_pages_that_are_found_are_no_scan() -> None:
    """A site with all its files at the root, also over one connection."""
    targets = [f"/file{n}.js" for n in range(40)]

    assert Room().hits(*asked(targets, "200 OK")) == []
    assert Room().hits(*asked(targets, "304 Not Modified")) == []
    assert Room().hits(*[f for t in targets for f in exchange(t, "200 OK")]) == []


def test_queries_and_what_lies_deeper_are_no_other_paths() -> None:
    """Only first segments count (fault D-50)."""
    assert Room().hits(*asked([f"/i.php?a={n}" for n in range(40)])) == []
    assert Room().hits(*asked([f"/a/{n}" for n in range(40)])) == []


def test_a_slow_scan_is_told_by_its_long_window() -> None:
    """Twenty-one within fifteen minutes."""
    room = Room()
    frames = asked([f"/p{n}" for n in range(21)], "404 Not Found")

    assert len(room.hits(*frames, step_us=20 * SECOND)) == 1
    assert Room().hits(*frames[:40], step_us=20 * SECOND) == []
