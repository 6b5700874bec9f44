"""SIGHUP: the file is read again; what it says of the log is in force at once."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.cli import parser
from agent.commands._processes import reloader
from agent.config import ConfigError, Settings
from agent.reloads import Reloads


class Process:
    """Takes over what it is given, or refuses."""

    def __init__(self) -> None:
        self.reloads = Reloads()
        self.taken: list[Settings] = []
        self.refuses = False

    def reload(self, settings: Settings) -> None:
        """Take over settings."""
        if self.refuses:
            raise ConfigError("outputs.siem: cannot be built")
        self.taken.append(settings)
        self.reloads.succeeded()


@pytest.fixture
def process() -> Process:
    """Return a process."""
    return Process()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a configuration file."""
    made = tmp_path / "config.yaml"
    made.write_text("log: {level: info}\n")
    return made


@pytest.fixture(autouse=True)
def level() -> Iterator[None]:
    """Leave the log as it was."""
    before = logging.getLogger().level
    logging.getLogger().setLevel(logging.INFO)
    yield
    logging.getLogger().setLevel(before)


def hup(process: Process, file: Path, *words: str) -> Callable[[], None]:
    """Return what a SIGHUP does to a process that was started so."""
    return reloader(parser().parse_args(["deliver", "-c", str(file), *words]), process)


def test_the_log_level_changes_at_run_time(process: Process, file: Path) -> None:
    """There and back, without a restart."""
    reload = hup(process, file)
    file.write_text("log: {level: debug}\n")
    reload()
    assert logging.getLogger().level == logging.DEBUG

    file.write_text("log: {level: warning}\n")
    reload()
    assert logging.getLogger().level == logging.WARNING


def test_the_command_lines_level_stays(process: Process, file: Path) -> None:
    """It was given for this run."""
    file.write_text("log: {level: debug}\n")

    hup(process, file, "--log-level", "info")()

    assert logging.getLogger().level == logging.INFO
    assert len(process.taken) == 1


@pytest.mark.parametrize("is_bad_file", [True, False])
def test_a_refused_reload_is_remembered_until_one_goes_well(
    process: Process, file: Path, caplog: pytest.LogCaptureFixture, is_bad_file: bool
) -> None:
    """Refused by the file's reader, or by the process: a metric tells, and a line why."""
    first = process.reloads.last_good
    reload = hup(process, file)
    file.write_text("nothing: 1\n" if is_bad_file else "")
    process.refuses = not is_bad_file

    reload()

    assert not process.reloads.is_good
    assert process.reloads.last_good == first
    assert "reload refused, the old settings stay" in caplog.text
    file.write_text("")
    process.refuses = False
    reload()
    assert process.reloads.is_good
    assert process.reloads.last_good >= first
