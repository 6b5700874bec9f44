"""The samples for people who build receivers are what the code makes, of every class."""

from pathlib import Path

import pytest

import agent.detections
from agent import model, plugins
from agent.verify.lines import read
from outputs._formats import FORMATS
from tests import samples

SHELF = Path(agent.detections.__file__).parent


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_samples_are_what_the_code_makes(form: str) -> None:
    """`python -m tests.samples` writes them anew."""
    assert samples.file(form).read_text(encoding="utf-8") == samples.page(form)


def test_every_class_has_a_sample() -> None:
    """Of trails, behaviours and the agent itself."""
    behaviours = {model.BEHAVIOUR_PREFIX + name for name in plugins.names("agent.detections")}

    assert {event.class_id for event in samples.events()} == {*model.CLASSES} | behaviours


def test_every_behaviour_has_words_of_its_own() -> None:
    """Rather than the name of its file."""
    assert set(plugins.names("agent.detections")) == set(samples.BEHAVIOURS)


@pytest.mark.parametrize("form", sorted(FORMATS.keys() - {"maltrail-line"}))
def test_verify_counts_the_samples(form: str) -> None:
    """Each has its number."""
    page = samples.page(form)
    numbers = [event.seq for line in page.splitlines() for event in read(line)]

    assert numbers == list(range(1, len(list(samples.events())) + 1))
