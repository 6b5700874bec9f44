"""Publishing: content-addressed, read-only, switched in one step, three kept, rolled back."""

import logging
from pathlib import Path

import pytest

from agent.model import Source, Trail
from agent.scan import layout
from agent.trails.build import Builder
from agent.trails.publish import current_set, publish, rollback, sets_folder, write_atomically
from agent.trails.set import SetError, TrailSet


def test_published_set_is_current_read_only_and_named_by_content(tmp_path: Path) -> None:
    """The file is named after its content hash, nobody may write it, and `current` leads to it."""
    built = _built(tmp_path / "mine.set", "a.example.org")

    path = publish(built, tmp_path / "state")

    assert path == tmp_path / "state/sets" / f"{TrailSet.open(built).info.set_id}.set"
    assert path.stat().st_mode & 0o777 == 0o444
    assert current_set(tmp_path / "state") == path
    assert Path((tmp_path / "state/sets/current").readlink()) == Path(path.name)


def test_users_file_is_copied_not_linked(tmp_path: Path) -> None:
    """Whoever owns the built file cannot truncate what sensors have mapped."""
    built = _built(tmp_path / "mine.set", "a.example.org")

    path = publish(built, tmp_path)

    built.write_bytes(b"")
    assert path.stat().st_nlink == 1
    assert TrailSet.open(path).info.keys == 1


def test_file_built_in_the_sets_folder_is_moved(tmp_path: Path) -> None:
    """The updater's own file does not cost its size twice."""
    built = _built(sets_folder(tmp_path) / ".building", "a.example.org")

    publish(built, tmp_path)

    assert not built.exists()
    assert _names(tmp_path) == {"current", "history", _current_name(tmp_path)}


def test_unchanged_content_is_not_switched_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The same content again leaves file and link alone."""
    path = publish(_built(tmp_path / "1", "a.example.org"), tmp_path)
    before = path.stat().st_ino
    caplog.set_level(logging.INFO)

    again = publish(_built(tmp_path / "2", "a.example.org"), tmp_path)

    assert again == path
    assert path.stat().st_ino == before
    assert "unchanged" in caplog.text


def test_the_same_content_in_a_foreign_format_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade the current set may be one that only the other version reads."""
    with monkeypatch.context() as other:
        other.setattr(layout, "FORMAT_VERSION", layout.FORMAT_VERSION + 1)
        path = publish(_built(tmp_path / "1", "a.example.org"), tmp_path)
    with pytest.raises(SetError, match="upgrade it"):
        TrailSet.open(path)

    again = publish(_built(tmp_path / "2", "a.example.org"), tmp_path)

    assert again == path
    assert TrailSet.open(path).info.keys == 1
    assert _names(tmp_path) == {"current", "history", path.name}


def test_last_three_sets_are_kept(tmp_path: Path) -> None:
    """Older sets go; the current one and two before it stay, in order."""
    paths = [publish(_built(tmp_path / "b", f"{n}.example.org"), tmp_path) for n in "abcde"]

    assert [path.exists() for path in paths] == [False, False, True, True, True]
    assert current_set(tmp_path) == paths[-1]


def test_rollback_goes_back_one_set_at_a_time(tmp_path: Path) -> None:
    """Each rollback leads to the set before; with none left it says so and changes nothing."""
    paths = [publish(_built(tmp_path / "b", f"{n}.example.org"), tmp_path) for n in "abc"]

    assert rollback(tmp_path) == paths[1]
    assert rollback(tmp_path) == paths[0]
    with pytest.raises(FileNotFoundError, match="no earlier set"):
        rollback(tmp_path)
    assert current_set(tmp_path) == paths[0]


def test_set_published_after_a_rollback_is_current_and_reversible(tmp_path: Path) -> None:
    """Publishing a set once more makes it the newest again."""
    first, second = (publish(_built(tmp_path / "b", f"{n}.example.org"), tmp_path) for n in "ab")
    rollback(tmp_path)

    assert publish(_built(tmp_path / "b", "b.example.org"), tmp_path) == second
    assert current_set(tmp_path) == second
    assert rollback(tmp_path) == first


def test_rollback_without_any_set_says_so(tmp_path: Path) -> None:
    """Nothing published, nothing to go back to."""
    with pytest.raises(FileNotFoundError):
        rollback(tmp_path)


def test_rubbish_is_not_published(tmp_path: Path) -> None:
    """A file that is no set leaves the current one in place."""
    path = publish(_built(tmp_path / "b", "a.example.org"), tmp_path)
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"<html>" * 1000)

    with pytest.raises(SetError):
        publish(rubbish, tmp_path)

    assert current_set(tmp_path) == path


def test_no_current_set_where_the_link_is_missing_or_leads_nowhere(tmp_path: Path) -> None:
    """A missing, dangling or foreign link is no set; a link cannot lead out of the folder."""
    assert current_set(tmp_path) is None
    link = sets_folder(tmp_path) / "current"
    link.symlink_to("gone.set")
    assert current_set(tmp_path) is None
    link.unlink()
    link.symlink_to("/etc/passwd")
    assert current_set(tmp_path) is None


def test_interrupted_switch_leaves_no_trace(tmp_path: Path) -> None:
    """What a crash left behind does not stop the next publication."""
    folder = sets_folder(tmp_path)
    (folder / ".current.new").symlink_to("gone.set")
    (folder / ".history.new").write_bytes(b"half")

    path = publish(_built(tmp_path / "b", "a.example.org"), tmp_path)

    assert current_set(tmp_path) == path
    assert not [name for name in _names(tmp_path) if name.startswith(".")]


def test_atomic_write_replaces_content_whole(tmp_path: Path) -> None:
    """The old content is there until the new one is complete, and no temporary file after."""
    path = tmp_path / "state.json"

    write_atomically(path, b"old")
    write_atomically(path, b"new")

    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def _built(path: Path, key: str) -> Path:
    builder = Builder()
    builder.add(Trail(key=key, info="x (malware)", reference="x", source=Source("x")))
    builder.write(path)
    path.chmod(0o640)
    return path


def _names(state_dir: Path) -> set[str]:
    return {path.name for path in sets_folder(state_dir).iterdir()}


def _current_name(state_dir: Path) -> str:
    current = current_set(state_dir)
    assert current is not None
    return current.name
