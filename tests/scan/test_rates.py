"""Packets a second for each destination: exact, by kind, bounded."""

import pytest

from agent.scan.rates import NAMES, RateKey, Rates
from tests.scan.scanning import SEED, randomness, sized

SECOND = 1_000_000
START = 1_700_000_000
SYN, UDP, REFLECTED = NAMES.index("syn"), NAMES.index("udp"), NAMES.index("reflected")
VICTIM, OTHER = 0xC0A80114, 0xC0A80115
PORTS = 50000 << 16 | 443
HOT_KEYS = 1024


def made(level: int = 3) -> Rates:
    """Make rates as floods use them, with a low level."""
    return Rates(SEED, {"syn": level, "udp": level, "reflected": level})


def add(
    rates: Rates,
    second: int = 0,
    *,
    kind: int = SYN,
    service: int = 0,
    victim: int = VICTIM,
    source: int = 1,
) -> int:
    """Count one packet, so many seconds after the start."""
    at = START + second
    h = rates.expect(kind, service, 0, victim)
    return rates.count(h, at * SECOND + 5, at, kind, service, 0, victim, 0, source, PORTS)


def test_packets_of_a_second_are_counted_from_one() -> None:
    """The next second begins anew, and the one before is kept."""
    rates = made()

    assert [add(rates) for _ in range(5)] == [1, 2, 3, 4, 5]
    assert add(rates, 1) == 1

    (key,) = rates.hot()
    assert key.second == START
    before, now = rates.find(key.key, START), rates.find(key.key, START + 1)
    assert before is not None
    assert now is not None
    assert (before.packets, now.packets) == (5, 1)
    assert rates.find(key.key, START - 1) is None


def test_a_key_is_hot_once_a_second_above_its_level() -> None:
    """As many as the level are not."""
    rates = made(level=3)

    for _ in range(3):
        add(rates)
    assert rates.hot() == []
    for _ in range(10):
        add(rates)
    assert len(rates.hot()) == 1
    for _ in range(10):
        add(rates)
    assert rates.hot() == []
    for _ in range(4):
        add(rates, 1)
    assert [key.second for key in rates.hot()] == [START + 1]


def test_kinds_services_and_destinations_are_counted_apart() -> None:
    """A resolver's answers are no flood of attempts, nor are NTP's those of DNS."""
    rates = made(level=0)

    add(rates)
    add(rates, kind=UDP)
    add(rates, kind=REFLECTED, service=53)
    add(rates, kind=REFLECTED, service=123)
    add(rates, victim=OTHER)

    rows = [rates.find(*key) for key in rates.hot()]
    assert [(row.kind, row.service, row.destination.hex(), row.packets) for row in rows if row] == [
        ("syn", 0, "c0a80114", 1),
        ("udp", 0, "c0a80114", 1),
        ("reflected", 53, "c0a80114", 1),
        ("reflected", 123, "c0a80114", 1),
        ("syn", 0, "c0a80115", 1),
    ]


def test_a_row_tells_the_first_packet_of_its_second() -> None:
    """Source, ports and time are those that an event names."""
    rates = made(level=0)
    add(rates, source=7)
    add(rates, source=8)

    row = rates.find(*rates.hot()[0])

    assert row is not None
    assert (row.source, row.source_port, row.destination_port) == (bytes([0, 0, 0, 7]), 50000, 443)
    assert row.first_us == START * SECOND + 5
    assert row.bits.bit_count() == 2


def test_what_was_answered_is_taken_back() -> None:
    """Never below nothing, and nothing that was not counted."""
    rates = made(level=0)
    add(rates, kind=UDP)
    add(rates, kind=UDP)
    for victim in (VICTIM, VICTIM, VICTIM, OTHER):
        rates.take_back(START, UDP, 0, 0, victim)

    row = rates.find(*rates.hot()[0])

    assert row is not None
    assert row.packets == 0


def test_version_six_addresses_are_keys_too() -> None:
    """All sixteen bytes."""
    rates = made(level=0)
    h = rates.expect(SYN, 0, 1 << 60, 2)
    rates.count(h, START * SECOND, START, SYN, 0, 1 << 60, 2, 3 << 60, 4, PORTS | 1 << 32)

    row = rates.find(*rates.hot()[0])

    assert row is not None
    assert row.destination == (1 << 60).to_bytes(8, "big") + (2).to_bytes(8, "big")
    assert row.source == (3 << 60).to_bytes(8, "big") + (4).to_bytes(8, "big")


def test_a_flood_is_counted_exactly_among_random_destinations() -> None:
    """Whoever gets most stays in the table; the others take each other's place."""
    rates = made(level=1)
    draw = randomness(3)
    add(rates)
    add(rates)

    for _ in range(sized(3000, 300)):
        add(rates)
        for _ in range(30):
            add(rates, victim=draw.getrandbits(32))

    found = [rates.find(*key) for key in rates.hot()]
    assert {row.packets for row in found if row and row.destination.hex() == "c0a80114"} == {
        sized(3000, 300) + 2
    }
    assert rates.evictions > sized(10_000, 1_000)


def test_the_hot_list_is_bounded_and_what_found_no_room_is_counted() -> None:
    """It is tried again with the next packet."""
    rates = made(level=0)

    for number in range(HOT_KEYS + 100):
        add(rates, victim=number)
    first = rates.hot()
    add(rates, victim=HOT_KEYS + 50)

    assert (len(first), rates.saturated) == (HOT_KEYS, 100)
    assert len(rates.hot()) == 1


@pytest.mark.parametrize("key", [0, 1, (1 << 64) - 1])
def test_an_unknown_key_is_not_found(key: int) -> None:
    """Nor does an empty table hold any."""
    assert made().find(*RateKey(key | 1, START)) is None
