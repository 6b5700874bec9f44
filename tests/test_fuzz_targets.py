"""The fuzz targets: their seeds reach what they are for, and no seed is an error."""

import pytest

from tests.fuzz import lists, wire
from tests.fuzz.answers import digest

WIRE, LISTS = wire.Target(), lists.Target()


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


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\xff\xff", wire.SPLIT * 50, b"\x05\x00" + bytes(60)]
)
def test_odd_inputs_are_answered_alike_twice(data: bytes) -> None:
    """An answer depends on nothing but the input."""
    for target in (WIRE, LISTS):
        assert digest(target.answer(data)) == digest(target.answer(data))
