"""Merging: whose label wins, what is held back, and what no public list may name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.config import ConfigError, Duration, Options, Trails
from agent.trails.build import Builder
from agent.trails.set import TrailSet
from feeds._catalog import Feed
from feeds._merge import Copy, Tally, merge
from feeds._reader import reader_of


def test_curated_label_wins_over_specific_over_vague(tmp_path: Path) -> None:
    """The order of names does not matter: standing decides, and all sources are kept."""
    copies = [
        _copy(tmp_path, "z-vague", "evil.example.org\nonly.example.org", standing="vague"),
        _copy(tmp_path, "m-specific", "evil.example.org", standing="specific"),
        _copy(tmp_path, "a-curated", "evil.example.org", standing="curated"),
    ]

    rows, _ = _merged(tmp_path, copies, Trails())

    assert rows["evil.example.org"] == ("a-curated", {"a-curated", "m-specific", "z-vague"})
    assert rows["only.example.org"][0] == "z-vague"


def test_history_fills_gaps_only(tmp_path: Path) -> None:
    """A curated list's rows of 2013 replace no label, not even a vague one."""
    history = (
        b"old.example.org,bad history (suspicious),(static)\nx.example.org,x (malware),(static)\n"
    )
    copies = [
        _copy(tmp_path, "curated", history.decode(), form="maltrail", standing="curated"),
        _copy(tmp_path, "vague", "old.example.org\nx.example.org", standing="vague"),
    ]

    rows, _ = _merged(tmp_path, copies, Trails())

    assert rows["old.example.org"][0] == "vague"
    assert rows["x.example.org"][0] == "x (malware)"


def test_bare_addresses_of_vague_lists_need_company(tmp_path: Path) -> None:
    """min_feeds asks vague lists about bare addresses, and nobody else about anything."""
    copies = [
        _copy(tmp_path, "v1", "198.51.100.1\n198.51.100.2\n198.51.100.3:80", standing="vague"),
        _copy(tmp_path, "v2", "198.51.100.1", standing="vague"),
        _copy(tmp_path, "specific", "198.51.100.9"),
    ]

    rows, tallies = _merged(tmp_path, copies, Trails(min_feeds=2))

    assert set(rows) == {"198.51.100.1", "198.51.100.3:80", "198.51.100.9"}
    assert tallies["v1"].held_back == 1
    assert tallies["v1"].added == 2


@pytest.mark.parametrize(
    "key",
    [
        "10.1.2.3",
        "192.168.1.1:80",
        "127.0.0.1/x",
        "172.20.0.1",
        "169.254.169.254",
        "224.0.0.251",
        "10.0.0.0/8",
        "0.0.0.0/1",
        "64.0.0.0/3",
        "2000::/3",
        "fe80::1",
        "[fd00::1]:443",
        "::1",
    ],
)
def test_public_list_cannot_name_private_or_huge_ranges(tmp_path: Path, key: str) -> None:
    """One poisoned row must not flag a whole site."""
    rows, tallies = _merged(tmp_path, [_copy(tmp_path, "l", f"{key}\n198.51.100.1")], Trails())

    assert set(rows) == {"198.51.100.1"}
    assert tallies["l"].left_out.total() == 1


@pytest.mark.parametrize(
    "key", ["100.128.0.1", "172.32.0.1", "11.0.0.1", "10.evil.example.org", "fd.example.org"]
)
def test_neighbours_of_private_ranges_are_taken(tmp_path: Path, key: str) -> None:
    """Names that begin like private addresses, and public neighbours, are indicators."""
    rows, _ = _merged(tmp_path, [_copy(tmp_path, "l", key)], Trails())

    assert set(rows) == {key}


def test_sinkhole_and_trusted_lists_may_name_private_addresses(tmp_path: Path) -> None:
    """Sinkholes answer privately; a site's own list may be told to be believed."""
    copies = [
        _copy(tmp_path, "s", "10.1.2.3", info="sinkhole x (malware)"),
        _copy(tmp_path, "own", "10.1.2.4", allow_private=True),
    ]

    rows, _ = _merged(tmp_path, copies, Trails())

    assert set(rows) == {"10.1.2.3", "10.1.2.4"}


def test_excluded_labels_are_left_out(tmp_path: Path) -> None:
    """trails.exclude_info searches labels; what it leaves out is counted."""
    copies = [
        _copy(tmp_path, "tor", "198.51.100.1", info="tor exit node (suspicious)"),
        _copy(tmp_path, "other", "198.51.100.2"),
    ]

    rows, tallies = _merged(tmp_path, copies, Trails(exclude_info="^tor "))

    assert set(rows) == {"198.51.100.2"}
    assert tallies["tor"].left_out == {"excluded by trails.exclude_info": 1}


def test_faulty_exclusion_is_named(tmp_path: Path) -> None:
    """A pattern that does not compile is an error with its key."""
    with pytest.raises(ConfigError, match=r"trails\.exclude_info"):
        merge([], Trails(exclude_info="("), Builder())


def test_bare_malware_address_is_a_potential_site(tmp_path: Path) -> None:
    """`malware` on an address says who serves it, not who commands it."""
    rows, _ = _merged(tmp_path, [_copy(tmp_path, "u", "198.51.100.1", info="malware")], Trails())

    assert rows["198.51.100.1"][0] == "potential malware site"


def test_set_is_the_same_whatever_the_order_of_lists(tmp_path: Path) -> None:
    """The content hash depends on the lists, not on the order in which they are given."""
    copies = [
        _copy(tmp_path, "b", "x.example.org\ny.example.org"),
        _copy(tmp_path, "a", "x.example.org"),
        _copy(tmp_path, "c", "x.example.org", standing="vague"),
    ]

    def built(order: list[Copy]) -> str:
        builder = Builder()
        merge(order, Trails(), builder)
        return builder.write(tmp_path / "set").set_id

    assert built(copies) == built(copies[::-1])


def _copy(
    folder: Path,
    name: str,
    text: str,
    form: str = "plain",
    **changes: Any,
) -> Copy:
    path = folder / name
    path.write_text(text)
    feed = Feed(
        name=name,
        url=f"https://lists.example/{name}",
        format=form,
        info=changes.pop("info", name),
        reference=name,
        period=Duration(3600),
        options=Options(),
        **changes,
    )
    return Copy(reader_of(feed), path)


def _merged(
    folder: Path, copies: list[Copy], trails: Trails
) -> tuple[Mapping[str, tuple[str, set[str]]], Mapping[str, Tally]]:
    """Return label and sources by key of the set made of `copies`, and the tallies."""
    builder = Builder()
    tallies = merge(copies, trails, builder)
    path = folder / "built.set"
    info = builder.write(path)
    trail_set = TrailSet.open(path)
    rows = [trail_set.row(number) for number in range(info.keys)]
    return {row.key: (row.info, {source.name for source in row.sources}) for row in rows}, tallies
