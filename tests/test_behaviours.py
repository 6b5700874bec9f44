"""Behaviours: counted keys in, hits out, once a window, whichever worker counted."""

from itertools import islice

import pytest

from agent import behaviours
from agent.allow import AllowList
from agent.behaviours import Behaviours, bank, key_detections, load
from agent.config import ConfigError, Networks, Options
from agent.detections import GRACE_SECONDS, Detection
from agent.direction import Home
from agent.model import Endpoint, Hit
from agent.scan import stats
from agent.scan.bank import Bank
from agent.scan.counters import DistinctRow, HotKey
from agent.scan.scanner import Scanner
from agent.sets import empty_set, merged_filters
from agent.severity import SeverityTable
from tests import packets, scans
from tests.packets import START_US
from tests.scan.scanning import randomness, sized
from tests.wired import allow_list

SCANNER, TARGET = "203.0.113.9", "192.168.1.20"
SECOND = 1_000_000


def probes(
    ports: range, flags: int = packets.SYN, source: str = SCANNER, target: str = TARGET
) -> list[bytes]:
    """Return one probe of each port."""
    return [packets.tcp_frame(source, 61000, target, port, flags=flags) for port in ports]


class Room:
    """Workers' scanners and counters, and the behaviours that read them."""

    def __init__(
        self, workers: int = 1, options: Options | None = None, allow: AllowList | None = None
    ) -> None:
        self.detections: dict[str, Detection] = load(options or Options())
        self.allow = allow or allow_list()
        home, none = Home(Networks().home), empty_set(0)
        self.behaviours = Behaviours(
            key_detections(self.detections), self.allow, home, SeverityTable()
        )
        self.banks: list[Bank] = [bank(self.detections, 64, workers, 0, "") for _ in range(workers)]
        self.behaviours.banks = self.banks
        self.until_us = 0
        filters = merged_filters(none, none)
        self.scanners = [Scanner(none.buffer, none.buffer, filters, one) for one in self.banks]

    def scan(self, frames: list[bytes], second: float, worker: int = 0) -> list[Hit]:
        """Let one worker see frames of that second, and judge what is hot."""
        batch = packets.batch(frames, start_us=START_US + round(second * SECOND), step_us=1)
        self.scanners[worker].scan(batch)
        return self.judge(second)

    def judge(self, second: float) -> list[Hit]:
        """Judge the hot keys of all workers, everything up to that second being seen."""
        for one in self.banks:
            self.behaviours.take(one.hot().keys, "test0")
        return self.behaviours.judge(START_US + round(second * SECOND))


def test_a_scan_is_told_once_above_the_threshold() -> None:
    """Ten ports are silent, the eleventh tells; more of the same window do not."""
    room = Room()

    assert room.scan(probes(range(1000, 1010)), 0) == []
    assert len(room.scan(probes(range(1010, 1011)), 1)) == 1
    assert room.scan(probes(range(1011, 1030)), 2) == []


def test_a_hit_says_who_scans_whom_and_how_it_began() -> None:
    """Endpoints are those of the first probe; the scanner is the indicator."""
    (hit,) = Room().scan(probes(range(1000, 1020)), 0)

    assert (hit.class_id, hit.type, hit.info) == (
        "behaviour-port_scan",
        "IP",
        "potential port scanning",
    )
    assert (hit.trail, hit.indicator, hit.where) == (SCANNER, SCANNER, "behaviour")
    assert (hit.source, hit.destination) == (Endpoint(SCANNER, 61000), Endpoint(TARGET, 1000))
    assert (hit.protocol, hit.direction, hit.severity_id) == ("TCP", "inbound", 3)
    assert (hit.interface, hit.reference, hit.evidence["ports"]) == ("test0", "(heuristic)", 20)


def test_a_scan_from_inside_weighs_more() -> None:
    """CONTRACT section 5, rule 7."""
    (hit,) = Room().scan(probes(range(20), source="192.168.1.66"), 0)

    assert (hit.direction, hit.severity_id) == ("internal", 6)


@pytest.mark.parametrize("flags", [packets.SYN, packets.SYN | 0xC0, 0, packets.FIN, 0x29])
def test_stealth_probes_count_as_attempts(flags: int) -> None:
    """SYN with or without ECN bits, NULL, FIN and XMAS (rule H-3)."""
    assert len(Room().scan(probes(range(20), flags), 0)) == 1


@pytest.mark.parametrize("flags", [packets.ACK, packets.RST, packets.SYN | packets.ACK])
def test_answers_and_bare_acknowledgements_are_no_probes(flags: int) -> None:
    """A server that answers many clients scans nobody."""
    assert Room().scan(probes(range(20), flags), 0) == []


def test_one_port_again_and_again_is_no_scan() -> None:
    """Distinct ports count, not attempts."""
    assert Room().scan(probes(range(80, 81)) * 500, 0) == []


