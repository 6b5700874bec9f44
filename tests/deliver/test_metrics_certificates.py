"""Until when certificates run, for an alert weeks before."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent import config
from agent.config import HttpTls
from agent.deliver.journal import Bounds
from agent.deliver.lane import Lane, Place
from agent.deliver.metrics_certificates import Certificates
from outputs import _certificate
from tests.outputs.authority import Authority, Certificate
from tests.outputs.samples import RUN_ID

DAY = 86400


def lane_of(folder: Path, made: Certificate) -> Lane:
    """Return an output that shows a certificate."""
    options = config.Options(
        address="127.0.0.1:1",
        transport="tls",
        client_certificate=str(made.certificate),
        client_key=str(made.key),
    )
    output = config.Output(name="siem", type="syslog", journal=False, options=options)
    return Lane(output, Place(folder, Bounds(1 << 20, 60.0), 1000), RUN_ID, lambda: None)


def shown(known: Certificates, lanes: list[Lane], tls: HttpTls | None = None) -> dict[str, float]:
    """Return the values by output; HTTP's has no name."""
    return {
        sample.labels.get("output", ""): sample.value
        for metric in known.metrics(lanes, tls)
        for sample in metric.samples
    }


def test_the_first_end_is_told(tmp_path: Path) -> None:
    """Of each output that has certificates, and of our own server."""
    authority = Authority(tmp_path)
    lane = lane_of(tmp_path, authority.issue("short", days=5))
    long = authority.issue("long", days=50)
    tls = HttpTls(
        certificate=str(long.certificate), key=str(long.key), client_ca=str(authority.file)
    )

    ends = shown(Certificates(), [lane], tls)

    now = datetime.now(UTC).timestamp()
    assert ends["siem"] - now == pytest.approx(5 * DAY, abs=600)
    assert ends[""] - now == pytest.approx(50 * DAY, abs=600)


def test_a_renewed_file_is_read_again_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scrape costs a look at the file."""
    authority = Authority(tmp_path)
    short, long = authority.issue("short", days=5), authority.issue("long", days=50)
    lane = lane_of(tmp_path, short)
    reads: list[Path] = []
    read = _certificate.ends

    def ends(path: Path) -> list[datetime]:
        reads.append(path)
        return read(path)

    monkeypatch.setattr(_certificate, "ends", ends)
    known = Certificates()
    before = shown(known, [lane])["siem"]
    assert shown(known, [lane])["siem"] == before
    assert reads.count(short.certificate) == 1

    short.certificate.write_bytes(long.certificate.read_bytes() + b"\n")

    assert shown(known, [lane])["siem"] > before + 40 * DAY


def test_a_file_that_went_is_no_series(tmp_path: Path) -> None:
    """The output says itself what is wrong."""
    lane = lane_of(tmp_path, Authority(tmp_path).issue("gone"))
    for file in lane.files:
        file.unlink()

    assert shown(Certificates(), [lane]) == {}
