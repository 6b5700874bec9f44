"""What the numbers of the status page mean: six questions, each answered in a sentence."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from agent.deliver.status_document import (
    Answer,
    Detection,
    Level,
    OutputState,
    Sense,
    Traffic,
    Updates,
)
from agent.link import Coverage

LEVELS: tuple[Level, ...] = ("good", "unknown", "warning", "bad")
"""From best to worst."""

SILENT = 30.0
"""Seconds after which sense, which speaks every five, is no longer heard."""

CANARY_AGE = 300.0
"""Seconds: the canary goes once a minute."""

OLD, VERY_OLD = 2 * 86400.0, 7 * 86400.0
"""Seconds: lists change daily; addresses of a week ago belong to others."""

WAITED = 120.0
"""Seconds that an event may wait for a receiver, as long as an output may fail untold."""

MUCH = 0.01
"""Share of packets lost above which detection has holes."""

ENOUGH_PACKETS = 1000
"""Below, shares say little."""
WELL, HALF = 0.95, 0.5
"""Shares of packets read: a switch's own chatter is a few percent."""


class Question(NamedTuple):
    """What an operator wants to know."""

    key: str
    text: str

    def answer(self, level: Level, text: str, remedy: str = "") -> Answer:
        """Return an answer to it."""
        return Answer(key=self.key, question=self.text, level=level, text=text, remedy=remedy)


SEEING = Question("traffic", "Is it seeing traffic?")
LOSING = Question("losses", "Is it losing packets?")
DETECTING = Question("detection", "Is it detecting?")
DELIVERING = Question("delivery", "Is it delivering?")
CURRENT = Question("trails", "Is what it looks for current?")
READING = Question("coverage", "Can it read what it sees?")


def answers(
    sense: Sense,
    traffic: Traffic,
    detection: Detection,
    outputs: Sequence[OutputState],
    updates: Updates,
    coverage: Coverage,
    clock: float,
) -> tuple[Answer, ...]:
    """Return all answers, always in the same order; `clock` is seconds since 1970."""
    remedy = "systemctl status maltrail-agent says why"
    if not sense.is_connected:
        silence = SEEING.answer("bad", "sense is not connected", remedy)
    elif clock - sense.told > SILENT:
        silence = SEEING.answer("bad", "sense is connected but says nothing of its state", remedy)
    else:
        return (
            _seeing(traffic),
            _losing(traffic),
            _detecting(detection, clock),
            _delivering(outputs, clock),
            _current(detection, updates, clock),
            _reading(coverage),
        )
    unknown = "sense does not say"
    return (
        silence,
        LOSING.answer("unknown", unknown),
        DETECTING.answer("unknown", unknown),
        _delivering(outputs, clock),
        CURRENT.answer("unknown", unknown),
        READING.answer("unknown", unknown),
    )


def worst(levels: Iterable[Level]) -> Level:
    """Return the worst of some levels, `good` where there is none."""
    return max(levels, key=LEVELS.index, default="good")


def age(seconds: float) -> str:
    """Return a time that has passed, as people say it."""
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {word}{'s' if count > 1 else ''}"
    return f"{max(0, int(seconds))} s"


def _seeing(traffic: Traffic) -> Answer:
    closed = [one.name for one in traffic.interfaces if not one.is_open]
    is_open = [one.name for one in traffic.interfaces if one.is_open]
    if not is_open:
        return SEEING.answer(
            "bad", "nothing is captured", "bring an interface of capture.interfaces up"
        )
    if closed:
        return SEEING.answer(
            "bad", f"nothing is captured on {', '.join(closed)}", "look at the interface"
        )
    names = ", ".join(is_open)
    if not traffic.seconds:
        return SEEING.answer("unknown", f"capturing on {names}; too early to tell")
    if not traffic.packets:
        what = f"no packet on {names} in the last {age(traffic.seconds)}"
        return SEEING.answer("warning", what, "look at cable, mirror port and capture.filter")
    return SEEING.answer("good", f"{_rate(traffic.packets / traffic.seconds)} packets/s on {names}")


