"""What an output never takes is set aside where a person can read it."""

import json
from pathlib import Path

import pytest

from agent.deliver import rejects
from agent.deliver.rejects import Rejects
from tests.outputs.samples import BAITS, EVENT, delivery


def test_a_rejected_event_is_kept_with_its_reason(tmp_path: Path) -> None:
    """One JSON document a line; only its owner may read it."""
    aside = Rejects(tmp_path / "siem")
    aside.add(delivery(EVENT, 7), "too-big")
    aside.add(delivery(EVENT, 8), "a format\nstumbled")

    path = tmp_path / "siem" / "rejected"
    first, second = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert (first["reason"], first["seq"], first["event"]["event_id"]) == (
        "too-big",
        7,
        EVENT.event_id,
    )
    assert (second["reason"], second["seq"]) == ("a format\nstumbled", 8)
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest are kept."""
    monkeypatch.setattr(rejects, "MAX_BYTES", 5000)
    aside = Rejects(tmp_path)
    for seq in range(200):
        aside.add(delivery(EVENT, seq), "rejected")

    files = [tmp_path / "rejected", tmp_path / "rejected.1"]
    assert sorted(tmp_path.iterdir()) == files
    assert all(path.stat().st_size <= 5000 for path in files)
    assert json.loads(files[0].read_text().splitlines()[-1])["seq"] == 199


def test_what_cannot_be_written_is_no_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Delivery goes on; the log says it."""
    (tmp_path / "file").touch()
    Rejects(tmp_path / "file").add(delivery(), "rejected")
    Rejects(tmp_path).add(delivery(), BAITS[12])

    assert all("cannot be written" in record.getMessage() for record in caplog.records)
    assert caplog.records
