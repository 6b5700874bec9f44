"""Parse a page with a format, in one line."""

import io
from collections import Counter
from typing import Any

from agent.model import Source, Trail
from feeds import Format, Origin, _shelf
from feeds._unused import Counted

ORIGIN = Origin(source=Source("test"), info="malware", reference="test.example")


def parse(
    name: str, page: bytes, origin: Origin = ORIGIN, **options: Any
) -> tuple[list[Trail], Counter[str]]:
    """Return the trails of `page` and why rows were rejected."""
    format_: Format = _shelf.load(name, "test.format")
    counted = Counted()
    trails = format_.parse(
        io.BytesIO(page),
        format_.Config(**options),
        origin,
        counted,
    )
    found = list(trails)
    return found, Counter({reason: row.count for reason, row in counted.rejected.items()})


def skipped(name: str, page: bytes, **options: Any) -> Counter[str]:
    """Return why rows of `page` were passed over."""
    format_: Format = _shelf.load(name, "test.format")
    counted = Counted()
    list(format_.parse(io.BytesIO(page), format_.Config(**options), ORIGIN, counted))
    return counted.skipped


def keys(name: str, page: bytes, **options: Any) -> list[str]:
    """Return the keys of `page` only."""
    return [trail.key for trail in parse(name, page, **options)[0]]
