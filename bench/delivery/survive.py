"""Kill deliver and restart the receiver again and again, and look for what is missing."""

import itertools
import re
import signal
import time
from pathlib import Path

from agent.verify.report import Report, lines_of
from bench.delivery.processes import House, Kafka, Place, Splunk, until
from bench.delivery.sense import Sense

DRAIN_SECONDS = 300.0
DOWN = 0.3
"""Seconds that the receiver is away each time."""

_EVENT_ID = re.compile(rb'"event_id": ?"([0-9a-f]{32})"')

Figures = dict[str, float]


def survive(folder: Path, transport: str, events: int, rate: float, kills: int) -> Figures:
    """Return how many events were told and acknowledged, and how many are missing or doubled."""
    house = _place(folder, transport)
    sense = Sense(house.socket, events, rate)
    try:
        house.receiver.start()
        house.deliver.start()
        until(house.socket.exists, "deliver listens")
        sense.start()
        _kill(house, events / rate, kills)
        until(lambda: sense.is_done, "everything is acknowledged", DRAIN_SECONDS)
        until(lambda: house.metric("queue_events") == 0, "the journal is empty", DRAIN_SECONDS)
        dropped = house.metric("output_events_dropped_total")
        house.collect()
    finally:
        house.close()
    figures = _judge(house.received, events, sense) | _verified(house.received)
    return figures | {"dropped": dropped, "kills": kills}


def _place(folder: Path, transport: str) -> Place:
    if transport == "hec":
        return Splunk(folder)
    return (
        Kafka(folder) if transport == "kafka" else House(folder, transport, "maltrail", "rsyslog")
    )


def _kill(house: Place, seconds: float, kills: int) -> None:
    """End both sides in turn, spread over the time that the events take."""
    pause = seconds / (2 * kills + 1)
    began = time.monotonic()
    for number in range(2 * kills):
        time.sleep(max(0.0, began + (number + 1) * pause - time.monotonic()))
        if number % 2:
            house.deliver.end(signal.SIGKILL)
            house.deliver.start()
        else:
            house.receiver.end(signal.SIGTERM)
            time.sleep(DOWN)
            house.receiver.start()


def _judge(received: Path, events: int, sense: Sense) -> Figures:
    times = dict.fromkeys(range(1, events + 1), 0)
    torn = 0
    with received.open("rb") as file:
        for line in file:
            found = _EVENT_ID.search(line)
            number = int(found[1], 16) if found else 0
            if number in times:
                times[number] += 1
            else:
                torn += not found
    missing = [number for number, seen in times.items() if not seen]
    runs = [*_runs(missing)]
    return {
        "events": events,
        "seconds": round(sense.seconds, 1),
        "missing": len(missing),
        "missing_runs": len(runs),
        "longest_missing_run": max((end - begin + 1 for begin, end in runs), default=0),
        "duplicates": sum(times.values()) - sum(map(bool, times.values())),
        "torn_lines": torn,
        "most_waiting_in_sense": sense.most_waiting,
    }


def _verified(received: Path) -> Figures:
    """Return what `verify` says of the same lines, which knows nothing of what was told."""
    report = Report()
    report.take(lines_of(str(received)))
    runs = report.runs.runs.values()
    return {
        "verify_runs": len(runs),
        "verify_missing": sum(run.missing + run.first - 1 for run in runs),
        "verify_duplicates": sum(run.duplicates for run in runs),
        "verify_mixed": sum(run.mixed for run in runs),
    }


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Return the unbroken stretches of sorted numbers."""
    groups = itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    stretches = [[number for _, number in group] for _, group in groups]
    return [(stretch[0], stretch[-1]) for stretch in stretches]
