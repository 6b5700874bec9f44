"""The metrics endpoint's content: plain counters of deliver and the last snapshot of sense.

Strategy: nothing is counted in the library; one collector reads plain numbers when scraped. What
sense sent is checked again: it parses hostile bytes, and a label is for ever.
"""

import platform
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from agent import __version__
from agent.deliver.lane import Lane
from agent.deliver.server import Server
from agent.link import Sample

PREFIX = "maltrail_agent_"

MAX_SAMPLES = 500
"""Values of sense in one snapshot: rendering 1,000 takes 33 ms with the interpreter held."""

MAX_LABEL = 64
"""Characters of a label's value: interface, table or list names are shorter."""

SNAPSHOT_LIFE = 120.0
"""Seconds after which the numbers of a sense that went away are no longer shown."""

Lanes = Callable[[], Sequence[Lane]]
Metrics = Callable[[], Iterable[Metric]]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,100}")
_LABEL = re.compile(r"[A-Za-z0-9_.:@/+ -]*")


class _Collector(Collector):
    """Yields all metrics of the agent."""

    def __init__(
        self, server: Server, lanes: Lanes, http_refused: Callable[[], int], lists: Metrics
    ) -> None:
        self._server = server
        self._lists = lists
        self._http_refused = http_refused
        self._lanes = lanes
        self._started = time.time()

    def collect(self) -> Iterator[Metric]:
        """Yield deliver's own metrics, then those of sense that do not clash with them."""
        own = [
            *(*self._about_process(), *_about_link(self._server)),
            *(*_about_lanes(self._lanes()), *self._lists()),
        ]
        yield from own
        sense = self._server.sense
        if sense.snapshot and time.monotonic() - sense.snapshot_at < SNAPSHOT_LIFE:
            taken = {metric.name for metric in own}
            yield from _about_sense(sense.snapshot.samples, taken)

    def _about_process(self) -> Iterator[Metric]:
        build = {"version": __version__, "python": platform.python_version()}
        yield InfoMetricFamily(PREFIX + "build", "What runs.", build)
        yield _counter("http_refused", "Connections beyond the bound.", self._http_refused())
        yield _gauge("deliver_start_time_seconds", "When deliver started.", self._started)


def page(
    server: Server, lanes: Lanes, http_refused: Callable[[], int], lists: Metrics = tuple
) -> Callable[[], bytes]:
    """Return the function that renders all metrics."""
    registry = CollectorRegistry()
    registry.register(_Collector(server, lanes, http_refused, lists))
    ProcessCollector(registry=registry)

    def render() -> bytes:
        return generate_latest(registry)

    return render


def _about_link(server: Server) -> Iterator[Metric]:
    yield _gauge("link_connected", "Whether sense is connected.", server.sense.connected)
    yield _counter("link_events", "Events taken over from sense.", server.events)
    yield _counter("link_duplicates", "Events sense sent again, dropped.", server.duplicates)
    refused = CounterMetricFamily(
        PREFIX + "link_refused", "Connections refused or closed for a fault.", labels=["reason"]
    )
    for reason, count in server.refused.items():
        refused.add_metric([reason], count)
    yield refused


