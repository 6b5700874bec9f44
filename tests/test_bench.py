"""The benchmark's own parts: statistics of pairs, memory by mapping, and a run of all rows."""

import json
from pathlib import Path

import pytest

from bench import formats, train
from bench.__main__ import main
from bench.captures import KINDS, LISTED
from bench.memory import Memory, classify
from bench.pairs import Spread, added, spread

SMAPS = """\
55d0c0000000-55d0c0001000 r--p 00000000 fe:00 42                   /usr/bin/python3
Shared_Clean:       2048 kB
Private_Dirty:      1024 kB
VmFlags: rd mr mw me
7f0000000000-7f0000001000 r--s 00000000 fe:00 43                   /state/sets/abc.set
Shared_Clean:       1024 kB
Private_Clean:      1024 kB
VmFlags: rd sh mr mw me
7f0000002000-7f0000003000 rw-p 00000000 00:00 0{blank}
Private_Dirty:      3072 kB
VmFlags: rd wr mr mw me ac hg
7f0000004000-7f0000005000 rw-p 00000000 00:00 0{blank}
Private_Dirty:      5120 kB
VmFlags: rd wr mr mw me ac
7f0000006000-7f0000007000 rw-s 00000000 00:08 44                   socket:[44]
Shared_Dirty:          0 kB
Private_Dirty:      4096 kB
VmFlags: rd wr sh mr mw me
"""


def test_a_spread_is_the_middle_and_both_ends() -> None:
    """One outlier moves an end, not the median."""
    assert spread([4.0, 1.0, 90.0]) == Spread(4.0, 1.0, 90.0)


def test_pairs_are_subtracted_before_the_median_is_taken() -> None:
    """A slow spell that hits both of a pair does not count."""
    reading = [10.0, 500.0, 11.0]
    whole = [14.0, 503.0, 16.0]

    assert added(reading, whole) == Spread(4.0, 3.0, 5.0)


@pytest.mark.parametrize("blank", ["", " "])
def test_memory_is_told_apart_by_what_is_mapped(blank: str) -> None:
    """Set, rings and tables are no private memory; nameless pages without huge ones are."""
    found = classify(SMAPS.format(blank=blank).splitlines())

    assert found == Memory(private=6.0, tables=3.0, rings=4.0, trail_set=2.0, shared=2.0)


def test_a_small_run_tells_all_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every capture has its row, and hits are found in the one to a listed address only."""
    trails = tmp_path / "trails.csv"
    trails.write_text(f"{LISTED},family (malware),(test)\n")
    arguments = ["--trails", str(trails), "--packets", "200", "--pairs", "1", "--no-processes"]

    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert main(arguments) == 0
    text = capsys.readouterr().out

    rows = {row["capture"]: row for row in found["paths"]}
    assert tuple(rows) == KINDS
    assert {row["packets"] for row in rows.values()} == {200}
    assert [name for name, row in rows.items() if row["hits"]] == ["listed"]
    assert all(f"\n{kind} " in text for kind in KINDS)


def test_formats_are_measured_beside_the_library_that_makes_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each format has a row for each kind of event, and the library made the same line."""
    assert main(["--formats", "--pairs", "1", "--json"]) == 0

    measured = json.loads(capsys.readouterr().out)
    rows = {(row["format"], row["event"]) for row in measured["formats"]}
    assert rows == {(name, kind) for name in formats.NAMES for kind in formats.EVENTS}
    assert all(row["ratio"]["median"] > 0 for row in measured["formats"])


def test_a_compiler_learns_from_the_same_traffic_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mix, all other kinds and an office day, and the trails that they are compared with."""
    monkeypatch.setattr(train, "PACKETS", {"mix": 300})
    monkeypatch.setattr(train, "FEW", 100)
    monkeypatch.setattr(train, "HOSTS", 2)
    made = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        made.append([train.trail_set(folder).read_bytes()])
        made[-1] += [path.read_bytes() for path in train.traffic(folder)]

    assert made[0] == made[1]
    assert len(made[0]) == len(KINDS) + 2
