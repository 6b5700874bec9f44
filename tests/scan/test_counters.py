"""Distinct values per key: the window, the cap, who gives way, and what is hot."""

import pytest

from agent.scan.counters import Distinct, DistinctRow
from tests.scan.scanning import SEED, randomness, sized

HOT_ENTRIES = 1024
"""Rows of the hot list; a compiled module hides its constants."""

SECOND = 1_000_000
SIX = 1 << 32
START = 1_700_000_000

SCANNER, TARGET = bytes([203, 0, 113, 9]), bytes([198, 51, 100, 7])


def made(*, entries: int = 64, items: int = 16, window: int = 30, level: int = 10) -> Distinct:
    """Make a counter as port scans use it, smaller."""
    return Distinct(SEED, entries, items, window, level)


def words(source: bytes, destination: bytes) -> tuple[int, int, int, int]:
    """Return addresses as a counter takes them."""
    parts = [part for address in (source, destination) for part in (address[:-8], address[-8:])]
    high, low, other_high, other_low = (int.from_bytes(part, "big") for part in parts)
    return high, low, other_high, other_low


def observe(
    counter: Distinct, now_us: int, source: bytes, destination: bytes, ports: int, item: int
) -> None:
    """Add an item between two addresses."""
    ends = words(source, destination)
    ports |= SIX if len(source) == 16 else 0
    key = counter.approach(*ends, ports)
    counter.add(key, now_us, now_us // SECOND, *ends, ports, item)


def answer(counter: Distinct, source: bytes, destination: bytes, ports: int, item: int) -> None:
    """Tell that an item between two addresses was answered."""
    counter.answer(counter.approach(*words(source, destination), ports), item)


def probe(counter: Distinct, second: int, port: int, source: bytes = SCANNER) -> None:
    """Note one attempt, `second` seconds after the start."""
    observe(counter, (START + second) * SECOND, source, TARGET, 40000 << 16 | port, port)


def hot(counter: Distinct) -> DistinctRow:
    """Return the only hot row."""
    (row,) = counter.hot()
    return row


def test_key_is_hot_above_its_level_only() -> None:
    """Ten values are the level, the eleventh goes over it."""
    counter = made()

    for port in range(10):
        probe(counter, port, port)
    assert counter.hot() == []
    probe(counter, 10, 10)

    row = hot(counter)
    assert (row.source, row.destination) == (SCANNER, TARGET)
    assert (row.source_port, row.destination_port) == (40000, 0)
    assert (row.first_us, row.last_us) == (START * SECOND, (START + 10) * SECOND)
    assert row.items == {port: START + port for port in range(11)}


def test_repeats_of_a_value_count_once_and_are_dated_anew() -> None:
    """A client that opens one port a thousand times is no scanner."""
    counter = made(level=1)

    for second in range(20):
        probe(counter, second, 443)
    assert counter.hot() == []
    probe(counter, 20, 80)

    assert hot(counter).items == {443: START + 19, 80: START + 20}


def test_values_outside_the_window_do_not_count() -> None:
    """Eleven ports in eleven windows are no scan; eleven in the last one are."""
    counter = made(window=5)

    for second in range(60):
        probe(counter, second * 2, second)
    assert counter.hot() == []
    for port in range(100, 111):
        probe(counter, 120, port)

    assert {port for port, second in hot(counter).items.items() if second == START + 120} == set(
        range(100, 111)
    )


@pytest.mark.parametrize(("gap", "is_hot"), [(29, True), (30, False)])
def test_window_ends_when_its_seconds_have_passed(gap: int, is_hot: bool) -> None:
    """A window of 30 seconds holds the second itself and 29 before it."""
    counter = made(level=1)

    probe(counter, 0, 1)
    probe(counter, gap, 2)

    assert bool(counter.hot()) == is_hot


def test_hot_key_is_told_again_while_it_goes_on() -> None:
    """Each new value over the level asks the behaviour again; it keeps silent as it likes."""
    counter = made(level=1)

    for port in range(4):
        probe(counter, port, port)
    first = counter.hot()
    again = counter.hot()
    probe(counter, 5, 99)

    assert (len(first), len(again)) == (1, 0)
    assert 99 in hot(counter).items


def test_row_holds_its_newest_values_at_most_as_many_as_fit() -> None:
    """A scan of all ports costs no more than its row, and stays hot."""
    counter = made(items=16)

    for port in range(1000):
        probe(counter, port // 100, port)

    row = hot(counter)
    assert len(row.items) == 16
    assert max(row.items) == 999
    assert row.last_us == (START + 9) * SECOND


def test_pairs_of_hosts_are_keys_of_their_own() -> None:
    """Either address changes the key, and so does the direction."""
    counter = made(level=0)
    pairs = [(SCANNER, TARGET), (TARGET, SCANNER), (SCANNER, SCANNER), (bytes(4), TARGET)]

    for source, target in pairs:
        observe(counter, START * SECOND, source, target, 1, 1)

    assert [(row.source, row.destination) for row in counter.hot()] == pairs


def test_ipv6_addresses_come_back_whole() -> None:
    """All sixteen bytes, also where they look like an IPv4 address."""
    counter = made(level=0)
    pairs = [(bytes(range(16)), bytes(range(100, 116))), (bytes(12) + SCANNER, bytes(12) + TARGET)]

    for source, target in pairs:
        observe(counter, START * SECOND, source, target, 7 << 16 | 8, 8)

    rows = counter.hot()
    assert [(row.source, row.destination) for row in rows] == pairs
    assert [(row.source_port, row.destination_port) for row in rows] == [(7, 8), (7, 8)]


def test_row_is_found_by_its_key_across_counters_of_one_seed() -> None:
    """Workers' counters are merged by key, so the same pair has the same key everywhere."""
    first, second = made(level=0), made(level=0)
    probe(first, 0, 1)
    probe(second, 3, 2)

    key = hot(first).key

    merged = second.find(key)
    assert merged is not None
    assert merged.items == {2: START + 3}
    assert second.find(key ^ 1) is None


def key_of(source: bytes) -> int:
    """Return the key of a source and the target, which a counter with level 0 tells at once."""
    counter = made(level=0)
    probe(counter, 0, 1, source)
    return hot(counter).key


def test_key_of_one_value_is_found_with_its_first_and_last_time() -> None:
    """Such keys lie in less room, and nothing of them is lost."""
    counter = made()
    observe(counter, START * SECOND + 123, SCANNER, TARGET, 40000 << 16 | 80, 80)
    observe(counter, (START + 7) * SECOND + 456, SCANNER, TARGET, 40001 << 16 | 80, 80)

    row = counter.find(key_of(SCANNER))

    assert row is not None
    assert counter.counted(row.key) == 1
    assert (row.source, row.destination) == (SCANNER, TARGET)
    assert (row.source_port, row.destination_port) == (40000, 80)
    assert (row.first_us, row.last_us) == (START * SECOND + 123, (START + 7) * SECOND + 456)
    assert (row.items, row.answered) == ({80: START + 7}, frozenset())


def test_second_value_of_a_key_finds_the_first_with_its_answer() -> None:
    """What a key was while it had one value goes on to count."""
    counter = made()
    probe(counter, 0, 80)
    answer(counter, SCANNER, TARGET, 80, 80)
    probe(counter, 2, 443)

    row = counter.find(key_of(SCANNER))

    assert row is not None
    assert counter.counted(row.key) == 2
    assert (row.source_port, row.destination_port) == (40000, 80)
    assert (row.first_us, row.last_us) == (START * SECOND, (START + 2) * SECOND)
    assert (row.items, row.answered) == ({80: START, 443: START + 2}, frozenset({80}))


def test_an_attempt_after_the_window_wants_an_answer_of_its_own() -> None:
    """An answer counts for the attempts of its window."""
    counter = Distinct(SEED, 64, 16, 30, 10, slow_window=900, slow_level=10)
    probe(counter, 0, 80)
    answer(counter, SCANNER, TARGET, 80, 80)
    probe(counter, 29, 80)
    row = counter.find(key_of(SCANNER))
    probe(counter, 59, 80)
    again = counter.find(key_of(SCANNER))

    assert row is not None
    assert again is not None
    assert (row.answered, again.answered) == (frozenset({80}), frozenset())


def test_other_seed_means_other_keys() -> None:
    """Nobody outside can tell which pairs share a bucket."""
    counters = [Distinct(seed, 64, 8, 30, 0) for seed in (1, 2)]
    for counter in counters:
        probe(counter, 0, 1)

    assert hot(counters[0]).key != hot(counters[1]).key


def test_flood_of_random_sources_does_not_push_out_a_scan() -> None:
    """Whoever has seen several values stays; single attempts take each other's place, counted."""
    counter = made(entries=64, items=32, level=20)
    draw = randomness(1)
    probe(counter, 0, 1000)

    for port in range(20):
        probe(counter, 0, port)
        for _ in range(sized(2000, 100)):
            probe(counter, 0, 80, draw.randbytes(4))

    assert [row.source for row in counter.hot()] == [SCANNER]
    assert counter.evictions > sized(30_000, 1500)


def test_entry_that_the_window_has_left_protects_nothing() -> None:
    """Yesterday's scan gives way to today's first attempt without being an eviction."""
    counter = made(entries=8, level=0)
    for number in range(8):
        for port in range(5):
            probe(counter, 0, port, bytes([10, 0, 0, number]))
    counter.hot()

    for number in range(8):
        probe(counter, 1000, 1, bytes([10, 9, 9, number]))

    assert {row.source[1] for row in counter.hot()} == {9}
    assert counter.evictions == 0


def test_reused_entry_forgets_what_it_counted() -> None:
    """Values of one key never count for another."""
    counter = made(entries=8, level=0)
    for number in range(8):
        for port in range(5):
            probe(counter, 0, port, bytes([10, 0, 0, number]))
    counter.hot()

    probe(counter, 1000, 77)

    assert hot(counter).items == {77: START + 1000}


def test_hot_list_is_bounded_and_whoever_found_no_room_tries_again() -> None:
    """More scanners at once than the list holds are told over several drains."""
    sources = [bytes([10, 1, number >> 8, number & 255]) for number in range(HOT_ENTRIES + 100)]
    counter = made(entries=32768, items=2, level=0)

    for source in sources:
        probe(counter, 0, 1, source)
    first = {row.source for row in counter.hot()}
    for source in set(sources) - first:
        probe(counter, 1, 2, source)
    second = {row.source for row in counter.hot()}

    assert len(first) == HOT_ENTRIES
    assert first | second == set(sources)


def test_counts_are_exact_while_there_is_room() -> None:
    """Random attempts, compared with sets in Python."""
    counter = made(entries=4096, items=64, window=10_000, level=0)
    draw = randomness(2)
    expected: dict[bytes, set[int]] = {}

    for second in range(sized(5000, 1000)):
        source, port = bytes([10, 0, 0, draw.randrange(50)]), draw.randrange(60)
        expected.setdefault(source, set()).add(port)
        probe(counter, second, port, source)

    assert {row.source: set(row.items) for row in counter.hot()} == expected
