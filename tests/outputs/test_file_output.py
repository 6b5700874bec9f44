"""Events in a file: whole lines, the right mode, and rotation."""

import csv
import errno
import json
import os
import stat
import subprocess
from pathlib import Path

import msgspec
import pytest

from agent.config import ConfigError
from outputs import Interrupted
from tests.outputs.samples import EVENT, delivery
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


def test_a_path_with_a_day_has_a_file_a_day(tmp_path: Path) -> None:
    """By the event's own time; what comes late goes where it belongs."""
    output = make("file", path=f"{tmp_path}/%Y-%m-%d.log")
    output.open()
    day = 86_400 * 1_000_000
    times = [EVENT.time_us, EVENT.time_us + day, EVENT.time_us]
    output.write(
        [
            delivery(msgspec.structs.replace(EVENT, time_us=time), seq=seq)
            for seq, time in enumerate(times, 1)
        ]
    )
    output.close()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["2023-11-14.log", "2023-11-15.log"]
    assert lines(tmp_path / "2023-11-14.log") == [1, 3]
    assert lines(tmp_path / "2023-11-15.log") == [2]


def test_a_day_whose_file_fails_keeps_the_rest(tmp_path: Path) -> None:
    """What the first day's file took is said."""
    (tmp_path / "2023-11-15.log").mkdir()
    output = make("file", path=f"{tmp_path}/%Y-%m-%d.log")
    output.open()
    later = msgspec.structs.replace(EVENT, time_us=EVENT.time_us + 86_400 * 1_000_000)
    with pytest.raises(Interrupted) as caught:
        output.write([delivery(EVENT), delivery(later)])
    output.close()

    assert caught.value.accepted == 1


def test_an_unknown_part_of_a_path_is_told(tmp_path: Path) -> None:
    """Rather than a file of that name."""
    with pytest.raises(ConfigError, match="path: expected %Y, %m, %d, %H or %%, found %q"):
        make("file", path=f"{tmp_path}/%q.log")


def test_comma_separated_values_begin_with_their_names(tmp_path: Path) -> None:
    """Once a file, also when it is opened again."""
    path = tmp_path / "events.csv"
    for seq in (1, 2):
        output = make("file", path=str(path), format="csv")
        output.open()
        output.write([delivery(EVENT, seq=seq)])
        output.close()
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))

    assert [row["seq"] for row in rows] == ["1", "2"]
    assert rows[0]["trail"] == EVENT.trail


@pytest.mark.root
def test_logrotate_takes_files_away_and_nothing_is_lost(tmp_path: Path) -> None:
    """With the file that is shipped, but for its folder."""
    shipped = Path(__file__).resolve().parents[2] / "deploy" / "logrotate" / "maltrail-agent"
    folder, rules = tmp_path / "log", tmp_path / "rules"
    folder.mkdir(mode=0o750)
    text = shipped.read_text(encoding="utf-8").replace("/var/log/maltrail-agent", str(folder))
    rules.write_text(text, encoding="utf-8")
    rules.chmod(0o644)
    path = folder / "events.json"
    output = make("file", path=str(path))
    output.open()
    output.write((delivery(seq=1),))
    command = ["/usr/sbin/logrotate", "--force", "--state", str(tmp_path / "state"), str(rules)]
    subprocess.run(command, check=True)
    output.write((delivery(seq=2),))
    output.close()

    assert lines(folder / "events.json.1") == [1]
    assert lines(path) == [2]
