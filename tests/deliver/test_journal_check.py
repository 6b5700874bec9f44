"""What `check` says of journals: whether there is room for them, and whose nobody sends."""

from pathlib import Path

from agent.config import parse
from agent.deliver.journal import Bounds, Journal
from agent.deliver.preflight import check_journals
from agent.deliver.queue import Queue
from tests.deliver.queued import event, put
from tests.outputs.samples import RUN_ID

OUTPUTS = """
outputs:
  - {name: a, type: file, path: /x/a}
  - {name: b, type: stdout}
"""


def test_the_room_that_journals_may_take_is_told(tmp_path: Path) -> None:
    """Of the file system that the folder is or will be on."""
    settings = parse(OUTPUTS + "journal: {max_mb: 1}", "x")

    (finding,) = check_journals(settings, tmp_path / "not" / "yet")

    assert finding.level == "ok"
    assert finding.text.startswith(f"journal: 1 outputs may keep 1 MB, {tmp_path} has ")


def test_a_bound_beyond_the_disk_is_a_warning(tmp_path: Path) -> None:
    """The outage would end it, not the bound."""
    settings = parse(OUTPUTS + "journal: {max_mb: 1048576}", "x")

    (finding,) = check_journals(settings, tmp_path)

    assert finding.level == "warning"
    assert finding.text.endswith("make room, or lower journal.max_mb")


def test_a_journal_that_nobody_sends_is_a_warning(tmp_path: Path) -> None:
    """With what to do."""
    queue = Queue(RUN_ID, 1 << 20, lambda: Journal(tmp_path / "old", Bounds(1 << 20, 1e9)))
    put(queue, event())
    queue.close(0.0)

    (finding,) = check_journals(parse("", "x"), tmp_path)

    assert finding.level == "warning"
    assert f"{tmp_path}/old holds" in finding.text
