"""Merging: whose label wins, what is held back, and what no public list may name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.config import ConfigError, Duration, MaxAge, Options, Trails
from agent.model import Source
from agent.scan import layout
from agent.trails.build import Builder, Memory, day_text
from agent.trails.set import TrailSet
from feeds._catalog import Feed
from feeds._merge import EXPIRED, Copy, Tally, merge
from feeds._reader import reader_of

TODAY = 20_000


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


def test_list_that_protects_keeps_others_from_naming_what_it_names(tmp_path: Path) -> None:
    """Its names, and addresses in its networks; below a name anything may be wrong."""
    shared = "cdn.example.org\n192.0.2.0/24\n2001:db8::1\n"
    harmless = _copy(tmp_path, "shared", shared, use="protect")
    text = (
        "cdn.example.org\nevil.cdn.example.org\n192.0.2.7\n192.0.2.7:80\n2001:db8::1\n2001:db8::2\n"
    )

    rows, tallies = _merged(tmp_path, [harmless, _copy(tmp_path, "hasty", text)], Trails())

    assert set(rows) == {"evil.cdn.example.org", "2001:db8::2"}
    assert (tallies["shared"].added, tallies["hasty"].quarantined) == (3, 4)


def test_row_counts_until_the_last_day_that_its_list_means_it(tmp_path: Path) -> None:
    """From the next day on it is left out, and that day is when the set would be another."""
    text = f"a.example.org,{day_text(TODAY)}\nb.example.org,\nc.example.org,{day_text(TODAY - 1)}\n"
    options = Options({"header": "none", "value": 0, "expires": 1})
    copy = _copy(tmp_path, "list", text, form="csv", options=options)
    builder = Builder()

    merged = merge([copy], [copy.reader], Trails(max_age=MaxAge(domain=None)), builder, TODAY)

    assert builder.count == 2
    assert merged.tallies["list"].left_out == {EXPIRED: 1}
    assert merged.next_change == TODAY + 1


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
    assert tallies["l"].quarantined == 1


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
        _copy(tmp_path, "own", "10.1.2.4", trusted=True),
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
        merge([], [], Trails(exclude_info="("), Builder(), TODAY)


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
        merge(order, [copy.reader for copy in order], Trails(), builder, TODAY)
        return builder.write(tmp_path / "set").set_id

    assert built(copies) == built(copies[::-1])


def test_two_vague_lists_must_agree_where_three_are_asked_for(tmp_path: Path) -> None:
    """min_feeds beyond the lists in use means all of them, or their addresses could never count."""
    copies = [
        _copy(tmp_path, "v1", "198.51.100.1\n198.51.100.2", standing="vague"),
        _copy(tmp_path, "v2", "198.51.100.1\n198.51.100.3", standing="vague"),
    ]

    rows, _ = _merged(tmp_path, copies, Trails(min_feeds=3))

    assert set(rows) == {"198.51.100.1"}


def test_a_vague_list_that_is_down_lets_nothing_in(tmp_path: Path) -> None:
    """It is in use all the same: the other one alone does not decide."""
    v1 = _copy(tmp_path, "v1", "198.51.100.1", standing="vague")
    v2 = _copy(tmp_path, "v2", "198.51.100.1", standing="vague")
    builder = Builder()

    merge([v1], [v1.reader, v2.reader], Trails(), builder, TODAY)

    assert builder.count == 0


def test_a_confident_list_is_company_enough(tmp_path: Path) -> None:
    """What a specific list names gets the vague one as a second source."""
    copies = [
        _copy(tmp_path, "a-vague", "198.51.100.1\n198.51.100.2", standing="vague"),
        _copy(tmp_path, "b-vague", "198.51.100.3", standing="vague"),
        _copy(tmp_path, "specific", "198.51.100.1", info="x (malware)"),
    ]

    rows, _ = _merged(tmp_path, copies, Trails())

    assert rows == {"198.51.100.1": ("x (malware)", {"a-vague", "specific"})}


def test_an_aged_address_needs_company_and_then_goes(tmp_path: Path) -> None:
    """A list that is down keeps its copy; its addresses are worth less every day."""

    def keys(day: int, *others: Copy) -> set[str]:
        builder = Builder()
        copy = Copy(_copy(tmp_path, "s", "198.51.100.1\nx.example.org").reader, tmp_path / "s", day)
        copies = [copy, *others]
        merge(copies, [c.reader for c in copies], Trails(), builder, TODAY)
        trails = TrailSet(builder.to_bytes(), "merged")
        return {trails.row(n).key for n in range(trails.info.keys)}

    vague = [_copy(tmp_path, v, "198.51.100.1", standing="vague") for v in ("v1", "v2")]

    assert keys(TODAY - 30) == {"198.51.100.1", "x.example.org"}
    assert keys(TODAY - 40) == {"x.example.org"}
    assert keys(TODAY - 40, *vague) == {"198.51.100.1", "x.example.org"}
    assert keys(TODAY - 800) == set()


def test_days_are_those_of_the_list_or_those_on_which_we_saw_it(tmp_path: Path) -> None:
    """Every source of every key has both days."""
    trails = _built(tmp_path, [_copy(tmp_path, "l", "x.example.org")], TODAY)

    assert trails.row(0).sources == (Source("l", "2024-10-04", "2024-10-04"),)


@pytest.mark.parametrize("day", ["0000-00-00", "2026-13-45", "9999-12-31", "1969-01-01", ""])
def test_a_day_that_cannot_be_is_the_day_we_saw_it(tmp_path: Path, day: str) -> None:
    """One row with a date of nowhere must not stop all lists."""
    copy = _copy(
        tmp_path,
        "l",
        f"name,last\nx.example.org,{day}\n",
        form="csv",
        options=Options(header="first", value="name", last_seen="last"),
    )

    trails = _built(tmp_path, [copy], TODAY)

    assert trails.row(0).sources == (Source("l", "2024-10-04", "2024-10-04"),)


def test_first_days_are_kept_and_last_days_move_on(tmp_path: Path) -> None:
    """The published set is the memory; a list that no longer names a key stays for a year."""
    one, two = _copy(tmp_path, "one", "x.example.org"), _copy(tmp_path, "two", "x.example.org")
    first = _built(tmp_path, [one, two], TODAY)
    (tmp_path / "two").write_text("y.example.org")

    second = _built(tmp_path, [one, two], TODAY + 10, first)
    rows = {second.row(n).key: second.row(n).sources for n in range(2)}

    assert rows["x.example.org"] == (
        Source("one", "2024-10-04", "2024-10-14"),
        Source("two", "2024-10-04", "2024-10-04"),
    )
    assert rows["y.example.org"] == (Source("two", "2024-10-14", "2024-10-14"),)
    late = _built(tmp_path, [one, two], TODAY + 400, second)
    assert [source.name for source in late.row(0).sources] == ["one"]


def test_a_list_that_is_turned_off_is_forgotten(tmp_path: Path) -> None:
    """Who no longer wants a list does not want to read of it."""
    one, two = _copy(tmp_path, "one", "x.example.org"), _copy(tmp_path, "two", "x.example.org")
    first = _built(tmp_path, [one, two], TODAY)

    second = _built(tmp_path, [one], TODAY + 1, first)

    assert [source.name for source in second.row(0).sources] == ["one"]


def test_a_key_that_its_list_takes_back_goes_at_once(tmp_path: Path) -> None:
    """It may have been a false positive."""
    copy = _copy(tmp_path, "one", "x.example.org\ny.example.org")
    first = _built(tmp_path, [copy], TODAY)
    (tmp_path / "one").write_text("y.example.org")

    second = _built(tmp_path, [copy], TODAY + 1, first)

    assert [second.row(n).key for n in range(second.info.keys)] == ["y.example.org"]


def test_the_same_lists_on_another_day_are_the_same_set(tmp_path: Path) -> None:
    """First days are remembered and last days are no part of the content hash."""
    copies = [_copy(tmp_path, "one", "x.example.org"), _copy(tmp_path, "two", "x.example.org/y")]
    first = _built(tmp_path, copies, TODAY)

    second = _built(tmp_path, copies, TODAY + 5, first)

    assert second.info.set_id == first.info.set_id


def test_quarantined_rows_are_listed_in_the_set_with_reason_and_list(tmp_path: Path) -> None:
    """`trails info --quarantined` shows them; they match nothing."""
    copies = [_copy(tmp_path, "l", "github.com\n104.16.1.2\nx.example.org")]

    trails = _built(tmp_path, copies, TODAY)

    assert (trails.info.keys, trails.info.quarantined) == (1, 2)
    assert trails.lines(layout.SECTION_QUARANTINED) == (
        "github.com\ta popular name\tl",
        "104.16.1.2\tan address of a content delivery network\tl",
    )


def _built(
    folder: Path, copies: list[Copy], today: int, previous: TrailSet | None = None
) -> TrailSet:
    """Return the set that these copies make on a day, each confirmed on that day."""
    names = frozenset(copy.reader.feed.name for copy in copies)
    memory = None
    if previous is not None:
        memory = Memory(previous=previous, lists=names, since=today - 365)
    builder = Builder(memory=memory)
    fresh = [Copy(copy.reader, copy.path, today) for copy in copies]
    merge(fresh, [copy.reader for copy in copies], Trails(), builder, today)
    return TrailSet(builder.to_bytes(), "built")


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
        options=changes.pop("options", Options()),
        **changes,
    )
    return Copy(reader_of(feed), path, TODAY)


def _merged(
    folder: Path, copies: list[Copy], trails: Trails
) -> tuple[Mapping[str, tuple[str, set[str]]], Mapping[str, Tally]]:
    """Return label and sources by key of the set made of `copies`, and the tallies."""
    builder = Builder()
    lists = [copy.reader for copy in copies]
    tallies = merge(copies, lists, trails, builder, TODAY).tallies
    path = folder / "built.set"
    info = builder.write(path)
    trail_set = TrailSet.open(path)
    rows = [trail_set.row(number) for number in range(info.keys)]
    return {row.key: (row.info, {source.name for source in row.sources}) for row in rows}, tallies