def _losing(traffic: Traffic) -> Answer:
    total = sum(one.dropped_kernel + one.dropped_interface for one in traffic.interfaces)
    before = f"{total:,} since sense started" if total else "none since sense started"
    slow = "raise capture.workers or capture.buffer_mb, or see fewer packets"
    shedding = [one.name for one in traffic.interfaces if one.shed_level]
    if shedding:
        return LOSING.answer(
            "warning", f"bulk is left out on {', '.join(shedding)}: overload", slow
        )
    if traffic.dropped:
        share = traffic.dropped / max(1, traffic.packets)
        text = f"{traffic.dropped:,} in the last {age(traffic.seconds)} ({share:.1%}); {before}"
        return LOSING.answer("bad" if share > MUCH else "warning", text, slow)
    if traffic.lost_events or traffic.lost_sightings:
        text = (
            f"no packets; but {traffic.lost_events:,} events and {traffic.lost_sightings:,} "
            "sightings behind the capture since sense started"
        )
        return LOSING.answer("warning", text, "the agent-loss events say which")
    return LOSING.answer("good", f"none in the last minute, {before}" if total else before)


def _detecting(detection: Detection, clock: float) -> Answer:
    last = detection.canary_last_success
    if not last and not detection.canary_ok:
        return DETECTING.answer("bad", "the canary was never detected", "restart maltrail-agent")
    if not detection.canary_ok or clock - last > CANARY_AGE:
        text = f"the canary was last detected {age(clock - last)} ago"
        return DETECTING.answer("bad", text, "restart maltrail-agent, or publish another trail set")
    text = f"the canary was detected {age(clock - last)} ago"
    if not detection.set:
        return DETECTING.answer("warning", f"{text}; only own trails and behaviours: no trail set")
    return DETECTING.answer("good", f"{text}; {detection.hits:,} hits since sense started")


def _delivering(outputs: Sequence[OutputState], clock: float) -> Answer:
    if not outputs:
        return DELIVERING.answer("warning", "no output is configured", "name one under outputs")
    stuck = [one for one in outputs if not one.is_connected or _has_waited(one, clock)]
    if stuck:
        text = "; ".join(_trouble(one, clock) for one in stuck)
        return DELIVERING.answer(
            "bad", text, "maltrail-agent check --connect says which way is closed"
        )
    lost = {one.name: sum(one.lost.values()) for one in outputs if one.lost}
    if lost:
        text = ", ".join(f"{count:,} by {name}" for name, count in lost.items())
        return DELIVERING.answer("warning", f"events were lost since deliver started: {text}")
    ill = [one for one in outputs if one.journal not in ("none", "good")]
    if ill:
        text = "; ".join(f"the journal of {one.name}: {one.journal}" for one in ill)
        return DELIVERING.answer("warning", text, "make room, or make the folder writable")
    names = ", ".join(one.name for one in outputs)
    return DELIVERING.answer("good", f"{names}: open, nothing lost since deliver started")


def _has_waited(output: OutputState, clock: float) -> bool:
    return output.oldest > 0 and clock - output.oldest > WAITED


def _trouble(output: OutputState, clock: float) -> str:
    why = f" ({output.last_error})" if output.last_error else ""
    what = "events wait" if output.is_connected else "is not open"
    text = f"{output.name} {what}{why}"
    if output.waiting:
        text += f", {output.waiting:,} waiting"
    return f"{text} for {age(clock - output.oldest)}" if output.oldest else text


def _current(detection: Detection, updates: Updates, clock: float) -> Answer:
    if not detection.set:
        return CURRENT.answer("bad", "no trail set is in use", "run maltrail-agent update")
    total = sum(detection.trails.values())
    text = f"{total:,} trails, built {age(clock - detection.built)} ago"
    if clock - detection.built > VERY_OLD:
        return CURRENT.answer("bad", text, "maltrail-agent feeds says which lists fail")
    problems = [*_update_problems(updates)]
    if clock - detection.built > OLD or problems:
        remedy = "maltrail-agent feeds says why"
        return CURRENT.answer("warning", "; ".join([text, *problems]), remedy)
    return CURRENT.answer(
        "good", text + (f" from {len(updates.lists)} lists" if updates.lists else "")
    )


def _update_problems(updates: Updates) -> Iterator[str]:
    if updates.status in ("refused", "failed"):
        yield f"the last update {'was ' if updates.status == 'refused' else ''}{updates.status}"
    failing = [one.name for one in updates.lists if one.failing]
    if failing:
        yield f"failing: {', '.join(failing)}"


def _reading(coverage: Coverage) -> Answer:
    if coverage.packets < ENOUGH_PACKETS:
        return READING.answer("unknown", f"{coverage.packets:,} packets say too little")
    share = coverage.read / coverage.packets
    text = f"{share:.1%} of {coverage.packets:,} packets were read"
    if share >= WELL:
        return READING.answer("good", text)
    remedy = "maltrail-agent coverage --live tells what is not"
    return READING.answer("warning" if share >= HALF else "bad", text, remedy)


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
