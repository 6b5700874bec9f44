"""From the text of a `maltrail.conf` to a draft and a report with a line for each option."""

import copy
import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from agent.config import ConfigError
from agent.importing import table
from agent.importing.conf_file import Garbled, Option, last_of, options_of
from agent.importing.draft import Around, Asked, Draft, NotApplicable, Outcome

SHOWN = 120
"""Characters of a value in the report."""

Accept = Callable[[Mapping[str, Any]], None]
"""Raises ConfigError for settings that the agent could not use."""


class Imported(NamedTuple):
    """What came of it."""

    draft: Draft
    outcomes: tuple[Outcome, ...]

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing of the file is unknown, unusable or left out."""
        return all(one.verdict in ("taken", "not applicable", "absent") for one in self.outcomes)


def take_all(text: str, around: Around, accept: Accept) -> Imported:
    """Take every option of a configuration; raise NotReadable.

    An option that would make the settings unusable is not taken, and told with the reason.
    """
    lines = list(options_of(text, around.root, around.host))
    options = [line for line in lines if isinstance(line, Option)]
    in_force = last_of(options)
    draft = Draft()
    outcomes = []
    for line in lines:
        if isinstance(line, Garbled):
            outcomes.append(_garbled(line))
        elif in_force[line.name] is not line:
            later = f"line {in_force[line.name].line} sets it again"
            outcomes.append(_outcome(line, "not applicable", later))
        else:
            draft, outcome = _take(Asked(line, in_force, around), draft, accept)
            outcomes.append(outcome)
    outcomes += _absent(in_force)
    return Imported(draft, tuple(outcomes))


def _take(asked: Asked, draft: Draft, accept: Accept) -> tuple[Draft, Outcome]:
    """Take one option into a copy; return that where the settings stay usable."""
    option = asked.option
    take = table.take_of(option.name)
    if take is None:
        return draft, _outcome(option, "unknown", _unknown(option.name))
    trial = copy.deepcopy(draft)
    trial.left = []
    trial.origin = f"{option.name}, line {option.line}"
    if option.is_odd_switch:
        trial.leave(f"{option.value!r} is neither true nor false; Maltrail takes it for false")
    try:
        told = take(asked, trial)
        if trial.settings != draft.settings:
            accept(trial.settings)
    except NotApplicable as why:
        return draft, _outcome(option, "not applicable", str(why), tuple(trial.left))
    except (ValueError, OSError, ConfigError) as error:
        return draft, _outcome(option, "unusable", str(error), tuple(trial.left))
    return trial, _outcome(option, "taken", told, tuple(trial.left))


def _outcome(option: Option, verdict: Any, told: str, left: tuple[str, ...] = ()) -> Outcome:
    value = " ".join((option.value, *option.items)).strip()
    if option.name in table.SECRET:
        value = "(not shown)"
    if left and verdict in ("taken", "not applicable"):
        verdict = "in part"
    return Outcome(
        option=option.name,
        line=option.line,
        value=value if len(value) <= SHOWN else f"{value[:SHOWN]}...",
        verdict=verdict,
        told=told,
        left=left,
    )


def _garbled(line: Garbled) -> Outcome:
    return Outcome(
        option=line.text.split(None, 1)[0][:40],
        line=line.line,
        value=line.text[:SHOWN],
        verdict="unknown",
        told="is no option: expected NAME and a value",
    )


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, sorted(table.OPTIONS), n=1)
    return f"no option of Maltrail; did you mean {near[0]}?" if near else "no option of Maltrail"


def _absent(in_force: Mapping[str, Option]) -> Iterator[Outcome]:
    for name, told in table.ABSENT.items():
        if name not in in_force:
            yield Outcome(option=name, line=0, value="", verdict="absent", told=told)
