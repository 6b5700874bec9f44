"""Make an event fit a datagram: optional parts go first, in a fixed order, then texts are cut.

What had to give something carries the tag `truncated`.
"""

from collections.abc import Callable, Iterator

import msgspec

from agent.model import Delivery, Event
from outputs._text import cut

TAG = "truncated"

_TEXTS = (
    "trail",
    "info",
    "reference",
    "indicator",
    "observed",
    "sensor",
    "site",
    "interface",
    "community_id",
    "source_name",
    "destination_name",
)
_LENGTHS = (512, 128, 32)
_LAST_LENGTH = 8
_DISPENSABLE = (
    *("observed", "reference", "site", "interface", "community_id"),
    *("source_name", "destination_name"),
)


class TooBig(ValueError):  # noqa: N818 - it is what the event is
    """Even the smallest form of the event is longer than the limit."""


def fit(
    delivery: Delivery, render: Callable[[Delivery], bytes], limit: int
) -> tuple[bytes, Delivery]:
    """Return what `render` makes of the delivery within `limit` bytes, and the delivery used.

    Raise TooBig where nothing is left to leave out.
    """
    data = render(delivery)
    if len(data) <= limit:
        return data, delivery
    for event in _smaller(delivery.event):
        delivery = msgspec.structs.replace(delivery, event=event)
        data = render(delivery)
        if len(data) <= limit:
            return data, delivery
    raise TooBig(f"{len(data)} bytes when cut to the last, more than {limit}")


def _smaller(event: Event) -> Iterator[Event]:
    """Yield the event with ever less in it."""
    change = msgspec.structs.replace
    event = change(event, tags=(*event.tags, TAG), samples=())
    yield event
    event = change(event, evidence={})
    yield event
    event = change(event, sources=event.sources[:1])
    yield event
    if event.dns:
        event = change(event, dns=change(event.dns, answers=()))
        yield event
    event = change(event, tls=None)
    yield event
    event = change(event, http=None)
    yield event
    event = change(event, dns=None)
    yield event
    for length in _LENGTHS:
        texts = {name: cut(getattr(event, name), length) for name in _TEXTS}
        event = change(event, tags=(TAG,), sources=(), **texts)
        yield event
    event = change(event, **dict.fromkeys(_DISPENSABLE, ""))
    yield event
    yield change(event, **{name: cut(getattr(event, name), _LAST_LENGTH) for name in _TEXTS})
