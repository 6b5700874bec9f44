"""The metrics endpoint's content: plain counters of deliver and the last snapshot of sense.

Strategy: nothing is counted in the library; one collector reads plain numbers when scraped.
"""

import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from agent import __version__
from agent.deliver.lane import Lane
from agent.deliver.metrics_lanes import about_lanes
from agent.deliver.metrics_prefix import PREFIX
from agent.deliver.metrics_sense import about_sense
from agent.deliver.server import Server
from agent.reloads import Reloads

SNAPSHOT_LIFE = 120.0
"""Seconds after which the numbers of a sense that went away are no longer shown."""

Lanes = Callable[[], Sequence[Lane]]
Metrics = Callable[[], Iterable[Metric]]


class _Collector(Collector):
    """Yields all metrics of the agent."""

    def __init__(self, server: Server, lanes: Lanes, others: Sequence[Metrics]) -> None:
        self._server = server
        self._lanes = lanes
        self._others = others
        self._started = time.time()

    def collect(self) -> Iterator[Metric]:
        """Yield deliver's own metrics, then those of sense that do not clash with them."""
        own = [
            *(*self._about_process(), *_about_link(self._server), *about_lanes(self._lanes())),
            *(metric for other in self._others for metric in other()),
        ]
        yield from own
        sense = self._server.sense
        if sense.snapshot and time.monotonic() - sense.snapshot_at < SNAPSHOT_LIFE:
            taken = {metric.name for metric in own}
            yield from about_sense(sense.snapshot.samples, taken)

    def _about_process(self) -> Iterator[Metric]:
        build = {"version": __version__, "python": platform.python_version()}
        yield InfoMetricFamily(PREFIX + "build", "What runs.", build)
        yield _gauge("deliver_start_time_seconds", "When deliver started.", self._started)


def page(server: Server, lanes: Lanes, *others: Metrics) -> Callable[[], bytes]:
    """Return the function that renders all metrics; `others` yield those of other rooms."""
    registry = CollectorRegistry()
    registry.register(_Collector(server, lanes, others))
    ProcessCollector(registry=registry)

    def render() -> bytes:
        return generate_latest(registry)

    return render


def about_http(refused: int) -> Iterator[Metric]:
    """Yield what our own HTTP server counted."""
    yield _counter("http_refused", "Connections beyond the bound.", refused)


def about_reloads(reloads: Reloads) -> Iterator[Metric]:
    """Yield how the last reload of deliver went."""
    name = "deliver_config_last_reload"
    yield _gauge(f"{name}_successful", "Whether deliver took over the last.", reloads.is_good)
    text = "When deliver last took over settings."
    yield _gauge(f"{name}_success_timestamp_seconds", text, reloads.last_good)


def _about_link(server: Server) -> Iterator[Metric]:
    sense = server.sense
    yield _gauge("link_connected", "Whether sense is connected.", sense.connected)
    said = time.time() - (time.monotonic() - sense.snapshot_at) if sense.snapshot else 0.0
    text = "When sense last told its counters, 0 for never."
    yield _gauge("link_last_snapshot_timestamp_seconds", text, said)
    yield _counter("link_events", "Events taken over from sense.", server.events)
    yield _counter("link_duplicates", "Events sense sent again, dropped.", server.duplicates)
    refused = CounterMetricFamily(
        PREFIX + "link_refused", "Connections refused or closed for a fault.", labels=["reason"]
    )
    for reason, count in server.refused.items():
        refused.add_metric([reason], count)
    yield refused


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, text, value=value)