def _about_lanes(lanes: Sequence[Lane]) -> Iterator[Metric]:
    states = {lane.name: lane.state for lane in lanes}

    def counter(name: str, text: str, value: Callable[[Lane], float]) -> Metric:
        family = CounterMetricFamily(PREFIX + name, text, labels=["output"])
        for lane in lanes:
            family.add_metric([lane.name], value(lane))
        return family

    def gauge(name: str, text: str, value: Callable[[Lane], float]) -> Metric:
        family = GaugeMetricFamily(PREFIX + name, text, labels=["output"])
        for lane in lanes:
            family.add_metric([lane.name], value(lane))
        return family

    yield counter("output_events_sent", "Events the output took.", lambda o: o.tally.sent)
    yield counter(
        "output_events_unwanted",
        "Events that min_severity, classes or agent_events keep from the output.",
        lambda o: o.unwanted,
    )
    yield counter("output_bytes", "Bytes handed over.", lambda o: o.counts.bytes)
    yield counter("output_events_truncated", "Events cut to fit.", lambda o: o.counts.truncated)
    yield counter(
        "event_format_errors",
        "Fields left out because the format refuses them.",
        lambda o: o.counts.format_errors,
    )
    yield counter(
        "output_events_repeated",
        "Events held back because the same incident was told of late.",
        lambda o: o.counts.repeated,
    )
    yield counter("output_reconnects", "Times reopened.", lambda o: o.tally.reconnects)
    yield counter("output_send_seconds", "Time spent writing.", lambda o: o.tally.seconds)
    yield gauge("output_connected", "Whether the output is open.", lambda o: o.connected)
    yield gauge(
        "output_last_success_timestamp_seconds",
        "When the output last took an event, 0 for never.",
        lambda o: o.tally.last_success,
    )
    yield gauge("output_last_seq", "Number of the newest event.", lambda o: states[o.name].last_seq)
    yield gauge("queue_events", "Events waiting.", lambda o: states[o.name].events)
    yield gauge("queue_bytes", "Bytes waiting.", lambda o: states[o.name].bytes)
    yield gauge("queue_capacity_bytes", "Bound of the queue.", lambda o: states[o.name].capacity)
    yield gauge(
        "queue_oldest_event_timestamp_seconds",
        "When the first waiting event came, 0 for none.",
        lambda o: states[o.name].oldest or 0.0,
    )
    yield counter(
        "output_events_resent",
        "Events written again because a connection broke before they were known to have arrived.",
        lambda o: o.tally.resent,
    )
    yield gauge("journal_enabled", "Whether there is to be a journal.", lambda o: o.has_journal)
    yield gauge(
        "journal_degraded",
        "Whether events wait in memory because the journal cannot be written.",
        lambda o: bool(o.queue.trouble),
    )
    yield counter(
        "journal_sync_errors",
        "Times that the disk refused to make sure of what was written.",
        lambda o: o.queue.sync_errors,
    )
    yield gauge("journal_bytes", "Bytes on disk.", lambda o: states[o.name].journal_bytes)
    yield gauge("journal_segments", "Files on disk.", lambda o: states[o.name].journal_segments)
    yield from _by_reason(lanes)


def _by_reason(lanes: Sequence[Lane]) -> Iterator[Metric]:
    dropped = CounterMetricFamily(
        PREFIX + "output_events_dropped",
        "Events numbered for this output and never sent.",
        labels=["output", "reason"],
    )
    errors = CounterMetricFamily(
        PREFIX + "output_errors", "Failed attempts to write.", labels=["output", "error_type"]
    )
    for lane in lanes:
        for reason, count in lane.dropped.items():
            dropped.add_metric([lane.name, reason], count)
        for kind, count in lane.tally.errors.items():
            errors.add_metric([lane.name, kind], count)
    yield dropped
    yield errors


def _about_sense(samples: Iterable[Sample], taken: set[str]) -> Iterator[Metric]:
    """Yield the samples of sense as metrics; what is no metric of ours is left out and counted.

    A name that ends in `_total` is a counter, any other a gauge.
    """
    families: dict[str, Metric] = {}
    labels: dict[str, tuple[str, ...]] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    left_out = 0
    for number, sample in enumerate(samples):
        short = sample.name.removeprefix(PREFIX)
        keys = tuple(sorted(sample.labels))
        values = tuple(sample.labels[key] for key in keys)
        fits = number < MAX_SAMPLES and _is_sound(short, keys, values)
        name = PREFIX + short.removesuffix("_total")
        if not fits or name in taken or (short, values) in seen:
            left_out += 1
            continue
        if labels.setdefault(short, keys) != keys:
            left_out += 1
            continue
        seen.add((short, values))
        family = families.get(name)
        if family is None:
            family = families[name] = _family(short, keys)
        family.add_sample(PREFIX + short, dict(zip(keys, values, strict=True)), sample.value)
    yield from families.values()
    yield _gauge("link_samples_left_out", "Samples of sense that are no metrics.", left_out)


def _is_sound(name: str, keys: Sequence[str], values: Sequence[str]) -> bool:
    return (
        bool(_NAME.fullmatch(name))
        and all(_NAME.fullmatch(key) for key in keys)
        and all(len(value) <= MAX_LABEL and _LABEL.fullmatch(value) for value in values)
    )


def _family(short: str, keys: Sequence[str]) -> Metric:
    text = "Told by sense."
    if short.endswith("_total"):
        return CounterMetricFamily(PREFIX + short.removesuffix("_total"), text, labels=keys)
    return GaugeMetricFamily(PREFIX + short, text, labels=keys)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, text, value=value)
