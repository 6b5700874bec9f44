"""The samples for people who build receivers are what the code makes, of every class."""

import pytest

from agent import model
from agent.verify.lines import read
from outputs._formats import FORMATS
from tests import samples


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_samples_are_what_the_code_makes(form: str) -> None:
    """`python -m tests.samples` writes them anew."""
    assert samples.file(form).read_text(encoding="utf-8") == samples.page(form)


def test_every_class_has_a_sample() -> None:
    """Of trails, behaviours and the agent itself."""
    behaviours = {model.BEHAVIOUR_PREFIX + name for name in samples.behaviours()}

    assert {event.class_id for event in samples.events()} == {*model.CLASSES} | behaviours


@pytest.mark.parametrize("form", sorted(FORMATS.keys() - {"maltrail-line"}))
def test_verify_counts_the_samples(form: str) -> None:
    """Each has its number."""
    page = samples.page(form)
    numbers = [event.seq for line in page.splitlines() for event in read(line)]

    assert numbers == list(range(1, len(samples.events()) + 1))
