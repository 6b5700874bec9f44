"""The table of lists: what is in use, how old it is, when it is asked again, and why it fails."""

from pathlib import Path

from agent.commands.feeds import table
from agent.config import Options, Settings, Update
from agent.terminal import Terminal
from feeds._health import health
from feeds._update import update


def test_table_names_every_known_list_without_any_state(tmp_path: Path) -> None:
    """Before the first update the catalogue is shown, each list on or off with its reason."""
    rows = {row.name: row for row in health(Settings(), tmp_path, 1.8e9)}

    assert rows["urlhaus"].in_use
    assert rows["urlhaus"].age is None
    assert not rows["openphish"].in_use
    assert "non-commercial" in rows["openphish"].reason


def test_table_shows_age_rows_and_the_last_error(tmp_path: Path) -> None:
    """After updates the copy's age and rows are told, and since when a list fails."""
    page = tmp_path / "soc.txt"
    page.write_text("a.example.org\nb.example.org\nnot an indicator\n")
    settings = _site(page)
    update(settings, tmp_path / "state", 1.8e9)
    page.unlink()
    update(settings, tmp_path / "state", 1.8e9 + 3600)

    (row,) = [row for row in health(settings, tmp_path / "state", 1.8e9 + 3700) if row.in_use]

    assert (row.rows, row.rejected, row.age, row.failures) == (2, 1, 3700.0, 1)
    assert "no such file" in row.error
    assert row.next_try == 900 * 0.9 - 100


def test_rejected_rows_are_shown_with_reasons_and_samples(tmp_path: Path) -> None:
    """Enough to see what is wrong with a list; nothing in them can reach a terminal."""
    page = tmp_path / "soc.txt"
    page.write_text(
        "a.example.org\nb.example.org\nc.example.org\nnot an\x1b[2J indicator\n300.1.1.1\n"
    )
    settings = _site(page)
    update(settings, tmp_path / "state", 1.8e9)
    rows = [row for row in health(settings, tmp_path / "state", 1.8e9) if row.in_use]

    lines = list(table(rows, Terminal()))

    assert [line.split("  ")[:2] for line in lines[3:5]] == [["1 rejected", "soc"]] * 2
    assert sum("'not an [2J indicator'" in line for line in lines) == 1
    assert sum("is no IPv4 address: '300.1.1.1'" in line for line in lines) == 1
    assert lines[-1] == "1 lists in use: 1 good; 0 known and off"


def test_list_the_site_turned_off_says_so(tmp_path: Path) -> None:
    """A default list that is off by configuration is not confused with one off by licence."""
    update_ = Update(lists=(Options(name="urlhaus", enabled=False),))

    rows = {row.name: row for row in health(Settings(update=update_), tmp_path, 1.8e9)}

    assert rows["urlhaus"].reason == "turned off by the site"


def _site(page: Path) -> Settings:
    entry = Options(name="soc", url=str(page), format="plain", period="1h")
    return Settings(update=Update(defaults=False, lists=(entry,)))
