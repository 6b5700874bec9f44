"""How many events of which class and severity there were, whatever outputs take of them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from agent.deliver.entry import severity_word
from agent.deliver.metrics_prefix import PREFIX
from agent.model import Event

MAX_CLASSES = 100
"""There are some fifty. A class is a word of sense, which parses hostile bytes."""

OTHER = "other"
_CLASS = re.compile(r"(?:trail|behaviour|agent)-[a-z0-9_-]{1,40}")


class EventCounts:
    """Counts events; one thread counts, others read."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._classes: set[str] = set()

    def add(self, events: Iterable[Event]) -> None:
        """Count events."""
        for event in events:
            self._counts[self._class_of(event), severity_word(event.severity_id)] += 1

    def metrics(self) -> Iterator[Metric]:
        """Yield the counts."""
        family = CounterMetricFamily(
            f"{PREFIX}events", "Events made or taken over.", labels=["class", "severity"]
        )
        for (class_id, severity), count in sorted(self._counts.copy().items()):
            family.add_metric([class_id, severity], count)
        yield family

    def _class_of(self, event: Event) -> str:
        name = event.class_id
        if name in self._classes:
            return name
        if len(self._classes) >= MAX_CLASSES or not _CLASS.fullmatch(name):
            return OTHER
        self._classes.add(name)
        return name
