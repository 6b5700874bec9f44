"""The soak's verdict: what it calls a leak, and what it does not."""

import random
from itertools import chain
from pathlib import Path

import pytest

from tests.lab import soak_sampler
from tests.lab.soak_verdict import Row, findings, longest_life, main, read, slope

MINUTES = 120
STEP_S = 15
WARM_UP_S = 1200


def rows(leak_kb_per_hour: float = 0.0, noise_kb: float = 200.0, **others: float) -> list[Row]:
    """Return samples of two hours: 20 MB more in the first ten minutes, then noise and a leak."""
    draw = random.Random(7)  # noqa: S311 - noise, no secret
    made = []
    for number in range(MINUTES * 60 // STEP_S):
        at = number * STEP_S
        warm = min(1.0, at / 600) * 20_000
        memory = 60_000 + warm + leak_kb_per_hour * at / 3600 + draw.gauss(0, noise_kb)
        row = dict.fromkeys(soak_sampler.columns(), "0") | {"time": f"{1000 + at}"}
        for process in ("sense", "deliver"):
            row[f"{process}_pid"] = "10"
            row[f"{process}_anon_kb"] = f"{memory:.0f}"
            row[f"{process}_fds"] = row[f"{process}_threads"] = "8"
        made.append(row | {name: f"{value * at / 3600:.0f}" for name, value in others.items()})
    return made


def verdict(samples: list[Row]) -> dict[str, bool]:
    """Return whether each finding is well, by its first words."""
    return {" ".join(text.split()[:2]): is_well for is_well, text in findings(samples, WARM_UP_S)}


def test_what_grows_while_it_warms_up_is_no_leak() -> None:
    """Tables and caches fill in the first minutes."""
    assert all(verdict(rows()).values())


def test_a_leak_below_the_noise_of_a_sample_is_found() -> None:
    """600 kB an hour are 430 MB a month."""
    found = verdict(rows(leak_kb_per_hour=600, noise_kb=400))
    assert found["sense: private"] is found["deliver: private"] is False


def test_the_slope_of_a_line_is_its_own_without_error() -> None:
    """Half a kilobyte a second."""
    fit = slope([(float(at), 5000 + 0.5 * at) for at in range(0, 3600, 15)])
    assert fit.per_hour == pytest.approx(1800)
    assert fit.error == pytest.approx(0, abs=1e-6)
    assert fit.noise == pytest.approx(0, abs=1e-6)


def test_memory_so_restless_that_nothing_can_be_told_is_no_pass() -> None:
    """Not seen is not absent."""
    draw = random.Random(3)  # noqa: S311 - noise, no secret
    points = [(float(at), draw.gauss(60_000, 30_000)) for at in range(0, 3600, 15)]
    assert not slope(points).can_tell


def test_descriptors_that_come_and_go_stay_but_those_that_only_come_are_found() -> None:
    """Connections open and close."""
    samples = rows()
    for number, row in enumerate(samples):
        row["sense_fds"] = str(8 + number % 5)
    assert verdict(samples)["sense: fds"]
    assert not verdict(rows(deliver_fds=3))["deliver: fds"]


def test_only_the_longest_life_counts() -> None:
    """A restart begins anew."""
    samples = rows()
    for row in samples[:100]:
        row["deliver_pid"] = "9"
        row["deliver_anon_kb"] = "500000"
    assert len(longest_life(samples, "deliver")) == len(samples) - 100
    assert all(verdict(samples).values())


def test_a_process_that_was_never_seen_fails() -> None:
    """There is nothing to judge."""
    samples = rows()
    for row in samples:
        row["sense_pid"] = ""
    assert not verdict(samples)["sense: 0"]


def test_the_command_reads_what_the_sampler_writes_and_tells_by_its_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last line may have been cut off."""
    for leak, status in ((0.0, 0), (5000.0, 1)):
        file = tmp_path / "samples.csv"
        lines = (",".join(row.values()) for row in rows(leak))
        file.write_text("\n".join(chain([",".join(soak_sampler.columns())], lines, ["17,"])))
        assert main(str(file)) == status
        assert len(read(file.read_text().splitlines())) == MINUTES * 60 // STEP_S
    assert "FAIL sense: private memory +" in capsys.readouterr().out


def test_no_samples_are_no_pass(tmp_path: Path) -> None:
    """A sampler that died at once is no success."""
    (tmp_path / "samples.csv").write_text(",".join(soak_sampler.columns()) + "\n")
    assert main(str(tmp_path / "samples.csv")) == 1
