"""The shelf of list formats: one file is one format, found by its name.

A format is a module with

* `Config`, a frozen msgspec Struct that forbids unknown fields: the keys under `options:` of a
  list in `catalog.yaml` or in `update.lists`, each with a default where one makes sense;
* `parse(content, config, origin, reject) -> Iterator[Trail]`, which reads `content` from its
  start and yields one trail for each row it understands.

`content` is a binary file that can seek; outer compression is already undone and its size
bounded. `parse` does no other I/O, so its test needs a page and no network. It streams: nothing
is kept for a row. A row that it cannot use goes to `reject(reason)`, with one of a few fixed
reasons, never with text of the row. Content that is not of the format at all raises ValueError
and nothing else. Rubbish may yield nothing; it never hangs.

Fetching, limits, the last good copy, merging, counting and the gate are the runner's
(`_update.py` and its neighbours), once for all formats.
"""

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Protocol

import msgspec

from agent.model import Source, Trail

Reject = Callable[[str], None]
"""Takes the reason why a row was not understood."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What the catalogue says about every row of a list, unless the row knows better."""

    source: Source
    info: str = ""
    reference: str = ""


class Format(Protocol):
    """What a module on the shelf offers."""

    Config: type[msgspec.Struct]

    def parse(
        self, content: BinaryIO, config: Any, origin: Origin, reject: Reject
    ) -> Iterator[Trail]:
        """Yield the trails of `content`; raise ValueError where it is not of this format."""