def test_ports_of_different_hosts_do_not_add_up() -> None:
    """A client with many servers scans none of them."""
    room = Room()

    hits = [
        room.scan(probes(range(n, n + 1), target=f"192.168.1.{n}"), n / 100) for n in range(1, 99)
    ]

    assert not any(hits)


def test_version_six_scans_are_told() -> None:
    """The same counter, keyed by the longer addresses."""
    (hit,) = Room().scan(probes(range(20), source="2001:db8::9", target="fd00::20"), 0)

    assert (hit.trail, hit.direction) == ("2001:db8::9", "inbound")


def test_the_window_slides() -> None:
    """A scan across any boundary is found (D-48); a slow one outside the window is not."""
    across, slow = Room(), Room(options=Options(port_scan={"slow_window": 0}))

    across.scan(probes(range(6)), 29)
    assert len(across.scan(probes(range(6, 12)), 31)) == 1
    assert [slow.scan(probes(range(n, n + 1)), n * 3.1) for n in range(40)] == [[]] * 40


def test_a_scan_that_goes_on_is_told_again_after_its_window() -> None:
    """Once a window: the condenser makes updates of it."""
    room = Room()

    told = [len(room.scan(probes(range(n * 10, n * 10 + 10)), n)) for n in range(70)]

    assert [second for second, hits in enumerate(told) if hits] == [1, 31, 61]


@pytest.mark.parametrize("workers", [2, 4, 8])
def test_a_scan_over_several_workers_counts_as_one(workers: int) -> None:
    """The kernel spreads a scanner's flows; what the workers counted is merged."""
    one, many = Room(), Room(workers)

    alone = one.scan(probes(range(1000, 1020)), 0)
    spread = [
        hit
        for number in range(20)
        for hit in many.scan(probes(range(1000 + number, 1001 + number)), 0, number % workers)
    ]

    assert [(hit.trail, hit.info) for hit in spread] == [(hit.trail, hit.info) for hit in alone]
    assert spread[0].evidence["ports"] == 11


@pytest.mark.parametrize("ports", range(11, 17))
def test_a_scan_that_ends_where_few_were_counted_is_told(ports: int) -> None:
    """However the kernel spreads so few probes, it is told by the next second, and once."""
    for seed in range(20):
        room, draw = Room(4), randomness(seed)

        told = [
            hit
            for port in range(ports)
            for hit in room.scan(probes(range(port, port + 1)), 0, draw.randrange(4))
        ]

        assert len(told + room.judge(1)) == 1, seed


def test_a_key_waits_for_what_the_last_worker_counts() -> None:
    """Four, three and two ports are nine: nothing yet; two more at the fourth worker are enough."""
    room = Room(4)
    parts = (range(4), range(4, 7), range(7, 9))

    assert [room.scan(probes(part), 0, worker) for worker, part in enumerate(parts)] == [[]] * 3
    assert room.judge(1) == []
    assert len(room.scan(probes(range(9, 11)), 2, 3)) == 1


def test_a_sweep_over_several_workers_counts_as_one() -> None:
    """A source's attempts go to other hosts, so the kernel spreads them; ten minutes, too."""
    for seconds in (2.0, 600.0):
        one, many, draw = Room(), Room(4), randomness(7)
        targets = list(scans.sweep(scans.hosts(60), seconds))

        alone, spread = [], []
        for time_us, frame in targets:
            second = (time_us - START_US) / SECOND
            alone += one.scan([frame], second)
            spread += many.scan([frame], second, draw.randrange(4))
        last = int(seconds) + GRACE_SECONDS
        alone += one.judge(last)
        spread += many.judge(last)

        assert [(hit.class_id, hit.trail, hit.evidence) for hit in spread] == [
            (hit.class_id, hit.trail, hit.evidence) for hit in alone
        ]
        assert [hit.class_id for hit in alone] == ["behaviour-host_sweep"]


def test_a_flood_at_one_host_does_not_hide_a_slow_scan_of_another() -> None:
    """The flood is counted at its victim and hardly noted by source."""
    room = Room()
    flood = scans.syn_flood(sized(1000, 300), 15 * 16, sources=1 << 24)

    told = []
    for number in range(16):
        batch = list(islice(flood, sized(1000, 300) * 15))
        for start in range(0, len(batch), 1000):
            room.scanners[0].scan(packets.batch_of(batch[start : start + 1000]))
        told += room.scan(
            probes(range(number, number + 1), target="192.168.1.99"), 15 * number + 14
        )
    told += room.judge(15 * 16 + GRACE_SECONDS)

    assert [hit.destination.address for hit in told] == ["192.168.1.99"]
    assert room.scanners[0].statistics()[stats.PROBES_UNNOTED] > sized(100_000, 5_000)


