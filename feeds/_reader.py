"""One list in use, ready to be read: its settings, its format, and the checks of a new copy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.config import ConfigError, Update, convert
from agent.model import Trail
from feeds import Format, Part, Unused, _catalog, _content, _shelf
from feeds._catalog import Feed
from feeds._trouble import Unfit
from feeds._unused import Counted

SHRINK_FLOOR = 40
"""Below this many rows a list may shrink as it likes: five addresses become two on any day."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A list, its format and the format's settings."""

    feed: Feed
    format: Format
    config: Any

    def trails(self, path: Path, unused: Unused) -> Iterator[Trail]:
        """Yield the trails of a stored copy; raise ValueError where it is not what it should be."""
        with _content.opened(path, self.feed.max_expanded_mb << 20) as content:
            _content.refuse_foreign(content)
            yield from self.format.parse(content, self.config, self.feed.origin, unused)

    def parts(self, path: Path) -> Sequence[Part]:
        """Return the files that a new copy names as parts of the list; raise ValueError."""
        find = getattr(self.format, "parts", None)
        if find is None:
            return ()
        with _content.opened(path, self.feed.max_expanded_mb << 20) as content:
            found: Sequence[Part] = find(content)
            return found


def readers(update: Update) -> list[Reader]:
    """Return the lists in use, by name; raise ConfigError naming what is wrong with one."""
    return [reader_of(feed) for feed in _catalog.enabled(update)]


def reader_of(feed: Feed) -> Reader:
    """Find the format of a list and check its options; raise ConfigError."""
    format_ = _shelf.load(feed.format, f"{feed.name}.format")
    if getattr(format_, "HARMLESS", False) and feed.use != "protect":
        raise ConfigError(
            f"{feed.name}.use: {feed.format} lists what is harmless; expected protect"
        )
    return Reader(feed, format_, convert(feed.options, format_.Config, f"{feed.name}.options"))


def inspect(reader: Reader, path: Path, rows_before: int) -> tuple[int, Counted]:
    """Read a new copy to its end; return its rows, and what became of those that are no trails.

    Raise ValueError where it must not replace the last good copy, which had `rows_before` rows
    (0 accepts any number): not the format, empty, mostly rejected, or shrunk by more than half.
    """
    counted = Counted()
    rows = sum(1 for _ in reader.trails(path, counted))
    refused = counted.refused
    if not rows and refused:
        raise Unfit("rejected", f"all {refused} rows were rejected ({_example(counted)})")
    if not rows and not reader.feed.may_be_empty:
        passed = counted.skipped.total()
        raise Unfit("empty", f"is empty ({passed} rows were passed over)" if passed else "is empty")
    if refused > rows:
        said = f"{refused} of {rows + refused} rows were rejected ({_example(counted)})"
        raise Unfit("rejected", said)
    if rows_before >= SHRINK_FLOOR and rows * 2 < rows_before:
        raise Unfit(
            "shrunk",
            f"shrank from {rows_before} to {rows} rows; if that is right, run: "
            f"maltrail-agent update --force {reader.feed.name}",
        )
    return rows, counted


def _example(counted: Counted) -> str:
    samples = counted.rejected[counted.worst].samples
    return f"{counted.worst}, such as {samples[0]!r}"
