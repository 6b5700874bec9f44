"""What `maltrail-agent run` and `replay` show on a terminal, as lines; nothing is written here."""

import time
from collections.abc import Iterator, Sequence

from agent.deliver.entry import severity_word
from agent.deliver.status_document import Answer, Frame, Level, Status, Told
from agent.deliver.status_judge import LEVELS, age
from agent.terminal import Terminal, Text, Tone, severity_tone

MAX_STEPS = 3
"""What to do next: more is a list that nobody reads."""

START_SECONDS = 15.0
"""How long sense may take to say the first word before that is a fault."""

LABEL = 10
"""Columns of the word before an answer."""

TONES: dict[Level, Tone] = {
    "good": Tone.GOOD,
    "warning": Tone.WARNING,
    "bad": Tone.BAD,
    "unknown": Tone.DIM,
}
MARKS: dict[Level, tuple[str, str]] = {
    "good": ("●", "+"),
    "warning": ("▲", "!"),
    "bad": ("■", "x"),
    "unknown": ("○", "?"),
}
"""For each level a mark, and one for terminals without it: colour never says it alone."""

LOG_TONES = {"ERROR": Tone.BAD, "CRITICAL": Tone.BAD, "WARNING": Tone.WARNING}


def event_line(told: Told, terminal: Terminal) -> str:
    """Return an event as one line: when, how bad, what, between whom, why, how often."""
    when = time.strftime("%H:%M:%S", time.gmtime(max(0.0, told.time)))
    tone = severity_tone(told.severity_id)
    ends = f"{told.source} -> {told.destination}" if told.source or told.destination else ""
    cells = (
        Text(when, Tone.DIM),
        Text(f"{severity_word(told.severity_id):8}", tone),
        told.class_id,
        ends,
        Text(told.trail, tone),
        told.info,
        Text(f"x{told.total}" if told.total > 1 else "", Tone.DIM),
    )
    return terminal._replace(columns=0).line(*cells)  # above the view lines may be long


def log_line(text: str, terminal: Terminal) -> str:
    """Return a line of a process's log, by its level."""
    return terminal.paint(text, LOG_TONES.get(text.partition(" ")[0], Tone.DIM))


def view(frame: Frame | None, terminal: Terminal) -> list[str]:
    """Return the live view: six answers, and what to do next."""
    rule = ("─" if terminal.unicode else "-") * terminal.columns
    lines = [terminal.line(Text(rule, Tone.DIM))]
    if frame is None or _is_starting(frame.status):
        return [*lines, terminal.line(Text("starting; Ctrl-C ends it", Tone.DIM))]
    status = frame.status
    since = age(status.time - status.started)
    head = f"maltrail-agent {status.version} on {status.sensor}, {since}"
    lines.append(terminal.line(Text(head, Tone.STRONG), Text("Ctrl-C ends it", Tone.DIM)))
    lines += [_answer(answer, terminal) for answer in status.answers]
    label = Text(f"  {'next':{LABEL}}", Tone.DIM)
    lines += [terminal.line(label, step) for step in steps(frame)]
    return lines


def steps(frame: Frame) -> list[str]:
    """Return what to do next, the most urgent first."""
    status = frame.status
    answers = sorted(status.answers, key=lambda one: -LEVELS.index(one.level))
    found = [f"{one.key}: {one.remedy}" for one in answers if one.remedy]
    remedies = tuple(one.remedy for one in answers if one.remedy)
    found += [told.info for told in status.troubles if not told.info.endswith(remedies)]
    if not found and not frame.detections:
        found.append("nothing: what is detected appears above; explain VALUE says what is listed")
    elif not found:
        found.append("nothing: explain VALUE says why something is told, check looks at this host")
    return found[:MAX_STEPS]


def farewell(frame: Frame | None, terminal: Terminal) -> list[str]:
    """Return what is told when all has ended: what there was."""
    if frame is None:
        return []
    return [terminal.safe(line) for line in _farewell(frame.status, frame.detections)]


def news(before: Frame | None, frame: Frame, terminal: Terminal) -> Iterator[str]:
    """Yield the detections that came between two frames, the oldest first."""
    new = frame.detections - (before.detections if before else 0)
    shown: Sequence[Told] = frame.status.detections[: max(0, new)]
    if new > len(shown):
        left = f"{new - len(shown):,} more events, sent to the outputs and not shown here"
        yield terminal.paint(left, Tone.DIM)
    for told in reversed(shown):
        yield event_line(told, terminal)


def _is_starting(status: Status) -> bool:
    return not status.sense.told and status.time - status.started < START_SECONDS


def _answer(answer: Answer, terminal: Terminal) -> str:
    mark = MARKS[answer.level][0 if terminal.unicode else 1]
    cells = (Text(mark, TONES[answer.level]), Text(f"{answer.key:{LABEL}}", Tone.DIM), answer.text)
    return terminal.line(*cells)


def _farewell(status: Status, detections: int) -> Iterator[str]:
    packets = sum(one.packets for one in status.traffic.interfaces)
    dropped = sum(one.dropped_kernel + one.dropped_interface for one in status.traffic.interfaces)
    yield (
        f"ran for {age(status.time - status.started)}: {packets:,} packets, {dropped:,} dropped, "
        f"{detections:,} events told of the traffic"
    )
    for one in status.outputs:
        lost = sum(one.lost.values())
        yield f"output {one.name}: {one.sent:,} sent, {one.waiting:,} waiting, {lost:,} lost"
