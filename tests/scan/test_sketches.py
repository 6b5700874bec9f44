"""Sketches: how many different things a key had, about; bounded, united over workers."""

import pytest

from agent.scan.sketches import KEYS, Sketches, bits_for, united
from tests.scan.scanning import randomness


def fill(sketches: Sketches, key: int, things: range, second: int = 100) -> int:
    """Note things by well-mixed hashes; return the bits set."""
    bits = 0
    for thing in things:
        item = randomness(thing).getrandbits(64)
        bits = sketches.note(key, item, 5, thing % 2, second, 60)
    return bits


@pytest.mark.parametrize("count", [1, 20, 60, 300, 1000, 2000])
def test_the_estimate_is_near(count: int) -> None:
    """Within a tenth, and a few for small numbers."""
    sketches = Sketches()
    bits = fill(sketches, 7, range(count))
    found = sketches.find(7)

    assert found is not None
    assert found.distinct == pytest.approx(count, rel=0.1, abs=2)
    assert bits == pytest.approx(bits_for(count), rel=0.1, abs=2)


def test_repeats_count_but_are_not_different() -> None:
    """Sizes and marks add up."""
    sketches = Sketches()
    for _ in range(50):
        fill(sketches, 7, range(4))
    found = sketches.find(7)

    assert found is not None
    assert (found.distinct, found.things, found.amount, found.marked) == (4, 200, 1000, 100)


def test_a_window_begins_with_its_first_thing() -> None:
    """And ends so many seconds later."""
    sketches = Sketches()
    fill(sketches, 7, range(10), 100)
    fill(sketches, 7, range(10, 20), 159)
    assert sketches.find(7).things == 20  # type: ignore[union-attr]

    fill(sketches, 7, range(20, 21), 160)
    assert sketches.find(7).things == 1  # type: ignore[union-attr]


def test_workers_are_united() -> None:
    """What two of them saw alike is one thing."""
    one, two = Sketches(), Sketches()
    fill(one, 7, range(100))
    fill(two, 7, range(50, 150))
    both = united([one.find(7), two.find(7)])  # type: ignore[list-item]

    assert both.distinct == pytest.approx(150, rel=0.1)
    assert both.things == 200


def test_a_flood_of_keys_does_not_push_out_a_full_one() -> None:
    """Of a bucket the emptiest gives way; that is counted where it held something."""
    sketches = Sketches()
    fill(sketches, 7, range(100))
    draw = randomness(1)
    for _ in range(KEYS * 4):
        sketches.note(draw.getrandbits(64), 1, 1, 0, 101, 60)

    assert sketches.find(7) is not None
    assert sketches.evictions == 0


def test_each_of_several_workers_looks_at_its_share() -> None:
    """Rather too early than never."""
    assert Sketches(4).level(100) == bits_for(25)
    assert Sketches(64).level(20) == bits_for(1)
    assert Sketches().level(0) == 0
