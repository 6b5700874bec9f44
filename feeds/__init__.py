"""The shelf of list formats: one file is one format, found by its name.

A format is a module with

* `Config`, a frozen msgspec Struct that forbids unknown fields: the keys under `options:` of a
  list in `catalog.yaml` or in `update.lists`, each with a default where one makes sense;
* `parse(content, config, origin, unused) -> Iterator[Trail]`, which reads `content` from its
  start and yields one trail for each row it understands.

`content` is a binary file that can seek; outer compression is already undone and its size
bounded. `parse` does no other I/O, so its test needs a page and no network. It streams: nothing
is kept for a row. A row that it cannot use goes to `unused.reject`, one that is fine but nothing
to look for (filtered, withdrawn, of a kind that is not matched) to `unused.skip`, each with one
of a few fixed reasons. Content that is not of the format at all raises ValueError and nothing
else. Rubbish may yield nothing; it never hangs. Every key comes from `_indicator.py`, which
refuses what no observed value could equal. A format of lists of harmless things says so with
`HARMLESS = True`: such a list cannot be used for detection.

A format whose lists may be an index and files beside it also has `parts(content)`, which returns
the files that an index names, the most important first, and none for content that is the list
itself. The runner fetches them; `parse` is given a tar of them.

Fetching, limits, the last good copy, merging, counting and the gate are the runner's
(`_update.py` and its neighbours), once for all formats.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO, Protocol

import msgspec

from agent.model import Source, Trail


class Unused(Protocol):
    """Takes note of the rows that become no trail; reasons are fixed texts, never a row's."""

    def reject(self, reason: str, row: str) -> None:
        """Count a row that was not understood; `row` is its text, as the list has it."""

    def skip(self, reason: str) -> None:
        """Count a row that was understood and is nothing to look for."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What the catalogue says about every row of a list, unless the row knows better."""

    source: Source
    info: str = ""
    reference: str = ""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A file beside an index: its name there, and a number that changes with its content."""

    name: str
    version: int


class Format(Protocol):
    """What a module on the shelf offers."""

    Config: type[msgspec.Struct]

    def parse(
        self, content: BinaryIO, config: Any, origin: Origin, unused: Unused
    ) -> Iterator[Trail]:
        """Yield the trails of `content`; raise ValueError where it is not of this format."""
