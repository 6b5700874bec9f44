"""The fuzz targets: their seeds reach what they are for, and no seed is an error."""

import pytest

from agent.scan import layers, stats
from tests import layered
from tests.fuzz import below, lists, wire
from tests.fuzz.answers import digest

WIRE, BELOW, LISTS = wire.Target(), below.Target(), lists.Target()


def test_the_seeds_of_the_wire_reach_every_decoder() -> None:
    """Each kind of sighting that parsing can lead to."""
    answers = [WIRE.answer(seed) for seed in wire.seeds()]
    seen = "".join(text for shown, told, _ in answers for text in (*shown, *told))

    for what in ("syn", "question", "answer", "http", "tls", "quic", "fingerprint", "certificate"):
        assert f"what='{what}'" in seen, what
    for where in ("dns.cname", "http.user_agent", "proxy.target", "tls.sni", "quic.sni"):
        assert f"where='{where}'" in seen, where


def test_the_seeds_of_lists_have_every_kind_of_key() -> None:
    """As the layout numbers them."""
    said = "".join(row for seed in lists.seeds() for row in LISTS.answer(seed).rows)

    for kind in (0, 1, 2, 4, 5, 7, 8, 9, 13, 14):
        assert f"Row(kind={kind}," in said, kind


def test_the_seeds_below_names_reach_every_layer() -> None:
    """Every tunnel and medium, fragments put together, copies, and flows that are counted."""
    answers = [BELOW.answer(seed) for seed in below.seeds()]
    counted = [sum(column) for column in zip(*(one.counters for one in answers), strict=True)]

    for kind in range(1, len(layers.TUNNELS)):
        assert counted[stats.TUNNELS + kind], layers.TUNNELS[kind]
    for place in (stats.REASSEMBLED, stats.DUPLICATES, stats.ACCEPTS, stats.REFUSALS):
        assert counted[place], stats.NAMES[place]
    assert counted[stats.UNKNOWN_LINK] == 0
    assert {medium.datalink for medium in layered.MEDIA.values()} <= set(below.DATALINKS)
    assert any("HotKey" in one.hot for one in answers)
    assert any("RateKey" in one.hot for one in answers)


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\xff\xff", wire.SPLIT * 50, b"\x05\x00" + bytes(60)]
)
def test_odd_inputs_are_answered_alike_twice(data: bytes) -> None:
    """An answer depends on nothing but the input."""
    for target in (WIRE, BELOW, LISTS):
        assert digest(target.answer(data)) == digest(target.answer(data))