def test_a_flood_from_and_to_anybody_hides_a_slow_scan_no_longer_than_it_lasts() -> None:
    """What fills the tables is older than what comes then, and weighs no more."""
    room, draw = Room(), randomness(8)
    frame = bytearray(packets.syn_frame(SCANNER, 50000, TARGET, 443))
    for _ in range(sized(100, 5)):
        frames = []
        for _ in range(1000):
            frame[26:34] = draw.randbytes(8)
            frames.append(bytes(frame))
        room.scanners[0].scan(packets.batch(frames, step_us=1))

    told = [
        hit
        for number in range(17)
        for hit in room.scan(probes(range(number, number + 1)), 1 + 35 * number)
    ]

    assert [hit.trail for hit in told] == [SCANNER]


@pytest.mark.parametrize("workers", [1, 4])
def test_tables_share_what_the_setting_gives(workers: int) -> None:
    """All of all workers take half of it at most, however many behaviours there are."""
    made = Room(workers).banks

    total = sum(each.memory() for each in made)
    assert 64 << 17 < total <= 64 << 19
    assert set(made[0].tables) >= {"probes", "udp_ports", "hosts", "infected"}


def test_only_what_a_behaviour_needs_is_counted() -> None:
    """One switched on makes its table; floods need no table of keys."""
    off = {name: {"enabled": False} for name in load(Options())}

    def counts(name: str) -> tuple[set[str], bool, bool]:
        made = Room(options=Options({**off, name: {"enabled": True}})).banks[0]
        return set(made.tables), made.rates is not None, made.follow_udp

    assert counts("port_scan") == ({"probes"}, True, False)
    assert counts("udp_scan") == ({"udp_ports"}, True, True)
    assert counts("syn_flood") == (set(), True, False)
    assert counts("reflection") == (set(), True, True)


def test_few_ports_over_several_workers_stay_silent() -> None:
    """Merging must not double what two workers saw alike."""
    room = Room(2)

    assert room.scan(probes(range(10)), 0, 0) == []
    assert room.scan(probes(range(10)), 0, 1) == []


def test_an_allowed_scanner_is_counted_instead_of_told() -> None:
    """Once a window, as it would have been told."""
    room = Room(allow=allow_list(f"{SCANNER}/32"))

    assert room.scan(probes(range(20)), 0) == []
    assert room.scan(probes(range(20, 40)), 1) == []
    assert room.allow.counts()["entry"] == 1


def test_a_scanner_tells_whether_its_bank_has_hot_keys() -> None:
    """So that a replay need not ask every table after each batch."""
    room = Room()
    (scanner,), (bank_,) = room.scanners, room.banks
    few, many = packets.batch(probes(range(5))), packets.batch(probes(range(5, 40)))

    scanner.scan(few)
    assert not scanner.has_hot
    scanner.scan(many)
    assert scanner.has_hot
    assert bank_.hot().keys
    assert not scanner.has_hot


def test_what_was_told_is_remembered_in_bounded_space(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of scanners forgets the oldest, which may be told again early."""
    monkeypatch.setattr(behaviours, "MAX_MUTED", 500)
    room = Room()
    room.scanners[0].scan(packets.batch(probes(range(20)), step_us=1))
    (row,) = room.banks[0].tables["probes"].hot()
    every = Every(row)
    room.behaviours.banks = [every]

    def tell(keys: range) -> int:
        room.behaviours.take([HotKey("probes", key, row.last_us) for key in keys])
        return len(room.behaviours.judge(row.last_us))

    assert tell(range(501)) == 501
    assert tell(range(1)) == 1
    assert tell(range(500, 501)) == 0


class Every(Bank):
    """A bank that holds the same under every key."""

    def __init__(self, row: DistinctRow) -> None:
        super().__init__()
        self._row = row

    def counted(self, table: str, key: int) -> int:
        """Return what it holds of any key."""
        del table, key
        return len(self._row.items)

    def find(self, table: str, key: int) -> DistinctRow:
        """Return the row under any key."""
        del table
        return self._row._replace(key=key)


def test_an_unknown_behaviour_is_refused_with_those_there_are() -> None:
    """One line that names the key."""
    with pytest.raises(ConfigError) as error:
        load(Options(port_scam={"enabled": True}))

    assert str(error.value) == (
        "detections.port_scam: unknown behaviour; did you mean 'port_scan'?"
    )


def test_a_wrong_key_of_a_behaviour_is_told_by_its_path() -> None:
    """The shelf's keys are checked like all others."""
    with pytest.raises(ConfigError, match=r"^detections\.port_scan: portz: unknown key; did you"):
        load(Options(port_scan={"portz": 3}))


def test_behaviours_can_be_switched_off_singly_and_together() -> None:
    """Without any nothing is counted."""
    assert "port_scan" in load(Options())
    assert "port_scan" not in load(Options(port_scan={"enabled": False}))
    assert load(Options(enabled=False)) == {}
    none = bank({}, 64, 1, 0, "")
    assert (none.tables, none.rates, none.follow_udp) == ({}, None, False)


def test_thresholds_come_from_the_settings() -> None:
    """What a site sets is what counts."""
    room = Room(options=Options(port_scan={"ports": 3, "window": 5}))

    assert room.scan(probes(range(3)), 0) == []
    assert len(room.scan(probes(range(3, 4)), 4)) == 1
