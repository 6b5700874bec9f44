"""Ageing: confidence falls evenly to the limit of the kind, where the key goes."""

import pytest

from agent.config import Duration, MaxAge
from agent.scan import layout
from feeds._ageing import ENOUGH, NEVER, Ageing

TODAY = 20_000


def confidence(standing: str, kind: int, days: int) -> int:
    """Return the confidence in a key named so many days ago, by the default limits."""
    return Ageing(MaxAge(), TODAY).confidence(standing, kind, TODAY - days)


@pytest.mark.parametrize(
    ("standing", "days", "expected"),
    [
        ("curated", 0, 100),
        ("specific", 0, 80),
        ("specific", 45, 40),
        ("specific", 89, 0),
        ("specific", 90, 0),
        ("specific", 900, 0),
        ("vague", 0, 40),
        ("vague", 45, 20),
        ("curated", 45, 50),
    ],
)
def test_an_address_fades_over_ninety_days(standing: str, days: int, expected: int) -> None:
    """From what its list is worth to nothing."""
    assert confidence(standing, layout.IP4, days) == expected


@pytest.mark.parametrize(
    "kind", [layout.CERTIFICATE, layout.JA3, layout.JA4, layout.PATH, layout.PATTERN]
)
def test_what_does_not_change_hands_does_not_age(kind: int) -> None:
    """A fingerprint of 2017 is the same fingerprint."""
    assert confidence("specific", kind, 3000) == 80


def test_a_name_outlives_an_address() -> None:
    """Kinds have limits of their own."""
    assert confidence("specific", layout.DOMAIN, 91) > 0
    assert confidence("specific", layout.URL, 181) == 0


def test_a_site_may_keep_for_ever() -> None:
    """Null is no limit."""
    ageing = Ageing(MaxAge(ip=None), TODAY)

    assert ageing.confidence("specific", layout.IP4, 1) == 80
    assert ageing.next_change == NEVER


def test_a_day_of_tomorrow_is_today() -> None:
    """A publisher's clock that is ahead makes nothing more certain."""
    assert confidence("specific", layout.IP4, -5) == 80


def test_the_next_change_is_the_first_day_that_judges_otherwise() -> None:
    """Until then the same lists make the same set; on that day they do not."""
    ageing = Ageing(MaxAge(ip=Duration(80 * 86400)), TODAY)
    ageing.confidence("specific", layout.IP4, TODAY)
    day = ageing.next_change

    def is_enough(today: int) -> bool:
        later = Ageing(MaxAge(ip=Duration(80 * 86400)), today)
        return later.confidence("specific", layout.IP4, TODAY) >= ENOUGH

    assert is_enough(day - 1)
    assert not is_enough(day)


def test_the_next_change_after_that_is_the_end() -> None:
    """An address without enough confidence has only its end before it."""
    ageing = Ageing(MaxAge(), TODAY)
    ageing.confidence("vague", layout.IP4, TODAY - 10)

    end = ageing.next_change

    assert Ageing(MaxAge(), end).confidence("vague", layout.IP4, TODAY - 10) == 0
    assert end <= TODAY + 80
