"""What is told of outputs: one series for each output, there from the start."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from agent.deliver.lane import Lane
from agent.deliver.metrics_prefix import PREFIX
from agent.deliver.queue import State


class _Value(NamedTuple):
    name: str
    text: str
    of: Callable[[Lane, State], float]


_COUNTERS = (
    _Value("output_events_sent", "Events the output took.", lambda o, _: o.tally.sent),
    _Value(
        "output_events_unwanted",
        "Events that min_severity, classes or agent_events keep from the output.",
        lambda o, _: o.unwanted,
    ),
    _Value("output_bytes", "Bytes handed over.", lambda o, _: o.counts.bytes),
    _Value("output_events_truncated", "Events cut to fit.", lambda o, _: o.counts.truncated),
    _Value(
        "event_format_errors",
        "Fields left out because the format refuses them.",
        lambda o, _: o.counts.format_errors,
    ),
    _Value(
        "output_events_repeated",
        "Events held back because the same incident was told of late.",
        lambda o, _: o.counts.repeated,
    ),
    _Value("output_reconnects", "Times reopened.", lambda o, _: o.tally.reconnects),
    _Value("output_send_seconds", "Time spent writing.", lambda o, _: o.tally.seconds),
    _Value(
        "output_events_resent",
        "Events written again because a connection broke before they were known to have arrived.",
        lambda o, _: o.tally.resent,
    ),
    _Value(
        "journal_sync_errors",
        "Times that the disk refused to make sure of what was written.",
        lambda o, _: o.queue.sync_errors,
    ),
)

_GAUGES = (
    _Value("output_connected", "Whether the output is open.", lambda o, _: o.connected),
    _Value(
        "output_last_success_timestamp_seconds",
        "When the output last took an event, 0 for never.",
        lambda o, _: o.tally.last_success,
    ),
    _Value("output_last_seq", "Number of the newest event.", lambda _, now: now.last_seq),
    _Value("queue_events", "Events waiting.", lambda _, now: now.events),
    _Value("queue_bytes", "Bytes waiting.", lambda _, now: now.bytes),
    _Value("queue_capacity_bytes", "Bound of the queue.", lambda _, now: now.capacity),
    _Value(
        "queue_oldest_event_timestamp_seconds",
        "When the first waiting event came, 0 for none.",
        lambda _, now: now.oldest or 0.0,
    ),
    _Value("journal_enabled", "Whether there is to be a journal.", lambda o, _: o.has_journal),
    _Value(
        "journal_degraded",
        "Whether events wait in memory because the journal cannot be written.",
        lambda o, _: bool(o.queue.trouble),
    ),
    _Value("journal_bytes", "Bytes on disk.", lambda _, now: now.journal_bytes),
    _Value(
        "journal_capacity_bytes",
        "Bound of the bytes on disk, 0 without a journal.",
        lambda o, _: o.journal_capacity,
    ),
    _Value("journal_segments", "Files on disk.", lambda _, now: now.journal_segments),
)


def about_lanes(lanes: Sequence[Lane]) -> Iterator[Metric]:
    """Yield everything about every output."""
    now = [(lane, lane.state) for lane in lanes]
    for kind, values in ((CounterMetricFamily, _COUNTERS), (GaugeMetricFamily, _GAUGES)):
        for value in values:
            family = kind(PREFIX + value.name, value.text, labels=["output"])
            for lane, state in now:
                family.add_metric([lane.name], float(value.of(lane, state)))
            yield family
    yield _dropped(lanes)
    yield _errors(lanes)


def _dropped(lanes: Sequence[Lane]) -> Metric:
    text = "Events numbered for this output and never sent."
    family = CounterMetricFamily(
        PREFIX + "output_events_dropped", text, labels=["output", "reason"]
    )
    for lane in lanes:
        for reason, count in lane.dropped.items():
            family.add_metric([lane.name, reason], count)
    return family


def _errors(lanes: Sequence[Lane]) -> Metric:
    text = "Failed attempts to write."
    family = CounterMetricFamily(PREFIX + "output_errors", text, labels=["output", "error_type"])
    for lane in lanes:
        for kind, count in lane.tally.errors.items():
            family.add_metric([lane.name, kind], count)
    return family
