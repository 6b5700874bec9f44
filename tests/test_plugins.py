"""Plugins are found by the name of their file, and nothing else can be loaded by name."""

from pathlib import Path

import pytest

from agent import plugins


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a package with two plugins, a shared file and a folder."""
    folder = tmp_path / "a_shelf"
    (folder / "folder").mkdir(parents=True)
    for name in ("__init__", "two", "one", "_shared", "folder/__init__"):
        (folder / f"{name}.py").write_text(f'NAME = "{name}"\n', encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return "a_shelf"


def test_names_are_the_files_without_the_shared_ones(shelf: str) -> None:
    """A file with an underscore in front, and a folder, are no plugins."""
    assert plugins.names(shelf) == ("one", "two")


def test_a_plugin_is_loaded_by_its_name(shelf: str) -> None:
    """What comes back is the module."""
    assert plugins.load(shelf, "two").NAME == "two"


@pytest.mark.parametrize("name", ["x", "_shared", "folder", "", "/etc/passwd", "os.path"])
def test_another_name_is_answered_with_those_there_are(shelf: str, name: str) -> None:
    """A typing error in a configuration gets a helpful answer and imports nothing."""
    with pytest.raises(plugins.UnknownPlugin) as caught:
        plugins.load(shelf, name)

    assert str(caught.value) == f"a_shelf: no {name!r}; there are: one, two"


@pytest.mark.parametrize("name", ["on", "onne", "one.x", "../one"])
def test_a_name_with_a_typing_error_is_answered_with_the_nearest_first(
    shelf: str, name: str
) -> None:
    """As a key that nobody knows is; those there are follow."""
    with pytest.raises(plugins.UnknownPlugin) as caught:
        plugins.load(shelf, name)

    assert str(caught.value) == (f"a_shelf: no {name!r}; did you mean 'one'? there are: one, two")


def test_the_outputs_are_on_their_shelf() -> None:
    """The types that the contract names exist."""
    assert {"file", "logstash", "stdout", "syslog"} <= set(plugins.names("outputs"))
