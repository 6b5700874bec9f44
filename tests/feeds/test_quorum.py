"""min_feeds: independent lists must agree on a bare address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds import _quorum
from feeds._quorum import Quorum


def test_address_with_enough_voices_is_admitted() -> None:
    """Two of two voices suffice, one does not; other keys need none."""
    quorum = Quorum(2)
    quorum.vote("a", ["198.51.100.7", "198.51.100.8", "2001:db8::1"])
    quorum.vote("b", ["198.51.100.7", "2001:db8:0::1"])
    quorum.close()

    assert quorum.admits("198.51.100.7")
    assert quorum.admits("2001:db8::1")
    assert not quorum.admits("198.51.100.8")
    assert not quorum.admits("198.51.100.9")
    assert quorum.admits("198.51.100.8:443")
    assert quorum.admits("evil.example.org")


def test_mirrors_are_one_voice() -> None:
    """Two lists of one publisher, or an address twice in one, count once."""
    quorum = Quorum(2)
    quorum.vote("a", ["198.51.100.7", "198.51.100.7"])
    quorum.vote("a", ["198.51.100.7"])
    quorum.close()

    assert not quorum.admits("198.51.100.7")


def test_one_voice_suffices_where_one_is_asked() -> None:
    """`min_feeds: 1` takes every address."""
    quorum = Quorum(1)
    quorum.vote("a", ["198.51.100.7"])
    quorum.close()

    assert quorum.admits("198.51.100.7")


def test_too_many_addresses_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that floods the count is an error, not memory."""
    monkeypatch.setattr(_quorum, "MAX_ADDRESSES", 3)

    with pytest.raises(ValueError, match="more than 3"):
        Quorum(1).vote("a", [f"198.51.100.{n}" for n in range(9)])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.ip_addresses()), max_size=40))
def test_quorum_agrees_with_counting_sets(votes: list[tuple[str, object]]) -> None:
    """Whatever is voted, an address is admitted exactly if two different voices named it."""
    quorum = Quorum(2)
    for voice, address in votes:
        quorum.vote(voice, [str(address)])
    quorum.close()

    for _, address in votes:
        voices = {voice for voice, other in votes if other == address}
        assert quorum.admits(str(address)) == (len(voices) >= 2)
