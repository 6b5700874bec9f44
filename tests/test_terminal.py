"""What a terminal shows: colours where it has them, tables that fit, and nothing that steers it."""

import io
import os
import pty
from collections.abc import Iterator
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.terminal import Cell, Terminal, Text, Tone, severity_tone, terminal_of, width
from tests.outputs.samples import BAITS

XTERM = {"TERM": "xterm-256color"}


@pytest.fixture
def tty() -> Iterator[TextIO]:
    """Yield a real terminal, as a program sees it."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        yield stream
    os.close(ours)


def test_a_terminal_has_colour_and_a_width(tty: TextIO) -> None:
    """One that does not say how wide it is has 80 columns."""
    assert terminal_of(tty, XTERM) == Terminal(80, colour=True)
    assert terminal_of(tty, {**XTERM, "COLUMNS": "44"}).columns == 44


@pytest.mark.parametrize("environment", [{**XTERM, "NO_COLOR": "1"}, {"TERM": "dumb"}, {}])
def test_colour_is_left_out_where_it_is_not_wanted_or_not_known(
    tty: TextIO, environment: dict[str, str]
) -> None:
    """By no-color.org any value but an empty one counts."""
    assert not terminal_of(tty, environment).colour
    assert terminal_of(tty, {**XTERM, "NO_COLOR": ""}).colour


def test_a_pipe_has_neither_colour_nor_width() -> None:
    """So what programs read is whole."""
    found = terminal_of(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), XTERM)

    assert (found.columns, found.colour) == (0, False)
    assert found.paint("x" * 500, Tone.BAD) == "x" * 500


def test_colours_follow_severity() -> None:
    """The five words of the scale have five colours."""
    assert [severity_tone(n) for n in (1, 3, 6, 8, 10)] == [
        *(Tone.DIM, Tone.NOTE, Tone.WARNING, Tone.BAD, Tone.WORST),
    ]


def test_a_table_is_aligned_under_its_heads() -> None:
    """Numbers end at one column, and wide characters take two."""
    rows: list[list[Cell]] = [["a", "1"], ["漢字", "10"], [Text("abcd", Tone.GOOD), "100"]]

    assert list(Terminal().table(["NAME", "N"], rows, right=[1])) == [
        "NAME    N",
        "a       1",
        "漢字   10",
        "abcd  100",
    ]


def test_the_widest_columns_of_a_table_give_way() -> None:
    """Short ones are kept whole."""
    lines = list(Terminal(20).table(["A", "B"], [["short", "x" * 40], ["s", "y"]]))

    assert lines == ["A      B", "short  xxxxxxxxxxxx…", "s      y"]


def test_a_table_that_cannot_fit_becomes_records() -> None:
    """A head and its value a line, rows apart."""
    lines = list(Terminal(12).table(["ONE", "TWO"], [["abcdefgh", "b" * 20], ["c", "d"]]))

    assert lines == ["ONE  abcdefgh", f"TWO  {'b' * 20}", "", "ONE  c", "TWO  d"]


def test_what_a_terminal_cannot_spell_is_escaped() -> None:
    """Rather than ending the program."""
    plain = Terminal(columns=20, unicode=False)

    assert plain.safe("é") == "\\xe9"
    assert plain.cut("abcdefgh", 6) == "abc..."
    assert plain.bar(0.5, 4) == "##.."


@pytest.mark.parametrize(("share", "bar"), [(-1, "░░░░"), (0.5, "██░░"), (1, "████"), (9, "████")])
def test_a_bar_shows_a_share(share: float, bar: str) -> None:
    """Beyond its ends it is empty or full."""
    assert Terminal().bar(share, 4) == bar


@given(st.sampled_from(BAITS) | st.text(), st.integers(0, 60), st.booleans())
def test_no_text_steers_the_terminal_or_is_wider_than_its_room(
    text: str, columns: int, unicode: bool
) -> None:
    """Whatever is printed is one line of printable characters."""
    shown = Terminal(columns, unicode=unicode).cut(text, columns)

    assert width(shown) <= columns
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in shown)
    shown.encode("utf-8" if unicode else "ascii")


@given(st.lists(st.lists(st.text(max_size=30), min_size=3, max_size=3), max_size=4))
def test_no_table_is_wider_than_the_terminal(rows: list[list[str]]) -> None:
    """Except as records, whose values a terminal wraps."""
    for line in Terminal(40).table(["A", "B", "C"], rows):
        assert width(line) <= 40


def test_prose_is_wrapped_beside_its_cells_and_never_cut() -> None:
    """Cells are aligned; every word of the last one is there, within the width."""
    rows: list[list[Cell]] = [[Text("ok", Tone.GOOD), "a"], ["failure", "b " * 30 + "end"]]

    lines = list(Terminal(40).notes(rows))

    assert lines[0] == "ok       a"
    assert all(line.startswith(" " * 9) for line in lines[2:])
    assert max(map(width, lines)) <= 40
    assert " ".join(lines[1:]).split() == ["failure", *["b"] * 30, "end"]
    assert len(list(Terminal(0).notes(rows))) == 2


def test_prose_goes_below_its_cells_where_there_is_no_room() -> None:
    """A narrow terminal shows all the same words."""
    lines = list(Terminal(20).notes([["a very long head", "some words of prose"]]))

    assert lines == ["a very long head", "      some words of", "      prose"]


@pytest.mark.parametrize("columns", [0, 80])
def test_prose_stands_beside_cells_of_any_width(columns: int) -> None:
    """Where there is room, however far in that is."""
    for size in range(1, 20):
        (line,) = Terminal(columns).notes([["x" * size, "prose"]])
        assert line == f"{'x' * size}  prose"


def test_a_strip_shows_what_is_whole_and_what_is_not() -> None:
    """Only a share of one is full, so that the smallest gap is seen; the same in ASCII."""
    assert Terminal().strip([0, 0.5, 0.999, 1]) == " ▄▇█"
    assert Terminal(unicode=False).strip([0, 0.5, 0.999, 1]) == ".::#"
