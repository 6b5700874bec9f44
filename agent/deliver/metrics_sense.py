"""What sense told of itself, as metrics: checked again, as it parses hostile bytes.

A label is for ever: what does not look like a metric of ours is left out and counted.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from agent.deliver.metrics_help import HELP, SCANNED
from agent.deliver.metrics_prefix import PREFIX
from agent.link import Sample

MAX_SAMPLES = 500
"""Values of sense in one snapshot: rendering 1,000 takes 33 ms with the interpreter held."""

MAX_LABEL = 64
"""Characters of a label's value: interface, table or list names are shorter."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,100}")
_LABEL = re.compile(r"[A-Za-z0-9_.:@/+ -]*")


def about_sense(samples: Iterable[Sample], taken: set[str]) -> Iterator[Metric]:
    """Yield the samples of sense as metrics, those left out as a number.

    A name that ends in `_total` is a counter, any other a gauge; `taken` are names of deliver.
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
    text = "Samples of sense that are no metrics."
    yield GaugeMetricFamily(PREFIX + "link_samples_left_out", text, value=left_out)


def _is_sound(name: str, keys: Sequence[str], values: Sequence[str]) -> bool:
    return (
        bool(_NAME.fullmatch(name))
        and all(_NAME.fullmatch(key) for key in keys)
        and all(len(value) <= MAX_LABEL and _LABEL.fullmatch(value) for value in values)
    )


def _family(short: str, keys: Sequence[str]) -> Metric:
    text = HELP.get(short, SCANNED if short.startswith("scan_") else "Told by sense.")
    if short.endswith("_total"):
        return CounterMetricFamily(PREFIX + short.removesuffix("_total"), text, labels=keys)
    return GaugeMetricFamily(PREFIX + short, text, labels=keys)
