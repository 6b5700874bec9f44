"""Events in a file: whole lines, the right mode, and rotation."""

import errno
import json
import os
import stat
from pathlib import Path

import pytest

from tests.outputs.samples import delivery
from tests.outputs.test_shelf import make


def lines(path: Path) -> list[int]:
    """Return the `seq` of each line."""
    return [json.loads(line)["seq"] for line in path.read_text(encoding="utf-8").splitlines()]


def test_lines_are_appended(tmp_path: Path) -> None:
    """Also to what an earlier run has written."""
    path = tmp_path / "events.log"
    for seq in (1, 2):
        output = make("file", path=str(path))
        output.open()
        output.write((delivery(seq=seq),))
        output.close()

    assert lines(path) == [1, 2]


def test_the_file_is_for_owner_and_group_only(tmp_path: Path) -> None:
    """Events name what people visited."""
    path = tmp_path / "events.log"
    before = os.umask(0)
    output = make("file", path=str(path))
    try:
        output.open()
    finally:
        os.umask(before)
        output.close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_file_that_was_rotated_away_is_opened_anew(tmp_path: Path, is_replaced: bool) -> None:
    """Rotation moves the file, and may or may not make a new one."""
    path = tmp_path / "events.log"
    output = make("file", path=str(path))
    output.open()
    output.write((delivery(seq=1),))

    path.rename(tmp_path / "events.log.1")
    if is_replaced:
        path.touch()
    output.write((delivery(seq=2),))

    assert lines(tmp_path / "events.log.1") == [1]
    assert lines(path) == [2]
    output.close()


def test_a_failed_write_leaves_no_torn_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full in the middle of a batch, the batch is taken back and tried again."""
    path = tmp_path / "events.log"
    output = make("file", path=str(path))
    output.open()
    output.write((delivery(seq=1),))
    write = os.write
    calls = iter([10])

    def write_some(fd: int, data: bytes) -> int:
        for length in calls:
            return write(fd, data[:length])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_some)
        with pytest.raises(OSError, match="No space left"):
            output.write((delivery(seq=2), delivery(seq=3)))
    output.write((delivery(seq=2), delivery(seq=3)))

    assert lines(path) == [1, 2, 3]
    output.close()
